"""Where the lines are drawn: `standards.toml`, under what was changed for a tier or guild."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from data.words import Desk, Ladder
from moderation.check import Subject

FILE = Path(__file__).with_name("standards.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standards:
    """What `standards.toml` says."""

    everyone: Mapping[str, float]
    adults: Mapping[str, float]
    ladder: Ladder
    desk: Desk

    def of(self, subject: Subject, name: str) -> float:
        """The threshold `name` that holds for a subject."""
        there = subject.circumstances.standards
        if name in there:
            return there[name]
        if subject.circumstances.adults and name in self.adults:
            return self.adults[name]
        return self.everyone[name]


def read(path: Path | None = None) -> Standards:
    """Raises OSError, or ValueError and KeyError where the file makes no sense."""
    table = tomllib.loads((path or FILE).read_text(encoding="utf-8"))
    strikes, desk = table["strikes"], table["desk"]
    return Standards(
        everyone=table["everyone"],
        adults=table["adults"],
        ladder=Ladder(
            days=strikes["days"],
            steps=tuple((step["strikes"], step["minutes"] * 60.0) for step in strikes["timeouts"]),
        ),
        desk=Desk(
            remind_after=desk["remind_minutes"] * 60.0, expire_after=desk["expire_hours"] * 3600.0
        ),
    )
