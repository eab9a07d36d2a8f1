"""Estimates: when a wish will be done, how sure that is, and whether it came true.

The model of the line (`data/drain.py`) says how long a wish should take. How far it
is off is learnt from the wishes before (conformal prediction): the interval is what
nine in ten of the last ones of the same kind would have fallen into. What was told
and what became of it is kept, and can be shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from data.lanes import IN_LINE
from data.store import Connection
from data.words import Tier

#: Share of wishes that shall be done inside their interval.
CONFIDENCE = 0.9
#: Share of the last wishes that may have come sooner, and as many later. A little less than
#: would do if tomorrow were as today.
TAIL = (1 - CONFIDENCE) / 2 * 0.7
#: How many of the last wishes of a kind are learnt from, and how often it is looked at them.
LESSONS, TERM = 300, 10
#: Before enough is learnt: from half of what the model says to twice that.
FIRST = 2.0
#: What the model says is always in the interval, with so much room to either side: how it was
#: off lately, before a crowd came, says little of how it will be off now.
LEAST = 1.25
#: Promises the measured share is taken of.
SAMPLE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Seconds from now: most likely, and between what in nine cases of ten."""

    eta: float
    soonest: float
    latest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a wish was told, and how long it took, in seconds."""

    soonest: float
    latest: float
    took: float

    @property
    def came_true(self) -> bool:
        return self.soonest <= self.took <= self.latest


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Of `told` wishes `inside` were done in the interval they were told."""

    told: int
    inside: int

    @property
    def share(self) -> float | None:
        return self.inside / self.told if self.told else None


def estimate(c: Connection, tier: str, first: float, last: float) -> Estimate:
    """The interval around what a wish of a tier should take: between `first` and `last`."""
    low, high = _factors(c, _class(tier, last))
    soonest, latest = first * low, last * high
    return Estimate(eta=math.sqrt(soonest * latest), soonest=soonest, latest=latest)


def make(c: Connection, job_id: int, tier: str, first: float, last: float, now: float) -> None:
    """Keep what a wish that just entered was told."""
    told = estimate(c, tier, first, last)
    c.execute(
        "INSERT INTO promises (job_id, at, class, eta, soonest, latest, first, last)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (job_id, now, _class(tier, last), told.eta, told.soonest, told.latest, first, last),
    )


def unpromised(c: Connection, limit: int) -> list[tuple[int, Tier]]:
    """The newest wishes in line and their tiers, `limit` at most, without those with a promise."""
    rows = c.execute(
        "SELECT j.id, j.tier FROM (SELECT id, tier FROM jobs INDEXED BY jobs_age"
        # What is to wait for a moment of its own says nothing about the line.
        f" WHERE {IN_LINE} AND not_before = 0 ORDER BY created_at DESC LIMIT ?) j"
        " LEFT JOIN promises p ON p.job_id = j.id WHERE p.job_id IS NULL",
        (limit,),
    )
    return [(row["id"], Tier(row["tier"])) for row in rows]


def keep(c: Connection, job_id: int, now: float) -> None:
    """The wish is done: hold the promise against it, and learn."""
    row = c.execute(
        "UPDATE promises SET took = ? - at WHERE job_id = ? AND took IS NULL RETURNING class",
        (now, job_id),
    ).fetchone()
    if row is None:
        return
    (news,) = c.execute(
        "INSERT INTO calibration (class, low, high, news) VALUES (?, ?, ?, 1)"
        " ON CONFLICT DO UPDATE SET news = news + 1 RETURNING news",
        (row["class"], 1 / FIRST, FIRST),
    ).fetchone()
    if news >= TERM:
        _learn(c, row["class"])


def kept(c: Connection) -> list[Kept]:
    """Every promise that can be held against what happened, oldest first."""
    rows = c.execute(
        "SELECT soonest, latest, took FROM promises WHERE took IS NOT NULL ORDER BY job_id"
    )
    return [Kept(soonest=row["soonest"], latest=row["latest"], took=row["took"]) for row in rows]


def coverage(c: Connection) -> Coverage:
    """How many of the last promises came true."""
    row = c.execute(
        "SELECT count(*) AS told, coalesce(sum(took BETWEEN soonest AND latest), 0) AS inside"
        " FROM (SELECT soonest, latest, took FROM promises WHERE took IS NOT NULL"
        " ORDER BY job_id DESC LIMIT ?)",
        (SAMPLE,),
    ).fetchone()
    return Coverage(told=row["told"], inside=row["inside"])


def _factors(c: Connection, of: str) -> tuple[float, float]:
    row = c.execute("SELECT low, high FROM calibration WHERE class = ?", (of,)).fetchone()
    return (row["low"], row["high"]) if row else (1 / FIRST, FIRST)


def _learn(c: Connection, of: str) -> None:
    """Between which factors the last wishes of a kind were off."""
    rows = c.execute(
        "SELECT took / first, took / last FROM promises WHERE class = ? AND took IS NOT NULL"
        " ORDER BY job_id DESC LIMIT ?",
        (of, LESSONS),
    ).fetchall()
    outside = math.floor((len(rows) + 1) * TAIL)
    low, high = 1 / FIRST, FIRST
    if outside:
        low = min(sorted(row[0] for row in rows)[outside - 1], 1 / LEAST)
        high = max(sorted(row[1] for row in rows)[-outside], LEAST)
    c.execute("UPDATE calibration SET low = ?, high = ?, news = 0 WHERE class = ?", (low, high, of))


def _class(tier: str, seconds: float) -> str:
    """Wishes of a tier whose estimates are of the same size are wrong in the same way."""
    return f"{tier}/{math.ceil(math.log2(max(seconds, 1.0)))}"
