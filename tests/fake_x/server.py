"""The fake's socket: routes, the order in which X judges a request, and the log of all of them.

`FakeX` is a scope: a thread with a loop of its own, on a free loopback port. A
request meets, in this order, the faults before acceptance, the credentials, the
limits, the rules for queries and bodies, the world, and the faults after
acceptance. Whatever happens is in `exchanges`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import functools
import io
import json
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, cast

from aiohttp import BodyPartReader, web
from PIL import Image

from tests.fake_x import descriptions, questions, refusal
from tests.fake_x.answers import Answer, Answers, Wanted, renamed
from tests.fake_x.bill import Price
from tests.fake_x.credentials import Keys, OAuth1, OAuth2, Signed
from tests.fake_x.endpoints import Endpoint
from tests.fake_x.faults import Fault, FaultScript
from tests.fake_x.limits import Caps, Family, Limits
from tests.fake_x.refusal import Refusal
from tests.fake_x.stream import Stream
from tests.fake_x.world import Lags, Media, Person, Post, World

LARGEST_IMAGE = 5 * 2**20
LARGEST_GIF = 15 * 2**20
LARGEST_BODY = 16 * 2**20
FORMATS = ("JPEG", "PNG", "GIF", "WEBP")

_OWNED = {Endpoint.MENTIONS, Endpoint.TIMELINE}
_WRITES = {Endpoint.CREATE, Endpoint.DELETE}
_MEDIA = {Endpoint.UPLOAD, Endpoint.METADATA}
#: What a post in an event tells of itself.
_EVERYTHING = (
    "attachments,author_id,conversation_id,created_at,display_text_range,"
    "edit_history_tweet_ids,entities,in_reply_to_user_id,note_tweet,referenced_tweets"
)
_HTML = "<!DOCTYPE html><html><body><h1>Over capacity</h1></body></html>"


@dataclass(slots=True)
class Exchange:
    """One request, and what became of it. `status` 0 is none: the line was cut."""

    at: float
    endpoint: Endpoint
    path: str
    query: Mapping[str, str]
    body: Any = None
    status: int = 0
    fault: Fault | None = None
    #: The refusal's sentence, and the offence where only a careless client provokes it.
    refused: str = ""
    offence: str = ""
    #: It came while its endpoint was to be left alone.
    in_pause: bool = False


@dataclass(slots=True)
class _Reply:
    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


_Handler = Callable[[web.Request, Exchange], Awaitable[_Reply]]


class FakeX:
    """`with FakeX() as x:` or `async with`; the defaults are X's own, without faults."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        bot: str = "muralist",
        lags: Lags | None = None,
        caps: Mapping[Endpoint, Caps] | None = None,
        bare_seconds: float = 60.0,
        storm_seconds: float = 2.0,
        held_seconds: float = 30.0,
        slow_seconds: float = 0.5,
        grace: float = 1.0,
        media_seconds: float = 86_400,
        seed: int = 0,
    ) -> None:
        self.clock = clock
        self.keys = Keys()
        bot_id = self.keys.access_token.partition("-")[0]
        self.world = World(
            clock, bot=bot, bot_id=bot_id, lags=lags, seed=seed, media_seconds=media_seconds
        )
        self.limits = Limits(clock, caps, bare_seconds=bare_seconds)
        self.faults = FaultScript(seed)
        self.exchanges: list[Exchange] = []
        self.oauth2 = OAuth2(self.keys, clock)
        self.stream = Stream(self.world, self._event)
        self.descriptions = descriptions.load()
        self.url = ""
        #: Answer in the new spelling even where the old one was asked for.
        self.renames = False
        #: The one spelling of questions that is taken; both where None.
        self.only: str | None = None
        self._oauth1 = OAuth1(self.keys)
        self._storm_seconds = storm_seconds
        self._held_seconds = held_seconds
        self._slow_seconds = slow_seconds
        self._grace = grace
        self._thread = threading.Thread(target=self._live, name="fake-x", daemon=True)
        self._started = threading.Event()
        self._stop = asyncio.Event()
        self._end: Callable[[], object] = self._stop.set

    # The scope

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(30), "the fake X did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._thread.join(30)

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.__exit__)

    # What a test asks

    def settings(self) -> dict[str, str]:
        """The bot's settings, without their prefix, to reach this X with OAuth 1.0a."""
        return {
            "X_API_URL": self.url,
            "X_CONSUMER_KEY": self.keys.consumer_key,
            "X_CONSUMER_SECRET": self.keys.consumer_secret,
            "X_ACCESS_TOKEN": self.keys.access_token,
            "X_ACCESS_TOKEN_SECRET": self.keys.access_token_secret,
            "X_PHOTO_HOSTS": self.url.removeprefix("http://"),
        }

    def settings_oauth2(self) -> dict[str, str]:
        """The same with OAuth 2, and the refresh token that is good now."""
        keys = {"X_CLIENT_ID": self.keys.client_id, "X_REFRESH_TOKEN": self.oauth2.refresh}
        if self.oauth2.confidential:
            keys["X_CLIENT_SECRET"] = self.keys.client_secret
        plain = ("X_API_URL", "X_PHOTO_HOSTS")
        kept = {name: value for name, value in self.settings().items() if name in plain}
        return {**kept, **keys, "X_ACCOUNT": self.world.bot.id}

    def canaries(self) -> tuple[str, ...]:
        """Everything that must be in no log and no answer to anybody."""
        return (*self.keys.canaries(), *self.oauth2.given)

    def requests(self, endpoint: Endpoint) -> list[Exchange]:
        return [each for each in list(self.exchanges) if each.endpoint is endpoint]

    # The thread

    def _live(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        self._end = functools.partial(loop.call_soon_threadsafe, self._stop.set)
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            self.url = f"http://{host}:{port}"
            self._started.set()
            await self._stop.wait()
        finally:
            await runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY)
        handlers: dict[Endpoint, _Handler] = {
            Endpoint.ME: self._me,
            Endpoint.MENTIONS: self._mentions,
            Endpoint.TIMELINE: self._timeline,
            Endpoint.SEARCH: self._search,
            Endpoint.LOOKUP: self._lookup,
            Endpoint.CREATE: self._create,
            Endpoint.DELETE: self._delete,
            Endpoint.UPLOAD: self._upload,
            Endpoint.METADATA: self._metadata,
            Endpoint.MEDIA: self._media_look,
            Endpoint.SUBSCRIPTIONS: self._subscriptions,
            Endpoint.SUBSCRIBE: self._subscribe,
        }
        for endpoint, handler in handlers.items():
            app.router.add_route(endpoint.method, endpoint.path, self._door(endpoint, handler))
        app.router.add_route("GET", Endpoint.STREAM.path, self._stream_door)
        app.router.add_route("POST", Endpoint.TOKEN.path, self._token)
        app.router.add_route("GET", Endpoint.PHOTO.path, self._photo)
        app.router.add_route("*", "/{anything:.*}", self._nowhere)
        return app

    # The order of judgement

    def _door(
        self, endpoint: Endpoint, handler: _Handler
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            now = self.clock()
            exchange = Exchange(now, endpoint, request.path, dict(request.query))
            exchange.in_pause = self.limits.pause_at(endpoint, now, self._grace) is not None
            exchange.fault = fault = self.faults.next(endpoint)
            self.exchanges.append(exchange)
            if fault is Fault.SLOW:
                await self._hold(request, self._slow_seconds)
            elif fault is not None and not fault.after and fault is not Fault.EXPIRED:
                return await self._fail(request, exchange, fault)
            reply = await self._judged(request, exchange, handler)
            if fault is not None and fault.after and reply.status < 300:
                return await self._fail(request, exchange, _shape_of(fault))
            exchange.status = reply.status
            if reply.status == 429 and not reply.headers:
                return web.Response(status=429)
            return web.json_response(reply.body, status=reply.status, headers=reply.headers)

        return serve

    async def _judged(self, request: web.Request, exchange: Exchange, handler: _Handler) -> _Reply:
        headers: Mapping[str, str] = {}
        try:
            self._authenticate(request, exchange.endpoint)
            taken = self.limits.take(exchange.endpoint)
            headers = taken.headers
            if not taken.allowed:
                exchange.refused = "429 Too Many Requests"
                return _Reply(429, _too_many(), headers)
            repeated = len(request.query) != len(set(request.query))
            questions.check_query(
                exchange.endpoint, exchange.query, repeated, self.descriptions, self.only
            )
            reply = await handler(request, exchange)
        except Refusal as error:
            exchange.refused, exchange.offence = str(error), error.offence
            return _Reply(error.status, error.body, headers)
        body = renamed(reply.body) if self.renames else reply.body
        return _Reply(reply.status, body, headers)

    def _authenticate(self, request: web.Request, endpoint: Endpoint) -> None:
        given = request.headers.get("Authorization", "")
        if given.startswith("Bearer "):
            scope = "media.write" if endpoint in _MEDIA else "tweet.read"
            scope = "tweet.write" if endpoint in _WRITES else scope
            self.oauth2.check(given.removeprefix("Bearer "), scope)
            return
        path, _, query = request.raw_path.partition("?")
        self._oauth1.check(Signed(request.method, f"{self.url}{path}", query, given))

    async def _fail(
        self, request: web.Request, exchange: Exchange, fault: Fault
    ) -> web.StreamResponse:
        if fault in (Fault.DROP, Fault.TIMEOUT):
            if fault is Fault.TIMEOUT:
                await self._hold(request, self._held_seconds)
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        response = self._faulty_answer(exchange.endpoint, fault)
        exchange.status = response.status
        return response

    def _faulty_answer(self, endpoint: Endpoint, fault: Fault) -> web.Response:
        if fault is Fault.RATE_LIMITED:
            taken = self.limits.exhaust(endpoint, Family.WINDOW, self._storm_seconds)
            return web.json_response(_too_many(), status=429, headers=taken.headers)
        if fault is Fault.DAY_429:
            taken = self.limits.exhaust(endpoint, Family.APP_DAY, self._storm_seconds)
            return web.json_response(_too_many(), status=429, headers=taken.headers)
        if fault is Fault.BARE_429:
            self.limits.silence(endpoint)
            return web.Response(status=429)
        if fault is Fault.UNAUTHORIZED:
            return web.json_response(refusal.unauthorized("").body, status=401)
        if fault is Fault.JSON_503:
            body = {"title": "Service Unavailable", "type": "about:blank", "status": 503}
            return web.json_response({**body, "detail": "Service Unavailable"}, status=503)
        if fault in (Fault.HTML_503, Fault.HTML_200):
            status = 503 if fault is Fault.HTML_503 else 200
            return web.Response(text=_HTML, content_type="text/html", status=status)
        return web.Response(status=503)

    async def _hold(self, request: web.Request, seconds: float) -> None:
        """Say nothing, until the caller goes away or so much real time has passed."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._stop.is_set():
            if request.transport is None or request.transport.is_closing():
                return
            await asyncio.sleep(0.02)

    # The calls

    @property
    def _answers(self) -> Answers:
        return Answers(self.world, f"{self.url}/media")

    async def _me(self, request: web.Request, exchange: Exchange) -> _Reply:
        person = self.world.bot
        self.world.bill.read(f"user {person.id}", Price.USER_READ)
        return _Reply(200, {"data": self._answers.person(person, Wanted.of(exchange.query))})

    async def _mentions(self, request: web.Request, exchange: Exchange) -> _Reply:
        asked = questions.paging(exchange.endpoint, exchange.query)
        found = self.world.mentions_of(self._person(request), asked.span)
        return self._page(found, asked.most, exchange)

    async def _timeline(self, request: web.Request, exchange: Exchange) -> _Reply:
        asked = questions.paging(exchange.endpoint, exchange.query)
        found = self.world.timeline_of(self._person(request), asked.span)
        return self._page(found, asked.most, exchange)

    async def _search(self, request: web.Request, exchange: Exchange) -> _Reply:
        asked = questions.paging(exchange.endpoint, exchange.query)
        terms = questions.search_terms(exchange.query)
        found = self.world.search(
            asked.span, conversation=terms.get("conversation_id"), author=terms.get("from")
        )
        return self._page(found, asked.most, exchange)

    async def _lookup(self, request: web.Request, exchange: Exchange) -> _Reply:
        ids = questions.ids(exchange.query)
        known = [self.world.posts.get(each) for each in ids]
        shown = [post for post in known if post is not None and self._can_be_looked_up(post)]
        answer = self._answers.posts(shown, Wanted.of(exchange.query))
        there = {post.id for post in shown}
        if missing := self._answers.missing([each for each in ids if each not in there]):
            answer.body["errors"] = missing
        return self._paid(answer)

    async def _create(self, request: web.Request, exchange: Exchange) -> _Reply:
        exchange.body = body = await _json(request)
        questions.check_body(exchange.endpoint, body, self.descriptions)
        post = self.world.create(questions.draft(body))
        shown = {"id": post.id, "text": post.text, "edit_history_tweet_ids": [post.id]}
        return _Reply(201, {"data": shown})

    async def _delete(self, request: web.Request, exchange: Exchange) -> _Reply:
        self.world.remove(request.match_info["id"])
        return _Reply(200, {"data": {"deleted": True}})

    async def _upload(self, request: web.Request, exchange: Exchange) -> _Reply:
        fields, data = await _image_of(request)
        exchange.body = {**fields, "media": f"{len(data)} bytes"}
        questions.check_body(exchange.endpoint, exchange.body, self.descriptions)
        if fields.get("media_category") != "tweet_image":
            raise refusal.invalid(f"media_category {fields.get('media_category')!r}")
        self.world.raise_trouble()
        form, size = await asyncio.to_thread(_look_at, data)
        media = self.world.keep_media(self.world.bot, data, size=size, form=form)
        lasts = round(media.lasts_until - self.clock())
        if exchange.fault is Fault.EXPIRED:
            media.expires_at = self.clock()
        return _Reply(200, {"data": _uploaded(media, lasts)})

    async def _metadata(self, request: web.Request, exchange: Exchange) -> _Reply:
        exchange.body = body = await _json(request)
        questions.check_body(exchange.endpoint, body, self.descriptions)
        media = self.world.describe(*questions.alt_text(body))
        told = {"id": media.id, "associated_metadata": {"alt_text": {"text": media.alt}}}
        return _Reply(200, {"data": told})

    async def _media_look(self, request: web.Request, exchange: Exchange) -> _Reply:
        """What became of uploads; which costs, by X's price list, nothing."""
        keys = questions.media_keys(exchange.query)
        shown = [
            {
                "media_key": media.key,
                "type": "photo",
                **({"alt_text": media.alt} if media.alt else {}),
            }
            for media in list(self.world.media.values())
            if media.key in keys and media.expires_at > self.clock()
        ]
        return _Reply(200, {"data": shown} if shown else {})

    async def _subscriptions(self, request: web.Request, exchange: Exchange) -> _Reply:
        return _Reply(200, {"data": self.stream.subscriptions} if self.stream.subscriptions else {})

    async def _subscribe(self, request: web.Request, exchange: Exchange) -> _Reply:
        exchange.body = body = await _json(request)
        questions.check_body(exchange.endpoint, body, self.descriptions)
        made = self.stream.subscribe(*questions.subscription(body))
        return _Reply(200, {"data": {"subscription": made}})

    async def _stream_door(self, request: web.Request) -> web.StreamResponse:
        """For the app's bearer token alone; it stands until it is cut."""
        exchange = Exchange(self.clock(), Endpoint.STREAM, request.path, dict(request.query))
        pause = self.limits.pause_at(Endpoint.STREAM, exchange.at, self._grace)
        exchange.in_pause = pause is not None
        exchange.fault = fault = self.faults.next(Endpoint.STREAM)
        self.exchanges.append(exchange)
        if fault is not None:
            return await self._fail(request, exchange, fault)
        if request.headers.get("Authorization") != f"Bearer {self.keys.bearer_token}":
            exchange.status, exchange.offence = 401, "not the app's bearer token"
            return web.json_response(refusal.unauthorized("").body, status=401)
        taken = self.limits.take(Endpoint.STREAM)
        response = web.StreamResponse(headers=dict(taken.headers))
        exchange.status = 200
        with contextlib.suppress(ConnectionError):
            await response.prepare(request)
            await self.stream.tell(response)
        if request.transport is not None:
            request.transport.abort()
        return response

    def _event(self, post: Post) -> Mapping[str, Any]:
        """A post with all that is known of it, in the spelling of 2.166."""
        return self._answers.post(post, Wanted.of({"tweet.fields": _EVERYTHING}))

    async def _token(self, request: web.Request) -> web.StreamResponse:
        """OAuth 2: a refresh token for a new pair (§1.2)."""
        given = dict(await request.post())
        exchange = Exchange(self.clock(), Endpoint.TOKEN, request.path, {})
        pause = self.limits.pause_at(Endpoint.TOKEN, exchange.at, self._grace)
        exchange.in_pause = pause is not None
        exchange.fault = fault = self.faults.next(Endpoint.TOKEN)
        self.exchanges.append(exchange)
        if fault is not None and not fault.after:
            return await self._fail(request, exchange, fault)
        try:
            self._check_token_request(request, given)
            pair = self.oauth2.exchange(str(given["refresh_token"]))
        except Refusal as error:
            exchange.status, exchange.refused = error.status, str(error)
            exchange.offence = error.offence
            body = {"error": error.body["title"], "error_description": error.body["detail"]}
            return web.json_response(body, status=error.status)
        if fault is not None:
            return await self._fail(request, exchange, _shape_of(fault))
        exchange.status = 200
        return web.json_response(pair)

    def _check_token_request(self, request: web.Request, given: Mapping[str, Any]) -> None:
        if set(given) - {"grant_type", "refresh_token", "client_id"}:
            raise refusal.invalid(f"unknown fields {sorted(given)}")
        if given.get("grant_type") != "refresh_token" or "refresh_token" not in given:
            raise refusal.invalid("not a refresh")
        pair = _basic(request.headers.get("Authorization", ""))
        if not self.oauth2.is_client(*pair, str(given.get("client_id", ""))):
            raise refusal.unauthorized("token: wrong client")

    async def _photo(self, request: web.Request) -> web.StreamResponse:
        """A photo's file, as pbs.twimg.com would give it out: no credentials asked for."""
        exchange = Exchange(self.clock(), Endpoint.PHOTO, request.path, dict(request.query))
        self.exchanges.append(exchange)
        if "Authorization" in request.headers:
            exchange.offence = "credentials sent to the photo host"
        exchange.fault = fault = self.faults.next(Endpoint.PHOTO)
        if fault is Fault.SLOW:
            await self._hold(request, self._slow_seconds)
        elif fault is not None:
            return await self._fail(request, exchange, fault)
        media = self.world.media.get(request.match_info["name"].partition(".")[0])
        exchange.status = 404 if media is None else 200
        if media is None:
            return web.Response(status=404)
        return web.Response(body=media.data, content_type=f"image/{media.format.lower()}")

    async def _nowhere(self, request: web.Request) -> web.StreamResponse:
        exchange = Exchange(self.clock(), Endpoint.NOWHERE, request.path, dict(request.query))
        exchange.status = 404
        exchange.offence = f"no such endpoint: {request.method} {request.path}"
        self.exchanges.append(exchange)
        return web.json_response(refusal.no_such(request.path).body, status=404)

    # Their parts

    def _page(self, found: list[Post], most: int, exchange: Exchange) -> _Reply:
        return self._paid(
            self._answers.page(found, most, Wanted.of(exchange.query)),
            owned=exchange.endpoint in _OWNED,
        )

    def _paid(self, answer: Answer, *, owned: bool = False) -> _Reply:
        """Put what the answer holds on the bill; `owned` reads are the cheap ones (§2)."""
        for post in answer.posts:
            mine = owned or post.author is self.world.bot
            price = Price.OWNED_READ if mine else Price.POST_READ
            self.world.bill.read(f"post {post.id}", price)
        for post in answer.others:
            self.world.bill.read(f"post {post.id}", Price.POST_READ)
        for person in answer.people:
            self.world.bill.read(f"user {person.id}", Price.USER_READ)
        return _Reply(200, answer.body)

    def _person(self, request: web.Request) -> Person:
        """Whose timeline; only the bot's own can be read here."""
        if request.match_info["id"] != self.world.bot.id:
            raise refusal.forbidden("Only your own.", offence="somebody else's timeline")
        return self.world.bot

    def _can_be_looked_up(self, post: Post) -> bool:
        """Old versions can be looked up by their ids, what is hidden cannot."""
        hidden = post.author.protected and post.author is not self.world.bot
        return not (post.deleted or post.author.suspended or hidden)


def _shape_of(fault: Fault) -> Fault:
    """The fault before acceptance that looks the same to the caller."""
    return Fault(fault.value.removesuffix(" after accept"))


def _too_many() -> dict[str, Any]:
    return refusal.Refusal(429, "Too Many Requests", "Too Many Requests").body


async def _json(request: web.Request) -> Any:
    if request.content_type != "application/json":
        raise refusal.invalid(f"the content type is {request.content_type}")
    try:
        return json.loads(await request.read())
    except ValueError as error:
        raise refusal.invalid("the body is no JSON") from error


async def _image_of(request: web.Request) -> tuple[dict[str, str], bytes]:
    """The multipart's fields and its image; only two parts are allowed (§5)."""
    if request.content_type != "multipart/form-data":
        raise refusal.invalid(f"the content type is {request.content_type}")
    fields: dict[str, str] = {}
    data = b""
    async for part in await request.multipart():
        part = cast("BodyPartReader", part)
        name = part.name or ""
        if name not in questions.UPLOAD_PARTS or name in fields:
            raise refusal.invalid(f"unknown part {name!r}")
        if name == "media":
            data = bytes(await part.read())
            fields[name] = ""
        else:
            fields[name] = await part.text()
    if not data:
        raise refusal.invalid("no image")
    return fields, data


def _look_at(data: bytes) -> tuple[str, tuple[int, int]]:
    """Format and size of an image that can really be read. Raises Refusal."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            image.load()
            form, size = str(image.format), image.size
    except (OSError, SyntaxError, ValueError) as error:
        raise refusal.invalid("the media is no image") from error
    if len(data) > (LARGEST_GIF if form == "GIF" else LARGEST_IMAGE):
        raise refusal.invalid(f"the image has {len(data)} bytes")
    return form, size


def _uploaded(media: Media, lasts: int) -> dict[str, Any]:
    return {
        "id": media.id,
        "media_key": media.key,
        "size": len(media.data),
        "expires_after_secs": lasts,
        "image": {
            "image_type": f"image/{media.format.lower()}",
            "w": media.width,
            "h": media.height,
        },
    }


def _basic(header: str) -> tuple[str, str]:
    """Name and password of a Basic authorization header."""
    try:
        decoded = base64.b64decode(header.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    name, _, password = decoded.partition(":")
    return name, password
