"""Mentions by polling: five times cheaper than being told, and it catches up by itself.

X shows some mentions late or out of order, so every poll asks again for the ten
minutes below the newest id seen; the inbox knows what it has. The cursor moves
only with the last page, in the transaction that takes the mentions in. It is two
ids: the newest seen, and the floor below which nothing was ever asked for us.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import structlog

from bots.platform import Delivery, House, Outcome, PlatformError
from bots.platforms._x import reading
from bots.platforms._x.reading import Bot, Post, Skip
from bots.platforms._x.streaming import Stream
from bots.platforms._x.transport import Transport
from data import mentions
from data.store import Connection
from data.words import Mention

#: How far below the newest id is asked again, in seconds.
OVERLAP: Final = 600.0
PAGE: Final = 100
#: X keeps the newest 800 mentions.
PAGES: Final = 8
#: A poll that found something is followed soon; quiet hours make polls rarer, by this factor.
SOON, RARER, RAREST = 0.5, 1.05, 6.0
#: Polls without anything new before they become rarer.
PATIENCE: Final = 60
LONGEST_WAIT: Final = 900.0
_HOUR, _DAY = 3_600.0, 86_400.0


@dataclass(frozen=True, slots=True)
class Cursor:
    newest: int
    floor: int

    @classmethod
    def read(cls, text: str | None, now: float) -> Self:
        """Without one we begin now: nobody wants an answer to a question of last month."""
        if text is None:
            here = reading.snowflake(now)
            return cls(here, here)
        newest, _, floor = text.partition("/")
        return cls(int(newest), int(floor or newest))

    def __str__(self) -> str:
        return f"{self.newest}/{self.floor}"

    @property
    def since(self) -> int:
        overlap = int(OVERLAP * 1000) << 22
        return max(1, self.floor, self.newest - overlap)

    def after(self, posts: Sequence[Post]) -> Cursor:
        return Cursor(max([self.newest, *(int(post["id"]) for post in posts)]), self.floor)


class Listener:
    def __init__(
        self, house: House, transport: Transport, bot: Bot, stream: Stream | None = None
    ) -> None:
        self._store = house.store
        self._clock = house.clock
        self._transport = transport
        self._bot = bot
        self._stream = stream
        settings = house.settings
        self._interval = settings.x_poll_seconds
        self._max_age = settings.x_max_age_hours * _HOUR
        self._thread_cap = settings.x_thread_cap
        self._author_cap = settings.x_author_cap
        self._log = structlog.get_logger().bind(platform=bot.platform)

    async def mentions(self, cursor: str | None) -> AsyncGenerator[Delivery, None]:
        """What is new after `cursor`, for ever."""
        at = Cursor.read(cursor, self._clock())
        if cursor is None:
            yield Delivery(mentions=(), cursor=str(at))
        idle = failures = 0
        while True:
            try:
                posts, whole = await self._poll(at)
            except PlatformError as error:
                failures += 1
                level = "critical" if error.outcome is Outcome.HALT else "warning"
                getattr(self._log, level)("mentions not read", error=str(error))
                backoff = min(LONGEST_WAIT, self._interval * 2.0 ** min(failures, 10))
                async for told in self._meanwhile(error.retry_after or backoff):
                    yield Delivery(mentions=told, cursor=str(at))
                continue
            failures = 0
            after = at.after(posts) if whole else at
            new = await self._new(posts)
            if new or after != at:
                yield Delivery(mentions=new, cursor=str(after))
            at, idle = after, 0 if new else idle + 1
            async for told in self._meanwhile(self._wait(idle)):
                yield Delivery(mentions=told, cursor=str(at))

    async def _meanwhile(self, seconds: float) -> AsyncGenerator[list[Mention], None]:
        """What the stream tells until the next poll; the cursor is the polls' alone."""
        if self._stream is None:
            await asyncio.sleep(seconds)
            return
        ends = time.monotonic() + seconds
        while (posts := await self._stream.told(ends - time.monotonic())) is not None:
            if new := await self._new(posts):
                yield new

    def _wait(self, idle: int) -> float:
        if self._stream is not None and self._stream.stands:
            return self._interval * RAREST
        if idle == 0:
            return self._interval * SOON
        return self._interval * min(RAREST, RARER ** max(0, idle - PATIENCE))

    async def _poll(self, at: Cursor) -> tuple[list[Post], bool]:
        """Every page since the cursor, oldest first; and whether the last page was among them.

        Pages already read are not lost to a later one that fails. Raises PlatformError
        where there is not even the first.
        """
        found: list[Post] = []
        token: str | None = None
        for number in range(PAGES):
            try:
                page = await self._page(at, token)
            except PlatformError as error:
                if number == 0:
                    raise
                self._log.warning("mentions read in part", error=str(error), pages=number)
                return found[::-1], False
            found += reading.posts(page)
            token = reading.next_page(page)
            if token is None:
                break
        return found[::-1], True

    async def _page(self, at: Cursor, token: str | None) -> dict[str, Any]:
        page: dict[str, Any] = await self._transport.get_users_mentions(
            self._bot.id,
            since_id=str(at.since),
            max_results=PAGE,
            tweet_fields=list(reading.FIELDS),
            user_auth=True,
            **({"pagination_token": token} if token else {}),
        )
        return page

    async def _new(self, posts: Sequence[Post]) -> list[Mention]:
        """The mentions among the posts that are to be answered and were not taken in before."""
        found = []
        for post in posts:
            mention = reading.mention_of(post, self._bot)
            if isinstance(mention, Skip):
                self._log.debug("skipped", post=post["id"], why=mention.why)
            else:
                found.append(mention)
        return await self._store.read(lambda c: self._wanted(c, found)) if found else []

    def _wanted(self, c: Connection, found: Sequence[Mention]) -> list[Mention]:
        now, name = self._clock(), self._bot.platform
        known = mentions.known(c, name, [mention.source_id for mention in found])
        wanted: list[Mention] = []
        for mention in found:
            if mention.source_id in known or now - mention.created_at > self._max_age:
                continue
            why = self._unwanted(c, mention, wanted, now)
            if why is None:
                wanted.append(mention)
            else:
                self._log.info("skipped", post=mention.source_id, why=why)
        return wanted

    def _unwanted(
        self, c: Connection, mention: Mention, beside: Sequence[Mention], now: float
    ) -> str | None:
        """Two bots that answer each other end here; and who asked for silence has it."""
        name, author = self._bot.platform, mention.account.user_id
        if any(mentions.has_stopped(c, name, other) for other in mention.addressed):
            return "somebody it addresses asked to be left alone"
        if mention.thread is not None:
            taken = mentions.in_thread(c, name, mention.thread, now - _DAY)
            taken += sum(other.thread == mention.thread for other in beside)
            if taken >= self._thread_cap:
                return "enough in this conversation"
        taken = mentions.of_account(c, name, author, now - _HOUR)
        taken += sum(other.account.user_id == author for other in beside)
        return "enough for this account" if taken >= self._author_cap else None
