"""The daily sweep: what people deleted on a platform is deleted here within a day."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import structlog

from bots.platform import House, Platform, PlatformError
from data import erasure
from data.store import Connection

#: Posts asked about in one request.
STRETCH = 100
DAY = 86_400.0
#: How often to look whether a sweep is due, in seconds; also the wait after one that failed.
HOUR = 3_600.0


@contextlib.asynccontextmanager
async def daily(house: House, platforms: Sequence[Platform]) -> AsyncIterator[None]:
    """Sweep the platforms that want it once a day, for the length of a scope."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_daily(house, platform), name=f"sweep {platform.name}")
            for platform in platforms
            if platform.manners.sweep_days
        ]
        yield
        for task in tasks:
            task.cancel()


async def sweep(house: House, platform: Platform) -> int:
    """Ask about everything young enough, forget what is gone; how many. Raises PlatformError."""
    since = house.clock() - platform.manners.sweep_days * DAY
    forgotten = last = 0
    while stretch := await house.store.read(
        lambda c: erasure.to_check(c, platform.name, since, last, STRETCH)  # noqa: B023
    ):
        gone = await platform.gone([post for _, post in stretch])
        for mention_id, post in stretch:
            if post in gone:
                await _forget(house, mention_id)
                forgotten += 1
        last = stretch[-1][0]
    return forgotten


async def _forget(house: House, mention_id: int) -> None:
    now = house.clock()
    digests = await house.store.write(lambda c: erasure.forget(c, mention_id, now))
    for digest in digests:
        await asyncio.to_thread(house.pictures.path(digest).unlink, missing_ok=True)


async def _daily(house: House, platform: Platform) -> None:
    log = structlog.get_logger().bind(platform=platform.name)
    while True:
        try:
            if await _is_due(house, platform):
                forgotten = await sweep(house, platform)
                await _swept(house, platform)
                log.info("swept", forgotten=forgotten)
        except PlatformError as error:
            log.warning("not swept", error=str(error))
        await asyncio.sleep(HOUR)


async def _is_due(house: House, platform: Platform) -> bool:
    last = await house.store.read(lambda c: erasure.last_sweep(c, platform.name))
    if last is None:
        await _swept(house, platform)  # there is nothing a day old yet
        return False
    return house.clock() - last >= DAY - HOUR


async def _swept(house: House, platform: Platform) -> None:
    now = house.clock()

    def act(c: Connection) -> None:
        erasure.swept(c, platform.name, now)

    await house.store.write(act)
