"""Second thoughts: wishes drawn again, and acts on many that can still be undone."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data import jobs, journal, ledger, mentions
from data.store import Connection
from data.words import Event, Mention

#: An act on many waits so many seconds for second thoughts.
UNDO = 10.0
#: So many of its wishes are changed in one transaction: others write in between.
PIECE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """An act on many wishes, to be done at `due_at`."""

    id: int
    staff: int
    act: str
    reason: str
    wishes: tuple[int, ...]
    due_at: float


def draw_again(c: Connection, job_id: int, seed: int, now: float) -> int | None:
    """The same wish as a new job with another seed, for nothing; its number.

    What was said to the first mention stays, so the new one is a mention of its own
    that answers the same post. None where there is nothing left to draw.
    """
    job = jobs.by_id(c, job_id)
    if job is None or not (job.prompt.wish or job.photo):
        return None
    row = c.execute("SELECT payload FROM mentions WHERE id = ?", (job.mention_id,)).fetchone()
    first = Mention.from_json(json.loads(row["payload"]))
    times = c.execute(
        "SELECT count(*) AS n FROM mentions WHERE platform = ? AND source_id LIKE ? || '/again/%'",
        (job.platform, first.source_id),
    ).fetchone()["n"]
    again = dataclasses.replace(
        first,
        source_id=f"{first.source_id}/again/{times + 1}",
        answer_to=first.answer_to or first.source_id,
    )
    (received,) = mentions.receive(c, job.platform, [again], None, now)
    mentions.decide(c, received.id, now)
    journal.note(c, received.id, Event.ADMIT, now, by="moderator", again=job_id)
    prompt = dataclasses.replace(job.prompt, seed=None)
    number = jobs.insert(c, received.id, again, job.tier, prompt, seed, job.photo, now)
    ledger.reserve(c, number, job.account, 0, now)
    return number


def plan(
    c: Connection, staff: int, act: str, reason: str, wishes: Sequence[int], now: float
) -> int:
    """Note an act on many wishes, to be carried out at its time."""
    row = c.execute(
        "INSERT INTO bulks (staff, act, reason, wishes, made_at, due_at)"
        " VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        (staff, act, reason, json.dumps(list(wishes)), now, now + UNDO),
    ).fetchone()
    return int(row["id"])


def undo(c: Connection, bulk_id: int, staff: int, now: float) -> bool:
    """Second thoughts in time: nothing of it happens."""
    changed = c.execute(
        "UPDATE bulks SET undone_at = ? WHERE id = ? AND staff = ? AND done_at IS NULL"
        " AND undone_at IS NULL AND due_at > ?",
        (now, bulk_id, staff, now),
    )
    return bool(changed.rowcount)


def next_bulk(c: Connection) -> float | None:
    """When the next act on many is due."""
    row = c.execute(
        "SELECT min(due_at) AS due FROM bulks WHERE done_at IS NULL AND undone_at IS NULL"
    ).fetchone()
    due: float | None = row["due"]
    return due


def pending(c: Connection, staff: int, now: float) -> list[Bulk]:
    """What somebody planned and can still undo."""
    rows = c.execute(
        "SELECT * FROM bulks WHERE done_at IS NULL AND undone_at IS NULL AND staff = ?"
        " AND due_at > ? ORDER BY id",
        (staff, now),
    )
    return [_bulk(row) for row in rows]


def bulk_due(c: Connection, now: float) -> Bulk | None:
    row = c.execute(
        "SELECT * FROM bulks WHERE done_at IS NULL AND undone_at IS NULL AND due_at <= ?"
        " ORDER BY due_at LIMIT 1",
        (now,),
    ).fetchone()
    return _bulk(row) if row else None


def bulk_went_on(c: Connection, bulk: Bulk, done: int, now: float) -> None:
    """The first `PIECE` of its wishes are behind it; `done` of them were changed."""
    rest = bulk.wishes[PIECE:]
    c.execute(
        "UPDATE bulks SET wishes = ?, done = coalesce(done, 0) + ?, done_at = ? WHERE id = ?",
        (json.dumps(rest), done, None if rest else now, bulk.id),
    )


def _bulk(row: Any) -> Bulk:
    return Bulk(
        id=row["id"],
        staff=row["staff"],
        act=row["act"],
        reason=row["reason"],
        wishes=tuple(json.loads(row["wishes"])),
        due_at=row["due_at"],
    )
