"""The moderators' desk: what is held, who looks at it, and what became of it.

A hold begins and ends with its job's state, whoever changes it: triggers keep
`holds` true. Everything here is done with its audit row in one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from data import audit, jobs, outbox, verdicts
from data.audit import Act
from data.store import Connection
from data.words import Job

#: How long "being looked at by" stands, in seconds.
CLAIM = 300.0
#: How many decisions the measured service time is taken over.
SAMPLE = 50


class Decided(StrEnum):
    """What a moderator's word came to."""

    APPROVED = "approved"
    REJECTED = "rejected"
    SECOND_NEEDED = "second needed"  #: severe: another moderator has to agree
    SAID_BEFORE = "said before"  #: by the same moderator
    NOT_HELD = "not held"  #: or no longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A job that waits for a person. `approvals` are the moderators who agreed so far."""

    id: int
    job: Job
    needed: int
    held_at: float
    rule: str | None
    category: str | None
    claimed_by: str | None
    approvals: tuple[str, ...]


def waiting(c: Connection, limit: int, now: float, *, after: float | None = None) -> list[Hold]:
    """What is held, the longest waiting first; `after` is the `held_at` of the last seen."""
    rows = c.execute(
        "SELECT d.*, h.rule, h.category FROM holds d LEFT JOIN hits h ON h.id = d.hit_id"
        " WHERE d.ended_at IS NULL AND (? IS NULL OR d.held_at > ?) ORDER BY d.held_at LIMIT ?",
        (after, after, limit),
    ).fetchall()
    return [_hold(c, row, now) for row in rows]


def hold_of(c: Connection, job_id: int, now: float) -> Hold | None:
    """The open hold of a job."""
    row = c.execute(
        "SELECT d.*, h.rule, h.category FROM holds d LEFT JOIN hits h ON h.id = d.hit_id"
        " WHERE d.ended_at IS NULL AND d.job_id = ?",
        (job_id,),
    ).fetchone()
    return _hold(c, row, now) if row else None


def claim(c: Connection, job_id: int, by: str, now: float) -> str | None:
    """Say that one looks at a held job; who does so already, None where one may."""
    row = c.execute(
        "SELECT id, claimed_by, claimed_at FROM holds WHERE job_id = ? AND ended_at IS NULL",
        (job_id,),
    ).fetchone()
    if row is None:
        return None
    other: str | None = row["claimed_by"]
    if other not in (None, by) and now - row["claimed_at"] < CLAIM:
        return other
    c.execute("UPDATE holds SET claimed_by = ?, claimed_at = ? WHERE id = ?", (by, now, row["id"]))
    return None


def approve(c: Connection, job_id: int, by: str, why: str, now: float) -> Decided:
    """Let a held job go on: into the line, or out to its asker where it is drawn already."""
    hold = hold_of(c, job_id, now)
    if hold is None:
        return Decided.NOT_HELD
    if by in hold.approvals:
        return Decided.SAID_BEFORE
    c.execute(
        "INSERT INTO votes (hold_id, moderator, reason, at) VALUES (?, ?, ?, ?)",
        (hold.id, by, why, now),
    )
    if len(hold.approvals) + 1 < hold.needed:
        audit.note(c, by, Act.SECOND, audit.of_job(job_id), why, now)
        return Decided.SECOND_NEEDED
    _end(c, hold, "approved", by, why, now)
    verdicts.overturn(c, hold.job.mention_id, now)
    return Decided.APPROVED


def reject(c: Connection, job_id: int, by: str, reason: str, now: float) -> Decided:
    """Refuse a held job and give the units back; its asker reads `reason`. One is enough."""
    hold = hold_of(c, job_id, now)
    if hold is None:
        return Decided.NOT_HELD
    _end(c, hold, "rejected", by, reason, now)
    return Decided.REJECTED


def expire(c: Connection, after: float, reason: str, now: float) -> int:
    """Refuse and refund what nobody looked at within `after` seconds; how many."""
    expired = [hold for hold in waiting(c, 100, now) if hold.held_at <= now - after]
    for hold in expired:
        _end(c, hold, "expired", audit.ITSELF, reason, now)
    return len(expired)


def overdue(c: Connection, after: float, now: float) -> tuple[int, float | None]:
    """How many wait longer than `after` seconds, and since when the first of them."""
    row = c.execute(
        "SELECT count(*) AS n, min(held_at) AS since FROM holds"
        " WHERE ended_at IS NULL AND held_at <= ?",
        (now - after,),
    ).fetchone()
    return row["n"], row["since"]


def service_seconds(c: Connection) -> float | None:
    """Half of the last decisions took no longer than this; None before the first."""
    rows = c.execute(
        "SELECT ended_at - held_at AS took FROM holds WHERE outcome IN ('approved', 'rejected')"
        " ORDER BY ended_at DESC LIMIT ?",
        (SAMPLE,),
    ).fetchall()
    took: list[float] = sorted(row["took"] for row in rows)
    return took[len(took) // 2] if took else None


def eta(c: Connection, job_id: int, now: float) -> float | None:
    """Seconds until somebody will probably have looked; None where nobody ever did."""
    usual = service_seconds(c)
    row = c.execute(
        "SELECT held_at FROM holds WHERE job_id = ? AND ended_at IS NULL", (job_id,)
    ).fetchone()
    if usual is None or row is None:
        return None
    # Who has waited longer than usual will not be told that it is any moment now.
    waited: float = now - row["held_at"]
    return max(usual - waited, usual / 4, 60.0)


def remove(c: Connection, job_id: int, by: str, why: str, now: float) -> bool:
    """Take a posted picture off its platform, or keep one from being posted."""
    job = jobs.by_id(c, job_id)
    if job is None:
        return False
    recalled = outbox.recall(c, job_id, now, reason="taken down by a moderator")
    post = outbox.standing_post(c, job_id)
    if post is None and not recalled:
        return False
    if post is not None:
        c.execute(
            "INSERT INTO removals (job_id, platform, post_id, by, reason, asked_at)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (job_id, job.platform, post, by, why, now),
        )
    audit.note(c, by, Act.REMOVE, audit.of_job(job_id), why, now, post=post)
    return True


def rerun(c: Connection, job_id: int, by: str, why: str, now: float) -> bool:
    """Draw a held job anew: its pictures are dropped, and it goes back into the line."""
    hold = hold_of(c, job_id, now)
    if hold is None:
        return False
    c.execute("DELETE FROM pictures WHERE job_id = ?", (job_id,))
    _end(c, hold, "approved", by, why, now)
    return True


def viewed(c: Connection, by: str, sha256: str, job_id: int, why: str, now: float) -> None:
    """A moderator looked at a picture."""
    audit.note(c, by, Act.VIEW, audit.of_job(job_id), why, now, picture=sha256)


def exported(c: Connection, by: str, what: str, rows: int, why: str, now: float) -> None:
    """A moderator took data out."""
    audit.note(c, by, Act.EXPORT, what, why, now, rows=rows)


def write_note(
    c: Connection,
    by: str,
    text: str,
    now: float,
    *,
    wish: int | None = None,
    account: tuple[str, str] | None = None,
) -> None:
    """A moderator's note on a wish (by its mention) or on an account (platform, user id)."""
    platform, user_id = account or (None, None)
    c.execute(
        "INSERT INTO notes (mention_id, platform, user_id, by, at, text) VALUES (?, ?, ?, ?, ?, ?)",
        (wish, platform, user_id, by, now, text),
    )
    subject = audit.of_account(*account) if account else audit.of_wish(c, wish or 0)
    audit.note(c, by, Act.NOTE, subject, text, now)


def _end(c: Connection, hold: Hold, outcome: str, by: str, reason: str, now: float) -> None:
    """The outcome is written first: the trigger on the job's state leaves an ended hold alone."""
    c.execute(
        "UPDATE holds SET ended_at = ?, outcome = ?, ended_by = ?, reason = ? WHERE id = ?",
        (now, outcome, by, reason, hold.id),
    )
    approved = outcome == "approved"
    jobs.unhold(c, hold.job.id, approve=approved, reason=reason, now=now)
    act = {"approved": Act.APPROVE, "rejected": Act.REJECT, "expired": Act.EXPIRE}[outcome]
    audit.note(c, by, act, audit.of_job(hold.job.id), reason, now, rule=hold.rule)


def _hold(c: Connection, row: Any, now: float) -> Hold:
    job = jobs.by_id(c, row["job_id"])
    assert job is not None  # a foreign key
    approvals = c.execute("SELECT moderator FROM votes WHERE hold_id = ?", (row["id"],))
    fresh = row["claimed_at"] is not None and now - row["claimed_at"] < CLAIM
    return Hold(
        id=row["id"],
        job=job,
        needed=row["needed"],
        held_at=row["held_at"],
        rule=row["rule"],
        category=row["category"],
        claimed_by=row["claimed_by"] if fresh else None,
        approvals=tuple(vote["moderator"] for vote in approvals),
    )
