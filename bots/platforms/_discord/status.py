"""What an asker sees while they wait: one line, edited seldom; the final edit always wins.

Where an answer stands in already, its text is edited: place in line, when, how far. Under
a message a ⏳ is set once it takes a while, and changed for a ✅ with the picture.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import discord
import structlog

from bots import wording
from bots.platform import House, PlatformError
from bots.platforms._discord import buttons
from bots.platforms._discord.address import NAME, Address
from bots.platforms._discord.arrivals import Arrivals
from bots.platforms._discord.caution import Caution
from bots.platforms._discord.connection import Client, Connection
from bots.platforms._discord.delivery import ORIGINAL, webhook
from bots.platforms._discord.refusals import FAILURES
from bots.platforms._discord.turns import Turns
from data import line, mentions
from data.store import Connection as Look
from data.words import JobState, Mention, Ticket

#: Between two edits of one answer, in seconds.
COALESCED: Final = 2.5
#: What is answered sooner than this needs no word before, in seconds.
PATIENCE: Final = 1.0
#: From then on a message gets its ⏳, in seconds.
A_WHILE: Final = 5.0
#: Between two looks at those who wait, how many are looked at, and edited, at once.
PASS: Final = 0.5
LOOKS, EDITS = 40, 8
#: An edit that takes longer than this is let go, in seconds: the next one tells more.
SLOW: Final = 5.0
#: Those who have waited longer are not told any more, in seconds.
LONGEST: Final = 3_600.0
#: Marks to be changed later; the oldest are let go where there are more.
MARKS: Final = 1_000
#: The file's name of what a picture looks like so far.
SKETCH: Final = "sketch.webp"
WAITING, DONE = "⏳", "✅"
_UNTOLD: Final = frozenset({"refused", "answered", JobState.COMPLETED, JobState.DISCARDED})
#: Of what waits it is told, at the end of the process, that it is kept.
_KEPT: Final = frozenset({"received", JobState.AVAILABLE, JobState.RETRYABLE})
_OVER: Final = frozenset({JobState.CANCELLED, JobState.EXPIRED})


@dataclass(eq=False, slots=True)
class Watch:
    """Somebody who waits, and what they were told last."""

    source_id: str
    address: Address
    language: str | None
    since: float
    told: str = ""
    told_at: float = 0.0
    sketch: bytes | None = None
    closed: bool = False
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Status:
    def __init__(
        self, house: House, connection: Connection, caution: Caution, arrivals: Arrivals
    ) -> None:
        self._house = house
        self._arrivals = arrivals
        self._connection = connection
        self._caution = caution
        self._watches: dict[str, Watch] = {}
        self._to_mark: deque[tuple[Address, bool]] = deque(maxlen=MARKS)
        self._marking = asyncio.Event()
        #: Of the reactions, which share one bucket, whether they come or go.
        self._turns = Turns()

    @property
    def watched(self) -> int:
        return len(self._watches)

    def watch(self, mention: Mention, address: Address) -> None:
        """Tell them how it goes, from now on until `close`."""
        self._watches[mention.source_id] = Watch(
            mention.source_id, address, mention.language, self._house.clock()
        )

    async def close(self, source_id: str) -> None:
        """Nothing is told any more; what is on its way is waited for, so it can't come late."""
        watch = self._watches.pop(source_id, None)
        if watch is not None:
            watch.closed = True
            async with watch.turn:
                pass

    async def run(self) -> None:
        """Take up those who wait from before, then tell all who wait, for ever."""
        since = self._house.clock() - LONGEST
        for mention in await self._house.store.read(lambda c: mentions.awaited(c, NAME, since)):
            with contextlib.suppress(KeyError, TypeError):
                self.watch(mention, Address.from_json(mention.address))
        while True:
            await asyncio.sleep(PASS)
            with contextlib.suppress(PlatformError):
                await self._tell_some(self._connection.client)

    def finished(self, address: Address, waited: float, *, pictures: bool) -> None:
        """The ⏳ under somebody's message, if they `waited` long enough for one, becomes a ✅.

        When there is time for it: nobody's picture waits for somebody else's mark.
        """
        if address.interaction is None and waited >= A_WHILE:
            self._to_mark.append((address, pictures))
            self._marking.set()

    async def mark(self) -> None:
        """Change the marks of those who have their answer, for ever."""
        while True:
            await self._marking.wait()
            self._marking.clear()
            while self._to_mark and not self._caution.high:
                address, pictures = self._to_mark.popleft()
                with contextlib.suppress(PlatformError, *FAILURES):
                    await self._mark(self._connection.client, address, pictures=pictures)

    async def _mark(self, client: Client, address: Address, *, pictures: bool) -> None:
        message = _message(client, address)
        async with self._turns.of(address.channel):
            if client.user is not None:
                with contextlib.suppress(discord.NotFound):
                    await message.remove_reaction(WAITING, client.user)
            if pictures:
                await message.add_reaction(DONE)

    async def _tell_some(self, client: Client) -> None:
        """Look at those who were looked at longest ago; tell a few of them what has changed."""
        now = self._house.clock()
        ripe = [watch for watch in self._watches.values() if self._is_ripe(watch, now)]
        ripe.sort(key=lambda watch: watch.told_at)
        some = ripe[:LOOKS]
        # Who waits for an acknowledgement comes before who waits for news.
        if not some or self._caution.high or not self._arrivals.answered.is_set():
            return
        tickets = await self._house.store.read(lambda c: self._tickets(c, some, now))
        told = 0
        async with asyncio.TaskGroup() as group:
            for watch, ticket in zip(some, tickets, strict=True):
                text, sketch = self._text(watch, ticket, now), self._sketch(watch, ticket)
                watch.told_at = now
                new = (text, sketch) != (watch.told, watch.sketch)
                if text is not None and new and told < EDITS:
                    told += 1
                    group.create_task(self._tell(client, watch, ticket, text, sketch))

    def _is_ripe(self, watch: Watch, now: float) -> bool:
        if self._arrivals.closed and not watch.told:
            return True
        patience = PATIENCE if watch.address.interaction is not None else A_WHILE
        return now - watch.since >= patience and now - watch.told_at >= COALESCED

    def _tickets(self, c: Look, watches: Sequence[Watch], now: float) -> list[Ticket | None]:
        return [line.ticket(c, NAME, watch.source_id, now) for watch in watches]

    def _text(self, watch: Watch, ticket: Ticket | None, now: float) -> str | None:
        """What to tell, None where nothing is, and nothing will be."""
        expired = watch.address.interaction is not None and not watch.address.token_at(now)
        if ticket is None or ticket.state in _UNTOLD or expired or now - watch.since > LONGEST:
            self._watches.pop(watch.source_id, None)
            return None
        if watch.address.interaction is None:
            if ticket.state in _OVER:
                self._watches.pop(watch.source_id, None)
                return None
            return WAITING
        if self._arrivals.closed and ticket.state in _KEPT:
            return wording.phrase("restarting", watch.language)
        progress = self._house.progress(ticket.job_id) if ticket.job_id is not None else None
        return wording.status(ticket, progress, watch.language, now=now)

    async def _tell(
        self, client: Client, watch: Watch, ticket: Ticket | None, text: str, sketch: bytes | None
    ) -> None:
        async with watch.turn:
            if watch.closed:
                return
            try:
                async with asyncio.timeout(SLOW):
                    await self._show(client, watch, ticket, text, sketch)
                watch.told, watch.sketch = text, sketch
            except FAILURES as error:
                structlog.get_logger().debug("status not told", error=repr(error))
                if isinstance(error, discord.HTTPException) and error.status < 500:
                    self._watches.pop(watch.source_id, None)
        if ticket is not None and ticket.state in _OVER:
            self._watches.pop(watch.source_id, None)

    async def _show(
        self, client: Client, watch: Watch, ticket: Ticket | None, text: str, sketch: bytes | None
    ) -> None:
        if watch.address.interaction is None:
            async with self._turns.of(watch.address.channel):
                await _message(client, watch.address).add_reaction(WAITING)
            return
        over = ticket is None or ticket.job_id is None or ticket.state in _OVER
        view = None if over or ticket is None else ticket.job_id
        # The sketch that is there goes with this edit, whether another comes or not.
        attached = [_sketch_file(sketch, watch)] if sketch is not None else []
        options: dict[str, Any] = {"attachments": attached} if attached or watch.sketch else {}
        await webhook(client, watch.address).edit_message(
            ORIGINAL,
            content=text,
            view=buttons.while_queued(view, watch.language) if view is not None else None,
            **options,
        )

    def _sketch(self, watch: Watch, ticket: Ticket | None) -> bytes | None:
        """What the picture looks like so far, where it can be shown. Asking has one made."""
        if watch.address.interaction is None or ticket is None or ticket.job_id is None:
            return None
        drawn = ticket.state == JobState.EXECUTING
        return self._house.sketch(ticket.job_id) if drawn else None


def _sketch_file(sketch: bytes, watch: Watch) -> discord.File:
    """As covered as the picture will be."""
    alt = wording.phrase("sketch", watch.language)
    spoiler = watch.address.spoiler
    return discord.File(io.BytesIO(sketch), SKETCH, spoiler=spoiler, description=alt)


def _message(client: Client, address: Address) -> discord.PartialMessage:
    channel = client.get_partial_messageable(int(address.channel or 0))
    return channel.get_partial_message(int(address.message or 0))
