"""`python -m bots`: the composition root. Nothing else wires the rooms together."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import click

from bots import clock, desk, logs, loop, sweep, web
from bots.intake import Intake
from bots.outbox import Outbox
from bots.platform import House, Platform, Rush
from bots.platform import load as load_platform
from bots.pulse import Pulse
from bots.review import Review
from bots.settings import Settings, SettingsError
from bots.settings import load as load_settings
from data import budget
from data.pictures import PictureStore
from data.presence import Presence
from data.staff import Role
from data.store import Store, open_store
from data.words import Ladder, MuralistError
from generator import knowledge
from generator.engine import EngineSettings, open_engine
from generator.worker import Worker
from moderation import check as checks
from moderation import standards
from moderation.check import Check, CheckSettings
from moderation.console import site as console
from moderation.console.door import DoorSettings
from moderation.console.oauth import DiscordLogin
from moderation.console.site import ConsoleSettings
from moderation.reasons import CANNED
from ratelimit import control, quota
from ratelimit import policy as policies
from ratelimit.tiers import DAILY, TERMS

#: Seconds between two looks for wishes that waited too long.
EXPIRE_EVERY = 60.0


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Start Muralist: listen on the platforms, paint, and answer."""
    if context.invoked_subcommand is None:
        run()


@main.command()
def doctor() -> None:
    """Say in plain words what is configured, what works, what is missing."""
    from bots.doctor import examine  # rich and the probes, only when asked for

    sys.exit(examine())


@main.command()
@click.argument("platform")
def resume(platform: str) -> None:
    """Post on PLATFORM again, after its account was in trouble and is well."""
    try:
        mended = loop.run(_resume(load_settings(), platform))
    except MuralistError as failure:
        click.echo(f"muralist: {failure}", err=True)
        sys.exit(1)
    click.echo(f"Posting on {platform} goes on." if mended else f"{platform} was not stopped.")


async def _resume(settings: Settings, platform: str) -> bool:
    async with open_store(settings.database) as store:
        return await store.write(lambda c: budget.mend(c, platform))


def run() -> None:
    """Read the settings, then serve until told to stop. Exits 1 with a sentence on failure."""
    try:
        settings = load_settings()
        logs.set_up(settings.log, settings.log_format)
        with Presence(settings.database.parent / "presence").held() as presence:
            loop.run(_until_signalled(settings, presence))
    except* (MuralistError, OSError) as failures:
        for failure in _leaves(failures):
            click.echo(f"muralist: {failure}", err=True)
        sys.exit(1)


async def _until_signalled(settings: Settings, presence: Presence) -> None:
    """The first signal ends in good order, the second at once."""
    stop = asyncio.Event()
    serving = asyncio.current_task()
    assert serving is not None

    def on_signal() -> None:
        if stop.is_set():
            serving.cancel()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    with contextlib.suppress(asyncio.CancelledError):
        await serve(settings, presence, stop)


async def serve(settings: Settings, presence: Presence, stop: asyncio.Event) -> None:
    """Everything there is, until `stop`: then the batch in hand is finished and posted."""
    pictures = PictureStore(settings.pictures)
    opened = await asyncio.to_thread(_open_checks, settings)
    known_standards = await asyncio.to_thread(standards.read)
    known = await asyncio.to_thread(knowledge.of_model, settings.model)
    async with contextlib.AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings.database))
        await clock.rescue_orphans(store, presence, time.time)
        review = Review(store, opened, time.time)
        engine = open_engine(settings.engine, _engine_settings(settings))
        rush = Rush()
        worker = Worker(
            store,
            pictures,
            engine,
            owner=presence.id,
            clock=time.time,
            review=review.picture,
            attempts=settings.attempts,
            default_style=settings.default_style,
            on_progress=store.bell.ring,
            # What is loaded by then stays. Unless told so, Python looks through all of it now
            # and then, which takes half a second, and nobody is answered meanwhile.
            on_ready=gc.freeze,
            glance=review.sketch,
            give_way=rush.is_on,
        )
        house = House(
            settings=settings,
            store=store,
            pictures=pictures,
            clock=time.time,
            progress=worker.progress,
            sketch=worker.sketch,
            rush=rush,
            vocabulary=known.things,
            knows=known.covers,
            styles=known.styles,
            draws_in=known.has_style,
            engine=lambda: engine.name,
            ready=lambda: worker.ready,
            quotas=DAILY,
            quota=quota.of,
            reasons=CANNED,
            expire_after=known_standards.desk.expire_after,
        )
        platforms = [
            await stack.enter_async_context(load_platform(name)(house))
            for name in settings.platforms
        ]
        pulse = Pulse()
        chores = _limits_chores(settings, store, platforms)
        await stack.enter_async_context(clock.ticking(store, presence, time.time, chores))
        ladder = known_standards.ladder
        await stack.enter_async_context(_on_the_web(house, platforms, pulse, ladder))
        await stack.enter_async_context(sweep.daily(house, platforms))
        await stack.enter_async_context(desk.tended(house, platforms, known_standards.desk))
        intake = Intake(house, review, policies.load(settings.policies), ladder)
        outbox = Outbox(house, presence)
        await work(stop, platforms, intake, worker, outbox, pulse)


@contextlib.asynccontextmanager
async def _on_the_web(
    house: House, platforms: Sequence[Platform], pulse: Pulse, ladder: Ladder
) -> AsyncIterator[None]:
    """Serve the platforms' pages, the desk and what is published, and say where."""
    settings, store, now = house.settings, house.store, house.clock
    desk_settings = _console_settings(settings, ladder)
    async with console.open_console(store, house.pictures, now, desk_settings) as desk_app:
        app = web.build(
            platforms,
            house.ready,
            pulse,
            settings.host,
            limits=lambda: store.read(lambda c: control.status(c, now())),
            mounted={console.ROOT: desk_app},
        )
        async with web.serving(app, settings.host, settings.port) as address:
            click.echo(f"Muralist is at {address}")
            if key := await console.first_key(store, now):
                click.echo(console.shown_once(address, key))
            yield


async def work(
    stop: asyncio.Event,
    platforms: Sequence[Platform],
    intake: Intake,
    worker: Worker,
    outbox: Outbox,
    pulse: Pulse,
) -> None:
    """Listen, paint and post side by side; wind down in that order."""
    last_call = asyncio.Event()

    async def paint() -> None:
        await worker.run(stop)
        last_call.set()

    async with asyncio.TaskGroup() as group:
        until_stopped = [
            group.create_task(intake.run(platform), name=f"intake {platform.name}")
            for platform in platforms
        ]
        until_stopped.append(group.create_task(pulse.run(), name="pulse"))
        group.create_task(paint(), name="worker")
        for platform in platforms:
            group.create_task(outbox.run(platform, last_call), name=f"outbox {platform.name}")
        await stop.wait()
        for task in until_stopped:
            task.cancel()


def _limits_chores(
    settings: Settings, store: Store, platforms: Sequence[Platform]
) -> list[tuple[float, Callable[[], Awaitable[None]]]]:
    """Look after the line's length, and drop what waited too long."""
    told_on = [platform.name for platform in platforms if platform.manners.tells_when_over]

    async def look() -> None:
        # A write rings everybody's bell: not while there is nothing to look at.
        if not await store.read(control.quiet):
            await store.write(lambda c: control.tick(c, time.time(), told_on=told_on))

    async def expire() -> None:
        await clock.expire(store, time.time, settings.expire_hours * 3600)

    return [(control.EVERY, look), (EXPIRE_EVERY, expire)]


def _open_checks(settings: Settings) -> tuple[Check, ...]:
    return checks.load(settings.checks, CheckSettings(classifier=settings.classifier))


def _console_settings(settings: Settings, ladder: Ladder) -> ConsoleSettings:
    """Raises SettingsError where signing in with Discord is set up by half."""
    secret, login = settings.moderation_discord_client_secret, None
    given = (
        settings.moderation_discord_client_id,
        secret,
        settings.moderation_discord_guild,
        settings.moderation_discord_roles,
    )
    if any(given) and not all(given):
        raise SettingsError(
            "Signing in with Discord needs all four of MURALIST_MODERATION_DISCORD_CLIENT_ID,"
            " _CLIENT_SECRET, _GUILD and _ROLES."
        )
    if secret is not None:
        roles = (role.split(":") for role in settings.moderation_discord_roles)
        login = DiscordLogin(
            url=settings.moderation_discord_url,
            client_id=settings.moderation_discord_client_id,
            client_secret=secret.get_secret_value(),
            guild=settings.moderation_discord_guild,
            roles={number: Role(name) for name, number in roles},
        )
    door = DoorSettings(
        url=settings.moderation_url,
        discord=login,
        recheck=settings.moderation_recheck_minutes * 60,
    )
    return ConsoleSettings(door=door, ladder=ladder, terms=TERMS)


def _engine_settings(settings: Settings) -> EngineSettings:
    return EngineSettings(
        model=settings.model,
        device=settings.device,
        threads=settings.threads,
        batch=settings.batch,
        steps=settings.steps,
        guidance=settings.guidance,
        strength=settings.strength,
        picture_size=settings.picture_size,
    )


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for failure in group.exceptions:
        leaves += _leaves(failure) if isinstance(failure, BaseExceptionGroup) else [failure]
    return leaves


if __name__ == "__main__":
    main()
