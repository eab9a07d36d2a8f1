"""Discord: commands, mentions and buttons, answered within a second and delivered once.

An interaction is written to the inbox, acknowledged, and answered by editing that very
answer, which may be repeated; where that is no longer possible, there is a ladder of
other ways. Nothing that people can click is kept in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Final

import aiohttp
from aiohttp import web
from yarl import URL

from bots import fetch
from bots.platform import Delivery, House, Manners
from bots.platforms._discord import manners
from bots.platforms._discord.address import NAME, Address
from bots.platforms._discord.arrivals import Arrivals
from bots.platforms._discord.cards import Cards
from bots.platforms._discord.caution import Caution
from bots.platforms._discord.clicks import Clicks
from bots.platforms._discord.connection import Client, Connection, tried
from bots.platforms._discord.counter import Counter
from bots.platforms._discord.delivery import Delivery as Ladder
from bots.platforms._discord.judging import Judging
from bots.platforms._discord.listening import Listener
from bots.platforms._discord.status import Status
from bots.platforms._discord.wishes import Wishes
from data.words import Media, PhotoRef, Receipt, Reply

#: Hosts of what people attach.
HOSTS: Final = ("cdn.discordapp.com", "media.discordapp.net")
#: Replies on their way at once: most of them only wait in Discord's limits.
ABREAST: Final = 48
#: For so long a photo's poster is asked whether somebody else may have it painted, in seconds.
ASKS_POSTERS: Final = 6 * 3_600.0


@contextlib.asynccontextmanager
async def open(house: House) -> AsyncIterator[Discord]:  # noqa: A001  every platform's door
    """Check the token, then be connected for the length of the scope. Raises SettingsError."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        discord = Discord(house, session)
        await tried(house.settings)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(discord.connection.run(), name="discord"),
                group.create_task(discord.arrivals.run(), name="discord arrivals"),
                group.create_task(discord.wishes.remember(), name="discord ways back"),
                group.create_task(discord.status.run(), name="discord status"),
                group.create_task(discord.status.mark(), name="discord marks"),
                group.create_task(discord.listener.chores(), name="discord chores"),
                group.create_task(discord.cards.run(), name="discord cards"),
            ]
            try:
                yield discord
            finally:
                for task in tasks:
                    task.cancel()


class Discord:
    name = NAME
    #: Discord takes 2,000 characters; what is escaped grows.
    text_limit = 1_700
    alt_limit = 1_024
    manners = Manners(
        live_times=True, tells_when_over=True, abreast=ABREAST, asks_posters=ASKS_POSTERS
    )

    def __init__(self, house: House, session: aiohttp.ClientSession) -> None:
        self._house = house
        self._session = session
        self.caution = Caution(time.monotonic)
        self.connection = Connection(house, self.caution, self._furnish)
        self.arrivals = Arrivals(house)
        self.status = Status(house, self.connection, self.caution, self.arrivals)
        self._ladder = Ladder(house, self.connection)
        places = manners.Manners(house)
        self.wishes = Wishes(house, self.arrivals, self.status, places)
        self.cards = Cards(house, self.connection)
        clicks, judging = Clicks(house, self.wishes, self._ladder), Judging(house)
        counter = Counter(house, clicks, places, self._ladder)
        self.listener = Listener(house, self.connection, self.wishes, clicks, counter, judging)

    def mount(self, app: web.Application) -> None:
        async def healthz(_request: web.Request) -> web.Response:
            state = self.connection.state
            return web.json_response(
                {
                    "ok": state == "ready",
                    "state": state,
                    "invalid_requests": self.caution.invalid,
                    "watched": self.status.watched,
                }
            )

        app.router.add_get("/healthz/discord", healthz)

    def mentions(self, cursor: str | None) -> AsyncGenerator[Delivery, None]:
        return self.arrivals.stream(cursor)

    async def photo(self, ref: PhotoRef) -> bytes:
        settings = self._house.settings
        api = URL(settings.discord_api_url)
        # Tests have both on this machine.
        hosts = (*HOSTS, api.authority) if api.scheme == "http" else HOSTS
        return await fetch.photo(self._session, ref.ref, hosts, settings.photo_bytes)

    async def prepare(self, _reply: Reply) -> Media:
        return Media()

    async def reply(self, reply: Reply) -> Receipt:
        """Deliver it, behind the acknowledgement and whatever was still being told."""
        await self.wishes.acknowledged(reply.address.get("interaction"))
        await self.status.close(reply.source_id)
        receipt = await self._ladder.reply(reply)
        waited = self._house.clock() - reply.asked_at
        address = Address.from_json(reply.address)
        self.status.finished(address, waited, pictures=bool(reply.pictures))
        return receipt

    async def find(self, reply: Reply) -> Receipt | None:
        return await self._ladder.find(reply)

    async def withdraw(self, receipt: Receipt) -> None:
        await self._ladder.withdraw(receipt)

    async def gone(self, _post_ids: Sequence[str]) -> set[str]:
        """Nobody needs to ask: Discord tells what was deleted."""
        return set()

    async def _furnish(self, client: Client) -> None:
        await self.listener.furnish(client)
