"""The fake's socket: routes, the order in which Discord judges a request, and the log of all.

`FakeDiscord` is a scope: a thread with a loop of its own, on a free loopback port. A
request meets, in this order, the faults before acceptance, the limits, the token, the
rules for bodies, the world, and the faults after acceptance. Whatever happens is in
`exchanges`.
"""

from __future__ import annotations

import asyncio
import base64
import re
import secrets
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

import orjson
from aiohttp import BodyPartReader, web

from tests.fake_discord import refusal
from tests.fake_discord.answers import Answers
from tests.fake_discord.application import Application
from tests.fake_discord.call import Call, Exchange, Handler, Reply
from tests.fake_discord.channels import Channels
from tests.fake_discord.endpoints import Endpoint
from tests.fake_discord.faults import Fault, FaultScript
from tests.fake_discord.gateway import Gateway
from tests.fake_discord.limits import Caps, Limits, Taken
from tests.fake_discord.people import Person, Server
from tests.fake_discord.refusal import Refusal
from tests.fake_discord.rules import Upload
from tests.fake_discord.shapes import Shapes
from tests.fake_discord.world import Interaction, Kind, Message, Place, World

API = "/api/v10"
LARGEST_BODY = 128 * 2**20
_HTML = "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
_VIA = {"Via": "1.1 google"}
#: How long `until` waits between two looks when nothing wakes it.
_GLANCE = 0.03
#: And at least so long, so that it leaves the lock to others.
_BREATH = 0.005


class FakeDiscord:
    """`with FakeDiscord() as discord:` or `async with`; the defaults are Discord's own."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        bot: str = "muralist",
        ack_seconds: float = 3.0,
        token_seconds: float = 900.0,
        nonce_seconds: float = 180.0,
        photo_seconds: float = 86_400.0,
        caps: Caps | None = None,
        per_second: int = 50,
        most_invalid: int = 10_000,
        shards: int = 1,
        skus: tuple[str, ...] = (),
        granted: int = 0,
        hides_referenced: bool = True,
        beat: float = 41.25,
        held_seconds: float = 30.0,
        slow_seconds: float = 0.5,
        storm_seconds: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.clock = clock
        self.world = World(clock, bot=bot, photo_seconds=photo_seconds)
        self.world.skus = {name: self.world.new_id() for name in skus}
        self.limits = Limits(clock, caps, per_second=per_second, most_invalid=most_invalid)
        self.faults = FaultScript(seed)
        self.exchanges: list[Exchange] = []
        #: Called with every request, before it is judged and after, in the fake's own thread.
        self.before: Callable[[Exchange], None] = _nothing
        self.after: Callable[[Exchange], None] = _nothing
        #: Tokens of interactions, and whose they are.
        self.by_token: dict[str, Interaction] = {}
        self.token = _token(self.world.bot.id)
        self.url = ""
        self._hides_referenced = hides_referenced
        self._held_seconds = held_seconds
        self._slow_seconds = slow_seconds
        self._storm_seconds = storm_seconds
        self.gateway = Gateway(self, shards=shards, granted=granted, beat=beat)
        self.application = Application(self)
        self.channels = Channels(self, nonce_seconds)
        self.answers = Answers(self, ack_seconds=ack_seconds, token_seconds=token_seconds)
        self._people: dict[str, Person] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._live, name="fake-discord", daemon=True)
        self._started = threading.Event()
        self._stop = asyncio.Event()

    # The scope

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(30), "the fake Discord did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self.in_loop(self._stop.set)
        self._thread.join(30)

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.__exit__)

    # What a test asks

    @property
    def api_url(self) -> str:
        return f"{self.url}{API}"

    @property
    def gateway_url(self) -> str:
        return f"{self.url.replace('http', 'ws', 1)}/gateway"

    @property
    def cdn_url(self) -> str:
        return self.url

    @property
    def tag(self) -> str:
        """What tags the bot in a text."""
        return f"<@{self.world.bot.id}>"

    @property
    def sku_ids(self) -> set[str]:
        return set(self.world.skus.values())

    @property
    def shapes(self) -> Shapes:
        return Shapes(self.world, self.cdn_url, self._hides_referenced)

    def settings(self) -> dict[str, str]:
        """The bot's settings, without their prefix, to reach this Discord."""
        return {
            "DISCORD_TOKEN": self.token,
            "DISCORD_API_URL": self.api_url,
            "DISCORD_GATEWAY_URL": self.gateway_url,
        }

    def canaries(self) -> tuple[str, ...]:
        """Everything that must be in no log and no answer to anybody."""
        return (self.token, *self.by_token)

    def requests(self, endpoint: Endpoint) -> list[Exchange]:
        return [each for each in list(self.exchanges) if each.endpoint is endpoint]

    def until(self, ready: Callable[[], object], seconds: float = 30.0) -> None:
        """Wait until so. Raises AssertionError with what was seen last."""
        deadline = time.monotonic() + seconds
        while True:
            with self.world.changed:
                if ready():
                    return
                assert time.monotonic() < deadline, f"not within {seconds} s\n{self.summary()}"
                self.world.changed.wait(_GLANCE)
            time.sleep(_BREATH)

    async def happens(self, ready: Callable[[], object], seconds: float = 30.0) -> None:
        await asyncio.to_thread(self.until, ready, seconds)

    def until_ready(self, seconds: float = 60.0) -> None:
        """Until every shard is connected and there are commands."""
        self.until(
            lambda: self.gateway.connected == self.gateway.shards and self.world.commands[""],
            seconds,
        )

    def summary(self) -> str:
        """The last requests and messages, for a failing test."""
        lines = [
            f"{e.endpoint.name if e.endpoint else e.path} {e.status} {e.refused} {e.fault or ''}"
            for e in self.exchanges[-15:]
        ]
        lines += [
            f"{m.place.name or m.place.kind.name}: {m.words[:100]!r} {len(m.pictures)} pictures"
            for m in self.world.of_the_bot()[-10:]
        ]
        lines.append(f"{self.gateway.connected} of {self.gateway.shards} shards connected")
        return "\n".join(lines)

    # Making the world

    def person(self, name: str, *, locale: str | None = None) -> Person:
        """The one of that name: the same on every call."""
        with self.world.lock:
            user = self.world.user(name, locale=locale)
            if name not in self._people:
                self._people[name] = Person(self, user)
            return self._people[name]

    def guild(
        self, name: str, *, boosts: int = 0, here: bool = True, locale: str = "en-US"
    ) -> Server:
        """A new server; the bot hears of it when it is `here`."""
        with self.world.lock:
            made = Server(self.world.new_id(), name, boosts, here, locale)
            made.fake = self
            self.world.guilds[made.id] = made
        if here:
            self.gateway.hear_guild(None, "GUILD_CREATE", self.shapes.guild(made))
        return made

    def dm(self, person: Person) -> Place:
        return self.world.dm(person.user)

    def group_dm(self, *people: Person) -> Place:
        users = tuple(each.user for each in people)
        return self.world.add_place(Place(self.world.new_id(), Kind.GROUP_DM, "", recipients=users))

    def left_behind(self, place: Place, *custom_ids: str) -> Message:
        """A message with buttons that a version of the bot posted which is long gone."""
        buttons = [{"type": 2, "style": 2, "label": each, "custom_id": each} for each in custom_ids]
        rows = [
            {"type": 1, "id": n, "components": buttons[n : n + 5]}
            for n in range(0, len(buttons), 5)
        ]
        old = self.clock() - 30 * 86_400
        message = Message(
            self.world.new_id(old), place, self.world.bot, "from long ago", old, components=rows
        )
        return self.world.keep(message)

    # The thread

    def in_loop(self, act: Callable[[], object]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(act)

    def in_loop_async(self, act: Callable[[], Awaitable[object]]) -> None:
        async def run() -> None:
            await act()

        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(run(), self._loop)

    def _live(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
            await site.start()
            host, port = runner.addresses[0][:2]
            self.url = f"http://{host}:{port}"
            self._started.set()
            await self._stop.wait()
        finally:
            self.gateway.drop()
            await runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY)
        handlers: dict[Endpoint, Handler] = {
            **self.application.handlers(),
            **self.channels.handlers(),
            **self.answers.handlers(),
        }
        for endpoint in Endpoint:
            if endpoint is Endpoint.FILE:
                continue
            door = self._door(endpoint, handlers[endpoint])
            app.router.add_route(endpoint.method, API + endpoint.path, door)
        app.router.add_get("/gateway", self.gateway.serve)
        for kind in ("attachments", "ephemeral-attachments"):
            path = Endpoint.FILE.path.replace("attachments", kind, 1)
            app.router.add_get(path, self._file)
        app.router.add_route("*", "/{anything:.*}", self._nowhere)
        return app

    # The order of judgement

    def _door(
        self, endpoint: Endpoint, handler: Handler
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            exchange = Exchange(self.clock(), endpoint, request.path, dict(request.query))
            exchange.multipart = request.content_type.startswith("multipart/")
            exchange.fault = fault = self.faults.next(endpoint)
            self.exchanges.append(exchange)
            self.before(exchange)
            try:
                if fault is Fault.SLOW:
                    await self._hold(request, self._slow_seconds)
                elif fault is not None and not fault.after:
                    return await self._fail(request, exchange, fault)
                response = await self._judged(request, exchange, handler)
                self.after(exchange)
                if fault is not None and fault.after and response.status < 300:
                    return await self._fail(request, exchange, _shape_of(fault))
                exchange.status = response.status
                return response
            except ConnectionError:
                return web.Response()  # the caller died in the middle of its request
            finally:
                self.limits.count(exchange.status)
                self.world.wake()

        return serve

    async def _judged(
        self, request: web.Request, exchange: Exchange, handler: Handler
    ) -> web.Response:
        headers: Mapping[str, str] = {}
        try:
            endpoint = exchange.endpoint
            assert endpoint is not None
            call = await _read(request, endpoint, exchange)
            taken = self.limits.take(endpoint, call.major)
            headers = taken.headers
            if not taken.allowed:
                return _too_many(taken)
            given = request.headers.get("Authorization", "")
            if not endpoint.by_token and given != f"Bot {self.token}":
                raise refusal.unauthorized("no token of this bot's")
            with self.world.lock:
                reply = handler(call)
        except Refusal as error:
            exchange.refused, exchange.offence = str(error), error.offence
            exchange.code = error.code
            reply = Reply(error.status, error.body)
        return _answer(reply, headers)

    async def _fail(
        self, request: web.Request, exchange: Exchange, fault: Fault
    ) -> web.StreamResponse:
        if fault in (Fault.DROP, Fault.TIMEOUT):
            if fault is Fault.TIMEOUT:
                await self._hold(request, self._held_seconds)
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        await request.read()
        response = self._faulty_answer(exchange, request, fault)
        exchange.status = response.status
        return response

    def _faulty_answer(
        self, exchange: Exchange, request: web.Request, fault: Fault
    ) -> web.Response:
        assert exchange.endpoint is not None
        if fault in (Fault.RATE_LIMITED, Fault.GLOBAL_429):
            major = Call(exchange.endpoint, request.match_info, {}, None, 0).major
            whole = fault is Fault.GLOBAL_429
            return _too_many(
                self.limits.storm(exchange.endpoint, major, self._storm_seconds, is_global=whole)
            )
        refusals = {
            Fault.UNAUTHORIZED: refusal.unauthorized(""),
            Fault.FORBIDDEN: refusal.missing_permissions(),
            Fault.UNKNOWN_WEBHOOK: refusal.unknown_webhook(),
            Fault.BLOCKED: refusal.blocked_by_automod(),
        }
        if fault in refusals:
            exchange.code = refusals[fault].code
            return _answer(Reply(refusals[fault].status, refusals[fault].body))
        if fault is Fault.CLOUDFLARE_429:
            return web.Response(status=429, text="error code: 1015", content_type="text/plain")
        if fault is Fault.HTML_502:
            return web.Response(status=502, text=_HTML, content_type="text/html")
        status = 500 if fault is Fault.JSON_500 else 503
        return _answer(Reply(status, {"message": f"{status}: Internal Server Error", "code": 0}))

    async def _hold(self, request: web.Request, seconds: float) -> None:
        """Say nothing, until the caller goes away or so much real time has passed."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._stop.is_set():
            if request.transport is None or request.transport.is_closing():
                return
            await asyncio.sleep(0.02)

    # Besides the API

    async def _file(self, request: web.Request) -> web.StreamResponse:
        exchange = Exchange(self.clock(), Endpoint.FILE, request.path, dict(request.query))
        exchange.fault = fault = self.faults.next(Endpoint.FILE)
        self.exchanges.append(exchange)
        if fault is not None:
            return await self._fail(request, exchange, _shape_of(fault) if fault.after else fault)
        found = self.world.attachments.get(request.match_info["attachment"])
        signed = all(name in request.query for name in ("ex", "is", "hm"))
        if found is None or not signed or self.clock() > found.until:
            exchange.status = 404
            return web.Response(status=404, text="This content is no longer available.")
        exchange.status = 200
        return web.Response(body=found.data, content_type=found.media_type)

    async def _nowhere(self, request: web.Request) -> web.StreamResponse:
        error = refusal.no_route(f"{request.method} {request.path}")
        exchange = Exchange(self.clock(), None, request.path, dict(request.query))
        exchange.status, exchange.refused, exchange.offence = 404, str(error), error.offence
        self.exchanges.append(exchange)
        return _answer(Reply(error.status, error.body))


def _nothing(_: Exchange) -> None:
    pass


def _token(bot_id: str) -> str:
    """Its first part is the bot's id, as in a real one."""
    first = base64.urlsafe_b64encode(bot_id.encode()).decode().rstrip("=")
    return f"{first}.{secrets.token_urlsafe(4)}.{secrets.token_urlsafe(28)}"


def _shape_of(fault: Fault) -> Fault:
    """What a fault after acceptance looks like from outside."""
    return Fault(fault.value.removesuffix(" after accept"))


def _answer(reply: Reply, headers: Mapping[str, str] | None = None) -> web.Response:
    """Exactly `application/json`: with a charset behind it discord.py reads text (§11)."""
    if reply.status == 204:
        return web.Response(status=204, headers={**_VIA, **(headers or {})})
    return web.Response(
        status=reply.status,
        body=orjson.dumps(reply.body),
        headers={"Content-Type": "application/json", **_VIA, **(headers or {})},
    )


def _too_many(taken: Taken) -> web.Response:
    if taken.banned:
        return web.Response(status=429, text="error code: 1015", content_type="text/plain")
    body = {
        "message": "You are being rate limited.",
        "retry_after": taken.retry_after,
        "global": taken.is_global,
    }
    return _answer(Reply(429, body), taken.headers)


async def _read(request: web.Request, endpoint: Endpoint, exchange: Exchange) -> Call:
    """The request's body, JSON or multipart. Raises Refusal."""
    files: dict[int, Upload] = {}
    body: Any = {}
    if request.content_type.startswith("multipart/"):
        body, files = await _parts(request)
    elif request.can_read_body:
        data = await request.read()
        if data and request.content_type != "application/json":
            raise refusal.form("body", f"content type {request.content_type}")
        body = _json(data)
    exchange.body = body
    exchange.files = tuple(len(file.data) for file in files.values())
    return Call(endpoint, request.match_info, exchange.query, body, exchange.at, files)


async def _parts(request: web.Request) -> tuple[Any, dict[int, Upload]]:
    body: Any = {}
    files: dict[int, Upload] = {}
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        data = bytes(await part.read(decode=False))
        if part.name == "payload_json":
            body = _json(data)
        elif found := re.fullmatch(r"files\[(\d+)\]", part.name or ""):
            files[int(found[1])] = Upload(part.filename or "file", data)
        else:
            raise refusal.form(part.name or "part", "neither payload_json nor files[n]")
    return body, files


def _json(data: bytes) -> Any:
    try:
        return orjson.loads(data) if data else {}
    except ValueError as error:
        raise refusal.Refusal(400, 50109, "The request body contains invalid JSON.") from error
