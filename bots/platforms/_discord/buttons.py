"""Buttons, choices and forms. What they mean is in their ids, what they act on in the database.

Nothing is kept in memory for any message: a button made by a version of last month is
understood, or told to be too old, like one made a second ago.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final, Self

import discord
from discord import ui

from bots import wording
from bots.platforms._discord import reading
from data.words import Job

BUTTON: Final = re.compile(r"mu:(?P<verb>[a-z]{1,20}):(?P<job>[0-9]{1,18})(?::(?P<n>[0-9]{1,2}))?")
CHOICE: Final = re.compile(r"ms:(?P<verb>[a-z]{1,20}):(?P<job>[0-9]{1,18})(?::(?P<n>[0-9]{1,2}))?")
#: The most choices Discord shows.
CHOICES: Final = 25
#: The longest text a modal is pre-filled with.
LONGEST: Final = 1_000
_REASON: Final = 300


class Verb(StrEnum):
    AGAIN = "again"
    VARY = "vary"
    EDIT = "edit"
    RESTYLE = "restyle"
    UPSCALE = "upscale"
    DETAILS = "details"
    DELETE = "delete"
    REPORT = "report"
    CANCEL = "cancel"


_EMOJI: Final = {
    Verb.AGAIN: "🔄",
    Verb.VARY: "🎨",
    Verb.EDIT: "✏️",
    Verb.RESTYLE: "🖌️",
    Verb.UPSCALE: "⬆️",
    Verb.DETAILS: "📋",
    Verb.DELETE: "🗑️",
    Verb.REPORT: "🚩",
    Verb.CANCEL: "✖️",
}


class Click(ui.DynamicItem[ui.Button[Any]], template=BUTTON):
    """Any of our buttons, on any message of any age."""

    def __init__(
        self, verb: str, job: int, n: int | None = None, *, label: str = "", row: int = 0
    ) -> None:
        emoji = _EMOJI.get(Verb(verb)) if verb in set(Verb) else None
        super().__init__(
            ui.Button(label=label or None, emoji=emoji, custom_id=ident("mu", verb, job, n)),
            row=row,
        )
        self.verb, self.job, self.n = verb, job, n

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(*named(match))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.client.clicks.click(interaction, self.verb, self.job, self.n or 0)


class Choice(ui.DynamicItem[ui.Select[Any]], template=CHOICE):
    """The list of styles."""

    def __init__(
        self, verb: str, job: int, n: int | None = None, *, options: Sequence[str] = ("-",)
    ) -> None:
        shown = [discord.SelectOption(label=each[:100]) for each in options[:CHOICES]]
        super().__init__(ui.Select(custom_id=ident("ms", verb, job, n), options=shown))
        self.verb, self.job, self.n = verb, job, n

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(*named(match))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        chosen = reading.data_of(interaction).get("values") or [""]
        await interaction.client.clicks.choose(interaction, self.job, self.n or 0, str(chosen[0]))


def ident(kind: str, verb: str, job: int, n: int | None = None) -> str:
    return f"{kind}:{verb}:{job}" + (f":{n}" if n is not None else "")


def named(match: re.Match[str]) -> tuple[str, int, int | None]:
    return match["verb"], int(match["job"]), int(match["n"]) if match["n"] else None


def is_ours(custom_id: str) -> bool:
    """Whether one of the dynamic items above takes it."""
    return bool(BUTTON.fullmatch(custom_id) or CHOICE.fullmatch(custom_id))


def under_picture(job: Job, language: str | None) -> ui.View:
    """What can be done with a finished job's pictures."""
    view = _view()

    def add(verb: Verb, row: int, n: int | None = None, mark: str = "") -> None:
        label = mark or wording.phrase(f"button.{verb}", language)
        view.add_item(Click(verb, job.id, n, label=label, row=row))

    for verb in (Verb.AGAIN, Verb.VARY, Verb.EDIT, Verb.RESTYLE):
        add(verb, 0)
    if job.prompt.count > 1:
        for n in range(job.prompt.count):
            add(Verb.UPSCALE, 1, n, str(n + 1))
    else:
        add(Verb.UPSCALE, 1)
    for verb in (Verb.DETAILS, Verb.DELETE, Verb.REPORT):
        add(verb, 2)
    return view


def while_queued(job_id: int, language: str | None) -> ui.View:
    view = _view()
    label = wording.phrase("button.cancel", language)
    view.add_item(Click(Verb.CANCEL, job_id, label=label))
    return view


def of_one(job_id: int, n: int, language: str | None) -> ui.View:
    """What can be done with one picture of several."""
    view = _view()
    for verb in (Verb.VARY, Verb.RESTYLE):
        view.add_item(Click(verb, job_id, n, label=wording.phrase(f"button.{verb}", language)))
    return view


def of_styles(job_id: int, n: int, styles: Sequence[str]) -> ui.View:
    view = _view()
    view.add_item(Choice("style", job_id, n, options=styles))
    return view


def for_sale(sku: int) -> ui.View:
    view = _view()
    view.add_item(ui.Button(style=discord.ButtonStyle.premium, sku_id=sku))
    return view


def edit_form(job: Job, language: str | None) -> ui.Modal:
    """The wish, to be changed. Its answer is recognised by its id, not by this object."""
    return _form(
        wording.phrase("form.edit", language),
        ident("mu", Verb.EDIT, job.id),
        wording.phrase("form.edit.wish", language),
        default=job.prompt.wish[:LONGEST],
        longest=LONGEST,
    )


def report_form(job_id: int, language: str | None) -> ui.Modal:
    return _form(
        wording.phrase("form.report", language),
        ident("mu", Verb.REPORT, job_id),
        wording.phrase("form.report.reason", language),
        default="",
        longest=_REASON,
    )


def _view() -> ui.View:
    """Finished from the start, so that the library keeps nothing of it."""
    view = ui.View(timeout=None)
    view.stop()
    return view


def _form(title: str, custom_id: str, label: str, *, default: str, longest: int) -> ui.Modal:
    form = ui.Modal(title=title[:45], custom_id=custom_id)
    form.add_item(
        ui.TextInput[Any](
            label=label[:45],
            custom_id="words",
            style=discord.TextStyle.paragraph,
            default=default or None,
            max_length=longest,
        )
    )
    form.stop()
    return form
