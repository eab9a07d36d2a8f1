"""What may be told about the line: one wish's ticket, and the whole at a glance."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

from data import desk, drain, jobs, lanes, melting, promises
from data.drain import Flow
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


def promise(
    c: Connection, wishes: Sequence[tuple[int, Tier]], now: float, *, alone: Collection[int] = ()
) -> None:
    """Estimate wishes (job and tier) that have just entered, and keep that to be measured by.

    Nothing else waits in the tiers of those that are `alone`.
    """
    ahead = lanes.ahead_of_all(c, [job_id for job_id, _ in wishes if job_id not in alone])
    places = [(tier, ahead.get(job_id, NOTHING)) for job_id, tier in wishes]
    # No spans at all before anything was drawn.
    for (job_id, tier), span in zip(wishes, _spans(c, places, now), strict=False):
        promises.make(c, job_id, tier, *span, now)


def _of_job(c: Connection, job: Job, now: float) -> Ticket:
    told = Ticket(state=job.state, job_id=job.id, reason=job.reason, units=job.prompt.units)
    if job.state is JobState.EXECUTING and job.claimed_at is not None:
        rest = max(0.0, jobs.drawing_time(c) - (now - job.claimed_at))
        return _estimated(c, dataclasses.replace(told, position=0), job, (rest, rest))
    if job.state in (JobState.AVAILABLE, JobState.RETRYABLE):
        ahead = lanes.ahead(c, job.id)
        told = dataclasses.replace(told, position=ahead.jobs + 1)
        return _estimated(c, told, job, next(iter(_spans(c, [(job.tier, ahead)], now)), None))
    if job.state is JobState.HELD:
        return dataclasses.replace(told, eta=desk.eta(c, job.id, now))
    return told


def _spans(
    c: Connection, places: Sequence[tuple[Tier, Ahead]], now: float
) -> list[tuple[float, float]]:
    """Seconds until waiting jobs are drawn if effort is lowered as foreseen, and if it isn't.

    None for any of them before something was drawn.
    """
    drawing = jobs.drawing_time(c) if places else 0.0
    if not drawing:
        return []
    since = jobs.on_easel_since(c)
    rest = 0.0 if since is None else max(0.0, drawing - (now - since))
    flowing = melting.flows(c) if any(ahead.share for _, ahead in places) else ()
    spans = []
    for tier, ahead in places:
        waits = [_wait(flows, tier, ahead.share) for flows in flowing] or [0.0]
        spans.append((rest + min(waits) + drawing, rest + waits[-1] + drawing))
    return spans


def _wait(flows: Mapping[Tier, Flow], tier: Tier, share: float) -> float:
    """Seconds until such a share of what waits of a tier is drawn."""
    return drain.reached(flows, {tier: flows[tier].waiting * share})[tier] if share else 0.0


def _estimated(c: Connection, told: Ticket, job: Job, span: tuple[float, float] | None) -> Ticket:
    if span is None:
        return told
    found = promises.estimate(c, job.tier, *span)
    return dataclasses.replace(told, eta=found.eta, soonest=found.soonest, latest=found.latest)
