"""One wish: its story and its pictures, and what may be done with it; and many at once."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from PIL import Image
from yarl import URL

from data import (
    again,
    audit,
    bans,
    casebook,
    cases,
    desk,
    jobs,
    journal,
    ledger,
    outbox,
    staff,
    verdicts,
)
from data.audit import Act
from data.bans import Ban
from data.casebook import Note, Row
from data.desk import Hold
from data.staff import Role
from data.store import Connection
from data.words import Account, Job, Picture, Usage
from moderation.console import acts
from moderation.console.door import allowed
from moderation.console.lists import asked_at
from moderation.console.pages import ROOT, SESSION, Pages, see_other
from moderation.console.story import Step, told

#: The most wishes one act on many may be about.
MANY = 500
#: A veiled picture has so many pixels a side: enough to tell it is there, and nothing more.
VEIL = 8
#: What a picture file begins with, and what that makes it. Nothing else is served.
_MEDIA = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"RIFF", "image/webp"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything a moderator may want to know of one wish."""

    row: Row
    job: Job | None
    steps: tuple[Step, ...]
    pictures: tuple[Picture, ...]
    notes: tuple[Note, ...]
    cases: tuple[cases.Case, ...]
    hold: Hold | None
    post: str | None
    removing: str | None
    sealed: bool
    usage: Usage
    ban: Ban | None
    neighbours: tuple[Row, ...]


class Wishes:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._store = pages.store

    def mount(self, app: web.Application) -> None:
        wish = r"/wishes/{wish:\d{1,18}}"
        app.router.add_get(wish, self._page)
        app.router.add_get(wish + r"/pictures/{which:\d|photo}", self._picture)
        app.router.add_get(wish + r"/pictures/{which:\d|photo}/veiled", self._veiled)
        app.router.add_post(wish + "/note", self._note)
        app.router.add_post(wish + rf"/{{act:{'|'.join(acts.KINDS)}}}", self._act)
        app.router.add_post("/many", self._preview)
        app.router.add_post("/many/plan", self._plan)
        app.router.add_post(r"/many/{bulk:\d{1,18}}/undo", self._undo)

    # --------------------------------------------------------------------- one

    async def _page(self, request: web.Request) -> web.Response:
        wish, now = int(request.match_info["wish"]), self._pages.clock()
        case = await self._store.read(lambda c: _case(c, wish, now))
        if case is None:
            raise web.HTTPNotFound(text="There is no such wish.")
        me, job = request[SESSION].person, case.row.job
        if case.row.state == "held" and job is not None and me.role.may(Role.MODERATOR):
            await self._store.write(lambda c: desk.claim(c, job, me.login, now))
        return await self._pages.page(
            request,
            "wish.html",
            case=case,
            row=case.row,
            kinds={name: kind for name, kind in acts.KINDS.items() if kind.suits(case.row)},
            reasons=acts.REASONS,
            suggested=acts.suggested(case.row.rule),
            view="",
            title=f"Wish {wish}",
        )

    @allowed(Role.MODERATOR)
    async def _act(self, request: web.Request) -> web.Response:
        wish, kind = int(request.match_info["wish"]), request.match_info["act"]
        form, now, who = await request.post(), self._pages.clock(), request[SESSION].person
        reason = reason_of(form)

        def act(c: Connection) -> str:
            row = casebook.row(c, wish, now)
            if row is None or not acts.KINDS[kind].suits(row):
                return "late"
            return acts.KINDS[kind].do(c, row, who, reason, now)

        return back(form, await self._store.write(act), f"{ROOT}/wishes/{wish}")

    async def _note(self, request: web.Request) -> web.Response:
        wish, form = int(request.match_info["wish"]), await request.post()
        text, now = str(form.get("text", "")).strip()[:2000], self._pages.clock()
        who = request[SESSION].person

        def act(c: Connection) -> bool:
            there = bool(text) and casebook.row(c, wish, now) is not None
            if there:
                desk.write_note(c, who.login, text, now, wish=wish)
            return there

        noted = await self._store.write(act)
        return back(form, "noted" if noted else "", f"{ROOT}/wishes/{wish}")

    # ---------------------------------------------------------------- pictures

    async def _picture(self, request: web.Request) -> web.Response:
        """The picture itself: who looked at it, and when, is in the books."""
        wish, which = int(request.match_info["wish"]), request.match_info["which"]
        job, digest = await self._found(wish, which)
        media_type, data = await asyncio.to_thread(_bytes, self._pages.pictures.path(digest))
        now, who = self._pages.clock(), request[SESSION].person.login
        await self._store.write(lambda c: desk.viewed(c, who, digest, job, "", now))
        return web.Response(body=data, content_type=media_type)

    async def _veiled(self, request: web.Request) -> web.Response:
        wish, which = int(request.match_info["wish"]), request.match_info["which"]
        _job, digest = await self._found(wish, which)
        data = await asyncio.to_thread(_veil, self._pages.pictures.path(digest))
        return web.Response(
            body=data, content_type="image/png", headers={"Cache-Control": "private, max-age=3600"}
        )

    async def _found(self, wish: int, which: str) -> tuple[int, str]:
        """The job and digest of a picture of a wish. Raises HTTPNotFound, HTTPForbidden.

        The address names a place in the wish, never a file.
        """

        def look(c: Connection) -> tuple[int | None, str | None, bool]:
            number = casebook.job_of(c, wish)
            if number is None or (job := jobs.by_id(c, number)) is None:
                return None, None, False
            shown = [picture.sha256 for picture in jobs.pictures(c, number)]
            place = int(which) if which.isdecimal() else len(shown)
            digest = job.photo if which == "photo" else next(iter(shown[place:]), None)
            return number, digest, verdicts.is_sealed(c, wish)

        job, digest, sealed = await self._store.read(look)
        if sealed:
            raise web.HTTPForbidden(text="This is shown to nobody.")
        if job is None or digest is None:
            raise web.HTTPNotFound(text="There is no such picture.")
        return job, digest

    # -------------------------------------------------------------------- many

    @allowed(Role.MODERATOR)
    async def _preview(self, request: web.Request) -> web.Response:
        """Which of the chosen wishes an act would be in force for, before it is."""
        form, now = await request.post(), self._pages.clock()
        kind = str(form.get("act", ""))
        if kind not in acts.KINDS:
            raise web.HTTPBadRequest(text="There is no such act.")
        whole = str(form.get("whole", ""))

        def look(c: Connection) -> tuple[list[Row], list[Row]]:
            chosen = _whole(c, whole) if whole else numbers(form.getall("wish", []))
            rows = casebook.rows(c, chosen[:MANY], now)
            suits = acts.KINDS[kind].suits
            return [row for row in rows if suits(row)], [row for row in rows if not suits(row)]

        fit, unfit = await self._store.read(look)
        return await self._pages.page(
            request,
            "many.html",
            kind=kind,
            label=acts.KINDS[kind].label,
            fit=fit,
            unfit=unfit,
            seconds=int(again.UNDO),
            reasons=acts.REASONS,
            back=str(form.get("back", "")),
            most=MANY,
            view="",
            title=f"{acts.KINDS[kind].label} {len(fit)}",
        )

    @allowed(Role.MODERATOR)
    async def _plan(self, request: web.Request) -> web.Response:
        form, now, who = await request.post(), self._pages.clock(), request[SESSION].person
        kind, reason = str(form.get("act", "")), reason_of(form)
        chosen = numbers(form.getall("wish", []))[:MANY]
        if kind not in acts.KINDS or not chosen:
            raise web.HTTPBadRequest(text="Choose an act, and at least one wish.")

        def act(c: Connection) -> None:
            number = again.plan(c, who.id, kind, reason, chosen, now)
            audit.note(
                c,
                who.login,
                Act.PLAN,
                f"act {number} on many",
                reason,
                now,
                kind=kind,
                wishes=chosen,
            )

        await self._store.write(act)
        return back(form, "", f"{ROOT}/review")

    async def _undo(self, request: web.Request) -> web.Response:
        bulk, form = int(request.match_info["bulk"]), await request.post()
        now, who = self._pages.clock(), request[SESSION].person

        def act(c: Connection) -> bool:
            done = again.undo(c, bulk, who.id, now)
            if done:
                audit.note(c, who.login, Act.UNDO, f"act {bulk} on many", "", now)
            return done

        undone = await self._store.write(act)
        return back(form, "undone" if undone else "too-late", f"{ROOT}/review")


def carry_out(c: Connection, now: float) -> bool:
    """A piece of the next act on many that is due; False where none is."""
    due = again.bulk_due(c, now)
    if due is None:
        return False
    who = staff.by_id(c, due.staff)
    good = who is not None and who.removed_at is None and who.role.may(Role.MODERATOR)
    piece = due.wishes[: again.PIECE]
    done = acts.on_each(c, due.act, piece, who, due.reason, now) if who and good else 0
    again.bulk_went_on(c, due, done, now)
    return True


def reason_of(form: Mapping[str, Any]) -> str:
    """What was written, else what was chosen."""
    written = str(form.get("own", "")).strip() or str(form.get("reason", "")).strip()
    return " ".join(written.split())[: acts.LONGEST_REASON]


def numbers(values: Sequence[Any]) -> list[int]:
    texts = [str(value) for value in values]
    return [int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 19]


def back(form: Mapping[str, Any], said: str, otherwise: str) -> web.Response:
    """To the page an act was made from, with a word on what came of it."""
    there = str(form.get("back", ""))
    inside = there == ROOT or there.startswith((f"{ROOT}/", f"{ROOT}?"))
    address = URL(there if inside else otherwise).without_query_params("said")
    return see_other(address.update_query(said=said) if said else address)


def _whole(c: Connection, address: str) -> list[int]:
    """Every wish of the list at `address`, up to `MANY`."""
    ask = asked_at(address)
    if ask is None:
        return []
    return casebook.matching(c, ask.shown, MANY, oldest_first=ask.oldest_first)[0]


def _case(c: Connection, wish: int, now: float) -> Case | None:
    row = casebook.row(c, wish, now)
    if row is None:
        return None
    job = jobs.by_id(c, row.job) if row.job is not None else None
    account = Account(platform=row.platform, user_id=row.user_id, handle=row.handle)
    others = casebook.Filter(account=(row.platform, row.user_id))
    near = casebook.stretch(c, others, 7, now).rows
    return Case(
        row=row,
        job=job,
        steps=tuple(told(line) for line in journal.story(c, wish)),
        pictures=tuple(jobs.pictures(c, job.id)) if job else (),
        notes=tuple(casebook.notes(c, wish=wish)),
        cases=tuple(cases.of_wish(c, wish)),
        hold=desk.hold_of(c, job.id, now) if job else None,
        post=outbox.standing_post(c, job.id) if job else None,
        removing=casebook.removing(c, job.id) if job else None,
        sealed=verdicts.is_sealed(c, wish),
        usage=ledger.usage(c, account, now),
        ban=bans.standing(c, row.platform, row.user_id, now),
        neighbours=tuple(other for other in near if other.id != wish)[:6],
    )


def _bytes(path: Path) -> tuple[str, bytes]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise web.HTTPNotFound(text="The picture's file is gone.") from None
    for start, kind in _MEDIA:
        if data.startswith(start):
            return kind, data
    raise web.HTTPNotFound(text="This file is no picture.")


def _veil(path: Path) -> bytes:
    """Hardly more than its colours."""
    _kind, data = _bytes(path)
    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as picture:
        small = picture.convert("RGB").resize((VEIL, VEIL), Image.Resampling.BOX)
    out = io.BytesIO()
    small.save(out, "PNG")
    return out.getvalue()
