"""Everything the policies may know of an ask, in two indexed reads (three where there are caps)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from data import ledger, terms
from data.store import Connection
from data.words import Cap, Mention, TemporaryLimit, Terms, Tier, Usage

_WHO = (
    "SELECT a.tier, a.tier_until, a.bought, a.first_seen, a.arrival, a.in_hand,"
    " b.reserved, b.settled, g.tier, g.until, EXISTS (SELECT 1 FROM caps)"
    " FROM (SELECT 1) LEFT JOIN accounts a ON a.platform = ? AND a.user_id = ?"
    " LEFT JOIN balances b ON b.day = ? AND b.scope = 'account' AND b.key = ?"
    " LEFT JOIN circle_tiers g ON g.circle = ?"
)
_WHAT = (
    f"SELECT t.tier, w.cost, {terms.COLUMNS},"
    " l.id, l.tier, l.reason, l.since, l.until, l.by, l.daily, l.backlog, l.lifted_at"
    " FROM (SELECT 1) LEFT JOIN tiers t ON t.tier = ?1"
    " LEFT JOIN lanes w ON w.tier = ?1 AND w.circle = ''"
    " LEFT JOIN temporary_limits l ON l.tier = ?1 AND l.lifted_at IS NULL"
)
_CAPS = (
    "SELECT scope, coalesce((SELECT daily FROM caps c WHERE c.scope = x.scope AND c.key = x.key),"
    " (SELECT daily FROM caps c WHERE c.scope = x.scope AND c.key = '*')),"
    " coalesce((SELECT reserved + settled FROM balances b"
    "  WHERE b.day = ? AND b.scope = x.scope AND b.key = x.key), 0)"
    " FROM (SELECT 'circle' AS scope, ? AS key UNION ALL SELECT 'channel', ?"
    "  UNION ALL SELECT 'total', '') x"
)
_NO_CAPS: dict[str, Cap] = {}
#: Where in a row of `_WHAT` the tier's own terms are, and where the temporary limit begins.
_OWN = slice(2, 2 + len(terms.SETTABLE))
_LIMIT = _OWN.stop


def look(
    c: Connection, mention: Mention, defaults: Mapping[Tier, Terms], now: float
) -> tuple[Tier, Usage]:
    """The tier a mention is judged by, and what there is to know about its asker at `now`.

    The tier is the best of those the account was given, has bought, and has from its guild.
    """
    account, circle = mention.account, mention.circle
    day, key = ledger.day_of(now), f"{account.platform}/{account.user_id}"
    (
        own,
        own_until,
        bought,
        first_seen,
        arrival,
        in_hand,
        reserved,
        settled,
        circles,
        circles_until,
        capped,
    ) = c.execute(_WHO, (account.platform, account.user_id, day, key, circle)).fetchone()
    tier = ledger.best(
        ledger.given(own, own_until, now),
        ledger.given(bought, None, now),
        ledger.given(circles, circles_until, now),
    )
    rows = c.execute(_WHAT, (tier.value,)).fetchall()
    first = rows[0]
    caps = _caps(c, circle, mention.channel, day) if capped else _NO_CAPS
    return tier, Usage(
        day=day,
        reserved=reserved or 0,
        settled=settled or 0,
        terms=defaults[tier] if first[0] is None else terms.merged(defaults[tier], first[_OWN]),
        in_hand=in_hand or 0,
        arrival=arrival or 0.0,
        since=_since(mention.account_since, first_seen, now),
        circle=caps.get("circle"),
        channel=caps.get("channel"),
        total=caps.get("total"),
        waiting=first[1] or 0.0,
        temporary=_limits(rows) if first[_LIMIT] is not None else (),
    )


def _since(made: float | None, first_seen: float | None, now: float) -> float:
    if made is not None:
        return made
    return now if first_seen is None else first_seen


def _caps(c: Connection, circle: str, channel: str | None, day: str) -> dict[str, Cap]:
    place = None if channel is None else f"{circle}/{channel}"
    return {
        scope: Cap(daily=daily, spoken_for=spoken_for)
        for scope, daily, spoken_for in c.execute(_CAPS, (day, circle, place))
        if daily is not None and (scope != "channel" or channel is not None)
    }


def _limits(rows: Sequence[Any]) -> tuple[TemporaryLimit, ...]:
    columns = ("id", "tier", "reason", "since", "until", "by", "daily", "backlog", "lifted_at")
    return tuple(
        terms.limit_of(dict(zip(columns, tuple(row)[_LIMIT:], strict=True))) for row in rows
    )
