"""The whole bot on the fake Discord, but for the model, in a process that may be killed.

A paintbrush stands in for the model: it may be slow, and be held back. Everything else
is real: the platform with an unmodified discord.py, intake, worker, outbox, the store on
its file. A process of its own, the nursery, has everything imported and forks the lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import gc
import itertools
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any, Self

import aiohttp
import discord
from PIL import Image

from bots import __main__ as wiring
from bots import desk, logs
from bots.clock import rescue_orphans, ticking
from bots.intake import Intake
from bots.outbox import Outbox
from bots.platform import load as load_platform
from bots.pulse import Pulse
from bots.review import Review
from bots.settings import Settings
from data import jobs
from data import store as store_module
from data.pictures import PictureStore
from data.presence import Presence
from data.store import Connection, connect, open_store
from data.words import Desk, Ruling, Stage, Verdict
from generator.engine import Drawing, OnStep, Order
from generator.worker import Worker
from moderation import check as checks
from moderation.check import Check, Subject
from ratelimit import policy
from tests.conftest import a_house
from tests.fake_discord.server import FakeDiscord

ALLOW = Verdict(ruling=Ruling.ALLOW)
STYLES = ("flat", "ink", "watercolour", "pixel")
TIMES = Desk(remind_after=1_800, expire_after=86_400)
PATIENCE = 60.0
STEPS = 4


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A life's circumstances. `die` is "commit" or "request", `at` which of them is the last;
    it ends by itself when `wanted` replies are posted. `seconds` is what a batch takes."""

    #: Whether wishes are checked, by `a_check`, and the desk tended.
    moderated: bool = False
    die: str = ""
    at: int = 0
    wanted: int | None = None
    seconds: float = 0.0
    batch: int = 4


class Paintbrush:
    """Draws at once, or slowly, or not before `hold` is gone; may be watched while there is
    something called `sketch`."""

    name = "paintbrush"

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.largest_batch = plan.batch
        self._seconds = plan.seconds
        self._hold = folder / "hold"
        self._shown = folder / "sketch"
        self._orders: Sequence[Order] = ()

    def load(self) -> None:
        pass

    def fits(self, order: Order) -> Hashable:
        return None

    def draw(self, orders: Sequence[Order], on_step: OnStep) -> list[Drawing] | None:
        self._orders = orders
        for step in range(1, STEPS + 1):
            time.sleep(self._seconds / STEPS)
            while on_step(step, STEPS) and self._hold.exists():
                time.sleep(0.02)
            if not on_step(step, STEPS):
                return None
        return [Drawing(image=_painted(order), seed=order.seed) for order in orders]

    def sketch(self) -> dict[int, Image.Image]:
        orders = self._orders if self._shown.exists() else ()
        return {n: _painted(order).resize((8, 6)) for n, order in enumerate(orders)}

    def close(self) -> None:
        pass


def _painted(order: Order) -> Image.Image:
    """Of a colour that the seed decides, so that pictures differ."""
    color = (order.seed % 256, order.seed // 256 % 256, order.seed // 65536 % 256)
    return Image.new("RGB", (32, 24), color)


def a_check(subject: Subject) -> Verdict:
    """Rules as the wish itself says, on the stage that it says."""
    wish, at = subject.prompt.wish, Stage.PROMPT if subject.image is None else Stage.PICTURE
    for word, ruling in (("suspicious", Ruling.HOLD), ("severe", Ruling.HOLD)):
        if word in wish and at is Stage.PROMPT:
            return Verdict(
                ruling=ruling,
                check="test",
                rule=f"test.{word}",
                reason="it may be cruel",
                severe=word == "severe",
            )
    if "forbidden" in wish and at is Stage.PROMPT:
        return Verdict(ruling=Ruling.REFUSE, check="test", rule="test.no", reason="it is cruel")
    if "racy" in wish and at is Stage.PICTURE:
        return Verdict(ruling=Ruling.HOLD, check="test", rule="test.racy", reason="too much skin")
    return ALLOW


def settings_for(fake: FakeDiscord, folder: Path, **more: Any) -> Settings:
    fields: dict[str, Any] = {k.lower(): v for k, v in fake.settings().items()}
    return Settings(
        **fields,
        platforms=("discord",),
        database=folder / "muralist.db",
        pictures=folder / "pictures",
        **more,
    )


# A life


def live(settings: Settings, plan: Plan) -> None:
    folder = settings.database.parent
    _arrange_death(plan)
    jobs.CRASHES = 1_000  # it is killed here more often than a job may be the cause of
    discord.Client.before_identify_hook = _at_once  # type: ignore[method-assign]
    with (
        (folder / "bot.log").open("a") as log,
        Presence(folder / "presence").held() as presence,
    ):
        logs.set_up(settings.log, "json", log)
        asyncio.run(_live(settings, plan, presence))


async def _live(settings: Settings, plan: Plan, presence: Presence) -> None:
    pictures = PictureStore(settings.pictures)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings.database))
        await rescue_orphans(store, presence, time.time)
        await stack.enter_async_context(ticking(store, presence, time.time))
        looks = [Check(name="test", stages=frozenset(Stage), look=a_check)]
        review = Review(store, [*looks, *checks.load(["consent"])], time.time)
        worker = Worker(
            store,
            pictures,
            Paintbrush(plan, settings.database.parent),
            owner=presence.id,
            clock=time.time,
            review=review.picture if plan.moderated else lambda _image, _job: ALLOW,
            on_progress=store.bell.ring,
            glance=lambda _sketch, _job: ALLOW,
        )
        house = dataclasses.replace(
            a_house(store, pictures, time.time, settings, progress=worker.progress),
            sketch=worker.sketch,
        )
        opened = await stack.enter_async_context(load_platform("discord")(house))
        tell = functools.partial(_tell_insides, opened, settings.database.parent / "insides")
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, tell)
        if plan.moderated:
            await stack.enter_async_context(desk.tended(house, [opened], TIMES))
        allow = review if plan.moderated else lambda _stage, _subject: ALLOW
        intake = Intake(house, allow, policy.load(["overload", "daily"]))
        async with asyncio.TaskGroup() as group:
            group.create_task(
                wiring.work(stop, [opened], intake, worker, Outbox(house, presence), Pulse())
            )
            heard = 0
            while not stop.is_set():
                if plan.wanted is not None and await store.read(_posted) >= plan.wanted:
                    stop.set()
                heard = await store.bell.after(heard, 0.1)


def _tell_insides(platform: Any, file: Path) -> None:
    """What must not grow: what the library keeps of views and modals, and tasks."""
    store = platform.connection.client._connection._view_store
    kept = {
        "views": sum(len(each) for each in store._views.values()),
        "synced": len(store._synced_message_views),
        "modals": len(store._modals),
        "watched": platform.status.watched,
        "tasks": len(asyncio.all_tasks()),
        "objects": _objects(),
    }
    half = file.with_suffix(".half")
    half.write_text(json.dumps(kept), encoding="utf-8")
    half.replace(file)


def _objects() -> int:
    """Of Python's, that may hold others; what is garbage does not count."""
    gc.collect()
    return len(gc.get_objects())


async def _at_once(*_: object, **__: object) -> None:
    """discord.py's own waits five seconds before it identifies again."""


def _posted(c: Connection) -> int:
    (count,) = c.execute("SELECT count(*) FROM outbox WHERE state = 'posted'").fetchone()
    return int(count)


def _arrange_death(plan: Plan) -> None:
    """Killed before the n-th group commit, or after the n-th request got its answer or failed."""
    counted = itertools.count(1)
    if plan.die == "commit":
        commit = store_module._run_group

        def run(connection: Connection, group: list[store_module._Entry]) -> None:
            if next(counted) == plan.at:
                os.kill(os.getpid(), signal.SIGKILL)
            commit(connection, group)

        store_module._run_group = run
    elif plan.die == "request":
        ask = aiohttp.ClientSession._request

        async def request(self: aiohttp.ClientSession, *args: Any, **how: Any) -> Any:
            last = next(counted) == plan.at
            try:
                return await ask(self, *args, **how)
            finally:
                if last:
                    os.kill(os.getpid(), signal.SIGKILL)

        aiohttp.ClientSession._request = request  # type: ignore[method-assign]


# The nursery


class Nursery:
    """Forks lives from a process in which everything is imported and nothing runs."""

    def __enter__(self) -> Self:
        self._pipe, theirs = multiprocessing.Pipe()
        spawn = multiprocessing.get_context("forkserver")
        self._process = spawn.Process(target=_nurse, args=(theirs,))
        self._process.start()
        theirs.close()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._pipe.send(None)
        self._process.join(PATIENCE)
        self._process.close()
        self._pipe.close()

    def bear(self, settings: Settings, plan: Plan) -> int:
        """Start a life; its process id."""
        return int(self._ask(("bear", settings, plan)))

    def status(self, pid: int) -> int | None:
        """The exit status, negative where a signal ended it; None while it lives."""
        found = self._ask(("status", pid))
        return None if found is None else int(found)

    def _ask(self, request: tuple[Any, ...]) -> Any:
        self._pipe.send(request)
        assert self._pipe.poll(PATIENCE), "the nursery does not answer"
        return self._pipe.recv()


def _nurse(pipe: Pipe) -> None:
    load_platform("discord")
    fork = multiprocessing.get_context("fork")
    lives: dict[int, Any] = {}
    while (request := pipe.recv()) is not None:
        if request[0] == "bear":
            process = fork.Process(target=live, args=request[1:])
            process.start()
            lives[process.pid or 0] = process
            pipe.send(process.pid)
        else:
            pipe.send(lives[request[1]].exitcode)
    for process in lives.values():
        process.kill()
        process.join()


class Bot:
    """Starts with the scope, is killed at its end; may be killed and started again within."""

    def __init__(
        self, nursery: Nursery, fake: FakeDiscord, folder: Path, plan: Plan, **more: Any
    ) -> None:
        self._nursery = nursery
        self.discord = fake
        self.folder = folder
        self.settings = settings_for(fake, folder, **more)
        self._plan = plan
        self.pid = 0

    def __enter__(self) -> Self:
        self.start()
        self.discord.until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self, plan: Plan | None = None) -> None:
        self.pid = self._nursery.bear(self.settings, plan or self._plan)

    def kill(self) -> None:
        """SIGKILL: no clean-up of any kind."""
        self.signal(signal.SIGKILL)
        if self.pid:
            self.wait()

    def stop(self) -> int:
        """SIGTERM, and wait; the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def status(self) -> int | None:
        """Its exit status; None while it lives."""
        return self._nursery.status(self.pid)

    def wait(self, seconds: float = PATIENCE) -> int:
        """Until it has ended, and Discord knows; its exit status."""
        deadline = time.monotonic() + seconds
        while (status := self._nursery.status(self.pid)) is None:
            if time.monotonic() > deadline:
                self.signal(signal.SIGKILL)
                raise AssertionError(f"it lives on\n{self.discord.summary()}\n{self.log()[-4000:]}")
            time.sleep(0.02)
        self.pid = 0
        self.discord.until(lambda: self.discord.gateway.connected == 0)
        return status

    def signal(self, number: signal.Signals) -> None:
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Nothing is drawn to its end meanwhile."""
        with self._there("hold"):
            yield

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """What is being drawn can be watched meanwhile."""
        with self._there("sketch"):
            yield

    @contextlib.contextmanager
    def _there(self, name: str) -> Iterator[None]:
        mark = self.folder / name
        mark.touch()
        try:
            yield
        finally:
            mark.unlink()

    def log(self) -> str:
        return (self.folder / "bot.log").read_text(encoding="utf-8")

    def memory(self) -> int:
        """Resident bytes."""
        pages = Path(f"/proc/{self.pid}/statm").read_text(encoding="utf-8").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def insides(self) -> dict[str, int]:
        """What it keeps in memory, by name."""
        file = self.folder / "insides"
        file.unlink(missing_ok=True)
        self.signal(signal.SIGUSR1)
        deadline = time.monotonic() + PATIENCE
        while not file.exists():
            assert time.monotonic() < deadline, self.log()[-4000:]
            time.sleep(0.02)
        kept: dict[str, int] = json.loads(file.read_text(encoding="utf-8"))
        return kept

    def act(self, sql: str) -> None:
        """A change behind its back, such as time that has gone by."""
        self.does(lambda c: c.execute(sql))

    def does(self, act: Callable[[Connection], object]) -> None:
        """What another process does to its database, such as a moderator's."""
        with contextlib.closing(connect(self.settings.database)) as c:
            c.execute("BEGIN IMMEDIATE")
            act(c)
            c.execute("COMMIT")

    def unfinished(self) -> str:
        """What it has still to do, for a failing test."""
        found = self.rows(
            "SELECT mentions.source_id, jobs.state, jobs.reason, outbox.state, outbox.not_before"
            " FROM mentions LEFT JOIN jobs ON jobs.mention_id = mentions.id"
            " LEFT JOIN outbox ON outbox.mention_id = mentions.id"
            " WHERE outbox.state IS NOT 'posted'"
        )
        return "\n".join(str(tuple(row)) for row in found)

    def rows(self, sql: str) -> list[Any]:
        """A look into its database."""
        with contextlib.closing(connect(self.settings.database, read_only=True)) as c:
            return list(c.execute(sql).fetchall())
