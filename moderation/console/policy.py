"""The policy: rules and lines in force, and what a change would have done to the last wishes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from aiohttp import web

from data import casebook, standards
from data.staff import Role
from data.store import Connection
from data.words import Ruling, Tier
from moderation import standards as lines
from moderation.check import Look, load
from moderation.checks import patterns, words
from moderation.console.door import allowed
from moderation.console.pages import ROOT, SESSION, Pages
from moderation.console.replay import Change, Line, Outcome, replay, replay_line
from moderation.console.wishes import back, reason_of
from moderation.lexicon import Lexicon

#: The rules and the lines that the files draw.
Files = tuple[tuple[words.Rule, ...], lines.Standards]

_GUILD = re.compile(r"[\w-]{1,40}")


class Policy:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._store = pages.store
        self._turn = asyncio.Lock()
        self._looks: Mapping[str, Look] = {}
        self._files: Files | None = None

    def mount(self, app: web.Application) -> None:
        app.router.add_get("/policy", self._page)
        app.router.add_post("/policy/try", self._try)
        app.router.add_post("/policy/rule", self._rule)
        app.router.add_post("/policy/line", self._line)
        app.router.add_post(r"/policy/patterns/{pattern:\d{1,18}}/remove", self._remove)

    async def _page(self, request: web.Request) -> web.Response:
        return await self._shown(request)

    async def _shown(
        self,
        request: web.Request,
        *,
        change: Change | None = None,
        line: Line | None = None,
        outcome: Outcome | None = None,
        trouble: str = "",
    ) -> web.Response:
        changed = await self._store.read(casebook.changed_policy)
        rules, file = await self._known()
        return await self._pages.page(
            request,
            "policy.html",
            status=400 if trouble else 200,
            view="policy",
            title="Policy",
            rules=rules,
            file=file,
            changed=changed,
            rulings=tuple(Ruling),
            scopes=("everyone", *(f"tier:{tier}" for tier in Tier)),
            change=change or Change(scope="everyone"),
            line=line,
            measured=[name for name in file.everyone if _is_measured(name)],
            outcome=outcome,
            trouble=trouble,
        )

    @allowed(Role.MODERATOR)
    async def _try(self, request: web.Request) -> web.Response:
        """What a change would have done. One at a time: it takes a while."""
        form = await request.post()
        if "name" in form:
            return await self._try_line(request, form)
        change, trouble = _change(form, (await self._known())[0])
        if trouble:
            return await self._shown(request, change=change, trouble=trouble)
        async with self._turn:
            look = await self._look("patterns" if change.pattern else "words")
            outcome = await replay(self._store, look, change)
        return await self._shown(request, change=change, outcome=outcome)

    async def _try_line(self, request: web.Request, form: Mapping[str, Any]) -> web.Response:
        known = (await self._known())[1].everyone
        line, trouble = _line_in(form, [name for name in known if _is_measured(name)])
        if line is None or line.value is None:
            return await self._shown(request, trouble=trouble or "What value shall be tried?")
        async with self._turn:
            outcome = await replay_line(self._store, line, line.value)
        return await self._shown(request, line=line, outcome=outcome)

    @allowed(Role.ADMIN)
    async def _rule(self, request: web.Request) -> web.Response:
        """Put a change in force, or take it back."""
        form = await request.post()
        change, trouble = _change(form, (await self._known())[0])
        if trouble:
            return await self._shown(request, change=change, trouble=trouble)
        now, who, why = self._pages.clock(), request[SESSION].person.login, reason_of(form)
        ruling = None if form.get("as") == "the file" else change.ruling

        def act(c: Connection) -> None:
            if change.pattern:
                guild = change.scope.removeprefix("guild:")
                standards.add_pattern(c, guild, change.pattern, change.ruling, who, why, now)
            else:
                standards.set_ruling(c, change.scope, change.rule, ruling, who, why, now)

        await self._store.write(act)
        return back(form, "rule", f"{ROOT}/policy")

    @allowed(Role.ADMIN)
    async def _line(self, request: web.Request) -> web.Response:
        """Draw a line elsewhere; an empty value goes back to the file's."""
        form = await request.post()
        line, trouble = _line_in(form, (await self._known())[1].everyone)
        if line is None:
            return await self._shown(request, trouble=trouble)
        now, who, why = self._pages.clock(), request[SESSION].person.login, reason_of(form)
        await self._store.write(
            lambda c: standards.set_threshold(c, line.scope, line.name, line.value, who, why, now)
        )
        return back(form, "rule", f"{ROOT}/policy")

    @allowed(Role.ADMIN)
    async def _remove(self, request: web.Request) -> web.Response:
        form, number = await request.post(), int(request.match_info["pattern"])
        now, who, why = self._pages.clock(), request[SESSION].person.login, reason_of(form)
        gone = await self._store.write(lambda c: standards.remove_pattern(c, number, who, why, now))
        return back(form, "rule" if gone else "late", f"{ROOT}/policy")

    async def _known(self) -> Files:
        """The rules and lines of the files, as they were when the first page was asked for."""
        if self._files is None:
            self._files = await asyncio.to_thread(_read)
        return self._files

    async def _look(self, name: str) -> Look:
        """A check of our own, opened when it is first asked."""
        if name not in self._looks:
            (check,) = await asyncio.to_thread(load, [name])
            self._looks = {**self._looks, name: check.look}
        return self._looks[name]


def _change(form: Mapping[str, Any], rules: Sequence[words.Rule]) -> tuple[Change, str]:
    """What a form says, and what is wrong with it."""
    ruling = str(form.get("ruling", "hold"))
    change = Change(
        scope=str(form.get("scope", "everyone")).strip() or "everyone",
        rule=str(form.get("rule", "")).strip(),
        ruling=Ruling(ruling) if ruling in tuple(Ruling) else Ruling.HOLD,
        pattern=str(form.get("pattern", "")),
    )
    if not _is_scope(change.scope):
        return change, "A scope is everyone, tier:plus, or guild: and its number."
    if change.pattern:
        return change, patterns.trouble_with(change.pattern) or (
            ""
            if change.scope.startswith("guild:") or form.get("only") == "try"
            else "A pattern belongs to a guild: guild: and its number."
        )
    if change.rule not in {rule.id for rule in rules}:
        return change, "Choose a rule, or write a pattern."
    return change, ""


def _line_in(form: Mapping[str, Any], known: Collection[str]) -> tuple[Line | None, str]:
    """The line a form draws, or what is wrong with it."""
    scope, name = str(form.get("scope", "")).strip(), str(form.get("name", ""))
    text = str(form.get("value", "")).strip()
    try:
        value = float(text) if text else None
    except ValueError:
        value = -1.0
    if name in known and _is_scope(scope) and (value is None or 0 <= value <= 1_000_000):
        return Line(scope=scope, name=name, value=value), ""
    return None, "Choose a line and a scope; the value is a number from 0, or empty."


def _is_measured(name: str) -> bool:
    """Whether scores are kept that a line can be tried on."""
    return name.partition(".")[2] in (Ruling.HOLD, Ruling.REFUSE)


def _is_scope(scope: str) -> bool:
    kind, _, name = scope.partition(":")
    if kind == "tier":
        return name in tuple(Tier)
    return scope in ("everyone", "adults") or (
        kind == "guild" and _GUILD.fullmatch(name) is not None
    )


def _read() -> Files:
    return words.read_rules(words.RULES, Lexicon().concepts), lines.read()
