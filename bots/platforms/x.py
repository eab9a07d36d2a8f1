"""X: answers mentions with pictures, inside X's rules and a budget.

X has no idempotency key, suspends bots that answer twice or say canned things,
and charges for every call. So: pictures are uploaded before anything is public,
one reply is posted to the post that mentions us and to no other, what got no
answer is looked for before it is repeated, and refusals are not said at all.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any, Final

import aiohttp
from aiohttp import web

from bots import fetch
from bots.platform import Delivery, House, Manners, Outcome, PlatformError, Words
from bots.platforms._x import reading
from bots.platforms._x.credentials import Grant, credentials_for, keep_private, keys_of
from bots.platforms._x.listening import Listener
from bots.platforms._x.looking import Lookout
from bots.platforms._x.meter import (
    ALT_TEXT,
    EVENT,
    NAME,
    OWN_READ,
    REPLY,
    Meter,
    reply_windows,
)
from bots.platforms._x.reading import Bot, checked
from bots.platforms._x.streaming import Stream, bearer_of
from bots.platforms._x.transport import Transport
from bots.platforms._x.uploading import ALT_LIMIT, FRESH, Uploads
from bots.platforms._x.wire import Wire
from bots.settings import Settings
from data.words import Allowance, Media, PhotoRef, Receipt, Reply

#: A wish that waited longer than this may have been deleted meanwhile, in seconds.
LATE: Final = 300.0


@contextlib.asynccontextmanager
async def open(house: House) -> AsyncIterator[X]:  # noqa: A001  every platform's door
    """Check the keys, and keep one session for life. Raises SettingsError."""
    keys = keys_of(house.settings)
    if isinstance(keys, Grant):
        await asyncio.to_thread(keep_private, house.settings.database)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        meter = Meter(house, keys.bot_id)
        wire = Wire(session, house.settings.x_api_url)
        transport = Transport(wire, credentials_for(house, keys, wire, meter), meter)
        bot = Bot(keys.bot_id, house.settings.handle, NAME, frozenset(house.settings.x_ignore))
        bearer = bearer_of(house.settings)
        if bearer is None:
            yield X(house, transport, meter, bot, session)
            return
        stream = Stream(house, session, bearer, transport, meter, bot.id)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(stream.run(), name="x stream")
            yield X(house, transport, meter, bot, session, stream)
            task.cancel()


def manners_of(settings: Settings) -> Manners:
    return Manners(
        prepares=True,
        settle=settings.x_settle_seconds,
        words=Words(settings.x_refusals),
        numbered=True,
        stop_is_for_good=True,
        allowance=Allowance(
            windows=reply_windows(settings),
            per_day=round(settings.x_usd_per_day * 1_000_000),
            per_reply=REPLY + OWN_READ + (EVENT if settings.x_stream else 0),
            per_picture=ALT_TEXT,
            patience=settings.x_max_age_hours * 3_600.0,
        ),
        sweep_days=settings.x_sweep_days,
    )


class X:
    name = NAME
    text_limit = 280
    alt_limit = ALT_LIMIT

    def __init__(
        self,
        house: House,
        transport: Transport,
        meter: Meter,
        bot: Bot,
        session: aiohttp.ClientSession,
        stream: Stream | None = None,
    ) -> None:
        self.manners = manners_of(house.settings)
        self._house = house
        self._transport = transport
        self._meter = meter
        self._bot = bot
        self._session = session
        self._listener = Listener(house, transport, bot, stream)
        self._uploads = Uploads(house, transport, meter)
        self._lookout = Lookout(house, transport, meter, bot)

    def mount(self, app: web.Application) -> None:
        pass

    def mentions(self, cursor: str | None) -> AsyncGenerator[Delivery, None]:
        return self._listener.mentions(cursor)

    async def photo(self, ref: PhotoRef) -> bytes | None:
        """A look at the post for its photo's address, then the photo."""
        page = await self._look_up(ref.ref, media=True)
        address = reading.photo_in(page, ref.ref)
        if address is None:
            return None
        settings = self._house.settings
        return await fetch.photo(
            self._session, address, settings.x_photo_hosts, settings.photo_bytes
        )

    async def prepare(self, reply: Reply) -> Media:
        """The pictures on X, with their alt texts; what is there already is kept."""
        now = self._house.clock()
        if now - reply.asked_at > LATE:
            await self._still_there(reply)
        kept = reply.media
        if kept is not None and kept.until is not None and kept.until - now > FRESH:
            return kept
        return await self._uploads.media(reply)

    async def reply(self, reply: Reply) -> Receipt:
        """Post it. Nothing is sent twice in here: the outbox decides what a failure means."""
        body: dict[str, Any] = {
            "text": reply.text,
            "reply": {"in_reply_to_tweet_id": checked(reading.answered(reply))},
        }
        if reply.media is not None and reply.media.ids:
            body["media"] = {"media_ids": [checked(each) for each in reply.media.ids]}
            body["made_with_ai"] = True
        async with self._uploads.forgotten_if_lost(reply):
            answer = await self._transport.post("/2/tweets", body)
        post = answer.get("data")
        if not reading.is_post(post):
            raise PlatformError("X said yes, and not to which post.", outcome=Outcome.UNKNOWN)
        return Receipt(post_id=str(post["id"]))

    async def find(self, reply: Reply) -> Receipt | None:
        """Our own timeline first; the search, whose index comes later, is asked as well."""
        return await self._lookout.find(reply)

    async def withdraw(self, receipt: Receipt) -> None:
        """Delete our post; one that is gone is gone."""
        try:
            await self._transport.delete_tweet(checked(receipt.post_id), user_auth=True)
        except PlatformError as error:
            if error.outcome is not Outcome.NEVER:
                raise

    async def gone(self, post_ids: Sequence[str]) -> set[str]:
        """Posts deleted, or of people who are suspended or hidden now. Doubt is no answer."""
        page: dict[str, Any] = await self._transport.get_tweets(
            [checked(post_id) for post_id in post_ids], tweet_fields=["author_id"], user_auth=True
        )
        return reading.missing(page) & set(post_ids)

    async def _still_there(self, reply: Reply) -> None:
        """Raises PlatformError, NEVER, where the wish was deleted while it waited."""
        asked = reading.answered(reply)
        page = await self._look_up(asked)
        if any(str(post["id"]) == asked for post in reading.posts(page)):
            return
        if asked in reading.missing(page):
            raise PlatformError("The post that asked is gone.", outcome=Outcome.NEVER)
        raise PlatformError("X does not say whether it stands.", outcome=Outcome.NOT_APPLIED)

    async def _look_up(self, post_id: str, *, media: bool = False) -> dict[str, Any]:
        extra: dict[str, Any] = (
            {"expansions": ["attachments.media_keys"], "media_fields": ["type", "url"]}
            if media
            else {}
        )
        page: dict[str, Any] = await self._transport.get_tweets(
            [checked(post_id)],
            tweet_fields=["attachments", "author_id"] if media else ["author_id"],
            user_auth=True,
            **extra,
        )
        return page
