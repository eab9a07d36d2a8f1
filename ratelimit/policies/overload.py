"""Temporary limits: a quota a day for a while, or no more than so much in the tier's line."""

from __future__ import annotations

from data import ledger
from data.words import Ask, Decision, Refuse, Say, TemporaryLimit, Usage
from ratelimit.policy import YES


def decide(ask: Ask, usage: Usage, now: float) -> Decision:
    for limit in usage.temporary:
        if limit.daily is not None and usage.spoken_for + ask.units > limit.daily:
            return _refusal(ask, limit, min(limit.until, ledger.next_day(now)), now)
        if limit.backlog is not None and usage.waiting + ask.units > limit.backlog:
            return _refusal(ask, limit, limit.until, now)
    return YES


def _refusal(ask: Ask, limit: TemporaryLimit, retry_at: float, now: float) -> Refuse:
    return Refuse(
        say=Say.OVERLOADED,
        retry_at=max(retry_at, now),
        facts={
            "tier": ask.tier,
            "reason": limit.reason,
            "until": limit.until,
            "quota": limit.daily,
            "backlog": limit.backlog,
            "units": ask.units,
        },
    )
