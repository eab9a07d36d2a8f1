"""The books: everything moderators did and saw, and who moderates."""

from __future__ import annotations

import json

from aiohttp import web

from data import audit, staff
from data.audit import Act
from data.staff import Person, Role
from data.store import Connection
from moderation.console.door import allowed
from moderation.console.pages import ROOT, SESSION, Pages
from moderation.console.wishes import back, reason_of

PAGE = 100
PIECE = 500


class Books:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._store = pages.store

    def mount(self, app: web.Application) -> None:
        app.router.add_get("/audit", self._audit)
        app.router.add_get("/audit.ndjson", self._export)
        app.router.add_get("/team", self._team)
        app.router.add_post(r"/team/{person:\d{1,18}}/{what:remove|readmit}", self._change)

    async def _audit(self, request: web.Request) -> web.Response:
        text = request.query.get("from", "")
        before = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
        by, about = request.query.get("by") or None, request.query.get("about") or None

        def look(c: Connection) -> list[audit.Entry]:
            return audit.trail(c, PAGE + 1, before=before, by=by, subject=about)

        entries = await self._store.read(look)
        more = len(entries) > PAGE
        address = request.rel_url.without_query_params("from", "said")
        return await self._pages.page(
            request,
            "audit.html",
            view="audit",
            title="Audit",
            entries=entries[:PAGE],
            by=by,
            about=about,
            older=str(address.update_query({"from": entries[PAGE - 1].id})) if more else None,
        )

    @allowed(Role.ADMIN)
    async def _export(self, request: web.Request) -> web.StreamResponse:
        """Every row as it is hashed, newest first."""
        now, who = self._pages.clock(), request[SESSION].person.login
        await self._store.write(lambda c: audit.note(c, who, Act.EXPORT, "audit.ndjson", "", now))
        response = web.StreamResponse(
            headers={
                "Content-Type": "application/x-ndjson",
                "Content-Disposition": 'attachment; filename="muralist-audit.ndjson"',
                "Cache-Control": "no-store",
            }
        )
        await response.prepare(request)
        before: int | None = None
        while True:
            piece = await self._store.read(
                lambda c: audit.trail(c, PIECE, before=before)  # noqa: B023
            )
            for entry in piece:
                told = {name: getattr(entry, name) for name in entry.__slots__}
                await response.write(json.dumps(told).encode() + b"\n")
            if len(piece) < PIECE:
                break
            before = piece[-1].id
        await response.write_eof()
        return response

    async def _team(self, request: web.Request) -> web.Response:
        people = await self._store.read(staff.everybody)
        return await self._pages.page(
            request, "team.html", view="team", title="Moderators", people=people
        )

    @allowed(Role.ADMIN)
    async def _change(self, request: web.Request) -> web.Response:
        number, what = int(request.match_info["person"]), request.match_info["what"]
        form, now, who = await request.post(), self._pages.clock(), request[SESSION].person
        if number == who.id:
            raise web.HTTPBadRequest(text="Nobody removes themselves.")

        def act(c: Connection) -> Person | None:
            person = staff.remove(c, number, now) if what == "remove" else staff.readmit(c, number)
            if person is not None:
                audit.note(c, who.login, Act.STAFF, person.login, reason_of(form), now, what=what)
            return person

        changed = await self._store.write(act)
        word = "removed" if what == "remove" else "readmitted"
        return back(form, word if changed else "late", f"{ROOT}/team")
