"""The web application around the platforms' routes: health, headers, names."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web as aiohttp_web
from aiohttp.test_utils import TestClient, TestServer

from bots import web
from bots.pulse import Pulse

Client = TestClient[aiohttp_web.Request, aiohttp_web.Application]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    app = web.build([], lambda: False, Pulse(), "127.0.0.1")
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def test_health_and_readiness_are_two_things(client: Client) -> None:
    assert (await client.get("/healthz")).status == 200
    assert (await client.get("/readyz")).status == 503


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/static/muralist.svg"])
async def test_every_answer_is_hardened(client: Client, path: str) -> None:
    headers = (await client.get(path)).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:8080", 200), ("127.0.0.1", 200), ("[::1]:80", 200), ("evil.example:8080", 421)],
)
async def test_it_answers_to_its_own_names_only(client: Client, host: str, status: int) -> None:
    assert (await client.get("/healthz", headers={"Host": host})).status == status
