"""What people ask about, rather than for: the line, their quota, their data, a server's policy."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import json
from collections.abc import Sequence
from typing import Any, Final

import discord

from bots import wording
from bots.platform import House, PlatformError
from bots.platforms._discord import buttons, files, reading, selling
from bots.platforms._discord.address import FILE_BYTES, NAME
from bots.platforms._discord.clicks import Clicks, forget
from bots.platforms._discord.delivery import Delivery, escaped
from bots.platforms._discord.judging import CAME_TO
from bots.platforms._discord.manners import Manners, No
from bots.platforms._discord.wishes import tell, tell_text
from data import consent, desk, erasure, jobs, line, mentions, outbox, staff, terms
from data.guilds import Policy
from data.store import Connection as Look
from data.words import Job, JobState, Receipt, TemporaryLimit, Ticket

#: Jobs told of at once.
SHOWN: Final = 10


class Counter:
    def __init__(self, house: House, clicks: Clicks, manners: Manners, delivery: Delivery) -> None:
        self._house = house
        self._clicks = clicks
        self._manners = manners
        self._delivery = delivery

    async def queue(self, interaction: discord.Interaction[Any]) -> None:
        """How long the line is, and one's own places in it."""
        account, now = reading.account_of(interaction.user), self._house.clock()

        def look(c: Look) -> tuple[int, list[TemporaryLimit], list[tuple[Job, Ticket | None]]]:
            counts = jobs.counts(c)
            waiting = sum(n for state, n in counts.items() if state is not JobState.HELD)
            own = jobs.unanswered(c, account)[:SHOWN]
            tickets = [(job, line.ticket(c, NAME, job.source_id, now)) for job in own]
            return waiting, terms.in_force(c), tickets

        waiting, limits, own = await self._house.store.read(look)
        language = reading.language_of(interaction.locale)
        lines = [wording.phrase("queue", language, count=waiting), *_told(limits, language)]
        for job, ticket in own:
            if ticket is not None:
                where = wording.status(ticket, None, language, now=now)
                lines.append(f"• #{job.id} {escaped(wording.shown(job.prompt.wish))}: {where}")
        await tell_text(interaction, "\n".join(lines))

    async def quota(self, interaction: discord.Interaction[Any]) -> None:
        account, now = reading.account_of(interaction.user), self._house.clock()
        # What was bought a moment ago may come with the question before it comes as an event.
        await selling.note(self._house, interaction.entitlements)
        quota = await self._house.store.read(lambda c: self._house.quota(c, account, now))
        language = reading.language_of(interaction.locale)
        text = wording.phrase(
            "quota",
            language,
            tier=quota.tier,
            quota=quota.daily,
            left=quota.left,
            when=wording.moment(quota.refill_at),
        )
        text = "\n".join([text, *_told(quota.temporary, language)])
        skus = self._house.settings.discord_skus
        view = buttons.for_sale(int(skus[0][0])) if skus else None
        await tell_text(interaction, text, view=view)

    async def cancel(self, interaction: discord.Interaction[Any], number: int | None) -> None:
        """One's own job, the latest that can still be taken back."""
        account, now = reading.account_of(interaction.user), self._house.clock()

        def act(c: Look) -> bool:
            for job in reversed(jobs.unanswered(c, account)):
                if number in (None, job.id):
                    return jobs.cancel(c, job, now) or outbox.recall(c, job.id, now)
            return False

        done = await self._house.store.write(act)
        await tell(interaction, No("cancelled" if done else "nothing_to_cancel"))

    async def receipt(self, interaction: discord.Interaction[Any], number: int | None) -> None:
        """What became of a wish of one's own, with its pictures: also what could not be posted."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        account = reading.account_of(interaction.user)

        def look(c: Look) -> Job | None:
            return jobs.latest(c, account) if number is None else jobs.by_id(c, number)

        job = await self._house.store.read(look)
        language = reading.language_of(interaction.locale)
        if job is None or job.account.user_id != account.user_id or job.platform != NAME:
            await interaction.edit_original_response(content=wording.phrase("no_receipt", language))
            return
        shown = await self._house.store.read(lambda c: jobs.pictures(c, job.id))
        attached = await asyncio.to_thread(self._files, job, interaction.filesize_limit, shown)
        await interaction.edit_original_response(
            content=escaped(wording.details(job, shown, language)),
            attachments=attached,
            view=buttons.under_picture(job, language) if shown else None,
        )

    def _files(self, job: Job, limit: int, shown: Sequence[Any]) -> list[discord.File]:
        largest = files.share(limit, len(shown))
        made = []
        for number, picture in enumerate(shown, 1):
            data = self._house.pictures.get(picture.sha256)
            data, media_type = files.fitting(data, picture.media_type, largest)
            alt = wording.alt_text(job.prompt, limit=1_000)
            name = files.name(job.id, number, media_type)
            made.append(discord.File(io.BytesIO(data), filename=name, description=alt))
        return made

    async def help(self, interaction: discord.Interaction[Any]) -> None:
        language = reading.language_of(interaction.locale)
        things = ", ".join(self._house.vocabulary[:12])
        text = wording.phrase("help", language, handle=self._house.settings.handle)
        if things:
            text += "\n" + wording.phrase("help.things", language, things=things)
        await tell_text(interaction, text)

    async def export(self, interaction: discord.Interaction[Any]) -> None:
        """All that is kept of somebody, as a file for them alone."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        account = reading.account_of(interaction.user)
        kept = await self._house.store.read(lambda c: erasure.export(c, account))
        data = await asyncio.to_thread(_as_json, kept, min(interaction.filesize_limit, FILE_BYTES))
        language = reading.language_of(interaction.locale)
        await interaction.edit_original_response(
            content=wording.phrase("exported", language, count=len(kept)),
            attachments=[discord.File(io.BytesIO(data), filename="muralist.json")],
        )

    async def delete_data(self, interaction: discord.Interaction[Any]) -> None:
        """Words and pictures of somebody, here and where they were posted."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        account = reading.account_of(interaction.user)
        numbers = await self._house.store.read(lambda c: erasure.of_account(c, account))
        left = sum([not await self._deleted(number) for number in numbers])
        language = reading.language_of(interaction.locale)
        says = "erased.partly" if left else "erased"
        text = wording.phrase(says, language, count=len(numbers) - left, left=left)
        await interaction.edit_original_response(content=text)

    async def _deleted(self, mention_id: int) -> bool:
        """The post first: while it stands, we must remember where."""
        post_id = await self._house.store.read(lambda c: outbox.post_of(c, mention_id))
        try:
            if post_id is not None:
                await self._delivery.withdraw(Receipt(post_id=post_id))
        except PlatformError:
            return False
        now = self._house.clock()
        if post_id is not None:
            await self._house.store.write(lambda c: outbox.withdrawn(c, NAME, post_id, now))
        await forget(self._house, mention_id)
        return True

    async def leave(self, interaction: discord.Interaction[Any]) -> None:
        """They want to be left alone: nothing of theirs is painted, their mentions not read."""
        account, now = reading.account_of(interaction.user), self._house.clock()

        def act(c: Look) -> None:
            for job in jobs.unanswered(c, account):
                if not jobs.cancel(c, job, now):
                    outbox.recall(c, job.id, now)
            mentions.stop(c, account, now)

        await self._house.store.write(act)
        await tell(interaction, No("left_alone"))

    async def opt_out(self, interaction: discord.Interaction[Any]) -> None:
        """They want to be in nobody's pictures: not by name, and not by their photos."""
        account, now = reading.account_of(interaction.user), self._house.clock()
        by = f"{NAME}:{account.user_id}"
        await self._house.store.write(lambda c: consent.opt_out(c, account, by, now))
        await tell(interaction, No("opted_out"))

    async def opt_in(self, interaction: discord.Interaction[Any]) -> None:
        account, now = reading.account_of(interaction.user), self._house.clock()
        by = f"{NAME}:{account.user_id}"
        await self._house.store.write(lambda c: consent.opt_in(c, account, by, now))
        await tell(interaction, No("opted_in"))

    async def settings(
        self, interaction: discord.Interaction[Any], changes: dict[str, Any]
    ) -> None:
        """A server's policy, changed where there are `changes`, and shown."""
        guild = str(interaction.guild_id or "")
        if not guild or not interaction.permissions.manage_guild:
            await tell(interaction, No("not_manager"))
            return
        policy = await self._manners.policy(guild)
        if changes:
            policy = _changed(policy, changes)
            await self._manners.set_policy(guild, policy)
        language = reading.language_of(interaction.locale)
        await tell_text(interaction, wording.policy(policy, language))

    async def held(self, interaction: discord.Interaction[Any]) -> None:
        """What waits for a person."""
        if not await self._may_moderate(interaction):
            await tell(interaction, No("not_moderator"))
            return
        waiting = await self._house.store.read(lambda c: jobs.held(c, SHOWN))
        language = reading.language_of(interaction.locale)
        lines = [
            f"#{job.id} {escaped(wording.shown(job.prompt.wish))}: {escaped(job.reason or '')}"
            for job in waiting
        ]
        await tell_text(interaction, "\n".join(lines) or wording.phrase("none_held", language))

    async def decide(
        self, interaction: discord.Interaction[Any], number: int, *, approve: bool, reason: str
    ) -> None:
        """A moderator's word on a held job."""
        if not await self._may_moderate(interaction):
            await tell(interaction, No("not_moderator"))
            return
        now, who = self._house.clock(), f"{NAME}:{interaction.user.id}"
        word = desk.approve if approve else desk.reject
        came = await self._house.store.write(lambda c: word(c, number, who, reason, now))
        await tell(interaction, No(CAME_TO[came], {"job": number}))

    async def remove(self, interaction: discord.Interaction[Any], number: int) -> None:
        """A moderator takes a picture off Discord and off the disk."""
        if not await self._may_moderate(interaction):
            await tell(interaction, No("not_moderator"))
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        job = await self._house.store.read(lambda c: jobs.by_id(c, number))
        done = job is not None and await self._clicks.take_down(interaction, job)
        language = reading.language_of(interaction.locale)
        says = wording.phrase("deleted" if done else "gone", language)
        await interaction.edit_original_response(content=says)

    async def _may_moderate(self, interaction: discord.Interaction[Any]) -> bool:
        """Whoever may manage messages in the one channel that the settings name, and was not
        removed from the desk."""
        here = str(interaction.channel_id or "")
        named = here == self._house.settings.discord_mod_channel
        if not (named and interaction.permissions.manage_messages):
            return False
        login = f"{NAME}:{interaction.user.id}"
        return not await self._house.store.read(lambda c: staff.is_removed(c, login))


def _changed(policy: Policy, changes: dict[str, Any]) -> Policy:
    allowed = list(policy.channels)
    if (channel := changes.pop("allow", None)) is not None and channel not in allowed:
        allowed.append(channel)
    if (channel := changes.pop("forget", None)) in allowed:
        allowed.remove(channel)
    quiet = policy.quiet
    first, end = changes.pop("quiet_from", None), changes.pop("quiet_to", None)
    if first is not None and end is not None:
        quiet = (first, end) if first != end else None
    if changes.get("member_limit") == 0:
        changes["member_limit"] = None
    return dataclasses.replace(policy, channels=tuple(allowed), quiet=quiet, **changes)


def _told(limits: Sequence[TemporaryLimit], language: str | None) -> list[str]:
    """Temporary limits, a line each."""
    return [
        escaped(wording.limit_line(limit, wording.moment(limit.until), language))
        for limit in limits
    ]


def _as_json(kept: list[dict[str, Any]], largest: int) -> bytes:
    """The newest of it, where all of it is more than a file may weigh."""
    data = json.dumps(kept, indent=1, default=str).encode()
    while len(data) > largest and kept:
        kept = kept[len(kept) // 4 + 1 :]
        data = json.dumps(kept, indent=1, default=str).encode()
    return data
