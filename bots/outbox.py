"""From the outbox to the platform: Reply → Receipt, each posted once.

The intent is committed before the request. Whatever is left in `posting` by a
process that died, or by a request without an answer, is looked for on the platform
before it is posted again, and not before the platform's time to settle is over:
what was accepted may take a while to show.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

import structlog

from bots import wording
from bots.platform import House, Outcome, Platform, PlatformError, Words
from data import budget, jobs, journal, ledger, outbox
from data.presence import Presence
from data.store import Connection
from data.words import Media, Outgoing, Receipt, Reply, ReplyState, Say, StoreError

#: Requests that may fail before a reply is parked.
ATTEMPTS = 8
#: Longest wait between two attempts, in seconds.
LONGEST_WAIT = 300.0
#: After so many seconds a look that brought no word, because its process died, is made again.
LOOK = 30.0
#: How often to look for replies another process has put into the outbox.
POLL = 1.0
#: After so many seconds without a look that worked, a person must look.
UNCONFIRMED = 24 * 3600.0
DAY = 86_400.0

T = TypeVar("T")


class Outbox:
    def __init__(self, house: House, presence: Presence) -> None:
        self._house = house
        self._store = house.store
        self._presence = presence

    async def run(self, platform: Platform, last_call: asyncio.Event) -> None:
        """Post what comes, for ever; after `last_call`, return when nothing is due."""
        abreast = platform.manners.abreast
        async with asyncio.TaskGroup() as group:
            under_way: set[asyncio.Task[None]] = set()

            def start(work: Coroutine[None, None, None]) -> None:
                task = group.create_task(work)
                under_way.add(task)
                task.add_done_callback(under_way.discard)

            await self._store.write(
                lambda c: outbox.rescue(c, self._presence.alive, self._house.clock())
            )
            while True:
                heard = self._store.bell.rings
                idle = not under_way  # asked first: what ends meanwhile may leave more to do
                room = abreast - len(under_way)
                looks = await self._take_looks(platform, room)
                due = await self._take(platform, room - len(looks))
                for reply in looks:
                    start(self._look(platform, reply))
                for reply in due:
                    start(self._deliver(platform, reply))
                if due or looks:
                    continue
                if under_way and (last_call.is_set() or len(under_way) >= abreast):
                    await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                elif not last_call.is_set():
                    await self._store.bell.after(heard, POLL)
                elif idle:
                    return

    async def _is_due(self, platform: Platform, state: ReplyState) -> bool:
        """Looking costs no write, which would ring the bell this waits for."""
        due = await self._store.read(lambda c: outbox.next_due(c, platform.name, state))
        return due is not None and due <= self._house.clock()

    async def _take_looks(self, platform: Platform, room: int) -> list[Outgoing]:
        """Unclear replies that are due to be looked for."""
        if room <= 0 or not await self._is_due(platform, ReplyState.UNCLEAR):
            return []
        now = self._house.clock()
        return await self._store.write(
            lambda c: outbox.take_looks(c, platform.name, room, now, now + LOOK)
        )

    async def _take(self, platform: Platform, room: int) -> list[Outgoing]:
        if room <= 0 or not await self._is_due(platform, ReplyState.PENDING):
            return []
        if await self._store.read(lambda c: budget.tripped(c, platform.name)) is not None:
            return []
        now = self._house.clock()
        render, speak = self._render(platform), self._speak(platform)
        into = ReplyState.PREPARING if platform.manners.prepares else ReplyState.POSTING
        return await self._store.write(
            lambda c: outbox.take(
                c, platform.name, self._presence.id, render, room, now, into=into, speak=speak
            )
        )

    def _speak(self, platform: Platform) -> Callable[[Connection, Outgoing], bool]:
        """Whether a reply is said at all: pictures always, words as the platform likes."""
        words, now = platform.manners.words, self._house.clock()

        def speak(c: Connection, reply: Outgoing) -> bool:
            if reply.say is Say.PICTURE or words is Words.ALL:
                return True
            midnight = ledger.next_day(now) - DAY
            return words is Words.DAILY and not outbox.said_to(c, reply.account, midnight)

        return speak

    def _picture_facts(self, c: Connection, reply: Outgoing, now: float) -> dict[str, object]:
        """What the sentence beside a picture tells: the wish, the seeds, what is left today."""
        job = jobs.by_id(c, reply.job_id) if reply.job_id is not None else None
        if job is None:
            return {}
        quota = self._house.quota(c, job.account, now)
        return {
            "wish": job.prompt.wish,
            "style": job.prompt.style,
            "seeds": [picture.seed for picture in jobs.pictures(c, job.id)],
            "count": job.prompt.count,
            "ignored": list(job.prompt.ignored),
            "photo": job.photo is not None,
            "known": job.photo is not None or self._house.knows(job.prompt.wish),
            "things": len(self._house.vocabulary),
            "styles": list(self._house.styles),
            "known_style": self._house.draws_in(job.prompt.style),
            "quota": quota.daily,
            "left": quota.left,
            "units": job.prompt.units,
            "eased": job.effort.cost < 1,
        }

    def _render(self, platform: Platform) -> Callable[[Connection, Outgoing], str]:
        def render(c: Connection, reply: Outgoing) -> str:
            now = self._house.clock()
            facts = {**reply.facts, **self._picture_facts(c, reply, now)}
            facts["live_times"] = platform.manners.live_times
            number = reply.mention_id if platform.manners.numbered else None
            return wording.reply_text(
                reply.say,
                facts,
                now=now,
                limit=platform.text_limit,
                number=number,
                language=reply.language,
            )

        return render

    async def _deliver(self, platform: Platform, reply: Outgoing) -> None:
        try:
            await self._post(platform, reply)
        except PlatformError as error:
            await self._after_failure(platform, reply, error)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  one reply must not stop the others
            structlog.get_logger().exception("reply failed", reply=reply.id)
            await self._park(reply, f"{type(error).__name__}: {error}")

    async def _post(self, platform: Platform, reply: Outgoing) -> None:
        withdraw = reply.facts.get("withdraw")
        if withdraw is not None:
            await _repeatable(platform.withdraw(Receipt(post_id=withdraw)))
            if platform.manners.words is not Words.ALL:
                await self._withdrawn_in_silence(reply, withdraw)
                return
        intended: Outgoing | None = reply
        if platform.manners.prepares:
            media = await _repeatable(platform.prepare(await self._composed(platform, reply)))
            now = self._house.clock()
            intended = await self._store.write(lambda c: outbox.intend(c, reply, media, now))
        if intended is not None:
            receipt = await platform.reply(await self._composed(platform, intended))
            await self._posted(intended, receipt)

    async def _withdrawn_in_silence(self, reply: Outgoing, post_id: str) -> None:
        now = self._house.clock()

        def write(c: Connection) -> None:
            outbox.withdrawn(c, reply.platform, post_id, now)
            outbox.unsaid(c, reply, now)

        await self._store.write(write)

    async def _posted(self, reply: Outgoing, receipt: Receipt | None) -> None:
        now = self._house.clock()

        def write(c: Connection) -> None:
            outbox.posted(c, reply, receipt.post_id if receipt else None, now)
            if reply.say is Say.WITHDRAWN:
                outbox.withdrawn(c, reply.platform, reply.facts["withdraw"], now)

        await self._store.write(write)

    async def _after_failure(
        self, platform: Platform, reply: Outgoing, error: PlatformError
    ) -> None:
        log = structlog.get_logger().bind(reply=reply.id, attempt=reply.attempts)
        log.warning("reply not posted", outcome=error.outcome, error=str(error))
        now, outcome = self._house.clock(), error.outcome
        if error.media_lost:
            await self._store.write(lambda c: outbox.forget_media(c, reply))
        if outcome in (Outcome.UNKNOWN, Outcome.STANDS):
            look_at, stands = now + _first_look(platform), outcome is Outcome.STANDS
            await self._store.write(
                lambda c: outbox.doubt(c, reply, look_at, str(error), now, stands=stands)
            )
        elif outcome is Outcome.HALT:
            await self._halt(platform, reply, error)
        elif outcome is Outcome.NOT_YET:
            until = now + (error.retry_after or POLL)
            await self._store.write(lambda c: outbox.put_back(c, reply, until, str(error)))
        elif outcome is Outcome.NEVER or reply.attempts >= ATTEMPTS:
            await self._park(reply, str(error))
        else:
            wait = error.retry_after or min(LONGEST_WAIT, 2.0**reply.attempts)
            await self._postpone(reply, wait, str(error))

    async def _halt(self, platform: Platform, reply: Outgoing, error: PlatformError) -> None:
        """The account needs a person: keep everything, write nothing more."""
        now = self._house.clock()

        def write(c: Connection) -> bool:
            outbox.put_back(c, reply, now, str(error))
            return budget.trip(c, platform.name, str(error), now)

        if await self._store.write(write):
            structlog.get_logger().critical(
                "nothing more is posted until a person has looked",
                platform=platform.name,
                reason=str(error),
                remedy=f"python -m bots resume {platform.name}",
            )

    async def _look(self, platform: Platform, reply: Outgoing) -> None:
        """Find out what became of an unclear reply; only then may it be posted again.

        Only a look that begins after the time to settle can prove that nothing is there.
        """
        began = self._house.clock()
        try:
            receipt = await platform.find(await self._composed(platform, reply))
        except PlatformError as error:
            await self._look_failed(reply, error)
            return
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  one reply must not stop the others
            structlog.get_logger().exception("look failed", reply=reply.id)
            await self._park(reply, f"{type(error).__name__}: {error}")
            return
        settled_at = (reply.posting_at or began) + platform.manners.settle
        if receipt is not None or (reply.stands and began >= settled_at):
            await self._posted(reply, receipt)
        elif began < settled_at:
            look_at = min(settled_at, began + _first_look(platform) * 2.0**reply.looks)
            await self._store.write(lambda c: outbox.look_again(c, reply, look_at))
        elif reply.attempts >= ATTEMPTS:
            await self._park(reply, "posted in vain, and not found")
        else:
            now = self._house.clock()
            await self._store.write(lambda c: outbox.not_found(c, reply, now))

    async def _look_failed(self, reply: Outgoing, error: PlatformError) -> None:
        now = self._house.clock()
        if now - (reply.posting_at or now) > UNCONFIRMED:
            await self._park(reply, f"unconfirmed: {error}")
            return
        wait = error.retry_after or min(LOOK, 2.0 ** min(reply.looks, 16))
        await self._store.write(lambda c: outbox.look_again(c, reply, now + wait))

    async def _composed(self, platform: Platform, reply: Outgoing) -> Reply:
        """The same reply on every attempt: text from the row, pictures from the store."""

        def look(c: Connection) -> Reply:
            job = jobs.by_id(c, reply.job_id) if reply.job_id is not None else None
            shown = jobs.pictures(c, job.id) if job and reply.say is Say.PICTURE else []
            alt = (
                wording.alt_text(job.prompt, limit=platform.alt_limit, language=reply.language)
                if job
                else ""
            )
            return Reply(
                key=f"muralist:{reply.mention_id}",
                source_id=reply.source_id,
                account=reply.account,
                text=reply.text or "",
                pictures=tuple((picture, alt) for picture in shown),
                job_id=reply.job_id,
                answer_to=reply.answer_to,
                thread=reply.thread,
                asked_at=reply.asked_at,
                posting_at=reply.posting_at,
                attempt=reply.attempts,
                media=Media(ids=reply.media, until=reply.media_until) if reply.media else None,
                say=reply.say,
                discreet=bool(shown) and journal.softened(c, reply.mention_id),
                language=reply.language,
                address=reply.address,
            )

        return await self._store.read(look)

    async def _postpone(self, reply: Outgoing, wait: float, error: str) -> None:
        now = self._house.clock()
        await self._store.write(lambda c: outbox.postpone(c, reply, now + wait, error, now))

    async def _park(self, reply: Outgoing, error: str) -> None:
        now = self._house.clock()
        await self._store.write(lambda c: outbox.park(c, reply, error, now))


def _first_look(platform: Platform) -> float:
    """How long after a request without an answer it is first looked for, in seconds."""
    return platform.manners.settle / 8


async def _repeatable(act: Coroutine[None, None, T]) -> T:
    """What may be done twice without harm is simply not done where its outcome is unknown."""
    try:
        return await act
    except PlatformError as error:
        if error.outcome is not Outcome.UNKNOWN:
            raise
        raise PlatformError(
            str(error), outcome=Outcome.NOT_APPLIED, retry_after=error.retry_after
        ) from error
