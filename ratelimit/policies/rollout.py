"""A tier opens at a date, and then to a share of its accounts: always the same ones.

Whoever is let in by a share stays in when it grows.
"""

from __future__ import annotations

import zlib

from data.words import Account, Ask, Decision, Refuse, Say, Usage
from ratelimit.policy import YES, terms_of


def bucket(account: Account) -> float:
    """A number in [0, 1) that is always the same for an account."""
    return zlib.crc32(f"{account.platform}/{account.user_id}".encode()) / 2**32


def decide(ask: Ask, usage: Usage, now: float) -> Decision:
    terms = terms_of(ask, usage)
    chosen = terms.share >= 1 or bucket(ask.account) < terms.share
    if chosen and now >= terms.opens_at:
        return YES
    return Refuse(
        say=Say.NOT_OPEN,
        retry_at=terms.opens_at if chosen else None,
        facts={"tier": ask.tier, "share": terms.share},
    )
