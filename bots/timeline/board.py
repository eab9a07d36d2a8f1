"""The newest threads: read once for everybody who watches, rendered when they changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from bots import wording
from bots.platform import House
from bots.timeline import story, threads
from bots.timeline.people import COLOURS, PEOPLE, Person
from bots.timeline.threads import PLATFORM, Snapshot, Thread
from data import jobs, terms, timeline
from data.store import Connection
from data.words import Account, JobState, Quota, TemporaryLimit, Tier

#: Threads that are kept live; older ones are read when somebody turns to them.
WATCHED = 40
#: A snapshot without any change in it still ages: estimates run on. In seconds.
FRESH = 1.0

_TEMPLATES = Path(__file__).parent.parent / "templates" / "timeline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What one of the demo people has left today."""

    handle: str
    name: str
    tier: Tier
    left: int
    quota: int


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The line at a glance, as the page's head shows it."""

    waiting: int
    executing: int
    held: int
    engine: str
    ready: bool
    allowances: tuple[Allowance, ...]
    #: The temporary limits in force, a sentence each.
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One reading of the store and when it was made."""

    rings: int
    at: float
    snapshot: Snapshot
    counts: Mapping[JobState, int]
    quotas: Mapping[str, Quota]
    limits: tuple[TemporaryLimit, ...]


class Board:
    """The live part of the timeline. For the event loop."""

    def __init__(self, house: House, templates: jinja2.Environment) -> None:
        self._house = house
        self._bot = house.settings.handle
        self._templates = templates
        self._turn = asyncio.Lock()
        self._last: _Look | None = None
        self._rendered: dict[int, tuple[Thread, str]] = {}

    async def newest(self) -> list[Thread]:
        """The watched threads, newest first."""
        seen = await self._look()
        return threads.arranged(seen.snapshot, self._bot, self._house.progress)

    async def older(self, before: int, limit: int) -> list[Thread]:
        """Threads from further down."""
        now = self._house.clock()

        def look(c: Connection) -> Snapshot:
            numbers = timeline.newest_threads(c, limit, before=before)
            return threads.look(c, numbers, self._bot, now)

        snapshot = await self._house.store.read(look)
        return threads.arranged(snapshot, self._bot, self._house.progress)

    async def state(self) -> State:
        """The line at a glance."""
        seen = await self._look()
        now = self._house.clock()
        waiting = (JobState.AVAILABLE, JobState.RETRYABLE)
        return State(
            waiting=sum(seen.counts.get(state, 0) for state in waiting),
            executing=seen.counts.get(JobState.EXECUTING, 0),
            held=seen.counts.get(JobState.HELD, 0),
            engine=self._house.engine(),
            ready=self._house.ready(),
            allowances=tuple(_allowance(person, seen.quotas[person.handle]) for person in PEOPLE),
            notices=tuple(
                wording.limit_line(limit, wording.until(limit.until, now)) for limit in seen.limits
            ),
        )

    def render(self, shown: Sequence[Thread]) -> str:
        """These threads as HTML; each is rendered again only when it changed."""
        return "\n".join(self._thread(thread) for thread in shown)

    def page(self, template: str, **facts: Any) -> str:
        return self._templates.get_template(template).render(facts)

    def _thread(self, thread: Thread) -> str:
        known = self._rendered.get(thread.id)
        if known is None or known[0] != thread:
            if len(self._rendered) > 4 * WATCHED:
                self._rendered.clear()
            known = (thread, self.page("thread.html", thread=thread))
            self._rendered[thread.id] = known
        return known[1]

    async def _look(self) -> _Look:
        """The last reading while nothing was committed since, else a new one."""
        async with self._turn:
            at = asyncio.get_running_loop().time()
            rings = self._house.store.bell.rings
            last = self._last
            if last is None or last.rings != rings or at - last.at >= FRESH:
                last = await self._read(rings, at)
                self._last = last
            return last

    async def _read(self, rings: int, at: float) -> _Look:
        now = self._house.clock()

        def look(c: Connection) -> _Look:
            numbers = timeline.newest_threads(c, WATCHED)
            return _Look(
                rings=rings,
                at=at,
                snapshot=threads.look(c, numbers, self._bot, now),
                counts=jobs.counts(c),
                quotas={
                    person.handle: self._house.quota(c, _account(person), now) for person in PEOPLE
                },
                limits=tuple(terms.in_force(c)),
            )

        return await self._house.store.read(look)


def load_templates(house: House, version: Callable[[str], str]) -> jinja2.Environment:
    """Everything that is rendered, compiled once. Blocking; call it from a thread."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    tag = threads.tag_pattern(house.settings.handle)

    def marked(text: str) -> Markup:
        """The text, escaped, with the bot's handle set off."""
        parts = []
        end = 0
        for found in tag.finditer(text):
            parts += [escape(text[end : found.start()]), _TAG.format(found[0])]
            end = found.end()
        return Markup().join([*parts, escape(text[end:])])

    environment.filters |= {
        "marked": marked,
        "flagged": _flagged,
        "iso": _iso,
        "day_and_time": _day_and_time,
        "told": story.told,
    }
    environment.globals |= {
        "bot": house.settings.handle,
        "people": PEOPLE,
        "colours": COLOURS,
        "styles": tuple(house.styles),
        "static": version,
    }
    for name in environment.list_templates():
        environment.get_template(name)
    return environment


def _flagged(wish: str) -> Markup:
    """The wish, escaped, with its flags set off."""
    words, dashes, flags = wish.partition("--")
    return escape(words) + (_FLAGS.format(dashes + flags) if dashes else Markup())


_FLAGS = Markup('<span class="flags">{}</span>')
_TAG = Markup('<b class="tag">{}</b>')


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _day_and_time(moment: float) -> str:
    """For readers without scripts; the page's script puts it in the reader's own words."""
    return datetime.fromtimestamp(moment, UTC).strftime("%-d %b %Y, %H:%M UTC")


def _account(person: Person) -> Account:
    return Account(platform=PLATFORM, user_id=person.handle, handle=person.handle)


def _allowance(person: Person, quota: Quota) -> Allowance:
    return Allowance(
        handle=person.handle,
        name=person.name,
        tier=quota.tier,
        left=quota.left,
        quota=quota.daily,
    )
