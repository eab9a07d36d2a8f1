"""The line of jobs: `available → executing → completed | retryable | held | discarded | cancelled`.

A job's state changes, the job is never deleted. Claiming counts the attempt
before the work begins; finishing names the claim it finishes, so a process that
was taken for dead can do no harm when it comes back late.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any

from data import journal, ledger, outbox
from data.store import Connection
from data.words import (
    Account,
    Event,
    Job,
    JobState,
    Mention,
    Picture,
    Prompt,
    Say,
    Tier,
)

#: How deep into the line a batch may look for jobs that fit together.
LOOKAHEAD = 32

#: Processes that may die while drawing one job before it is given up as poisoned.
CRASHES = 3

_IN_LINE = "state IN ('available', 'retryable')"


def insert(
    c: Connection,
    mention_id: int,
    mention: Mention,
    tier: Tier,
    prompt: Prompt,
    seed: int,
    photo: str | None,
    now: float,
    *,
    state: JobState = JobState.AVAILABLE,
    reason: str | None = None,
    not_before: float = 0.0,
) -> int:
    """Put an admitted wish in the line, to be drawn from `not_before`; return its number."""
    account = mention.account
    row = c.execute(
        "INSERT INTO jobs (mention_id, platform, source_id, user_id, handle, tier, prompt, seed,"
        " photo, state, reason, not_before, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " RETURNING id",
        (
            mention_id,
            mention.platform,
            mention.source_id,
            account.user_id,
            account.handle,
            tier,
            json.dumps(prompt.to_json()),
            seed,
            photo,
            state,
            reason,
            not_before,
            now,
        ),
    ).fetchone()
    return int(row["id"])


def claim(
    c: Connection,
    owner: str,
    choose: Callable[[Sequence[Job]], Collection[int]],
    now: float,
) -> list[Job]:
    """Take the jobs `choose` picks from the head of the line; count the attempt now."""
    ready = c.execute(
        f"SELECT * FROM jobs WHERE {_IN_LINE} AND not_before <= ? ORDER BY id LIMIT ?",
        (now, LOOKAHEAD),
    ).fetchall()
    if not ready:
        return []
    chosen = list(choose([_job(row) for row in ready]))
    rows = c.execute(
        "UPDATE jobs SET state = ?, owner = ?, claimed_at = ?, attempts = attempts + 1"
        f" WHERE id IN ({_marks(chosen)}) AND {_IN_LINE} RETURNING *",
        (JobState.EXECUTING, owner, now, *chosen),
    ).fetchall()
    claimed = sorted((_job(row) for row in rows), key=lambda job: job.id)
    for job in claimed:
        journal.note(c, job.mention_id, Event.BATCH, now, attempt=job.attempts, size=len(claimed))
    return claimed


def waiting(c: Connection, now: float) -> bool:
    """Whether anything could be claimed at `now`."""
    row = c.execute(
        f"SELECT 1 FROM jobs WHERE {_IN_LINE} AND not_before <= ? LIMIT 1", (now,)
    ).fetchone()
    return row is not None


def complete(c: Connection, job: Job, pictures: Sequence[Picture], now: float) -> bool:
    """The pictures are stored: record them and hand the reply to the outbox.

    False, and nothing changed, where the claim is no longer ours (it was
    cancelled, or rescued by another process).
    """
    if not _leave(c, job, JobState.COMPLETED, None, now):
        return False
    _keep_pictures(c, job, pictures)
    journal.note(
        c, job.mention_id, Event.PICTURE, now, pictures=[picture.sha256 for picture in pictures]
    )
    outbox.enqueue(c, job.mention_id, Say.PICTURE, {}, now, job_id=job.id)
    return True


def discard(c: Connection, job: Job, say: Say, reason: str, now: float, **facts: object) -> bool:
    """No picture will come: give the units back and say why."""
    if not _leave(c, job, JobState.DISCARDED, reason, now):
        return False
    ledger.release(c, job.id, now)
    journal.note(c, job.mention_id, Event.DISCARD, now, reason=reason)
    outbox.enqueue(c, job.mention_id, say, {"reason": reason, **facts}, now, job_id=job.id)
    return True


def retry(c: Connection, job: Job, reason: str, until: float, now: float) -> bool:
    """It failed for a passing reason: back in its old place, not before `until`."""
    changed = c.execute(
        "UPDATE jobs SET state = ?, reason = ?, not_before = ?, owner = NULL"
        " WHERE id = ? AND state = ? AND attempts = ?",
        (JobState.RETRYABLE, reason, until, job.id, JobState.EXECUTING, job.attempts),
    )
    if changed.rowcount:
        journal.note(c, job.mention_id, Event.RETRY, now, what="job", reason=reason, until=until)
    return bool(changed.rowcount)


def hold(
    c: Connection, job: Job, reason: str, now: float, pictures: Sequence[Picture] = ()
) -> bool:
    """A moderator must look before anything more happens; the units stay reserved.

    Pictures that are drawn already are kept, so that approval needs no second drawing.
    """
    if not _leave(c, job, JobState.HELD, reason, now):
        return False
    _keep_pictures(c, job, pictures)
    journal.note(c, job.mention_id, Event.HOLD, now, reason=reason)
    return True


def unhold(c: Connection, job_id: int, *, approve: bool, reason: str, now: float) -> bool:
    """A moderator's word on a held job: back into the line, or refused and refunded."""
    row = c.execute(
        "SELECT * FROM jobs WHERE id = ? AND state = ?", (job_id, JobState.HELD)
    ).fetchone()
    if row is None:
        return False
    job = _job(row)
    journal.note(
        c, job.mention_id, Event.VERDICT, now, by="moderator", approve=approve, reason=reason
    )
    drawn = bool(pictures(c, job_id))
    if not approve:
        say = Say.REFUSED_PICTURE if drawn else Say.REFUSED_PROMPT
        return discard(c, job, say, reason, now)
    if drawn:
        _leave(c, job, JobState.COMPLETED, None, now)
        outbox.enqueue(c, job.mention_id, Say.PICTURE, {}, now, job_id=job_id)
        return True
    c.execute(
        "UPDATE jobs SET state = ?, reason = NULL, finished_at = NULL WHERE id = ?",
        (JobState.AVAILABLE, job_id),
    )
    return True


def cancel(c: Connection, job: Job, now: float) -> bool:
    """Its asker took it back, at any time before the picture is in the outbox."""
    changed = c.execute(
        "UPDATE jobs SET state = ?, reason = 'cancelled by its asker', finished_at = ?"
        " WHERE id = ? AND state IN ('available', 'retryable', 'held', 'executing')",
        (JobState.CANCELLED, now, job.id),
    )
    if not changed.rowcount:
        return False
    ledger.release(c, job.id, now)
    journal.note(c, job.mention_id, Event.CANCEL, now)
    return True


def cancelled_among(c: Connection, job_ids: Collection[int]) -> set[int]:
    """Which of these jobs were taken back while they were being drawn."""
    rows = c.execute(
        f"SELECT id FROM jobs WHERE id IN ({_marks(job_ids)}) AND state = ?",
        (*job_ids, JobState.CANCELLED),
    )
    return {row["id"] for row in rows}


def rescue(c: Connection, alive: Callable[[str | None], bool], now: float) -> int:
    """Put the jobs of dead processes back into their old places; return how many.

    Each was possibly the cause of the death and is drawn alone from now on; one
    that was there at `CRASHES` deaths is given up.
    """
    rows = c.execute("SELECT * FROM jobs WHERE state = ?", (JobState.EXECUTING,)).fetchall()
    owners = {owner: alive(owner) for owner in {row["owner"] for row in rows}}
    orphans = [_job(row) for row in rows if not owners[row["owner"]]]
    for job in orphans:
        if job.crashes + 1 >= CRASHES:
            reason = f"{CRASHES} processes died while drawing it"
            discard(c, job, Say.FAILED, reason, now, attempts=job.attempts)
        else:
            c.execute(
                "UPDATE jobs SET state = ?, crashes = crashes + 1, owner = NULL WHERE id = ?",
                (JobState.AVAILABLE, job.id),
            )
            journal.note(c, job.mention_id, Event.RESCUE, now, crashes=job.crashes + 1)
    return len(orphans)


def release_claim(c: Connection, owner: str, now: float) -> int:
    """Give back, unharmed, what this process had claimed and will not draw."""
    rows = c.execute(
        "UPDATE jobs SET state = ?, owner = NULL, attempts = attempts - 1"
        " WHERE state = ? AND owner = ? RETURNING mention_id",
        (JobState.AVAILABLE, JobState.EXECUTING, owner),
    ).fetchall()
    for row in rows:
        journal.note(c, row["mention_id"], Event.RESCUE, now, reason="stopped in good order")
    return len(rows)


def by_id(c: Connection, job_id: int) -> Job | None:
    return _first(c, "SELECT * FROM jobs WHERE id = ?", job_id)


def by_source(c: Connection, platform: str, source_id: str) -> Job | None:
    """The job a mention led to."""
    return _first(c, "SELECT * FROM jobs WHERE platform = ? AND source_id = ?", platform, source_id)


def by_post(c: Connection, platform: str, post_id: str) -> Job | None:
    """The job whose reply is the post `post_id`, or whose mention it is."""
    return _first(
        c,
        "SELECT j.* FROM outbox o JOIN jobs j ON j.id = o.job_id"
        " WHERE o.platform = ? AND o.post_id = ?",
        platform,
        post_id,
    ) or by_source(c, platform, post_id)


def latest(c: Connection, account: Account) -> Job | None:
    """The newest job of an account."""
    return _first(
        c,
        "SELECT * FROM jobs WHERE platform = ? AND user_id = ? ORDER BY id DESC LIMIT 1",
        account.platform,
        account.user_id,
    )


def unanswered(c: Connection, account: Account) -> list[Job]:
    """The jobs of an account that are not done, or whose reply is not posted yet."""
    rows = c.execute(
        "SELECT j.* FROM jobs j LEFT JOIN outbox o ON o.job_id = j.id"
        " WHERE j.platform = ? AND j.user_id = ? AND ("
        "  j.state IN ('available', 'retryable', 'held', 'executing')"
        "  OR o.state IN ('pending', 'preparing')) ORDER BY j.id",
        (account.platform, account.user_id),
    )
    return [_job(row) for row in rows]


def ahead(c: Connection, job_id: int) -> int:
    """Pictures that will be drawn before this job's: those before it in line or on the easel."""
    row = c.execute(
        "SELECT coalesce(sum(json_extract(prompt, '$.count')), 0) AS pictures FROM ("
        f" SELECT prompt FROM jobs WHERE {_IN_LINE} AND id < ?"
        " UNION ALL SELECT prompt FROM jobs WHERE state = 'executing')",
        (job_id,),
    ).fetchone()
    return int(row["pictures"])


def position(c: Connection, job_id: int) -> int:
    """The place in the line, 1 for the next to be drawn."""
    row = c.execute(
        f"SELECT count(*) AS place FROM jobs WHERE {_IN_LINE} AND id <= ?", (job_id,)
    ).fetchone()
    return int(row["place"])


def counts(c: Connection) -> dict[JobState, int]:
    """How many jobs wait, execute or are held."""
    rows = c.execute(
        "SELECT state, count(*) AS jobs FROM jobs"
        " WHERE state IN ('available', 'retryable', 'executing', 'held') GROUP BY state"
    )
    return {JobState(row["state"]): row["jobs"] for row in rows}


def held(c: Connection, limit: int) -> list[Job]:
    """Jobs that wait for a moderator, oldest first."""
    rows = c.execute(
        "SELECT * FROM jobs WHERE state = ? ORDER BY id LIMIT ?", (JobState.HELD, limit)
    )
    return [_job(row) for row in rows]


def pictures(c: Connection, job_id: int) -> list[Picture]:
    """The finished pictures of a job, in the order they were asked for."""
    rows = c.execute(
        "SELECT sha256, media_type, width, height, seed, engine FROM pictures"
        " WHERE job_id = ? ORDER BY position",
        (job_id,),
    )
    return [Picture(**dict(row)) for row in rows]


def pace(c: Connection, sample: int = 50) -> float | None:
    """Measured seconds per picture over the last `sample` completed jobs, None at first.

    Jobs of one batch share their claim time, so a batch's time is counted once.
    """
    rows = c.execute(
        "SELECT claimed_at, max(finished_at) AS done, sum(json_extract(prompt, '$.count')) AS n"
        " FROM (SELECT claimed_at, finished_at, prompt FROM jobs WHERE state = 'completed'"
        "  ORDER BY finished_at DESC LIMIT ?) GROUP BY claimed_at",
        (sample,),
    ).fetchall()
    drawn = sum(row["n"] for row in rows)
    return sum(row["done"] - row["claimed_at"] for row in rows) / drawn if drawn else None


def _leave(c: Connection, job: Job, state: JobState, reason: str | None, now: float) -> bool:
    """End the claim `job` was handed out under; False where it is no longer in force."""
    changed = c.execute(
        "UPDATE jobs SET state = ?, reason = ?, finished_at = ?, owner = NULL"
        " WHERE id = ? AND state = ? AND attempts = ?",
        (state, reason, now, job.id, job.state, job.attempts),
    )
    return bool(changed.rowcount)


def _keep_pictures(c: Connection, job: Job, drawn: Sequence[Picture]) -> None:
    c.executemany(
        "INSERT INTO pictures (job_id, position, sha256, media_type, width, height, seed, engine)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (job.id, n, p.sha256, p.media_type, p.width, p.height, p.seed, p.engine)
            for n, p in enumerate(drawn)
        ],
    )


def _first(c: Connection, sql: str, *values: object) -> Job | None:
    row = c.execute(sql, values).fetchone()
    return _job(row) if row else None


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))


def _job(row: Any) -> Job:
    return Job(
        id=row["id"],
        mention_id=row["mention_id"],
        platform=row["platform"],
        source_id=row["source_id"],
        account=Account(platform=row["platform"], user_id=row["user_id"], handle=row["handle"]),
        tier=Tier(row["tier"]),
        prompt=Prompt.from_json(json.loads(row["prompt"])),
        seed=row["seed"],
        photo=row["photo"],
        state=JobState(row["state"]),
        reason=row["reason"],
        attempts=row["attempts"],
        crashes=row["crashes"],
        created_at=row["created_at"],
        claimed_at=row["claimed_at"],
        finished_at=row["finished_at"],
    )
