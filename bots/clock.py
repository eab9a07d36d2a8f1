"""What happens by the clock: housekeeping the line does not wait for. APScheduler's only home.

Never quotas: a day's usage is computed when it is asked for.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from data import jobs, outbox
from data.presence import Presence
from data.store import Store

#: How long another process's jobs may lie orphaned, in seconds.
RESCUE_EVERY = 15
CHECKPOINT_EVERY = 300


@contextlib.asynccontextmanager
async def ticking(
    store: Store,
    presence: Presence,
    clock: Callable[[], float],
    chores: Sequence[tuple[float, Callable[[], Awaitable[None]]]] = (),
) -> AsyncIterator[None]:
    """Run the housekeeping for the length of a scope; `chores` are more of it, in seconds."""
    apscheduler = AsyncIOScheduler(
        timezone=UTC,
        # Late is better than never, and once is enough.
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )
    apscheduler.add_listener(_tell, EVENT_JOB_ERROR | EVENT_JOB_MISSED)

    async def rescue() -> None:
        await rescue_orphans(store, presence, clock)

    _every(apscheduler, RESCUE_EVERY, rescue)
    _every(apscheduler, CHECKPOINT_EVERY, store.checkpoint)
    for seconds, chore in chores:
        _every(apscheduler, seconds, chore)
    apscheduler.start()
    try:
        yield
    finally:
        apscheduler.shutdown(wait=False)


async def expire(store: Store, clock: Callable[[], float], after: float) -> None:
    """Drop what has waited longer than `after` seconds."""
    now = clock()
    while await store.read(lambda c: jobs.any_before(c, now - after)):
        expired = await store.write(lambda c: jobs.expire(c, now - after, now))
        structlog.get_logger().warning("waited too long", jobs=expired)


async def rescue_orphans(store: Store, presence: Presence, clock: Callable[[], float]) -> None:
    """Put what dead processes had claimed back into the line, and take over their replies."""
    rescued = await store.write(lambda c: jobs.rescue(c, presence.alive, clock()))
    replies = await store.write(lambda c: outbox.rescue(c, presence.alive, clock()))
    if rescued or replies:
        structlog.get_logger().info("rescued from a dead process", jobs=rescued, replies=replies)


def _every(
    apscheduler: AsyncIOScheduler, seconds: float, act: Callable[[], Awaitable[None]]
) -> None:
    apscheduler.add_job(act, "interval", seconds=seconds)


def _tell(event: object) -> None:
    structlog.get_logger().error(
        "housekeeping failed", job=getattr(event, "job_id", None), exc_info=_exception_of(event)
    )


def _exception_of(event: object) -> BaseException | None:
    exception: BaseException | None = getattr(event, "exception", None)
    return exception
