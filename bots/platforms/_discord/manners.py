"""Whether a wish may be made here at all, judged before anything is kept or drawn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import discord

from bots.platform import House
from bots.platforms._discord import reading
from bots.platforms._discord.address import NAME
from data import guilds, mentions
from data.guilds import Policy
from data.store import Connection
from data.words import Account

#: A server's policy is read again after so many seconds.
FRESH: Final = 60.0


@dataclass(frozen=True, slots=True)
class No:
    """Why not, in the words of `bots/wording.py`."""

    phrase: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where somebody asks. `channels` are the channel's number and, in a thread, its parent's."""

    guild: str | None
    channels: tuple[str, ...] = ()
    age_restricted: bool = False


def place_of(guild: int | None, channel: discord.abc.Snowflake | None) -> Place:
    """A place as Discord's objects describe it; threads are as restricted as their parents."""
    channels = [str(channel.id)] if channel is not None else []
    parent = getattr(channel, "parent_id", None)
    if isinstance(channel, discord.Thread) and parent is not None:
        channels.append(str(parent))
    return Place(
        guild=str(guild) if guild else None,
        channels=tuple(channels),
        age_restricted=reading.is_for_adults(channel),
    )


class Manners:
    def __init__(self, house: House) -> None:
        self._store = house.store
        self._clock: Callable[[], float] = house.clock
        self._looking = asyncio.Lock()
        self._policies: dict[str, tuple[float, Policy]] = {}

    async def policy(self, guild: str) -> Policy:
        # One at a time: a thousand who ask at once need one look.
        async with self._looking:
            now = self._clock()
            read_at, policy = self._policies.get(guild, (-FRESH, Policy()))
            if now - read_at > FRESH:
                policy = await self._store.read(lambda c: guilds.policy(c, NAME, guild))
                self._policies[guild] = (now, policy)
            return policy

    async def set_policy(self, guild: str, policy: Policy) -> None:
        await self._store.write(lambda c: guilds.set_policy(c, NAME, guild, policy))
        self._policies[guild] = (self._clock(), policy)

    async def refusal(self, place: Place, account: Account, pictures: int) -> No | None:
        """What the people who run the server have against it, None for nothing."""
        if place.guild is None:
            return None
        policy = await self.policy(place.guild)
        no = _by_policy(policy, place, self._clock())
        if no is not None or policy.member_limit is None:
            return no
        used = await self._used(account, place.guild)
        if used + pictures > policy.member_limit:
            return No("no.member_limit", {"limit": policy.member_limit})
        return None

    async def wants_silence(self, account: Account) -> bool:
        """Whether they opted out and have not come back."""
        return await self._store.read(lambda c: mentions.has_stopped(c, NAME, account.user_id))

    async def _used(self, account: Account, guild: str) -> int:
        def look(c: Connection) -> int:
            return guilds.pictures_today(c, account, guild, self._clock())

        return await self._store.read(look)


def _by_policy(policy: Policy, place: Place, now: float) -> No | None:
    if policy.channels and not set(policy.channels) & set(place.channels):
        allowed = " ".join(f"<#{channel}>" for channel in policy.channels[:10])
        return No("no.channel", {"channels": allowed})
    if policy.age_restricted_only and not place.age_restricted:
        return No("no.age")
    if policy.quiet_at(now):
        return No("no.quiet", {"until": policy.quiet_until(now)})
    return None


def missing_for_answer(permissions: discord.Permissions) -> list[str]:
    """What an interaction's answer needs and the bot may not, by the library's names."""
    return [] if permissions.attach_files else ["attach_files"]


def missing_for_reply(channel: object, me: discord.Member) -> list[str]:
    """What a reply in a channel needs and the bot may not, by the library's names."""
    if not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return []
    permissions = channel.permissions_for(me)
    in_thread = isinstance(channel, discord.Thread)
    needed = [
        "view_channel",
        "send_messages_in_threads" if in_thread else "send_messages",
        "attach_files",
        "read_message_history",
    ]
    missing = [name for name in needed if not getattr(permissions, name)]
    if isinstance(channel, discord.Thread) and channel.locked and not permissions.manage_threads:
        missing.append("manage_threads")
    if me.is_timed_out():
        missing.append("moderate_members")
    return missing
