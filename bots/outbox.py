"""From the outbox to the platform: Reply → Receipt, each posted once.

The intent is committed before the request. Whatever is left in `posting` by a
process that died, or by a request without an answer, is looked for on the
platform before it is posted again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine

import structlog

from bots import wording
from bots.platform import House, Outcome, Platform, PlatformError
from data import jobs, ledger, outbox
from data.presence import Presence
from data.store import Connection
from data.words import Outgoing, Receipt, Reply, Say, StoreError

#: Replies on their way to one platform at the same time.
ABREAST = 8
#: Requests that may fail before a reply is parked.
ATTEMPTS = 8
#: Longest wait between two attempts, in seconds.
LONGEST_WAIT = 300.0
#: How often to look for replies another process has put into the outbox.
POLL = 1.0


class Outbox:
    def __init__(self, house: House, presence: Presence) -> None:
        self._house = house
        self._store = house.store
        self._presence = presence

    async def run(self, platform: Platform, last_call: asyncio.Event) -> None:
        """Post what comes, for ever; after `last_call`, return when nothing is due."""
        async with asyncio.TaskGroup() as group:
            under_way: set[asyncio.Task[None]] = set()

            def start(work: Coroutine[None, None, None]) -> None:
                task = group.create_task(work)
                under_way.add(task)
                task.add_done_callback(under_way.discard)

            for reply in await self._unclear(platform):
                start(self._settle(platform, reply, last_call))
            while True:
                heard = self._store.bell.rings
                due = await self._take(platform, ABREAST - len(under_way))
                for reply in due:
                    start(self._deliver(platform, reply, last_call))
                if due:
                    continue
                if under_way and (last_call.is_set() or len(under_way) >= ABREAST):
                    await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                elif last_call.is_set():
                    return
                else:
                    await self._store.bell.after(heard, POLL)

    async def _unclear(self, platform: Platform) -> list[Outgoing]:
        """What a dead process was posting: to be looked for before it is posted again."""
        alive: Callable[[str], bool] = self._presence.alive
        return await self._store.read(lambda c: outbox.unclear(c, platform.name, alive))

    async def _take(self, platform: Platform, room: int) -> list[Outgoing]:
        now = self._house.clock()
        due = await self._store.read(lambda c: outbox.next_due(c, platform.name))
        if room <= 0 or due is None or due > now:
            return []
        render = self._render(platform)
        return await self._store.write(
            lambda c: outbox.take(c, platform.name, self._presence.id, render, room, now)
        )

    def _picture_facts(self, c: Connection, reply: Outgoing, now: float) -> dict[str, object]:
        """What the sentence beside a picture tells: the wish, the seeds, what is left today."""
        job = jobs.by_id(c, reply.job_id) if reply.job_id is not None else None
        if job is None:
            return {}
        quota = self._house.quotas[job.tier]
        return {
            "wish": job.prompt.wish,
            "style": job.prompt.style,
            "seeds": [picture.seed for picture in jobs.pictures(c, job.id)],
            "count": job.prompt.count,
            "ignored": list(job.prompt.ignored),
            "photo": job.photo is not None,
            "known": job.photo is not None or self._house.knows(job.prompt.wish),
            "things": len(self._house.vocabulary),
            "quota": quota,
            "left": max(0, quota - ledger.usage(c, job.account, now).spoken_for),
        }

    def _render(self, platform: Platform) -> Callable[[Connection, Outgoing], str]:
        def render(c: Connection, reply: Outgoing) -> str:
            now = self._house.clock()
            facts = {**reply.facts, **self._picture_facts(c, reply, now)}
            return wording.reply_text(reply.say, facts, now=now, limit=platform.text_limit)

        return render

    async def _deliver(self, platform: Platform, reply: Outgoing, last_call: asyncio.Event) -> None:
        try:
            await self._post(platform, reply)
        except PlatformError as error:
            await self._after_failure(platform, reply, error, last_call)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  one reply must not stop the others
            structlog.get_logger().exception("reply failed", reply=reply.id)
            await self._park(reply, f"{type(error).__name__}: {error}")

    async def _post(self, platform: Platform, reply: Outgoing) -> None:
        withdraw = reply.facts.get("withdraw")
        if withdraw is not None:
            await platform.withdraw(Receipt(post_id=withdraw))
        receipt = await platform.reply(await self._composed(platform, reply))
        await self._posted(reply, receipt)

    async def _posted(self, reply: Outgoing, receipt: Receipt) -> None:
        now = self._house.clock()

        def write(c: Connection) -> None:
            outbox.posted(c, reply, receipt.post_id, now)
            if reply.say is Say.WITHDRAWN:
                outbox.withdrawn(c, reply.platform, reply.facts["withdraw"], now)

        await self._store.write(write)

    async def _after_failure(
        self, platform: Platform, reply: Outgoing, error: PlatformError, last_call: asyncio.Event
    ) -> None:
        log = structlog.get_logger().bind(reply=reply.id, attempt=reply.attempts)
        log.warning("reply not posted", outcome=error.outcome, error=str(error))
        if error.outcome is Outcome.UNKNOWN:
            await self._settle(platform, reply, last_call)
        elif error.outcome is Outcome.NEVER or reply.attempts >= ATTEMPTS:
            await self._park(reply, str(error))
        else:
            wait = error.retry_after or min(LONGEST_WAIT, 2.0**reply.attempts)
            await self._postpone(reply, wait, str(error))

    async def _settle(self, platform: Platform, reply: Outgoing, last_call: asyncio.Event) -> None:
        """Find out what became of an unclear reply; only then may it be posted again.

        Asks until there is an answer. After `last_call` it asks once, and what is
        unclear then is left to the next process, which understands it.
        """
        wait = 1.0
        while True:
            try:
                receipt = await platform.find(await self._composed(platform, reply))
                break
            except PlatformError as error:
                if last_call.is_set():
                    return
                wait = min(LONGEST_WAIT, wait * 2)
                await _either(last_call, error.retry_after or wait)
        if receipt is not None:
            await self._posted(reply, receipt)
        elif reply.attempts >= ATTEMPTS:
            await self._park(reply, "posted in vain, and not found")
        else:
            await self._postpone(reply, 0.0, "not found, posting again")

    async def _composed(self, platform: Platform, reply: Outgoing) -> Reply:
        """The same reply on every attempt: text from the row, pictures from the store."""

        def look(c: Connection) -> Reply:
            job = jobs.by_id(c, reply.job_id) if reply.job_id is not None else None
            shown = jobs.pictures(c, job.id) if job and reply.say is Say.PICTURE else []
            alt = wording.alt_text(job.prompt, limit=platform.alt_limit) if job else ""
            return Reply(
                key=f"muralist:{reply.mention_id}",
                source_id=reply.source_id,
                account=reply.account,
                text=reply.text or "",
                pictures=tuple((picture, alt) for picture in shown),
                job_id=reply.job_id,
            )

        return await self._store.read(look)

    async def _postpone(self, reply: Outgoing, wait: float, error: str) -> None:
        now = self._house.clock()
        await self._store.write(lambda c: outbox.postpone(c, reply, now + wait, error, now))

    async def _park(self, reply: Outgoing, error: str) -> None:
        now = self._house.clock()
        await self._store.write(lambda c: outbox.park(c, reply, error, now))


async def _either(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, but no longer than so many seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
