"""What the controller remembers between two looks, and the lines it looks at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from data.store import Connection
from data.words import Effort, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class TierLine:
    """A tier's line: units that wait, units ever asked for, and the effort in force."""

    waiting: float
    asked: float
    effort: Effort


def lines(c: Connection) -> dict[Tier, TierLine]:
    """The tiers that anything was ever asked of."""
    marks = ", ".join("?" * len(Tier))
    rows = c.execute(
        f"SELECT tier, cost, asked, steps, size FROM lanes WHERE tier IN ({marks}) AND circle = ''",
        tuple(Tier),
    )
    return {
        Tier(row["tier"]): TierLine(
            waiting=row["cost"],
            asked=row["asked"],
            effort=Effort(steps=row["steps"], size=row["size"]),
        )
        for row in rows
    }


def load(c: Connection) -> tuple[dict[str, Any] | None, float]:
    """The memory, and when it was last written; None and 0 at first."""
    row = c.execute("SELECT state, at FROM melting WHERE id = 1").fetchone()
    return (json.loads(row["state"]), row["at"]) if row else (None, 0.0)


def save(c: Connection, state: dict[str, Any], pace: float | None, now: float) -> None:
    c.execute(
        "INSERT OR REPLACE INTO melting (id, at, pace, state) VALUES (1, ?, ?, ?)",
        (now, pace, json.dumps(state)),
    )
