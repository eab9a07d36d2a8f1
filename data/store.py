"""The store: one SQLite file, one writer thread, a few readers.

Every change is a function of a connection, `act(connection) -> result`, handed
to `Store.write`; or of a connection and several subjects, handed to
`Store.write_together`, where many are cheaper done at once. The writer thread takes
all acts that wait, runs them inside one `BEGIN IMMEDIATE` transaction and answers
their callers after the one `COMMIT`: with `synchronous=FULL` an answered act survives
a power cut, and the price of the disk is shared by everybody who came together. An
act that raises is undone alone: its group is undone and run again, each act behind a
savepoint. So acts must touch nothing but their connection; they may be run twice.

Reads run on their own read-only connections and see the last commit. Several
processes may open the same file: SQLite's write lock serialises their groups.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database
from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]

from data import migrations
from data.words import StoreError

S = TypeVar("S")
T = TypeVar("T")

#: A connection of whichever SQLite build is in use; pysqlite3 carries no types.
Connection = Any
Act = Callable[[Connection], T]
#: One act for several subjects; answers a result for each, in their order.
Together = Callable[[Connection, Sequence[S]], Sequence[T]]

#: The oldest SQLite without the WAL-reset bug, in which two connections that
#: write and checkpoint can corrupt the file (sqlite.org/wal.html#walresetbug).
SAFE_SQLITE = (3, 51, 3)

#: More acts than this in one transaction add latency and no throughput.
GROUP = 256
READERS = 2
BUSY_SECONDS = 10.0
#: While another process writes: how often to ask for the file, in seconds, and how long to
#: leave it to the others after a commit. SQLite's own waiting grows, and starves the unlucky.
ASK_AGAIN = 0.001
GIVE_WAY = 0.003


def sqlite_version() -> tuple[int, ...]:
    """The version of the SQLite build in use."""
    return tuple(int(part) for part in sqlite3.sqlite_version.split("."))


class Bell:
    """Rings after each commit; whoever waits names the ring it has already heard.

    Reading `rings` *before* reading the store makes a change in between
    impossible to miss. For the event loop only.
    """

    def __init__(self) -> None:
        self.rings = 0
        self._next = asyncio.Event()

    def ring(self) -> None:
        self.rings += 1
        self._next.set()
        self._next = asyncio.Event()

    async def after(self, heard: int, seconds: float | None = None) -> int:
        """Wait until there was a ring after `heard`, or `seconds`; return the last ring."""
        if self.rings == heard:
            # Not `wait_for`: on Python 3.11 it loses a cancellation that meets the ring.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._next.wait()
        return self.rings


@dataclass(slots=True)
class _Entry:
    """One subject of an act on its way through the writer thread, and what became of it."""

    act: Together[Any, Any]
    subject: Any
    answer: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def resolve(self) -> None:
        if self.answer.cancelled():
            return
        if self.error is not None:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(self.result)


class Store:
    """The memory of all rooms. Open it with `async with open_store(path)`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bell = Bell()
        self._loop = asyncio.get_running_loop()
        self._inbox: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._local = threading.local()
        self._reading: list[Connection] = []
        self._readers = ThreadPoolExecutor(READERS, "store-reader")
        self._writer = threading.Thread(target=self._write_forever, name="store-writer")

    async def write(self, act: Act[T]) -> T:
        """Run `act` in a durable transaction; its result is answered after the commit.

        Raises what the act raised, undone; StoreError where the commit failed.
        """
        return await self.write_together(lambda c, _: (act(c),), None)

    async def write_together(self, act: Together[S, T], subject: S) -> T:
        """Like `write`, for a subject with all others that wait for the same act.

        They are done in the order they came, where the first of them stands.
        """
        answer: asyncio.Future[T] = self._loop.create_future()
        self._inbox.put(_Entry(act, subject, answer))
        # A caller that gives up cancels only its answer: the act is done all the same.
        return await answer

    async def read(self, look: Act[T]) -> T:
        """Run `look` on a read-only connection, in one snapshot."""
        return await self._loop.run_in_executor(self._readers, self._read, look)

    async def open(self) -> None:
        """Migrate the schema, then start the writer. Raises StoreError with the remedy."""
        await asyncio.to_thread(migrate, self.path)
        self._writer.start()

    async def checkpoint(self) -> None:
        """Move the write-ahead log into the file; readers and writers go on meanwhile."""
        await asyncio.to_thread(self._checkpoint)

    async def close(self) -> None:
        """Finish what was handed in, then let go of the file."""
        self._inbox.put(None)
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        for connection in self._reading:
            connection.close()

    def _read(self, look: Act[T]) -> T:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self.path, read_only=True)
            self._local.connection = connection
            self._reading.append(connection)
        connection.execute("BEGIN")
        try:
            return look(connection)
        finally:
            connection.execute("COMMIT")

    def _checkpoint(self) -> None:
        with contextlib.closing(connect(self.path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            connection.execute("PRAGMA optimize")

    def _write_forever(self) -> None:
        connection = connect(self.path)
        closing, version = False, _version(connection)
        while not closing:
            group, closing = self._take_group()
            if group:
                others_write = version != (version := _version(connection))
                if others_write:
                    time.sleep(GIVE_WAY)
                _run_group(connection, group)
                self._loop.call_soon_threadsafe(self._resolve, group)
        connection.close()

    def _take_group(self) -> tuple[list[_Entry], bool]:
        group: list[_Entry] = []
        entry = self._inbox.get()
        while entry is not None:
            group.append(entry)
            if len(group) == GROUP or self._inbox.empty():
                return group, False
            entry = self._inbox.get()
        return group, True

    def _resolve(self, group: list[_Entry]) -> None:
        for entry in group:
            entry.resolve()
        self.bell.ring()


def _run_group(connection: Connection, group: list[_Entry]) -> None:
    """One transaction for all of `group`; leaves each entry with a result or an error."""
    try:
        _begin(connection)
        if not _all_went_well(connection, group):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            _begin(connection)
            for entry in group:
                _run_entry(connection, entry)
        connection.execute("COMMIT")
    except (sqlite3.Error, StoreError) as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        failure = error if isinstance(error, StoreError) else _failure(error)
        for entry in group:
            entry.error = failure


def _failure(error: Exception) -> StoreError:
    return StoreError(f"The database could not be written: {error}.")


def _begin(connection: Connection) -> None:
    """Take the file for writing; raises what SQLite says where others keep it too long."""
    until = time.monotonic() + BUSY_SECONDS
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while not _began(connection, until):
            time.sleep(ASK_AGAIN)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")


def _began(connection: Connection, until: float) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error) or time.monotonic() > until:
            raise
        return False
    return True


def _version(connection: Connection) -> int:
    """A number that changes when another connection has written."""
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version


def _all_went_well(connection: Connection, group: list[_Entry]) -> bool:
    """Run the acts without savepoints, which cost as much as the smaller acts themselves."""
    together: dict[Together[Any, Any], list[_Entry]] = {}
    for entry in group:
        together.setdefault(entry.act, []).append(entry)
    try:
        for act, entries in together.items():
            results = act(connection, [entry.subject for entry in entries])
            for entry, result in zip(entries, results, strict=True):
                entry.result = result
    except Exception:  # noqa: BLE001  whose it was is found out when they are run again
        return False
    return True


def _run_entry(connection: Connection, entry: _Entry) -> None:
    connection.execute("SAVEPOINT act")
    try:
        (entry.result,) = entry.act(connection, (entry.subject,))
    except Exception as error:
        if not connection.in_transaction:
            # A full disk rolls back everything at once: it failed for the whole group.
            raise _failure(error) from error
        entry.error = error
        connection.execute("ROLLBACK TO act")
    connection.execute("RELEASE act")


@contextlib.asynccontextmanager
async def open_store(path: Path) -> AsyncIterator[Store]:
    """Open (and create, and migrate) the store at `path` for the length of a scope."""
    store = Store(path)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def connect(path: Path, *, read_only: bool = False) -> Connection:
    """A connection in autocommit mode with our pragmas; rows can be read by name."""
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rwc'}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    # In KiB, at most: the upper pages of every index of a long line.
    connection.execute("PRAGMA cache_size = -32768")
    return connection


def copy(path: Path, target: Path, change: Act[None]) -> None:
    """Copy the store to a new file, for reading with other tools, with a change made to it.

    Readers and writers of the store go on meanwhile. Nothing of what the change took
    out stays in the file.
    """
    with contextlib.closing(connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))
    with contextlib.closing(connect(target)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        change(connection)
        connection.execute("COMMIT")
        connection.execute("VACUUM")


def migrate(path: Path) -> None:
    """Bring the file to today's schema, all pending steps in one transaction.

    Raises StoreError with the remedy.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = connect(path)
        with contextlib.closing(connection):
            connection.execute("PRAGMA journal_mode = WAL")
            # Two processes that start together take turns here.
            connection.execute("BEGIN IMMEDIATE")
            migrations.apply(Database(connection))
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise StoreError(
            f"The database {path} could not be opened: {error}. "
            "Set MURALIST_DATABASE to a file on a local disk that this user may write."
        ) from error
