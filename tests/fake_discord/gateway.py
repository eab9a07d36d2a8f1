"""The gateway: one websocket a shard, sessions that can be resumed, zlib-stream (§11).

Events are put into a session's log under the next number; whoever holds the session
is sent what it has not had yet, so that a RESUME is the same loop from an earlier
number. A session without a socket keeps its log for as long as it may be resumed.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import WSMsgType, web

from tests.fake_discord.permissions import Permission
from tests.fake_discord.shapes import Json, Shapes, user
from tests.fake_discord.world import Interaction, Kind, Message, Place, World

if TYPE_CHECKING:
    from tests.fake_discord.server import FakeDiscord

GUILDS, GUILD_MEMBERS, PRESENCES = 1 << 0, 1 << 1, 1 << 8
GUILD_MESSAGES, GUILD_REACTIONS = 1 << 9, 1 << 10
DM_MESSAGES, DM_REACTIONS = 1 << 12, 1 << 13
MESSAGE_CONTENT = 1 << 15
PRIVILEGED = GUILD_MEMBERS | PRESENCES | MESSAGE_CONTENT
_ALL_INTENTS = (1 << 26) - 1

MOST_A_MINUTE = 120
LOG_KEPT = 20_000


@dataclass(eq=False, slots=True)
class Event:
    number: int
    text: str
    #: The interaction it carries: its clock runs from when it is sent.
    interaction: Interaction | None = None


@dataclass(eq=False, slots=True)
class Session:
    id: str
    shard: int
    intents: int
    number: int = 0
    log: deque[Event] = field(default_factory=lambda: deque(maxlen=LOG_KEPT))
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    line: Line | None = None

    def add(self, name: str, payload: Any, interaction: Interaction | None = None) -> None:
        self.number += 1
        body = {"op": 0, "t": name, "s": self.number, "d": payload}
        self.log.append(Event(self.number, orjson.dumps(body).decode(), interaction))


class Line:
    """One socket."""

    def __init__(self, ws: web.WebSocketResponse, request: web.Request, *, zipped: bool) -> None:
        self.ws = ws
        self.request = request
        self._zip = zlib.compressobj() if zipped else None
        self._sending = asyncio.Lock()
        self.sent: deque[float] = deque()

    async def send(self, text: str) -> None:
        async with self._sending:
            if self._zip is None:
                await self.ws.send_str(text)
            else:
                data = self._zip.compress(text.encode()) + self._zip.flush(zlib.Z_SYNC_FLUSH)
                await self.ws.send_bytes(data)

    async def op(self, code: int, payload: Any = None) -> None:
        await self.send(orjson.dumps({"op": code, "d": payload, "s": None, "t": None}).decode())

    def abort(self) -> None:
        if self.request.transport is not None:
            self.request.transport.abort()

    def is_flooding(self) -> bool:
        """Whether it sent more in a minute than a client may."""
        now = time.monotonic()
        self.sent.append(now)
        while self.sent[0] < now - 60:
            self.sent.popleft()
        return len(self.sent) > MOST_A_MINUTE


class _Closed(Exception):  # noqa: N818
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Gateway:
    def __init__(self, fake: FakeDiscord, *, shards: int, granted: int, beat: float) -> None:
        self._fake = fake
        self._world: World = fake.world
        self.shards = shards
        self._granted = granted
        self._beat = beat
        self._refusing = 0
        self._out = False
        self._frozen = asyncio.Event()
        self.sessions: dict[str, Session] = {}
        #: The payloads of what clients sent, and when.
        self.identifies: list[tuple[float, Json]] = []
        self.resumes: list[tuple[float, Json]] = []
        self.presences: list[tuple[float, Json]] = []
        #: Codes with which lines were closed by us.
        self.closed: list[int] = []

    @property
    def _shapes(self) -> Shapes:
        return self._fake.shapes

    @property
    def connected(self) -> int:
        return sum(each.line is not None for each in list(self.sessions.values()))

    # What a test does to it; from any thread

    def drop(self, *, resumable: bool = True) -> None:
        """Cut every line; sessions that are not `resumable` are forgotten, with their events."""

        def cut() -> None:
            for session in list(self.sessions.values()):
                if not resumable:
                    del self.sessions[session.id]
                if session.line is not None:
                    session.line.abort()

        self._fake.in_loop(cut)

    def reconnect(self) -> None:
        """Op 7: the client is asked to come again and resume."""
        self._fake.in_loop_async(lambda: self._to_all(7, None))

    def invalidate(self, *, resumable: bool = False) -> None:
        """Op 9: the session is over."""

        async def tell() -> None:
            lines = [s.line for s in self.sessions.values() if s.line is not None]
            if not resumable:
                self.sessions.clear()
            for line in lines:
                await line.op(9, resumable)

        self._fake.in_loop_async(tell)

    def close(self, code: int) -> None:
        """Close every line with a code, such as 4014."""

        async def close() -> None:
            for session in list(self.sessions.values()):
                if session.line is not None:
                    await session.line.ws.close(code=code)

        self._fake.in_loop_async(close)

    def refuse(self, connections: int) -> None:
        """Let the next so many connections fail."""
        self._refusing = connections

    def freeze(self) -> None:
        """Lines stay open, and nothing comes through any more: half open."""
        self._fake.in_loop(self._frozen.set)

    def thaw(self) -> None:
        self._fake.in_loop(self._frozen.clear)
        self._fake.in_loop(self._wake_all)

    @contextlib.contextmanager
    def outage(self, *, resumable: bool = True) -> Iterator[None]:
        """Nobody is let in; what happens meanwhile is kept for those that may resume."""
        self._out = True
        self.drop(resumable=resumable)
        self._fake.until(lambda: self.connected == 0)
        try:
            yield
        finally:
            self._out = False

    def send(self, name: str, payload: Any) -> None:
        """Any event, as malformed as you like."""
        self._emit(name, lambda _: payload, 0, None)

    # What the world tells it

    def hear_message(self, name: str, message: Message) -> None:
        """MESSAGE_CREATE or MESSAGE_UPDATE, to those who may see it."""
        if message.ephemeral_to is not None or not self._sees(message.place):
            return
        intent = GUILD_MESSAGES if message.place.guild else DM_MESSAGES
        self._emit(
            name,
            lambda s: self._shapes.message(message, reads_all=bool(s.intents & MESSAGE_CONTENT)),
            intent,
            message.place,
        )

    def hear_deletion(self, message: Message) -> None:
        if message.ephemeral_to is not None or not self._sees(message.place):
            return
        guild = message.place.guild
        where = {"guild_id": guild.id} if guild else {}
        payload = {"id": message.id, "channel_id": message.place.id, **where}
        intent = GUILD_MESSAGES if guild else DM_MESSAGES
        self._emit("MESSAGE_DELETE", lambda _: payload, intent, message.place)

    def hear_reaction(self, message: Message, emoji: str, by: str) -> None:
        if not self._sees(message.place):
            return
        guild = message.place.guild
        payload = {
            "user_id": by,
            "channel_id": message.place.id,
            "message_id": message.id,
            "emoji": {"id": None, "name": emoji},
            "burst": False,
            "burst_colors": [],
            "type": 0,
            **({"guild_id": guild.id} if guild else {}),
        }
        intent = GUILD_REACTIONS if guild else DM_REACTIONS
        self._emit("MESSAGE_REACTION_ADD", lambda _: payload, intent, message.place)

    def hear_place(self, place: Place, what: str) -> None:
        """`what` is CREATE, UPDATE or DELETE."""
        if place.guild is None or not place.guild.here:
            return
        name = f"THREAD_{what}" if place.is_thread else f"CHANNEL_{what}"
        new = {"newly_created": True} if place.is_thread and what == "CREATE" else {}
        self._emit(name, lambda _: {**self._shapes.place(place), **new}, GUILDS, place)

    def hear_guild(self, place: Place | None, name: str, payload: Json) -> None:
        self._emit(name, lambda _: payload, GUILDS, place)

    def hear_interaction(self, one: Interaction) -> None:
        self._emit("INTERACTION_CREATE", lambda _: one.payload, 0, one.place, interaction=one)

    def hear_of(self, name: str, payload: Json) -> None:
        """What every client hears, whatever its intents."""
        self._emit(name, lambda _: payload, 0, None)

    def _sees(self, place: Place) -> bool:
        here = place.bot_is_in and place.kind is not Kind.GROUP_DM
        return here and Permission.VIEW_CHANNEL in place.bot_may(self._world.clock())

    def _emit(
        self,
        name: str,
        payload: Callable[[Session], Any],
        intent: int,
        place: Place | None,
        *,
        interaction: Interaction | None = None,
    ) -> None:
        guild = place.guild if place else None
        shard = (int(guild.id) >> 22) % self.shards if guild else 0
        with self._world.lock:
            for session in list(self.sessions.values()):
                heard = session.intents & intent or not intent
                if session.shard == shard and heard:
                    session.add(name, payload(session), interaction)
        self._fake.in_loop(self._wake_all)

    def _wake_all(self) -> None:
        for session in self.sessions.values():
            session.wake.set()

    # The socket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if self._refusing > 0 or self._out:
            self._refusing -= not self._out
            return web.Response(status=503)
        ws = web.WebSocketResponse(max_msg_size=2**20)
        await ws.prepare(request)
        line = Line(ws, request, zipped=request.query.get("compress") == "zlib-stream")
        try:
            code = await self._talk(line)
            if code is not None:
                self.closed.append(code)
                await ws.close(code=code)
        except ConnectionError:
            pass  # the line is cut
        finally:
            self._fake.world.wake()
        return ws

    async def _talk(self, line: Line) -> int | None:
        """Until the client hangs up, or is hung up on with the code that is returned."""
        if line.request.query.get("v") != "10" or line.request.query.get("encoding") != "json":
            return 4012
        await line.op(10, {"heartbeat_interval": round(self._beat * 1000)})
        session: Session | None = None
        async with asyncio.TaskGroup() as writing:
            writer: asyncio.Task[None] | None = None
            try:
                while (said := await self._heard(line)) is not None:
                    op, data = said
                    if op not in (2, 6):
                        await self._answer(line, session, op, data)
                        continue
                    if session is not None:
                        return 4005
                    session, after = self._begin(line, op, data)
                    if session is None:
                        await line.op(9, False)
                    else:
                        writer = writing.create_task(self._write(session, line, after))
            except _Closed as end:
                return end.code
            except ConnectionError:
                return None
            finally:
                if writer is not None:
                    writer.cancel()
                if session is not None and session.line is line:
                    session.line = None
        return None

    async def _heard(self, line: Line) -> tuple[int, Any] | None:
        """The next thing a client says; None when it has hung up."""
        message = await line.ws.receive()
        if message.type is not WSMsgType.TEXT:
            return None
        if line.is_flooding():
            raise _Closed(4008)
        try:
            body = orjson.loads(message.data)
            return body["op"], body.get("d")
        except (ValueError, KeyError) as error:
            raise _Closed(4002) from error

    def _begin(self, line: Line, op: int, data: Json) -> tuple[Session | None, int]:
        if data.get("token") != self._fake.token:
            raise _Closed(4004)
        with self._world.lock:
            if op == 6:
                self.resumes.append((self._world.clock(), data))
                session = self.sessions.get(data["session_id"])
                if session is None or data["seq"] > session.number:
                    return None, 0
                session.add("RESUMED", {"_trace": []})
                after = data["seq"]
            else:
                self.identifies.append((self._world.clock(), data))
                session, after = self._identified(data), 0
        if session.line is not None:
            session.line.abort()
        session.line = line
        self._world.wake()
        return session, after

    def _identified(self, data: Json) -> Session:
        intents, shard = data["intents"], (data.get("shard") or [0, 1])
        if intents & ~_ALL_INTENTS:
            raise _Closed(4013)
        if intents & PRIVILEGED & ~self._granted:
            raise _Closed(4014)
        if shard[1] != self.shards or not 0 <= shard[0] < self.shards:
            raise _Closed(4010)
        for old in [each for each in self.sessions.values() if each.shard == shard[0]]:
            if old.line is None:
                del self.sessions[old.id]
        session = Session(secrets.token_hex(16), shard[0], intents)
        self.sessions[session.id] = session
        mine = [
            guild
            for guild in self._world.guilds.values()
            if guild.here and (int(guild.id) >> 22) % self.shards == shard[0]
        ]
        session.add(
            "READY",
            {
                "v": 10,
                "user": user(self._world.bot) | {"verified": True, "mfa_enabled": True},
                "guilds": [{"id": guild.id, "unavailable": True} for guild in mine],
                "session_id": session.id,
                "resume_gateway_url": self._fake.gateway_url,
                "shard": shard,
                "application": {"id": self._world.application, "flags": 0},
                "private_channels": [],
            },
        )
        for guild in mine:
            session.add("GUILD_CREATE", self._shapes.guild(guild))
        return session

    async def _answer(self, line: Line, session: Session | None, op: int, data: Any) -> None:
        if op == 1:
            if not self._frozen.is_set():
                await line.op(11)
        elif session is None:
            raise _Closed(4003)
        elif op == 3:
            self.presences.append((self._world.clock(), data))
            self._world.wake()
        elif op == 8:
            chunk = {"guild_id": str(data["guild_id"]), "members": [], "not_found": []}
            nonce = {"nonce": data["nonce"]} if data.get("nonce") else {}
            session.add("GUILD_MEMBERS_CHUNK", chunk | {"chunk_index": 0, "chunk_count": 1} | nonce)
            session.wake.set()
        elif op != 4:
            raise _Closed(4001)

    async def _write(self, session: Session, line: Line, after: int) -> None:
        """Send what a session has behind number `after`, for as long as the line holds."""
        with contextlib.suppress(ConnectionError):
            while True:
                session.wake.clear()
                for event in self._behind(session, after):
                    if self._frozen.is_set():
                        break
                    if event.interaction is not None and event.interaction.sent_at is None:
                        event.interaction.sent_at = self._world.clock()
                    await line.send(event.text)
                    after = event.number
                await session.wake.wait()

    def _behind(self, session: Session, after: int) -> list[Event]:
        with self._world.lock:
            found: list[Event] = []
            for event in reversed(session.log):
                if event.number <= after:
                    break
                found.append(event)
            return found[::-1]

    async def _to_all(self, op: int, payload: Any) -> None:
        for session in list(self.sessions.values()):
            if session.line is not None:
                await session.line.op(op, payload)
