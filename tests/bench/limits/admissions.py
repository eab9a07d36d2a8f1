"""Durable admissions a second: ours, its own SQL without our code, and pyrate-limiter.

Ours decides, charges, enters the line and writes the journal for each of 256 askers, as
the bot's intake does, and answers after the commit (`synchronous=FULL`). pyrate-limiter
only decides, in one scope; it runs in one thread without askers, which is its best.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock
from pyrate_limiter import Duration, Rate, RateItem
from pyrate_limiter.buckets.sqlite_bucket import Queries, SQLiteBucket

from bots import loop
from data.mentions import Received
from data.store import Connection, Store, Together, connect, open_store
from data.words import Mention
from tests.bench.limits import ours
from tests.bench.limits.measure import Contender, Turn, measured
from tests.bench.limits.ours import Statement, Template

T = TypeVar("T")

ASKERS = 256
#: Statements in one transaction of the bare loops, as our store groups its acts.
GROUP = 256

OURS = "muralist"
WITH_RECEIPT = "muralist, with the inbox"
BARE = "bare loop of the same SQL"
LEAST = "bare loop of the least SQL"
PYRATE = "pyrate-limiter, file lock"
PYRATE_TUNED = "pyrate-limiter, file lock, tuned"
PYRATE_MANY = "pyrate-limiter, file lock, tuned, all keys"
PYRATE_ALONE = "pyrate-limiter, no lock, tuned"
PYRATE_GROUPED = "pyrate-limiter, no lock, grouped"

#: As it comes, pyrate-limiter opens a connection for each key, so it can't have many.
FEW = 100


def contenders(folder: Path, asks: int, people: int, theirs: int) -> list[Contender]:
    """`asks` are ours, of so many `people`; `theirs` is how often pyrate-limiter is asked."""
    template = ours.template(folder / "template.db", asks, people)
    groups = ours.recorded(template.copy(folder / "recorded.db"), template.received, GROUP)
    return [
        Contender(
            name=OURS,
            durability="FULL",
            take_turn=lambda: _ours(template, folder / "ours.db"),
            note="the whole act, all policies",
        ),
        Contender(
            name=WITH_RECEIPT,
            durability="FULL",
            take_turn=lambda: _with_receipt(folder / "receipt.db", asks, people),
            note="mention received in the same act",
        ),
        Contender(
            name=BARE,
            durability="FULL",
            take_turn=lambda: _bare(template.copy(folder / "bare.db"), groups, asks),
            note=f"{GROUP} admissions a transaction, {len(groups[-1])} statements for all of them",
        ),
        Contender(
            name=LEAST,
            durability="FULL",
            take_turn=lambda: _least(folder / "least.db", asks, people),
            note="7 statements each, hand-written: 3 scopes, tag, job, charge, journal",
        ),
        _pyrate_as_it_comes(folder, min(FEW, people), theirs),
        _pyrate(PYRATE_TUNED, "NORMAL", folder, min(FEW, people), theirs, lock=True),
        _pyrate(PYRATE_MANY, "NORMAL", folder, people, theirs, lock=True),
        _pyrate(PYRATE_ALONE, "NORMAL", folder, min(FEW, people), theirs),
        _pyrate(PYRATE_GROUPED, "FULL", folder, min(FEW, people), theirs * 4, connection=_Grouping),
    ]


def _ours(template: Template, path: Path) -> Turn:
    rules = ours.policies()

    def act(c: Connection, received: Sequence[Received]) -> list[bool]:
        return ours.decide(c, received, rules)

    return loop.run(_ask(template.copy(path), act, template.received))


def _with_receipt(path: Path, asks: int, people: int) -> Turn:
    rules = ours.policies()
    ours.remove(path)

    def act(c: Connection, asked: Sequence[Mention]) -> list[bool]:
        return ours.decide(c, ours.receive(c, asked), rules)

    return loop.run(_ask(path, act, [ours.mention(n, n % people) for n in range(asks)]))


async def _ask(path: Path, act: Together[T, bool], asks: Sequence[T]) -> Turn:
    """All asks by `ASKERS` askers, each of whom asks again when answered."""
    waits: list[float] = []
    yes: list[bool] = []

    async def asker(store: Store, mine: Sequence[T]) -> None:
        for one in mine:
            asked = time.perf_counter()
            yes.append(await store.write_together(act, one))
            waits.append(time.perf_counter() - asked)

    async with open_store(path) as store:
        with measured() as watch:
            async with asyncio.TaskGroup() as group:
                for first in range(ASKERS):
                    group.create_task(asker(store, asks[first::ASKERS]))
    if not all(yes):
        raise AssertionError(f"{yes.count(False)} of {len(yes)} were refused, which is cheaper.")
    return Turn(done=len(asks), seconds=watch.seconds, cpu=watch.cpu, waits=waits)


def _bare(path: Path, groups: Sequence[Sequence[Statement]], asks: int) -> Turn:
    """What SQLite alone needs for what ours did: the limit of everything on top of it."""
    with ours.opened(path) as c, measured() as watch:
        for statements in groups:
            with ours.transaction(c):
                for statement in statements:
                    statement.run(c)
    return Turn(done=asks, seconds=watch.seconds, cpu=watch.cpu)


_LEAST_TABLES = """
CREATE TABLE scopes (kind TEXT, key TEXT, day TEXT, used INTEGER,
    PRIMARY KEY (kind, key, day)) WITHOUT ROWID;
CREATE TABLE tags (key TEXT PRIMARY KEY, tag REAL) WITHOUT ROWID;
CREATE TABLE jobs (id INTEGER PRIMARY KEY, key TEXT, tag REAL, state TEXT, prompt TEXT, at REAL);
CREATE INDEX line ON jobs (tag, id) WHERE state = 'available';
CREATE TABLE charges (job INTEGER PRIMARY KEY, key TEXT, day TEXT, units INTEGER, state TEXT);
CREATE TABLE journal (id INTEGER PRIMARY KEY, job INTEGER, at REAL, event TEXT, detail TEXT);
"""


def _least(path: Path, asks: int, people: int) -> Turn:
    """The fewest statements that could decide, tag, charge, insert and tell of it."""
    ours.remove(path)
    c = connect(path)
    c.execute("PRAGMA journal_mode = WAL")
    c.executescript(_LEAST_TABLES)
    with measured() as watch:
        for start in range(0, asks, GROUP):
            with ours.transaction(c):
                for number in range(start, min(start + GROUP, asks)):
                    _least_admission(c, f"person{number % people}", ours.NOW)
    c.close()
    return Turn(done=asks, seconds=watch.seconds, cpu=watch.cpu)


def _least_admission(c: Connection, key: str, now: float) -> None:
    for kind, whose, most in (("daily", key, 50), ("guild", "guild", 10**9), ("all", "", 10**9)):
        c.execute(
            "INSERT INTO scopes VALUES (?, ?, '2025-03-25', 1) ON CONFLICT DO UPDATE"
            " SET used = used + 1 WHERE used < ? RETURNING used",
            (kind, whose, most),
        ).fetchone()
    tag = c.execute(
        "INSERT INTO tags VALUES (?, ?) ON CONFLICT DO UPDATE SET tag = max(tag, ?) + 1.0"
        " RETURNING tag",
        (key, now, now),
    ).fetchone()[0]
    job = c.execute(
        "INSERT INTO jobs (key, tag, state, prompt, at) VALUES (?, ?, 'available', ?, ?)"
        " RETURNING id",
        (key, tag, json.dumps(ours.WISH.to_json()), now),
    ).fetchone()[0]
    c.execute("INSERT INTO charges VALUES (?, ?, '2025-03-25', 1, 'reserved')", (job, key))
    c.execute(
        "INSERT INTO journal (job, at, event, detail) VALUES (?, ?, 'admit', ?)",
        (job, now, json.dumps({"units": 1})),
    )


#: Room for everybody: whoever is refused costs less.
_RATES = [Rate(1_000_000, Duration.DAY)]


class _Grouping(sqlite3.Connection):
    """Only every 256th commit is one: what pyrate-limiter could do with group commit."""

    _asked = 0

    def commit(self) -> None:
        self._asked += 1
        if self._asked % GROUP == 0:
            super().commit()


def _pyrate_as_it_comes(folder: Path, keys: int, asks: int) -> Contender:
    """`SQLiteBucket.init_from_file(use_file_lock=True)`, its mode for several processes."""
    path = str(folder / "pyrate.db")
    buckets = [
        SQLiteBucket.init_from_file(_RATES, f"person{n}", path, use_file_lock=True)
        for n in range(keys)
    ]
    return Contender(
        name=PYRATE,
        durability="NORMAL",
        take_turn=lambda: _put(buckets, asks),
        note=f"one scope, {keys:,} keys, as it comes",
    )


def _pyrate(
    name: str,
    durability: str,
    folder: Path,
    keys: int,
    asks: int,
    *,
    lock: bool = False,
    connection: type[sqlite3.Connection] = sqlite3.Connection,
) -> Contender:
    """One connection of ours for all buckets, which keeps every statement prepared."""
    path = folder / f"{name.replace(' ', '-')}.db"
    opened = sqlite3.connect(
        path, check_same_thread=False, factory=connection, cached_statements=2 * keys
    )
    opened.execute("PRAGMA journal_mode = WAL")
    opened.execute(f"PRAGMA synchronous = {durability}")
    shared = FileLock(f"{path}.lock") if lock else None
    buckets = [_bucket(opened, f"person{n}", shared) for n in range(keys)]
    sqlite3.Connection.commit(opened)
    return Contender(
        name=name,
        durability=durability,
        take_turn=lambda: _put(buckets, asks),
        note=f"one scope, {keys:,} keys, one connection",
    )


def _bucket(connection: sqlite3.Connection, table: str, lock: Any) -> SQLiteBucket:
    """Its table is made beforehand; its leaker, which only costs, is never started."""
    connection.execute(Queries.CREATE_BUCKET_TABLE.format(table=table))
    connection.execute(
        Queries.CREATE_INDEX_ON_TIMESTAMP.format(index_name=f"at_{table}", table_name=table)
    )
    return SQLiteBucket(_RATES, connection, table, lock=lock)


def _put(buckets: Sequence[SQLiteBucket], asks: int) -> Turn:
    with measured() as watch:
        yes = [
            (bucket := buckets[n % len(buckets)]).put(
                RateItem(bucket.table, time.time_ns() // 1_000_000)
            )
            for n in range(asks)
        ]
    if not all(yes):
        raise AssertionError("pyrate-limiter refused, which is cheaper for it.")
    return Turn(done=asks, seconds=watch.seconds, cpu=watch.cpu)
