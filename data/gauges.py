"""The line and the platforms' limits at a glance."""

from __future__ import annotations

from dataclasses import dataclass

from data import casebook, desk, jobs
from data.store import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """How many wait, since when the first of them; `pace` in seconds a picture."""

    waiting: int
    executing: int
    held: int
    oldest: float | None
    pace: float | None
    usual_service: float | None
    unposted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """How full one of a platform's windows is, as the platform told it last."""

    platform: str
    endpoint: str
    name: str
    used: int
    capacity: int
    resets_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A platform nothing is written to; `until` is None where a person has to look."""

    platform: str
    reason: str
    until: float | None


def queue(c: Connection) -> Queue:
    states = dict(casebook.choices(c, "state"))
    oldest = c.execute(
        "SELECT created_at FROM jobs WHERE state IN ('available', 'retryable') ORDER BY id LIMIT 1"
    ).fetchone()
    unposted = c.execute(
        "SELECT count(*) AS n FROM (SELECT 1 FROM outbox WHERE state IN ('pending', 'unclear')"
        " LIMIT 1000)"
    ).fetchone()
    return Queue(
        waiting=states.get("waiting", 0),
        executing=states.get("painting", 0),
        held=states.get("held", 0),
        oldest=oldest["created_at"] if oldest else None,
        pace=jobs.pace(c),
        usual_service=desk.service_seconds(c),
        unposted=unposted["n"],
    )


def windows(c: Connection, now: float) -> list[Window]:
    """Windows that run, the fullest first."""
    rows = c.execute(
        "SELECT platform, endpoint, name, used, capacity, resets_at FROM windows"
        " WHERE resets_at > ? AND used > 0 ORDER BY used * 1.0 / capacity DESC",
        (now,),
    )
    return [Window(**dict(row)) for row in rows]


def stops(c: Connection, now: float) -> list[Stop]:
    """What is paused, or waits for a person."""
    rows = c.execute(
        "SELECT platform, reason, NULL AS until FROM breakers UNION ALL"
        " SELECT platform, endpoint || ' is paused', until FROM pauses WHERE until > ?",
        (now,),
    )
    return [Stop(**dict(row)) for row in rows]
