"""The virtual clock, and everything that happens by it: asks, batches, replies, the controller."""

from __future__ import annotations

import dataclasses
import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from data.promises import Kept
from data.words import Effort, Job, Refuse
from ratelimit import control
from ratelimit.simulation.bot import Asked, Bot
from ratelimit.simulation.fifo import gpus_over_time
from ratelimit.simulation.measures import Measures
from ratelimit.simulation.record import DELIVERED, FAILED, Log, Passes, Record, Wish, complete
from ratelimit.simulation.scenario import Scenario
from ratelimit.simulation.traffic import Traffic, wishes

#: Who asks within this time of the first is let in or put off together, in seconds.
TOGETHER = 0.5
#: And so many at most, as in the store.
GROUP = 256

#: Replies are posted so long after the first of them was written, in seconds.
POST_AFTER = 2.0

#: What waited too long is let go so often, in seconds.
EXPIRE_EVERY = 60.0

#: Who is told when to come again comes within this time after it, in seconds.
COMES_WITHIN = 1_800.0

#: How often a person comes again for one wish.
RETURNS = 3

#: Hears how many simulated seconds have passed since it was last told.
Told = Callable[[float], None]

Happening = Callable[[float], None]

_PHOTO = "f" * 64


class World:
    """One run of a scenario. Moments are seconds from its beginning.

    Afterwards `flaws` are what the audit of the ledger found, `charged` the units people
    paid, `promised` what they were told of when their pictures would come.
    """

    flaws: list[str]
    charged: int
    promised: list[Kept]

    def __init__(self, scenario: Scenario, traffic: Traffic, path: Path) -> None:
        self._scenario = scenario
        self._traffic = traffic
        self._bot = Bot(path, scenario)
        self._log = Log()
        self._passes = Passes()
        self._agenda: list[tuple[float, int, Happening]] = []
        self._order = itertools.count()
        self._measures = Measures(scenario)
        self._gpus = scenario.gpus.count
        self._drawing = 0
        self._asking: list[tuple[float, Wish]] = []
        self._closing = self._posting = self._watching = False
        self._chance = random.Random(scenario.seed)  # noqa: S311  no secret hangs on it

    def run(self, told: Told) -> Record:
        """Everything in the order of its time; at the end nobody comes, and the line empties."""
        lasts = self._scenario.lasts
        for begins, count in gpus_over_time(self._scenario)[1:]:
            self._plan(begins, partial(self._gpus_change, count))
        self._plan(EXPIRE_EVERY, self._expire)
        before = 0.0
        for at, wish in wishes(self._traffic):
            self._live_until(at)
            self._ask(at, wish)
            if at - before >= lasts / 500:
                told(at - before)
                before = at
        self._live_until(lasts)
        told(lasts - before)
        self._closing = True
        while self._asking or self._drawing or self._bot.waiting():
            self._live_until(self._agenda[0][0])
        return self._ended()

    def _plan(self, at: float, happening: Happening) -> None:
        heapq.heappush(self._agenda, (at, next(self._order), happening))

    def _live_until(self, moment: float) -> None:
        while self._agenda and self._agenda[0][0] <= moment:
            at, _order, happening = heapq.heappop(self._agenda)
            happening(at)

    def _ask(self, at: float, wish: Wish) -> None:
        if self._closing:
            return
        if not self._asking:
            self._plan(at + TOGETHER, self._decide)
        self._asking.append((at, wish))

    def _decide(self, at: float) -> None:
        """Everybody who asked meanwhile hears yes or no, in the order they asked."""
        came, self._asking = self._asking, []
        for first in range(0, len(came), GROUP):
            group = came[first : first + GROUP]
            asked = [self._asked(n, *each) for n, each in enumerate(group, len(self._log.at))]
            for (said, wish), decision in zip(
                group, self._bot.ask(asked, self._unix(at)), strict=True
            ):
                if isinstance(decision, Refuse):
                    self._log.ask(said, wish, decision.say, at)
                    self._reply(at)
                    self._come_again(at, wish, decision)
                else:
                    self._log.ask(said, wish, "", at)
        self._watch(at)
        self._draw(at)

    def _come_again(self, at: float, wish: Wish, refusal: Refuse) -> None:
        """Some do, once they may: within half an hour, most of them early."""
        patience = self._scenario.crowds[wish.crowd].patience
        if refusal.retry_at is None or wish.returns == RETURNS or self._chance.random() >= patience:
            return
        later = min(self._chance.expovariate(4 / COMES_WITHIN), COMES_WITHIN)
        again = dataclasses.replace(wish, returns=wish.returns + 1, after=refusal.say)
        moment = max(at, refusal.retry_at - self._scenario.began) + later
        self._plan(moment, lambda now: self._ask(now, again))

    def _draw(self, at: float) -> None:
        """Every GPU that is free takes a batch, as long as there is one."""
        gpus = self._scenario.gpus
        while self._drawing < self._gpus:
            batch = self._bot.claim(gpus.batch, self._unix(at))
            if not batch:
                return
            for job in batch:
                self._log.take(_wish_of(job), at, job.effort.cost)
            ends = at + self._seconds(batch)
            self._drawing += 1
            self._plan(ends, partial(self._drawn, at, batch))

    def _seconds(self, batch: Sequence[Job]) -> float:
        """What can't be drawn together, because it is of another size or has other steps, isn't."""
        gpus = self._scenario.gpus
        alike = Counter[Effort]()
        for job in batch:
            alike[job.effort] += job.prompt.count
        return sum(
            gpus.seconds(pictures, round(gpus.steps * effort.steps), round(gpus.size * effort.size))
            for effort, pictures in alike.items()
        )

    def _drawn(self, began: float, batch: Sequence[Job], at: float) -> None:
        self._drawing -= 1
        failures = self._scenario.gpus.failures
        failed = {job.id for job in batch if self._chance.random() < failures}
        self._passes.add(began, at, len(batch), len(batch) - len(failed))
        again = self._bot.finish(batch, failed, self._unix(at))
        self._reply(at)
        for job in batch:
            if job.id in again:
                self._log.back(_wish_of(job))
                self._plan(again[job.id] - self._scenario.began, self._draw)
            else:
                self._log.end(_wish_of(job), FAILED if job.id in failed else DELIVERED, at)
        self._draw(at)

    def _reply(self, at: float) -> None:
        """There is something to be said: those who follow at once are answered together."""
        if not self._posting:
            self._posting = True
            self._plan(at + POST_AFTER, self._post)

    def _post(self, at: float) -> None:
        self._posting = False
        self._bot.post(self._unix(at))

    def _watch(self, at: float) -> None:
        """Somebody asked: the controller looks at the line, until there is nothing to see."""
        if self._scenario.melting and not self._watching:
            self._watching = True
            self._plan(at + control.EVERY, self._look)

    def _look(self, at: float) -> None:
        rung = self._bot.look(self._unix(at))
        self._measures.look(at, rung or 0)
        self._watching = False
        if rung is not None:
            self._watch(at)

    def _expire(self, at: float) -> None:
        before = at - self._scenario.expires
        self._bot.expire(self._unix(before), self._unix(at))
        self._log.expire(before, at)
        self._reply(at)
        self._plan(at + EXPIRE_EVERY, self._expire)

    def _gpus_change(self, count: int, at: float) -> None:
        self._gpus = count
        self._draw(at)

    def _ended(self) -> Record:
        self._bot.post(self._unix(self._agenda[0][0]))
        self.flaws, self.promised = self._bot.flaws(), self._bot.promised()
        self.charged = self._bot.charged()
        measures = self._measures.all(self._bot.limits(), self._scenario)
        self._bot.close()
        return complete(
            self._log,
            self._passes,
            self._scenario.lasts,
            [crowd.tier for crowd in self._scenario.crowds],
            gpus_over_time(self._scenario),
            measures,
        )

    def _asked(self, number: int, at: float, wish: Wish) -> Asked:
        crowd = self._scenario.crowds[wish.crowd]
        return Asked(
            number=number,
            name=f"{wish.crowd}-{wish.person}",
            tier=crowd.tier,
            guild=f"{wish.crowd}-{wish.person % crowd.guilds}" if crowd.guilds else None,
            photo=_PHOTO if wish.photo else None,
            at=self._unix(at),
        )

    def _unix(self, at: float) -> float:
        return self._scenario.began + at


def _wish_of(job: Job) -> int:
    """Its line in the log, by which its mention is named."""
    return int(job.source_id)
