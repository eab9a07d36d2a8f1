"""Reports and appeals: what people say was not right, and the word on it."""

from __future__ import annotations

from aiohttp import web

from data import casebook, cases
from data.casebook import Row
from data.cases import Case, Outcome
from data.staff import Role
from data.store import Connection
from moderation.console.door import allowed
from moderation.console.pages import ROOT, SESSION, Pages
from moderation.console.wishes import back, reason_of

PAGE = 50


class Cases:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._store = pages.store

    def mount(self, app: web.Application) -> None:
        app.router.add_get("/cases", self._list)
        app.router.add_post(r"/cases/{case:\d{1,18}}/close", self._close)

    async def _list(self, request: web.Request) -> web.Response:
        text, now = request.query.get("from", "0"), self._pages.clock()
        after = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0

        def look(c: Connection) -> tuple[list[Case], dict[int, Row], list[Case]]:
            waiting = cases.waiting(c, PAGE + 1, after=after)
            closed = casebook.closed_cases(c, 10)
            about = casebook.rows(c, [case.mention_id for case in waiting], now)
            return waiting, {row.id: row for row in about}, closed

        waiting, about, closed = await self._store.read(look)
        more = len(waiting) > PAGE
        return await self._pages.page(
            request,
            "cases.html",
            view="cases",
            title="Reports and appeals",
            waiting=waiting[:PAGE],
            about=about,
            closed=closed,
            older=f"{ROOT}/cases?from={waiting[PAGE - 1].id}" if more else None,
        )

    @allowed(Role.MODERATOR)
    async def _close(self, request: web.Request) -> web.Response:
        case, form = int(request.match_info["case"]), await request.post()
        now, who = self._pages.clock(), request[SESSION].person
        try:
            outcome = Outcome(str(form.get("outcome", "")))
        except ValueError:
            raise web.HTTPBadRequest(text="There is no such outcome.") from None
        reason = reason_of(form) or str(outcome)
        closed = await self._store.write(
            lambda c: cases.close(c, case, outcome, who.login, reason, now)
        )
        return back(form, "resolved" if closed else "late", f"{ROOT}/cases")
