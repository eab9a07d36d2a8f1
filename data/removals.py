"""Posts that moderators, or the people in them, want gone: asked for here, done by the platform."""

from __future__ import annotations

from dataclasses import dataclass

from data import journal, outbox
from data.store import Connection
from data.words import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """`attempts` counts this one."""

    id: int
    job_id: int
    post_id: str
    reason: str
    attempts: int


def due(c: Connection, platform: str, now: float) -> bool:
    """Whether there is anything to take down."""
    row = c.execute(
        "SELECT 1 FROM removals WHERE done_at IS NULL AND platform = ? AND not_before <= ? LIMIT 1",
        (platform, now),
    ).fetchone()
    return row is not None


def take(c: Connection, platform: str, limit: int, now: float, again_at: float) -> list[Removal]:
    """Count an attempt at up to `limit` removals; until it has its result, none before `again_at`.

    Taking something down twice is harmless, so a process that dies here leaves nothing unclear.
    """
    rows = c.execute(
        "UPDATE removals SET attempts = attempts + 1, not_before = ? WHERE id IN ("
        " SELECT id FROM removals WHERE done_at IS NULL AND platform = ? AND not_before <= ?"
        " ORDER BY not_before LIMIT ?) RETURNING id, job_id, post_id, reason, attempts",
        (again_at, platform, now, limit),
    ).fetchall()
    return [Removal(**dict(row)) for row in rows]


def done(c: Connection, platform: str, removal: Removal, now: float) -> None:
    """It is gone from the platform."""
    c.execute("UPDATE removals SET done_at = ?, error = NULL WHERE id = ?", (now, removal.id))
    outbox.withdrawn(c, platform, removal.post_id, now)
    mention = c.execute("SELECT mention_id FROM jobs WHERE id = ?", (removal.job_id,)).fetchone()
    journal.note(
        c, mention["mention_id"], Event.REMOVE, now, post=removal.post_id, reason=removal.reason
    )


def failed(c: Connection, removal: Removal, error: str, again_at: float) -> None:
    """Not yet: it is tried again, for as long as it takes."""
    c.execute(
        "UPDATE removals SET error = ?, not_before = ? WHERE id = ?", (error, again_at, removal.id)
    )
