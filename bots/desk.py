"""What the moderators' desk needs done by itself: reminders, holds that run out, taking down."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import structlog

from bots.platform import House, Platform, PlatformError
from data import desk, removals
from data.removals import Removal
from data.words import Desk, Receipt

#: How often to look for holds that wait too long, in seconds.
ROUND = 30.0
#: How often to look for removals another process has asked for.
POLL = 1.0
#: A removal whose process died is tried again after so many seconds.
AGAIN = 60.0
LONGEST_WAIT = 3_600.0
#: Removals taken at once.
HANDFUL = 8

#: What the asker of a wish reads that nobody looked at.
EXPIRED = "nobody could look at it in time"


@contextlib.asynccontextmanager
async def tended(house: House, platforms: Sequence[Platform], times: Desk) -> AsyncIterator[None]:
    """Tend the desk for the length of a scope."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_rounds(house, times), name="desk")]
        tasks += [
            group.create_task(_take_down(house, platform), name=f"removals {platform.name}")
            for platform in platforms
        ]
        yield
        for task in tasks:
            task.cancel()


async def look_round(house: House, times: Desk) -> int:
    """Refuse and refund what waited too long, remind of what waits long; how many expired."""
    now = house.clock()
    late, since = await house.store.read(lambda c: desk.overdue(c, times.remind_after, now))
    if not late:
        return 0
    expired = await house.store.write(lambda c: desk.expire(c, times.expire_after, EXPIRED, now))
    structlog.get_logger().warning(
        "wishes wait for a moderator",
        waiting=late - expired,
        longest_minutes=round((now - (since or now)) / 60),
        expired=expired,
        remedy="python -m moderation list",
    )
    return expired


async def take_down(house: House, platform: Platform) -> int:
    """Take off the platform what is due; how many are gone."""
    now = house.clock()
    if not await house.store.read(lambda c: removals.due(c, platform.name, now)):
        return 0
    taken = await house.store.write(
        lambda c: removals.take(c, platform.name, HANDFUL, now, now + AGAIN)
    )
    return sum([await _take_one_down(house, platform, removal) for removal in taken])


async def _take_one_down(house: House, platform: Platform, removal: Removal) -> bool:
    """Repeating is harmless, so whatever went wrong is simply tried again."""
    try:
        await platform.withdraw(Receipt(post_id=removal.post_id))
    except PlatformError as error:
        wait = error.retry_after or min(LONGEST_WAIT, 2.0 ** min(removal.attempts, 16))
        structlog.get_logger().warning("not taken down", post=removal.post_id, error=str(error))
        again_at = house.clock() + wait
        reason = str(error)
        await house.store.write(lambda c: removals.failed(c, removal, reason, again_at))
        return False
    now = house.clock()
    await house.store.write(lambda c: removals.done(c, platform.name, removal, now))
    return True


async def _rounds(house: House, times: Desk) -> None:
    while True:
        await look_round(house, times)
        await asyncio.sleep(ROUND)


async def _take_down(house: House, platform: Platform) -> None:
    while True:
        heard = house.store.bell.rings
        if not await take_down(house, platform):
            await house.store.bell.after(heard, POLL)
