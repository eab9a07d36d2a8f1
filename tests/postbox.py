"""A platform without a network: mentions are put in, replies are taken out.

It keeps a wire's manners: it refuses, loses answers and remembers keys like the
real ones, so that intake and outbox can be tested without a socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from bots.platform import Delivery, Manners, Outcome, PlatformError
from data.words import Media, Mention, PhotoRef, Receipt, Reply


class Postbox:
    name = "sandbox"
    text_limit = 500
    alt_limit = 200
    manners = Manners()

    def __init__(self) -> None:
        self.photos: dict[str, bytes] = {}
        self.posted: dict[str, Reply] = {}
        self.withdrawn: list[str] = []
        self.deleted: set[str] = set()
        #: Failures to come, one a request; `lost` ones take effect before they fail.
        self.failures: list[PlatformError] = []
        self.lost: list[PlatformError] = []
        self.requests = 0
        self._incoming: asyncio.Queue[Delivery] = asyncio.Queue()
        self._arrived = asyncio.Event()

    def put(self, *mentions: Mention) -> None:
        self._incoming.put_nowait(Delivery(mentions=mentions, cursor=mentions[-1].source_id))

    async def mentions(self, cursor: str | None) -> AsyncIterator[Delivery]:
        while True:
            yield await self._incoming.get()

    async def photo(self, ref: PhotoRef) -> bytes:
        if ref.ref not in self.photos:
            raise PlatformError("no such photo", outcome=Outcome.NEVER)
        return self.photos[ref.ref]

    async def prepare(self, reply: Reply) -> Media:
        return Media(ids=tuple(f"media-{picture.sha256[:4]}" for picture, _ in reply.pictures))

    async def reply(self, reply: Reply) -> Receipt:
        self.requests += 1
        if self.failures:
            raise self.failures.pop(0)
        self.posted[reply.key] = reply
        self._arrived.set()
        if self.lost:
            raise self.lost.pop(0)
        return Receipt(post_id=self._post_id(reply.key))

    async def find(self, reply: Reply) -> Receipt | None:
        if reply.key not in self.posted:
            return None
        return Receipt(post_id=self._post_id(reply.key))

    async def withdraw(self, receipt: Receipt) -> None:
        self.withdrawn.append(receipt.post_id)

    async def gone(self, post_ids: Sequence[str]) -> set[str]:
        return {post for post in post_ids if post in self.deleted}

    def mount(self, app: web.Application) -> None:
        pass

    async def until(self, number: int) -> Sequence[Reply]:
        """Wait until so many replies are posted."""
        while len(self.posted) < number:
            self._arrived.clear()
            await self._arrived.wait()
        return list(self.posted.values())

    def _post_id(self, key: str) -> str:
        return f"post-{list(self.posted).index(key)}"
