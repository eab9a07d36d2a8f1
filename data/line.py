"""What may be told about the line: one wish's ticket, and the whole at a glance."""

from __future__ import annotations

import dataclasses

from data import desk, drain, jobs, lanes, melting, promises
from data.lanes import NOTHING, Ahead
from data.store import Connection
from data.words import Job, JobState, Ticket, Tier


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


def promise(c: Connection, job_id: int, tier: Tier, now: float, *, alone: bool = False) -> None:
    """Estimate a wish that has just entered, and keep the estimate to be measured by.

    `alone`: nothing else waits in its tier.
    """
    ahead = NOTHING if alone else lanes.ahead(c, job_id)
    span = _span(c, tier, ahead, now)
    if span is not None:
        promises.make(c, job_id, tier, *span, now)


def _of_job(c: Connection, job: Job, now: float) -> Ticket:
    told = Ticket(state=job.state, job_id=job.id, reason=job.reason, units=job.prompt.units)
    if job.state is JobState.EXECUTING and job.claimed_at is not None:
        rest = max(0.0, jobs.drawing_time(c) - (now - job.claimed_at))
        return _estimated(c, dataclasses.replace(told, position=0), job, (rest, rest))
    if job.state in (JobState.AVAILABLE, JobState.RETRYABLE):
        ahead = lanes.ahead(c, job.id)
        told = dataclasses.replace(told, position=ahead.jobs + 1)
        return _estimated(c, told, job, _span(c, job.tier, ahead, now))
    if job.state is JobState.HELD:
        return dataclasses.replace(told, eta=desk.eta(c, job.id, now))
    return told


def _span(c: Connection, tier: Tier, ahead: Ahead, now: float) -> tuple[float, float] | None:
    """Seconds until a waiting job is drawn if effort is lowered as foreseen, and if it isn't."""
    drawing = jobs.drawing_time(c)
    if not drawing:
        return None
    since = jobs.on_easel_since(c)
    rest = 0.0 if since is None else max(0.0, drawing - (now - since))
    soon, present = (
        [
            drain.reached(flowing, {tier: flowing[tier].waiting * ahead.share})[tier]
            for flowing in melting.flows(c)
        ]
        if ahead.share
        else (0.0, 0.0)
    )
    return rest + min(soon, present) + drawing, rest + present + drawing


def _estimated(c: Connection, told: Ticket, job: Job, span: tuple[float, float] | None) -> Ticket:
    if span is None:
        return told
    found = promises.estimate(c, job.tier, *span)
    return dataclasses.replace(told, eta=found.eta, soonest=found.soonest, latest=found.latest)
