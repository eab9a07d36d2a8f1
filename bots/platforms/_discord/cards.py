"""Cards on Discord: posted once, kept true until they are over, alive after any restart.

The intent is written before the message is sent, and a message whose sending has no
known outcome is looked for before it is sent again. Edits may be repeated. What a
button does is in `judging.py`; a decision made anywhere is seen here by its row.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import discord
import structlog
from discord import ui

from bots import cards as words
from bots.platform import House, Outcome, PlatformError
from bots.platforms._discord import faces, refusals
from bots.platforms._discord.address import NAME, nonce, parts, snowflake
from bots.platforms._discord.connection import Client, Connection
from bots.platforms._discord.faces import Face
from bots.platforms._discord.refusals import FAILURES, OtherWayError
from data import cards, consent
from data.cards import About, Card
from data.consent import Answer
from data.store import Connection as Look

BUTTON: Final = re.compile(r"mc:(?P<verb>[a-z]{1,20}):(?P<card>[0-9]{1,18})")
#: How often to look for what another process decided, and at least between two looks, in seconds.
POLL, PACE = 1.0, 0.5
#: Posts and edits of one round in one channel: Discord takes few, and other channels wait.
HANDFUL: Final = 3
#: Seconds one of them may take, waits in Discord's limits included.
TIMEOUT: Final = 30.0
#: How far back a message of ours is looked for, in seconds, and in messages.
BACK, DEEP = 120.0, 300
LONGEST_WAIT: Final = 3_600.0
_STYLES: Final = {
    "approve": discord.ButtonStyle.success,
    "agree": discord.ButtonStyle.success,
    "overturn": discord.ButtonStyle.success,
    "reject": discord.ButtonStyle.danger,
    "uphold": discord.ButtonStyle.danger,
}


class Press(ui.DynamicItem[ui.Button[Any]], template=BUTTON):
    """Any button of a card, of any age."""

    def __init__(self, verb: str, card: int, label: str = "-") -> None:
        style = _STYLES.get(verb, discord.ButtonStyle.secondary)
        super().__init__(ui.Button(label=label, style=style, custom_id=ident(verb, card)))
        self.verb, self.card = verb, card

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: ui.Item[Any], match: re.Match[str], /
    ) -> Press:
        return cls(match["verb"], int(match["card"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.client.judging.press(interaction, self.verb, self.card)


def ident(verb: str, card: int) -> str:
    return f"mc:{verb}:{card}"


class Cards:
    def __init__(self, house: House, connection: Connection) -> None:
        self._house = house
        self._connection = connection

    async def run(self) -> None:
        """Post what is wanted and keep it true, for ever."""
        while True:
            heard = self._house.store.bell.rings
            with contextlib.suppress(PlatformError):
                await self.round(self._connection.client)
            await asyncio.sleep(PACE)
            await self._house.store.bell.after(heard, POLL)

    async def round(self, client: Client) -> None:
        """What has changed by now, some of it in each channel; channels beside each other."""
        await self._want()
        places: dict[str, list[tuple[Card, Face | None]]] = defaultdict(list)
        for card, face in await self._house.store.read(self._changed):
            places[card.channel].append((card, face))
        async with asyncio.TaskGroup() as group:
            for some in places.values():
                group.create_task(self._show_some(client, some[:HANDFUL]))

    async def _want(self) -> None:
        """Looking costs no write, which would ring the bell this waits for."""
        channel, now = self._house.settings.discord_mod_channel, self._house.clock()
        found = await self._house.store.read(lambda c: cards.wanted(c, NAME, channel))
        if not found:
            return

        def act(c: Look) -> None:
            for about, number, where in found:
                cards.want(c, about, number, NAME, where, now)

        await self._house.store.write(act)

    def _changed(self, c: Look) -> list[tuple[Card, Face | None]]:
        """Cards that do not say what is true, with what is."""
        now = self._house.clock()
        looked_at = [
            (card, faces.face(c, self._house, card)) for card in cards.standing(c, NAME, now)
        ]
        return [
            (card, face)
            for card, face in looked_at
            if face is None or face.digest != card.shows or face.over
        ]

    async def _show_some(self, client: Client, some: Sequence[tuple[Card, Face | None]]) -> None:
        for card, face in some:
            try:
                async with asyncio.timeout(TIMEOUT):
                    await self._show(client, card, face)
            except FAILURES as error:
                await self._failed(card, refusals.judged(error))

    async def _show(self, client: Client, card: Card, face: Face | None) -> None:
        now = self._house.clock()
        if face is None or (face.over and card.message is None and card.posting_at is None):
            await self._house.store.write(lambda c: cards.let_go(c, card, now))
            return
        message, shows = card.message, face.digest
        channel = client.get_partial_messageable(int(card.channel))
        if message is None:
            # Found or sent just now, it may say what was true before.
            message, shows = await self._sent(client, channel, card, face)
        elif shows != card.shows:
            await self._edit(channel, int(message), card, face)
        over = face.over and shows == face.digest
        await self._house.store.write(
            lambda c: cards.shown(c, card, message, shows, now, over=over)
        )

    async def _sent(
        self, client: Client, channel: discord.PartialMessageable, card: Card, face: Face
    ) -> tuple[str, str]:
        """The message, and the digest of what it says where that is known."""
        if card.posting_at is not None:
            found = await self._find(client, channel, card, card.posting_at)
            if found is not None:
                return found, ""
        now = self._house.clock()
        await self._house.store.write(lambda c: cards.intend(c, card, now))
        message = await channel.send(
            face.text,
            files=await self._files(face),
            view=self._view(card, face),
            suppress_embeds=True,
            nonce=nonce(f"card:{card.id}", card.about),
            allowed_mentions=_only(face.calls),
            **_reference(card),
        )
        return str(message.id), face.digest

    async def _find(
        self, client: Client, channel: discord.PartialMessageable, card: Card, since: float
    ) -> str | None:
        """A message of ours with this card's buttons."""
        me = client.user.id if client.user else 0
        after = discord.Object(snowflake(since - BACK))
        async for message in channel.history(limit=DEEP, after=after):
            if message.author.id == me and _is_card(message, card.id):
                return str(message.id)
        return None

    async def _edit(
        self, channel: discord.PartialMessageable, message: int, card: Card, face: Face
    ) -> None:
        """A picture once sent stays until the card is over."""
        options: dict[str, Any] = {"attachments": []} if face.over else {}
        await channel.get_partial_message(message).edit(
            content=face.text,
            view=self._view(card, face),
            allowed_mentions=discord.AllowedMentions.none(),
            **options,
        )

    def _view(self, card: Card, face: Face) -> ui.View:
        """Finished from the start, so that the library keeps nothing of it."""
        view = ui.View(timeout=None)
        for verb, label in face.buttons:
            view.add_item(Press(verb, card.id, label))
        address = self._house.settings.moderation_url
        if address is not None and face.wish is not None:
            link = f"{address}/moderation/wishes/{face.wish}"
            view.add_item(ui.Button(label=words.CONSOLE, url=link))
        view.stop()
        return view

    async def _files(self, face: Face) -> list[discord.File]:
        if face.picture is None:
            return []
        path = self._house.pictures.path(face.picture)
        try:
            data = await asyncio.to_thread(lambda: faces.veiled(path.read_bytes()))
        except OSError as error:
            structlog.get_logger().warning("a card without its picture", error=repr(error))
            return []
        return [discord.File(io.BytesIO(data), filename="veiled.webp", spoiler=True)]

    async def _failed(self, card: Card, error: OtherWayError | PlatformError) -> None:
        """What Discord does not know any more is let go; the rest waits, longer each time."""
        now, log = self._house.clock(), structlog.get_logger().bind(card=card.id)
        if isinstance(error, OtherWayError) and error.code == refusals.UNKNOWN_MESSAGE:
            await self._house.store.write(lambda c: cards.let_go(c, card, now))
            return
        if isinstance(error, OtherWayError) and card.about is About.REQUEST and not card.message:
            log.info("nobody could be asked", error=str(error))
            await self._house.store.write(lambda c: _unasked(c, card, now))
            return
        wait = min(LONGEST_WAIT, 2.0 ** min(card.attempts + 1, 16))
        if isinstance(error, OtherWayError):
            log.error("a card can't be shown", channel=card.channel, error=str(error))
            wait = max(wait, 60.0)
        elif error.outcome is Outcome.NOT_YET and error.retry_after is not None:
            wait = error.retry_after
        await self._house.store.write(lambda c: cards.put_off(c, card, now + wait))


def _unasked(c: Look, card: Card, now: float) -> None:
    consent.answer(c, card.number, Answer.EXPIRED, now)
    cards.let_go(c, card, now)


def _is_card(message: discord.Message, card: int) -> bool:
    ids = [
        BUTTON.fullmatch(getattr(item, "custom_id", None) or "")
        for row in message.components
        for item in getattr(row, "children", ())
    ]
    return any(found is not None and int(found["card"]) == card for found in ids)


def _only(user: str | None) -> discord.AllowedMentions:
    """Calls one person, or nobody."""
    if user is None:
        return discord.AllowedMentions.none()
    return discord.AllowedMentions(
        everyone=False, roles=False, users=[discord.Object(int(user))], replied_user=False
    )


def _reference(card: Card) -> dict[str, Any]:
    place = parts(card.answers) if card.answers is not None else None
    if place is None or str(place[0]) != card.channel:
        return {}
    return {
        "reference": discord.MessageReference(
            message_id=place[1], channel_id=place[0], fail_if_not_exists=False
        )
    }
