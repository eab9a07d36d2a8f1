"""So many units a UTC day, by tier. Reserved units count until they are released."""

from __future__ import annotations

from data import ledger
from data.words import Admit, Ask, Decision, Refuse, Say, Usage
from ratelimit.policy import terms_of


def decide(ask: Ask, usage: Usage, now: float) -> Decision:
    quota = terms_of(ask, usage).daily
    left = quota - usage.spoken_for
    if ask.units <= left:
        return Admit(left - ask.units)
    return Refuse(
        say=Say.DAILY_QUOTA,
        # More than a whole day's quota at once never fits, however long one waits.
        retry_at=ledger.next_day(now) if ask.units <= quota else None,
        facts={
            "quota": quota,
            "left": left,
            "units": ask.units,
            "reserved": usage.reserved,
            "tier": ask.tier,
        },
    )
