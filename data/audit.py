"""The audit: everything moderators did and saw, who and why, append-only.

Each row's hash covers the row and the hash before it, so that one changed byte
breaks the chain; triggers refuse changes that come through SQL. Whoever can write the
file can write a whole new chain: note the head somewhere else now and then.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from data.store import Connection

#: What the first row builds on.
GENESIS = "0" * 64

#: By whom what nobody did: time-outs by the ladder, holds that ran out.
ITSELF = "muralist"


class Act(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    SECOND = "second"  #: one of two approvals
    EXPIRE = "expire"
    CLAIM = "claim"
    BAN = "ban"
    LIFT = "lift"
    REMOVE = "remove"
    CLOSE = "close"  #: a case
    NOTE = "note"
    CHANGE = "change"  #: a standard, a ruling, a pattern
    OPT_OUT = "opt out"
    OPT_IN = "opt in"
    VIEW = "view"  #: a picture
    EXPORT = "export"
    PLAN = "plan"  #: one act on many, which can be undone for a while
    UNDO = "undo"
    AGAIN = "again"  #: drawn once more, for nothing
    TIER = "tier"
    LIMIT = "limit"  #: a temporary one on a tier
    RESUME = "resume"  #: posting on a platform
    SIGN_IN = "sign in"
    SIGN_OUT = "sign out"
    TURN_AWAY = "turn away"
    STAFF = "staff"  #: who may moderate


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row. `subject` is what it was done to: "job 7", "account x/12", "case 3"."""

    id: int
    at: float
    by: str
    act: str
    subject: str
    why: str
    detail: dict[str, Any]
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What verifying found: how many rows hold, the last one's hash, and what is wrong."""

    rows: int
    head: str
    trouble: str | None = None


def note(
    c: Connection, by: str, act: Act, subject: str, why: str, now: float, **detail: object
) -> int:
    """Append one row, in the transaction of what it tells of; its number."""
    last = c.execute("SELECT hash FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    before = last["hash"] if last else GENESIS
    row = c.execute(
        "SELECT coalesce(max(seq), 0) + 1 AS id FROM sqlite_sequence WHERE name = ?",
        ("audit",),
    ).fetchone()
    fields = (row["id"], float(now), by, str(act), subject, why, json.dumps(detail, sort_keys=True))
    c.execute(
        "INSERT INTO audit (id, at, by, act, subject, why, detail, before, hash)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*fields, before, _hash(before, fields)),
    )
    return int(row["id"])


def verify(c: Connection, head: str | None = None) -> Chain:
    """Walk the whole chain. With `head`, a hash noted earlier must be in it."""
    before, rows = GENESIS, 0
    seen = head is None
    for row in c.execute("SELECT * FROM audit ORDER BY id"):
        fields = tuple(row[name] for name in _FIELDS)
        if row["id"] != rows + 1:
            return Chain(rows=rows, head=before, trouble=f"row {rows + 1} is missing")
        if row["before"] != before or row["hash"] != _hash(before, fields):
            return Chain(rows=rows, head=before, trouble=f"row {row['id']} was changed")
        before, rows = row["hash"], rows + 1
        seen = seen or before == head
    counted = c.execute("SELECT seq FROM sqlite_sequence WHERE name = 'audit'").fetchone()
    trouble = None
    if counted is not None and counted["seq"] != rows:
        trouble = f"rows {rows + 1} to {counted['seq']} are missing"
    elif not seen:
        trouble = "the noted head is not in the chain"
    return Chain(rows=rows, head=before, trouble=trouble)


def trail(
    c: Connection,
    limit: int,
    *,
    before: int | None = None,
    subject: str | None = None,
    by: str | None = None,
) -> list[Entry]:
    """Rows newest first, older than number `before`, about one subject or by one person."""
    wanted = {"subject = ?": subject, "by = ?": by, "id < ?": before}
    given = {sql: value for sql, value in wanted.items() if value is not None}
    where = f"WHERE {' AND '.join(given)}" if given else ""
    rows = c.execute(
        f"SELECT * FROM audit {where} ORDER BY id DESC LIMIT ?", (*given.values(), limit)
    )
    return [_entry(row) for row in rows]


def of_job(job_id: int) -> str:
    """How a job is called as a subject."""
    return f"job {job_id}"


def of_wish(c: Connection, mention_id: int) -> str:
    """How a wish is called as a subject: as its job, where it became one."""
    row = c.execute("SELECT id FROM jobs WHERE mention_id = ?", (mention_id,)).fetchone()
    return of_job(row["id"]) if row else f"wish {mention_id}"


def of_account(platform: str, user_id: str) -> str:
    """How an account is called as a subject."""
    return f"account {platform}/{user_id}"


_FIELDS = ("id", "at", "by", "act", "subject", "why", "detail")


def _hash(before: str, fields: tuple[object, ...]) -> str:
    said = json.dumps([before, *fields], ensure_ascii=True)
    return hashlib.sha256(said.encode()).hexdigest()


def _entry(row: Any) -> Entry:
    return Entry(
        id=row["id"],
        at=row["at"],
        by=row["by"],
        act=row["act"],
        subject=row["subject"],
        why=row["why"],
        detail=json.loads(row["detail"]),
        hash=row["hash"],
    )
