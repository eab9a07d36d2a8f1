"""The outbox: what is to be said, and the receipts of what was.

One row a mention, so one reply a mention. `pending → posting → posted | parked`:
the step to `posting` renders the text and is committed before the request, so
after a crash a row in `posting` says "look whether it was posted" and never
"post it again". Receipt and charge move in one transaction.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

from data import journal, ledger
from data.store import Connection
from data.words import Event, Mention, Outgoing, ReplyState, Say

_COLUMNS = """
    o.id, o.mention_id, o.job_id, o.platform, m.source_id, m.payload, o.say, o.facts, o.text,
    o.attempts, o.owner
    FROM outbox o JOIN mentions m ON m.id = o.mention_id
"""


def enqueue(
    c: Connection,
    mention_id: int,
    say: Say,
    facts: dict[str, Any],
    now: float,
    *,
    job_id: int | None = None,
) -> None:
    """Have something said to a mention. A second reply to the same mention is dropped."""
    c.execute(
        "INSERT INTO outbox (mention_id, job_id, platform, say, facts, created_at)"
        " SELECT id, ?, platform, ?, ?, ? FROM mentions WHERE id = ?"
        " ON CONFLICT DO NOTHING",
        (job_id, say, json.dumps(facts), now, mention_id),
    )


def take(
    c: Connection,
    platform: str,
    owner: str,
    render: Callable[[Connection, Outgoing], str],
    limit: int,
    now: float,
) -> list[Outgoing]:
    """Move up to `limit` due replies to `posting`, their text rendered for good."""
    rows = c.execute(
        f"SELECT {_COLUMNS} WHERE o.state = ? AND o.platform = ? AND o.not_before <= ?"
        " ORDER BY o.id LIMIT ?",
        (ReplyState.PENDING, platform, now, limit),
    ).fetchall()
    return [_take_one(c, _outgoing(row), owner, render, now) for row in rows]


def next_due(c: Connection, platform: str) -> float | None:
    """The earliest moment at which a pending reply may be posted."""
    row = c.execute(
        "SELECT min(not_before) AS due FROM outbox WHERE state = ? AND platform = ?",
        (ReplyState.PENDING, platform),
    ).fetchone()
    due: float | None = row["due"]
    return due


def unclear(c: Connection, platform: str, alive: Callable[[str], bool]) -> list[Outgoing]:
    """Replies whose process died between the intent and the receipt."""
    rows = c.execute(
        f"SELECT {_COLUMNS} WHERE o.state = ? AND o.platform = ? ORDER BY o.id",
        (ReplyState.POSTING, platform),
    ).fetchall()
    return [_outgoing(row) for row in rows if not alive(row["owner"])]


def posted(c: Connection, reply: Outgoing, post_id: str, now: float) -> None:
    """The receipt: the reply stands, and the units it delivered are spent."""
    changed = c.execute(
        "UPDATE outbox SET state = ?, post_id = ?, posted_at = ?, error = NULL"
        " WHERE id = ? AND state <> ?",
        (ReplyState.POSTED, post_id, now, reply.id, ReplyState.POSTED),
    )
    if not changed.rowcount:
        return
    if reply.job_id is not None and reply.say is Say.PICTURE:
        ledger.settle(c, reply.job_id, now)
    journal.note(c, reply.mention_id, Event.RECEIPT, now, post=post_id)


def postpone(c: Connection, reply: Outgoing, until: float, error: str, now: float) -> None:
    """It certainly was not posted; try again at `until`."""
    c.execute(
        "UPDATE outbox SET state = ?, not_before = ?, error = ? WHERE id = ?",
        (ReplyState.PENDING, until, error, reply.id),
    )
    journal.note(c, reply.mention_id, Event.RETRY, now, what="reply", until=until, error=error)


def park(c: Connection, reply: Outgoing, error: str, now: float) -> None:
    """Give up on posting; what was reserved for the picture goes back."""
    c.execute(
        "UPDATE outbox SET state = ?, error = ? WHERE id = ?", (ReplyState.PARKED, error, reply.id)
    )
    if reply.job_id is not None:
        ledger.release(c, reply.job_id, now)
    journal.note(c, reply.mention_id, Event.PARK, now, error=error)


def recall(c: Connection, job_id: int, now: float) -> bool:
    """Take a picture back before it is posted; its units go back too."""
    row = c.execute(
        "UPDATE outbox SET state = ?, error = 'taken back by its asker'"
        " WHERE job_id = ? AND state = ? RETURNING mention_id",
        (ReplyState.PARKED, job_id, ReplyState.PENDING),
    ).fetchone()
    if row is None:
        return False
    ledger.release(c, job_id, now)
    journal.note(c, row["mention_id"], Event.CANCEL, now)
    return True


def standing_post(c: Connection, job_id: int) -> str | None:
    """The post that shows a job's pictures, None where there is none (any more)."""
    row = c.execute(
        "SELECT post_id FROM outbox WHERE job_id = ? AND state = ? AND withdrawn_at IS NULL",
        (job_id, ReplyState.POSTED),
    ).fetchone()
    return row["post_id"] if row else None


def withdrawn(c: Connection, platform: str, post_id: str, now: float) -> None:
    """A posted reply was taken off the platform."""
    row = c.execute(
        "UPDATE outbox SET withdrawn_at = ? WHERE platform = ? AND post_id = ?"
        " AND withdrawn_at IS NULL RETURNING mention_id",
        (now, platform, post_id),
    ).fetchone()
    if row is not None:
        journal.note(c, row["mention_id"], Event.CANCEL, now, post=post_id)


def _take_one(
    c: Connection,
    reply: Outgoing,
    owner: str,
    render: Callable[[Connection, Outgoing], str],
    now: float,
) -> Outgoing:
    text = reply.text if reply.text is not None else render(c, reply)
    c.execute(
        "UPDATE outbox SET state = ?, owner = ?, text = ?, attempts = attempts + 1 WHERE id = ?",
        (ReplyState.POSTING, owner, text, reply.id),
    )
    journal.note(c, reply.mention_id, Event.REPLY, now, say=reply.say, attempt=reply.attempts + 1)
    return dataclasses.replace(reply, text=text, attempts=reply.attempts + 1)


def _outgoing(row: Any) -> Outgoing:
    mention = Mention.from_json(json.loads(row["payload"]))
    return Outgoing(
        id=row["id"],
        mention_id=row["mention_id"],
        job_id=row["job_id"],
        platform=row["platform"],
        source_id=row["source_id"],
        account=mention.account,
        say=Say(row["say"]),
        facts=json.loads(row["facts"]),
        text=row["text"],
        attempts=row["attempts"],
    )
