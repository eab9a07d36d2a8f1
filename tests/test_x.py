"""X, end to end against the fake: killed at every boundary, and killed at random in bad weather.

The child process is the whole bot but for the model, which is a paintbrush: the
X platform, intake, worker and outbox on a real file. The fake lives in the test's
process and is never killed; what it saw is what counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bots import __main__ as wiring
from bots import logs
from bots.clock import rescue_orphans, ticking
from bots.intake import Intake
from bots.outbox import Outbox
from bots.platforms import x as platform
from bots.platforms._x import reading
from bots.pulse import Pulse
from bots.settings import Settings
from data import budget, mentions
from data import store as store_module
from data.pictures import PictureStore
from data.presence import Presence
from data.store import Connection, connect, open_store
from data.words import Ruling, Verdict
from generator.worker import Worker
from ratelimit import policy
from tests.conftest import a_house
from tests.fake_x.endpoints import Endpoint
from tests.fake_x.faults import weather
from tests.fake_x.limits import widened
from tests.fake_x.server import FakeX
from tests.fake_x.verdict import judge, unanswered
from tests.fake_x.world import Lags
from tests.test_crash import Paintbrush, die_at

FORK = multiprocessing.get_context("forkserver")
ALLOW = Verdict(ruling=Ruling.ALLOW)
#: More boundaries than one wish has; reaching it would mean the story never ends.
MANY = 80
#: The long run's size; `X_MENTIONS=1000 X_KILLS=60` is what a release is judged by.
MENTIONS = int(os.environ.get("X_MENTIONS", "60"))
KILLS = int(os.environ.get("X_KILLS", "5"))


@contextlib.contextmanager
def a_fake(**how: Any) -> Iterator[FakeX]:
    ticks = itertools.count()

    def clock() -> float:
        """Never twice the same: the fake makes its posts' ids of it."""
        return time.time() + next(ticks) % 1000 * 1e-6

    with FakeX(clock=clock, held_seconds=0.3, slow_seconds=0.1, bare_seconds=1.0, **how) as x:
        yield x


def settings_for(x: FakeX, folder: Path) -> Settings:
    fields: dict[str, Any] = {name.lower(): value for name, value in x.settings().items()}
    fields["x_photo_hosts"] = (fields["x_photo_hosts"],)
    quick = {
        "x_poll_seconds": 0.1,
        "x_settle_seconds": 1.0,
        "x_usd_per_day": 1000.0,
        "x_replies_per_15_minutes": 100_000,
        "x_replies_per_3_hours": 100_000,
    }
    return Settings(
        **fields,
        platforms=("x",),
        database=folder / "muralist.db",
        pictures=folder / "pictures",
    ).model_copy(update=quick)


def begin_before(folder: Path) -> None:
    """The bot was here before: what is posted now is new to it."""
    store_module._migrate(folder / "muralist.db")
    with contextlib.closing(connect(folder / "muralist.db")) as c:
        mentions.receive(c, "x", [], str(reading.snowflake(time.time() - 60)), time.time())


def die_at_request(number: int) -> None:
    """Have this process killed when its n-th request to X has been answered, or has failed."""
    real = aiohttp.ClientSession._request
    counted = itertools.count(1)

    async def request(self: aiohttp.ClientSession, *args: Any, **how: Any) -> Any:
        last = next(counted) == number
        try:
            return await real(self, *args, **how)
        finally:
            if last:
                os.kill(os.getpid(), signal.SIGKILL)

    aiohttp.ClientSession._request = request  # type: ignore[method-assign]


def live(settings: Settings, kind: str, number: int, wanted: int | None) -> None:
    """A process's life: until so many wishes have their receipts, or what kills it."""
    if kind == "commit":
        die_at(number, before=True)
    elif kind == "request":
        die_at_request(number)
    budget.FIRST_PAUSE, budget.PROBE = 1.0, 1.0
    folder = settings.database.parent
    with (
        (folder / "bot.log").open("a") as log,
        Presence(folder / "presence").held() as presence,
    ):
        logs.set_up("info", "json", log)
        asyncio.run(_live(settings, presence, wanted))


async def _live(settings: Settings, presence: Presence, wanted: int | None) -> None:
    pictures = PictureStore(settings.pictures)
    async with contextlib.AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings.database))
        await rescue_orphans(store, presence, time.time)
        await stack.enter_async_context(ticking(store, presence, time.time))
        worker = Worker(
            store,
            pictures,
            Paintbrush(),
            owner=presence.id,
            clock=time.time,
            review=lambda _image, _job: ALLOW,
        )
        house = a_house(store, pictures, time.time, settings, progress=worker.progress)
        opened = await stack.enter_async_context(platform.open(house))
        intake = Intake(house, lambda _stage, _subject: ALLOW, policy.load(["daily"]))
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(
                wiring.work(stop, [opened], intake, worker, Outbox(house, presence), Pulse())
            )
            heard = 0
            while wanted is None or await store.read(_posted) < wanted:
                heard = await store.bell.after(heard, 1)
            stop.set()


def _posted(c: Connection) -> int:
    (count,) = c.execute("SELECT count(*) FROM outbox WHERE state = 'posted'").fetchone()
    return int(count)


def life(settings: Settings, kind: str = "", number: int = 0, wanted: int | None = 1) -> int | None:
    process = FORK.Process(target=live, args=(settings, kind, number, wanted))
    process.start()
    process.join(60)
    if process.exitcode is None:
        process.kill()
        process.join()
    return process.exitcode


def ledger(folder: Path) -> tuple[int, int]:
    """What we believe to have spent, and what may have been charged besides, in mills."""
    with contextlib.closing(connect(folder / "muralist.db", read_only=True)) as c:
        sums = dict(
            c.execute("SELECT state, sum(amount) / 1000 FROM spending GROUP BY state").fetchall()
        )
        assert c.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    return int(sums.get("spent", 0)), int(sums.get("unclear", 0))


@pytest.mark.parametrize("kind", ["commit", "request"])
def test_killed_at_every_boundary_there_is_one_reply(tmp_path: Path, kind: str) -> None:
    """Before each commit, and after each answer of X: together, all that lies between."""
    FORK.set_forkserver_preload(["tests.test_x"])
    killed = 0
    for number in range(1, MANY):
        folder = tmp_path / str(number)
        folder.mkdir()
        with a_fake(lags=Lags(timeline=(0.2, 0.6), index=(0.2, 0.9))) as x:
            settings = settings_for(x, folder)
            begin_before(folder)
            x.world.ask("ada", "a red fox")
            ended = life(settings, kind, number)
            if ended == 0:
                break
            assert ended == -signal.SIGKILL
            killed += 1
            assert life(settings) == 0, (folder / "bot.log").read_text()
            assert judge(x) == [], number
            spent, unclear = ledger(folder)
            assert spent <= x.world.bill.mills <= spent + unclear
    assert (4 if kind == "request" else 10) <= killed < MANY - 1


def test_many_mentions_in_bad_weather_and_many_kills(tmp_path: Path, record_property: Any) -> None:
    FORK.set_forkserver_preload(["tests.test_x"])
    chance = random.Random(7)
    with a_fake(
        lags=Lags(mentions=(0, 0.5), timeline=(0.1, 0.8), index=(0.5, 2)), caps=widened(100)
    ) as x:
        settings = settings_for(x, tmp_path)
        begin_before(tmp_path)
        x.faults.chances = weather(0.18)
        asked = kills = 0
        until = time.monotonic() + 60 + MENTIONS
        process = FORK.Process(target=live, args=(settings, "", 0, None))
        process.start()
        while time.monotonic() < until:
            for _ in range(min(MENTIONS - asked, 1 + MENTIONS // 60)):
                x.world.ask(f"guest{asked}", f"a red fox number {asked}")
                asked += 1
            time.sleep(chance.uniform(0.2, 0.8))
            waiting = len(unanswered(x.world))
            if kills < KILLS and asked > kills * MENTIONS / max(1, KILLS):
                process.kill()
                process.join()
                kills += 1
                process = FORK.Process(target=live, args=(settings, "", 0, None))
                process.start()
            if asked == MENTIONS and kills >= KILLS and waiting == 0:
                break
        time.sleep(3)  # what would be doubled is doubled now
        process.kill()
        process.join()
        faults = sum(x.faults.struck.values())
        requests = len(x.exchanges)
        spent, unclear = ledger(tmp_path)
        figures = {
            "mentions": asked,
            "kills": kills,
            "requests": requests,
            "faults": faults,
            "bill_mills": x.world.bill.mills,
            "ledger_mills": spent,
            "unclear_mills": unclear,
            "wrong": dict(Counter(line.partition(":")[0] for line in judge(x))),
            "in_pause": [
                (str(e.endpoint), round(e.at, 2), e.status) for e in x.exchanges if e.in_pause
            ][:20],
        }
        for name, value in figures.items():
            record_property(name, value)
        print(figures)  # noqa: T201  shown with -s
        assert judge(x) == [], figures
        assert spent <= x.world.bill.mills <= spent + unclear, figures
        assert kills == KILLS
        text = (tmp_path / "bot.log").read_text()
        assert not [secret for secret in x.canaries() if secret in text]
        assert len(x.requests(Endpoint.CREATE)) >= asked
