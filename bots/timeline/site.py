"""The timeline as pages: rendered on the server, kept live by events, styled by nobody else."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import jinja2
from aiohttp import web
from aiohttp_sse import EventSourceResponse

from bots.platform import House
from bots.timeline import story
from bots.timeline.api import Api, number, refused
from bots.timeline.board import Board, load_templates
from bots.timeline.suggestions import suggest
from bots.timeline.threads import Thread
from data import timeline

#: Threads on a page.
PAGE = 12
#: Changes that come together are told together; in seconds.
GATHER = 0.2
#: Without any change: how often estimates are brought up to date.
AGE = 5.0

_STATIC = Path(__file__).parent.parent / "static"
#: What a picture file begins with, and what that makes it. Nothing else is served.
_MEDIA = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"RIFF", "image/webp"),
)


class Site:
    """Every route of the sandbox. Open it with `await open_site(house)`."""

    def __init__(self, house: House, templates: jinja2.Environment) -> None:
        self._house = house
        self._board = Board(house, templates)
        self._api = Api(house)

    def mount(self, app: web.Application) -> None:
        app.router.add_get("/", self._page)
        app.router.add_get("/threads", self._threads)
        app.router.add_get("/events", self._events)
        app.router.add_get(r"/posts/{id:\d{1,18}}/details", self._details)
        app.router.add_get("/pictures/{digest}", self._picture)
        self._api.mount(app)

    async def _page(self, request: web.Request) -> web.Response:
        before = number(request, "before")
        shown, older = await self._stretch(before)
        html = self._board.page(
            "page.html",
            threads=self._board.render(shown),
            empty=not shown,
            older=older,
            live=before is None,
            state=await self._board.state(),
            photo_bytes=self._house.settings.photo_bytes,
            suggestions=self._suggestions(),
        )
        return _html(html)

    async def _threads(self, request: web.Request) -> web.Response:
        """A stretch of threads without the page around it, for the page's script."""
        shown, older = await self._stretch(number(request, "before"))
        return _html(
            self._board.page("stretch.html", threads=self._board.render(shown), older=older)
        )

    async def _stretch(self, before: int | None) -> tuple[Sequence[Thread], int | None]:
        """A page of threads, and what the page below it begins before."""
        if before is None:
            shown = (await self._board.newest())[: PAGE + 1]
        else:
            shown = await self._board.older(before, PAGE + 1)
        more = len(shown) > PAGE
        return shown[:PAGE], shown[PAGE - 1].id if more else None

    async def _events(self, request: web.Request) -> EventSourceResponse:
        stream = EventSourceResponse()
        try:
            await stream.prepare(request)
            async with stream:
                await self._tell(request, stream)
        except ConnectionResetError:
            pass  # the page was left: the usual end of a stream
        return stream

    async def _tell(self, request: web.Request, stream: EventSourceResponse) -> None:
        """Send what is shown, then whatever changes, until nobody listens."""
        oldest = number(request, "from") or 0
        told: dict[int, Thread] = {}
        state = None
        while stream.is_connected():
            heard = self._house.store.bell.rings
            shown = [thread for thread in await self._board.newest() if thread.id >= oldest]
            changed = [thread for thread in shown if told.get(thread.id) != thread]
            if changed:
                await stream.send(self._board.render(changed), event="threads")
                told = {thread.id: thread for thread in shown}
            now = await self._board.state()
            if now != state:
                state = now
                await stream.send(self._board.page("state.html", state=state), event="state")
            await self._house.store.bell.after(heard, AGE)
            await asyncio.sleep(GATHER)

    async def _details(self, request: web.Request) -> web.Response:
        post_id = int(request.match_info["id"])
        bot = self._house.settings.handle
        found = await self._house.store.read(lambda c: story.read(c, post_id, bot))
        if found is None:
            return refused(404, "There is nothing to tell about this post.")
        return _html(self._board.page("details.html", story=found))

    async def _picture(self, request: web.Request) -> web.StreamResponse:
        digest = request.match_info["digest"]
        try:
            path = self._house.pictures.path(digest)
        except ValueError:
            return refused(404, "There is no such picture.")
        shown = await self._house.store.read(lambda c: timeline.shows(c, digest))
        media_type = await asyncio.to_thread(_media_type, path) if shown else None
        if media_type is None:
            return refused(404, "There is no such picture.")
        return web.FileResponse(
            path,
            headers={
                "Content-Type": media_type,
                # The address names the content, so it can never change.
                "Cache-Control": "public, max-age=31536000, immutable",
                "X-Content-Type-Options": "nosniff",
            },
        )

    def _suggestions(self) -> list[str]:
        hour = datetime.fromtimestamp(self._house.clock(), UTC).hour
        return suggest(self._house.vocabulary, self._house.styles, turn=hour)


async def open_site(house: House) -> Site:
    """The site with its templates compiled."""
    return Site(house, await asyncio.to_thread(_templates, house))


def _templates(house: House) -> jinja2.Environment:
    """Static files are named with their content, so that browsers never mix two versions."""
    versions = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for path in _STATIC.iterdir()
        if path.is_file()
    }
    address: Callable[[str], str] = lambda name: f"/static/{name}?v={versions[name]}"  # noqa: E731
    return load_templates(house, address)


def _media_type(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except FileNotFoundError:
        return None
    return next((kind for start, kind in _MEDIA if head.startswith(start)), None)


def _html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html", headers={"Cache-Control": "no-store"})
