"""Wishes on their way in: judged by the place, written to the inbox, acknowledged, watched.

Writing comes first and takes milliseconds: whatever has been acknowledged is remembered,
and what died between the two is still delivered, by another rung of the ladder.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
from collections.abc import Awaitable, Iterator, Sequence
from typing import Any, Final

import discord
import structlog
from discord import ui

from bots import wording
from bots.platform import House
from bots.platforms._discord import manners as places
from bots.platforms._discord import reading, refusals, selling
from bots.platforms._discord.address import NAME, Address, nonce
from bots.platforms._discord.arrivals import Arrivals, Kept
from bots.platforms._discord.manners import Manners, No
from bots.platforms._discord.reading import Wish
from bots.platforms._discord.refusals import FAILURES
from bots.platforms._discord.status import Status
from data import jobs, mentions
from data.store import Act
from data.store import Connection as Look
from data.words import Mention

#: Acknowledgements on their way at once: more only wait in the same line.
ABREAST: Final = 64
#: From so many unacknowledged on it is the processor they wait for, and not the network.
CROWD: Final = 50
#: How long after it was written a message's new words are taken, in seconds.
EDITABLE: Final = 300.0
#: For so many seconds Discord shows that somebody is typing.
TYPED: Final = 8.0


class Wishes:
    def __init__(self, house: House, arrivals: Arrivals, status: Status, manners: Manners) -> None:
        self._house = house
        self.arrivals = arrivals
        self._status = status
        self._manners = manners
        self._typed: dict[int, float] = {}
        self._unacknowledged: dict[str, asyncio.Event] = {}
        self._turns = asyncio.Semaphore(ABREAST)
        self._learnt: list[tuple[str, dict[str, object]]] = []
        self._something_learnt = asyncio.Event()
        self._log = structlog.get_logger().bind(platform=NAME)

    async def acknowledged(self, interaction_id: str | None) -> None:
        """Wait until the interaction was acknowledged, if that is still on its way."""
        event = self._unacknowledged.get(interaction_id or "")
        if event is not None:
            await event.wait()

    async def make(self, interaction: discord.Interaction[Any], wish: Wish) -> None:
        """Take in what somebody asks for by a command, button, menu or form."""
        no = await self._no(interaction, wish)
        if no is not None:
            await tell(interaction, no)
            return
        await selling.note(self._house, interaction.entitlements)
        wish = await self._once(interaction, wish)
        mention = reading.mention_of(interaction, wish)
        with self._pending(str(interaction.id)):
            kept = await self.arrivals.put(mention)
            if kept is Kept.NEW:
                await self._acknowledge(interaction, mention, wish)
            else:
                await tell(interaction, No("already" if kept is Kept.KNOWN else "restarting"))

    async def hear(self, message: discord.Message, me: discord.ClientUser) -> bool:
        """Take in a message, if it is a mention; whether it was."""
        self.arrivals.seen(message.id)
        mention = await self._mention(message, me)
        return mention is not None and await self._take(message, mention)

    async def hear_again(self, message: discord.Message, me: discord.ClientUser) -> bool:
        """Take in a message that its author has changed, soon enough; whether it was a mention.

        The new words take the place of the old ones until a picture of those is begun.
        """
        edited = message.edited_at
        if edited is None or (edited - message.created_at).total_seconds() > EDITABLE:
            return False
        mention = await self._mention(message, me)
        if mention is None:
            return False
        post = mention.source_id
        before = await self._house.store.read(lambda c: mentions.latest_of(c, NAME, post))
        if before is None:
            return await self._take(message, mention)
        if before.mention.text == mention.text:
            return False
        again = dataclasses.replace(mention, source_id=f"{post}/{edited.timestamp():.3f}")
        now = self._house.clock()
        return await self._take(message, again, lambda c: jobs.supersede(c, before.id, now))

    async def _mention(self, message: discord.Message, me: discord.ClientUser) -> Mention | None:
        """A message as a mention, where it is one and may be; why it may not is said."""
        if not reading.is_for(message, me.id):
            return None
        if await self._manners.wants_silence(reading.account_of(message.author)):
            return None
        no = await self._no_here(message)
        if no is not None:
            await self._say_alone(message, no)
            return None
        handle = self._house.settings.handle
        return reading.mention_in(message, me.id, handle, await _answered(message))

    async def _take(
        self, message: discord.Message, mention: Mention, may: Act[bool] | None = None
    ) -> bool:
        if await self.arrivals.put(mention, may) is not Kept.NEW:
            return False
        self._status.watch(mention, Address.from_json(mention.address))
        await self._type(message)
        return True

    async def _type(self, message: discord.Message) -> None:
        """A sign of life; once for all who asked in the same place just now."""
        now = self._house.clock()
        self._typed = {place: at for place, at in self._typed.items() if now - at < TYPED}
        if message.channel.id not in self._typed:
            self._typed[message.channel.id] = now
            with contextlib.suppress(*FAILURES):
                await message.channel.typing()

    async def _no(self, interaction: discord.Interaction[Any], wish: Wish) -> No | None:
        place = places.place_of(interaction.guild_id, interaction.channel)
        if interaction.guild_id is not None:
            missing = places.missing_for_answer(interaction.app_permissions)
            if missing:
                return No("no.permission", {"permissions": _listed(missing)})
        account = reading.account_of(interaction.user)
        return await self._manners.refusal(place, account, max(1, wish.prompt.count))

    async def _no_here(self, message: discord.Message) -> No | None:
        if message.guild is None:
            return None
        missing = places.missing_for_reply(message.channel, message.guild.me)
        if missing:
            return No("no.permission", {"permissions": _listed(missing)})
        place = places.place_of(message.guild.id, message.channel)
        return await self._manners.refusal(place, reading.account_of(message.author), 1)

    async def _say_alone(self, message: discord.Message, no: No) -> None:
        """Why not, to its author alone; where that can't be, silence."""
        language = reading.language_of(message.guild.preferred_locale if message.guild else None)
        text = said(no, language)
        with contextlib.suppress(*FAILURES):
            await message.author.send(text, nonce=nonce(str(message.id), no.phrase))

    async def _once(self, interaction: discord.Interaction[Any], wish: Wish) -> Wish:
        """The same click twice is the same wish until its answer is there."""
        if wish.key is None:
            return wish
        key = f"{wish.key}:{interaction.user.id}"
        answered = await self._house.store.read(lambda c: mentions.repeats(c, NAME, key))
        return dataclasses.replace(wish, key=f"{key}:{answered}")

    async def _acknowledge(
        self, interaction: discord.Interaction[Any], mention: Mention, wish: Wish
    ) -> None:
        address = Address.from_json(mention.address)
        try:
            async with self._turns:
                answer = await interaction.response.defer(ephemeral=wish.hidden, thinking=True)
        except FAILURES as error:
            self._log.warning("not acknowledged", interaction=interaction.id, error=repr(error))
            if getattr(error, "code", None) == refusals.UNKNOWN_INTERACTION:
                self._learn(mention, {"token": None})
            return
        if answer is not None:
            address = dataclasses.replace(
                address,
                message=str(answer.message_id) if answer.message_id else None,
                hidden=answer.is_ephemeral(),
            )
            self._learn(mention, {"message": address.message, "hidden": address.hidden})
        self._status.watch(mention, address)

    def _learn(self, mention: Mention, facts: dict[str, object]) -> None:
        self._learnt.append((mention.source_id, facts))
        self._something_learnt.set()

    async def remember(self) -> None:
        """Write what the acknowledgements told of the way back, for ever.

        It can wait: without it a wish takes a lower rung, and comes all the same.
        """
        while True:
            await self._something_learnt.wait()
            self._something_learnt.clear()
            await self.arrivals.courtesy()
            learnt, self._learnt = self._learnt, []
            await self._house.store.write(functools.partial(_write, learnt))

    @contextlib.contextmanager
    def _pending(self, interaction_id: str) -> Iterator[None]:
        event = self._unacknowledged[interaction_id] = asyncio.Event()
        self.arrivals.answered.clear()
        if len(self._unacknowledged) == CROWD:
            self._house.rush.begins()
        try:
            yield
        finally:
            del self._unacknowledged[interaction_id]
            event.set()
            if len(self._unacknowledged) == CROWD - 1:
                self._house.rush.ends()
            if not self._unacknowledged:
                self.arrivals.answered.set()


def _write(learnt: Sequence[tuple[str, dict[str, object]]], c: Look) -> None:
    for source_id, facts in learnt:
        mentions.learn(c, NAME, source_id, facts)


async def safely(interaction: discord.Interaction[Any], work: Awaitable[None]) -> None:
    """Whatever goes wrong, somebody clicked and is told so."""
    try:
        await work
    except Exception:  # noqa: BLE001  one interaction must not be left without an answer
        structlog.get_logger().exception("interaction failed", interaction=interaction.id)
        await tell(interaction, No("failed"))


async def tell(
    interaction: discord.Interaction[Any], no: No, *, view: ui.View | None = None
) -> None:
    """One sentence for whoever clicked, and nobody else."""
    await tell_text(interaction, said(no, reading.language_of(interaction.locale)), view=view)


async def tell_text(
    interaction: discord.Interaction[Any], text: str, *, view: ui.View | None = None
) -> None:
    options: dict[str, Any] = {"view": view} if view is not None else {}
    try:
        if interaction.response.is_done():
            await interaction.followup.send(text, ephemeral=True, **options)
        else:
            await interaction.response.send_message(text, ephemeral=True, **options)
    except FAILURES as error:
        structlog.get_logger().warning("not told", interaction=interaction.id, error=repr(error))


def said(no: No, language: str | None) -> str:
    """A phrase with its facts; moments as Discord shows them."""
    facts = {
        name: wording.moment(value) if name == "until" else value
        for name, value in no.facts.items()
    }
    return wording.phrase(no.phrase, language, **facts)


def _listed(permissions: list[str]) -> str:
    return ", ".join(name.replace("_", " ").title() for name in permissions)


async def _answered(message: discord.Message) -> discord.Message | None:
    """The message that this one answers, where it can be read."""
    reference = message.reference
    if reference is None or reference.message_id is None:
        return None
    if isinstance(reference.resolved, discord.Message):
        return reference.resolved
    if isinstance(reference.resolved, discord.DeletedReferencedMessage):
        return None
    try:
        return await message.channel.fetch_message(reference.message_id)
    except FAILURES:
        return None
