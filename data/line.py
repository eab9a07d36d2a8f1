"""What may be told about the line: one wish's ticket, and the whole at a glance."""

from __future__ import annotations

from data import jobs
from data.store import Connection
from data.words import Job, JobState, Ticket


def ticket(c: Connection, platform: str, source_id: str, now: float) -> Ticket | None:
    """Where the wish of a mention stands; None where no such mention was received."""
    job = jobs.by_source(c, platform, source_id)
    if job is not None:
        return _of_job(c, job, now)
    row = c.execute(
        "SELECT state, reason FROM queue_log WHERE platform = ? AND post = ?",
        (platform, source_id),
    ).fetchone()
    return Ticket(state=row["state"], reason=row["reason"]) if row else None


def _of_job(c: Connection, job: Job, now: float) -> Ticket:
    pace = jobs.pace(c)
    if job.state is JobState.EXECUTING and job.claimed_at is not None:
        spent = now - job.claimed_at
        eta = max(0.0, pace * job.prompt.count - spent) if pace is not None else None
        return Ticket(state=job.state, job_id=job.id, position=0, eta=eta)
    if job.state in (JobState.AVAILABLE, JobState.RETRYABLE):
        pictures = jobs.ahead(c, job.id) + job.prompt.count
        return Ticket(
            state=job.state,
            job_id=job.id,
            position=jobs.position(c, job.id),
            eta=pictures * pace if pace is not None else None,
            reason=job.reason,
        )
    return Ticket(state=job.state, job_id=job.id, reason=job.reason)
