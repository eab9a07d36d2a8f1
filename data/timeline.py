"""The sandbox platform's own little network: posts in threads.

It stands for what X or Discord keep on their side, so the other tables never
refer to it. A bot's post carries a key: posting it again finds the first one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data.store import Connection
from data.words import Account, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """`thread` is its first post's id; `pictures` are {sha256, alt, width, height}."""

    id: int
    author: str
    text: str
    in_reply_to: int | None
    thread: int
    photo: str | None
    shown_photo: str | None
    pictures: tuple[dict[str, Any], ...]
    created_at: float
    removed: bool


def add(
    c: Connection,
    author: str,
    text: str,
    now: float,
    *,
    in_reply_to: int | None = None,
    photo: str | None = None,
    shown_photo: str | None = None,
    pictures: Sequence[dict[str, Any]] = (),
    key: str | None = None,
) -> int | None:
    """Write a post and return its id; None where the post it answers does not exist."""
    if key is not None:
        earlier = c.execute("SELECT id FROM posts WHERE key = ?", (key,)).fetchone()
        if earlier:
            return int(earlier["id"])
    parent = by_id(c, in_reply_to) if in_reply_to is not None else None
    if in_reply_to is not None and parent is None:
        return None
    row = c.execute(
        "INSERT INTO posts (author, text, in_reply_to, thread, photo, shown_photo, pictures, key,"
        " created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            author,
            text,
            in_reply_to,
            parent.thread if parent else 0,
            photo,
            shown_photo,
            json.dumps(list(pictures)),
            key,
            now,
        ),
    ).fetchone()
    shown = {picture["sha256"] for picture in pictures} | ({shown_photo} if shown_photo else set())
    c.executemany(
        "INSERT INTO post_images (sha256, post_id) VALUES (?, ?)",
        [(digest, row["id"]) for digest in shown],
    )
    if parent is None:
        c.execute("UPDATE posts SET thread = id WHERE id = ?", (row["id"],))
    return int(row["id"])


def remove(c: Connection, post_id: int, now: float) -> None:
    """Take a post off the timeline; its place in the thread stays."""
    c.execute("UPDATE posts SET removed_at = ? WHERE id = ?", (now, post_id))


def by_id(c: Connection, post_id: int) -> Post | None:
    row = c.execute("SELECT * FROM posts WHERE id = ?", (post_id,)).fetchone()
    return _post(row) if row else None


def by_key(c: Connection, key: str) -> Post | None:
    row = c.execute("SELECT * FROM posts WHERE key = ?", (key,)).fetchone()
    return _post(row) if row else None


def after(c: Connection, post_id: int, limit: int) -> list[Post]:
    """Posts younger than `post_id`, oldest first."""
    rows = c.execute("SELECT * FROM posts WHERE id > ? ORDER BY id LIMIT ?", (post_id, limit))
    return [_post(row) for row in rows]


def replies(c: Connection, post_id: int) -> list[Post]:
    """Direct answers to a post, oldest first, without removed ones."""
    rows = c.execute(
        "SELECT * FROM posts WHERE in_reply_to = ? AND removed_at IS NULL ORDER BY id", (post_id,)
    )
    return [_post(row) for row in rows]


def in_threads(c: Connection, threads: Sequence[int]) -> list[Post]:
    """Every post of these threads, oldest first, removed ones too."""
    marks = ", ".join("?" * len(threads))
    rows = c.execute(f"SELECT * FROM posts WHERE thread IN ({marks}) ORDER BY id", tuple(threads))
    return [_post(row) for row in rows]


def newest_threads(
    c: Connection, limit: int, *, before: int | None = None, since: int = 0
) -> list[int]:
    """Ids of threads, newest first: older than `before`, not older than `since`."""
    rows = c.execute(
        "SELECT id FROM posts WHERE in_reply_to IS NULL AND id >= ? AND (? IS NULL OR id < ?)"
        " ORDER BY id DESC LIMIT ?",
        (since, before, before, limit),
    )
    return [row["id"] for row in rows]


def newest(c: Connection, limit: int, before: int | None = None) -> list[Post]:
    """Posts of all threads, newest first, without removed ones."""
    rows = c.execute(
        "SELECT * FROM posts WHERE removed_at IS NULL AND (? IS NULL OR id < ?)"
        " ORDER BY id DESC LIMIT ?",
        (before, before, limit),
    )
    return [_post(row) for row in rows]


def shows(c: Connection, digest: str) -> bool:
    """Whether a post that still stands shows this picture or photo."""
    row = c.execute(
        "SELECT 1 FROM post_images i JOIN posts p ON p.id = i.post_id"
        " WHERE i.sha256 = ? AND p.removed_at IS NULL LIMIT 1",
        (digest,),
    ).fetchone()
    return row is not None


def introduce(c: Connection, account: Account, tier: Tier, now: float) -> None:
    """Give a demo person an account, unless there is one that somebody may have changed."""
    c.execute(
        "INSERT INTO accounts (platform, user_id, handle, tier, first_seen)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (account.platform, account.user_id, account.handle, tier, now),
    )


def mention_of(c: Connection, platform: str, post_id: int) -> int | None:
    """The number in the inbox of the mention a post was, None where it was none."""
    row = c.execute(
        "SELECT id FROM mentions WHERE platform = ? AND source_id = ?", (platform, str(post_id))
    ).fetchone()
    return row["id"] if row else None


def _post(row: Any) -> Post:
    return Post(
        id=row["id"],
        author=row["author"],
        text=row["text"],
        in_reply_to=row["in_reply_to"],
        thread=row["thread"],
        photo=row["photo"],
        shown_photo=row["shown_photo"],
        pictures=tuple(json.loads(row["pictures"])),
        created_at=row["created_at"],
        removed=row["removed_at"] is not None,
    )
