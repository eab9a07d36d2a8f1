"""What a check is: it looks at one subject and rules.

A check is one file in `moderation/checks/`, named in `MURALIST_CHECKS`, with a
constant `STAGES` and a function `open(settings) -> Look`, which may read what it needs.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data.words import Circumstances, Prompt, Stage, Verdict

#: Looks of one check at the same time.
LANES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSettings:
    """What checks may be told when they are opened.

    `classifier` is a folder or hub id of an image classifier, `standards` a file of
    thresholds instead of `moderation/standards.toml`.
    """

    classifier: str = ""
    standards: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is looked at: always the wish, at the later stages the image's bytes as well.

    `photo` says that a photo of somebody's is to be redrawn, `fingerprint` is the
    image's, as in `moderation.fingerprint`.
    """

    prompt: Prompt
    image: bytes | None = None
    photo: bool = False
    fingerprint: int = 0
    circumstances: Circumstances = field(default_factory=Circumstances)


#: Called in a thread; may be slow, may raise: then a moderator decides.
Look = Callable[[Subject], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`seconds` is how long it may look before a moderator decides instead.

    `lanes` bounds the looks under way: those that never end don't pile up for ever.
    """

    name: str
    stages: frozenset[Stage]
    look: Look
    seconds: float = 10.0
    lanes: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(LANES))


def load(names: Sequence[str], settings: CheckSettings | None = None) -> tuple[Check, ...]:
    """The checks of these names. A check that cannot be opened stops the start: fail closed."""
    settings = settings or CheckSettings()
    modules = [(name, importlib.import_module(f"moderation.checks.{name}")) for name in names]
    return tuple(
        Check(name=name, stages=frozenset(module.STAGES), look=module.open(settings))
        for name, module in modules
    )
