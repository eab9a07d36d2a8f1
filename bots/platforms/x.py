"""X: answers mentions with pictures, inside X's rules and a budget.

X has no idempotency key, suspends bots that answer twice or say canned things,
and charges for every call. So: pictures are uploaded before anything is public,
one reply is posted to the post that mentions us and to no other, what got no
answer is looked for before it is repeated, and refusals are not said at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any, Final

import aiohttp
import structlog
from aiohttp import web

from bots import fetch
from bots.platform import Delivery, House, Manners, Outcome, PlatformError, Words
from bots.platforms._x import pictures, reading
from bots.platforms._x.listening import Listener
from bots.platforms._x.meter import ALT_TEXT, NAME, OWN_READ, REPLY, Meter, reply_windows
from bots.platforms._x.reading import Bot
from bots.platforms._x.transport import Transport, keys_of
from bots.settings import Settings
from data.words import Allowance, Media, PhotoRef, Picture, Receipt, Reply

#: A wish that waited longer than this may have been deleted meanwhile, in seconds.
LATE: Final = 300.0
#: Uploaded pictures that X will forget sooner than this are uploaded again, in seconds.
FRESH: Final = 120.0
#: What X keeps an upload for where it does not say.
KEPT: Final = 3_600.0
#: Replies tried without alt text only after so many attempts to set it.
ALT_ATTEMPTS: Final = 7
#: Our clock and X's may differ by so much, in seconds.
SKEW: Final = 3_600.0
#: Tries of one page of a long look, so that a late page's failure does not cost the early ones.
TRIES: Final = 4
PAGES: Final = 33
_ID: Final = re.compile(r"[0-9]{1,19}")


@contextlib.asynccontextmanager
async def open(house: House) -> AsyncIterator[X]:  # noqa: A001  every platform's door
    """Check the keys, and keep one session for life. Raises SettingsError."""
    keys = keys_of(house.settings)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        meter = Meter(house, keys.bot_id)
        transport = Transport(keys, house.settings.x_api_url, session, meter)
        bot = Bot(keys.bot_id, house.settings.handle, NAME, frozenset(house.settings.x_ignore))
        yield X(house, transport, meter, bot, session)


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
            per_reply=REPLY + OWN_READ,
            per_picture=ALT_TEXT,
            patience=settings.x_max_age_hours * 3_600.0,
        ),
        sweep_days=settings.x_sweep_days,
    )


class X:
    name = NAME
    text_limit = 280
    alt_limit = 1000

    def __init__(
        self,
        house: House,
        transport: Transport,
        meter: Meter,
        bot: Bot,
        session: aiohttp.ClientSession,
    ) -> None:
        self.manners = manners_of(house.settings)
        self._house = house
        self._transport = transport
        self._meter = meter
        self._bot = bot
        self._session = session
        self._listener = Listener(house, transport, bot)

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
        media = [await self._uploaded(picture, alt, reply) for picture, alt in reply.pictures]
        return Media(
            ids=tuple(each for each, _ in media), until=min((end for _, end in media), default=None)
        )

    async def reply(self, reply: Reply) -> Receipt:
        """Post it. Nothing is sent twice in here: the outbox decides what a failure means."""
        body: dict[str, Any] = {
            "text": reply.text,
            "reply": {"in_reply_to_tweet_id": _id(reply.answer_to or reply.source_id)},
        }
        if reply.media is not None and reply.media.ids:
            body["media"] = {"media_ids": [_id(each) for each in reply.media.ids]}
            body["made_with_ai"] = True
        answer = await self._transport.post("/2/tweets", body)
        post = answer.get("data")
        if not reading.is_post(post):
            raise PlatformError("X said yes, and not to which post.", outcome=Outcome.UNKNOWN)
        return Receipt(post_id=str(post["id"]))

    async def find(self, reply: Reply) -> Receipt | None:
        """Our own timeline first; the search, whose index comes later, is asked as well."""
        answered = {reply.source_id, reply.answer_to or reply.source_id}
        found = await self._in_timeline(reply, answered) or await self._in_search(reply, answered)
        if found is None:
            return None
        await self._meter.found(reply.answer_to or reply.source_id)
        return Receipt(post_id=found)

    async def withdraw(self, receipt: Receipt) -> None:
        """Delete our post; one that is gone is gone."""
        try:
            await self._transport.delete_tweet(_id(receipt.post_id), user_auth=True)
        except PlatformError as error:
            if error.outcome is not Outcome.NEVER:
                raise

    async def gone(self, post_ids: Sequence[str]) -> set[str]:
        """Posts deleted, or of people who are suspended or hidden now. Doubt is no answer."""
        page: dict[str, Any] = await self._transport.get_tweets(
            [_id(post_id) for post_id in post_ids], tweet_fields=["author_id"], user_auth=True
        )
        return reading.missing(page) & set(post_ids)

    async def _still_there(self, reply: Reply) -> None:
        """Raises PlatformError, NEVER, where the wish was deleted while it waited."""
        asked = reply.answer_to or reply.source_id
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
            [_id(post_id)],
            tweet_fields=["attachments", "author_id"] if media else ["author_id"],
            user_auth=True,
            **extra,
        )
        return page

    async def _uploaded(self, picture: Picture, alt: str, reply: Reply) -> tuple[str, float]:
        """One picture's id on X, and until when X keeps it."""
        data = await asyncio.to_thread(self._house.pictures.get, picture.sha256)
        data, media_type = await asyncio.to_thread(pictures.fitting, data, picture.media_type)
        form = aiohttp.FormData()
        form.add_field(
            "media", data, filename=f"picture.{media_type.split('/')[1]}", content_type=media_type
        )
        form.add_field("media_category", "tweet_image")
        now = self._house.clock()
        heard = await self._transport.request("POST", "/2/media/upload", form=form)
        media = heard.body.get("data")
        if not reading.is_post(media):
            raise PlatformError("X took the picture and gave no id.", outcome=Outcome.NOT_APPLIED)
        media_id = str(media["id"])
        await self._described(media_id, alt, reply)
        lasts = media.get("expires_after_secs")
        return media_id, now + (float(lasts) if isinstance(lasts, int | float) else KEPT)

    async def _described(self, media_id: str, alt: str, reply: Reply) -> None:
        """Set the alt text. It is tried again, and does not keep a picture back for ever."""
        body = {"id": _id(media_id), "metadata": {"alt_text": {"text": alt[: self.alt_limit]}}}
        try:
            await self._transport.post("/2/media/metadata", body)
        except PlatformError as error:
            passing = error.outcome in (Outcome.NOT_YET, Outcome.HALT)
            if passing or reply.attempt < ALT_ATTEMPTS:
                raise
            structlog.get_logger().warning("posted without alt text", error=str(error))

    async def _in_timeline(self, reply: Reply, answered: set[str]) -> str | None:
        token: str | None = None
        for _ in range(PAGES):
            page = await self._page_of_timeline(self._since(reply), token)
            found = self._reply_in(page, answered)
            token = reading.next_page(page)
            if found is not None or token is None:
                return found
        raise PlatformError("The timeline is longer than we read.", outcome=Outcome.NOT_APPLIED)

    async def _page_of_timeline(self, since: int, token: str | None) -> dict[str, Any]:
        for left in reversed(range(TRIES)):
            try:
                page: dict[str, Any] = await self._transport.get_users_tweets(
                    self._bot.id,
                    since_id=str(since),
                    max_results=100,
                    tweet_fields=["author_id", "referenced_tweets"],
                    user_auth=True,
                    **({"pagination_token": token} if token else {}),
                )
                return page
            except PlatformError as error:
                if left == 0 or error.outcome is Outcome.NOT_YET:
                    raise
        raise AssertionError("the last try returns or raises")

    async def _in_search(self, reply: Reply, answered: set[str]) -> str | None:
        if reply.thread is None:
            return None
        page: dict[str, Any] = await self._transport.search_recent_tweets(
            f"conversation_id:{_id(reply.thread)} from:{self._bot.handle}",
            max_results=100,
            tweet_fields=["author_id", "referenced_tweets"],
            user_auth=True,
        )
        return self._reply_in(page, answered)

    def _reply_in(self, page: dict[str, Any], answered: set[str]) -> str | None:
        return next(
            (
                str(post["id"])
                for post in reading.posts(page)
                if reading.referred(post, "replied_to") in answered
                and str(post.get("author_id", self._bot.id)) == self._bot.id
            ),
            None,
        )

    def _since(self, reply: Reply) -> int:
        """No reply is older than the post it answers, nor than the intent to post it."""
        oldest = int(_id(reply.source_id))
        if reply.posting_at is None or reply.attempt > 1:
            return oldest
        return max(oldest, reading.snowflake(reply.posting_at - SKEW))


def _id(text: str) -> str:
    """Ids are decimal numbers as X writes them; anything else never leaves the house."""
    if not _ID.fullmatch(text):
        raise PlatformError(f"{text[:40]!r} is no id of X.", outcome=Outcome.NEVER)
    return text
