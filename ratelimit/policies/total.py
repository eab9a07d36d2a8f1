"""So many units a UTC day of everybody together."""

from __future__ import annotations

from data.words import Ask, Decision, Say, Usage
from ratelimit.policies.guild import fits, refusal
from ratelimit.policy import YES


def decide(ask: Ask, usage: Usage, now: float) -> Decision:
    if usage.total is None or fits(ask, usage.total):
        return YES
    return refusal(ask, usage.total, Say.TOTAL_QUOTA, now)
