"""What a policy is: a pure judgement of an ask.

A policy is one file in `ratelimit/policies/`, named in `MURALIST_POLICIES`, with
a function `decide(ask, usage, now) -> Decision`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence

from data.words import Ask, Decision, Usage

#: `now` is the moment of the ask. Pure: same arguments, same decision.
Policy = Callable[[Ask, Usage, float], Decision]


def load(names: Sequence[str]) -> tuple[Policy, ...]:
    """The policies of these names, in this order."""
    return tuple(importlib.import_module(f"ratelimit.policies.{name}").decide for name in names)
