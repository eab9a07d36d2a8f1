"""Bans and time-outs: who may not ask, until when; and the strikes that lead there.

A ban cancels what its account has waiting and gives the units back, in the same
transaction. A time-out is a ban with an end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from data import audit, jobs, outbox
from data.audit import Act
from data.store import Connection
from data.words import Account, Job, Ladder

DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ban:
    """`until` is None where only a moderator can end it."""

    id: int
    platform: str
    user_id: str
    since: float
    until: float | None
    reason: str
    by: str
    lifted_at: float | None
    lifted_by: str | None


def standing(c: Connection, platform: str, user_id: str, now: float) -> Ban | None:
    """The ban in force that lasts longest, None where there is none."""
    row = c.execute(
        "SELECT * FROM bans WHERE platform = ? AND user_id = ? AND lifted_at IS NULL"
        " AND (until IS NULL OR until > ?) ORDER BY until IS NULL DESC, until DESC LIMIT 1",
        (platform, user_id, now),
    ).fetchone()
    return _ban(row) if row else None


def ban(
    c: Connection, account: Account, until: float | None, reason: str, by: str, now: float
) -> int:
    """Take nothing from an account any more; how many of its wishes that cancelled."""
    return _ban_and_cancel(c, account, until, reason, by, now)[1]


def lift(c: Connection, account: Account, by: str, why: str, now: float) -> int:
    """End every ban of an account; how many. What was cancelled stays so: it was refunded."""
    changed = c.execute(
        "UPDATE bans SET lifted_at = ?, lifted_by = ? WHERE platform = ? AND user_id = ?"
        " AND lifted_at IS NULL AND (until IS NULL OR until > ?)",
        (now, by, account.platform, account.user_id, now),
    )
    if changed.rowcount:
        audit.note(c, by, Act.LIFT, _subject(account), why, now, bans=changed.rowcount)
    return int(changed.rowcount)


def history(c: Connection, platform: str, user_id: str) -> list[Ban]:
    """All bans an account ever had, newest first."""
    rows = c.execute(
        "SELECT * FROM bans WHERE platform = ? AND user_id = ? ORDER BY id DESC",
        (platform, user_id),
    )
    return [_ban(row) for row in rows]


def in_force(c: Connection, now: float, limit: int, before: int | None = None) -> list[Ban]:
    """Bans in force, newest first."""
    rows = c.execute(
        "SELECT * FROM bans WHERE lifted_at IS NULL AND (until IS NULL OR until > ?)"
        " AND (? IS NULL OR id < ?) ORDER BY id DESC LIMIT ?",
        (now, before, before, limit),
    )
    return [_ban(row) for row in rows]


def strike(
    c: Connection, account: Account, mention_id: int, rule: str, ladder: Ladder, now: float
) -> float | None:
    """Count a refused wish; the end of the time-out it brings, None where it brings none."""
    added = c.execute(
        "INSERT INTO strikes (platform, user_id, mention_id, rule, at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (account.platform, account.user_id, mention_id, rule, now),
    )
    seconds = ladder.timeout(strikes(c, account.platform, account.user_id, now, ladder))
    if not added.rowcount or seconds is None:
        return None
    until = now + seconds
    reason = "refused wishes again and again"
    number, _ = _ban_and_cancel(c, account, until, reason, audit.ITSELF, now)
    c.execute("UPDATE strikes SET ban_id = ? WHERE mention_id = ?", (number, mention_id))
    return until


def strikes(c: Connection, platform: str, user_id: str, now: float, ladder: Ladder) -> int:
    """How many strikes of an account count now."""
    row = c.execute(
        "SELECT count(*) AS n FROM strikes WHERE platform = ? AND user_id = ? AND at > ?"
        " AND taken_back_at IS NULL",
        (platform, user_id, now - ladder.days * DAY),
    ).fetchone()
    return int(row["n"])


def take_back_strike(c: Connection, mention_id: int, by: str, now: float) -> bool:
    """The refusal was wrong: it no longer counts, and the time-out it brought is over."""
    row = c.execute(
        "UPDATE strikes SET taken_back_at = ? WHERE mention_id = ? AND taken_back_at IS NULL"
        " RETURNING ban_id",
        (now, mention_id),
    ).fetchone()
    if row is None:
        return False
    c.execute(
        "UPDATE bans SET lifted_at = ?, lifted_by = ? WHERE id = ? AND lifted_at IS NULL",
        (now, by, row["ban_id"]),
    )
    return True


def _ban_and_cancel(
    c: Connection, account: Account, until: float | None, reason: str, by: str, now: float
) -> tuple[int, int]:
    row = c.execute(
        "INSERT INTO bans (platform, user_id, since, until, reason, by)"
        " VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        (account.platform, account.user_id, now, until, reason, by),
    ).fetchone()
    cancelled = sum(_cancel(c, job, now) for job in jobs.unanswered(c, account))
    audit.note(c, by, Act.BAN, _subject(account), reason, now, until=until, cancelled=cancelled)
    return int(row["id"]), cancelled


def _cancel(c: Connection, job: Job, now: float) -> bool:
    """At any time before its picture is posted; the units go back either way."""
    why = "its asker was banned"
    return jobs.cancel(c, job, now, reason=why) or outbox.recall(c, job.id, now, reason=why)


def _subject(account: Account) -> str:
    return audit.of_account(account.platform, account.user_id)


def _ban(row: Any) -> Ban:
    return Ban(**dict(row))
