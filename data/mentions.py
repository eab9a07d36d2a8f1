"""The durable inbox: a mention is written before anything is decided about it.

Receiving twice is harmless (platform and source id are unique), and a mention
that was never decided, because the process died, is found again at start.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from data import journal, jsontext
from data.store import Connection
from data.words import Account, Event, Mention


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A mention with the number it has in the inbox."""

    id: int
    mention: Mention


def receive(
    c: Connection, platform: str, batch: Sequence[Mention], cursor: str | None, now: float
) -> list[Received]:
    """Write `batch` and move the platform's cursor in one act; return those that are new."""
    new = [received for mention in batch if (received := _receive_one(c, mention, now))]
    c.executemany(
        "INSERT INTO accounts (platform, user_id, handle, first_seen) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET handle = excluded.handle WHERE handle <> excluded.handle",
        [(who.platform, who.user_id, who.handle, now) for who in (r.mention.account for r in new)],
    )
    told = ((one.id, {"text": one.mention.text, "asked_at": one.mention.created_at}) for one in new)
    journal.note_all(c, Event.MENTION, told, now)
    if cursor is not None:
        c.execute(
            "INSERT INTO cursors (platform, position) VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET position = excluded.position",
            (platform, cursor),
        )
    return new


def cursor(c: Connection, platform: str) -> str | None:
    """Where the platform's reading stopped, None before the first time."""
    row = c.execute("SELECT position FROM cursors WHERE platform = ?", (platform,)).fetchone()
    return row["position"] if row else None


def answered(c: Connection, mention: Mention) -> int | None:
    """The mention that led to the post this one answers, or that it answers itself.

    Without a post that is answered: the account's last one before this.
    """
    if mention.in_reply_to is None:
        row = c.execute(
            "SELECT m.id FROM mentions m JOIN hits h ON h.mention_id = m.id"
            " WHERE m.platform = ? AND m.user_id = ? AND m.source_id <> ?"
            " ORDER BY m.id DESC LIMIT 1",
            (mention.platform, mention.account.user_id, mention.source_id),
        ).fetchone()
        return row["id"] if row else None
    row = c.execute(
        "SELECT mention_id AS id FROM outbox WHERE platform = ? AND post_id = ?"
        " UNION ALL SELECT id FROM mentions WHERE platform = ? AND source_id = ? LIMIT 1",
        (mention.platform, mention.in_reply_to) * 2,
    ).fetchone()
    return row["id"] if row else None


def undecided(c: Connection, platform: str) -> list[Received]:
    """Mentions nothing was decided about yet, oldest first."""
    rows = c.execute(
        # By itself SQLite would read every mention of the platform.
        "SELECT id, payload FROM mentions INDEXED BY mentions_undecided"
        " WHERE decided_at IS NULL AND platform = ? ORDER BY id",
        (platform,),
    )
    return [
        Received(id=row["id"], mention=Mention.from_json(json.loads(row["payload"])))
        for row in rows
    ]


def decide(c: Connection, mention_id: int, now: float) -> bool:
    """Mark as decided; False where somebody already had, and nothing may follow then."""
    return bool(decide_all(c, [mention_id], now))


def decide_all(c: Connection, mention_ids: Sequence[int], now: float) -> set[int]:
    """Mark these as decided; which of them nobody had decided before."""
    rows = c.execute(
        "UPDATE mentions SET decided_at = ? WHERE id IN (SELECT value FROM json_each(?))"
        " AND decided_at IS NULL RETURNING id",
        (now, jsontext.write(mention_ids)),
    )
    return {row[0] for row in rows}


def by_source(c: Connection, platform: str, source_id: str) -> Received | None:
    """A mention by the platform's own id for it."""
    row = c.execute(
        "SELECT id, payload FROM mentions WHERE platform = ? AND source_id = ?",
        (platform, source_id),
    ).fetchone()
    if row is None:
        return None
    return Received(id=row["id"], mention=Mention.from_json(json.loads(row["payload"])))


def by_id(c: Connection, mention_id: int) -> Mention | None:
    """A mention by its number in the inbox."""
    row = c.execute("SELECT payload FROM mentions WHERE id = ?", (mention_id,)).fetchone()
    return Mention.from_json(json.loads(row["payload"])) if row else None


def latest_of(c: Connection, platform: str, source_id: str) -> Received | None:
    """The newest mention of a post: by its own id, or by that and more behind a slash, which is
    how what was said in it later is known."""
    row = c.execute(
        "SELECT id, payload FROM mentions WHERE platform = ? AND source_id BETWEEN ? AND ?"
        " AND forgotten_at IS NULL ORDER BY id DESC LIMIT 1",
        (platform, source_id, f"{source_id}/~"),
    ).fetchone()
    if row is None:
        return None
    return Received(id=row["id"], mention=Mention.from_json(json.loads(row["payload"])))


def learn(c: Connection, platform: str, source_id: str, address: Mapping[str, object]) -> None:
    """Add to the way back what the platform told only after the mention was written."""
    c.execute(
        "UPDATE mentions SET payload = json_patch(payload, ?)"
        " WHERE platform = ? AND source_id = ? AND forgotten_at IS NULL",
        (json.dumps({"address": dict(address)}), platform, source_id),
    )


def awaited(c: Connection, platform: str, since: float) -> list[Mention]:
    """Mentions received since a moment whose reply is not there yet, oldest first."""
    rows = c.execute(
        "SELECT m.payload FROM mentions m LEFT JOIN outbox o ON o.mention_id = m.id"
        " WHERE m.platform = ? AND m.received_at >= ? AND m.forgotten_at IS NULL"
        " AND coalesce(o.state, 'pending') IN ('pending', 'preparing', 'posting', 'unclear')"
        " ORDER BY m.id",
        (platform, since),
    )
    return [Mention.from_json(json.loads(row["payload"])) for row in rows]


def repeats(c: Connection, platform: str, key: str) -> int:
    """How many mentions whose ids begin with `key` and a colon have had their answer."""
    row = c.execute(
        "SELECT count(*) AS n FROM mentions m LEFT JOIN outbox o ON o.mention_id = m.id"
        " LEFT JOIN jobs j ON j.mention_id = m.id"
        " WHERE m.platform = ? AND m.source_id BETWEEN ? AND ? AND m.decided_at IS NOT NULL"
        " AND (o.state IN ('posted', 'unsaid', 'parked')"
        "  OR o.id IS NULL AND coalesce(j.state, 'cancelled') IN ('cancelled', 'expired'))",
        (platform, f"{key}:", f"{key}:~"),
    ).fetchone()
    return int(row["n"])


def direct_threads(c: Connection, platform: str, since: float) -> list[str]:
    """Conversations outside any server with mentions received since a moment."""
    rows = c.execute(
        "SELECT DISTINCT thread FROM mentions WHERE platform = ? AND thread IS NOT NULL"
        " AND received_at >= ? AND json_extract(payload, '$.address.guild') IS NULL"
        " AND json_extract(payload, '$.address.interaction') IS NULL",
        (platform, since),
    )
    return [row["thread"] for row in rows]


def known(c: Connection, platform: str, source_ids: Collection[str]) -> set[str]:
    """Which of these were received before."""
    marks = ", ".join("?" * len(source_ids))
    rows = c.execute(
        f"SELECT source_id FROM mentions WHERE platform = ? AND source_id IN ({marks})",
        (platform, *source_ids),
    )
    return {row["source_id"] for row in rows}


def in_thread(c: Connection, platform: str, thread: str, since: float) -> int:
    """How many mentions of one conversation were taken in since a moment."""
    row = c.execute(
        "SELECT count(*) AS n FROM mentions WHERE platform = ? AND thread = ? AND received_at >= ?",
        (platform, thread, since),
    ).fetchone()
    return int(row["n"])


def of_account(c: Connection, platform: str, user_id: str, since: float) -> int:
    """How many mentions of one account were taken in since a moment."""
    row = c.execute(
        "SELECT count(*) AS n FROM mentions WHERE platform = ? AND user_id = ?"
        " AND received_at >= ?",
        (platform, user_id, since),
    ).fetchone()
    return int(row["n"])


def accounts_called(c: Connection, platform: str, name: str) -> list[Account]:
    """Who has this user id or handle on a platform."""
    rows = c.execute(
        "SELECT platform, user_id, handle FROM accounts"
        " WHERE platform = ? AND (user_id = ? OR handle = ?)",
        (platform, name, name.removeprefix("@")),
    )
    return [Account(**dict(row)) for row in rows]


def stop(c: Connection, account: Account, now: float) -> None:
    """They want to be left alone."""
    c.execute(
        "INSERT INTO stopped (platform, user_id, stopped_at) VALUES (?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (account.platform, account.user_id, now),
    )


def come_back(c: Connection, account: Account) -> None:
    """They asked for something again."""
    c.execute(
        "DELETE FROM stopped WHERE platform = ? AND user_id = ?",
        (account.platform, account.user_id),
    )


def has_stopped(c: Connection, platform: str, user_id: str) -> bool:
    """Whether somebody asked to be left alone and has not come back since."""
    row = c.execute(
        "SELECT 1 FROM stopped WHERE platform = ? AND user_id = ?", (platform, user_id)
    ).fetchone()
    return row is not None


def _receive_one(c: Connection, mention: Mention, now: float) -> Received | None:
    row = c.execute(
        "INSERT INTO mentions (platform, source_id, user_id, in_reply_to, thread, payload,"
        " received_at) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
        (
            mention.platform,
            mention.source_id,
            mention.account.user_id,
            mention.in_reply_to,
            mention.thread,
            jsontext.write(mention),
            now,
        ),
    ).fetchone()
    return Received(id=row["id"], mention=mention) if row else None
