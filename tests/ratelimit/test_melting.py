"""The controller: a pure step, tried on a line that flows like water."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.words import Effort, Tier
from ratelimit import melting
from ratelimit.melting import Line, Reading, State
from ratelimit.tiers import TERMS
from tests.conftest import NOON

EVERY = 5.0
Demand = Callable[[float], Mapping[Tier, float]]


class Water:
    """People ask, the engine draws, the controller looks; everything in units a second."""

    def __init__(self, capacity: float, demand: Demand) -> None:
        self.capacity = capacity
        self._demand = demand
        self.state = State()
        self.now = NOON
        self.waiting = dict.fromkeys(Tier, 0.0)
        self.asked = dict.fromkeys(Tier, 0.0)
        self.limits: dict[Tier, float] = {}
        self.idle = 0.0
        self.seen: list[tuple[float, int, float, float]] = []

    def run(self, seconds: float) -> None:
        rungs = melting.ladder(TERMS)
        for _ in range(round(seconds / EVERY)):
            efforts = rungs[self.state.rung].efforts
            self._arrive()
            self._draw(efforts)
            self.now += EVERY
            reading = self._reading(efforts)
            self.state = melting.step(self.state, reading, TERMS, self.now)
            limited = rungs[self.state.rung].limited
            self.limits = {tier: melting.size_of_limit(tier, reading, TERMS) for tier in limited}
            waits = melting.waits(reading, TERMS)
            self.seen.append((self.now - NOON, self.state.rung, waits[Tier.FREE], waits[Tier.PRO]))

    def _reading(self, efforts: Mapping[Tier, Effort]) -> Reading:
        pace = efforts[Tier.FREE].cost / self.capacity
        lines = {tier: Line(waiting=self.waiting[tier], asked=self.asked[tier]) for tier in Tier}
        return Reading(pace=pace, lines=lines)

    def _arrive(self) -> None:
        for tier, rate in self._demand(self.now - NOON).items():
            units = rate * EVERY
            self.asked[tier] += units
            room = self.limits.get(tier, float("inf")) - self.waiting[tier]
            self.waiting[tier] += max(0.0, min(units, room))

    def _draw(self, efforts: Mapping[Tier, Effort]) -> None:
        left = self.capacity * EVERY
        for tier in sorted(Tier, key=lambda t: -TERMS[t].weight):
            cost = efforts[tier].cost
            drawn = min(self.waiting[tier], left / cost)
            self.waiting[tier] -= drawn
            left -= drawn * cost
        self.idle += left


def crowd(start: float, end: float, times: float) -> Demand:
    """An ordinary day, and in it `times` as many free people for a while."""

    def demand(at: float) -> Mapping[Tier, float]:
        free = 0.5 * (times if start <= at < end else 1.0)
        return {Tier.FREE: free, Tier.PLUS: 0.1, Tier.PRO: 0.05}

    return demand


def test_a_quiet_line_is_left_alone() -> None:
    water = Water(2.0, crowd(0, 0, 1))
    water.run(3600)
    assert {rung for _, rung, _, _ in water.seen} == {0}


def test_a_flash_crowd_is_met_by_cheaper_drawing_then_by_a_limit_and_both_end() -> None:
    water = Water(2.0, crowd(600, 1200, 100))
    water.run(3 * 3600)
    rungs = [rung for _, rung, _, _ in water.seen]
    limited = next(n for n, r in enumerate(melting.ladder(TERMS)) if r.limited)
    assert rungs[:120] == [0] * 120
    assert max(rungs) == limited, "only the free tier was limited"
    up = rungs[: rungs.index(limited)]
    assert up == sorted(up), "cheaper first, step by step"
    assert rungs[-1] == 0
    # Without a limit they would have waited for hours.
    assert max(free for _, _, free, _ in water.seen) < 2 * TERMS[Tier.FREE].wait
    changes = [(a, b) for a, b in itertools.pairwise(rungs) if a != b]
    turns = sum(1 for (a, b), (c, d) in itertools.pairwise(changes) if (b > a) != (d > c))
    assert turns == 1, "up once, down once"


def test_the_engine_is_never_idle_while_people_are_put_off() -> None:
    water = Water(2.0, crowd(0, 7200, 100))
    water.run(1800)
    water.idle = 0.0
    water.run(3600)
    assert water.idle < 0.03 * water.capacity * 3600


def test_when_the_engine_is_lost_the_paid_tiers_are_limited_last() -> None:
    water = Water(0.01, crowd(0, 0, 1))
    water.run(1200)
    assert melting.ladder(TERMS)[water.state.rung].limited >= {Tier.FREE}
    lowest = [sorted(rung.limited) for rung in melting.ladder(TERMS) if rung.limited]
    assert lowest[0] == [Tier.FREE]
    assert Tier.ENTERPRISE not in lowest[-3]


def test_efforts_stop_at_the_floors_and_go_with_the_steps_first() -> None:
    rungs = melting.ladder(TERMS)
    free = [rung.efforts[Tier.FREE] for rung in rungs]
    assert free[:5] == [
        Effort(),
        Effort(steps=0.75),
        Effort(steps=0.5),
        Effort(steps=0.5, size=0.75),
        Effort(steps=0.5, size=0.5),
    ]
    assert {rung.efforts[Tier.PRO] for rung in rungs} == {Effort()}
    bare = {tier: dataclasses.replace(t, floor=Effort()) for tier, t in TERMS.items()}
    assert len(melting.ladder(bare)) == 1 + len(Tier)


@given(
    waiting=st.dictionaries(st.sampled_from(Tier), st.integers(0, 10**6), min_size=1),
    pace=st.floats(0.001, 100),
)
def test_waits_share_the_engine_and_lose_nothing(waiting: dict[Tier, int], pace: float) -> None:
    lines = {tier: Line(waiting=waiting.get(tier, 0.0), asked=0.0) for tier in Tier}
    waits = melting.waits(Reading(pace=pace, lines=lines), TERMS)
    total = sum(waiting.values()) * pace
    assert max(waits.values()) <= total * 1.000001
    assert abs(max(waits.values()) - total) <= 1e-6 * total
    assert all(waits[tier] >= waiting[tier] * pace * 0.999999 for tier in waiting)


@pytest.mark.parametrize("jump", [-86_400.0, -3_600.0, 3_600.0, 86_400.0])
def test_a_clock_that_jumps_neither_melts_nor_holds(jump: float) -> None:
    water = Water(2.0, crowd(0, 0, 1))
    water.run(600)
    water.now += jump
    water.run(600)
    assert water.state.rung == 0
    crowded = Water(2.0, lambda _at: {Tier.FREE: 50.0})
    crowded.run(1200)
    crowded.now += jump
    crowded._demand = crowd(0, 0, 1)
    crowded.run(3600)
    assert crowded.state.rung == 0
