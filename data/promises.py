"""Estimates: when a wish will be done, how sure that is, and whether it came true.

An estimate is what is ahead in the line times the measured pace. How far such
estimates are off is learnt from those before (adaptive conformal inference): after
each wish the factors that make an interval of an estimate move a little, so that in
the long run nine of ten wishes are done inside theirs, whatever the reason for the
others. What was told and what became of it is kept, and can be shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from data.lanes import IN_LINE
from data.store import Connection

#: Share of wishes that shall be done inside their interval.
CONFIDENCE = 0.9
#: Share of wishes that may come sooner, and as many later.
TAIL = (1 - CONFIDENCE) / 2
#: How fast the factors learn, in natural logarithms a wish.
RATE = 0.1
#: Before anything is learnt: from half the estimate to twice it.
FIRST = 2.0
#: The widest factor.
WIDEST = 20.0
#: Promises the measured share is taken of.
SAMPLE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Seconds from now: most likely, and between what in nine cases of ten."""

    eta: float
    soonest: float
    latest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Of `told` wishes `inside` were done in the interval they were told."""

    told: int
    inside: int

    @property
    def share(self) -> float | None:
        return self.inside / self.told if self.told else None


def estimate(c: Connection, tier: str, seconds: float) -> Estimate:
    """The interval around what a wish of a tier should take."""
    low, high = _factors(c, _class(tier, seconds))
    return Estimate(
        eta=seconds * math.sqrt(low * high), soonest=seconds * low, latest=seconds * high
    )


def make(c: Connection, job_id: int, tier: str, seconds: float, now: float) -> None:
    """Keep what a wish that just entered was told."""
    told = estimate(c, tier, seconds)
    c.execute(
        "INSERT INTO promises (job_id, at, class, eta, soonest, latest) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (job_id, now, _class(tier, seconds), told.eta, told.soonest, told.latest),
    )


def unpromised(c: Connection, limit: int) -> list[int]:
    """The newest wishes in line, `limit` of them at most, without those that have a promise."""
    rows = c.execute(
        "SELECT j.id FROM (SELECT id FROM jobs INDEXED BY jobs_age"
        # What is to wait for a moment of its own says nothing about the line.
        f" WHERE {IN_LINE} AND not_before = 0 ORDER BY created_at DESC LIMIT ?) j"
        " LEFT JOIN promises p ON p.job_id = j.id WHERE p.job_id IS NULL",
        (limit,),
    )
    return [row["id"] for row in rows]


def keep(c: Connection, job_id: int, now: float) -> None:
    """The wish is done: hold the promise against it, and learn."""
    row = c.execute(
        "UPDATE promises SET took = ? - at WHERE job_id = ? AND took IS NULL"
        " RETURNING class, soonest, latest, took",
        (now, job_id),
    ).fetchone()
    if row is None:
        return
    low, high = _factors(c, row["class"])
    c.execute(
        "INSERT INTO calibration (class, low, high) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET low = excluded.low, high = excluded.high",
        (
            row["class"],
            _moved(low, TAIL if row["took"] >= row["soonest"] else TAIL - 1),
            _moved(high, 1 - TAIL if row["took"] > row["latest"] else -TAIL),
        ),
    )


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


def _moved(factor: float, by: float) -> float:
    return min(WIDEST, max(1 / WIDEST, factor * math.exp(RATE * by)))


def _class(tier: str, seconds: float) -> str:
    """Wishes of a tier whose estimates are of the same size are wrong in the same way."""
    return f"{tier}/{max(0, math.ceil(math.log(max(seconds, 1.0), 4)))}"
