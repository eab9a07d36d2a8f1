"""First come, first served, on the same wishes: what most bots do.

The same quotas and opening dates, the same GPUs and failures, one line for all;
nobody is put off while the GPUs melt, and whoever is refused doesn't come again.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter, deque

from data.ledger import day_of
from data.words import Say
from ratelimit.simulation.record import DELIVERED, FAILED, Log, Passes, Record, Wish, complete
from ratelimit.simulation.scenario import Scenario
from ratelimit.simulation.traffic import Traffic, wishes


class Fifo:
    """One run of a scenario. Moments are seconds from its beginning."""

    def __init__(self, scenario: Scenario, traffic: Traffic) -> None:
        self._scenario = scenario
        self._traffic = traffic
        self._terms = {crowd.tier: scenario.terms(crowd.tier) for crowd in scenario.crowds}
        self._used: Counter[tuple[str, int, int]] = Counter()
        self._log = Log()
        self._passes = Passes()
        self._line: deque[int] = deque()
        #: Passes under way: when they end, when they began, whose.
        self._drawing: list[tuple[float, float, list[int]]] = []
        self._chance = random.Random(scenario.seed)  # noqa: S311  no secret hangs on it

    def run(self) -> Record:
        """Everything until the scenario ends, and on until the line is empty."""
        scenario = self._scenario
        for at, wish in wishes(self._traffic):
            self._draw_until(at)
            self._ask(at, wish)
            self._start(at)
        while self._drawing:
            self._draw_until(self._drawing[0][0])
        return complete(
            self._log,
            self._passes,
            scenario.lasts,
            [crowd.tier for crowd in scenario.crowds],
            gpus_over_time(scenario),
        )

    def _ask(self, at: float, wish: Wish) -> None:
        terms = self._terms[self._scenario.crowds[wish.crowd].tier]
        now = self._scenario.began + at
        if now < terms.opens_at and "rollout" in self._scenario.policies:
            self._log.ask(at, wish, Say.NOT_OPEN)
            return
        key = (day_of(now), wish.crowd, wish.person)
        if self._used[key] >= terms.daily and "daily" in self._scenario.policies:
            self._log.ask(at, wish, Say.DAILY_QUOTA)
            return
        self._used[key] += 1
        self._line.append(self._log.ask(at, wish, ""))

    def _draw_until(self, moment: float) -> None:
        while self._drawing and self._drawing[0][0] <= moment:
            ends, begins, batch = heapq.heappop(self._drawing)
            good = 0
            for wish in batch:
                fails = self._chance.random() < self._scenario.gpus.failures
                self._log.end(wish, FAILED if fails else DELIVERED, ends)
                good += not fails
            self._passes.add(begins, ends, len(batch), good)
            self._start(ends)

    def _start(self, at: float) -> None:
        gpus = self._scenario.gpus
        while self._line and len(self._drawing) < gpus_at(self._scenario, at):
            batch = [self._line.popleft() for _ in range(min(gpus.batch, len(self._line)))]
            for wish in batch:
                self._log.take(wish, at, 1.0)
            ends = at + gpus.seconds(len(batch), gpus.steps, gpus.size)
            heapq.heappush(self._drawing, (ends, at, batch))


def gpus_over_time(scenario: Scenario) -> tuple[tuple[float, int], ...]:
    """From when on there are how many."""
    changes = sorted((change.at, change.count) for change in scenario.gpus.changes)
    return ((0.0, scenario.gpus.count), *changes)


def gpus_at(scenario: Scenario, at: float) -> int:
    """How many GPUs there are at a moment."""
    return [count for begins, count in gpus_over_time(scenario) if begins <= at][-1]
