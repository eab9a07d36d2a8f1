"""The outbox: what is to be said, and the receipts of what was.

One row a mention, so one reply a mention: `pending → (preparing →) posting → posted`,
with `unclear`, `unsaid` and `parked` beside it. The text is rendered when a row is
first taken and stays. The step to `posting` is committed before the request, so
after a crash such a row says "look whether it was posted" and never "post it
again": it becomes `unclear`, and only a look that found nothing, made late enough
after the intent, lets it be posted again. Receipt and charge move in one transaction.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

from data import journal, ledger
from data.store import Connection
from data.words import Account, Event, Media, Mention, Outgoing, ReplyState, Say

_COLUMNS = """
    o.id, o.mention_id, o.job_id, o.platform, m.source_id, m.payload, o.say, o.facts, o.text,
    o.attempts, o.owner, m.received_at, o.media, o.media_until, o.posting_at, o.looks, o.stands
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
    *,
    into: ReplyState = ReplyState.POSTING,
    speak: Callable[[Connection, Outgoing], bool] = lambda _c, _reply: True,
) -> list[Outgoing]:
    """Move up to `limit` due replies to `into`, their text rendered for good.

    Those that `speak` says no to are decided in silence, unless there is something
    to withdraw.
    """
    rows = c.execute(
        f"SELECT {_COLUMNS} WHERE o.state = ? AND o.platform = ? AND o.not_before <= ?"
        " ORDER BY o.id LIMIT ?",
        (ReplyState.PENDING, platform, now, limit),
    ).fetchall()
    taken = []
    for reply in map(_outgoing, rows):
        if speak(c, reply) or "withdraw" in reply.facts:
            taken.append(_take_one(c, reply, owner, render, into, now))
        else:
            unsaid(c, reply, now)
    return taken


def intend(c: Connection, reply: Outgoing, media: Media, now: float) -> Outgoing | None:
    """What is prepared will be posted now; None where it was taken back meanwhile."""
    changed = c.execute(
        "UPDATE outbox SET state = ?, media = ?, media_until = ?, posting_at = ?, looks = 0"
        " WHERE id = ? AND state = ?",
        (
            ReplyState.POSTING,
            json.dumps(media.ids),
            media.until,
            now,
            reply.id,
            ReplyState.PREPARING,
        ),
    )
    if not changed.rowcount:
        return None
    return dataclasses.replace(
        reply, media=media.ids, media_until=media.until, posting_at=now, looks=0
    )


def next_due(c: Connection, platform: str, state: ReplyState = ReplyState.PENDING) -> float | None:
    """The earliest moment at which a reply in `state`, pending or unclear, is due."""
    row = c.execute(
        "SELECT min(not_before) AS due FROM outbox"
        " WHERE state IN ('pending', 'unclear') AND platform = ? AND state = ?",
        (platform, state),
    ).fetchone()
    due: float | None = row["due"]
    return due


def rescue(c: Connection, alive: Callable[[str], bool], now: float) -> int:
    """Take over what dead processes had under way; return how many replies.

    What was being prepared starts again. What was being posted is to be looked for;
    nobody knows when its process died, so the time to settle begins now.
    """
    rows = c.execute(
        "SELECT id, mention_id, owner, state FROM outbox WHERE state IN ('preparing', 'posting')"
    ).fetchall()
    owners = {owner: alive(owner) for owner in {row["owner"] for row in rows}}
    orphans = [row for row in rows if not owners[row["owner"]]]
    for row in orphans:
        if row["state"] == ReplyState.PREPARING:
            c.execute("UPDATE outbox SET state = ? WHERE id = ?", (ReplyState.PENDING, row["id"]))
            continue
        c.execute(
            "UPDATE outbox SET state = ?, not_before = 0, posting_at = ?,"
            " error = 'its process died' WHERE id = ?",
            (ReplyState.UNCLEAR, now, row["id"]),
        )
        journal.note(c, row["mention_id"], Event.DOUBT, now, error="its process died")
    return len(orphans)


def doubt(
    c: Connection, reply: Outgoing, look_at: float, error: str, now: float, *, stands: bool = False
) -> None:
    """It may have been posted: look for it at `look_at`. `stands`: the platform says it is.

    The time to settle begins now: until now the platform may have been at work on it.
    """
    c.execute(
        "UPDATE outbox SET state = ?, not_before = ?, posting_at = ?, stands = stands OR ?,"
        " error = ? WHERE id = ? AND state = ?",
        (ReplyState.UNCLEAR, look_at, now, int(stands), error, reply.id, ReplyState.POSTING),
    )
    journal.note(c, reply.mention_id, Event.DOUBT, now, error=error, stands=stands)


def take_looks(
    c: Connection, platform: str, limit: int, now: float, again_at: float
) -> list[Outgoing]:
    """Count a look at up to `limit` unclear replies that are due.

    Until the look has its result, nobody else looks before `again_at`.
    """
    rows = c.execute(
        f"SELECT {_COLUMNS} WHERE o.state = ? AND o.platform = ? AND o.not_before <= ?"
        " ORDER BY o.id LIMIT ?",
        (ReplyState.UNCLEAR, platform, now, limit),
    ).fetchall()
    for row in rows:
        c.execute(
            "UPDATE outbox SET looks = looks + 1, not_before = ? WHERE id = ?",
            (again_at, row["id"]),
        )
    return [dataclasses.replace(_outgoing(row), looks=row["looks"] + 1) for row in rows]


def look_again(c: Connection, reply: Outgoing, look_at: float) -> None:
    """This look found nothing, which does not settle it yet."""
    c.execute(
        "UPDATE outbox SET not_before = ? WHERE id = ? AND state = ? AND looks = ?",
        (look_at, reply.id, ReplyState.UNCLEAR, reply.looks),
    )


def not_found(c: Connection, reply: Outgoing, now: float) -> None:
    """This look settles it: it certainly was not posted, and may be posted now."""
    changed = c.execute(
        "UPDATE outbox SET state = ?, not_before = ? WHERE id = ? AND state = ? AND looks = ?",
        (ReplyState.PENDING, now, reply.id, ReplyState.UNCLEAR, reply.looks),
    )
    if changed.rowcount:
        error = "not found, posting again"
        journal.note(c, reply.mention_id, Event.RETRY, now, what="reply", until=now, error=error)


def posted(c: Connection, reply: Outgoing, post_id: str | None, now: float) -> None:
    """The receipt: the reply stands, and the units it delivered are spent.

    `post_id` is None where the platform says that it stands and not where.
    """
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
    if _back_in_line(c, reply, until, error, attempts=0):
        journal.note(c, reply.mention_id, Event.RETRY, now, what="reply", until=until, error=error)


def forget_media(c: Connection, reply: Outgoing) -> None:
    """The platform no longer knows what was uploaded: it is uploaded again."""
    c.execute("UPDATE outbox SET media = '[]', media_until = NULL WHERE id = ?", (reply.id,))


def put_back(c: Connection, reply: Outgoing, until: float, error: str) -> None:
    """It was not its turn: back without an attempt, and not worth a line in the journal."""
    _back_in_line(c, reply, until, error, attempts=1)


def unsaid(c: Connection, reply: Outgoing, now: float) -> None:
    """Decided, and nothing is said about it."""
    c.execute("UPDATE outbox SET state = ? WHERE id = ?", (ReplyState.UNSAID, reply.id))
    journal.note(c, reply.mention_id, Event.SILENCE, now, say=reply.say)


def said_to(c: Connection, account: Account, since: float) -> bool:
    """Whether an account was told anything in words, or is about to be, since a moment."""
    row = c.execute(
        "SELECT 1 FROM outbox o JOIN mentions m ON m.id = o.mention_id"
        " WHERE m.platform = ? AND m.user_id = ? AND o.say <> 'picture'"
        " AND (o.state IN ('preparing', 'posting', 'unclear')"
        "  OR o.state = 'posted' AND o.posted_at >= ?) LIMIT 1",
        (account.platform, account.user_id, since),
    ).fetchone()
    return row is not None


def park(c: Connection, reply: Outgoing, error: str, now: float) -> None:
    """Give up on posting; what was reserved for the picture goes back."""
    c.execute(
        "UPDATE outbox SET state = ?, error = ? WHERE id = ?", (ReplyState.PARKED, error, reply.id)
    )
    if reply.job_id is not None:
        ledger.release(c, reply.job_id, now)
    journal.note(c, reply.mention_id, Event.PARK, now, error=error)


def recall(c: Connection, job_id: int, now: float, reason: str = "taken back by its asker") -> bool:
    """Take a picture back before it is posted; its units go back too."""
    row = c.execute(
        "UPDATE outbox SET state = ?, error = ?"
        " WHERE job_id = ? AND state IN (?, ?) RETURNING mention_id",
        (ReplyState.PARKED, reason, job_id, ReplyState.PENDING, ReplyState.PREPARING),
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


def post_of(c: Connection, mention_id: int) -> str | None:
    """The post that answers a mention, None where there is none (any more)."""
    row = c.execute(
        "SELECT post_id FROM outbox WHERE mention_id = ? AND state = ? AND withdrawn_at IS NULL",
        (mention_id, ReplyState.POSTED),
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
    into: ReplyState,
    now: float,
) -> Outgoing:
    text = reply.text if reply.text is not None else render(c, reply)
    posting_at = now if into is ReplyState.POSTING else reply.posting_at
    c.execute(
        "UPDATE outbox SET state = ?, owner = ?, text = ?, posting_at = ?, looks = 0,"
        " attempts = attempts + 1 WHERE id = ?",
        (into, owner, text, posting_at, reply.id),
    )
    journal.note(c, reply.mention_id, Event.REPLY, now, say=reply.say, attempt=reply.attempts + 1)
    return dataclasses.replace(
        reply, text=text, attempts=reply.attempts + 1, posting_at=posting_at, looks=0
    )


def _back_in_line(
    c: Connection, reply: Outgoing, until: float, error: str, *, attempts: int
) -> bool:
    """Only what this process has under way goes back: a late word must not undo a receipt."""
    changed = c.execute(
        "UPDATE outbox SET state = ?, not_before = ?, error = ?, attempts = attempts - ?"
        " WHERE id = ? AND state IN (?, ?)",
        (
            ReplyState.PENDING,
            until,
            error,
            attempts,
            reply.id,
            ReplyState.PREPARING,
            ReplyState.POSTING,
        ),
    )
    return bool(changed.rowcount)


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
        asked_at=row["received_at"],
        answer_to=mention.answer_to,
        thread=mention.thread,
        media=tuple(json.loads(row["media"])),
        media_until=row["media_until"],
        posting_at=row["posting_at"],
        looks=row["looks"],
        stands=bool(row["stands"]),
        language=mention.language,
        address=mention.address,
    )
