"""The one web application: health, and whatever routes the platforms bring.

`/healthz` says the loop turns and how late it has been since the last look;
`/readyz` says pictures can be made, `/limits.json` what may be asked for now, by tier,
how long it would take, and which temporary limits are in force.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from yarl import URL

from bots.platform import Platform
from bots.pulse import Pulse

#: The largest request body: a photo of 8 MB in base64, and the words around it.
BODY_BYTES = 12 * 1024 * 1024

#: Names of the machine itself.
LOCAL = ("localhost", "127.0.0.1", "::1")

#: Nothing from elsewhere, nothing inline; previews of chosen photos are blobs.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_STATIC = Path(__file__).parent / "static"


def build(
    platforms: Iterable[Platform],
    ready: Callable[[], bool],
    pulse: Pulse,
    host: str,
    *,
    limits: Callable[[], Awaitable[dict[str, Any]]] | None = None,
    mounted: Mapping[str, web.Application] | None = None,
) -> web.Application:
    """The application of all platforms; `ready` tells whether the engine is loaded.

    `limits` tells what is published about the limits; `mounted` are applications of
    their own, by the path they begin at.
    """
    app = web.Application(middlewares=[_harden, _only_for(host)], client_max_size=BODY_BYTES)
    app.router.add_static("/static", _STATIC)

    async def healthz(_request: web.Request) -> web.Response:
        lag = {"latest_lag": pulse.latest, "worst_lag": pulse.forget()}
        return web.json_response({"ok": True, **lag})

    async def readyz(_request: web.Request) -> web.Response:
        return web.json_response({"ready": ready()}, status=200 if ready() else 503)

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    if limits is not None:
        publish = limits

        async def limits_json(_request: web.Request) -> web.Response:
            return web.json_response(await publish())

        app.router.add_get("/limits.json", limits_json)
    for platform in platforms:
        platform.mount(app)
    for place, part in (mounted or {}).items():
        app.add_subapp(place, part)
    return app


@contextlib.asynccontextmanager
async def serving(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Serve `app` for the length of a scope; yields its address. Raises OSError."""
    # A page that listens for events never ends by itself: don't wait for it.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield f"http://{_shown(runner.addresses[0])}/"
    finally:
        await runner.cleanup()


@web.middleware
async def _harden(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        response = await handler(request)
    except web.HTTPException as refusal:
        _set_headers(refusal)
        raise
    # A stream has sent its headers already and set them itself.
    if not response.prepared:
        _set_headers(response)
    return response


def _only_for(host: str) -> Middleware:
    """On this machine only, answer to this machine's names only.

    A page elsewhere can have its own name point here and would then read us as
    itself; the name it was called by gives it away.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        name = URL.build(authority=request.host).host
        if host in LOCAL and name not in LOCAL:
            raise web.HTTPMisdirectedRequest(text="This server answers to localhost only.")
        return await handler(request)

    return check


def _set_headers(response: web.StreamResponse) -> None:
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")


def _shown(address: tuple[str, int] | tuple[str, int, int, int]) -> str:
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
