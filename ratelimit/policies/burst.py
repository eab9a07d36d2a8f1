"""So many units at once, and then one every so many seconds: the generic cell rate algorithm.

All that is remembered of an account is one moment, its theoretical arrival time: when
its last unit would have come had they come evenly. It is advanced only by what is
admitted. Time is the event's own, so wishes that waited for us (in a delivery after
an outage) are judged as if they had been read at once.
"""

from __future__ import annotations

from data.words import Ask, Decision, Refuse, Say, Usage
from ratelimit.policy import YES, terms_of

#: Moments of our century are this exact as floats, in seconds, and better.
ROUNDING = 1e-5


def decide(ask: Ask, usage: Usage, now: float) -> Decision:
    terms = terms_of(ask, usage)
    asked_at = min(ask.asked_at or now, now)
    early = arrival(ask, usage, now) - asked_at - terms.burst * terms.every
    if early <= ROUNDING:
        return YES
    return Refuse(
        say=Say.BURST,
        retry_at=now + early if ask.units <= terms.burst else None,
        facts={"burst": terms.burst, "every": terms.every, "units": ask.units, "tier": ask.tier},
    )


def arrival(ask: Ask, usage: Usage, now: float) -> float:
    """The theoretical arrival time after this ask, were it admitted.

    One that lies further ahead than a whole burst was left by a clock that went back,
    and holds nobody up for longer than that.
    """
    terms = terms_of(ask, usage)
    asked_at = min(ask.asked_at or now, now)
    cost = ask.units * terms.every
    if usage.arrival <= asked_at:  # all of the burst is there, as nearly always
        return asked_at + cost
    return min(usage.arrival, asked_at + terms.burst * terms.every) + cost
