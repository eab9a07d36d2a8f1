"""What has arrived, on its way into the durable inbox, and how far Discord has been read.

An interaction may be acknowledged only once it is remembered, and must be within three
seconds: so what arrives together is written together at once, and handed to the intake
when nobody waits for an acknowledgement any more.

The cursor is a snowflake: everything older was either delivered to us or fetched. A
shard that lost its session leaves a gap, and the cursor stays before it until what
happened in it was fetched.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from enum import StrEnum
from typing import Final

from bots.platform import Delivery, House
from bots.platforms._discord.address import NAME, snowflake
from data import mentions
from data.mentions import Received
from data.store import Act, Connection
from data.words import Mention

#: How often the cursor is written though nothing arrived, in seconds.
HEARTBEAT: Final = 30.0
#: How long those who are acknowledged already may wait for those who are not, in seconds.
COURTESY: Final = 1.5


class Kept(StrEnum):
    """What became of something put in; it is in the inbox in any case."""

    NEW = "new"
    KNOWN = "known"  #: it was there already, or is not wanted
    LATER = "later"  #: this process decides nothing more, the next one will


class Arrivals:
    def __init__(self, house: House) -> None:
        self._house = house
        #: Set while nobody waits for an acknowledgement.
        self.answered = asyncio.Event()
        self.answered.set()
        #: Whether this process decides nothing more.
        self.closed = False
        self._arrived: list[tuple[Mention, Act[bool] | None, asyncio.Future[Kept]]] = []
        self._written: list[Received] = []
        self._something = asyncio.Event()
        self._to_decide = asyncio.Event()
        self._newest = 0
        self._gaps: dict[int | None, int] = {}

    async def put(self, mention: Mention, may: Act[bool] | None = None) -> Kept:
        """Return once it is in the inbox, where what `may` does in the same act allows it."""
        kept: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        self._arrived.append((mention, may, kept))
        self._something.set()
        return await kept

    async def run(self) -> None:
        """Write what arrives, for ever: all that has come while the last was written."""
        while True:
            await self._something.wait()
            self._something.clear()
            batch, self._arrived = self._arrived, []
            arrived = [(mention, may) for mention, may, _ in batch]
            new = await self._house.store.write(self._receive(arrived))
            self._written += new
            self._to_decide.set()
            ids = {received.mention.source_id for received in new}
            for mention, _, future in batch:
                if not future.done():
                    future.set_result(self._kept(mention, ids))
                ids.discard(mention.source_id)

    async def stream(self, cursor: str | None) -> AsyncGenerator[Delivery, None]:
        """All that was written, for ever."""
        start = int(cursor) if cursor else snowflake(self._house.clock())
        self._newest = max(self._newest, start)
        self._gaps.setdefault(None, start)
        try:
            while True:
                await self._next()
                written, self._written = self._written, []
                yield Delivery(mentions=(), kept=written, cursor=self.cursor)
        finally:
            self.closed = True

    async def _next(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT):
                await self._to_decide.wait()
        self._to_decide.clear()
        await self.courtesy()

    async def courtesy(self) -> None:
        """Let those go first who wait for an acknowledgement, for a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(COURTESY):
                await self.answered.wait()

    def _receive(self, arrived: list[tuple[Mention, Act[bool] | None]]) -> Act[list[Received]]:
        now = self._house.clock()

        def receive(c: Connection) -> list[Received]:
            batch = [mention for mention, may in arrived if may is None or may(c)]
            return mentions.receive(c, NAME, batch, None, now)

        return receive

    def _kept(self, mention: Mention, new: set[str]) -> Kept:
        if mention.source_id not in new:
            return Kept.KNOWN
        return Kept.LATER if self.closed else Kept.NEW

    @property
    def cursor(self) -> str:
        return str(min([self._newest, *self._gaps.values()]))

    def seen(self, snowflake_id: int) -> None:
        self._newest = max(self._newest, snowflake_id)

    def lost(self, shard: int) -> None:
        """The shard's connection broke; its session may or may not be resumed."""
        self._gaps.setdefault(shard, self._newest)

    def resumed(self, shard: int) -> None:
        self._gaps.pop(shard, None)

    def gap(self, shard: int) -> int | None:
        """From where on a shard with a fresh session has missed something."""
        return self._gaps.get(shard, self._gaps.get(None))

    def filled(self, shard: int, *, whole: bool) -> None:
        """What was missed is fetched; `whole` where no other shard has still to begin."""
        self._gaps.pop(shard, None)
        if whole:
            self._gaps.pop(None, None)
