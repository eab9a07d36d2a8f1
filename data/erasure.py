"""Forgetting: what was deleted on a platform, or may no longer be kept, goes from here too.

What remains of a forgotten mention is that there was one and what became of it,
never its words or its pictures.
"""

from __future__ import annotations

from typing import Any

from data import consent, jobs, journal, marks, outbox
from data.consent import Answer
from data.store import Connection
from data.words import Account, Event


def to_check(
    c: Connection, platform: str, since: float, after: int, limit: int
) -> list[tuple[int, str]]:
    """Mentions received since a moment and kept still: number and post, by number.

    Those whose reply is under way wait for the next time: its words must not change now.
    """
    rows = c.execute(
        "SELECT id, coalesce(json_extract(payload, '$.answer_to'), source_id) AS post"
        " FROM mentions WHERE platform = ? AND received_at >= ? AND id > ?"
        " AND forgotten_at IS NULL AND NOT EXISTS (SELECT 1 FROM outbox o"
        "  WHERE o.mention_id = mentions.id AND o.state IN ('preparing', 'posting', 'unclear'))"
        " ORDER BY id LIMIT ?",
        (platform, since, after, limit),
    )
    return [(row["id"], row["post"]) for row in rows]


def forget(c: Connection, mention_id: int, now: float) -> list[str]:
    """Take the words away, and end what was still to come of them.

    Returns the digests of images that nothing else here shows; their files are to go.
    """
    row = c.execute("SELECT id FROM jobs WHERE mention_id = ?", (mention_id,)).fetchone()
    job = jobs.by_id(c, row["id"]) if row else None
    digests: set[str] = set()
    if job is not None:
        if not jobs.cancel(c, job, now):
            outbox.recall(c, job.id, now)
        digests = {picture.sha256 for picture in jobs.pictures(c, job.id)}
        digests |= {job.photo} if job.photo else set()
        c.execute(
            "UPDATE jobs SET photo = NULL,"
            " prompt = json_set(prompt, '$.wish', '', '$.negative', NULL, '$.style', NULL)"
            " WHERE id = ?",
            (job.id,),
        )
        c.execute("DELETE FROM pictures WHERE job_id = ?", (job.id,))
    c.execute(
        "UPDATE mentions SET forgotten_at = ?, decided_at = coalesce(decided_at, ?),"
        " payload = json_set(payload, '$.text', '', '$.photo', NULL, '$.parent_photo', NULL,"
        "  '$.prompt', NULL, '$.address', json('{}'))"
        " WHERE id = ?",
        (now, now, mention_id),
    )
    if (request := consent.request_of(c, mention_id)) is not None:
        consent.answer(c, request.id, Answer.EXPIRED, now)
    c.execute("UPDATE outbox SET text = '' WHERE mention_id = ?", (mention_id,))
    c.execute("UPDATE cases SET words = '' WHERE mention_id = ?", (mention_id,))
    c.execute(
        "UPDATE journal SET detail = '{}' WHERE mention_id = ? AND event IN (?, ?, ?, ?, ?)",
        (mention_id, Event.MENTION, Event.PROMPT, Event.VERDICT, Event.REFUSE, Event.PICTURE),
    )
    journal.note(c, mention_id, Event.FORGET, now)
    gone = [digest for digest in sorted(digests) if not _shown(c, digest)]
    c.executemany("DELETE FROM fingerprints WHERE sha256 = ?", [(digest,) for digest in gone])
    return gone


def of_account(c: Connection, account: Account) -> list[int]:
    """The mentions of an account that are not forgotten yet."""
    rows = c.execute(
        "SELECT id FROM mentions WHERE platform = ? AND user_id = ? AND forgotten_at IS NULL"
        " ORDER BY id",
        (account.platform, account.user_id),
    )
    return [row["id"] for row in rows]


def export(c: Connection, account: Account) -> list[dict[str, Any]]:
    """All that is kept of an account's wishes, a wish each, fit for JSON."""
    rows = c.execute(
        "SELECT l.* FROM queue_log l JOIN mentions m ON m.id = l.mention"
        " WHERE m.platform = ? AND m.user_id = ? ORDER BY m.id",
        (account.platform, account.user_id),
    )
    return [dict(row) for row in rows]


def last_sweep(c: Connection, platform: str) -> float | None:
    mark = marks.read(c, _key(platform))
    return float(mark) if mark is not None else None


def swept(c: Connection, platform: str, now: float) -> None:
    marks.write(c, _key(platform), str(now))


def _key(platform: str) -> str:
    return f"{platform}/sweep"


def _shown(c: Connection, digest: str) -> bool:
    row = c.execute(
        "SELECT 1 FROM jobs WHERE photo = ? UNION ALL SELECT 1 FROM pictures WHERE sha256 = ?"
        " UNION ALL SELECT 1 FROM post_images WHERE sha256 = ? LIMIT 1",
        (digest, digest, digest),
    ).fetchone()
    return row is not None
