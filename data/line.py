"""What may be told about the line: one wish's ticket, and the whole at a glance."""

from __future__ import annotations

import dataclasses

from data import desk, jobs, lanes, promises
from data.store import Connection
from data.words import Job, JobState, Ticket


def ticket(c: Connection, platform: str, source_id: str, now: float) -> Ticket | None:
    """Where the wish of a mention stands; None where no such mention was received."""
    job = jobs.by_source(c, platform, source_id)
    if job is not None:
        return _of_job(c, job, now)
    row = c.execute(
        "SELECT iif(r.id IS NULL, l.state, 'asking') AS state, l.reason FROM queue_log l"
        " LEFT JOIN photo_requests r ON r.mention_id = l.mention AND r.answer IS NULL"
        " WHERE l.platform = ? AND l.post = ?",
        (platform, source_id),
    ).fetchone()
    return Ticket(state=row["state"], reason=row["reason"]) if row else None


def promise(c: Connection, job_id: int, now: float) -> None:
    """Estimate a wish that has just entered, and keep the estimate to be measured by."""
    job = jobs.by_id(c, job_id)
    pace = jobs.pace(c, now)
    if job is not None and job.state is JobState.AVAILABLE and pace is not None:
        _, cost = lanes.ahead(c, job_id)
        seconds = _seconds(c, job, cost, pace, now)
        promises.make(c, job_id, job.tier, seconds, now)


def _of_job(c: Connection, job: Job, now: float) -> Ticket:
    told = Ticket(state=job.state, job_id=job.id, reason=job.reason, units=job.prompt.units)
    pace = jobs.pace(c, now)
    if job.state is JobState.EXECUTING and job.claimed_at is not None:
        seconds = None if pace is None else _rest(c, pace, now)
        return _estimated(c, dataclasses.replace(told, position=0), job, seconds)
    if job.state in (JobState.AVAILABLE, JobState.RETRYABLE):
        before, cost = lanes.ahead(c, job.id)
        seconds = None if pace is None else _seconds(c, job, cost, pace, now)
        return _estimated(c, dataclasses.replace(told, position=before + 1), job, seconds)
    if job.state is JobState.HELD:
        return dataclasses.replace(told, eta=desk.eta(c, job.id, now))
    return told


def _seconds(c: Connection, job: Job, ahead: float, pace: float, now: float) -> float:
    """Until a waiting job is drawn: what is on the easel, what is ahead, itself."""
    return _rest(c, pace, now) + (ahead + job.cost) * pace


def _rest(c: Connection, pace: float, now: float) -> float:
    """Until the easel is free."""
    row = c.execute(
        "SELECT coalesce(sum(cost), 0.0) AS cost, min(claimed_at) AS since"
        " FROM jobs WHERE state = 'executing'"
    ).fetchone()
    return max(0.0, row["cost"] * pace - (now - row["since"])) if row["since"] else 0.0


def _estimated(c: Connection, told: Ticket, job: Job, seconds: float | None) -> Ticket:
    if seconds is None:
        return told
    found = promises.estimate(c, job.tier, seconds)
    return dataclasses.replace(told, eta=found.eta, soonest=found.soonest, latest=found.latest)
