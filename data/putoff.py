"""Whom a temporary limit put off: counted as demand, and told when it is over."""

from __future__ import annotations

import dataclasses
import json

from data import mentions, outbox
from data.mentions import Received
from data.store import Connection
from data.words import Account, Mention, Say, Tier

#: Nobody is told of an end that comes later than this after the ask, in seconds.
FORGOTTEN = 24 * 3600.0


def note(
    c: Connection, received: Received, tier: Tier, units: int, until: float, now: float
) -> None:
    """Remember the latest wish of an account that was put off, told to come again at `until`."""
    account = received.mention.account
    c.execute(
        "INSERT OR REPLACE INTO put_off (platform, user_id, tier, mention_id, at, until)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (account.platform, account.user_id, tier, received.id, now, until),
    )
    c.execute(
        "INSERT INTO lanes (tier, circle, asked) VALUES (?, '', ?)"
        " ON CONFLICT DO UPDATE SET asked = asked + excluded.asked",
        (tier, units),
    )


def count(c: Connection, tier: Tier) -> int:
    """How many people a tier's limits put off who were not told of the end yet."""
    row = c.execute("SELECT count(*) AS n FROM put_off WHERE tier = ?", (tier,)).fetchone()
    return int(row["n"])


def expected(c: Connection, tier: Tier, now: float) -> int:
    """How many of a tier were told to come again at a moment that is still to come."""
    row = c.execute(
        "SELECT count(*) AS n FROM put_off WHERE tier = ? AND until > ?", (tier, now)
    ).fetchone()
    return int(row["n"])


def let_in(c: Connection, account: Account) -> None:
    """An account that may have been put off has come again: nobody has to tell it."""
    c.execute(
        "DELETE FROM put_off WHERE platform = ? AND user_id = ?",
        (account.platform, account.user_id),
    )


def tell(c: Connection, tier: Tier, platforms: list[str], limit: int, now: float) -> int:
    """Tell up to `limit` of them, the first ones first, that they may ask again.

    Only on `platforms`, where a word costs nothing. It answers the same post once
    more, so it goes out as the answer to a mention of its own.
    """
    rows = c.execute(
        "DELETE FROM put_off WHERE (platform, user_id) IN ("
        " SELECT platform, user_id FROM put_off WHERE tier = ? ORDER BY at LIMIT ?)"
        " RETURNING platform, mention_id, at",
        (tier, limit),
    ).fetchall()
    for row in rows:
        if row["platform"] in platforms and now - row["at"] < FORGOTTEN:
            _tell_one(c, row["mention_id"], tier, now)
    return len(rows)


def _tell_one(c: Connection, mention_id: int, tier: Tier, now: float) -> None:
    row = c.execute(
        "SELECT payload FROM mentions WHERE id = ? AND forgotten_at IS NULL", (mention_id,)
    ).fetchone()
    if row is None:
        return
    asked = Mention.from_json(json.loads(row["payload"]))
    again = dataclasses.replace(
        asked,
        source_id=f"{asked.source_id}/again",
        answer_to=asked.answer_to or asked.source_id,
        text="",
    )
    for received in mentions.receive(c, asked.platform, [again], None, now):
        mentions.decide(c, received.id, now)
        outbox.enqueue(c, received.id, Say.OPEN_AGAIN, {"tier": tier}, now)
