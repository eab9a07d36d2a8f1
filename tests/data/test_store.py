"""The store: durable, grouped, each act undone alone."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Sequence
from pathlib import Path

import pytest

from data import store as store_module
from data.store import SAFE_SQLITE, Bell, Connection, Store, connect, open_store, sqlite_version
from data.words import StoreError


def put(c: Connection, platform: str = "x") -> None:
    c.execute(
        "INSERT INTO cursors VALUES (?, '1')"
        " ON CONFLICT DO UPDATE SET position = CAST(position AS INTEGER) + 1",
        (platform,),
    )


def position(c: Connection, platform: str = "x") -> int:
    row = c.execute("SELECT position FROM cursors WHERE platform = ?", (platform,)).fetchone()
    return int(row[0]) if row else 0


async def test_what_was_written_is_read(store: Store) -> None:
    await store.write(put)
    assert await store.read(position) == 1


async def test_many_at_once_share_commits_and_all_count(store: Store) -> None:
    await asyncio.gather(*(store.write(put) for _ in range(1000)))
    assert await store.read(position) == 1000
    assert store.bell.rings < 1000


async def test_an_act_that_raises_is_undone_alone(store: Store) -> None:
    def spoiled(c: Connection) -> None:
        put(c)
        raise LookupError("no")

    outcomes = await asyncio.gather(
        store.write(put), store.write(spoiled), store.write(put), return_exceptions=True
    )
    assert isinstance(outcomes[1], LookupError)
    assert await store.read(position) == 2


async def test_what_waits_for_the_same_act_is_done_at_once_each_answered(store: Store) -> None:
    calls: list[list[int]] = []

    def double(c: Connection, numbers: Sequence[int]) -> list[int]:
        calls.append(list(numbers))
        for _ in numbers:
            put(c)
        return [2 * number for number in numbers]

    answers = await asyncio.gather(
        store.write_together(double, 1),
        store.write(put),
        *(store.write_together(double, number) for number in range(2, 100)),
    )
    assert [answer for answer in answers if answer is not None] == [2 * n for n in range(1, 100)]
    assert [number for call in calls for number in call] == list(range(1, 100))
    assert len(calls) < 99
    assert await store.read(position) == 100


async def test_one_of_many_that_raises_is_undone_alone(store: Store) -> None:
    def each(c: Connection, numbers: Sequence[int]) -> list[int]:
        for number in numbers:
            put(c)
            if number == 2:
                raise LookupError("no")
        return list(numbers)

    outcomes = await asyncio.gather(
        *(store.write_together(each, number) for number in range(4)), return_exceptions=True
    )
    assert [outcome for outcome in outcomes if not isinstance(outcome, LookupError)] == [0, 1, 3]
    assert await store.read(position) == 3


async def test_a_read_cannot_write(store: Store) -> None:
    with pytest.raises(Exception, match="readonly"):
        await store.read(put)


async def test_a_full_disk_fails_the_act_and_the_store_lives_on(store: Store) -> None:
    def fill(c: Connection) -> None:
        pages = c.execute("PRAGMA page_count").fetchone()[0]
        c.execute(f"PRAGMA max_page_count = {pages}")
        c.execute("INSERT INTO cursors VALUES ('big', ?)", ("x" * 1_000_000,))

    with pytest.raises(StoreError, match="full"):
        await store.write(fill)
    await store.write(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchone())
    await store.write(put)
    assert await store.read(position) == 1


async def test_what_was_handed_in_is_finished_at_close(tmp_path: Path) -> None:
    async with open_store(tmp_path / "a.db") as store:
        writes = asyncio.gather(*(store.write(put) for _ in range(300)))
        await asyncio.sleep(0)
    await writes
    connection = connect(tmp_path / "a.db", read_only=True)
    assert position(connection) == 300
    connection.close()


async def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "a.db"
    folder.mkdir()
    with pytest.raises(StoreError, match="MURALIST_DATABASE"):
        async with open_store(folder):
            pass


def write_from_another_process(path: Path, times: int) -> None:
    async def run() -> None:
        async with open_store(path) as store:
            for _ in range(times // 10):
                await asyncio.gather(*(store.write(put) for _ in range(10)))

    asyncio.run(run())


async def test_several_processes_share_one_file(tmp_path: Path) -> None:
    path = tmp_path / "shared.db"
    spawn = multiprocessing.get_context("spawn")
    processes = [
        spawn.Process(target=write_from_another_process, args=(path, 200)) for _ in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        await asyncio.to_thread(process.join)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    async with open_store(path) as store:
        assert await store.read(position) == 600


async def test_the_bell_tells_what_rang_before_the_wait() -> None:
    bell = Bell()
    heard = bell.rings
    bell.ring()
    assert await bell.after(heard) == heard + 1
    assert await bell.after(bell.rings, 0.001) == heard + 1


def test_the_sqlite_build_in_use_is_a_safe_one() -> None:
    assert sqlite_version() >= SAFE_SQLITE
    assert store_module.GROUP > 1
