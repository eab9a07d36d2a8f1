"""The desk over very many wishes: `make bench-desk` (WISHES=1000000).

Measures what a moderator waits for, in one run on one machine: the server's time for
each list, filter, search and page over loopback, the pages' weight, and what a long
export does to a writer beside it and to the write-ahead log.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web
from rich.console import Console
from rich.table import Table

from data import staff
from data.pictures import PictureStore
from data.staff import Role
from data.store import Connection, Store, open_store
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
    "audit": "/audit",
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
    """Milliseconds of small durable writes, one after the other."""
    took = []

    def act(c: Connection) -> None:
        c.execute("INSERT OR REPLACE INTO cursors (platform, position) VALUES ('bench', ?)", ("1",))

    while not until.is_set():
        began = time.perf_counter()
        await store.write(act)
        took.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.002)
    return took


async def beside_an_export(
    store: Store, session: aiohttp.ClientSession, address: str
) -> tuple[list[float], list[float], int, float]:
    """A writer alone and beside an export of everything; its rows and the log's MB."""
    alone_until, beside_until, largest = asyncio.Event(), asyncio.Event(), 0.0
    alone = asyncio.ensure_future(writes(store, alone_until))
    await asyncio.sleep(10)
    alone_until.set()
    beside = asyncio.ensure_future(writes(store, beside_until))
    rows = 0
    log = store.path.with_name(store.path.name + "-wal")
    async with session.get(f"{address}/all.ndjson") as answer:
        until = time.monotonic() + 60
        async for chunk in answer.content.iter_any():
            rows += chunk.count(b"\n")
            largest = max(largest, log.stat().st_size / 2**20)
            if time.monotonic() > until:
                break
    beside_until.set()
    return await alone, await beside, rows, largest


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
        alone, beside, rows, log = await beside_an_export(store, session, address)
        out.print(
            f"A writer alone: p99 {p99(alone):.1f} ms; beside an export of {rows:,} rows: p99"
            f" {p99(beside):.1f} ms ({p99(beside) / p99(alone):.2f} times)."
            f" Largest log {log:.0f} MB."
        )


def main() -> None:
    wishes = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as made:
        folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(made)
        if not (folder / "muralist.db").exists():
            with make_million.opened(folder / "muralist.db") as c:
                make_million.make(c, wishes)
        asyncio.run(measure(folder, wishes))


if __name__ == "__main__":
    main()
