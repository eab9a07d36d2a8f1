"""What each button, list, form and menu does. Their state is the job in the database."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import io
from collections.abc import Awaitable, Callable
from typing import Any, Final

import discord
import structlog

from bots import wording
from bots.platform import House, PlatformError
from bots.platforms._discord import buttons, files, reading
from bots.platforms._discord.address import NAME, post
from bots.platforms._discord.buttons import Verb
from bots.platforms._discord.delivery import Delivery, escaped
from bots.platforms._discord.manners import No
from bots.platforms._discord.reading import Wish
from bots.platforms._discord.wishes import Wishes, safely, tell, tell_text
from data import audit, cases, consent, erasure, jobs, mentions, outbox
from data.store import Connection as Look
from data.words import Intent, Job, JobState, Prompt, Receipt

#: How far a variation goes from its picture.
VARIED: Final = 0.6
#: An enlarged picture's sides are so many times as long, up to so many pixels.
TIMES, LONGEST = 2, 2_048
#: Verbs that are their asker's alone; moderators of a server may use the last two as well.
_OWN: Final = frozenset({Verb.AGAIN, Verb.VARY, Verb.EDIT, Verb.RESTYLE, Verb.CANCEL, Verb.DELETE})
_MODERATED: Final = frozenset({Verb.CANCEL, Verb.DELETE})

Act = Callable[[discord.Interaction[Any], Job, int], Awaitable[None]]


class Clicks:
    def __init__(self, house: House, wishes: Wishes, delivery: Delivery) -> None:
        self._house = house
        self._wishes = wishes
        self._delivery = delivery
        self._acts: dict[Verb, Act] = {
            Verb.AGAIN: self._again,
            Verb.VARY: self.vary,
            Verb.EDIT: self._edit,
            Verb.RESTYLE: self.restyle,
            Verb.UPSCALE: self._upscale,
            Verb.DETAILS: self.details,
            Verb.DELETE: self._delete,
            Verb.REPORT: self._report,
            Verb.CANCEL: self._cancel,
        }

    async def click(
        self, interaction: discord.Interaction[Any], verb: str, job_id: int, n: int
    ) -> None:
        """A button under a message of ours, of whatever age."""
        await safely(interaction, self._clicked(interaction, verb, job_id, n))

    async def _clicked(
        self, interaction: discord.Interaction[Any], verb: str, job_id: int, n: int
    ) -> None:
        job = await self.find(job_id)
        if job is None or verb not in set(Verb):
            await self.old(interaction)
        elif not _may(interaction, Verb(verb), job):
            if verb == Verb.DELETE and await self._vetoed(interaction, job):
                await tell(interaction, No("deleted"))
                return
            await tell(interaction, No("not_yours", {"asker": f"<@{job.account.user_id}>"}))
        else:
            await self._acts[Verb(verb)](interaction, job, n)

    async def choose(
        self, interaction: discord.Interaction[Any], job_id: int, n: int, style: str
    ) -> None:
        """A style from the list."""
        await safely(interaction, self._chosen(interaction, job_id, n, style))

    async def _chosen(
        self, interaction: discord.Interaction[Any], job_id: int, n: int, style: str
    ) -> None:
        job = await self.find(job_id)
        if job is None or not style:
            await self.old(interaction)
            return
        prompt = Prompt(style=style, aspect=job.prompt.aspect)
        key = f"style-{_short(style)}:{job.id}:{n}"
        await self._make(interaction, job, Wish(prompt=prompt, picture=n, key=key))

    async def form(self, interaction: discord.Interaction[Any], custom_id: str) -> None:
        """A form was filled in."""
        await safely(interaction, self._filled_in(interaction, custom_id))

    async def _filled_in(self, interaction: discord.Interaction[Any], custom_id: str) -> None:
        named = buttons.BUTTON.fullmatch(custom_id)
        verb, job_id, _ = buttons.named(named) if named else ("", 0, None)
        job = await self.find(job_id)
        typed = reading.typed_in(reading.data_of(interaction).get("components") or ())
        if job is not None and verb == Verb.EDIT:
            await self._edited(interaction, job, typed)
        elif job is not None and verb == Verb.REPORT:
            await self.reported(interaction, job, typed)
        else:
            await self.old(interaction)

    async def old(self, interaction: discord.Interaction[Any]) -> None:
        """Whatever it is, it is answered."""
        await tell(interaction, No("too_old"))

    async def job_of(self, message: discord.Message) -> Job | None:
        """The job whose pictures a message of ours shows."""
        for row in message.components:
            for item in getattr(row, "children", ()):
                found = buttons.BUTTON.fullmatch(getattr(item, "custom_id", None) or "")
                if found:
                    return await self.find(int(found["job"]))
        where = post(message.channel.id, message.id)
        return await self._house.store.read(lambda c: jobs.by_post(c, NAME, where))

    async def vary(self, interaction: discord.Interaction[Any], job: Job, n: int) -> None:
        prompt = Prompt(style=job.prompt.style, aspect=job.prompt.aspect, strength=VARIED)
        key = f"{Verb.VARY}:{job.id}:{n}"
        await self._make(interaction, job, Wish(prompt=prompt, picture=n, key=key))

    async def restyle(self, interaction: discord.Interaction[Any], job: Job, n: int) -> None:
        styles = list(self._house.styles) or [self._house.settings.default_style]
        language = reading.language_of(interaction.locale)
        view = buttons.of_styles(job.id, n, styles)
        await tell_text(interaction, wording.phrase("which_style", language), view=view)

    async def details(self, interaction: discord.Interaction[Any], job: Job, _n: int = 0) -> None:
        shown = await self._house.store.read(lambda c: jobs.pictures(c, job.id))
        language = reading.language_of(interaction.locale)
        text = wording.details(job, shown, language)
        await tell_text(interaction, escaped(text))

    async def reported(self, interaction: discord.Interaction[Any], job: Job, reason: str) -> None:
        """A report: a case for the moderators, thanked for. They get a card of it."""
        now, reporter = self._house.clock(), reading.account_of(interaction.user)
        await self._house.store.write(
            lambda c: cases.report(c, reporter, job.mention_id, reason, now, job_id=job.id)
        )
        await tell(interaction, No("reported"))

    async def _again(self, interaction: discord.Interaction[Any], job: Job, _n: int) -> None:
        prompt = Prompt(intent=Intent.AGAIN, wish=job.prompt.wish, count=job.prompt.count)
        await self._make(interaction, job, Wish(prompt=prompt, key=f"{Verb.AGAIN}:{job.id}"))

    async def _edit(self, interaction: discord.Interaction[Any], job: Job, _n: int) -> None:
        form = buttons.edit_form(job, reading.language_of(interaction.locale))
        await interaction.response.send_modal(form)

    async def _edited(self, interaction: discord.Interaction[Any], job: Job, typed: str) -> None:
        handle = self._house.settings.handle
        prompt = reading.prompt_of(typed, handle)
        prompt = dataclasses.replace(
            prompt,
            style=prompt.style or job.prompt.style,
            aspect=prompt.aspect or job.prompt.aspect,
            negative=prompt.negative or job.prompt.negative,
            seed=job.seed if prompt.seed is None else prompt.seed,
            count=job.prompt.count,
        )
        key = f"{Verb.EDIT}-{_short(typed)}:{job.id}"
        await self._make(interaction, job, Wish(prompt=prompt, key=key))

    async def _report(self, interaction: discord.Interaction[Any], job: Job, _n: int) -> None:
        form = buttons.report_form(job.id, reading.language_of(interaction.locale))
        await interaction.response.send_modal(form)

    async def _upscale(self, interaction: discord.Interaction[Any], job: Job, n: int) -> None:
        """One picture alone and larger, for whoever asked; it costs nothing."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        shown = await self._house.store.read(lambda c: jobs.pictures(c, job.id))
        language = reading.language_of(interaction.locale)
        if n >= len(shown):
            await interaction.edit_original_response(content=wording.phrase("gone", language))
            return
        limit = files.share(interaction.filesize_limit, 1)
        data, name = await asyncio.to_thread(self._enlarged, shown[n].sha256, job.id, n, limit)
        alt = wording.alt_text(job.prompt, limit=1_000, language=language)
        await interaction.edit_original_response(
            attachments=[discord.File(io.BytesIO(data), filename=name, description=alt)],
            view=buttons.of_one(job.id, n, language),
        )

    def _enlarged(self, digest: str, job_id: int, n: int, limit: int) -> tuple[bytes, str]:
        data = files.enlarged(self._house.pictures.get(digest), TIMES, LONGEST)
        data, media_type = files.fitting(data, "image/png", limit)
        return data, files.name(job_id, n + 1, media_type)

    async def _delete(self, interaction: discord.Interaction[Any], job: Job, _n: int) -> None:
        """Off Discord; at a moderator's word off our disk as well."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        language = reading.language_of(interaction.locale)
        says = "deleted" if await self.take_down(interaction, job) else "gone"
        await interaction.edit_original_response(content=wording.phrase(says, language))

    async def _vetoed(self, interaction: discord.Interaction[Any], job: Job) -> bool:
        """Whether the photo was theirs who clicked: then nothing made from it stays."""
        account, now = reading.account_of(interaction.user), self._house.clock()

        def act(c: Look) -> bool:
            theirs = consent.is_pictured(c, job, account)
            if theirs:
                consent.take_back(c, job, account, now)
            return theirs

        return await self._house.store.write(act)

    async def take_down(self, interaction: discord.Interaction[Any], job: Job) -> bool:
        """Whether it is not there any more. A job that is still under way is cancelled."""
        now = self._house.clock()
        standing = await self._house.store.write(lambda c: _end(c, job, now))
        where = interaction.message
        posts = {standing, post(where.channel.id, where.id) if where is not None else None}
        try:
            for each in posts - {None}:
                await self._delivery.withdraw(Receipt(post_id=str(each)))
        except PlatformError as error:
            structlog.get_logger().warning("not taken down", job=job.id, error=str(error))
            return False
        if standing is not None:
            await self._house.store.write(lambda c: outbox.withdrawn(c, NAME, standing, now))
        if str(interaction.user.id) != job.account.user_id:
            by, subject = f"{NAME}:{interaction.user.id}", audit.of_job(job.id)
            await self._house.store.write(
                lambda c: audit.note(c, by, audit.Act.REMOVE, subject, "taken down on Discord", now)
            )
            await forget(self._house, job.mention_id)
        return True

    async def _cancel(self, interaction: discord.Interaction[Any], job: Job, _n: int) -> None:
        now = self._house.clock()
        cancelled = await self._house.store.write(
            lambda c: jobs.cancel(c, job, now) or outbox.recall(c, job.id, now)
        )
        language = reading.language_of(interaction.locale)
        if not cancelled:
            await tell(interaction, No("too_late"))
            return
        text = wording.phrase("cancelled", language)
        await interaction.response.edit_message(content=text, view=None, attachments=[])

    async def _make(self, interaction: discord.Interaction[Any], job: Job, wish: Wish) -> None:
        """A wish about a job is as hidden, and as covered, as the job was."""
        asked = await self._house.store.read(lambda c: mentions.by_source(c, NAME, job.source_id))
        address = asked.mention.address if asked is not None else {}
        wish = dataclasses.replace(
            wish,
            about=job.id,
            hidden=bool(address.get("hidden")),
            spoiler=bool(address.get("spoiler")),
        )
        await self._wishes.make(interaction, wish)

    async def find(self, job_id: int) -> Job | None:
        job = await self._house.store.read(lambda c: jobs.by_id(c, job_id))
        return job if job is not None and job.platform == NAME else None


async def forget(house: House, mention_id: int) -> None:
    """Words and pictures of one wish, from the database and the disk."""
    now = house.clock()
    digests = await house.store.write(lambda c: erasure.forget(c, mention_id, now))
    for digest in digests:
        await asyncio.to_thread(house.pictures.path(digest).unlink, missing_ok=True)


def _end(c: Look, job: Job, now: float) -> str | None:
    """Nothing more comes of the job; the post that shows it already."""
    if not jobs.cancel(c, job, now):
        outbox.recall(c, job.id, now)
    return outbox.standing_post(c, job.id) if job.state is JobState.COMPLETED else None


def _may(interaction: discord.Interaction[Any], verb: Verb, job: Job) -> bool:
    if verb not in _OWN or str(interaction.user.id) == job.account.user_id:
        return True
    return verb in _MODERATED and interaction.permissions.manage_messages


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
