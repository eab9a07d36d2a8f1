"""The limits that people set: tiers, caps, temporary limits; and who changed them, and why.

What is not set here is as the code's defaults say (`ratelimit/tiers.py`). A change
is in force with the next wish, in every process.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data import lanes, ledger
from data.store import Connection
from data.words import Account, Effort, TemporaryLimit, Terms, Tier

#: What can be set of a tier; `floor_steps` and `floor_size` are the two halves of its floor.
SETTABLE = (
    "daily",
    "burst",
    "every",
    "in_hand",
    "weight",
    "opens_at",
    "share",
    "min_age",
    "floor_steps",
    "floor_size",
    "wait",
)
#: For whom a cap can be set: each circle, each channel, everybody together.
SCOPES = ("circle", "channel", "total")
#: Who is named where the controller set a temporary limit.
MELTING = "melting"

COLUMNS = ", ".join(f"t.{name}" for name in SETTABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A line of the record of changes."""

    at: float
    who: str
    what: str
    why: str
    detail: dict[str, Any]


def of_tier(c: Connection, tier: Tier, default: Terms) -> Terms:
    """What a tier may have now."""
    row = c.execute(f"SELECT {COLUMNS} FROM tiers t WHERE tier = ?", (tier,)).fetchone()
    return merged(default, tuple(row)) if row else default


def all_tiers(c: Connection, defaults: Mapping[Tier, Terms]) -> dict[Tier, Terms]:
    return {tier: of_tier(c, tier, default) for tier, default in defaults.items()}


@functools.lru_cache(maxsize=256)
def merged(default: Terms, own: tuple[float | None, ...]) -> Terms:
    """A tier's defaults, and what was set instead, in the order of `SETTABLE`."""
    found = {name: value for name, value in zip(SETTABLE, own, strict=True) if value is not None}
    floor = Effort(
        steps=found.pop("floor_steps", default.floor.steps),
        size=found.pop("floor_size", default.floor.size),
    )
    return dataclasses.replace(default, floor=floor, **found)  # type: ignore[arg-type]  # by column


def set_tier(
    c: Connection, tier: Tier, fields: Mapping[str, float | None], who: str, why: str, now: float
) -> None:
    """Change what a tier may have; None goes back to the default. Names as in `SETTABLE`."""
    names = list(fields)
    unknown = set(names) - set(SETTABLE)
    if unknown:
        raise ValueError(f"A tier has no {', '.join(sorted(unknown))}.")
    c.execute(
        f"INSERT INTO tiers (tier, {', '.join(names)}) VALUES (?{', ?' * len(names)})"
        f" ON CONFLICT DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in names)}",
        (tier, *fields.values()),
    )
    _note(c, who, f"tier {tier}", why, now, **fields)


def assign(
    c: Connection,
    account: Account,
    tier: Tier,
    who: str,
    why: str,
    now: float,
    *,
    until: float | None = None,
) -> None:
    """Give an account a tier, for good or until a moment."""
    ledger.set_tier(c, account, tier, now, until=until)
    about = f"{account.platform}/{account.user_id}"
    _note(c, who, f"account {about}", why, now, tier=tier, until=until)


def assign_circle(
    c: Connection,
    circle: str,
    tier: Tier | None,
    who: str,
    why: str,
    now: float,
    *,
    until: float | None = None,
) -> None:
    """Give everybody in a guild (or on a platform) at least a tier, or (None) no longer."""
    if tier is None:
        c.execute("DELETE FROM circle_tiers WHERE circle = ?", (circle,))
    else:
        c.execute(
            "INSERT OR REPLACE INTO circle_tiers (circle, tier, until) VALUES (?, ?, ?)",
            (circle, tier, until),
        )
    _note(c, who, f"circle {circle}", why, now, tier=tier, until=until)


def set_cap(
    c: Connection, scope: str, key: str, daily: int | None, who: str, why: str, now: float
) -> None:
    """Cap the units a UTC day of a circle, a channel or all together; None lifts it.

    `key` is "*" for each that has none of its own, and "" for the total.
    """
    if scope not in SCOPES:
        raise ValueError(f"There are no caps for a {scope}; there are: {', '.join(SCOPES)}.")
    if daily is None:
        c.execute("DELETE FROM caps WHERE scope = ? AND key = ?", (scope, key))
    else:
        c.execute(
            "INSERT OR REPLACE INTO caps (scope, key, daily) VALUES (?, ?, ?)", (scope, key, daily)
        )
    _note(c, who, f"cap {scope} {key}".rstrip(), why, now, daily=daily)


def weigh_circle(c: Connection, circle: str, weight: float, who: str, why: str, now: float) -> None:
    """Give a circle another share of the line than its neighbours have."""
    lanes.weigh_circle(c, circle, weight)
    _note(c, who, f"weight {circle}", why, now, weight=weight)


def announce(
    c: Connection,
    tier: Tier,
    reason: str,
    until: float,
    who: str,
    now: float,
    *,
    daily: int | None = None,
    backlog: float | None = None,
) -> int:
    """Set a temporary limit on a tier, in place of one of the same author's kind."""
    lift(c, tier, who, "replaced", now, melting=who == MELTING)
    row = c.execute(
        "INSERT INTO temporary_limits (tier, daily, backlog, reason, by, since, until)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (tier, daily, backlog, reason, who, now, until),
    ).fetchone()
    _note(c, who, f"limit {tier}", reason, now, daily=daily, backlog=backlog, until=until)
    return int(row["id"])


def adjust(c: Connection, limit: TemporaryLimit, backlog: float, until: float) -> None:
    """The controller has measured again: another size, another expected end."""
    c.execute(
        "UPDATE temporary_limits SET backlog = ?, until = ? WHERE id = ? AND lifted_at IS NULL",
        (backlog, until, limit.id),
    )


def lift(c: Connection, tier: Tier, who: str, why: str, now: float, *, melting: bool) -> bool:
    """End a tier's temporary limit, the controller's or the one set by hand."""
    changed = c.execute(
        "UPDATE temporary_limits SET lifted_at = ?"
        " WHERE tier = ? AND lifted_at IS NULL AND (by = ?) = ?",
        (now, tier, MELTING, melting),
    )
    if changed.rowcount:
        _note(c, who, f"lift {tier}", why, now)
    return bool(changed.rowcount)


def lift_expired(c: Connection, now: float) -> int:
    """End what was set by hand and is over; return how many."""
    rows = c.execute(
        "UPDATE temporary_limits SET lifted_at = ? WHERE lifted_at IS NULL AND by <> ?"
        " AND until <= ? RETURNING tier, by",
        (now, MELTING, now),
    ).fetchall()
    for row in rows:
        _note(c, row["by"], f"lift {row['tier']}", "it was announced until now", now)
    return len(rows)


def in_force(c: Connection, tier: Tier | None = None) -> list[TemporaryLimit]:
    """The temporary limits, of one tier or of all, oldest first."""
    rows = c.execute(
        "SELECT * FROM temporary_limits WHERE lifted_at IS NULL AND (? IS NULL OR tier = ?)"
        " ORDER BY id",
        (tier, tier),
    )
    return [limit_of(row) for row in rows]


def limits_since(c: Connection, since: float) -> list[TemporaryLimit]:
    """Every temporary limit that was in force after a moment, oldest first."""
    rows = c.execute(
        "SELECT * FROM temporary_limits WHERE lifted_at IS NULL OR lifted_at >= ? ORDER BY id",
        (since,),
    )
    return [limit_of(row) for row in rows]


def changes(c: Connection, limit: int = 50) -> list[Change]:
    """The newest changes, newest first."""
    rows = c.execute("SELECT * FROM changes ORDER BY id DESC LIMIT ?", (limit,))
    return [
        Change(
            at=row["at"],
            who=row["who"],
            what=row["what"],
            why=row["why"],
            detail=json.loads(row["detail"]),
        )
        for row in rows
    ]


def limit_of(row: Any) -> TemporaryLimit:
    return TemporaryLimit(
        id=row["id"],
        tier=Tier(row["tier"]),
        reason=row["reason"],
        since=row["since"],
        until=row["until"],
        by=row["by"],
        daily=row["daily"],
        backlog=row["backlog"],
        lifted_at=row["lifted_at"],
    )


def _note(c: Connection, who: str, what: str, why: str, now: float, **detail: object) -> None:
    c.execute(
        "INSERT INTO changes (at, who, what, why, detail) VALUES (?, ?, ?, ?, ?)",
        (now, who, what, why, json.dumps(detail)),
    )
