"""Everything the policies may know of those who ask: a few indexed reads for many of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data import jsontext, ledger, terms
from data.store import Connection
from data.words import Cap, Mention, TemporaryLimit, Terms, Tier, Usage

_WHO = (
    "SELECT w.value, a.tier, a.tier_until, a.bought, a.first_seen, coalesce(a.arrival, 0.0),"
    " coalesce(a.in_hand, 0), coalesce(b.reserved, 0), coalesce(b.settled, 0)"
    " FROM json_each(?1) w LEFT JOIN accounts a ON a.platform = ?2 AND a.user_id = w.value"
    " LEFT JOIN balances b ON b.day = ?3 AND b.scope = 'account' AND b.key = ?2 || '/' || w.value"
)
_WHERE = (
    "SELECT circle, tier, until FROM circle_tiers WHERE circle IN (SELECT value FROM json_each(?))"
)
_WHAT = (
    f"SELECT t.tier, w.cost, {terms.COLUMNS},"
    " l.id, l.tier, l.reason, l.since, l.until, l.by, l.daily, l.backlog, l.lifted_at"
    " FROM (SELECT 1) LEFT JOIN tiers t ON t.tier = ?1"
    " LEFT JOIN lanes w ON w.tier = ?1 AND w.circle = ''"
    " LEFT JOIN temporary_limits l ON l.tier = ?1 AND l.lifted_at IS NULL"
)
_CAP = (
    "SELECT coalesce((SELECT daily FROM caps WHERE scope = ?1 AND key = ?2),"
    " (SELECT daily FROM caps WHERE scope = ?1 AND key = '*')),"
    " coalesce((SELECT reserved + settled FROM balances"
    "  WHERE day = ?3 AND scope = ?1 AND key = ?2), 0)"
)
#: Where in a row of `_WHAT` the tier's own terms are, and where the temporary limit begins.
_OWN = slice(2, 2 + len(terms.SETTABLE))
_LIMIT = _OWN.stop


@dataclass(slots=True)
class _Account:
    """What is known of an account; the last four change with every wish granted."""

    tier: Tier
    first_seen: float | None
    arrival: float
    in_hand: int
    reserved: int
    settled: int


@dataclass(slots=True)
class _Line:
    """What is known of a tier; `waiting` changes with every wish granted."""

    terms: Terms
    waiting: float
    temporary: tuple[TemporaryLimit, ...]


class Book:
    """What is known of all who ask in one act, read once.

    Told of what it is granted (`grant`), it judges the next wish as if the ones before
    it had been written already.
    """

    def __init__(
        self,
        c: Connection,
        askers: Sequence[Mention],
        defaults: Mapping[Tier, Terms],
        now: float,
    ) -> None:
        self._c = c
        self._defaults = defaults
        self._now = now
        self._day = ledger.day_of(now)
        self._accounts = _accounts(c, askers, self._day, now)
        self._given = _given(c, {asker.circle for asker in askers}, now)
        self._capped = bool(c.execute("SELECT EXISTS (SELECT 1 FROM caps)").fetchone()[0])
        self._lines: dict[Tier, _Line] = {}
        self._caps: dict[tuple[str, str], Cap | None] = {}

    def look(self, mention: Mention) -> tuple[Tier, Usage]:
        """The tier a mention is judged by, and what there is to know about its asker.

        The tier is the best of those the account was given, has bought, and has from its guild.
        """
        known = self._accounts[mention.account.platform, mention.account.user_id]
        tier = known.tier
        if self._given:
            tier = ledger.best(tier, self._given.get(mention.circle, Tier.FREE))
        line = self._lines.get(tier) or self._read_line(tier)
        circle, channel, total = self._caps_of(mention) if self._capped else (None, None, None)
        since = _since(mention.account_since, known.first_seen, self._now)
        # By place, as in a NamedTuple names cost as much as the rest of it.
        return tier, Usage(
            self._day, known.reserved, known.settled, line.terms, known.in_hand, known.arrival,
            since, circle, channel, total, line.waiting, line.temporary,
        )  # fmt: skip

    def grant(
        self, mention: Mention, tier: Tier, units: int, arrival: float, *, waits: bool
    ) -> None:
        """A wish that was looked at is let in; `waits` in the line, or for a moderator."""
        known = self._accounts[mention.account.platform, mention.account.user_id]
        known.reserved += units
        known.in_hand += units
        known.arrival = arrival
        if waits:
            self._lines[tier].waiting += units
        if self._capped:
            for scope in _scopes(mention):
                if cap := self._caps[scope]:
                    self._caps[scope] = Cap(daily=cap.daily, spoken_for=cap.spoken_for + units)

    def _read_line(self, tier: Tier) -> _Line:
        line = self._lines[tier] = _line(self._c, tier, self._defaults[tier])
        return line

    def _caps_of(self, mention: Mention) -> tuple[Cap | None, Cap | None, Cap | None]:
        for scope in (scopes := _scopes(mention)):
            if scope not in self._caps:
                daily, spoken_for = self._c.execute(_CAP, (*scope, self._day)).fetchone()
                cap = None if daily is None else Cap(daily=daily, spoken_for=spoken_for)
                self._caps[scope] = cap
        total, circle, *channel = (self._caps[scope] for scope in scopes)
        return circle, channel[0] if channel else None, total


def look(
    c: Connection, mention: Mention, defaults: Mapping[Tier, Terms], now: float
) -> tuple[Tier, Usage]:
    """The tier a mention is judged by, and what there is to know about its asker at `now`."""
    return Book(c, [mention], defaults, now).look(mention)


def _accounts(
    c: Connection, askers: Sequence[Mention], day: str, now: float
) -> dict[tuple[str, str], _Account]:
    names: defaultdict[str, set[str]] = defaultdict(set)
    for asker in askers:
        names[asker.account.platform].add(asker.account.user_id)
    accounts = {}
    for platform, user_ids in names.items():
        rows = c.execute(_WHO, (jsontext.write([*user_ids]), platform, day))
        for user_id, tier, until, bought, *known in rows:
            own = ledger.given(tier, until, now)
            own = own if bought is None else ledger.best(own, Tier(bought))
            accounts[platform, user_id] = _Account(own, *known)
    return accounts


def _given(c: Connection, circles: Collection[str], now: float) -> dict[str, Tier]:
    """The tiers of those circles that have been given one."""
    rows = c.execute(_WHERE, (jsontext.write([*circles]),))
    return {circle: ledger.given(tier, until, now) for circle, tier, until in rows}


def _line(c: Connection, tier: Tier, default: Terms) -> _Line:
    rows = c.execute(_WHAT, (tier.value,)).fetchall()
    first = rows[0]
    return _Line(
        terms=default if first[0] is None else terms.merged(default, tuple(first[_OWN])),
        waiting=first[1] or 0.0,
        temporary=_limits(rows) if first[_LIMIT] is not None else (),
    )


def _scopes(mention: Mention) -> list[tuple[str, str]]:
    """Whose caps a wish counts in besides its account's."""
    circle = mention.circle
    scopes = [("total", ""), ("circle", circle)]
    if mention.channel is not None:
        scopes.append(("channel", f"{circle}/{mention.channel}"))
    return scopes


def _since(made: float | None, first_seen: float | None, now: float) -> float:
    if made is not None:
        return made
    return now if first_seen is None else first_seen


def _limits(rows: Sequence[Any]) -> tuple[TemporaryLimit, ...]:
    columns = ("id", "tier", "reason", "since", "until", "by", "daily", "backlog", "lifted_at")
    return tuple(
        terms.limit_of(dict(zip(columns, tuple(row)[_LIMIT:], strict=True))) for row in rows
    )
