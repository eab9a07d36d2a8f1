"""The console in a process of its own, and a new key for it: part of `python -m moderation`."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import click
from aiohttp import web

from data import audit, staff
from data.audit import Act
from data.pictures import PictureStore
from data.store import Act as Write
from data.store import Connection, open_store
from moderation import standards
from moderation.console import site
from moderation.console.door import THE_DOOR, DoorSettings, new_key
from moderation.terminal import Desk


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8081, show_default=True, help="0 takes any free one.")
@click.option("--url", help="The public address, where it is another; https makes cookies secure.")
@click.option(
    "--pictures",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of pictures.  [default: pictures, beside the database]",
)
@click.pass_obj
def serve(desk: Desk, host: str, port: int, url: str | None, pictures: Path | None) -> None:
    """Serve the console by itself, beside the bot, on the same file. Sign in with the key."""
    folder = pictures or desk.database.parent / "pictures"
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(desk.database, folder, host, port, DoorSettings(url=url)))


@click.command("new-key")
@click.pass_obj
def fresh_key(desk: Desk) -> None:
    """Make a new key for the console and print it; the old one opens nothing any more."""
    key, digest = new_key()

    def act(c: Connection) -> None:
        staff.keep_key(c, digest, time.time())
        audit.note(c, desk.by or audit.ITSELF, Act.STAFF, THE_DOOR, "a new key", time.time())

    asyncio.run(_write(desk.database, act))
    click.echo(key)


COMMANDS = (serve, fresh_key)


async def _write(database: Path, act: Write[None]) -> None:
    async with open_store(database) as store:
        await store.write(act)


async def _serve(database: Path, pictures: Path, host: str, port: int, door: DoorSettings) -> None:
    async with contextlib.AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(database))
        settings = site.ConsoleSettings(door=door, ladder=standards.read().ladder)
        console = await stack.enter_async_context(
            site.open_console(store, PictureStore(pictures), time.time, settings)
        )
        app = web.Application()
        app.add_subapp(site.ROOT, console)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, host, port).start()
        address = f"http://{host}:{runner.addresses[0][1]}/"
        click.echo(f"The desk is at {address.rstrip('/')}{site.ROOT}")
        if key := await site.first_key(store, time.time):
            click.echo(site.shown_once(address, key))
        await asyncio.Event().wait()
