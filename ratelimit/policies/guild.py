"""So many units a UTC day of one guild (or one whole platform), and of one channel of it."""

from __future__ import annotations

from data import ledger
from data.words import Ask, Cap, Decision, Refuse, Say, Usage
from ratelimit.policy import YES


def decide(ask: Ask, usage: Usage, now: float) -> Decision:
    if usage.circle is not None and not fits(ask, usage.circle):
        return refusal(ask, usage.circle, Say.CIRCLE_QUOTA, now)
    if usage.channel is not None and not fits(ask, usage.channel):
        return refusal(ask, usage.channel, Say.CHANNEL_QUOTA, now)
    return YES


def fits(ask: Ask, cap: Cap) -> bool:
    return cap.spoken_for + ask.units <= cap.daily


def refusal(ask: Ask, cap: Cap, say: Say, now: float) -> Refuse:
    return Refuse(
        say=say,
        retry_at=ledger.next_day(now) if ask.units <= cap.daily else None,
        facts={"cap": cap.daily, "units": ask.units},
    )
