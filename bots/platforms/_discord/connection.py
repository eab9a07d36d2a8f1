"""The connection to Discord: one client after another, for as long as the process lives.

A client of discord.py ends for good at the first thing it did not expect: a gateway
that can't be found, a payload it can't read. Here a new one takes its place, with
patience; what only a person can mend is said once, in a sentence, and asked no more.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import discord
import structlog
import yarl
from discord import app_commands

from bots.platform import House, Outcome, PlatformError
from bots.platforms._discord.caution import Caution
from bots.platforms._discord.refusals import FAILURES
from bots.settings import Settings, SettingsError, variable
from data import marks

#: Between two clients, in seconds: doubled at each failure, and back when one held.
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
#: A client that lived so long has not failed at once, in seconds.
HELD: Final = 60.0
#: How long the first look at the token may keep the start waiting, in seconds.
LOGIN: Final = 15.0
#: Requests that would wait longer than this in Discord's limits are put back, in seconds.
LONGEST_LIMIT: Final = 60.0
#: Servers arrive one by one; after so many seconds without another all are there.
GUILDS: Final = 0.5
#: Where the hash of the commands that Discord has is kept.
COMMANDS: Final = "discord/commands"
#: Close codes only a person can mend.
_FATAL: Final = {
    4004: f"Discord does not take the token in {variable('discord_token')}. Set a fresh one.",
    4013: "Discord does not know the intents that were asked for. Update discord.py.",
    4014: "Discord wants an intent switched on for this application. Muralist needs none: is"
    " the token of another application?",
}

#: Given a fresh client before it connects, to hang commands, buttons and events on it.
Furnish = Callable[["Client"], Awaitable[None]]


def intents() -> discord.Intents:
    """None that Discord calls privileged."""
    wanted = discord.Intents.none()
    wanted.guilds = wanted.guild_messages = wanted.dm_messages = True
    return wanted


class Client(discord.AutoShardedClient):
    """One life of the connection; it remembers no messages, members or views."""

    def __init__(self, caution: Caution, furnish: Furnish) -> None:
        super().__init__(
            intents=intents(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=GUILDS,
            max_ratelimit_timeout=LONGEST_LIMIT,
            allowed_mentions=discord.AllowedMentions.none(),
            http_trace=caution.trace(),
        )
        self.tree: app_commands.CommandTree[Client] = app_commands.CommandTree(
            self,
            fallback_to_global=True,
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=True, private_channel=True
            ),
        )
        #: What the buttons call; set when it is furnished.
        self.clicks: Any = None
        self.judging: Any = None
        self._furnish = furnish

    async def setup_hook(self) -> None:
        await self._furnish(self)


class Connection:
    def __init__(self, house: House, caution: Caution, furnish: Furnish) -> None:
        self._token = token_of(house.settings)
        self._house = house
        self._caution = caution
        self._furnish = furnish
        self._client: Client | None = None
        self._over: str | None = None
        self._log = structlog.get_logger().bind(platform="discord")
        self._elsewhere = house.settings.discord_gateway_url is not None
        _point_at(house.settings)

    @property
    def client(self) -> Client:
        """The client in force. Raises PlatformError where there is none just now."""
        if self._client is None or self._client.is_closed():
            says = self._over or "There is no connection to Discord just now."
            raise PlatformError(says, outcome=Outcome.NOT_YET, retry_after=FIRST_WAIT)
        return self._client

    @property
    def state(self) -> str:
        """In a word, for whoever watches: `ready`, `connecting`, or what a person must mend."""
        if self._over is not None:
            return self._over
        ready = self._client is not None and self._client.is_ready()
        return "ready" if ready else "connecting"

    async def run(self) -> None:
        """Be connected, for ever, unless only a person can mend it."""
        wait = FIRST_WAIT
        loop = asyncio.get_running_loop()
        while self._over is None:
            began = loop.time()
            try:
                await self._live()
                self._log.warning("the connection to Discord ended")
            except discord.LoginFailure:
                self._give_up(_FATAL[4004])
            except discord.PrivilegedIntentsRequired:
                self._give_up(_FATAL[4014])
            except discord.ConnectionClosed as error:
                if error.code in _FATAL:
                    self._give_up(_FATAL[error.code])
                self._log.warning("Discord closed the connection", code=error.code)
            except Exception as error:  # noqa: BLE001  whatever ended one client, another is made
                # The library ends with whatever its parsers met: a missing field, a lost socket.
                self._log.warning("no connection to Discord", error=repr(error))
            finally:
                self._client = None
            wait = FIRST_WAIT if loop.time() - began > HELD else min(LONGEST_WAIT, wait * 2)
            if self._over is None:
                await asyncio.sleep(wait)

    async def _live(self) -> None:
        async with Client(self._caution, self._furnish) as client:
            await client.login(self._token)
            self._client = client
            if self._elsewhere:
                # With a number of shards at hand, the library takes the address it was told.
                client.shard_count, _, _ = await client.http.get_bot_gateway()
            await client.connect(reconnect=True)

    def _give_up(self, says: str) -> None:
        self._over = says
        self._log.critical("Discord is off until a person has looked", reason=says)

    async def sync_commands(self, client: Client) -> None:
        """Tell Discord the commands, where they are not those it was told last."""
        translator = client.tree.translator
        payload = [
            await command.get_translated_payload(client.tree, translator)
            if translator is not None
            else command.to_dict(client.tree)
            for command in client.tree.get_commands()
        ]
        told = digest(client.application_id, payload)
        store = self._house.store
        if told == await store.read(lambda c: marks.read(c, COMMANDS)):
            return
        try:
            await client.tree.sync()
        except FAILURES as error:
            self._log.error("the commands could not be synced", error=repr(error))
            return
        await store.write(lambda c: marks.write(c, COMMANDS, told))
        self._log.info("commands synced", commands=len(payload))


def token_of(settings: Settings) -> str:
    """Raises SettingsError where there is none."""
    if settings.discord_token is None:
        raise SettingsError(
            f"Discord needs {variable('discord_token')}. Set it, or take discord out of"
            f" {variable('platforms')}; README.md says where the token comes from."
        )
    return settings.discord_token.get_secret_value()


async def tried(settings: Settings) -> str | None:
    """Whose token it is; None where Discord could not be asked, which is no mistake of anybody.

    Raises SettingsError where there is no token, or a wrong one.
    """
    token = token_of(settings)
    _point_at(settings)
    async with discord.Client(intents=intents()) as probe:
        try:
            async with asyncio.timeout(LOGIN):
                await probe.login(token)
        except discord.LoginFailure:
            raise SettingsError(_FATAL[4004]) from None
        except FAILURES as error:
            structlog.get_logger().warning("the token could not be tried", error=repr(error))
            return None
        return str(probe.user)


def digest(application: int | None, payload: list[dict[str, Any]]) -> str:
    """Of the commands, whoever's they are: they are kept by the application."""
    ordered = sorted(payload, key=lambda command: (command.get("type", 1), command["name"]))
    return hashlib.sha256(json.dumps([application, ordered], sort_keys=True).encode()).hexdigest()


def _point_at(settings: Settings) -> None:
    """Tell discord.py where Discord is; it has no other place for it than its classes."""
    # We use no voice, and need not be told that it is not installed.
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
    discord.http.Route.BASE = settings.discord_api_url
    if settings.discord_gateway_url is not None:
        discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.discord_gateway_url)
