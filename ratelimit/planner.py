"""Which limits fit an engine and its people: the arithmetic, in the open.

People don't come evenly, so an engine that is to keep its promise in the busiest
hour of a day may promise less than it could draw in the whole of it. What remains is
shared out by the day; what waits at once is bounded by the wait that is acceptable.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from data.words import MuralistError
from ratelimit import durations

_DAY = 86_400.0

#: An engine that is busier than this on average has a line that never empties (queueing theory:
#: the mean line grows as load / (1 - load)).
LOAD = 0.9

#: What one paying account may ask for beside one that doesn't, a day.
PAID_TO_FREE = 10


class PlanError(MuralistError):
    """What was asked for can't be had; the message says what would help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What there is, and who comes.

    `active` is the share of people who ask at all on a day, `paying` the share who pay,
    `eager` the share of their quota that active people use, `peak` the busiest hour's
    wishes beside an average hour's, `wait` the seconds that are acceptable.
    """

    pictures_per_second: float
    people: int
    wait: float
    active: float = 0.3
    paying: float = 0.05
    eager: float = 0.7
    peak: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The limits. `share` of the free accounts are let in, each with `free` pictures a day."""

    need: Need
    capacity: float
    promised: float
    free: int
    paid: int
    share: float
    in_hand: int
    paid_in_hand: int
    line: int

    @property
    def wanted(self) -> float:
        """Pictures a day that active people will ask for under these limits."""
        return _wanted(self.need, self.free, self.paid, self.share)


def plan(need: Need) -> Plan:
    """The most generous limits the engine can keep in its busiest hour. Raises PlanError."""
    _check(need)
    capacity = need.pictures_per_second * _DAY
    promised = capacity * LOAD / need.peak
    per_free_picture = _wanted(need, 1, PAID_TO_FREE, 1.0)
    free = math.floor(promised / per_free_picture)
    share = 1.0
    if free == 0:
        free, share = 1, _share(need, promised)
    paid = free * PAID_TO_FREE
    line = max(1, math.floor(need.pictures_per_second * need.wait))
    return Plan(
        need=need,
        capacity=capacity,
        promised=promised,
        free=free,
        paid=paid,
        share=share,
        in_hand=min(free, 3),
        paid_in_hand=min(paid, 12),
        line=line,
    )


def explain(made: Plan) -> list[str]:
    """The arithmetic, a sentence a step."""
    need = made.need
    one_each = _wanted(need, 1, PAID_TO_FREE, 1.0)
    steps = [
        f"{need.pictures_per_second:g} pictures a second are {made.capacity:,.0f} a day.",
        (
            f"The busiest hour asks {need.peak:g} times as much as an average one, and an engine"
            f" should not be busier than {LOAD:.0%} even then: {made.capacity:,.0f} × {LOAD:g} ÷"
            f" {need.peak:g} = {made.promised:,.0f} pictures a day can be promised."
        ),
        (
            f"Of {need.people:,} people {need.active:.0%} ask on a day and use {need.eager:.0%} of"
            f" what they may; {need.paying:.0%} pay and may ask {PAID_TO_FREE} times as often."
            f" One picture a day for each who doesn't pay makes {one_each:,.0f} wishes a day."
        ),
    ]
    if made.share < 1:
        steps.append(
            f"That is more than can be promised, so free opens to {made.share:.1%} of its accounts"
            " first (always the same ones), with 1 picture a day."
        )
    else:
        steps.append(
            f"{made.promised:,.0f} ÷ {one_each:,.0f} allows"
            f" {made.free} a day for free accounts and {made.paid} for paying ones:"
            f" {made.wanted:,.0f} wishes a day,"
            f" {made.wanted * need.peak / _DAY:,.2f} a second in the busiest hour."
        )
    steps.append(
        f"In {durations.words(need.wait)} the engine draws {made.line:,} pictures: as many may"
        " wait before drawing is cheapened, and then the free tier limited for a while."
    )
    return steps


def commands(made: Plan) -> list[str]:
    """What to say to the bot to have these limits."""
    set_tier = "python -m ratelimit tiers set"
    free = f"{set_tier} free --daily {made.free} --in-hand {made.in_hand} --wait {made.need.wait:g}"
    if made.share < 1:
        free += f" --share {made.share:.3f}"
    plus = f"{set_tier} plus --daily {made.paid} --in-hand {made.paid_in_hand}"
    return [f'{line} --why "the plan"' for line in (free, plus)]


def _check(need: Need) -> None:
    if need.pictures_per_second <= 0 or need.people <= 0 or need.wait <= 0:
        raise PlanError("Pictures per second, people and the wait must all be more than 0.")
    if need.peak < 1:
        raise PlanError("The busiest hour can't ask less than an average one: --peak is 1 or more.")
    if not all(0 <= share <= 1 for share in (need.active, need.paying, need.eager)):
        raise PlanError("Shares (--active, --paying, --eager) lie between 0 and 1.")
    if need.active == 0 or need.eager == 0:
        raise PlanError("Where nobody asks, no limit is needed.")


def _wanted(need: Need, free: int, paid: int, share: float) -> float:
    asking = need.people * need.active * need.eager
    return asking * ((1 - need.paying) * share * free + need.paying * paid)


def _share(need: Need, promised: float) -> float:
    """Of the free accounts, how many can have one picture a day beside those who pay."""
    left = promised - _wanted(need, 0, PAID_TO_FREE, 1.0)
    if left <= 0:
        raise PlanError(
            f"Those who pay alone want {_wanted(need, 0, PAID_TO_FREE, 1.0):,.0f} pictures a day,"
            f" and {promised:,.0f} can be promised: it takes"
            f" {need.pictures_per_second * _wanted(need, 0, PAID_TO_FREE, 1.0) / promised:.2g}"
            " pictures a second to serve only them."
        )
    return left / _wanted(need, 1, 0, 1.0)
