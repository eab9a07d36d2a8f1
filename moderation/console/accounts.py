"""One account: what it asked for, what it may, what it did wrong; bans, tiers, notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from yarl import URL

from data import audit, bans, casebook, desk, ledger, terms
from data.audit import Act
from data.casebook import Filter, Standing
from data.staff import Role
from data.store import Connection
from data.words import Account, Ladder, Terms, Tier
from moderation.console import acts
from moderation.console.door import allowed
from moderation.console.pages import ROOT, SESSION, Pages
from moderation.console.wishes import back, reason_of

#: Wishes on the page.
SHOWN = 20


class Accounts:
    """`defaults` are what tiers may have where nothing else was set."""

    def __init__(self, pages: Pages, defaults: Mapping[Tier, Terms], ladder: Ladder) -> None:
        self._pages = pages
        self._store = pages.store
        self._defaults = defaults
        self._ladder = ladder

    def mount(self, app: web.Application) -> None:
        one = "/accounts/{platform}/{user}"
        app.router.add_get(one, self._page)
        app.router.add_post(one + "/ban", self._ban)
        app.router.add_post(one + "/lift", self._lift)
        app.router.add_post(one + "/tier", self._tier)
        app.router.add_post(one + "/note", self._note)

    async def _page(self, request: web.Request) -> web.Response:
        platform, user = request.match_info["platform"], request.match_info["user"]
        now = self._pages.clock()

        def look(c: Connection) -> dict[str, Any] | None:
            who = casebook.standing(c, platform, user)
            if who is None:
                return None
            return {
                "who": who,
                "quota": self._quota(c, who.tier),
                "stretch": casebook.stretch(c, Filter(account=(platform, user)), SHOWN, now),
                "usage": ledger.usage(c, who.account, now),
                "standing": bans.standing(c, platform, user, now),
                "history": bans.history(c, platform, user),
                "strikes": bans.strikes(c, platform, user, now, self._ladder),
                "notes": casebook.notes(c, account=(platform, user)),
                "trail": audit.trail(c, 12, subject=audit.of_account(platform, user)),
            }

        found = await self._store.read(look)
        if found is None:
            raise web.HTTPNotFound(text="There is no such account.")
        who: Standing = found["who"]
        return await self._pages.page(
            request,
            "account.html",
            view="",
            title=f"@{who.account.handle}",
            tiers=tuple(Tier),
            ladder=self._ladder,
            address=str(_address(who.account)),
            everything=str(URL(f"{ROOT}/all").with_query(account=f"{platform}:{user}")),
            **found,
        )

    def _quota(self, c: Connection, tier: Tier) -> int | None:
        default = self._defaults.get(tier)
        return terms.of_tier(c, tier, default).daily if default else None

    @allowed(Role.MODERATOR)
    async def _ban(self, request: web.Request) -> web.Response:
        form, now, who = await request.post(), self._pages.clock(), request[SESSION].person
        length = str(form.get("length", "?"))
        if length not in dict(acts.LENGTHS):
            raise web.HTTPBadRequest(text="Choose how long.")
        until = now + float(length) if length else None
        reason = reason_of(form) or acts.REASONS[-1]
        account = await self._account(request)
        await self._store.write(lambda c: bans.ban(c, account, until, reason, who.login, now))
        return back(form, "banned", str(_address(account)))

    @allowed(Role.MODERATOR)
    async def _lift(self, request: web.Request) -> web.Response:
        form, now, who = await request.post(), self._pages.clock(), request[SESSION].person
        account, why = await self._account(request), reason_of(form)
        lifted = await self._store.write(lambda c: bans.lift(c, account, who.login, why, now))
        return back(form, "unbanned" if lifted else "late", str(_address(account)))

    @allowed(Role.ADMIN)
    async def _tier(self, request: web.Request) -> web.Response:
        form, now, who = await request.post(), self._pages.clock(), request[SESSION].person
        account = await self._account(request)
        try:
            tier = Tier(str(form.get("tier", "")))
        except ValueError:
            raise web.HTTPBadRequest(text="There is no such tier.") from None
        subject = audit.of_account(account.platform, account.user_id)

        def act(c: Connection) -> None:
            before = ledger.tier_of(c, account)
            ledger.set_tier(c, account, tier, now)
            audit.note(
                c, who.login, Act.TIER, subject, reason_of(form), now, before=before, after=tier
            )

        await self._store.write(act)
        return back(form, "tier", str(_address(account)))

    async def _note(self, request: web.Request) -> web.Response:
        form, now, who = await request.post(), self._pages.clock(), request[SESSION].person
        text, account = str(form.get("text", "")).strip()[:2000], await self._account(request)
        key = (account.platform, account.user_id)
        if text:
            await self._store.write(lambda c: desk.write_note(c, who.login, text, now, account=key))
        return back(form, "noted" if text else "", str(_address(account)))

    async def _account(self, request: web.Request) -> Account:
        platform, user = request.match_info["platform"], request.match_info["user"]
        found = await self._store.read(lambda c: casebook.standing(c, platform, user))
        if found is None:
            raise web.HTTPNotFound(text="There is no such account.")
        return found.account


def _address(account: Account) -> URL:
    return URL(f"{ROOT}/accounts") / account.platform / account.user_id
