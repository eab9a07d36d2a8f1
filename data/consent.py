"""Whose likeness may be used: people who opted out, and who is in a picture we made."""

from __future__ import annotations

from collections.abc import Collection

from data import audit
from data.audit import Act
from data.store import Connection
from data.words import Account, Job

#: More words of a wish than these are not looked up.
MOST = 200


def opt_out(c: Connection, account: Account, by: str, now: float) -> None:
    """Nobody's wish may name this account or use its photos from now on."""
    c.execute(
        "INSERT OR REPLACE INTO opted_out (platform, user_id, handle, at) VALUES (?, ?, ?, ?)",
        (account.platform, account.user_id, account.handle, now),
    )
    audit.note(c, by, Act.OPT_OUT, audit.of_account(account.platform, account.user_id), "", now)


def opt_in(c: Connection, account: Account, by: str, now: float) -> bool:
    """They do not mind any more; False where they never did."""
    changed = c.execute(
        "DELETE FROM opted_out WHERE platform = ? AND user_id = ?",
        (account.platform, account.user_id),
    )
    if changed.rowcount:
        subject = audit.of_account(account.platform, account.user_id)
        audit.note(c, by, Act.OPT_IN, subject, "", now)
    return bool(changed.rowcount)


def has_opted_out(c: Connection, platform: str, user_id: str) -> bool:
    row = c.execute(
        "SELECT 1 FROM opted_out WHERE platform = ? AND user_id = ?", (platform, user_id)
    ).fetchone()
    return row is not None


def opted_out_among(
    c: Connection, platform: str, words: Collection[str], but: str
) -> tuple[str, ...]:
    """Which of these words are handles of people who opted out, other than the account `but`."""
    some = list(words)[:MOST]
    rows = c.execute(
        "SELECT handle FROM opted_out WHERE platform = ? AND user_id <> ?"
        f" AND handle IN ({', '.join('?' * len(some))})",
        (platform, but, *some),
    )
    return tuple(row["handle"] for row in rows)


def is_pictured(c: Connection, job: Job, account: Account) -> bool:
    """Whether the photo a job was drawn from was posted by this account.

    A refinement starts from the same photo, so every wish with it is asked.
    """
    if job.photo is None:
        return False
    row = c.execute(
        "SELECT 1 FROM jobs j JOIN mentions m ON m.id = j.mention_id"
        " WHERE j.photo = ? AND j.platform = ? AND ? IN ("
        "  json_extract(m.payload, '$.photo.owner'),"
        "  json_extract(m.payload, '$.parent_photo.owner'))"
        " LIMIT 1",
        (job.photo, account.platform, account.user_id),
    ).fetchone()
    return row is not None
