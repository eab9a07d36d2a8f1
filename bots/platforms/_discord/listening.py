"""What a connection hears, and what it fetches because it was not there to hear it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

import discord
import structlog
from discord.abc import Messageable

from bots import wording
from bots.platform import House, PlatformError
from bots.platforms._discord import buttons, cards, commands, reading, selling
from bots.platforms._discord.address import NAME, post, snowflake
from bots.platforms._discord.clicks import Clicks
from bots.platforms._discord.connection import Client, Connection
from bots.platforms._discord.counter import Counter
from bots.platforms._discord.judging import Judging
from bots.platforms._discord.refusals import FAILURES
from bots.platforms._discord.wishes import Wishes
from data import consent, jobs, mentions, outbox
from data.store import Connection as Look
from data.words import JobState

#: Mentions missed longer ago than this are not answered any more, in seconds.
LATE: Final = 24 * 3_600.0
#: Channels asked after an outage, and messages of each.
CHANNELS, MESSAGES = 200, 100
#: Direct conversations are asked where there was a mention in so many seconds.
RECENT: Final = 14 * 86_400.0
#: Between two rounds of chores, between two presences, and two looks at purchases, in seconds.
ROUND, PRESENCE, PURCHASES = 60.0, 300.0, 3_600.0
#: How soon to look again whether there is a connection, in seconds.
SOON: Final = 1.0


class Listener:
    def __init__(
        self,
        house: House,
        connection: Connection,
        wishes: Wishes,
        clicks: Clicks,
        counter: Counter,
        judging: Judging,
    ) -> None:
        self._house = house
        self._connection = connection
        self._arrivals = wishes.arrivals
        self._wishes = wishes
        self._clicks = clicks
        self._counter = counter
        self._judging = judging
        self._fetching = asyncio.Lock()
        self._log = structlog.get_logger().bind(platform=NAME)

    async def furnish(self, client: Client) -> None:
        """Hang everything on a fresh client."""
        client.clicks, client.judging = self._clicks, self._judging
        client.add_dynamic_items(buttons.Click, buttons.Choice, cards.Press)
        await client.tree.set_translator(commands.Translator())
        commands.add(client, self._house, self._wishes, self._clicks, self._counter)
        self._hear_interactions(client)
        self._hear_messages(client)
        self._hear_connection(client)
        self._hear_purchases(client)

    async def chores(self) -> None:
        """What nobody waits for, for ever."""
        loop = asyncio.get_running_loop()
        presence_at = purchases_at = -PURCHASES
        shown: int | None = None
        while True:
            ready = False
            with contextlib.suppress(PlatformError, *FAILURES):
                await selling.expire(self._house)
                client = self._connection.client
                ready = client.is_ready()
                if ready and loop.time() - presence_at >= PRESENCE:
                    presence_at = loop.time()
                    shown = await self._present(client, shown)
                if ready and loop.time() - purchases_at >= PURCHASES:
                    await selling.reconcile(self._house, client)
                    purchases_at = loop.time()
            await asyncio.sleep(ROUND if ready else SOON)

    def _hear_interactions(self, client: Client) -> None:
        async def on_interaction(interaction: discord.Interaction[Any]) -> None:
            custom_id = str(reading.data_of(interaction).get("custom_id", ""))
            kind = interaction.type
            if kind is discord.InteractionType.modal_submit:
                if not await self._judging.form(interaction, custom_id):
                    await self._clicks.form(interaction, custom_id)
            elif kind is discord.InteractionType.component and not _is_ours(custom_id):
                await self._clicks.old(interaction)

        client.event(on_interaction)

    def _hear_messages(self, client: Client) -> None:
        async def on_message(message: discord.Message) -> None:
            if client.user is not None:
                await self._wishes.hear(message, client.user)

        async def on_raw_message_edit(event: discord.RawMessageUpdateEvent) -> None:
            if client.user is not None:
                await self._wishes.hear_again(event.message, client.user)

        async def on_raw_message_delete(event: discord.RawMessageDeleteEvent) -> None:
            await self._taken_away(event.channel_id, event.message_id)

        async def on_raw_bulk_message_delete(event: discord.RawBulkMessageDeleteEvent) -> None:
            for message_id in event.message_ids:
                await self._taken_away(event.channel_id, message_id)

        for heard in (
            on_message,
            on_raw_message_edit,
            on_raw_message_delete,
            on_raw_bulk_message_delete,
        ):
            client.event(heard)

    def _hear_connection(self, client: Client) -> None:
        async def on_shard_ready(shard: int) -> None:
            await self._connection.sync_commands(client)
            await self._catch_up(client, shard)

        async def on_shard_disconnect(shard: int) -> None:
            self._arrivals.lost(shard)

        async def on_shard_resumed(shard: int) -> None:
            self._arrivals.resumed(shard)

        for heard in (on_shard_ready, on_shard_disconnect, on_shard_resumed):
            client.event(heard)

    def _hear_purchases(self, client: Client) -> None:
        async def on_entitlement_create(told: discord.Entitlement) -> None:
            await selling.note(self._house, [told])

        async def on_entitlement_update(told: discord.Entitlement) -> None:
            await selling.note(self._house, [told])

        async def on_entitlement_delete(told: discord.Entitlement) -> None:
            await selling.note(self._house, [told], ended=True)

        for heard in (on_entitlement_create, on_entitlement_update, on_entitlement_delete):
            client.event(heard)

    async def _catch_up(self, client: Client, shard: int) -> None:
        """Read what was written while nobody listened, oldest first; each mention counts once."""
        gap = self._arrivals.gap(shard)
        async with self._fetching:
            if gap is not None and client.user is not None:
                since = max(gap, snowflake(self._house.clock() - LATE))
                found = 0
                async for channel in self._channels(client, shard, since):
                    found += await self._read(client.user, channel, since)
                if found:
                    self._log.info("caught up", shard=shard, mentions=found)
        self._arrivals.filled(shard, whole=shard + 1 == (client.shard_count or 1))

    async def _channels(self, client: Client, shard: int, since: int) -> AsyncIterator[Messageable]:
        """Where something was written since, the newest first; direct conversations last."""
        fresh: list[tuple[int, Messageable]] = []
        for guild in client.guilds:
            if guild.shard_id == shard:
                for channel in (*guild.channels, *guild.threads):
                    last = getattr(channel, "last_message_id", None)
                    if isinstance(channel, Messageable) and last is not None and last > since:
                        fresh.append((last, channel))
        for _, place in sorted(fresh, key=lambda each: -each[0])[:CHANNELS]:
            yield place
        if shard == 0:
            for number in await self._direct():
                yield client.get_partial_messageable(int(number))

    async def _direct(self) -> list[str]:
        since = self._house.clock() - RECENT
        return await self._house.store.read(lambda c: mentions.direct_threads(c, NAME, since))

    async def _read(self, me: discord.ClientUser, channel: Messageable, since: int) -> int:
        found = 0
        try:
            history = channel.history(
                limit=MESSAGES, after=discord.Object(since), oldest_first=True
            )
            async for message in history:
                found += await self._wishes.hear(message, me)
        except FAILURES as error:
            self._log.debug("not caught up", channel=str(channel), error=repr(error))
        return found

    async def _taken_away(self, channel: int, message: int) -> None:
        """A wish whose message is gone is not painted; a reply that is gone is known to be."""
        where, now = post(channel, message), self._house.clock()

        def act(c: Look) -> None:
            consent.post_gone(c, NAME, where, now)
            job = jobs.by_stand_in(c, NAME, str(message)) or jobs.by_post(c, NAME, where)
            if job is None:
                return
            outbox.withdrawn(c, NAME, where, now)
            if job.state not in (JobState.COMPLETED, JobState.DISCARDED):
                jobs.cancel(c, job, now)

        await self._house.store.write(act)

    async def _present(self, client: Client, shown: int | None) -> int:
        counts = await self._house.store.read(jobs.counts)
        waiting = sum(n for state, n in counts.items() if state is not JobState.HELD)
        if waiting != shown:
            text = wording.phrase("presence", None, count=waiting)
            await client.change_presence(activity=discord.CustomActivity(text))
        return waiting


def _is_ours(custom_id: str) -> bool:
    """Whether a dynamic item takes it."""
    return buttons.is_ours(custom_id) or bool(cards.BUTTON.fullmatch(custom_id))
