"""Reply → Receipt on Discord: down the ladder, rung by rung, until one holds.

Edits may be repeated without harm. Messages carry a nonce made from the reply's key,
which Discord honours for a few minutes; later on they are looked for first.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import discord
import structlog
from discord import ui

from bots import wording
from bots.platform import House, Outcome, PlatformError
from bots.platforms._discord import buttons, files, refusals
from bots.platforms._discord.address import (
    NAME,
    Address,
    Rung,
    nonce,
    parts,
    post,
    rungs,
    snowflake,
)
from bots.platforms._discord.connection import Client, Connection
from bots.platforms._discord.manners import missing_for_reply
from bots.platforms._discord.refusals import FAILURES, FORBIDDEN, OtherWayError
from bots.platforms._discord.turns import Turns
from data import jobs, mentions
from data.words import Job, Picture, Receipt, Reply, Say

#: Discord's "@original", where the library's annotations want a number.
ORIGINAL: Final[Any] = "@original"
_BY_TOKEN: Final = frozenset({Rung.ORIGINAL, Rung.WHISPER})
#: Seconds a request may take, its waits in Discord's limits included.
TIMEOUT: Final = 90.0
#: How far back we look for a message of ours, in seconds, and in messages.
BACK: Final = 120.0
DEEP: Final = 300


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture as it is sent."""

    data: bytes
    name: str
    alt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A reply as Discord gets it; whatever can be sent only once is made anew each time."""

    text: str
    shown: Sequence[Shown]
    spoiler: bool
    largest: int
    job: Job | None
    language: str | None
    sku: int | None = None

    def files(self) -> list[discord.File]:
        return [
            discord.File(
                io.BytesIO(each.data),
                filename=each.name,
                spoiler=self.spoiler,
                description=each.alt,
            )
            for each in self.shown
        ]

    def view(self) -> ui.View | None:
        if self.job is not None:
            return buttons.under_picture(self.job, self.language)
        return buttons.for_sale(self.sku) if self.sku is not None else None

    def smaller(self) -> Draft:
        """The place takes less than it said. Blocking."""
        largest = self.largest // 3
        shown = [
            Shown(
                files.fitting(each.data, "", largest)[0], f"{Path(each.name).stem}.webp", each.alt
            )
            for each in self.shown
        ]
        return replace(self, shown=shown, largest=largest)

    def without_words(self) -> Draft:
        """The server's AutoMod minds the words of the wish, which are the asker's."""
        shown = [replace(each, alt=wording.phrase("alt", self.language)) for each in self.shown]
        return replace(self, text=wording.phrase("wordless", self.language), shown=shown)


class Delivery:
    def __init__(self, house: House, connection: Connection) -> None:
        self._house = house
        self._connection = connection
        skus = house.settings.discord_skus
        self._sku = int(skus[0][0]) if skus else None
        self._turns = Turns()

    async def reply(self, reply: Reply) -> Receipt:
        """Deliver it by the best way that is left. Raises PlatformError."""
        address = _address(reply)
        client = self._connection.client
        draft = await self._draft(reply, address)
        refusal: OtherWayError | None = None
        for rung in self._ways(reply, address):
            try:
                _expect_open(rung, client, address)
                return Receipt(post_id=await self._by(rung, client, address, reply, draft))
            except OtherWayError as error:
                structlog.get_logger().info(
                    "another way is needed", reply=reply.key, rung=rung, error=str(error)
                )
                if error.code == refusals.UNKNOWN_MESSAGE and rung is Rung.ORIGINAL:
                    raise PlatformError(
                        "Its asker took the answer away.", outcome=Outcome.NEVER
                    ) from error
                if rung in _BY_TOKEN:
                    await self._leave_the_token(reply)
                refusal = error
        raise PlatformError(
            f"There is no way left to deliver it: {refusal}", outcome=Outcome.NEVER
        ) from refusal

    async def find(self, reply: Reply) -> Receipt | None:
        """Look for a message of ours. What was whispered can't be found; again, it does no harm."""
        address = _address(reply)
        ways = self._ways(reply, address)
        if Rung.WHISPER in ways:
            return None
        client = self._connection.client
        for rung in ways:
            try:
                found = await self._in(rung, client, address, reply)
            except FAILURES as error:
                judged = refusals.judged(error)
                if isinstance(judged, PlatformError):
                    raise judged from error
                if rung is Rung.ORIGINAL and judged.code in refusals.TOKEN_GONE:
                    await self._leave_the_token(reply)
                continue
            if found is not None:
                return Receipt(post_id=found)
            if rung is Rung.ORIGINAL:
                return None  # nothing was sent another way while the token is good
        return None

    def _ways(self, reply: Reply, address: Address) -> tuple[Rung, ...]:
        """What is left of the ladder; to be told that one may ask again, only where one asked.

        Many are told that, and none of them waits for it: who has left is not looked for.
        """
        ways = rungs(address, pictures=bool(reply.pictures), now=self._house.clock())
        if reply.say is not Say.OPEN_AGAIN:
            return ways
        there = _BY_TOKEN if address.interaction is not None else {Rung.CHANNEL}
        return tuple(way for way in ways if way in there)

    async def _leave_the_token(self, reply: Reply) -> None:
        """Written before the next rung is tried: whoever comes after looks for it there, and
        does not go up again, where the token may be taken after all and post it twice."""
        await self._house.store.write(
            lambda c: mentions.learn(c, NAME, reply.source_id, {"token": None})
        )

    async def withdraw(self, receipt: Receipt) -> None:
        """Delete our message; one that is gone is gone."""
        place = parts(receipt.post_id)
        if place is None:
            return
        channel = self._connection.client.get_partial_messageable(place[0])
        try:
            await channel.get_partial_message(place[1]).delete()
        except FAILURES as error:
            judged = refusals.judged(error)
            if isinstance(judged, PlatformError):
                raise judged from error

    async def _by(
        self, rung: Rung, client: Client, address: Address, reply: Reply, draft: Draft
    ) -> str:
        """The post it became. Raises OtherWayError, PlatformError."""
        ways: dict[Rung, Callable[[Client, Address, Reply, Draft], Awaitable[str]]] = {
            Rung.ORIGINAL: self._original,
            Rung.WHISPER: self._whisper,
            Rung.EDIT: self._edit,
            Rung.CHANNEL: self._channel,
            Rung.DIRECT: self._direct,
        }
        for smaller in (False, True):
            try:
                async with self._turn(rung, address), asyncio.timeout(TIMEOUT):
                    return await ways[rung](client, address, reply, draft)
            except FAILURES as error:
                judged = refusals.judged(error)
                code = judged.code if isinstance(judged, OtherWayError) else None
                if smaller or code not in {refusals.TOO_LARGE, *refusals.AUTOMOD}:
                    raise judged from error
            if code == refusals.TOO_LARGE:
                draft = await asyncio.to_thread(draft.smaller)
            else:
                draft = draft.without_words()
        raise AssertionError("the second time returns or raises")

    def _turn(self, rung: Rung, address: Address) -> AbstractAsyncContextManager[None]:
        """What is sent by a token has a bucket of its own."""
        if rung in _BY_TOKEN:
            return contextlib.nullcontext()
        return self._turns.of(address.user if rung is Rung.DIRECT else address.channel)

    async def _original(self, client: Client, address: Address, _reply: Reply, draft: Draft) -> str:
        message = await webhook(client, address).edit_message(
            ORIGINAL,
            content=draft.text,
            attachments=draft.files(),
            view=draft.view(),
            allowed_mentions=discord.AllowedMentions.none(),
        )
        return post(address.channel, message.id)

    async def _whisper(self, client: Client, address: Address, _reply: Reply, draft: Draft) -> str:
        """A refusal is for its asker alone: the public answer goes, a hidden one comes.

        Discord knows no key for this one; said twice after a crash, it does no harm.
        """
        hook = webhook(client, address)
        try:
            await hook.delete_message(ORIGINAL)
        except discord.NotFound as error:
            if error.code != refusals.UNKNOWN_MESSAGE:
                raise
        options: dict[str, Any] = {"view": view} if (view := draft.view()) is not None else {}
        message = await hook.send(draft.text, ephemeral=True, wait=True, **options)
        return post(address.channel, message.id)

    async def _edit(self, client: Client, address: Address, reply: Reply, draft: Draft) -> str:
        """Edit what stands in for the answer, then say so: an edit alone calls nobody."""
        channel = client.get_partial_messageable(int(address.channel or 0))
        message = channel.get_partial_message(int(address.message or 0))
        await message.edit(
            content=draft.text,
            attachments=draft.files(),
            view=draft.view(),
            allowed_mentions=discord.AllowedMentions.none(),
        )
        if reply.pictures:
            await self._call(channel, address, reply)
        return post(address.channel, address.message)

    async def _call(
        self, channel: discord.PartialMessageable, address: Address, reply: Reply
    ) -> None:
        says = wording.phrase("ready", reply.language)
        reference = _reference(address)
        options: dict[str, Any] = {"reference": reference} if reference is not None else {}
        try:
            await channel.send(
                f"<@{address.user}> {says}",
                nonce=nonce(reply.key, "ready"),
                allowed_mentions=_only(address),
                **options,
            )
        except FAILURES as error:
            structlog.get_logger().info("not called", reply=reply.key, error=repr(error))

    async def _channel(self, client: Client, address: Address, reply: Reply, draft: Draft) -> str:
        channel = client.get_partial_messageable(int(address.channel or 0))
        # A reply to their message calls its author already.
        calls = f"<@{address.user}> " if address.interaction is not None else ""
        return await self._send(channel, address, reply, draft, calls, _reference(address))

    async def _direct(self, client: Client, address: Address, reply: Reply, draft: Draft) -> str:
        channel = await self._letterbox(client, address)
        return await self._send(channel, address, reply, draft, "", None)

    async def _letterbox(self, client: Client, address: Address) -> discord.DMChannel:
        """Where somebody is written to directly. One is opened after the other."""
        async with self._turns.of("letterboxes"):
            return await client.create_dm(discord.Object(int(address.user)))

    async def _send(
        self,
        channel: discord.abc.Messageable,
        address: Address,
        reply: Reply,
        draft: Draft,
        calls: str,
        reference: discord.MessageReference | None,
    ) -> str:
        options: dict[str, Any] = {"reference": reference} if reference is not None else {}
        if (view := draft.view()) is not None:
            options["view"] = view
        message = await channel.send(
            f"{calls}{draft.text}",
            files=draft.files(),
            nonce=nonce(reply.key, reply.say),
            allowed_mentions=_only(address),
            **options,
        )
        return post(message.channel.id, message.id)

    async def _in(self, rung: Rung, client: Client, address: Address, reply: Reply) -> str | None:
        """The post of ours that is this reply, if it is there."""
        if rung is Rung.ORIGINAL:
            answer = await webhook(client, address).fetch_message(ORIGINAL)
            return post(address.channel, answer.id) if _shows(answer, reply) else None
        if rung is Rung.EDIT:
            place = client.get_partial_messageable(int(address.channel or 0))
            message = await place.fetch_message(int(address.message or 0))
            return post(address.channel, message.id) if _shows(message, reply) else None
        channel: discord.abc.Messageable
        if rung is Rung.CHANNEL:
            channel = client.get_partial_messageable(int(address.channel or 0))
        else:
            channel = await self._letterbox(client, address)
        async for message in self._ours(client, channel, reply):
            if _shows(message, reply) or _answers(message, address, reply):
                return post(message.channel.id, message.id)
        return None

    async def _ours(
        self, client: Client, channel: discord.abc.Messageable, reply: Reply
    ) -> AsyncIterator[discord.Message]:
        since = snowflake((reply.asked_at or self._house.clock()) - BACK)
        me = client.user.id if client.user else 0
        async for message in channel.history(limit=DEEP, after=discord.Object(since)):
            if message.author.id == me:
                yield message

    async def _draft(self, reply: Reply, address: Address) -> Draft:
        job: Job | None = None
        if reply.job_id is not None and reply.pictures:
            number = reply.job_id
            job = await self._house.store.read(lambda c: jobs.by_id(c, number))
        largest = files.share(address.limit, len(reply.pictures))
        shown = [
            await asyncio.to_thread(self._file, picture, alt, number, reply.job_id, largest)
            for number, (picture, alt) in enumerate(reply.pictures, 1)
        ]
        return Draft(
            text=escaped(reply.text),
            shown=shown,
            spoiler=address.spoiler or reply.discreet,
            largest=largest,
            job=job,
            language=reply.language,
            sku=self._sku if reply.say is Say.DAILY_QUOTA else None,
        )

    def _file(
        self, picture: Picture, alt: str, number: int, job: int | None, largest: int
    ) -> Shown:
        data = self._house.pictures.get(picture.sha256)
        data, media_type = files.fitting(data, picture.media_type, largest)
        return Shown(data, files.name(job, number, media_type), alt)


def _expect_open(rung: Rung, client: Client, address: Address) -> None:
    """Ask nothing of a channel that is known to be closed: each such request counts against
    us. Raises OtherWayError."""
    if rung not in (Rung.EDIT, Rung.CHANNEL):
        return
    channel = client.get_channel(int(address.channel or 0))
    if not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return
    missing = set(missing_for_reply(channel, channel.guild.me))
    if rung is Rung.EDIT:
        missing &= {"view_channel", "attach_files"}
    if missing:
        raise OtherWayError(f"{', '.join(sorted(missing))} is missing there", FORBIDDEN)


def webhook(client: Client, address: Address) -> discord.Webhook:
    """An interaction's answer can be edited by whoever knows these two, in any process."""
    hook = discord.Webhook.partial(
        int(address.application or 0), address.token or "", client=client
    )
    hook.type = discord.WebhookType.application
    return hook


def escaped(text: str) -> str:
    """Words as they are: nothing in them is bold, a link, or calls anybody."""
    return discord.utils.escape_mentions(discord.utils.escape_markdown(text))


def _address(reply: Reply) -> Address:
    try:
        return Address.from_json(reply.address)
    except (KeyError, TypeError) as error:
        raise PlatformError("Nobody knows any more who asked.", outcome=Outcome.NEVER) from error


def _reference(address: Address) -> discord.MessageReference | None:
    """The message to answer; one that is gone is no reason not to answer."""
    if address.message is None or address.channel is None:
        return None
    return discord.MessageReference(
        message_id=int(address.message),
        channel_id=int(address.channel),
        guild_id=int(address.guild) if address.guild else None,
        fail_if_not_exists=False,
    )


def _only(address: Address) -> discord.AllowedMentions:
    """Calls the asker and nobody else."""
    return discord.AllowedMentions(
        everyone=False,
        roles=False,
        users=[discord.Object(int(address.user))],
        replied_user=address.interaction is None,
    )


def _shows(message: discord.Message, reply: Reply) -> bool:
    """Whether a message of ours is this very reply: by its buttons, or by its words."""
    if not reply.pictures:
        return message.content.endswith(escaped(reply.text))
    wanted = buttons.ident("mu", buttons.Verb.DETAILS, reply.job_id or 0)
    return any(
        getattr(item, "custom_id", None) == wanted
        for row in message.components
        for item in getattr(row, "children", ())
    )


def _answers(message: discord.Message, address: Address, reply: Reply) -> bool:
    """Whether a message of ours answers the asker's message with pictures, which we do once."""
    reference = message.reference
    return (
        address.interaction is None
        and reference is not None
        and str(reference.message_id) == address.message
        and bool(message.attachments and reply.pictures)
    )
