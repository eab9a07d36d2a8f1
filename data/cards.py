"""Cards: messages of ours that show something for as long as it changes, once in each channel.

What a card is about (a hold, a case, a request) is a row elsewhere; whoever shows it
compares what the message says with what is true. The row is written before the message
is posted, so that a process that died in between leaves something to look for.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from data import desk
from data.store import Connection

#: So many of what waits longest have cards at the same time, of each kind.
MOST = 25


class About(StrEnum):
    HOLD = "hold"
    CASE = "case"
    REQUEST = "request"  #: to whoever posted a photo


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """`number` is the hold's, case's or request's. `posting_at` is when it was first meant to be
    posted, `message` None until it was; `shows` is the digest of what that says."""

    id: int
    about: About
    number: int
    channel: str
    answers: str | None
    posting_at: float | None
    attempts: int
    message: str | None
    shows: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A hold as it stands, or as it ended. `ended_by` and `approvals` are logins."""

    job_id: int
    mention_id: int
    needed: int
    held_at: float
    rule: str | None
    category: str | None
    reason: str
    claimed_by: str | None
    approvals: tuple[str, ...]
    outcome: str | None
    ended_by: str | None


def wanted(c: Connection, platform: str, channel: str | None) -> list[tuple[About, int, str]]:
    """What waits for a person and has no card yet where it should: kind, number, channel.

    All of it belongs in the operator's `channel`, what was asked for in a guild in that
    guild's own channel as well, but for what only its asker sees, and appeals.
    CROSS JOIN keeps SQLite from beginning with every mention there is.
    """
    found: list[tuple[About, int, str]] = []
    for about, source in _WAITING.items():
        rows = c.execute(
            f"WITH waiting AS ({source} LIMIT {MOST}), places AS ("
            " SELECT number, ? AS channel FROM waiting"
            " UNION SELECT w.number, json_extract(g.policy, '$.mod_channel') FROM waiting w"
            "  CROSS JOIN mentions m ON m.id = w.mention_id AND m.platform = ?"
            "  CROSS JOIN guilds g ON g.platform = m.platform"
            "   AND g.guild_id = json_extract(m.payload, '$.guild')"
            "  WHERE w.kind <> 'appeal'"
            "   AND NOT coalesce(json_extract(m.payload, '$.address.hidden'), 0))"
            " SELECT number, channel FROM places p WHERE channel IS NOT NULL AND NOT EXISTS ("
            "  SELECT 1 FROM cards k WHERE k.about = ? AND k.number = p.number"
            "  AND k.platform = ? AND k.channel = p.channel) ORDER BY number",
            (channel, platform, about, platform),
        )
        found += [(about, row["number"], row["channel"]) for row in rows]
    return found


def want(
    c: Connection,
    about: About,
    number: int,
    platform: str,
    channel: str,
    now: float,
    *,
    answers: str | None = None,
) -> None:
    """Have a card posted. Asking for it twice is harmless."""
    c.execute(
        "INSERT INTO cards (about, number, platform, channel, answers, made_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (about, number, platform, channel, answers, now),
    )


def standing(c: Connection, platform: str, now: float) -> list[Card]:
    """Cards that may have to change, oldest first, without those that are to be left alone."""
    rows = c.execute(
        "SELECT * FROM cards WHERE over_at IS NULL AND platform = ? AND not_before <= ?"
        " ORDER BY id",
        (platform, now),
    )
    return [_card(row) for row in rows]


def by_id(c: Connection, platform: str, number: int) -> Card | None:
    row = c.execute(
        "SELECT * FROM cards WHERE id = ? AND platform = ?", (number, platform)
    ).fetchone()
    return _card(row) if row else None


def intend(c: Connection, card: Card, now: float) -> None:
    """It is about to be posted."""
    c.execute(
        "UPDATE cards SET posting_at = coalesce(posting_at, ?), attempts = attempts + 1"
        " WHERE id = ?",
        (now, card.id),
    )


def shown(
    c: Connection, card: Card, message: str | None, shows: str, now: float, *, over: bool
) -> None:
    """The message stands and says this; `over`: nothing about it changes any more."""
    c.execute(
        "UPDATE cards SET message = ?, shows = ?, attempts = 0, over_at = ? WHERE id = ?",
        (message, shows, now if over else None, card.id),
    )


def put_off(c: Connection, card: Card, until: float) -> None:
    """It did not work; not again before `until`."""
    c.execute(
        "UPDATE cards SET not_before = ?, attempts = attempts + 1 WHERE id = ?", (until, card.id)
    )


def let_go(c: Connection, card: Card, now: float) -> None:
    """Its message, or the place for it, is gone."""
    c.execute("UPDATE cards SET over_at = ? WHERE id = ?", (now, card.id))


def held(c: Connection, number: int, now: float) -> Held | None:
    """A hold, open or not."""
    row = c.execute(
        "SELECT d.*, j.mention_id, coalesce(d.reason, j.reason, '') AS why, h.rule, h.category,"
        " iif(d.claimed_at > ?, d.claimed_by, NULL) AS looking FROM holds d"
        " JOIN jobs j ON j.id = d.job_id LEFT JOIN hits h ON h.id = d.hit_id WHERE d.id = ?",
        (now - desk.CLAIM, number),
    ).fetchone()
    if row is None:
        return None
    votes = c.execute("SELECT moderator FROM votes WHERE hold_id = ? ORDER BY at", (number,))
    return Held(
        job_id=row["job_id"],
        mention_id=row["mention_id"],
        needed=row["needed"],
        held_at=row["held_at"],
        rule=row["rule"],
        category=row["category"],
        reason=row["why"],
        claimed_by=row["looking"],
        approvals=tuple(vote["moderator"] for vote in votes),
        outcome=row["outcome"],
        ended_by=row["ended_by"],
    )


_WAITING = {
    About.HOLD: "SELECT d.id AS number, j.mention_id, 'hold' AS kind FROM holds d"
    " JOIN jobs j ON j.id = d.job_id WHERE d.ended_at IS NULL ORDER BY d.held_at",
    About.CASE: "SELECT id AS number, mention_id, kind FROM cases WHERE closed_at IS NULL"
    " ORDER BY id",
}


def _card(row: Any) -> Card:
    return Card(
        id=row["id"],
        about=About(row["about"]),
        number=row["number"],
        channel=row["channel"],
        answers=row["answers"],
        posting_at=row["posting_at"],
        attempts=row["attempts"],
        message=row["message"],
        shows=row["shows"],
    )
