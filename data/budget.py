"""What a platform still lets us do, and what it costs: windows, pauses, money, health.

Everything is counted before a request is made, so a process that dies in between
has counted too much and never too little. What the platform answers overwrites
what we thought. Money is in millionths of a US dollar and belongs to the UTC day
in which it was spent; a thing is paid for once a day, as platforms bill it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data.ledger import day_of, next_day
from data.store import Connection
from data.words import ChargeState, Window

#: The endpoint whose windows replies are counted in.
REPLIES = "replies"
#: The first pause after a refusal that names no end, and the longest, in seconds.
FIRST_PAUSE = 60.0
LONGEST_PAUSE = 900.0
#: How long a first request after a pause may take before another one tries.
PROBE = 40.0

_SPENT, _UNCLEAR = "spent", "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an answer told about one window."""

    name: str
    capacity: int
    remaining: int
    resets_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How full a window is."""

    used: int
    resets_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a UTC day cost, in US dollars, and what it bought."""

    day: str
    usd: float
    replies: int
    usd_per_reply: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """One thing that costs something; `thing` is the platform's id of it."""

    kind: str
    thing: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A reading whose price only its answer tells: what is asked, and the most it may cost."""

    words: str
    most: int


def enter(
    c: Connection, platform: str, endpoint: str, windows: Sequence[Window], now: float
) -> float | None:
    """Count one request in every window of its endpoint; or the moment to come back at."""
    pause = _pause_of(c, platform, endpoint)
    if pause is not None and pause["until"] > now:
        until: float = pause["until"]
        return until
    uses = [(window, use(c, platform, endpoint, window, now)) for window in windows]
    full = [u.resets_at for window, u in uses if u.used >= capacity(c, platform, endpoint, window)]
    if full:
        return max(full)
    for window, u in uses:
        room = capacity(c, platform, endpoint, window)
        _set(c, platform, endpoint, window.name, room, u.used + 1, u.resets_at)
    if pause is not None:
        # It is over: this request tries first, and the others wait for what it learns.
        _pause(c, platform, endpoint, now + PROBE, pause["strikes"], probing=True)
    return None


def use(c: Connection, platform: str, endpoint: str, window: Window, now: float) -> Use:
    """How full a window is now; one whose time is over is empty and begins now."""
    row = c.execute(
        "SELECT used, resets_at FROM windows WHERE platform = ? AND endpoint = ? AND name = ?",
        (platform, endpoint, window.name),
    ).fetchone()
    if row is not None and row["resets_at"] > now:
        return Use(used=row["used"], resets_at=row["resets_at"])
    return Use(used=0, resets_at=now + window.seconds)


def read(
    c: Connection, platform: str, endpoint: str, readings: Sequence[Reading], now: float
) -> None:
    """An answer came: believe it, and pause an endpoint it says is used up."""
    for told in readings:
        if told.resets_at > now:
            used = max(0, told.capacity - told.remaining)
            _keep(c, platform, endpoint, told, used)
    empty = [told.resets_at for told in readings if told.remaining <= 0 and told.resets_at > now]
    # A pause that began while this answer was on its way stays.
    c.execute(
        "DELETE FROM pauses WHERE platform = ? AND endpoint = ? AND (probing OR until <= ?)",
        (platform, endpoint, now),
    )
    if empty:
        _pause(c, platform, endpoint, max(empty), 0)


def refused(
    c: Connection, platform: str, endpoint: str, readings: Sequence[Reading], now: float
) -> float:
    """Too many requests: until when the endpoint is left alone.

    That is the latest end among the windows at zero. Where none is named, or only
    one that is over (a day's cap looks like that), the pause doubles each time.
    """
    before = _pause_of(c, platform, endpoint)
    strikes = before["strikes"] if before else 0
    for told in readings:
        if told.resets_at > now:
            _keep(c, platform, endpoint, told, max(0, told.capacity - told.remaining))
    ends = [told.resets_at for told in readings if told.remaining <= 0 and told.resets_at > now]
    until = max(ends) if ends else now + min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**strikes)
    if before is not None and not before["probing"] and before["until"] > now:
        # Several were under way when the first was refused: that is one refusal.
        until, strikes = max(until if ends else 0.0, before["until"]), strikes - (not ends)
    _pause(c, platform, endpoint, until, strikes if ends else strikes + 1)
    return until


def intend(c: Connection, platform: str, price: Price, now: float) -> bool:
    """Money a request may cost, noted before it is made; once for each thing.

    True where an earlier request for it had no answer: what that cost is not known yet.
    """
    state = _noted(c, platform, price.kind, price.thing)
    if state is None:
        _insert(c, platform, price, _UNCLEAR, now)
    return state == _UNCLEAR


def charged(c: Connection, platform: str, kind: str, thing: str) -> bool | None:
    """Whether it certainly was (True), may have been (None), or was not charged (False)."""
    state = _noted(c, platform, kind, thing)
    return None if state == _UNCLEAR else state is not None


def confirm(c: Connection, platform: str, kind: str, thing: str) -> None:
    """It was charged, by the request that was in doubt."""
    c.execute(
        "UPDATE spending SET state = ? WHERE platform = ? AND kind = ? AND thing = ? AND state = ?",
        (_SPENT, platform, kind, thing, _UNCLEAR),
    )


def ask(c: Connection, platform: str, question: Question, now: float) -> bool:
    """Note a reading before it is made. True where its last one, today, had no answer.

    It does not count against the day: whoever got no answer asks again, and what the
    same reading gives out twice a day is charged once.
    """
    added = c.execute(
        "INSERT INTO askings (platform, day, question, most, at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (platform, day_of(now), question.words, question.most, now),
    )
    return not added.rowcount


def answered(c: Connection, platform: str, question: Question, now: float) -> None:
    """All that was asked for was read: what it cost is entered, thing by thing."""
    c.execute(
        "DELETE FROM askings WHERE platform = ? AND day = ? AND question = ?",
        (platform, day_of(now), question.words),
    )


def unanswered(c: Connection, platform: str, question: Question, now: float) -> bool:
    """Whether a reading may have cost something that is not entered."""
    row = c.execute(
        "SELECT 1 FROM askings WHERE platform = ? AND day = ? AND question = ?",
        (platform, day_of(now), question.words),
    ).fetchone()
    return row is not None


def spend(c: Connection, platform: str, price: Price, now: float) -> None:
    """It was charged: what was unclear is certain now.

    Platforms charge for a thing once a day, at its dearest price of that day.
    """
    if charged(c, platform, price.kind, price.thing) is None:
        confirm(c, platform, price.kind, price.thing)
    else:
        _insert(c, platform, price, _SPENT, now)


def forgo(c: Connection, platform: str, kind: str, thing: str) -> None:
    """It certainly was not charged."""
    c.execute(
        "DELETE FROM spending WHERE platform = ? AND kind = ? AND thing = ? AND state = ?",
        (platform, kind, thing, _UNCLEAR),
    )


def spent(c: Connection, platform: str, now: float) -> int:
    """What the UTC day of `now` has cost so far, unclear charges included."""
    row = c.execute(
        "SELECT coalesce(sum(amount), 0) AS amount FROM spending WHERE platform = ? AND day = ?",
        (platform, day_of(now)),
    ).fetchone()
    return int(row["amount"])


def reserve(c: Connection, job_id: int, platform: str, amount: int, now: float) -> None:
    """Keep a place and its money free for the reply to a job."""
    c.execute(
        "INSERT INTO slots (job_id, platform, amount, state, reserved_at) VALUES (?, ?, ?, ?, ?)",
        (job_id, platform, amount, ChargeState.RESERVED, now),
    )


def reserved(c: Connection, platform: str) -> tuple[int, int]:
    """How many places are kept free, and how much money."""
    row = c.execute(
        "SELECT count(*) AS places, coalesce(sum(amount), 0) AS amount FROM slots"
        " WHERE platform = ? AND state = ?",
        (platform, ChargeState.RESERVED),
    ).fetchone()
    return int(row["places"]), int(row["amount"])


def trip(c: Connection, platform: str, reason: str, now: float) -> bool:
    """Stop writing to a platform until a person has looked; False if it had stopped."""
    changed = c.execute(
        "INSERT INTO breakers (platform, tripped_at, reason) VALUES (?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (platform, now, reason),
    )
    return bool(changed.rowcount)


def mend(c: Connection, platform: str) -> bool:
    """A person has looked: write again. False where nothing was stopped."""
    changed = c.execute("DELETE FROM breakers WHERE platform = ?", (platform,))
    return bool(changed.rowcount)


def tripped(c: Connection, platform: str) -> str | None:
    """Why nothing is written to a platform, None where all is well."""
    row = c.execute("SELECT reason FROM breakers WHERE platform = ?", (platform,)).fetchone()
    return row["reason"] if row else None


def costs(c: Connection, platform: str, days: int) -> list[Cost]:
    """The newest days first; charges that are unclear count as made."""
    rows = c.execute(
        "SELECT day, usd + usd_unclear AS usd, replies, usd_per_reply FROM spend_log"
        " WHERE platform = ? ORDER BY day DESC LIMIT ?",
        (platform, days),
    )
    return [Cost(**dict(row)) for row in rows]


def kept(c: Connection) -> bool:
    """Whether the file has budgets yet: it may be older than they are."""
    row = c.execute("SELECT 1 FROM sqlite_master WHERE name = 'spend_log'").fetchone()
    return row is not None


def day_ends(now: float) -> float:
    """When there is new money."""
    return next_day(now)


def capacity(c: Connection, platform: str, endpoint: str, window: Window) -> int:
    """What the platform said last, else what its documents say."""
    row = c.execute(
        "SELECT capacity FROM windows WHERE platform = ? AND endpoint = ? AND name = ?",
        (platform, endpoint, window.name),
    ).fetchone()
    return row["capacity"] if row else window.capacity


def _keep(c: Connection, platform: str, endpoint: str, told: Reading, used: int) -> None:
    _set(c, platform, endpoint, told.name, told.capacity, used, told.resets_at)


def _set(
    c: Connection,
    platform: str,
    endpoint: str,
    name: str,
    capacity: int,
    used: int,
    resets_at: float,
) -> None:
    c.execute(
        "INSERT INTO windows (platform, endpoint, name, capacity, used, resets_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET used = excluded.used, resets_at = excluded.resets_at, capacity = excluded.capacity",
        (platform, endpoint, name, capacity, used, resets_at),
    )


def _pause_of(c: Connection, platform: str, endpoint: str) -> Any:
    return c.execute(
        "SELECT until, strikes, probing FROM pauses WHERE platform = ? AND endpoint = ?",
        (platform, endpoint),
    ).fetchone()


def _pause(
    c: Connection,
    platform: str,
    endpoint: str,
    until: float,
    strikes: int,
    *,
    probing: bool = False,
) -> None:
    c.execute(
        "INSERT OR REPLACE INTO pauses (platform, endpoint, until, strikes, probing)"
        " VALUES (?, ?, ?, ?, ?)",
        (platform, endpoint, until, strikes, int(probing)),
    )


def _noted(c: Connection, platform: str, kind: str, thing: str) -> str | None:
    row = c.execute(
        "SELECT state FROM spending WHERE platform = ? AND kind = ? AND thing = ?",
        (platform, kind, thing),
    ).fetchone()
    return row["state"] if row else None


def _insert(c: Connection, platform: str, price: Price, state: str, now: float) -> None:
    c.execute(
        "INSERT INTO spending (platform, day, kind, thing, amount, state, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET amount = max(amount, excluded.amount)",
        (platform, day_of(now), price.kind, price.thing, price.amount, state, now),
    )
