"""The desk over very many wishes: `make bench-desk` (WISHES=1000000).

Measures what a moderator waits for, in one run on one machine: the server's time for
each list, filter, search and page over loopback, the pages' weight, and what a long
export and a snapshot do to a writer beside them and to the write-ahead log. The file is
read once before, as it lies in the memory of a machine that has served for a while: what
a cold disk adds is the disk's. With a folder as second argument the store is made there
once, and only measured after that.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web
from rich.console import Console
from rich.table import Table

from data import journal, staff
from data.pictures import PictureStore
from data.staff import Role
from data.store import Connection, Store, open_store
from data.words import Event
from moderation.console import site
from moderation.console.door import digest_of
from tests.moderation import make_million

COOKIE = "a cookie for measuring"
PAGES = {
    "needs review": "/review",
    "held": "/held",
    "failed": "/failed",
    "refused": "/refused",
    "taken down": "/removed",
    "reported": "/reported",
    "all": "/all",
    "all, as cards": "/all?as=cards",
    "all, half way down": "/all?from={half}",
    "platform": "/all?platform=x",
    "tier and platform": "/all?tier=plus&platform=discord",
    "three filters, nothing there": "/all?state=held&platform=x&model=diffusers:sd-turbo",
    "guild": "/all?guild=guild7",
    "guild, taken down": "/removed?guild=guild7",
    "rule": "/all?rule=nsfw&tier=free",
    "account": "/all?account=x:{who}",
    "time": "/all?since=2026-03-10&until=2026-03-12",
    "one word": "/all?q=fox",
    "three words": "/all?q=red+fox+moon",
    "a phrase": "/all?q=%22red+fox%22",
    "a beginning": "/all?q=ca*",
    "a rare number": "/all?q=no+{rare}",
    "a word among the held": "/held?q=fox",
    "words that never meet": "/all?q=fox+boat",
    "a word of an account": "/all?q=fox&account=x:{who}",
    "one wish": "/wishes/{half}",
    "an account": "/accounts/x/{who}",
    "the line": "/line",
    "cases": "/cases",
    "limits": "/limits",
    "policy": "/policy",
    "team": "/team",
    "audit": "/audit",
    "audit of one wish": "/audit?subject=job+{half}",
}


@asynccontextmanager
async def serving(store: Store, folder: Path) -> AsyncIterator[str]:
    """The console alone, with somebody signed in."""
    await store.write(lambda c: staff.sign_out(c, digest_of(COOKIE)))
    await store.write(
        lambda c: staff.sign_in(c, "bench", "Bench", Role.ADMIN, digest_of(COOKIE), time.time())
    )
    pictures = PictureStore(folder / "pictures")
    async with site.open_console(store, pictures, time.time) as console:
        app = web.Application()
        app.add_subapp(site.ROOT, console)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}{site.ROOT}"
        await runner.cleanup()


async def timed(session: aiohttp.ClientSession, address: str, times: int) -> tuple[float, ...]:
    """First, median and worst milliseconds, the processor's own (ours and the client's
    together: what a busy machine does not blur), and the weight in KB."""
    took, worked, weight = [], [], 0
    for _ in range(times):
        began, at_work = time.perf_counter(), time.process_time()
        async with session.get(address, headers={"Accept": "text/html"}) as answer:
            weight = len(await answer.read())
            assert answer.status == 200, address
        took.append((time.perf_counter() - began) * 1000)
        worked.append((time.process_time() - at_work) * 1000)
    return took[0], statistics.median(took), max(took), statistics.median(worked), weight / 1024


async def writes(store: Store, until: asyncio.Event) -> list[float]:
    """Milliseconds of small durable writes, one after the other: a line for the journal of some
    wish, as most of what the bot writes is. (A row that stays as it is would be no write at all.)
    """
    took: list[float] = []
    most = await store.read(lambda c: c.execute("SELECT max(id) FROM mentions").fetchone()[0])

    def act(c: Connection) -> None:
        wish = 1 + len(took) * 7_919 % most
        journal.note(c, wish, Event.DOUBT, time.time(), measured=len(took))

    while not until.is_set():
        began = time.perf_counter()
        await store.write(act)
        took.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.002)
    return took


@dataclass(frozen=True, slots=True)
class Beside:
    """Milliseconds of the writes beside something, what that brought, and the log's largest MB."""

    took: list[float]
    brought: int
    seconds: float
    log: float


async def beside(store: Store, work: Callable[[Callable[[], None]], Awaitable[int]]) -> Beside:
    """A writer beside `work`, which has the log looked at now and then."""
    over, largest, began = asyncio.Event(), 0.0, time.monotonic()
    log = store.path.with_name(store.path.name + "-wal")

    def look() -> None:
        nonlocal largest
        largest = max(largest, log.stat().st_size / 2**20)

    writing = asyncio.ensure_future(writes(store, over))
    brought = await work(look)
    seconds = time.monotonic() - began
    over.set()
    return Beside(await writing, brought, seconds, largest)


async def nothing(look: Callable[[], None]) -> int:
    await asyncio.sleep(10)
    look()
    return 0


async def an_export(session: aiohttp.ClientSession, address: str, look: Callable[[], None]) -> int:
    """Of everything, for a minute; its rows."""
    rows, until = 0, time.monotonic() + 60
    async with session.get(f"{address}/all.ndjson") as answer:
        async for chunk in answer.content.iter_any():
            rows += chunk.count(b"\n")
            look()
            if time.monotonic() > until:
                break
    return rows


async def a_snapshot(path: Path, look: Callable[[], None]) -> int:
    """By a process of its own, as moderators take it: one long read. Its MB."""
    target = path.with_name("snapshot.db")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "moderation", "--database", str(path)),
        *("snapshot", str(target), "measuring"),
        stdout=asyncio.subprocess.DEVNULL,
    )
    while process.returncode is None:
        look()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                await process.wait()
    size = target.stat().st_size // 2**20
    target.unlink()
    return size


def somebody(c: Connection) -> str:
    """An account on X."""
    row = c.execute("SELECT user_id FROM casebook WHERE platform = 'x' LIMIT 1").fetchone()
    return str(row["user_id"])


def p99(took: Sequence[float]) -> float:
    return statistics.quantiles(took, n=100)[98]


async def measure(folder: Path, wishes: int) -> None:
    out = Console()
    async with (
        open_store(folder / "muralist.db") as store,
        serving(store, folder) as address,
        aiohttp.ClientSession(
            cookies={"muralist-desk": COOKIE},
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            timeout=aiohttp.ClientTimeout(total=None),
        ) as session,
    ):
        table = Table("page", "first ms", "median ms", "worst ms", "CPU ms", "KB", box=None)
        slowest = busiest = heaviest = 0.0
        who = await store.read(somebody)
        for name, path in PAGES.items():
            path = path.format(half=wishes // 2, rare=wishes // 2000 * 1000, who=who)
            figures = await timed(session, address + path, 9)
            _first, median, _worst, work, weight = figures
            slowest, busiest = max(slowest, median), max(busiest, work)
            heaviest = max(heaviest, weight)
            table.add_row(name, *(f"{figure:.1f}" for figure in figures))
        out.print(table)
        out.print(
            f"Slowest median {slowest:.1f} ms ({busiest:.1f} ms of work),"
            f" heaviest page {heaviest:.0f} KB."
        )
        alone = await beside(store, nothing)
        exported = await beside(store, functools.partial(an_export, session, address))
        copied = await beside(store, functools.partial(a_snapshot, store.path))
        out.print(f"A writer alone: p99 {p99(alone.took):.1f} ms, log {alone.log:.0f} MB.")
        for what, one in (("rows exported", exported), ("MB copied by a snapshot", copied)):
            out.print(
                f"Beside {one.brought:,} {what} in {one.seconds:.0f} s: p99 {p99(one.took):.1f} ms"
                f" ({p99(one.took) / p99(alone.took):.2f} times), {len(one.took):,} writes,"
                f" largest log {one.log:.0f} MB."
            )


def main() -> None:
    wishes = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as made:
        folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(made)
        if not (folder / "muralist.db").exists():
            with make_million.opened(folder / "muralist.db") as c:
                make_million.make(c, wishes)
        _warm(folder / "muralist.db")
        asyncio.run(measure(folder, wishes))


def _warm(path: Path) -> None:
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass


if __name__ == "__main__":
    main()
