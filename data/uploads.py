"""Pictures that are on a platform already, for replies that are not posted yet.

Each is noted as soon as its id is known, so a process that dies between two steps
uploads nothing twice, and knows what to look at where it cannot know what it did.
"""

from __future__ import annotations

from dataclasses import dataclass

from data.store import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One picture of a reply, the `place`-th; kept by the platform `until` a UNIX time."""

    platform: str
    reply: str
    place: int
    media_id: str
    media_key: str | None
    until: float


def keep(c: Connection, upload: Upload, now: float) -> None:
    """Note an upload, and let go of those the platform has forgotten by now."""
    c.execute("DELETE FROM uploads WHERE until <= ?", (now,))
    c.execute(
        "INSERT OR REPLACE INTO uploads (platform, reply, place, media_id, media_key, until)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            upload.platform,
            upload.reply,
            upload.place,
            upload.media_id,
            upload.media_key,
            upload.until,
        ),
    )


def find(c: Connection, platform: str, reply: str, place: int, until: float) -> Upload | None:
    """The upload for a place in a reply, if it is kept beyond `until`."""
    row = c.execute(
        "SELECT * FROM uploads WHERE platform = ? AND reply = ? AND place = ? AND until > ?",
        (platform, reply, place, until),
    ).fetchone()
    return Upload(**dict(row)) if row else None


def forget(c: Connection, platform: str, reply: str) -> None:
    """The platform does not know them any more, or nobody needs them."""
    c.execute("DELETE FROM uploads WHERE platform = ? AND reply = ?", (platform, reply))
