"""What a check is: it looks at one subject and rules.

A check is one file in `moderation/checks/`, named in `MURALIST_CHECKS`, with a
constant `STAGE` and a function `open() -> Look`, which may load what it needs.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from data.words import Prompt, Stage, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is looked at: always the wish, and at the later stages the image's bytes."""

    prompt: Prompt
    image: bytes | None = None


#: Called in a worker thread; may be slow, may raise: then a moderator decides.
Look = Callable[[Subject], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    name: str
    stage: Stage
    look: Look


def load(names: Sequence[str]) -> tuple[Check, ...]:
    """The checks of these names. A check that cannot be opened stops the start: fail closed."""
    modules = [(name, importlib.import_module(f"moderation.checks.{name}")) for name in names]
    return tuple(
        Check(name=name, stage=module.STAGE, look=module.open()) for name, module in modules
    )
