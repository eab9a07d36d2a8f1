"""What the buttons of cards do: a moderator's word, or that of whoever posted a photo.

Everything goes through the desk, with its audit and its rule of two. Who clicks is
answered alone; the card follows what became of it by itself.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Sequence
from typing import Any, Final

import discord
from discord import ui

from bots import cards as words
from bots import wording
from bots.platform import House
from bots.platforms._discord import faces, files, reading
from bots.platforms._discord.address import NAME
from bots.platforms._discord.cards import BUTTON, ident
from bots.platforms._discord.manners import No
from bots.platforms._discord.wishes import safely, tell, tell_text
from data import bans, cards, casebook, cases, consent, desk, mentions, staff
from data.cards import About, Card
from data.cases import Outcome
from data.consent import Answer
from data.desk import Decided
from data.store import Connection as Look

#: What a moderator's word came to, as a phrase.
CAME_TO: Final = {
    Decided.APPROVED: "approved",
    Decided.REJECTED: "rejected",
    Decided.SECOND_NEEDED: "second_needed",
    Decided.SAID_BEFORE: "said_before",
    Decided.NOT_HELD: "not_held",
}
_OUTCOMES: Final = {
    "uphold": Outcome.UPHELD,
    "stand": Outcome.UPHELD,
    "dismiss": Outcome.DISMISSED,
    "overturn": Outcome.OVERTURNED,
}
_ANSWERS: Final = {"agree": Answer.AGREED, "refuse": Answer.REFUSED, "never": Answer.REFUSED}
#: As long as a reason may be.
LONGEST: Final = 150


class Judging:
    def __init__(self, house: House) -> None:
        self._house = house

    async def press(self, interaction: discord.Interaction[Any], verb: str, number: int) -> None:
        await safely(interaction, self._pressed(interaction, verb, number))

    async def _pressed(self, interaction: discord.Interaction[Any], verb: str, number: int) -> None:
        card = await self._house.store.read(lambda c: cards.by_id(c, NAME, number))
        if card is None:
            await tell(interaction, No("too_old"))
        elif card.about is About.REQUEST:
            await self._answered(interaction, card, verb)
        elif not await self._may(interaction, card, verb):
            await tell(interaction, No("not_moderator"))
        elif verb in ("reject", "ban"):
            form = self._reject_form(card) if verb == "reject" else _ban_form(card)
            await interaction.response.send_modal(form)
        elif verb == "look":
            await self._look(interaction, card)
        elif verb == "approve":
            await self._decide(interaction, card, desk.approve, words.FINE)
        elif verb in _OUTCOMES:
            await self._close(interaction, card, _OUTCOMES[verb])
        else:
            await tell(interaction, No("too_old"))

    async def form(self, interaction: discord.Interaction[Any], custom_id: str) -> bool:
        """A form of ours was filled in; False where it is none."""
        found = BUTTON.fullmatch(custom_id)
        if found is not None:
            await safely(interaction, self._filled_in(interaction, found["verb"], found["card"]))
        return found is not None

    async def _filled_in(
        self, interaction: discord.Interaction[Any], verb: str, number: str
    ) -> None:
        card = await self._house.store.read(lambda c: cards.by_id(c, NAME, int(number)))
        components = reading.data_of(interaction).get("components") or ()
        reason = " ".join(reading.typed_in(components).split())[:LONGEST]
        # Roles may have changed while it was being written.
        if card is None or not await self._may(interaction, card, verb):
            await tell(interaction, No("not_moderator"))
        elif verb == "reject":
            await self._decide(interaction, card, desk.reject, reason or self._usual)
        elif verb == "ban":
            await self._ban(interaction, card, reading.chosen_in(components), reason or self._usual)
        else:
            await tell(interaction, No("too_old"))

    # ------------------------------------------------------------ who may what

    async def _may(self, interaction: discord.Interaction[Any], card: Card, verb: str) -> bool:
        """In the operator's channel or the guild's own, for who may manage messages there and
        was not removed from the desk."""
        if str(interaction.channel_id or "") != card.channel:
            return False
        if not interaction.permissions.manage_messages:
            return False

        def look(c: Look) -> bool:
            wish = faces.mention_id_of(c, card, self._house.clock())
            place = faces.is_operators(c, self._house, card, wish) if wish is not None else None
            may = place or (place is False and verb in {*words.STRICTER, words.LOOK[0]})
            return bool(may) and not staff.is_removed(c, _login(interaction))

        return await self._house.store.read(look)

    # ------------------------------------------------------------------- acts

    async def _decide(
        self,
        interaction: discord.Interaction[Any],
        card: Card,
        word: Callable[[Look, int, str, str, float], Decided],
        reason: str,
    ) -> None:
        now, who = self._house.clock(), _login(interaction)

        def act(c: Look) -> tuple[Decided, int]:
            hold = cards.held(c, card.number, now)
            # A job that is held once more is another hold, with a card of its own.
            if hold is None or hold.outcome is not None:
                return Decided.NOT_HELD, hold.job_id if hold is not None else 0
            return word(c, hold.job_id, who, reason, now), hold.job_id

        came, job = await self._house.store.write(act)
        await tell(interaction, No(CAME_TO[came], {"job": job}))

    async def _close(
        self, interaction: discord.Interaction[Any], card: Card, outcome: Outcome
    ) -> None:
        now, who, reason = self._house.clock(), _login(interaction), str(outcome)
        done = await self._house.store.write(
            lambda c: cases.close(c, card.number, outcome, who, reason, now)
        )
        await tell_text(interaction, words.closed(card.number, done=done))

    async def _ban(
        self, interaction: discord.Interaction[Any], card: Card, chosen: Sequence[str], reason: str
    ) -> None:
        now, who = self._house.clock(), _login(interaction)
        seconds = next((int(each) for each in chosen if each.isdecimal()), words.LENGTHS[0][0])
        until = now + seconds if seconds else None

        def act(c: Look) -> tuple[str, int] | None:
            wish = faces.mention_id_of(c, card, now)
            mention = mentions.by_id(c, wish) if wish is not None else None
            if mention is None:
                return None
            return mention.account.handle, bans.ban(c, mention.account, until, reason, who, now)

        came = await self._house.store.write(act)
        if came is None:
            await tell(interaction, No("too_old"))
            return
        ends = wording.moment(until) if until is not None else None
        await tell_text(
            interaction, words.banned(discord.utils.escape_markdown(came[0]), ends, came[1])
        )

    async def _look(self, interaction: discord.Interaction[Any], card: Card) -> None:
        """The pictures, for this moderator alone; that they looked is written down first."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        now, who = self._house.clock(), _login(interaction)

        def act(c: Look) -> tuple[int, list[str]]:
            wish = faces.mention_id_of(c, card, now)
            row = casebook.row(c, wish, now) if wish is not None else None
            if row is None or row.job is None:
                return 0, []
            shown = faces.images(row)
            for digest in shown:
                desk.viewed(c, who, digest, row.job, "on Discord", now)
            return row.job, shown

        job, shown = await self._house.store.write(act)
        if not shown:
            await interaction.edit_original_response(content=words.SEALED)
            return
        attached = await asyncio.to_thread(self._files, job, shown, interaction.filesize_limit)
        await interaction.edit_original_response(attachments=attached)

    def _files(self, job: int, shown: Sequence[str], limit: int) -> list[discord.File]:
        largest = files.share(limit, len(shown))
        made = []
        for number, digest in enumerate(shown, 1):
            data, media_type = files.fitting(self._house.pictures.get(digest), "", largest)
            name = files.name(job, number, media_type)
            made.append(discord.File(io.BytesIO(data), filename=name))
        return made

    # ------------------------------------------------------- whose photo it is

    async def _answered(self, interaction: discord.Interaction[Any], card: Card, verb: str) -> None:
        """The word of whoever posted a photo, and of nobody else."""
        request = await self._house.store.read(lambda c: consent.request(c, card.number))
        account, now = reading.account_of(interaction.user), self._house.clock()
        if request is None or account.user_id != request.owner:
            await tell(interaction, No("leave.not_you"))
            return

        def act(c: Look) -> bool:
            if verb == "never":
                consent.opt_out(c, account, _login(interaction), now)
            if verb == faces.TAKE_BACK:
                return consent.revoke(c, request, account, now)
            return verb in _ANSWERS and consent.answer(c, request.id, _ANSWERS[verb], now)

        if await self._house.store.write(act):
            says = {"never": "opted_out", faces.TAKE_BACK: "leave.taken_back"}.get(verb)
            await tell(interaction, No(says or f"leave.{_ANSWERS[verb]}"))
        else:
            await tell(interaction, No("opted_out" if verb == "never" else "leave.over"))

    # ------------------------------------------------------------------- forms

    @property
    def _usual(self) -> str:
        return next(iter(reversed(self._house.reasons)), "it is not what this place is for")

    def _reject_form(self, card: Card) -> ui.Modal:
        form = ui.Modal(title="Reject", custom_id=ident("reject", card.id))
        form.add_item(_reason("Why not? Its asker reads this.", self._usual))
        form.stop()
        return form


def _ban_form(card: Card) -> ui.Modal:
    """Its answer is recognised by its id, not by this object."""
    form = ui.Modal(title="Ban or time out", custom_id=ident("ban", card.id))
    options = [
        discord.SelectOption(label=label, value=str(seconds), default=seconds == 86_400)
        for seconds, label in words.LENGTHS
    ]
    choice = ui.Select[Any](custom_id="length", options=options)
    form.add_item(ui.Label(text="For how long?", component=choice))
    form.add_item(_reason("Why? They read this.", ""))
    form.stop()
    return form


def _reason(asks: str, default: str) -> ui.Label[Any]:
    words_ = ui.TextInput[Any](
        custom_id="words", default=default or None, max_length=LONGEST, required=True
    )
    return ui.Label(text=asks, component=words_)


def _login(interaction: discord.Interaction[Any]) -> str:
    """The same as in the console, so that one person stays one."""
    return f"{NAME}:{interaction.user.id}"
