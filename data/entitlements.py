"""What people have bought on a platform, and the tier it gives them.

It is the best of what an account has been given and bought that counts, so the end of a
purchase takes nothing away that was given otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from data import ledger
from data.store import Connection
from data.words import Account, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Entitlement:
    """One purchase. `ends_at` is in UNIX seconds, None while nobody knows of an end."""

    id: str
    account: Account
    tier: Tier
    ends_at: float | None = None
    ended: bool = False


def note(c: Connection, known: Iterable[Entitlement], now: float) -> None:
    """Write down what the platform said, and give the accounts their tiers."""
    accounts: dict[str, Account] = {}
    for one in known:
        c.execute(
            "INSERT OR REPLACE INTO entitlements (platform, id, user_id, tier, ends_at, ended)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                one.account.platform,
                one.id,
                one.account.user_id,
                one.tier,
                one.ends_at,
                int(one.ended),
            ),
        )
        accounts[one.account.user_id] = one.account
    for account in accounts.values():
        _settle(c, account, now)


def reconcile(c: Connection, platform: str, in_force: Iterable[Entitlement], now: float) -> None:
    """`in_force` is all that the platform knows of: whatever is not in it has ended."""
    known = list(in_force)
    ids = {one.id for one in known}
    note(c, known, now)
    rows = c.execute(
        "SELECT id, user_id FROM entitlements WHERE platform = ? AND ended = 0", (platform,)
    ).fetchall()
    for row in rows:
        if row["id"] not in ids:
            _end(c, platform, row["id"], row["user_id"], now)


def expire(c: Connection, now: float) -> int:
    """Take back the tiers of what has ended by now; how many."""
    rows = c.execute(
        "SELECT platform, id, user_id FROM entitlements"
        " WHERE ended = 0 AND ends_at IS NOT NULL AND ends_at <= ?",
        (now,),
    ).fetchall()
    for row in rows:
        _end(c, row["platform"], row["id"], row["user_id"], now)
    return len(rows)


def due(c: Connection, now: float) -> bool:
    """Whether anything has ended that was not taken back yet."""
    row = c.execute(
        "SELECT 1 FROM entitlements WHERE ended = 0 AND ends_at IS NOT NULL AND ends_at <= ?"
        " LIMIT 1",
        (now,),
    ).fetchone()
    return row is not None


def _end(c: Connection, platform: str, entitlement: str, user_id: str, now: float) -> None:
    c.execute(
        "UPDATE entitlements SET ended = 1 WHERE platform = ? AND id = ?", (platform, entitlement)
    )
    _settle(c, Account(platform=platform, user_id=user_id, handle=user_id), now)


def _settle(c: Connection, account: Account, now: float) -> None:
    rows = c.execute(
        "SELECT tier FROM entitlements WHERE platform = ? AND user_id = ? AND ended = 0"
        " AND (ends_at IS NULL OR ends_at > ?)",
        (account.platform, account.user_id, now),
    )
    bought = ledger.best(Tier.FREE, *(Tier(row["tier"]) for row in rows))
    if ledger.bought(c, account) is not bought:
        ledger.set_bought(c, account, bought, now)
