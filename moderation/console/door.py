"""The door: who may come in, with what, for how long; and requests that others forged.

A session is a random cookie; the store knows only its digest, and what Discord gave us
is sealed with the cookie itself, so that neither half is worth anything alone. The
role is read from the store at every request and asked for again at Discord when the
last answer is too old: `recheck` seconds for looking, a minute for acting.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler
from cryptography.fernet import Fernet, InvalidToken
from yarl import URL

from data import audit, staff
from data.audit import Act
from data.staff import Role, Session
from data.store import Connection
from moderation.console import oauth
from moderation.console.oauth import Challenge, DiscordLogin, DiscordUnreachableError
from moderation.console.pages import CSRF, ROOT, SESSION, Pages, see_other

T = TypeVar("T")
Method = Callable[[T, web.Request], Awaitable[Any]]

#: An act asks Discord again where the last answer is older, in seconds.
ACT_RECHECK = 60.0
#: How often "last seen" is written, in seconds.
SEEN = 60.0
#: How long somebody may take to say yes at Discord, in seconds.
PATIENCE = 600

#: In the audit: where people come in, and whoever did not say who they are.
THE_DOOR, SOMEBODY = "console", "somebody"

#: What can be seen before signing in.
OPEN = ("/login", "/static/")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorSettings:
    """`url` is the console's public address where it is not the one it is called by."""

    url: str | None = None
    discord: DiscordLogin | None = None
    recheck: float = 600.0


def new_key() -> tuple[str, str]:
    """A key for people, and the digest to keep of it."""
    key = "-".join(secrets.token_hex(4) for _ in range(5))
    return key, digest_of(key)


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Door:
    def __init__(self, pages: Pages, settings: DoorSettings) -> None:
        self._pages = pages
        self._store = pages.store
        self._settings = settings

    def mount(self, app: web.Application) -> None:
        app.router.add_get("/login", self._form)
        app.router.add_post("/login/key", self._with_key)
        app.router.add_get("/login/discord", self._to_discord)
        app.router.add_get("/login/back", self._from_discord)
        app.router.add_post("/logout", self._out)

    # ------------------------------------------------------------- every request

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Nobody passes without a session, nothing changes without its token."""
        try:
            response = await self._guarded(request, handler)
        except web.HTTPException as refusal:
            _set_headers(refusal)
            raise
        if not response.prepared:
            if request.path.startswith(f"{ROOT}/static/") and response.status == 200:
                # Their addresses change with their content.
                response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
            _set_headers(response)
        return response

    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        acting = request.method not in ("GET", "HEAD")
        if acting and request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise web.HTTPForbidden(text="This request came from another site.")
        if request.path.removeprefix(ROOT).startswith(OPEN):
            return await handler(request)
        cookie = request.cookies.get(self._cookie(request), "")
        session = await self._session(cookie, acting=acting)
        if session is None:
            return self._turned_away(request, acting=acting)
        request[SESSION] = session
        request[CSRF] = csrf_of(cookie)
        if acting:
            given = (await request.post()).get("csrf", "")
            if not isinstance(given, str) or not hmac.compare_digest(
                given.encode(), request[CSRF].encode()
            ):
                raise web.HTTPForbidden(text="This form is too old, or was not ours. Load it anew.")
        return await handler(request)

    async def _session(self, cookie: str, *, acting: bool) -> Session | None:
        if not cookie:
            return None
        now, digest = self._pages.clock(), digest_of(cookie)
        session = await self._store.read(lambda c: staff.session(c, digest, now))
        if session is None or session.secret is None:
            return session and await self._seen(session, now)
        old = now - session.checked_at
        if old < (min(ACT_RECHECK, self._settings.recheck) if acting else self._settings.recheck):
            return session
        return await self._rechecked(session, cookie, now)

    async def _seen(self, session: Session, now: float) -> Session:
        if now - session.person.seen_at > SEEN:
            await self._store.write(lambda c: staff.seen(c, session, now))
        return session

    async def _rechecked(self, session: Session, cookie: str, now: float) -> Session | None:
        """Ask Discord again: whoever lost the role there is out here. Fails closed."""
        login = self._settings.discord
        try:
            token = seal_of(cookie).decrypt((session.secret or "").encode()).decode()
            member = await oauth.member(login, token) if login else None
        except InvalidToken:
            member = None
        except DiscordUnreachableError as error:
            raise web.HTTPServiceUnavailable(
                text=f"{error} Nobody can be let in by their role until it answers again."
            ) from error
        role = member.role if member else None

        def note(c: Connection) -> Session | None:
            if role is None:
                staff.sign_out_everywhere(c, session.person.id)
                audit.note(
                    c, session.person.login, Act.TURN_AWAY, THE_DOOR, "the role is gone", now
                )
                return None
            staff.checked(c, session, role, now)
            return staff.session(c, session.digest, now)

        return await self._store.write(note)

    def _turned_away(self, request: web.Request, *, acting: bool) -> web.Response:
        wants_page = "text/html" in request.headers.get("Accept", "")
        if acting or not wants_page:
            raise web.HTTPUnauthorized(text="Your session is over. Sign in again.")
        if request.headers.get("HX-Request"):
            return web.Response(headers={"HX-Redirect": f"{ROOT}/login"})
        there = request.path_qs if request.path_qs != ROOT else ""
        raise web.HTTPSeeOther(URL(f"{ROOT}/login").with_query({"next": there} if there else {}))

    # ---------------------------------------------------------------- signing in

    async def _form(self, request: web.Request) -> web.Response:
        return self._login_page(request)

    def _login_page(
        self, request: web.Request, trouble: str = "", status: int = 200
    ) -> web.Response:
        there = _inside(request.query.get("next", ""))
        return self._pages.bare(
            "login.html",
            status=status,
            trouble=trouble,
            next=there,
            discord=self._settings.discord is not None,
        )

    async def _with_key(self, request: web.Request) -> web.Response:
        form = await request.post()
        now, given = self._pages.clock(), str(form.get("key", "")).strip()
        if not await self._may_try(request):
            return self._too_often(request)
        cookie = secrets.token_urlsafe(32)

        def enter(c: Connection) -> bool:
            if not staff.is_key(c, digest_of(given)):
                audit.note(c, SOMEBODY, Act.TURN_AWAY, THE_DOOR, "a wrong key", now)
                return False
            staff.sign_in(c, "key", "Key holder", Role.ADMIN, digest_of(cookie), now)
            audit.note(c, "key", Act.SIGN_IN, THE_DOOR, "", now)
            return True

        if not await self._store.write(enter):
            return self._login_page(request, "This is not the key.", status=403)
        return self._welcome(request, cookie, _inside(str(form.get("next", ""))))

    async def _to_discord(self, request: web.Request) -> web.Response:
        login = self._discord()
        challenge = Challenge.fresh()
        response = see_other(oauth.way_there(login, challenge, self._back(request)))
        there = _inside(request.query.get("next", ""))
        self._set_cookie(
            request,
            response,
            "-way",
            f"{challenge.state}.{challenge.verifier}.{there}",
            max_age=PATIENCE,
        )
        return response

    async def _from_discord(self, request: web.Request) -> web.Response:
        login = self._discord()
        kept = request.cookies.get(self._cookie(request, "-way"), "")
        state, _, rest = kept.partition(".")
        verifier, _, there = rest.partition(".")
        given = request.query.get("state", "")
        if not state or not hmac.compare_digest(state.encode(), given.encode()):
            return self._login_page(request, "That sign-in was not begun here.", status=403)
        if not await self._may_try(request):
            return self._too_often(request)
        challenge = Challenge(state=state, verifier=verifier)
        code = request.query.get("code", "")
        try:
            token = await oauth.token_for(login, code, challenge, self._back(request))
            member = await oauth.member(login, token) if token else None
        except DiscordUnreachableError as error:
            return self._login_page(request, str(error), status=503)
        return await self._let_in(request, token, member, _inside(there))

    async def _let_in(
        self, request: web.Request, token: str | None, member: oauth.Member | None, there: str
    ) -> web.Response:
        now, cookie = self._pages.clock(), secrets.token_urlsafe(32)

        def enter(c: Connection) -> bool:
            if member is None or member.role is None or token is None:
                who = f"discord:{member.id}" if member else SOMEBODY
                audit.note(c, who, Act.TURN_AWAY, THE_DOOR, "no role", now)
                return False
            login = f"discord:{member.id}"
            sealed = seal_of(cookie).encrypt(token.encode()).decode()
            entered = staff.sign_in(
                c, login, member.name, member.role, digest_of(cookie), now, secret=sealed
            )
            act = Act.SIGN_IN if entered else Act.TURN_AWAY
            audit.note(c, login, act, THE_DOOR, "" if entered else "removed", now)
            return entered is not None

        if not await self._store.write(enter):
            trouble = "Discord knows no role of yours that moderates here."
            return self._login_page(request, trouble, status=403)
        return self._welcome(request, cookie, there)

    async def _out(self, request: web.Request) -> web.Response:
        session, now = request[SESSION], self._pages.clock()

        def leave(c: Connection) -> None:
            staff.sign_out(c, session.digest)
            audit.note(c, session.person.login, Act.SIGN_OUT, THE_DOOR, "", now)

        await self._store.write(leave)
        response = see_other(f"{ROOT}/login")
        self._set_cookie(request, response, "", "", max_age=0)
        return response

    async def _may_try(self, request: web.Request) -> bool:
        now, remote = self._pages.clock(), request.remote or ""
        return await self._store.write(lambda c: staff.may_try(c, remote, now))

    def _too_often(self, request: web.Request) -> web.Response:
        response = self._login_page(
            request, "Too many attempts. Try again in five minutes.", status=429
        )
        response.headers["Retry-After"] = str(int(staff.WINDOW))
        return response

    def _welcome(self, request: web.Request, cookie: str, there: str) -> web.Response:
        # Not a redirect to a path of the form's choosing, but to a page of ours.
        response = see_other(there or ROOT)
        self._set_cookie(request, response, "", cookie, max_age=int(staff.LONGEST))
        return response

    def _discord(self) -> DiscordLogin:
        if self._settings.discord is None:
            raise web.HTTPNotFound(text="Signing in with Discord is not set up.")
        return self._settings.discord

    # ------------------------------------------------------------------- cookies

    def _secure(self, request: web.Request) -> bool:
        return (self._settings.url or str(request.url)).startswith("https:")

    def _cookie(self, request: web.Request, suffix: str = "") -> str:
        prefix = "__Host-" if self._secure(request) else ""
        return f"{prefix}muralist-desk{suffix}"

    def _set_cookie(
        self, request: web.Request, response: web.Response, suffix: str, value: str, *, max_age: int
    ) -> None:
        response.set_cookie(
            self._cookie(request, suffix),
            value,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=self._secure(request),
            max_age=max_age,
        )

    def _back(self, request: web.Request) -> str:
        base = self._settings.url or f"{request.scheme}://{request.host}"
        return f"{base.rstrip('/')}{ROOT}/login/back"


def allowed(role: Role) -> Callable[[Method[T]], Method[T]]:
    """A page or an act for those with at least this role."""

    def wrap(method: Method[T]) -> Method[T]:
        @functools.wraps(method)
        async def check(self: T, request: web.Request) -> Any:
            if not request[SESSION].person.role.may(role):
                raise web.HTTPForbidden(text=f"This needs the role of {role}.")
            return await method(self, request)

        return check

    return wrap


def csrf_of(cookie: str) -> str:
    """The token that only pages of this session carry."""
    return hmac.new(cookie.encode(), b"muralist csrf", hashlib.sha256).hexdigest()


def seal_of(cookie: str) -> Fernet:
    """What seals a session's secret: a key that nobody but the browser has."""
    key = hmac.new(cookie.encode(), b"muralist seal", hashlib.sha256).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def _inside(there: str) -> str:
    """A page of the console to go on to, "" for anything else."""
    return there if there == ROOT or there.startswith((f"{ROOT}/", f"{ROOT}?")) else ""


def _set_headers(response: web.StreamResponse) -> None:
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("X-Robots-Tag", "noindex")
