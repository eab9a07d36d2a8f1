"""What every page has in common: templates, the frame around them, and how times are told."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web
from yarl import URL

from data import again, casebook
from data.again import Bulk
from data.pictures import PictureStore
from data.staff import Session
from data.store import Connection, Store
from moderation.console import acts

#: Where the console is mounted.
ROOT = "/moderation"

#: What the door leaves in a request for the pages behind it.
SESSION = web.RequestKey("session", Session)
CSRF = web.RequestKey("csrf", str)

_HERE = Path(__file__).parent
STATIC = _HERE / "static"

#: The lists, as they stand in the navigation.
VIEWS: Mapping[str, str] = {
    "review": "Needs review",
    "held": "Held",
    "reported": "Reported",
    "failed": "Failed",
    "refused": "Refused",
    "removed": "Taken down",
    "all": "All wishes",
}


class Pages:
    """Renders pages. Open it with `await open_pages(…)`."""

    def __init__(
        self,
        store: Store,
        pictures: PictureStore,
        clock: Callable[[], float],
        templates: jinja2.Environment,
    ) -> None:
        self.store = store
        self.pictures = pictures
        self.clock = clock
        self._templates = templates

    def bare(self, template: str, *, status: int = 200, **facts: Any) -> web.Response:
        """A page without navigation, for people who are not signed in."""
        text = self.text(template, **facts)
        return web.Response(text=text, status=status, content_type="text/html")

    async def page(
        self, request: web.Request, template: str, *, status: int = 200, **facts: Any
    ) -> web.Response:
        """A page with everything around it."""
        me, now = request[SESSION].person, self.clock()

        def look(c: Connection) -> tuple[dict[str, int], list[Bulk]]:
            return casebook.counts(c), again.pending(c, me.id, now)

        counts, pending = await self.store.read(look)
        return self.bare(
            template,
            status=status,
            me=me,
            pending=pending,
            csrf=request[CSRF],
            counts=counts,
            here=request.path_qs,
            said=_SAID.get(request.query.get("said", ""), ""),
            **facts,
        )

    def text(self, template: str, **facts: Any) -> str:
        return self._templates.get_template(template).render(now=self.clock(), **facts)


def see_other(address: str | URL) -> web.Response:
    """On to another page."""
    return web.Response(status=303, headers={"Location": str(address)})


#: What was just done, by the word that stands for it in an address.
_SAID: Mapping[str, str] = {
    "approved": "Approved. It goes out now.",
    "rejected": "Rejected. The asker is told why, and got the units back.",
    "again": "It is drawn again, for nothing.",
    "taken-down": "Taken down. The platform removes it now.",
    "noted": "Noted.",
    "banned": "Done. What was queued is cancelled, and its units are back.",
    "unbanned": "Lifted.",
    "tier": "The tier is changed.",
    "limits": "It is in force with the next wish.",
    "resolved": "The case is closed.",
    "late": "Somebody else was quicker: nothing was changed.",
    "undone": "Taken back. Nothing of it happened.",
    "too-late": "Too late to take it back.",
    "second": "Your word is noted. A second moderator has to agree.",
    "resumed": "Posting goes on.",
    "rule": "The rule is changed, and in force within seconds.",
    "removed": "They are out, at once.",
    "readmitted": "They may sign in again.",
}


async def open_pages(store: Store, pictures: PictureStore, clock: Callable[[], float]) -> Pages:
    """The templates compiled, off the loop."""
    return Pages(store, pictures, clock, await asyncio.to_thread(_templates))


def _templates() -> jinja2.Environment:
    """Static files are named with their content, so that browsers never mix two versions."""
    versions = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for path in STATIC.iterdir()
        if path.is_file()
    }
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "iso": _iso,
        "moment": _moment,
        "clock": lambda moment: datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S"),
        "suggested": acts.suggested,
        "ago": ago,
        "span": span,
        "number": lambda n: f"{n:,}".replace(",", "\u202f"),
    }
    environment.globals |= {
        "root": ROOT,
        "views": VIEWS,
        "states": casebook.STATES,
        "many": casebook.MANY,
        "all_reasons": acts.REASONS,
        "lengths": acts.LENGTHS,
        "static": lambda name: f"{ROOT}/static/{name}?v={versions[name]}",
    }
    for name in environment.list_templates():
        environment.get_template(name)
    return environment


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _moment(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%-d %b %Y, %H:%M:%S UTC")


def ago(moment: float, now: float) -> str:
    """How long ago, in one unit: "4 min"."""
    seconds = now - moment
    return "now" if seconds < 5 else span(seconds)


def span(seconds: float) -> str:
    """A length of time in one unit."""
    seconds = max(0.0, seconds)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
