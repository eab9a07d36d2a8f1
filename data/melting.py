"""What the controller remembers between two looks, and the lines it looks at."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data import jobs
from data.drain import Flow
from data.store import Connection
from data.words import Effort, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class TierLine:
    """A tier's line: units that wait, units ever asked for, and the effort in force."""

    waiting: float
    asked: float
    effort: Effort
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """What a tier's line has to expect. Seconds are of the engine's time, for a unit.

    `soon` where the controller is about to lower the effort, else the same; `coming`
    are units a second.
    """

    seconds: float
    soon: float
    coming: float


def lines(c: Connection) -> dict[Tier, TierLine]:
    """The tiers that anything was ever asked of."""
    marks = ", ".join("?" * len(Tier))
    rows = c.execute(
        "SELECT tier, cost, asked, steps, size, weight FROM lanes"
        f" WHERE tier IN ({marks}) AND circle = ''",
        tuple(Tier),
    )
    return {
        Tier(row["tier"]): TierLine(
            waiting=row["cost"],
            asked=row["asked"],
            effort=Effort(steps=row["steps"], size=row["size"]),
            weight=row["weight"],
        )
        for row in rows
    }


def load(c: Connection) -> tuple[dict[str, Any] | None, float]:
    """The memory, and when it was last written; None and 0 at first."""
    row = c.execute("SELECT state, at FROM melting WHERE id = 1").fetchone()
    return (json.loads(row["state"]), row["at"]) if row else (None, 0.0)


def save(
    c: Connection,
    state: dict[str, Any],
    pace: float | None,
    outlook: Mapping[Tier, Prospect],
    now: float,
) -> None:
    c.execute(
        "INSERT OR REPLACE INTO melting (id, at, pace, state, outlook) VALUES (1, ?, ?, ?, ?)",
        (
            now,
            pace,
            json.dumps(state),
            json.dumps({tier: dataclasses.asdict(found) for tier, found in outlook.items()}),
        ),
    )


def flows(c: Connection) -> tuple[dict[Tier, Flow], dict[Tier, Flow]]:
    """The line as it flows: as it soon will be drawn, and as it is now. Something was drawn."""
    outlook = _outlook(c) or _guess(c)
    soon: dict[Tier, Flow] = {}
    present: dict[Tier, Flow] = {}
    for tier, line in lines(c).items():
        found = outlook[tier]
        for flowing, seconds in ((soon, found.soon), (present, found.seconds)):
            flowing[tier] = Flow(
                waiting=line.waiting * seconds,
                coming=found.coming * seconds,
                weight=line.weight,
            )
    return soon, present


def _outlook(c: Connection) -> dict[Tier, Prospect]:
    row = c.execute("SELECT outlook FROM melting WHERE id = 1").fetchone()
    kept = json.loads(row["outlook"]) if row else {}
    return {Tier(tier): Prospect(**found) for tier, found in kept.items()}


def _guess(c: Connection) -> dict[Tier, Prospect]:
    """From what was drawn lately, before the controller has ever looked."""
    pace = jobs.pace(c) or 0.0
    return dict.fromkeys(Tier, Prospect(seconds=pace, soon=pace, coming=0.0))
