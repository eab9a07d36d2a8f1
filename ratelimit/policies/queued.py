"""So many units of one account in the line and on the easel together."""

from __future__ import annotations

from data.words import Ask, Decision, Refuse, Say, Usage
from ratelimit.policy import YES, terms_of


def decide(ask: Ask, usage: Usage, now: float) -> Decision:
    most = terms_of(ask, usage).in_hand
    # A wish of more than that is let in alone: waiting for room would not help it.
    if usage.in_hand == 0 or usage.in_hand + ask.units <= most:
        return YES
    return Refuse(
        say=Say.IN_HAND,
        # As soon as one of them is done; nobody knows when that is.
        retry_at=now,
        facts={"in_hand": usage.in_hand, "most": most, "units": ask.units, "tier": ask.tier},
    )
