"""Four processes admit on one file: is anybody let in twice, turned away by a lock, or starved?

Everybody asks more often than the day's quota allows, in every process, so that
each process spends what the others counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bots import loop
from data.mentions import Received
from data.store import Connection, Store, connect, open_store
from data.words import StoreError, Tier
from ratelimit.tiers import DAILY
from tests.bench.limits import ours
from tests.bench.limits.measure import percentile

PROCESSES = 4
#: Askers in each process who ask again as soon as they are answered.
ASKERS = 16
#: How many of a process's asks come from the same account.
EACH = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`slowest_p99` is of the process that waited longest, `paced` where asks come as they do."""

    asks: int
    admitted: int
    over_admitted: int
    under_admitted: int
    locked_errors: int
    rate: float
    slowest_p99: float
    paced_p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What one process saw."""

    waits: Sequence[float]
    locked: int


def compete(folder: Path, people: int) -> Outcome:
    """All processes as fast as they can; then once more at a third of what that was."""
    closed, seconds, outcome = _together(folder / "closed.db", people, None)
    rate = len(closed[0].waits) / seconds
    paced, _seconds, _outcome = _together(folder / "paced.db", people, rate / 3)
    admitted, over, under = outcome
    return Outcome(
        asks=PROCESSES * people * EACH,
        admitted=admitted,
        over_admitted=over + _outcome[1],
        under_admitted=under + _outcome[2],
        locked_errors=sum(part.locked for part in (*closed, *paced)),
        rate=PROCESSES * rate,
        slowest_p99=max(percentile(part.waits, 0.99) for part in closed),
        paced_p99=max(percentile(part.waits, 0.99) for part in paced),
    )


def _together(
    path: Path, people: int, pace: float | None
) -> tuple[list[_Part], float, tuple[int, int, int]]:
    template = ours.template(path, PROCESSES * people * EACH, people)
    shares = [list(template.received[n::PROCESSES]) for n in range(PROCESSES)]
    # Its own people come round in another order in each process.
    for number, share in enumerate(shares):
        random.Random(number).shuffle(share)
    spawn = multiprocessing.get_context("spawn")
    barrier, answers = spawn.Barrier(PROCESSES + 1), spawn.SimpleQueue()
    processes = [
        spawn.Process(target=_process, args=(path, share, pace, barrier, answers))
        for share in shares
    ]
    for process in processes:
        process.start()
    barrier.wait()
    began = time.perf_counter()
    parts = [answers.get() for _ in processes]
    seconds = time.perf_counter() - began
    for process in processes:
        process.join()
    return parts, seconds, _counted(path)


def _process(
    path: Path, share: Sequence[Received], pace: float | None, barrier: object, answers: object
) -> None:
    answers.put(loop.run(_ask(path, share, pace, barrier)))  # type: ignore[attr-defined]


async def _ask(path: Path, share: Sequence[Received], pace: float | None, barrier: object) -> _Part:
    rules, waits, locked = ours.policies(), [], []

    def act(c: Connection, received: Sequence[Received]) -> list[bool]:
        return ours.decide(c, received, rules)

    async def ask(store: Store, received: Received) -> None:
        asked = time.perf_counter()
        try:
            await store.write_together(act, received)
        except StoreError as error:
            locked.append(error)
        waits.append(time.perf_counter() - asked)

    async def ask_in_turn(store: Store, mine: Sequence[Received]) -> None:
        for received in mine:
            await ask(store, received)

    async with open_store(path) as store:
        await asyncio.to_thread(barrier.wait)  # type: ignore[attr-defined]
        async with asyncio.TaskGroup() as group:
            if pace is None:
                for first in range(ASKERS):
                    group.create_task(ask_in_turn(store, share[first::ASKERS]))
            else:
                coming = random.Random(len(share))
                for received in share:
                    group.create_task(ask(store, received))
                    await asyncio.sleep(coming.expovariate(pace))
    return _Part(waits=waits, locked=len(locked))


def _counted(path: Path) -> tuple[int, int, int]:
    """Admitted in all, and how many too many and too few, judged from the file alone."""
    quota = DAILY[Tier.FREE]
    with contextlib.closing(connect(path)) as c:
        each = [row["n"] for row in c.execute("SELECT count(*) AS n FROM jobs GROUP BY user_id")]
        asked = c.execute(
            "SELECT count(*) AS n FROM mentions WHERE decided_at IS NOT NULL GROUP BY user_id"
        ).fetchall()
    expected = [min(quota, row["n"]) for row in asked]
    over = sum(max(0, n - quota) for n in each)
    return sum(each), over, sum(expected) - (sum(each) - over)
