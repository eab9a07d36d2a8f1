"""From what Discord delivers to a Mention."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import discord

from bots import grammar
from bots.platforms._discord.address import FILE_BYTES, NAME, Address, post
from data.words import Account, Intent, Mention, PhotoRef, Prompt

#: What grammar makes of a form's words: they are a wish, whatever they would mean in a text.
_TAGGED: Final = re.compile(r"<@!?(\d+)>")
#: The same where a form's words were read already.
_NAMED: Final = re.compile(r"<@?!?(\d{15,20})>")
_CHANNEL: Final = re.compile(r"<#\d+>|<@&\d+>|</[^>]*>|<t:[^>]*>")
_EMOJI: Final = re.compile(r"<a?:(\w+):\d+>")
_TYPES: Final = frozenset(
    {
        discord.MessageType.default,
        discord.MessageType.reply,
        discord.MessageType.thread_starter_message,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a form, a button or a menu asks for. `key` is the same for the same wish twice,
    `under` the post with somebody's photo that was chosen."""

    prompt: Prompt
    photo: PhotoRef | None = None
    under: str | None = None
    about: int | None = None
    picture: int = 0
    hidden: bool = False
    spoiler: bool = False
    key: str | None = None


def language_of(locale: discord.Locale | None) -> str | None:
    """The language of a locale, as in "de"."""
    return locale.value.partition("-")[0] if locale is not None else None


def account_of(user: discord.abc.User) -> Account:
    return Account(platform=NAME, user_id=str(user.id), handle=user.name)


def is_for_adults(channel: object) -> bool:
    """Whether Discord restricts the place by age; threads are like their parents."""
    restricted = getattr(channel, "is_nsfw", None)
    return bool(restricted()) if callable(restricted) else False


def address_of(interaction: discord.Interaction[Any], wish: Wish) -> Address:
    guild = str(interaction.guild_id) if interaction.guild_id else None
    present = (
        interaction.is_guild_integration() if guild else interaction.context.dm_channel is True
    )
    return Address(
        user=str(interaction.user.id),
        channel=str(interaction.channel_id) if interaction.channel_id else None,
        guild=guild,
        interaction=str(interaction.id),
        application=str(interaction.application_id),
        token=interaction.token,
        expires=interaction.expires_at.timestamp(),
        hidden=wish.hidden,
        spoiler=wish.spoiler,
        present=present,
        limit=interaction.filesize_limit,
    )


def mention_of(interaction: discord.Interaction[Any], wish: Wish) -> Mention:
    """An interaction is a mention like any other."""
    account, address = account_of(interaction.user), address_of(interaction, wish)
    return Mention(
        platform=NAME,
        source_id=wish.key or str(interaction.id),
        account=account,
        text=wish.prompt.wish,
        created_at=interaction.created_at.timestamp(),
        in_reply_to=wish.under,
        photo=_askable(wish.photo, account, present=address.present and not address.hidden),
        prompt=wish.prompt,
        about=wish.about,
        picture=wish.picture,
        thread=str(interaction.channel_id) if interaction.channel_id else None,
        guild=str(interaction.guild_id) if interaction.guild_id else None,
        channel=str(interaction.channel_id) if interaction.channel_id else None,
        adults=is_for_adults(interaction.channel),
        account_since=interaction.user.created_at.timestamp(),
        language=language_of(interaction.locale),
        address=address.to_json(),
        named=tuple(_NAMED.findall(wish.prompt.wish)),
    )


def prompt_of(text: str, handle: str, **chosen: Any) -> Prompt:
    """The words of a form, flags in them included; what is `chosen` beside them wins."""
    parsed = grammar.parse(text, handle=handle)
    if parsed.intent is not Intent.PAINT and text.strip():
        parsed = Prompt(wish=grammar.clean(text)[: grammar.LONGEST_WISH])
    given = {name: value for name, value in chosen.items() if value is not None}
    return dataclasses.replace(parsed, **given) if given else parsed


def is_for(message: discord.Message, bot: int) -> bool:
    """Whether somebody tagged the bot in words, or wrote to it alone.

    The ping of a reply, @everyone and roles are no tag; bots and webhooks are never answered.
    """
    if message.author.bot or message.webhook_id or message.type not in _TYPES:
        return False
    if isinstance(message.channel, discord.DMChannel):
        return True
    return bot in map(int, _TAGGED.findall(message.content))


def mention_in(
    message: discord.Message, bot: int, handle: str, parent: discord.Message | None
) -> Mention:
    """A message that `is_for` the bot. `parent` is the one it answers, where it could be read."""
    reference = message.reference
    guild = message.guild
    return Mention(
        platform=NAME,
        source_id=post(message.channel.id, message.id),
        account=account_of(message.author),
        text=plain(message, bot, handle),
        created_at=message.created_at.timestamp(),
        in_reply_to=(
            post(reference.channel_id, reference.message_id)
            if reference is not None and reference.message_id is not None
            else None
        ),
        photo=photo_in(message),
        parent_photo=photo_in(parent) if parent is not None and parent.author.id != bot else None,
        thread=str(message.channel.id),
        guild=str(guild.id) if guild else None,
        channel=str(message.channel.id),
        adults=is_for_adults(message.channel),
        account_since=message.author.created_at.timestamp(),
        language=language_of(guild.preferred_locale) if guild else None,
        address=Address(
            user=str(message.author.id),
            channel=str(message.channel.id),
            guild=str(guild.id) if guild else None,
            message=str(message.id),
            limit=guild.filesize_limit if guild else FILE_BYTES,
        ).to_json(),
        named=tuple(str(user.id) for user in message.mentions if user.id != bot),
    )


def plain(message: discord.Message, bot: int, handle: str) -> str:
    """Its words, with tags and emoji as people see them."""
    names = {user.id: user.display_name for user in message.mentions}

    def name(found: re.Match[str]) -> str:
        number = int(found[1])
        # A tag at the edge of a word is still a tag.
        return f" @{handle} " if number == bot else names.get(number, "")

    text = _CHANNEL.sub(" ", _TAGGED.sub(name, message.content))
    return _EMOJI.sub(lambda found: found[1].replace("_", " "), text)


def photos_in(message: discord.Message) -> list[PhotoRef]:
    """The images attached to a message, its author's; bots and webhooks can't be asked."""
    machine = message.author.bot or message.webhook_id is not None
    owner = "" if machine else str(message.author.id)
    return [
        PhotoRef(ref=attachment.url, owner=owner)
        for attachment in message.attachments
        if is_image(attachment)
    ]


def _askable(photo: PhotoRef | None, account: Account, *, present: bool) -> PhotoRef | None:
    """Where the bot is not itself in the channel, it can ask nobody there."""
    if photo is None or present or photo.owner == account.user_id:
        return photo
    return dataclasses.replace(photo, owner="")


def photo_in(message: discord.Message) -> PhotoRef | None:
    return next(iter(photos_in(message)), None)


def is_image(attachment: discord.Attachment) -> bool:
    """By the type Discord saw in it; by its size in pixels where it saw none."""
    if attachment.content_type:
        return attachment.content_type.startswith("image/")
    return attachment.width is not None


def data_of(interaction: discord.Interaction[Any]) -> Mapping[str, Any]:
    """What came with it; Discord sends nothing with some."""
    return dict(interaction.data or {})


def typed_in(components: Sequence[Any]) -> str:
    """The first text typed into a modal, however deeply Discord wraps it."""
    for component in components:
        if "value" in component:
            return str(component["value"])
        inner = [*component.get("components", ()), *filter(None, [component.get("component")])]
        if inner and (typed := typed_in(inner)):
            return typed
    return ""


def chosen_in(components: Sequence[Any]) -> list[str]:
    """What was chosen from the first list of a modal."""
    for component in components:
        if "values" in component:
            return [str(value) for value in component["values"]]
        inner = [*component.get("components", ()), *filter(None, [component.get("component")])]
        if inner and (chosen := chosen_in(inner)):
            return chosen
    return []
