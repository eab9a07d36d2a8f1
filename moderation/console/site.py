"""The console as one application: whoever mounts it gives it its store and its door."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from data import again, staff
from data.pictures import PictureStore
from data.store import Connection, Store
from data.words import Ladder, Terms, Tier
from moderation.console import wishes
from moderation.console.accounts import Accounts
from moderation.console.books import Books
from moderation.console.cases import Cases
from moderation.console.door import Door, DoorSettings, new_key
from moderation.console.limits import Limits
from moderation.console.line import Line
from moderation.console.lists import Lists
from moderation.console.pages import ROOT, STATIC, Pages, open_pages
from moderation.console.policy import Policy
from moderation.console.wishes import Wishes

__all__ = ["ROOT", "ConsoleSettings", "first_key", "open_console", "shown_once"]

#: How often to look whether an act on many is due, in seconds.
POLL = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSettings:
    """What the console needs besides the store; `terms` are the tiers' defaults."""

    door: DoorSettings = field(default_factory=DoorSettings)
    ladder: Ladder = field(default_factory=lambda: Ladder(days=30, steps=()))
    terms: Mapping[Tier, Terms] = field(default_factory=dict)


@contextlib.asynccontextmanager
async def open_console(
    store: Store,
    pictures: PictureStore,
    clock: Callable[[], float],
    settings: ConsoleSettings | None = None,
) -> AsyncIterator[web.Application]:
    """The application, to be mounted at `ROOT`, and its own small tasks for a scope's length."""
    settings = settings or ConsoleSettings()
    pages = await open_pages(store, pictures, clock)
    async with asyncio.TaskGroup() as group:
        bulks = group.create_task(_carry_out(store, clock), name="acts on many")
        yield _application(pages, settings)
        bulks.cancel()


async def first_key(store: Store, clock: Callable[[], float]) -> str | None:
    """A key for whoever starts Muralist for the first time; None once there was one."""
    key, digest = new_key()

    def act(c: Connection) -> bool:
        if staff.has_key(c):
            return False
        staff.keep_key(c, digest, clock())
        return True

    if await store.read(staff.has_key):
        return None
    return key if await store.write(act) else None


def shown_once(address: str, key: str) -> str:
    """What is told of a fresh key, where only whoever starts the process sees it."""
    there = f"{address.rstrip('/')}{ROOT}"
    return f"The moderators' desk is at {there}; its key, shown only this once, is {key}"


def _application(pages: Pages, settings: ConsoleSettings) -> web.Application:
    door = Door(pages, settings.door)
    app = web.Application(middlewares=[_in_words(pages), door.guard])
    parts = (
        door,
        Lists(pages),
        Wishes(pages),
        Accounts(pages, settings.terms, settings.ladder),
        Cases(pages),
        Line(pages),
        Limits(pages, settings.terms),
        Policy(pages),
        Books(pages),
    )
    for part in parts:
        part.mount(app)
    app.router.add_static("/static", STATIC)
    return app


def _in_words(pages: Pages) -> Middleware:
    @web.middleware
    async def tell(request: web.Request, handler: Handler) -> web.StreamResponse:
        """A refusal as a page, where a person reads it."""
        try:
            return await handler(request)
        except web.HTTPException as refusal:
            if refusal.status < 400 or "text/html" not in request.headers.get("Accept", ""):
                raise
            page = pages.bare(
                "trouble.html",
                status=refusal.status,
                title=refusal.reason,
                sentence=refusal.text if refusal.status != 404 or not refusal.empty_body else "",
            )
            for name in ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"):
                if name in refusal.headers:
                    page.headers[name] = refusal.headers[name]
            return page

    return tell


async def _carry_out(store: Store, clock: Callable[[], float]) -> None:
    """Acts on many, each at its time; whatever a dead process left is done by the next."""
    while True:
        due = await store.read(again.next_bulk)
        if due is not None and due <= clock():
            await store.write(lambda c: wishes.carry_out(c, clock()))
        else:
            await asyncio.sleep(POLL)
