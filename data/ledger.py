"""The ledger: units reserved at admission, then settled or released, once.

A charge is keyed by its job. Each verb only moves a charge out of `reserved`,
so a repeated call changes nothing, and a day's balance is the sum of its rows.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from data.store import Connection
from data.words import Account, ChargeState, Tier, Usage


def day_of(now: float) -> str:
    """The UTC day of a moment, `YYYY-MM-DD`."""
    return datetime.fromtimestamp(now, UTC).date().isoformat()


def next_day(now: float) -> float:
    """The next UTC midnight: when a daily quota is whole again."""
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return (today + timedelta(days=1)).timestamp()


def usage(c: Connection, account: Account, now: float) -> Usage:
    """What `account` has reserved and settled on the UTC day of `now`."""
    day = day_of(now)
    sums = dict(
        c.execute(
            "SELECT state, sum(units) FROM charges"
            " WHERE platform = ? AND user_id = ? AND day = ? GROUP BY state",
            (account.platform, account.user_id, day),
        ).fetchall()
    )
    return Usage(
        day=day,
        reserved=sums.get(ChargeState.RESERVED, 0),
        settled=sums.get(ChargeState.SETTLED, 0),
    )


def reserve(c: Connection, job_id: int, account: Account, units: int, now: float) -> None:
    c.execute(
        "INSERT INTO charges (job_id, platform, user_id, day, units, state, reserved_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            job_id,
            account.platform,
            account.user_id,
            day_of(now),
            units,
            ChargeState.RESERVED,
            now,
        ),
    )


def settle(c: Connection, job_id: int, now: float) -> None:
    """The picture was delivered: the units are spent."""
    _end(c, job_id, ChargeState.SETTLED, now)


def release(c: Connection, job_id: int, now: float) -> None:
    """No picture came: the units go back."""
    _end(c, job_id, ChargeState.RELEASED, now)


def tier_of(c: Connection, account: Account) -> Tier:
    row = c.execute(
        "SELECT tier FROM accounts WHERE platform = ? AND user_id = ?",
        (account.platform, account.user_id),
    ).fetchone()
    return Tier(row["tier"]) if row else Tier.FREE


def set_tier(c: Connection, account: Account, tier: Tier, now: float) -> None:
    c.execute(
        "INSERT INTO accounts (platform, user_id, handle, tier, first_seen)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET tier = excluded.tier",
        (account.platform, account.user_id, account.handle, tier, now),
    )


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
