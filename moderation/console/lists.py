"""The lists: filters in the address, search, stretches behind a cursor, exports."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import functools
import io
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from yarl import URL

from data import audit, casebook
from data.audit import Act
from data.casebook import Filter, Row
from data.staff import Role
from data.store import Connection
from moderation.console.door import allowed
from moderation.console.pages import ROOT, SESSION, VIEWS, Pages

#: Wishes on a page, and rows in one piece of an export: few, for who writes beside it waits for
#: the same interpreter.
PAGE, PIECE = 50, 25
#: The least time between two pieces of an export, in seconds.
PAUSE = 0.005
#: Lists that are worked through from their oldest end.
QUEUES = ("review", "held", "reported")

_COLUMNS = (
    "id",
    "job",
    "at",
    "platform",
    "user_id",
    "handle",
    "tier",
    "guild",
    "state",
    "rule",
    "reason",
    "model",
    "wish",
    "style",
    "reported",
    "pictures",
)


#: Rows as they are exported.
Write = Callable[[Sequence[Row]], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What an address asks of a list."""

    shown: Filter
    cursor: int | None
    oldest_first: bool
    cards: bool


def asked(query: Mapping[str, str], view: str) -> Ask:
    """The list an address means. Raises HTTPBadRequest with a sentence."""
    facets = {name: value for name in casebook.FACETS if (value := query.get(name, "").strip())}
    account = query.get("account", "").strip()
    platform, colon, user_id = account.partition(":")
    if account and not (colon and platform and user_id):
        raise web.HTTPBadRequest(text=f"An account is platform:number, not “{account}”.")
    order = query.get("order", "")
    return Ask(
        shown=Filter(
            view=view,
            words=query.get("q", "").strip()[:300],
            facets=facets,
            account=(platform, user_id) if account else None,
            since=_day(query, "since"),
            until=_day(query, "until", past_end=True),
        ),
        cursor=_number(query, "from"),
        oldest_first=order == "oldest" or (order != "newest" and view in QUEUES),
        cards=query.get("as") == "cards",
    )


def asked_at(address: str) -> Ask | None:
    """The list at an address, None where it is none of ours."""
    try:
        url = URL(address)
    except ValueError:
        return None
    view = url.path.removeprefix(ROOT).strip("/") or "review"
    return asked(url.query, view) if view in VIEWS else None


class Lists:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._store = pages.store

    def mount(self, app: web.Application) -> None:
        app.router.add_get("", self._list)
        app.router.add_get("/", self._list)
        app.router.add_get(rf"/{{view:{'|'.join(VIEWS)}}}", self._list)
        app.router.add_get(rf"/{{view:{'|'.join(VIEWS)}}}.{{kind:csv|ndjson}}", self._export)

    async def _list(self, request: web.Request) -> web.Response:
        view = request.match_info.get("view", "review")
        ask, now = asked(request.query, view), self._pages.clock()

        def look(c: Connection) -> tuple[casebook.Stretch, dict[str, list[tuple[str, int]]]]:
            shown = casebook.stretch(
                c, ask.shown, PAGE, now, cursor=ask.cursor, oldest_first=ask.oldest_first
            )
            return shown, {facet: casebook.choices(c, facet) for facet in casebook.FACETS}

        shown, choices = await self._store.read(look)
        address = URL(request.path_qs, encoded=True).without_query_params("from", "said")
        return await self._pages.page(
            request,
            "list.html",
            view=view,
            title=VIEWS[view],
            ask=ask,
            stretch=shown,
            choices=choices,
            query=request.query,
            filtered=_filtered(ask.shown),
            address=str(address),
            bare=f"{ROOT}/{view}",
            older=str(address.update_query({"from": shown.next})) if shown.next else None,
            first=str(address) if ask.cursor is not None else None,
            cards=str(address.update_query({"as": "cards"})),
            rows=str(address.without_query_params("as")),
            turned=str(address.update_query(order="newest" if ask.oldest_first else "oldest")),
            without={
                name: str(address.without_query_params(name))
                for name in ("q", "account", "since", "until", *casebook.FACETS)
            },
            export={
                kind: str(address.with_path(f"{ROOT}/{view}.{kind}", keep_query=True))
                for kind in ("csv", "ndjson")
            },
            newest=max((row.id for row in shown.rows), default=0),
        )

    @allowed(Role.MODERATOR)
    async def _export(self, request: web.Request) -> web.StreamResponse:
        """What the list shows, all of it, in pieces: no long look into the store."""
        view, kind = request.match_info["view"], request.match_info["kind"]
        ask, now = asked(request.query, view), self._pages.clock()
        who = request[SESSION].person.login
        await self._store.write(
            lambda c: audit.note(c, who, Act.EXPORT, f"{view}.{kind}", request.query_string, now)
        )
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/csv; charset=utf-8"
                if kind == "csv"
                else "application/x-ndjson",
                "Content-Disposition": f'attachment; filename="muralist-{view}.{kind}"',
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
            }
        )
        with contextlib.suppress(ConnectionResetError):  # whoever asked went away
            await response.prepare(request)
            if kind == "csv":
                await response.write(_csv_line(_COLUMNS))
            async for lines in self._everything(ask, _csv if kind == "csv" else _ndjson):
                await response.write(lines)
            await response.write_eof()
        return response

    async def _everything(self, ask: Ask, write: Write) -> AsyncIterator[bytes]:
        """Every wish of a list, stretch by stretch; read and written off the loop."""
        while True:
            began = time.monotonic()
            lines, cursor = await self._store.read(
                functools.partial(_piece, ask, write, self._pages.clock())
            )
            took = time.monotonic() - began
            yield lines
            if cursor is None:
                return
            ask = replace(ask, cursor=cursor)
            # As long again for everybody else: an export is in no hurry.
            await asyncio.sleep(max(PAUSE, took))


def _piece(ask: Ask, write: Write, now: float, c: Connection) -> tuple[bytes, int | None]:
    """A stretch as it is written down, and the cursor behind it."""
    found = casebook.stretch(
        c, ask.shown, PIECE, now, cursor=ask.cursor, oldest_first=ask.oldest_first
    )
    return write(found.rows), found.next


def _csv(rows: Sequence[Row]) -> bytes:
    return b"".join(_csv_line(_told(row).values()) for row in rows)


def _ndjson(rows: Sequence[Row]) -> bytes:
    return "".join(f"{json.dumps(_told(row))}\n" for row in rows).encode()


def _filtered(shown: Filter) -> list[tuple[str, str]]:
    """The filters in force, as (name in the address, words)."""
    told = [("q", f"“{shown.words}”")] if shown.words else []
    told += [(name, f"{name}: {value}") for name, value in shown.facets.items()]
    if shown.account:
        told.append(("account", f"account: {':'.join(shown.account)}"))
    if shown.since is not None:
        told.append(("since", f"since {_date(shown.since)}"))
    if shown.until is not None:
        told.append(("until", f"until {_date(shown.until - 1)}"))
    return told


def _told(row: Row) -> dict[str, Any]:
    at = datetime.fromtimestamp(row.at, UTC).isoformat(timespec="seconds")
    told = {name: getattr(row, name) for name in _COLUMNS}
    return {**told, "at": at, "pictures": " ".join(row.pictures)}


def _csv_line(values: Any) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow([_harmless(value) for value in values])
    return out.getvalue().encode()


def _harmless(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value.lstrip().startswith(("=", "+", "-", "@", "\t", "\r", "|")):
        return f"'{value}"
    return value


def _day(query: Mapping[str, str], name: str, *, past_end: bool = False) -> float | None:
    """A UTC day as the moment it begins, or ends."""
    text = query.get(name, "").strip()
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        return (day + timedelta(days=1) if past_end else day).timestamp()
    except (ValueError, OverflowError):
        raise web.HTTPBadRequest(text=f"A day is written 2026-03-29, not “{text}”.") from None


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%-d %b %Y")


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise web.HTTPBadRequest(text=f"“{name}” is a number, not “{text[:40]}”.")
    return int(text)
