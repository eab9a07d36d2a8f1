"""Tokens that change: a pair is kept here before it is used, a refresh noted before it is asked.

A refresh token works once. So what is kept is the newest pair, whether an answer to
a refresh is outstanding, and, where the chain broke, why.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from data.store import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An access token and what renews it. Never shown."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: float
    #: When a refresh began whose answer is not here, and why no other one will be tried.
    renewing_since: float | None = None
    lost: str | None = None


def current(c: Connection, platform: str, origin: str) -> Pair | None:
    """The newest pair of the chain that began with `origin`; None where it has not begun."""
    row = c.execute(
        "SELECT access, refresh, expires_at, renewing_since, lost FROM tokens"
        " WHERE platform = ? AND origin = ?",
        (platform, origin),
    ).fetchone()
    return Pair(**dict(row)) if row else None


def lost(c: Connection, platform: str, origin: str) -> str | None:
    """Why a chain can't go on; None where it can, has not begun, or the file is older."""
    known = c.execute("SELECT 1 FROM sqlite_master WHERE name = 'tokens'").fetchone()
    pair = current(c, platform, origin) if known is not None else None
    return pair.lost if pair is not None else None


def keep(c: Connection, platform: str, origin: str, pair: Pair) -> None:
    """From now on this pair counts, and no other of the platform's."""
    c.execute(
        "INSERT OR REPLACE INTO tokens"
        " (platform, origin, access, refresh, expires_at, renewing_since, lost)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            platform,
            origin,
            pair.access,
            pair.refresh,
            pair.expires_at,
            pair.renewing_since,
            pair.lost,
        ),
    )
