"""The commands and menus as Discord shows them, in the languages of `bots/languages`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

import discord
import structlog
from discord import app_commands
from discord.app_commands import Choice, Range, locale_str

from bots import wording
from bots.platform import House
from bots.platforms._discord import reading
from bots.platforms._discord.address import post
from bots.platforms._discord.buttons import CHOICES
from bots.platforms._discord.clicks import VARIED, Clicks
from bots.platforms._discord.connection import Client
from bots.platforms._discord.counter import Counter
from bots.platforms._discord.manners import No
from bots.platforms._discord.reading import Wish
from bots.platforms._discord.wishes import Wishes, tell
from data.words import PhotoRef, Prompt

Interaction = discord.Interaction[Any]
#: What proposes values for a half-typed option.
Styles = Callable[[Interaction, str], Coroutine[Any, Any, list[Choice[str]]]]

#: The options of `/imagine`, for their names and descriptions.
OPTIONS: Final = (
    "prompt",
    "style",
    "aspect",
    "count",
    "seed",
    "negative",
    "image",
    "strength",
    "spoiler",
    "private",
)
ASPECTS: Final = ("1:1", "3:2", "2:3", "16:9", "9:16")
#: A server's channels, which an option of `/settings` may name.
GuildChannel = discord.TextChannel | discord.ForumChannel | discord.VoiceChannel


def words(key: str) -> locale_str:
    """A name or description of a command, in English, with the key of its translations."""
    return locale_str(wording.command(key, None) or key, key=key)


class Translator(app_commands.Translator):
    async def translate(
        self,
        string: locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,  # noqa: ARG002  the library's signature
    ) -> str | None:
        key = string.extras.get("key")
        language = reading.language_of(locale)
        return wording.command(key, language) if key and language != "en" else None


def add(client: Client, house: House, wishes: Wishes, clicks: Clicks, counter: Counter) -> None:
    """Hang all commands on a fresh client."""
    tree = client.tree
    _add_imagine(tree, house, wishes)
    _add_restyle(tree, house, wishes)
    _add_questions(tree, counter, clicks)
    _add_privacy(tree, counter)
    _add_settings(tree, counter)
    _add_mod(tree, counter)
    _add_menus(tree, wishes, clicks)

    @tree.error
    async def failed(interaction: Interaction, error: app_commands.AppCommandError) -> None:
        unknown = isinstance(
            error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch
        )
        if not unknown:
            structlog.get_logger().error("command failed", exc_info=error)
        await tell(interaction, No("command_changed" if unknown else "failed"))


def _styles(house: House) -> Styles:
    async def styles(_interaction: Interaction, current: str) -> list[Choice[str]]:
        wanted = current.strip().lower()
        fitting = [style for style in house.styles if wanted in style.lower()]
        return [Choice(name=style[:100], value=style[:100]) for style in fitting[:CHOICES]]

    return styles


def _add_imagine(tree: app_commands.CommandTree[Client], house: House, wishes: Wishes) -> None:
    handle, styles = house.settings.handle, _styles(house)

    def command(name: str) -> app_commands.Command[Any, ..., None]:
        """Made anew for each name: the library takes the descriptions off the function."""

        @app_commands.describe(**{option: words(f"imagine.{option}") for option in OPTIONS})
        @app_commands.rename(**{option: words(f"imagine.{option}.name") for option in OPTIONS})
        @app_commands.choices(aspect=[Choice(name=each, value=each) for each in ASPECTS])
        @app_commands.autocomplete(style=styles)
        async def imagine(
            interaction: Interaction,
            prompt: Range[str, 1, 1000],
            style: Range[str, 1, 60] | None = None,
            aspect: str | None = None,
            count: Range[int, 1, 4] | None = None,
            seed: Range[int, 0, 4294967295] | None = None,
            negative: Range[str, 1, 200] | None = None,
            image: discord.Attachment | None = None,
            strength: Range[int, 1, 100] | None = None,
            spoiler: bool = False,  # noqa: FBT001, FBT002  an option of the command
            private: bool = False,  # noqa: FBT001, FBT002
        ) -> None:
            wish = reading.prompt_of(
                prompt,
                handle,
                style=style.lower() if style else None,
                aspect=aspect,
                count=count,
                seed=seed,
                negative=negative,
                strength=strength / 100 if strength else None,
            )
            photo = _photo(interaction, image)
            await wishes.make(
                interaction, Wish(prompt=wish, photo=photo, hidden=private, spoiler=spoiler)
            )

        return app_commands.Command(
            name=words(name), description=words(f"{name}.description"), callback=imagine
        )

    for name in ("imagine", "draw"):
        tree.add_command(command(name))


def _add_restyle(tree: app_commands.CommandTree[Client], house: House, wishes: Wishes) -> None:
    styles = _styles(house)

    @tree.command(name=words("restyle"), description=words("restyle.description"))
    @app_commands.describe(photo=words("restyle.photo"), style=words("imagine.style"))
    @app_commands.rename(photo=words("restyle.photo.name"), style=words("imagine.style.name"))
    @app_commands.autocomplete(style=styles)
    async def restyle(
        interaction: Interaction, photo: discord.Attachment, style: Range[str, 1, 60]
    ) -> None:
        wish = Wish(prompt=Prompt(style=style.lower()), photo=_photo(interaction, photo))
        await wishes.make(interaction, wish)


def _add_questions(
    tree: app_commands.CommandTree[Client], counter: Counter, clicks: Clicks
) -> None:
    @tree.command(name=words("queue"), description=words("queue.description"))
    async def queue(interaction: Interaction) -> None:
        await counter.queue(interaction)

    @tree.command(name=words("quota"), description=words("quota.description"))
    async def quota(interaction: Interaction) -> None:
        await counter.quota(interaction)

    @tree.command(name=words("cancel"), description=words("cancel.description"))
    @app_commands.describe(job=words("job.description"))
    async def cancel(interaction: Interaction, job: Range[int, 1] | None = None) -> None:
        await counter.cancel(interaction, job)

    @tree.command(name=words("receipt"), description=words("receipt.description"))
    @app_commands.describe(job=words("job.description"))
    async def receipt(interaction: Interaction, job: Range[int, 1] | None = None) -> None:
        await counter.receipt(interaction, job)

    @tree.command(name=words("help"), description=words("help.description"))
    async def help_(interaction: Interaction) -> None:
        await counter.help(interaction)

    @tree.command(name=words("report"), description=words("report.description"))
    @app_commands.describe(job=words("job.description"), reason=words("reason.description"))
    async def report(
        interaction: Interaction, job: Range[int, 1], reason: Range[str, 1, 300]
    ) -> None:
        known = await clicks.find(job)
        if known is None:
            await tell(interaction, No("no_receipt"))
        else:
            await clicks.reported(interaction, known, reason)


def _add_privacy(tree: app_commands.CommandTree[Client], counter: Counter) -> None:
    group = app_commands.Group(name=words("privacy"), description=words("privacy.description"))
    asks: tuple[tuple[str, Callable[[Interaction], Any]], ...] = (
        ("export", counter.export),
        ("delete", counter.delete_data),
        ("leave", counter.leave),
        ("optout", counter.opt_out),
        ("optin", counter.opt_in),
    )
    for name, act in asks:
        group.add_command(_plain(name, f"privacy.{name}.description", act))
    tree.add_command(group)


def _plain(name: str, description: str, act: Callable[[Interaction], Any]) -> Any:
    async def callback(interaction: Interaction) -> None:
        await act(interaction)

    return app_commands.Command(
        name=words(f"privacy.{name}"), description=words(description), callback=callback
    )


def _add_settings(tree: app_commands.CommandTree[Client], counter: Counter) -> None:
    @tree.command(name=words("settings"), description=words("settings.description"))
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.describe(
        allow=words("settings.allow"),
        forget=words("settings.forget"),
        age_restricted_only=words("settings.age"),
        member_limit=words("settings.limit"),
        quiet_from=words("settings.quiet_from"),
        quiet_to=words("settings.quiet_to"),
        mod_channel=words("settings.mod_channel"),
    )
    async def settings(
        interaction: Interaction,
        allow: GuildChannel | None = None,
        forget: GuildChannel | None = None,
        age_restricted_only: bool | None = None,  # noqa: FBT001
        member_limit: Range[int, 0, 1000] | None = None,
        quiet_from: Range[int, 0, 23] | None = None,
        quiet_to: Range[int, 0, 23] | None = None,
        mod_channel: discord.TextChannel | None = None,
    ) -> None:
        given = {
            "allow": str(allow.id) if allow else None,
            "forget": str(forget.id) if forget else None,
            "age_restricted_only": age_restricted_only,
            "member_limit": member_limit,
            "quiet_from": quiet_from,
            "quiet_to": quiet_to,
            "mod_channel": str(mod_channel.id) if mod_channel else None,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        await counter.settings(interaction, changes)


def _add_mod(tree: app_commands.CommandTree[Client], counter: Counter) -> None:
    group = app_commands.Group(
        name=words("mod"),
        description=words("mod.description"),
        allowed_contexts=app_commands.AppCommandContext(
            guild=True, dm_channel=False, private_channel=False
        ),
        allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        default_permissions=discord.Permissions(manage_messages=True),
    )

    @group.command(name=words("mod.held"), description=words("mod.held.description"))
    async def held(interaction: Interaction) -> None:
        await counter.held(interaction)

    @group.command(name=words("mod.approve"), description=words("mod.approve.description"))
    async def approve(interaction: Interaction, job: Range[int, 1]) -> None:
        await counter.decide(interaction, job, approve=True, reason="looked at and found fine")

    @group.command(name=words("mod.reject"), description=words("mod.reject.description"))
    async def reject(
        interaction: Interaction, job: Range[int, 1], reason: Range[str, 1, 300]
    ) -> None:
        await counter.decide(interaction, job, approve=False, reason=reason)

    @group.command(name=words("mod.remove"), description=words("mod.remove.description"))
    async def remove(interaction: Interaction, job: Range[int, 1]) -> None:
        await counter.remove(interaction, job)

    tree.add_command(group)


def _add_menus(tree: app_commands.CommandTree[Client], wishes: Wishes, clicks: Clicks) -> None:
    @tree.context_menu(name=words("menu.restyle"))
    async def restyle(interaction: Interaction, message: discord.Message) -> None:
        job = await clicks.job_of(message)
        if job is not None:
            await clicks.restyle(interaction, job, 0)
        else:
            await _of_photo(interaction, message, Prompt())

    @tree.context_menu(name=words("menu.vary"))
    async def vary(interaction: Interaction, message: discord.Message) -> None:
        job = await clicks.job_of(message)
        if job is not None:
            await clicks.vary(interaction, job, 0)
        else:
            await _of_photo(interaction, message, Prompt(strength=VARIED))

    @tree.context_menu(name=words("menu.what"))
    async def what(interaction: Interaction, message: discord.Message) -> None:
        job = await clicks.job_of(message)
        if job is not None:
            await clicks.details(interaction, job)
        else:
            await tell(interaction, No("not_mine"))

    @tree.context_menu(name=words("menu.report"))
    async def report(interaction: Interaction, message: discord.Message) -> None:
        job = await clicks.job_of(message)
        if job is not None:
            await clicks.reported(interaction, job, "")
        else:
            await tell(interaction, No("not_mine"))

    async def _of_photo(interaction: Interaction, message: discord.Message, prompt: Prompt) -> None:
        photos = reading.photos_in(message)
        if len(photos) == 1:
            under = post(message.channel.id, message.id)
            await wishes.make(interaction, Wish(prompt=prompt, photo=photos[0], under=under))
        elif photos:
            await tell(interaction, No("which_photo", {"count": len(photos)}))
        else:
            await tell(interaction, No("no_photo"))


def _photo(interaction: Interaction, image: discord.Attachment | None) -> PhotoRef | None:
    if image is None:
        return None
    return PhotoRef(ref=image.url, owner=str(interaction.user.id))
