"""The line now, and the events that open pages listen to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp_sse import EventSourceResponse

from data import audit, budget, casebook, desk, gauges, staff, terms
from data.audit import Act
from data.staff import Role
from data.store import Connection
from moderation.console.door import allowed
from moderation.console.lists import Ask, asked_at
from moderation.console.pages import ROOT, SESSION, Pages
from moderation.console.wishes import back, numbers

#: Changes that come together are told together; in seconds.
GATHER = 0.5
#: Without any change of this process: how often to look, another may have written.
AGE = 2.0
#: Pixels of the chart.
WIDTH, HEIGHT = 720, 120


class Line:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._store = pages.store

    def mount(self, app: web.Application) -> None:
        app.router.add_get("/line", self._page)
        app.router.add_get("/events", self._events)
        app.router.add_post("/platforms/{platform}/resume", self._resume)

    async def _page(self, request: web.Request) -> web.Response:
        return await self._pages.page(
            request, "line.html", view="line", title="The line", **await self._now()
        )

    @allowed(Role.ADMIN)
    async def _resume(self, request: web.Request) -> web.Response:
        """A person has looked: post on a platform again."""
        platform, form = request.match_info["platform"], await request.post()
        now, who = self._pages.clock(), request[SESSION].person

        def act(c: Connection) -> bool:
            mended = budget.mend(c, platform)
            if mended:
                audit.note(c, who.login, Act.RESUME, f"platform {platform}", "", now)
            return mended

        mended = await self._store.write(act)
        return back(form, "resumed" if mended else "late", f"{ROOT}/line")

    async def _now(self) -> Mapping[str, Any]:
        now = self._pages.clock()

        def look(c: Connection) -> dict[str, Any]:
            return {
                "queue": gauges.queue(c),
                "windows": gauges.windows(c, now),
                "stops": gauges.stops(c, now),
                "limits": terms.in_force(c),
                "flow": casebook.flow(c, now),
            }

        found = await self._store.read(look)
        return {**found, "chart": chart(found["flow"])}

    # ------------------------------------------------------------------- events

    async def _events(self, request: web.Request) -> EventSourceResponse:
        stream = EventSourceResponse(headers={"X-Accel-Buffering": "no"})
        ask = asked_at(request.query.get("query", ""))
        try:
            await stream.prepare(request)
            async with stream:
                await self._tell(request, stream, ask)
        except ConnectionResetError:
            pass  # the page was left: the usual end of a stream
        return stream

    async def _tell(
        self, request: web.Request, stream: EventSourceResponse, ask: Ask | None
    ) -> None:
        """Counts, new wishes and the line, whenever they changed, while the session is good."""
        told: dict[str, str] = {}
        while stream.is_connected():
            heard = self._store.bell.rings
            events = await self._what_is(request, ask)
            if events is None:
                await stream.send("over", event="over")
                return
            for event, text in events.items():
                if told.get(event) != text:
                    await stream.send(text, event=event)
            told = events
            await self._store.bell.after(heard, AGE)
            await asyncio.sleep(GATHER)

    async def _what_is(self, request: web.Request, ask: Ask | None) -> dict[str, str] | None:
        view, session, now = request.query.get("view", ""), request[SESSION], self._pages.clock()
        newest = numbers([request.query.get("newest", "")])
        job = request.query.get("wish", "")

        def look(c: Connection) -> tuple[dict[str, int], int] | None:
            if staff.session(c, session.digest, now) is None:
                return None
            if ask is None or not newest:
                return casebook.counts(c), 0
            return casebook.counts(c), casebook.newer(c, ask.shown, newest[0])

        found = await self._store.read(look)
        if found is None:
            return None
        await self._stay(session.person.login, job, now)
        counts, newer = found
        events = {
            "views": self._pages.text("views.html", view=view, counts=counts),
            "new": str(newer),
        }
        if view == "line":
            events["line"] = self._pages.text("line-now.html", **await self._now())
        return events

    async def _stay(self, login: str, wish: str, now: float) -> None:
        """Whoever has a held wish open keeps it, while nobody else has it."""
        if not (found := numbers([wish])):
            return
        job = await self._store.read(lambda c: casebook.unclaimed(c, found[0], login, now))
        if job is not None:
            await self._store.write(lambda c: desk.claim(c, job, login, now))


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Bars of wishes by minute and a line of the mean wait, in the picture's units."""

    bars: tuple[tuple[float, float, float], ...]  #: x, y, height
    line: str
    most: int
    longest: float
    words: str


def chart(flow: Sequence[Mapping[str, float]]) -> Chart:
    """The last minutes; the newest is at the right."""
    step = WIDTH / len(flow)
    most = max((minute.get("asked", 0) for minute in flow), default=0) or 1
    longest = max((minute.get("wait", 0) for minute in flow), default=0) or 1
    bars = []
    for n, minute in enumerate(flow):
        height = HEIGHT * minute.get("asked", 0) / most
        bars.append((round(n * step, 1), round(HEIGHT - height, 1), round(height, 1)))
    points = [
        f"{(n + 0.5) * step:.1f},{HEIGHT - 0.9 * HEIGHT * minute['wait'] / longest:.1f}"
        for n, minute in enumerate(flow)
        if "wait" in minute
    ]
    total = int(sum(minute.get("asked", 0) for minute in flow))
    words = (
        f"{total} wishes in the last {len(flow)} minutes, at most {most:.0f} in one;"
        f" the longest mean wait was {longest:.0f} seconds."
    )
    return Chart(
        bars=tuple(bar for bar in bars if bar[2]),
        line=" ".join(points),
        most=int(most),
        longest=longest,
        words=words,
    )
