"""The sandbox: a small social network of our own, in the browser and as a JSON API.

The default platform. It needs no account and no network, and the bot knows it
only through the same protocol as any other: `bots.timeline` is the network,
this file is the bot's client of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from aiohttp import web

from bots.platform import Delivery, House, Manners, Outcome, PlatformError
from bots.timeline import threads
from bots.timeline.people import PEOPLE
from bots.timeline.site import Site, open_site
from data import timeline
from data.store import Connection
from data.timeline import Post
from data.words import Account, Media, Mention, PhotoRef, Receipt, Reply

#: Posts read at once.
STRETCH = 100
#: How often to look for posts that another process wrote, in seconds.
POLL = 2.0


@contextlib.asynccontextmanager
async def open(house: House) -> AsyncIterator[Sandbox]:  # noqa: A001  every platform's door
    """Make sure of the demo people, then open the network and the bot's client of it."""
    now = house.clock()

    def introduce(c: Connection) -> None:
        for person in PEOPLE:
            timeline.introduce(c, _account(person.handle), person.tier, now)

    await house.store.write(introduce)
    yield Sandbox(house, await open_site(house))


class Sandbox:
    name = threads.PLATFORM
    text_limit = 1000
    alt_limit = 1000
    manners = Manners(tells_when_over=True)

    def __init__(self, house: House, site: Site) -> None:
        self._store = house.store
        self._pictures = house.pictures
        self._clock = house.clock
        self._bot = house.settings.handle
        self._site = site

    def mount(self, app: web.Application) -> None:
        self._site.mount(app)

    async def mentions(self, cursor: str | None) -> AsyncGenerator[Delivery, None]:
        """What tags the bot after the post `cursor`, for ever."""
        read = int(cursor or 0)
        while True:
            heard = self._store.bell.rings
            last, found = await self._store.read(functools.partial(self._after, read=read))
            if found:
                yield Delivery(mentions=found, cursor=str(last))
            if last == read:
                await self._store.bell.after(heard, POLL)
            read = last

    async def photo(self, ref: PhotoRef) -> bytes:
        try:
            return await asyncio.to_thread(self._pictures.get, ref.ref)
        except (FileNotFoundError, ValueError) as error:
            raise PlatformError(
                f"There is no photo {ref.ref} any more.", outcome=Outcome.NEVER
            ) from error

    async def prepare(self, _reply: Reply) -> Media:
        return Media()

    async def reply(self, reply: Reply) -> Receipt:
        answered = _post_id(reply.answer_to or reply.source_id)
        pictures = [
            {"sha256": shown.sha256, "alt": alt, "width": shown.width, "height": shown.height}
            for shown, alt in reply.pictures
        ]
        post_id = await self._store.write(
            lambda c: timeline.add(
                c,
                self._bot,
                reply.text,
                self._clock(),
                in_reply_to=answered,
                pictures=pictures,
                key=reply.key,
            )
        )
        if post_id is None:
            raise PlatformError(
                f"The post {reply.source_id} to answer does not exist.", outcome=Outcome.NEVER
            )
        return Receipt(post_id=str(post_id))

    async def find(self, reply: Reply) -> Receipt | None:
        post = await self._store.read(lambda c: timeline.by_key(c, reply.key))
        return Receipt(post_id=str(post.id)) if post else None

    async def withdraw(self, receipt: Receipt) -> None:
        post_id = _post_id(receipt.post_id)
        await self._store.write(lambda c: timeline.remove(c, post_id, self._clock()))

    async def gone(self, _post_ids: Sequence[str]) -> set[str]:
        return set()

    def _after(self, c: Connection, read: int) -> tuple[int, list[Mention]]:
        """The last post of the next stretch, and what in it tags the bot."""
        posts = timeline.after(c, read, STRETCH)
        found = [
            self._mention(c, post)
            for post in posts
            if post.author != self._bot and threads.tags(post.text, self._bot)
        ]
        return (posts[-1].id if posts else read), found

    def _mention(self, c: Connection, post: Post) -> Mention:
        parent = timeline.by_id(c, post.in_reply_to) if post.in_reply_to is not None else None
        return Mention(
            platform=self.name,
            source_id=str(post.id),
            account=_account(post.author),
            text=post.text,
            created_at=post.created_at,
            in_reply_to=str(post.in_reply_to) if post.in_reply_to is not None else None,
            photo=PhotoRef(ref=post.photo, owner=post.author) if post.photo else None,
            parent_photo=self._image_of(c, parent) if parent else None,
        )

    def _image_of(self, c: Connection, post: Post) -> PhotoRef | None:
        """The photo or first picture of a post. A painted one is whose wish it was."""
        if post.removed:
            return None
        if post.photo:
            return PhotoRef(ref=post.photo, owner=post.author)
        if not post.pictures:
            return None
        wish = timeline.by_id(c, post.in_reply_to) if post.in_reply_to is not None else None
        owner = wish.author if wish else post.author
        return PhotoRef(ref=post.pictures[0]["sha256"], owner=owner)


def _account(handle: str) -> Account:
    """On this network a handle never changes hands, so it is the id as well."""
    return Account(platform=threads.PLATFORM, user_id=handle, handle=handle)


def _post_id(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise PlatformError(f"{text!r} is not a post's id.", outcome=Outcome.NEVER) from error
