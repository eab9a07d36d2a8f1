"""A wish's journal in words a moderator reads at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data.journal import Line
from data.words import Event

_TITLES: Mapping[Event, str] = {
    Event.MENTION: "Tagged the bot",
    Event.PROMPT: "Read as",
    Event.VERDICT: "Checked",
    Event.ADMIT: "Admitted",
    Event.REFUSE: "Refused",
    Event.BATCH: "Painting began",
    Event.PICTURE: "Painted",
    Event.RETRY: "Will be tried again",
    Event.RESCUE: "Taken back from a dead process",
    Event.DISCARD: "Given up",
    Event.CANCEL: "Taken back",
    Event.HOLD: "Held for a person",
    Event.REPLY: "Reply written",
    Event.RECEIPT: "Reply posted",
    Event.PARK: "Reply given up",
    Event.DOUBT: "Outcome unclear",
    Event.SILENCE: "Left unsaid",
    Event.FORGET: "Forgotten",
    Event.EXPIRE: "Waited too long",
    Event.REPORT: "Reported or appealed",
    Event.REMOVE: "Taken off the platform",
    Event.CONSENT: "Whoever posted the photo",
}
#: Facts of a line that are told in its sentence, or nowhere.
_SILENT = ("pictures", "asked_at", "checks", "category", "intent", "ignored")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line: when, what, its plain facts, and whether it was an objection."""

    at: float
    title: str
    facts: tuple[tuple[str, str], ...]
    objection: bool


def told(line: Line) -> Step:
    detail = line.detail
    facts = [
        (name.replace("_", " "), _plain(value))
        for name, value in detail.items()
        if name not in _SILENT and value not in (None, "", [], (), {}, False)
    ]
    facts += [(f"{name} score", f"{value:.3f}") for name, value in _scores(detail)]
    ruling = detail.get("ruling")
    return Step(
        at=line.at,
        title=_TITLES.get(line.event, str(line.event)),
        facts=tuple(facts),
        objection=ruling not in (None, "allow") or line.event in (Event.HOLD, Event.REFUSE),
    )


def _scores(detail: Mapping[str, Any]) -> list[tuple[str, float]]:
    return [
        score for check in detail.get("checks", ()) for score in check.get("scores", {}).items()
    ]


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "yes" if value is True else str(value)
