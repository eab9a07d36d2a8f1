"""The line of jobs: `available → executing → completed | retryable | held | discarded | cancelled`.

A job's state changes, the job is never deleted. Claiming counts the attempt
before the work begins; finishing names the claim it finishes, so a process that
was taken for dead can do no harm when it comes back late.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple, overload

from data import enrolment, journal, jsontext, lanes, ledger, mentions, outbox, promises
from data.enrolment import Enrolled
from data.lanes import IN_LINE, TAG, Candidate
from data.store import Connection
from data.words import (
    Account,
    Effort,
    Event,
    Job,
    JobState,
    Mention,
    Picture,
    Prompt,
    Say,
    Tier,
)

#: Processes that may die while drawing one job before it is given up as poisoned.
CRASHES = 3
#: Jobs that are taken out of the line in one act because they waited too long.
STRETCH = 500
#: What counts as waiting in the line, as in `lanes.IN_LINE`.
WAITING = (JobState.AVAILABLE, JobState.RETRYABLE)
#: How many finished jobs tell the pace, at most.
SAMPLE = 256
#: How many finished jobs tell how long a drawing takes.
LATEST = 32

_INSERT = (
    "INSERT INTO jobs (mention_id, platform, source_id, user_id, handle, tier, prompt, seed,"
    " photo, state, reason, not_before, created_at, weight, circle, cost, id, tag)"
    f" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {TAG})"
)


#: As the trigger `jobs_held` does for what is held later. Takes job, moment and mention.
_HOLD = (
    "INSERT INTO holds (job_id, hit_id, needed, held_at)"
    " SELECT ?, max(id), 1 + coalesce(severe, 0), ? FROM hits"
    " WHERE mention_id = ? AND ruling = 'hold'"
)


class Entry(NamedTuple):
    """An admitted wish on its way into the line. `weight` is its tier's from now on."""

    mention_id: int
    mention: Mention
    tier: Tier
    prompt: Prompt
    seed: int
    photo: str | None = None
    reason: str | None = None
    state: JobState = JobState.AVAILABLE
    not_before: float = 0.0
    weight: float | None = None


class _Offer(Sequence[Job]):
    """The jobs of a window, each read when it is first looked at: most never are."""

    def __init__(self, c: Connection, ready: Sequence[Candidate]) -> None:
        self._c = c
        self._ready = ready
        self._read: dict[int, Job] = {}

    def __len__(self) -> int:
        return len(self._ready)

    @overload
    def __getitem__(self, place: int) -> Job: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Job]: ...
    def __getitem__(self, place: int | slice) -> Job | Sequence[Job]:
        if isinstance(place, slice):
            return [self[n] for n in range(*place.indices(len(self)))]
        number = self._ready[place].id
        if number not in self._read:
            row = self._c.execute("SELECT * FROM jobs WHERE id = ?", (number,)).fetchone()
            self._read[number] = _job(row)
        return self._read[number]


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
    weight: float | None = None,
) -> int:
    """Put an admitted wish in the line, to be drawn from `not_before`; return its number.

    `weight` is what its tier's share of the engine is from now on.
    """
    entry = Entry(mention_id, mention, tier, prompt, seed, photo, reason, state, not_before, weight)
    return insert_all(c, [entry], now)[0]


def insert_all(c: Connection, entries: Sequence[Entry], now: float) -> Sequence[int]:
    """Put these in the line, one after the other; their numbers, in the same order.

    What counts them (the lanes, the casebook) is written once for all of them.
    """
    first = c.execute("SELECT coalesce(max(id), 0) + 1 FROM jobs").fetchone()[0]
    clocks = lanes.Clocks(c)
    rows, came, held, enrolled = [], [], [], []
    for number, entry in enumerate(entries, first):
        mention_id, mention, tier, prompt, seed, photo, reason, state, not_before, weight = entry
        platform, account, circle = mention.platform, mention.account, mention.circle
        user_id, handle = account.user_id, account.handle
        # Plain values: SQLite's bindings take ten times as long for an enum.
        lane, stands, cost = tier.value, state.value, float(prompt.units)
        # fmt: off
        rows.append((
            mention_id, platform, mention.source_id, user_id, handle, lane,
            jsontext.write(prompt.to_json()), seed, photo, stands, reason, not_before, now,
            weight, circle, cost, number,
            platform, user_id, lane, circle, clocks[lane, circle], cost,  # for TAG
        ))
        enrolled.append(Enrolled(
            mention_id, number, platform, user_id, handle, lane, mention.guild, stands, now,
            prompt.wish,
        ))
        # fmt: on
        if state in WAITING:
            came.append((lane, circle, weight, cost))
        elif state is JobState.HELD:
            held.append((number, now, mention_id))
    c.executemany(_INSERT, rows)
    c.executemany(_HOLD, held)
    lanes.enter(c, came)
    enrolment.enrol(c, enrolled)
    return range(first, first + len(rows))


def claim(
    c: Connection,
    owner: str,
    choose: Callable[[Sequence[Job]], Collection[int]],
    now: float,
    *,
    reach: float = lanes.REACH,
) -> list[Job]:
    """Take the jobs `choose` picks of those whose turn it is; count the attempt now.

    What is offered to `choose` is in the order of the line, and whatever it picks
    keeps the line's bound. How much work goes into each is decided now.
    """
    ready = lanes.window(c, now, reach=reach)
    if not ready:
        return []
    chosen = set(choose(_Offer(c, ready)))
    rows = c.execute(
        "UPDATE jobs SET state = ?, owner = ?, claimed_at = ?, attempts = attempts + 1,"
        " (steps, size) = (SELECT l.steps, l.size FROM lanes l"
        "  WHERE l.tier = jobs.tier AND l.circle = '')"
        f" WHERE id IN ({_marks(chosen)}) AND {IN_LINE} RETURNING *",
        (JobState.EXECUTING, owner, now, *chosen),
    ).fetchall()
    by_id = {row["id"]: row for row in rows}
    lanes.serve(c, ready, by_id)
    claimed = [_job(by_id[candidate.id]) for candidate in ready if candidate.id in by_id]
    told = ((job.mention_id, {"attempt": job.attempts, "size": len(claimed)}) for job in claimed)
    journal.note_all(c, Event.BATCH, told, now)
    return claimed


def waiting(c: Connection, now: float) -> bool:
    """Whether anything could be claimed at `now`."""
    row = c.execute(
        f"SELECT 1 FROM jobs INDEXED BY jobs_age WHERE {IN_LINE} AND not_before <= ? LIMIT 1",
        (now,),
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
    promises.keep(c, job.id, now)
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


def cancel(c: Connection, job: Job, now: float, reason: str = "cancelled by its asker") -> bool:
    """It is taken back, at any time before the picture is in the outbox."""
    changed = c.execute(
        "UPDATE jobs SET state = ?, reason = ?, finished_at = ?, tag = NULL"
        " WHERE id = ? AND state IN ('available', 'retryable', 'held', 'executing')",
        (JobState.CANCELLED, reason, now, job.id),
    )
    if not changed.rowcount:
        return False
    ledger.release(c, job.id, now)
    journal.note(c, job.mention_id, Event.CANCEL, now)
    return True


def supersede(c: Connection, mention_id: int, now: float) -> bool:
    """Make room for other words in a mention's place; False once its picture is begun."""
    job = by_mention(c, mention_id)
    if job is None:
        mentions.decide(c, mention_id, now)
        return True
    if job.state in (JobState.EXECUTING, JobState.COMPLETED):
        return False
    cancel(c, job, now, "asked for in other words")
    return True


def any_before(c: Connection, before: float) -> bool:
    """Whether anything in line has waited since `before`."""
    row = c.execute(
        f"SELECT 1 FROM jobs INDEXED BY jobs_age WHERE {IN_LINE} AND created_at < ? LIMIT 1",
        (before,),
    ).fetchone()
    return row is not None


def expire(c: Connection, before: float, now: float) -> int:
    """Give up on what has waited since `before`, some of it at a time; return how many.

    Nothing is charged, and each asker is told.
    """
    rows = c.execute(
        "UPDATE jobs SET state = ?, reason = 'it waited too long', finished_at = ?, tag = NULL"
        f" WHERE id IN (SELECT id FROM jobs WHERE {IN_LINE} AND created_at < ?"
        "  ORDER BY created_at LIMIT ?) RETURNING id, mention_id, created_at",
        (JobState.EXPIRED, now, before, STRETCH),
    ).fetchall()
    for row in rows:
        ledger.release(c, row["id"], now)
        journal.note(c, row["mention_id"], Event.EXPIRE, now)
        facts = {"waited": now - row["created_at"]}
        outbox.enqueue(c, row["mention_id"], Say.EXPIRED, facts, now, job_id=row["id"])
    return len(rows)


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
    # In so many words, or the index of such jobs is not used.
    rows = c.execute("SELECT * FROM jobs WHERE state = 'executing'").fetchall()
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
        " WHERE state = 'executing' AND owner = ? RETURNING mention_id",
        (JobState.AVAILABLE, owner),
    ).fetchall()
    for row in rows:
        journal.note(c, row["mention_id"], Event.RESCUE, now, reason="stopped in good order")
    return len(rows)


def by_id(c: Connection, job_id: int) -> Job | None:
    return _first(c, "SELECT * FROM jobs WHERE id = ?", job_id)


def by_source(c: Connection, platform: str, source_id: str) -> Job | None:
    """The job a mention led to."""
    return _first(c, "SELECT * FROM jobs WHERE platform = ? AND source_id = ?", platform, source_id)


def by_mention(c: Connection, mention_id: int) -> Job | None:
    """The job a mention led to, by the mention's number in the inbox."""
    return _first(c, "SELECT * FROM jobs WHERE mention_id = ?", mention_id)


def by_post(c: Connection, platform: str, post_id: str) -> Job | None:
    """The job whose reply is the post `post_id`, or whose mention it is."""
    return _first(
        c,
        "SELECT j.* FROM outbox o JOIN jobs j ON j.id = o.job_id"
        " WHERE o.platform = ? AND o.post_id = ?",
        platform,
        post_id,
    ) or by_source(c, platform, post_id)


def by_stand_in(c: Connection, platform: str, message: str) -> Job | None:
    """The unfinished job whose answer, until it is there, `message` stands in for."""
    return _first(
        c,
        "SELECT j.* FROM jobs j JOIN mentions m ON m.id = j.mention_id WHERE j.platform = ?"
        " AND j.state IN ('available', 'retryable', 'held', 'executing')"
        " AND json_extract(m.payload, '$.address.message') = ?",
        platform,
        message,
    )


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


def counts(c: Connection) -> dict[JobState, int]:
    """How many jobs wait (as available), execute or are held; states of none are left out."""
    row = c.execute(
        "SELECT (SELECT coalesce(sum(waiting), 0) FROM lanes WHERE circle = '') AS available,"
        " (SELECT count(*) FROM jobs WHERE state = 'executing') AS executing,"
        " (SELECT count(*) FROM jobs WHERE state = 'held') AS held"
    ).fetchone()
    return {JobState(state): row[state] for state in row.keys() if row[state]}  # noqa: SIM118


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


def pace(c: Connection) -> float | None:
    """Seconds for an ordinary picture while all easels are used, None at first.

    An easel's time for one, of those finished lately, over as many easels as were in
    use at once: so the engine is known before it is ever needed as a whole.
    """
    rows = c.execute(
        "SELECT claimed_at, finished_at, sum(cost * steps * size * size) FROM ("
        "SELECT * FROM jobs WHERE state = 'completed' ORDER BY finished_at DESC LIMIT ?)"
        " GROUP BY claimed_at, finished_at",
        (SAMPLE,),
    ).fetchall()
    seconds = sum(finished - claimed for claimed, finished, _ in rows)
    work = sum(work for _, _, work in rows)
    if not work or not seconds:
        return None
    # At one moment an easel is given back before it is taken.
    turns = sorted([(at, 1) for at, _, _ in rows] + [(at, -1) for _, at, _ in rows])
    easels = max(itertools.accumulate(turn for _, turn in turns))
    return float(seconds / work / easels)


def drawn(c: Connection, after: float, until: float) -> float:
    """The work, in ordinary pictures, that came to an end between two moments."""
    row = c.execute(
        "SELECT coalesce(sum(cost * steps * size * size), 0.0) AS work FROM jobs"
        " WHERE state = 'completed' AND finished_at > ? AND finished_at <= ?",
        (after, until),
    ).fetchone()
    return float(row["work"])


def drawing_time(c: Connection) -> float:
    """How long those drawn last were on an easel, on average, in seconds."""
    row = c.execute(
        "SELECT coalesce(avg(finished_at - claimed_at), 0.0) AS seconds FROM ("
        "SELECT finished_at, claimed_at FROM jobs WHERE state = 'completed'"
        " ORDER BY finished_at DESC LIMIT ?)",
        (LATEST,),
    ).fetchone()
    return float(row["seconds"])


def on_easel_since(c: Connection) -> float | None:
    """Since when the oldest of what is being drawn is on its easel, if anything is."""
    row = c.execute("SELECT min(claimed_at) FROM jobs WHERE state = 'executing'").fetchone()
    return None if row[0] is None else float(row[0])


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
        prompt=Prompt.from_json(jsontext.read(row["prompt"])),
        seed=row["seed"],
        photo=row["photo"],
        state=JobState(row["state"]),
        reason=row["reason"],
        attempts=row["attempts"],
        crashes=row["crashes"],
        created_at=row["created_at"],
        claimed_at=row["claimed_at"],
        finished_at=row["finished_at"],
        cost=row["cost"],
        effort=Effort(steps=row["steps"], size=row["size"]),
    )
