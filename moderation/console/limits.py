"""Tiers and temporary limits: what is in force, changed here as from the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from data import audit, terms
from data.audit import Act
from data.staff import Role
from data.store import Connection
from data.words import Terms, Tier
from moderation.console.door import allowed
from moderation.console.pages import ROOT, SESSION, Pages
from moderation.console.wishes import back, reason_of

#: Changes shown of the record.
SHOWN = 12
#: How long a temporary limit set here may be: the word in the form, and what people read.
LENGTHS = (
    ("3600", "1 hour"),
    ("21600", "6 hours"),
    ("86400", "1 day"),
    ("259200", "3 days"),
    ("604800", "1 week"),
)
LONGEST_REASON = 120


@dataclass(frozen=True, slots=True)
class Field:
    """What can be set of a tier here; the rest is for the command line."""

    name: str
    label: str
    read: Callable[[str], float]
    least: float
    most: float


FIELDS = (
    Field("daily", "a day", int, 0, 1_000_000),
    Field("in_hand", "at once", int, 1, 10_000),
    Field("weight", "weight", float, 0.01, 1_000),
    Field("wait", "target wait, s", float, 1, 86_400),
)


class Limits:
    """`defaults` are what tiers may have where nothing else was set."""

    def __init__(self, pages: Pages, defaults: Mapping[Tier, Terms]) -> None:
        self._pages = pages
        self._store = pages.store
        self._defaults = defaults

    def mount(self, app: web.Application) -> None:
        app.router.add_get("/limits", self._page)
        app.router.add_post("/limits/tiers/{tier}", self._tier)
        app.router.add_post("/limits/announce", self._announce)
        app.router.add_post("/limits/{tier}/lift", self._lift)

    async def _page(self, request: web.Request) -> web.Response:
        return await self._shown(request)

    async def _shown(self, request: web.Request, trouble: str = "") -> web.Response:
        def look(c: Connection) -> dict[str, Any]:
            return {
                "tiers": terms.all_tiers(c, self._defaults),
                "limits": terms.in_force(c),
                "changes": terms.changes(c, SHOWN),
            }

        found = await self._store.read(look)
        return await self._pages.page(
            request,
            "limits.html",
            status=400 if trouble else 200,
            view="limits",
            title="Limits",
            all_tiers=tuple(Tier),
            trouble=trouble,
            defaults=self._defaults,
            fields=FIELDS,
            for_long=LENGTHS,
            melting=terms.MELTING,
            **found,
        )

    @allowed(Role.ADMIN)
    async def _tier(self, request: web.Request) -> web.Response:
        """Change what a tier may have; an empty field goes back to the default."""
        tier, form = _tier_of(request.match_info["tier"]), await request.post()
        default = self._defaults.get(tier)
        if default is None:
            raise web.HTTPNotFound(text="Tiers are set where the bot itself runs.")
        wanted: dict[str, float | None] = {}
        for one in FIELDS:
            text = str(form.get(one.name, "")).strip()
            value = _number(one, text) if text else None
            if text and value is None:
                trouble = f"“{one.label}” is a number from {one.least:g} to {one.most:,g}."
                return await self._shown(request, trouble)
            wanted[one.name] = None if value == getattr(default, one.name) else value
        now, who, why = self._pages.clock(), request[SESSION].person.login, reason_of(form)

        def act(c: Connection) -> None:
            terms.set_tier(c, tier, wanted, who, why, now)
            audit.note(c, who, Act.TIER, f"tier {tier}", why, now, **wanted)

        await self._store.write(act)
        return back(form, "limits", f"{ROOT}/limits")

    @allowed(Role.ADMIN)
    async def _announce(self, request: web.Request) -> web.Response:
        """A temporary limit by hand; its reason is published."""
        form = await request.post()
        tier = _tier_of(str(form.get("tier", "")))
        daily = _number(FIELDS[0], str(form.get("daily", "")).strip())
        reason = " ".join(str(form.get("reason", "")).split())[:LONGEST_REASON]
        length = str(form.get("length", ""))
        if daily is None or not reason or length not in dict(LENGTHS):
            return await self._shown(request, "It needs pictures a day, how long, and a reason.")
        now, who = self._pages.clock(), request[SESSION].person.login
        until = now + float(length)

        def act(c: Connection) -> None:
            terms.announce(c, tier, reason, until, who, now, daily=int(daily))
            audit.note(
                c, who, Act.LIMIT, f"tier {tier}", reason, now, daily=int(daily), until=until
            )

        await self._store.write(act)
        return back(form, "limits", f"{ROOT}/limits")

    @allowed(Role.ADMIN)
    async def _lift(self, request: web.Request) -> web.Response:
        tier, form = _tier_of(request.match_info["tier"]), await request.post()
        now, who, why = self._pages.clock(), request[SESSION].person.login, reason_of(form)

        def act(c: Connection) -> bool:
            lifted = terms.lift(c, tier, who, why, now, melting=False)
            if lifted:
                audit.note(c, who, Act.LIMIT, f"tier {tier}", why, now, lifted=True)
            return lifted

        lifted = await self._store.write(act)
        return back(form, "limits" if lifted else "late", f"{ROOT}/limits")


def _tier_of(name: str) -> Tier:
    try:
        return Tier(name)
    except ValueError:
        raise web.HTTPBadRequest(text="There is no such tier.") from None


def _number(field: Field, text: str) -> float | None:
    """What was typed, None where it is no number or out of bounds."""
    try:
        value = field.read(text)
    except ValueError:
        return None
    return value if field.least <= value <= field.most else None
