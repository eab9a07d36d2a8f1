"""Killed before or after every single commit of a wish's way: one reply, one charge, every time.

The child process is the whole bot but for the model, which is a paintbrush: the
sandbox platform, intake, worker and outbox on a real file. The n-th commit (or
the moment before it) is its last; a second process then takes over.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

import pytest
from PIL import Image

from bots import __main__ as wiring
from bots.clock import rescue_orphans
from bots.intake import Intake
from bots.outbox import Outbox
from bots.platforms import sandbox
from bots.pulse import Pulse
from bots.settings import Settings
from data import ledger, timeline
from data import store as store_module
from data.pictures import PictureStore
from data.presence import Presence
from data.store import Connection, Store, connect, open_store
from data.words import Account, Ruling, Verdict
from generator.engine import Drawing, Order
from generator.worker import Worker
from ratelimit import policy
from tests.conftest import a_house

FORK = multiprocessing.get_context("forkserver")
#: More commits than one wish takes; reaching it would mean the story never ends.
MANY = 60
POST = 1


class Paintbrush:
    name = "paintbrush"
    largest_batch = 4

    def load(self) -> None:
        pass

    def fits(self, order: Order) -> Hashable:
        return None

    def draw(self, orders: Sequence[Order], on_step: Callable[[int, int], bool]) -> list[Drawing]:
        return [Drawing(image=Image.new("RGB", (8, 8), "red"), seed=order.seed) for order in orders]

    def close(self) -> None:
        pass


def die_at(commit: int, *, before: bool) -> None:
    """Have this process killed around its n-th group commit."""
    real = store_module._run_group
    counted = itertools.count(1)

    def run(connection: Connection, group: list[store_module._Entry]) -> None:
        last = next(counted) == commit
        if last and before:
            os.kill(os.getpid(), signal.SIGKILL)
        real(connection, group)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)

    store_module._run_group = run


def live(folder: Path, commit: int | None, before: bool) -> None:
    """A process's life: until every wish has its receipt, or the commit that kills it."""
    if commit is not None:
        die_at(commit, before=before)
    with Presence(folder / "presence").held() as presence:
        asyncio.run(_live(folder, presence))


async def _live(folder: Path, presence: Presence) -> None:
    settings = Settings(database=folder / "muralist.db", pictures=folder / "pictures")
    pictures = PictureStore(settings.pictures)
    allow = Verdict(ruling=Ruling.ALLOW)
    async with contextlib.AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings.database))
        await rescue_orphans(store, presence, time.time)
        worker = Worker(
            store,
            pictures,
            Paintbrush(),
            owner=presence.id,
            clock=time.time,
            review=lambda _image, _job: allow,
        )
        house = a_house(store, pictures, time.time, settings, progress=worker.progress)
        platform = await stack.enter_async_context(sandbox.open(house))
        intake = Intake(house, lambda _stage, _subject: allow, policy.load(["daily"]))
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(
                wiring.work(stop, [platform], intake, worker, Outbox(house, presence), Pulse())
            )
            await _until_settled(store)
            stop.set()


async def _until_settled(store: Store) -> None:
    heard = 0
    while not await store.read(_settled):
        heard = await store.bell.after(heard, 1)


def _settled(c: Connection) -> bool:
    (count,) = c.execute("SELECT count(*) FROM charges WHERE state = 'settled'").fetchone()
    return bool(count)


def ask(folder: Path) -> None:
    """Somebody posts a wish; the network keeps it, whatever becomes of the bot."""
    store_module._migrate(folder / "muralist.db")
    with contextlib.closing(connect(folder / "muralist.db")) as c:
        timeline.add(c, "ada", "@muralist a red fox", time.time())


def life(folder: Path, commit: int | None = None, *, before: bool = False) -> int | None:
    process = FORK.Process(target=live, args=(folder, commit, before))
    process.start()
    process.join(60)
    return process.exitcode


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_killed_at_every_commit_there_is_one_reply_and_one_charge(
    tmp_path: Path, before: bool
) -> None:
    FORK.set_forkserver_preload(["tests.test_crash"])
    killed = 0
    for commit in range(1, MANY):
        folder = tmp_path / str(commit)
        folder.mkdir()
        ask(folder)
        ended = life(folder, commit, before=before)
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
        killed += 1
        assert life(folder) == 0
        check(folder)
    assert 8 <= killed < MANY - 1


def check(folder: Path) -> None:
    with contextlib.closing(connect(folder / "muralist.db", read_only=True)) as c:
        (reply,) = timeline.replies(c, POST)
        assert len(reply.pictures) == 1
        ada = Account(platform="sandbox", user_id="ada", handle="ada")
        usage = ledger.usage(c, ada, time.time())
        assert (usage.reserved, usage.settled) == (0, 1)
        assert c.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
