"""Mentions by X's Activity stream: at once, at five times the price. It only hurries the polling.

What it tells goes the way of every mention, into the inbox that knows what it has. It
may tell twice, tell too little, or be cut: then, and whenever it has begun anew, the
poll is made at once. Polling never ends; while the stream stands it is only rarer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, Final

import aiohttp
import structlog

from bots.platform import House, Outcome, PlatformError
from bots.platforms._x import reading, refusals
from bots.platforms._x.meter import Endpoint, Meter, Request
from bots.platforms._x.reading import Post
from bots.platforms._x.transport import Transport
from bots.platforms._x.wire import Answer, once, parsed
from bots.settings import Settings, SettingsError, variable

ROUTE: Final = "/2/activity/stream"
SUBSCRIPTIONS: Final = "/2/activity/subscriptions"
EVENT: Final = "post.mention.create"
#: X sends a sign of life every twenty seconds; a line without any for so long is dead.
QUIET: Final = 30.0
#: The longest event that is read; a longer one ends the stream, and it begins anew.
LONGEST_EVENT: Final = 1_000_000
#: Waits before it is tried again, in seconds, doubling: the line was cut, or X said no.
CUT: Final = (0.25, 16.0)
REFUSED: Final = (5.0, 320.0)
_OPEN: Final = Request(endpoint=Endpoint.STREAM)


def bearer_of(settings: Settings) -> str | None:
    """The app's bearer token where the stream is wanted. Raises SettingsError without one."""
    if not settings.x_stream:
        return None
    if settings.x_bearer_token is None:
        raise SettingsError(
            f"{variable('x_stream')} needs {variable('x_bearer_token')}, the app's bearer token:"
            " X opens its stream to apps, not to accounts."
        )
    return str(settings.x_bearer_token.get_secret_value())


class Stream:
    """`run` it beside the polling, which asks `told` what came while it waits."""

    def __init__(
        self,
        house: House,
        session: aiohttp.ClientSession,
        bearer: str,
        transport: Transport,
        meter: Meter,
        bot_id: str,
    ) -> None:
        self._session = session
        self._url = house.settings.x_api_url
        self._bearer = bearer
        self._transport = transport
        self._meter = meter
        self._bot_id = bot_id
        #: None asks for a poll.
        self._news: asyncio.Queue[Post | None] = asyncio.Queue(maxsize=1000)
        self._log = structlog.get_logger().bind(platform="x")
        #: Whether it stands: what happens is told without being asked for.
        self.stands = False

    async def run(self) -> None:
        """Keep it open, for ever."""
        failures = 0
        while True:
            try:
                await self._subscribe()
                await self._listen()
                failures, wait = 0, CUT[0]
            except PlatformError as error:
                failures = 0 if self.stands else failures + 1
                first, longest = CUT if error.outcome is Outcome.UNKNOWN else REFUSED
                wait = error.retry_after or min(longest, first * 2.0 ** min(failures, 10))
                self._log.warning("the stream was cut", error=str(error), again_in=wait)
            self.stands = False
            await asyncio.sleep(wait)

    async def told(self, seconds: float) -> list[Post] | None:
        """What the stream tells within so many seconds; None where it is time to poll."""
        try:
            async with asyncio.timeout(seconds):
                first = await self._news.get()
        except TimeoutError:
            return None
        heard = [first]
        while not self._news.empty():
            heard.append(self._news.get_nowait())
        posts = [post for post in heard if post is not None]
        if posts and None in heard:
            await self._news.put(None)
        return posts or None

    async def _subscribe(self) -> None:
        """X keeps a subscription until it is taken back: made once, and looked for first."""
        listed = await self._transport.request("GET", SUBSCRIPTIONS, {"max_results": 100})
        found = listed.body.get("data")
        if any(self._is_ours(each) for each in (found if isinstance(found, list) else [])):
            return
        body = {"event_type": EVENT, "filter": {"user_id": self._bot_id}}
        await self._transport.post(SUBSCRIPTIONS, body)

    def _is_ours(self, subscription: Any) -> bool:
        return (
            isinstance(subscription, dict)
            and subscription.get("event_type") == EVENT
            and (subscription.get("filter") or {}).get("user_id") == self._bot_id
        )

    async def _listen(self) -> None:
        """One connection, from its beginning to its end. Raises PlatformError."""
        async with self._opened() as response:
            self.stands = True
            self._log.info("the stream stands")
            await self._news.put(None)  # what happened before it stood
            rest = b""
            async for chunk in response.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line.strip():
                        await self._take(line)
                if len(rest) > LONGEST_EVENT:
                    raise PlatformError("X sent an endless event.", outcome=Outcome.UNKNOWN)

    @contextlib.asynccontextmanager
    async def _opened(self) -> AsyncIterator[aiohttp.ClientResponse]:
        entry = await self._meter.enter(_OPEN)
        try:
            async with self._session.get(
                f"{self._url}{ROUTE}",
                headers={"Authorization": f"Bearer {self._bearer}"},
                timeout=aiohttp.ClientTimeout(sock_connect=8, sock_read=QUIET),
                allow_redirects=False,
                middlewares=(once,),
            ) as response:
                if response.status != 200:
                    raw = await response.content.read(LONGEST_EVENT)
                    answer = Answer(response.status, response.headers, parsed(raw))
                    if answer.status == 429:
                        raise await self._meter.too_many(entry, answer.headers)
                    await self._meter.refused(entry, answer)
                    error = refusals.judged(answer.status, answer.body, writing=False)
                    raise PlatformError(str(error), outcome=Outcome.NOT_APPLIED)
                await self._meter.granted(entry, response.headers, {})
                yield response
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            why = f"the line is dead ({type(error).__name__})"
            raise PlatformError(why, outcome=Outcome.UNKNOWN) from error

    async def _take(self, line: bytes) -> None:
        """Pass an event on and enter its price. One that can't be read asks for a poll."""
        told = parsed(line)
        data = told.get("data") if told is not None else None
        if not isinstance(data, dict) or data.get("event_type") != EVENT:
            self._log.warning("an event that is none", said=json.dumps(told)[:300])
            return
        post = data.get("payload")
        await self._news.put(post if reading.is_post(post) and post.get("author_id") else None)
        await self._meter.event(str(data.get("event_uuid")))
