"""The ledger: units reserved at admission, then settled or released, once.

A charge is keyed by its job. Each verb only moves a charge out of `reserved`,
so a repeated call changes nothing, and a day's balance is the sum of its rows.
The sums are kept beside it in the same transaction (`balances`): by `reserve_all`, and
by triggers on whatever becomes of a charge. So asking for one costs the same on the
first of a day's wishes and on the last.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from data import lanes
from data.store import Connection
from data.words import Account, ChargeState, Tier, Usage

DAY = 86_400.0

#: The tiers by what they let their people have, the least first.
RANKS = (Tier.FREE, Tier.PLUS, Tier.EDU, Tier.PRO, Tier.TEAM, Tier.ENTERPRISE)


@functools.lru_cache(maxsize=64)
def _day(number: int) -> str:
    return datetime.fromtimestamp(number * DAY, UTC).date().isoformat()


def day_of(now: float) -> str:
    """The UTC day of a moment, `YYYY-MM-DD`."""
    return _day(int(now // DAY))


def next_day(now: float) -> float:
    """The next UTC midnight: when a daily quota is whole again."""
    return (now // DAY + 1) * DAY


def usage(c: Connection, account: Account, now: float) -> Usage:
    """What `account` has reserved and settled on the UTC day of `now`."""
    day = day_of(now)
    row = c.execute(
        "SELECT reserved, settled FROM balances WHERE day = ? AND scope = 'account' AND key = ?",
        (day, f"{account.platform}/{account.user_id}"),
    ).fetchone()
    return Usage(
        day=day,
        reserved=row["reserved"] if row else 0,
        settled=row["settled"] if row else 0,
    )


class Charge(NamedTuple):
    """What a job costs whom, and where; `arrival` is the account's theoretical arrival time
    after it (`ratelimit/policies/burst.py`), None where it stays."""

    job_id: int
    account: Account
    units: int
    circle: str
    channel: str | None = None
    arrival: float | None = None


def reserve(
    c: Connection,
    job_id: int,
    account: Account,
    units: int,
    now: float,
    *,
    circle: str | None = None,
    channel: str | None = None,
) -> None:
    where = account.platform if circle is None else circle
    reserve_all(c, [Charge(job_id, account, units, where, channel)], now)


def reserve_all(c: Connection, charges: Sequence[Charge], now: float) -> None:
    """Write these charges, and add them to every balance they count in: once for all of them."""
    day = day_of(now)
    rows, people, total = [], [], 0
    accounts: defaultdict[str, int] = defaultdict(int)
    circles: defaultdict[str, int] = defaultdict(int)
    channels: defaultdict[str, int] = defaultdict(int)
    for job_id, account, units, circle, channel, arrival in charges:
        platform, user_id = account.platform, account.user_id
        rows.append((job_id, platform, user_id, day, units, now, circle, channel))
        people.append((units, arrival, platform, user_id))
        accounts[f"{platform}/{user_id}"] += units
        circles[circle] += units
        if channel is not None:
            channels[f"{circle}/{channel}"] += units
        total += units
    scopes = {"account": accounts, "circle": circles, "channel": channels, "total": {"": total}}
    c.executemany(
        "INSERT INTO charges (job_id, platform, user_id, day, units, state, reserved_at, circle,"
        " channel) VALUES (?, ?, ?, ?, ?, 'reserved', ?, ?, ?)",
        rows,
    )
    c.executemany(
        "INSERT INTO balances (day, scope, key, reserved, settled) VALUES (?, ?, ?, ?, 0)"
        " ON CONFLICT DO UPDATE SET reserved = reserved + excluded.reserved",
        [(day, scope, key, units) for scope, sums in scopes.items() for key, units in sums.items()],
    )
    c.executemany(
        "UPDATE accounts SET in_hand = in_hand + ?, arrival = coalesce(?, arrival)"
        " WHERE platform = ? AND user_id = ?",
        people,
    )


def settle(c: Connection, job_id: int, now: float) -> None:
    """The picture was delivered: the units are spent."""
    _end(c, job_id, ChargeState.SETTLED, now)


def release(c: Connection, job_id: int, now: float) -> None:
    """No picture came: the units go back."""
    _end(c, job_id, ChargeState.RELEASED, now)


def refund(c: Connection, job_id: int, now: float) -> bool:
    """What was delivered, and paid for, was taken away again without need: the units go back."""
    changed = c.execute(
        "UPDATE charges SET state = ?, ended_at = ? WHERE job_id = ? AND state = ?",
        (ChargeState.RELEASED, now, job_id, ChargeState.SETTLED),
    )
    return bool(changed.rowcount)


def tier_of(c: Connection, account: Account, now: float | None = None) -> Tier:
    """The best of what an account has been given, where that isn't over at `now`, and bought."""
    row = c.execute(
        "SELECT tier, tier_until, bought FROM accounts WHERE platform = ? AND user_id = ?",
        (account.platform, account.user_id),
    ).fetchone()
    if row is None:
        return Tier.FREE
    return best(given(row["tier"], row["tier_until"], now), given(row["bought"], None, now))


def given(tier: str | None, until: float | None, now: float | None) -> Tier:
    """What is left at `now` of a tier that was given until a moment, or for good."""
    over = until is not None and now is not None and until <= now
    return Tier.FREE if tier is None or over else Tier(tier)


def best(*tiers: Tier) -> Tier:
    """The one that lets its people have most."""
    return max(tiers, key=RANKS.index)


def set_tier(
    c: Connection, account: Account, tier: Tier, now: float, *, until: float | None = None
) -> None:
    """Give an account a tier, for good or until a moment; what it has in line goes with it."""
    c.execute(
        "INSERT INTO accounts (platform, user_id, handle, tier, tier_until, first_seen)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET tier = excluded.tier,"
        " tier_until = excluded.tier_until",
        (account.platform, account.user_id, account.handle, tier, until, now),
    )
    lanes.move(c, account, tier_of(c, account, now))


def bought(c: Connection, account: Account) -> Tier:
    """The tier of what an account has bought."""
    row = c.execute(
        "SELECT bought FROM accounts WHERE platform = ? AND user_id = ?",
        (account.platform, account.user_id),
    ).fetchone()
    return given(row["bought"] if row else None, None, None)


def set_bought(c: Connection, account: Account, tier: Tier, now: float) -> None:
    """The tier of what an account has bought; what it has been given otherwise stays."""
    c.execute(
        "INSERT INTO accounts (platform, user_id, handle, bought, first_seen)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET bought = excluded.bought",
        (account.platform, account.user_id, account.handle, tier, now),
    )
    lanes.move(c, account, tier_of(c, account, now))


def totals(c: Connection) -> dict[ChargeState, int]:
    """All units there ever were, by what became of them; states of none are left out."""
    rows = c.execute("SELECT state, sum(units) AS units FROM charges GROUP BY state")
    return {ChargeState(row["state"]): row["units"] for row in rows}


def audit(c: Connection) -> list[str]:
    """Where a balance is not the sum of its charges; nothing, always."""
    reserved, settled = "-units * (state = 'reserved')", "-units * (state = 'settled')"
    rows = c.execute(
        "SELECT day || ' ' || scope || ' ' || key AS what, sum(reserved) AS reserved,"
        " sum(settled) AS settled FROM ("
        " SELECT day, scope, key, reserved, settled FROM balances"
        f" UNION ALL SELECT day, 'account', platform || '/' || user_id, {reserved}, {settled}"
        "  FROM charges"
        f" UNION ALL SELECT day, 'circle', circle, {reserved}, {settled} FROM charges"
        f" UNION ALL SELECT day, 'channel', circle || '/' || channel, {reserved}, {settled}"
        "  FROM charges WHERE channel IS NOT NULL"
        f" UNION ALL SELECT day, 'total', '', {reserved}, {settled} FROM charges)"
        " GROUP BY day, scope, key HAVING sum(reserved) <> 0 OR sum(settled) <> 0"
        " UNION ALL SELECT 'in hand ' || platform || '/' || user_id, sum(in_hand), 0 FROM ("
        " SELECT platform, user_id, in_hand FROM accounts UNION ALL"
        " SELECT platform, user_id, -units FROM charges WHERE state = 'reserved')"
        " GROUP BY platform, user_id HAVING sum(in_hand) <> 0"
    )
    return [f"{row['what']}: {row['reserved']}, {row['settled']}" for row in rows]


def _end(c: Connection, job_id: int, state: ChargeState, now: float) -> None:
    c.execute(
        "UPDATE charges SET state = ?, ended_at = ? WHERE job_id = ? AND state = ?",
        (state, now, job_id, ChargeState.RESERVED),
    )
    # The place kept for the reply on its platform ends with the charge, whichever way.
    c.execute(
        "UPDATE slots SET state = ?, ended_at = ? WHERE job_id = ? AND state = ?",
        (state, now, job_id, ChargeState.RESERVED),
    )
