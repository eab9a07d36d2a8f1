"""What a policy is: a pure judgement of an ask.

A policy is one file in `ratelimit/policies/`, named in `MURALIST_POLICIES`, with
a function `decide(ask, usage, now) -> Decision`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence

from data.words import Admit, Ask, Decision, Terms, Usage
from ratelimit.tiers import TERMS

#: Yes, from a policy that counts nothing down.
YES = Admit(left=None)
#: `now` is the moment of the ask. Pure: same arguments, same decision.
Policy = Callable[[Ask, Usage, float], Decision]


def load(names: Sequence[str]) -> tuple[Policy, ...]:
    """The policies of these names, in this order."""
    return tuple(importlib.import_module(f"ratelimit.policies.{name}").decide for name in names)


def terms_of(ask: Ask, usage: Usage) -> Terms:
    """What the asker's tier may have now."""
    return TERMS[ask.tier] if usage.terms is None else usage.terms
