"""How the line drains, as if it were water: one model for the controller and for estimates.

Each tier's line is a vessel with a tap above it; the engine empties them all, its
time shared by weight between those that hold anything, and what a tier can't use
is the others'. So a wish waits for what is ahead of it in its own tier, for the
other tiers' shares meanwhile, and for those of higher tiers who have yet to come.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from data.words import Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A tier: seconds of the engine's work that wait, that come each second; and its weight."""

    waiting: float
    coming: float
    weight: float


#: Numbers that differ by less, as a share of them, are the same.
ROUNDING = 1e-9

#: The share of the engine that each tier gets.
Shares = Mapping[Tier, float]


def waits(flows: Mapping[Tier, Flow]) -> dict[Tier, float]:
    """Seconds until what waits now of each tier is drawn."""
    return reached(flows, {tier: flow.waiting for tier, flow in flows.items()})


def reached(flows: Mapping[Tier, Flow], marks: Mapping[Tier, float]) -> dict[Tier, float]:
    """Seconds until so much work of each tier is drawn; never, if it must wait for more to come."""
    found = {tier: 0.0 if mark <= 0 else math.inf for tier, mark in marks.items()}
    left = {tier: mark for tier, mark in marks.items() if mark > 0}
    passed = 0.0
    for lasts, shares in _stretches(flows):
        for tier in [tier for tier in left if shares[tier] > 0]:
            if left[tier] <= shares[tier] * lasts * (1 + ROUNDING):
                found[tier] = passed + left.pop(tier) / shares[tier]
            else:
                left[tier] -= shares[tier] * lasts
        passed += lasts
        if not left:
            break
    return found


def drawn(flows: Mapping[Tier, Flow], tier: Tier, seconds: float) -> float:
    """The work of a tier that is drawn within a time if there is always some of it."""
    endless = {**flows, tier: Flow(waiting=math.inf, coming=0.0, weight=flows[tier].weight)}
    work = 0.0
    for lasts, shares in _stretches(endless):
        work += shares[tier] * min(lasts, seconds)
        seconds -= lasts
        if seconds <= 0:
            break
    return work


def _stretches(flows: Mapping[Tier, Flow]) -> Iterator[tuple[float, Shares]]:
    """How the engine is shared, for how long, until that never changes again."""
    waiting = {tier: flow.waiting for tier, flow in flows.items()}
    while True:
        shares = _shares(flows, waiting)
        falls = {tier: shares[tier] - flow.coming for tier, flow in flows.items()}
        empty = {t: waiting[t] / falls[t] for t in flows if waiting[t] > 0 and falls[t] > 0}
        lasts = min(empty.values(), default=math.inf)
        yield lasts, shares
        if math.isinf(lasts):
            return
        for tier in flows:
            is_empty = empty.get(tier) == lasts
            waiting[tier] = 0.0 if is_empty else max(0.0, waiting[tier] - falls[tier] * lasts)


def _shares(flows: Mapping[Tier, Flow], waiting: Mapping[Tier, float]) -> dict[Tier, float]:
    """By weight; where nothing waits no more than what comes, and the rest is the others'."""
    shares: dict[Tier, float] = {}
    wanted = {tier: math.inf if waiting[tier] > 0 else flow.coming for tier, flow in flows.items()}
    left = 1.0
    while wanted:
        weight = sum(flows[tier].weight for tier in wanted)
        content = [t for t in wanted if wanted[t] * weight <= left * flows[t].weight]
        if not content:
            return shares | {tier: left * flows[tier].weight / weight for tier in wanted}
        for tier in content:
            shares[tier] = wanted.pop(tier)
            left -= shares[tier]
    return shares
