"""Lives of the whole bot but for its model, which is a paintbrush.

A life is a scope in this process, or a process of its own that ends when its work is
done or when it is killed, around a commit of our choice.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import multiprocessing
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from PIL import Image

from bots import __main__ as wiring
from bots.intake import Intake
from bots.outbox import Outbox
from bots.platform import House, Platform
from bots.pulse import Pulse
from bots.settings import Settings
from data import store as store_module
from data.pictures import PictureStore
from data.presence import Presence
from data.store import Connection, Store
from data.words import Ruling, Verdict
from generator.engine import Drawing, Order
from generator.worker import Worker
from ratelimit import policy
from tests.conftest import a_house

FORK = multiprocessing.get_context("forkserver")
ALLOW = Verdict(ruling=Ruling.ALLOW)
#: Lives that are lived side by side: they mostly wait.
ABREAST = 6
#: A life that lasts longer than this, in seconds, is killed and convicted.
LIFETIME = 60.0

Open = Callable[[House], AbstractAsyncContextManager[Any]]


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


@contextlib.asynccontextmanager
async def working(
    store: Store, presence: Presence, settings: Settings, open_platform: Open
) -> AsyncIterator[Platform]:
    """Listen, paint and post for the length of a scope, then wind down in good order."""
    pictures = PictureStore(settings.pictures)
    worker = Worker(
        store,
        pictures,
        Paintbrush(),
        owner=presence.id,
        clock=time.time,
        review=lambda _image, _job: ALLOW,
    )
    house = a_house(store, pictures, time.time, settings, progress=worker.progress)
    intake = Intake(house, lambda _stage, _subject: ALLOW, policy.load(["daily"]))
    stop = asyncio.Event()
    async with open_platform(house) as platform, asyncio.TaskGroup() as group:
        outbox = Outbox(house, presence)
        group.create_task(wiring.work(stop, [platform], intake, worker, outbox, Pulse()))
        yield platform
        stop.set()


async def until(store: Store, done: Callable[[Connection], bool]) -> None:
    """Look again whenever something was committed, and each second."""
    heard = 0
    while not await store.read(done):
        heard = await store.bell.after(heard, 1)


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


def lives(live: Callable[..., None], each: Sequence[Sequence[Any]]) -> list[int | None]:
    """Live with each of these arguments in a process of its own; how they ended."""
    processes = [FORK.Process(target=live, args=tuple(arguments)) for arguments in each]
    for process in processes:
        process.start()
    deadline = time.monotonic() + LIFETIME
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
        if process.exitcode is None:
            process.kill()
            process.join()
    return [process.exitcode for process in processes]


def stretches(most: int) -> Iterator[range]:
    """The numbers from one on, as many at a time as live side by side."""
    for first in range(1, most, ABREAST):
        yield range(first, min(first + ABREAST, most))
