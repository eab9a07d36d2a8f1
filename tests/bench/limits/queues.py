"""Claim and finish one job after another, with nothing, 100,000 and 1,000,000 waiting behind it.

Every queue keeps a durable backlog in a SQLite file of its own, filled beforehand in
large transactions. Before each claim, outside the time that is measured, as many are
put in as are claimed, so that the backlog stays what it is called. Ours claims by
fairness, checks the claim when it finishes, keeps the picture, writes the journal and
hands the reply to the outbox; the others hand out a string, and huey forgets it then.
"""

from __future__ import annotations

import contextlib
import pickle
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import litequeue
from huey.storage import SqliteStorage
from persistqueue import SQLiteAckQueue

from data import jobs
from data.store import connect
from data.words import Job, Picture
from tests.bench.limits import ours
from tests.bench.limits.measure import Contender, Turn

BACKLOGS = (0, 100_000, 1_000_000)

#: A turn ends after so many jobs or so many seconds, whichever comes first.
JOBS = 256
SECONDS = 2.0

#: Wishes that enter in one transaction while a backlog is filled.
CHUNK = 10_000

PAYLOAD = "a red fox on a blue background" * 4

#: Hears how many more jobs lie in a backlog that is being filled.
Told = Callable[[int], None]


class Queue(Protocol):
    def fill(self, count: int, told: Told) -> None:
        """Put in so many."""

    def work(self, batch: int) -> None:
        """Claim so many, durably; then finish them, durably."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`batch` is how many are claimed and finished at once; `open` is given an empty folder."""

    name: str
    durability: str
    note: str
    open: Callable[[Path], Queue]
    batch: int = 1


def contenders(folder: Path, backlogs: Sequence[int], told: Told) -> list[Contender]:
    """Each kind at each backlog; filling them takes a while, of which `told` hears."""
    filled: dict[tuple[Callable[[Path], Queue], int], Queue] = {}
    return [_contender(kind, folder, n, filled, told) for kind in KINDS for n in backlogs]


def name(kind: str, backlog: int) -> str:
    return f"{kind} at {backlog:,}"


def _contender(
    kind: Kind,
    folder: Path,
    backlog: int,
    filled: dict[tuple[Callable[[Path], Queue], int], Queue],
    told: Told,
) -> Contender:
    """Kinds that are opened in the same way share what is filled."""
    if (kind.open, backlog) not in filled:
        place = folder / f"{kind.name}-{backlog}"
        place.mkdir()
        queue = filled[kind.open, backlog] = kind.open(place)
        queue.fill(backlog, told)
    queue = filled[kind.open, backlog]
    return Contender(
        name=name(kind.name, backlog),
        durability=kind.durability,
        take_turn=lambda: _turn(queue, kind.batch),
        note=kind.note,
    )


def _turn(queue: Queue, batch: int) -> Turn:
    done, seconds, cpu, waits = 0, 0.0, 0.0, []
    while done < JOBS and seconds < SECONDS:
        queue.fill(batch, lambda _count: None)
        wall, busy = time.perf_counter(), time.process_time()
        queue.work(batch)
        waits.append(time.perf_counter() - wall)
        seconds += waits[-1]
        cpu += time.process_time() - busy
        done += batch
    return Turn(done=done, seconds=seconds, cpu=cpu, waits=waits)


class Ours:
    """The store's own transactions without its thread: one for the claim, one for the finish.

    Every job is of another account, so that nobody's quota is in the way.
    """

    def __init__(self, folder: Path) -> None:
        self._rules = ours.policies()
        self._asked = 0
        with ours.opened(folder / "muralist.db"):
            pass
        self._c = connect(folder / "muralist.db")

    def fill(self, count: int, told: Told) -> None:
        if count < CHUNK:
            with ours.transaction(self._c):
                self._admit(count)
            return
        self._c.execute("PRAGMA synchronous = OFF")
        for _ in range(count // CHUNK):
            with ours.transaction(self._c):
                self._admit(CHUNK)
            told(CHUNK)
        self._c.execute("PRAGMA optimize")
        self._c.execute("PRAGMA synchronous = FULL")

    def _admit(self, count: int) -> None:
        mentions = [ours.mention(n, n) for n in range(self._asked, self._asked + count)]
        self._asked += count
        ours.decide(self._c, ours.receive(self._c, mentions), self._rules)

    def work(self, batch: int) -> None:
        def choose(ready: Sequence[Job]) -> list[int]:
            return [job.id for job in ready[:batch]]

        with ours.transaction(self._c):
            claimed = jobs.claim(self._c, "bench", choose, ours.NOW)
        if len(claimed) != batch:
            raise AssertionError(f"{len(claimed)} jobs instead of {batch}.")
        with ours.transaction(self._c):
            for job in claimed:
                jobs.complete(self._c, job, [PICTURE], ours.NOW)


PICTURE = Picture(
    sha256="0" * 64, media_type="image/jpeg", width=512, height=512, seed=1, engine="bench"
)


class Lite:
    def __init__(self, folder: Path) -> None:
        self._queue = litequeue.LiteQueue(folder / "lite.db")

    def fill(self, count: int, told: Told) -> None:
        c = self._queue.conn
        c.execute("BEGIN")
        for number in range(count):
            self._queue.put(PAYLOAD)
            if number % CHUNK == CHUNK - 1:
                told(CHUNK)
        c.execute("COMMIT")

    def work(self, batch: int) -> None:
        message = self._queue.pop()
        self._queue.done(message.message_id)


class Persist:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._queue = SQLiteAckQueue(str(folder))

    def fill(self, count: int, told: Told) -> None:
        if count < CHUNK:
            for _ in range(count):
                self._queue.put(PAYLOAD)
            return
        row = (pickle.dumps(PAYLOAD), 0.0, 1)
        with contextlib.closing(sqlite3.connect(self._folder / "data.db")) as c, c:
            for start in range(0, count, CHUNK):
                number = min(CHUNK, count - start)
                c.executemany(
                    "INSERT INTO ack_queue_default (data, timestamp, status) VALUES (?, ?, ?)",
                    [row] * number,
                )
                told(number)
        self._queue.close()
        self._queue = SQLiteAckQueue(str(self._folder))

    def work(self, batch: int) -> None:
        item = self._queue.get(block=False, raw=True)
        self._queue.ack(id=item["pqid"])


class Huey:
    def __init__(self, folder: Path) -> None:
        self._queue = SqliteStorage("bench", str(folder / "huey.db"), fsync=True)

    def fill(self, count: int, told: Told) -> None:
        if count < CHUNK:
            for _ in range(count):
                self._queue.enqueue(PAYLOAD.encode())
            return
        for start in range(0, count, CHUNK):
            number = min(CHUNK, count - start)
            with self._queue.db(commit=True) as cursor:
                cursor.executemany(
                    "INSERT INTO task (queue, data, priority) VALUES ('bench', ?, 0)",
                    [(PAYLOAD.encode(),)] * number,
                )
            told(number)

    def work(self, batch: int) -> None:
        if self._queue.dequeue() is None:
            raise AssertionError("huey's queue is empty.")


OURS, OURS_BY_8 = "muralist", "muralist, by 8"
LITE, PERSIST, HUEY = "litequeue", "persist-queue", "huey"

KINDS = (
    Kind(
        name=OURS,
        durability="FULL",
        note="2 transactions: fair claim; finish, picture, reply, journal",
        open=Ours,
    ),
    Kind(
        name=OURS_BY_8,
        durability="FULL",
        note="as a GPU does it: 2 transactions for 8 jobs",
        open=Ours,
        batch=8,
    ),
    Kind(name=LITE, durability="NORMAL", note="pop, done", open=Lite),
    Kind(name=PERSIST, durability="FULL", note="get, ack", open=Persist),
    Kind(name=HUEY, durability="FULL", note="dequeue; a crash loses the job", open=Huey),
)
