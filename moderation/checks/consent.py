"""People who do not want to be pictured: no wish of somebody else's may name them."""

from __future__ import annotations

from collections.abc import Callable

from data.words import Ruling, Stage, Verdict
from moderation.check import CheckSettings, Subject

STAGES = {Stage.PROMPT}


def open(_settings: CheckSettings) -> Callable[[Subject], Verdict]:  # noqa: A001  the contract's name
    """The registry comes with the subject; there is nothing to read."""
    return _look


def _look(subject: Subject) -> Verdict:
    if not subject.circumstances.opted_out:
        return Verdict(ruling=Ruling.ALLOW, check="consent")
    return Verdict(
        ruling=Ruling.REFUSE,
        check="consent",
        rule="likeness.opted_out",
        category="likeness",
        reason="somebody it names does not want to be in pictures",
    )
