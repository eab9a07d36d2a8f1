"""The controller: a pure step, tried on a line that flows like water."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping

import pytest

from data import drain
from data.drain import Flow
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
        self.idle = self.drawn = 0.0
        self.seen: list[tuple[float, int, float, float]] = []

    def run(self, seconds: float) -> None:
        rungs = melting.ladder(TERMS)
        for _ in range(round(seconds / EVERY)):
            efforts = rungs[self.state.rung].efforts
            self._arrive()
            self._draw(efforts)
            self.now += EVERY
            reading = self._reading()
            self.state = melting.step(self.state, reading, TERMS, self.now)
            rung, pace = rungs[self.state.rung], self.state.pace or 1.0
            flows = melting.flows(self.state, reading, TERMS, rung.efforts)
            self.limits = {
                tier: melting.size_of_limit(tier, flows, pace * rung.efforts[tier].cost, TERMS)
                for tier in rung.limited
            }
            waits = drain.waits(flows)
            self.seen.append((self.now - NOON, self.state.rung, waits[Tier.FREE], waits[Tier.PRO]))

    def _reading(self) -> Reading:
        lines = {tier: Line(waiting=self.waiting[tier], asked=self.asked[tier]) for tier in Tier}
        needed = any(self.waiting.values())
        return Reading(pace=1 / self.capacity, lines=lines, drawn=self.drawn, needed=needed)

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
        self.drawn = self.capacity * EVERY - left


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


def test_a_lost_engine_is_noticed_and_so_is_its_return() -> None:
    water = Water(2.0, crowd(0, 0, 1))
    water.run(600)
    water.capacity = 0.4
    water.run(1800)
    assert water.state.pace == pytest.approx(2.5, rel=0.1)
    assert water.state.rung > 0
    water.capacity = 2.0
    water.run(3600)
    assert water.state.pace == pytest.approx(0.5, rel=0.1)
    assert water.state.rung == 0


def test_a_crowd_is_foreseen_and_what_it_will_be_met_with() -> None:
    water = Water(2.0, crowd(600, 1200, 100))
    water.run(600)
    assert melting.foreseen(water.state, water._reading(), TERMS).efforts[Tier.FREE] == Effort()
    water.run(10)
    rungs = melting.ladder(TERMS)
    expected = melting.foreseen(water.state, water._reading(), TERMS)
    assert rungs[water.state.rung].efforts[Tier.FREE] == Effort(), "they still wait a moment"
    assert expected.efforts[Tier.FREE].cost < 0.5


def test_the_expected_end_counts_those_who_will_come_again() -> None:
    flows = {Tier.FREE: Flow(waiting=900.0, coming=0.0, weight=1.0)}
    since = NOON - 3600
    end = melting.expected_end(Tier.FREE, flows, 0.0, TERMS, since, NOON)
    assert end == NOON + 900 - melting.CALM * TERMS[Tier.FREE].wait
    later = melting.expected_end(Tier.FREE, flows, 1200.0, TERMS, since, NOON)
    assert later == end + 1200
    # It lasts for a while in any case; and nobody knows how long while more come than are drawn.
    soonest = NOON + melting.SHORTEST
    assert melting.expected_end(Tier.FREE, flows, 0.0, TERMS, NOON, NOON) == soonest
    growing = {Tier.FREE: Flow(waiting=900.0, coming=1.5, weight=1.0)}
    assert melting.expected_end(Tier.FREE, growing, 0.0, TERMS, since, NOON) == NOON + 3600


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
