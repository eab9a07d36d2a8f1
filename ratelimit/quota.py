"""The honest answer to "what have I left?"."""

from __future__ import annotations

from data import ledger
from data import usage as usages
from data.store import Connection
from data.words import Account, Mention, Quota
from ratelimit.tiers import TERMS


def of(c: Connection, account: Account, now: float, *, guild: str | None = None) -> Quota:
    """What an account has had and has left on the UTC day of `now`, and when it is whole again."""
    asker = Mention(
        platform=account.platform,
        source_id="",
        account=account,
        text="",
        created_at=now,
        guild=guild,
    )
    tier, usage = usages.look(c, asker, TERMS, now)
    terms = usage.terms or TERMS[tier]
    daily = min([terms.daily, *(t.daily for t in usage.temporary if t.daily is not None)])
    return Quota(
        tier=tier,
        daily=daily,
        settled=usage.settled,
        reserved=usage.reserved,
        left=max(0, daily - usage.spoken_for),
        refill_at=ledger.next_day(now),
        in_hand=usage.in_hand,
        most_in_hand=terms.in_hand,
        temporary=usage.temporary,
    )
