"""How everything here is measured: contenders take turns, in several rounds of one run.

A busy machine is busy for all of them then, so that ratios can be trusted where
figures by themselves can't. A ratio is taken within each round; what is told is
the median of the rounds, and the least and the greatest beside it.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One contender in one round. `waits` are the seconds each asker waited, if it was measured."""

    done: int
    seconds: float
    cpu: float
    waits: Sequence[float] = ()

    @property
    def rate(self) -> float:
        return self.done / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """The median of the rounds' ratios, and how far they lie apart."""

    median: float
    least: float
    greatest: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f}..{self.greatest:.2f})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """`durability` is what an answered act survives, in a word or two; `note` what is special."""

    name: str
    durability: str
    take_turn: Callable[[], Turn]
    note: str = ""


@dataclass(slots=True)
class Stopwatch:
    """What `measured` fills in: wall clock and this process's CPU time, in seconds."""

    seconds: float = field(default=0.0)
    cpu: float = field(default=0.0)


@contextmanager
def measured() -> Iterator[Stopwatch]:
    """Time a block.

    What this program keeps for its other turns is not swept by the garbage collector
    meanwhile: a contender would be charged for it by how many objects it makes itself.
    """
    watch = Stopwatch()
    gc.collect()
    gc.freeze()
    wall, cpu = time.perf_counter(), time.process_time()
    yield watch
    watch.seconds, watch.cpu = time.perf_counter() - wall, time.process_time() - cpu
    gc.unfreeze()


def compete(
    contenders: Sequence[Contender], rounds: int, told: Callable[[str], None]
) -> dict[str, list[Turn]]:
    """Let each take a turn in each round, in an order that changes; by name, round by round."""
    turns: dict[str, list[Turn]] = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        order = random.Random(number).sample(list(contenders), len(contenders))
        for contender in order:
            turns[contender.name].append(contender.take_turn())
            told(contender.name)
    return turns


def ratio(
    turns: Mapping[str, Sequence[Turn]],
    ours: str,
    theirs: str,
    of: Callable[[Turn], float] = lambda turn: turn.rate,
) -> Ratio:
    """How many times `theirs` `ours` is."""
    each = [of(a) / of(b) for a, b in zip(turns[ours], turns[theirs], strict=True)]
    return Ratio(median=statistics.median(each), least=min(each), greatest=max(each))


def median_rate(turns: Sequence[Turn]) -> float:
    return statistics.median(turn.rate for turn in turns)


def cpu_each(turns: Sequence[Turn]) -> float:
    """CPU seconds for one, in the median round."""
    return statistics.median(turn.cpu / turn.done for turn in turns)


def percentile(waits: Sequence[float], share: float) -> float:
    """The wait that `share` of all do not exceed; 0 where none was measured."""
    return sorted(waits)[min(len(waits) - 1, int(share * len(waits)))] if waits else 0.0


def waits_of(turns: Sequence[Turn]) -> list[float]:
    return [wait for turn in turns for wait in turn.waits]
