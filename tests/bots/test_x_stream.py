"""The Activity stream against the fake: it hurries the polling, and nothing hangs on it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from bots.platforms import x as platform
from bots.platforms._x import streaming
from bots.settings import Settings, SettingsError
from data.presence import Presence
from data.store import Connection, Store
from tests.bots.test_x import until
from tests.fake_x.endpoints import Endpoint
from tests.fake_x.faults import Fault
from tests.fake_x.server import FakeX
from tests.fake_x.verdict import judge, unanswered
from tests.lives import working
from tests.test_x import a_fake

STREAM, MENTIONS = Endpoint.STREAM, Endpoint.MENTIONS
Living = Callable[..., AbstractAsyncContextManager[None]]


@pytest.fixture
async def x() -> AsyncIterator[FakeX]:
    with a_fake(storm_seconds=0.3) as fake:
        yield fake


@pytest.fixture
def living(store: Store, x: FakeX, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Living:
    """The whole bot but for its model; polls are a minute apart where the stream stands."""
    monkeypatch.setattr(streaming, "REFUSED", (0.05, 0.2))
    monkeypatch.setattr(streaming, "CUT", (0.05, 0.2))
    monkeypatch.setattr(streaming, "QUIET", 0.3)

    @contextlib.asynccontextmanager
    async def live(seconds: float = 10.0) -> AsyncIterator[None]:
        fields: dict[str, Any] = {name.lower(): value for name, value in x.settings().items()}
        fields["x_photo_hosts"] = (fields["x_photo_hosts"],)
        settings = Settings(
            **fields,
            x_stream=True,
            x_bearer_token=x.keys.bearer_token,  # type: ignore[arg-type]
            pictures=tmp_path / "pictures",
        ).model_copy(update={"x_poll_seconds": seconds, "x_settle_seconds": 1.0})
        async with working(store, Presence(tmp_path / "presence"), settings, platform.open):
            await until(lambda: x.requests(MENTIONS))
            yield

    return live


async def stands(x: FakeX, lines: int = 1) -> None:
    """So many lines were opened, and each was followed by a poll."""
    await until(lambda: x.stream.lines >= lines and len(x.requests(MENTIONS)) > lines)


async def test_a_mention_is_told_at_once_and_paid_as_an_event(
    x: FakeX, living: Living, store: Store
) -> None:
    async with living():
        await stands(x)
        polls = len(x.requests(MENTIONS))
        x.world.ask("ada", "a red fox")
        await until(lambda: not unanswered(x.world))
        assert len(x.requests(MENTIONS)) == polls
    assert judge(x) == []
    assert x.world.bill.by_kind() == {"event": 5, "metadata": 5, "post": 10}
    assert await store.read(_spent) == x.world.bill.mills


def _spent(c: Connection) -> int:
    (amount,) = c.execute("SELECT sum(amount) / 1000 FROM spending").fetchone()
    return int(amount)


async def test_what_is_told_twice_or_found_again_by_a_poll_is_one_wish(
    x: FakeX, living: Living, store: Store
) -> None:
    x.stream.times = 3
    async with living():
        await stands(x)
        x.world.ask("ada", "a red fox")
        await until(lambda: not unanswered(x.world))
        polls = len(x.requests(MENTIONS))
        x.stream.cut()
        await until(lambda: len(x.requests(MENTIONS)) > polls)
        x.world.ask("ben", "a blue whale")
        await until(lambda: not unanswered(x.world))
    assert judge(x) == []
    (count,) = await store.read(lambda c: c.execute("SELECT count(*) FROM mentions").fetchone())
    assert count == 2


async def test_an_event_that_says_too_little_hurries_the_poll(x: FakeX, living: Living) -> None:
    x.stream.whole = False
    x.stream.rubbish = b'{"errors": [{"title": "operational-disconnect"}]}\r\nnot even JSON\r\n'
    async with living():
        await stands(x)
        x.world.ask("ada", "a red fox")
        await until(lambda: not unanswered(x.world), 9)
    assert judge(x) == []


async def test_while_it_cannot_stand_polling_goes_on_as_ever(x: FakeX, living: Living) -> None:
    x.faults.chances = {STREAM: {Fault.JSON_503: 0.5, Fault.DROP: 0.5}}
    async with living(0.1):
        x.world.ask("ada", "a red fox")
        await until(lambda: not unanswered(x.world))
        await until(lambda: len(x.requests(STREAM)) > 3)
        x.faults.calm()
        await stands(x)
    assert judge(x) == []


async def test_a_line_without_a_sign_of_life_is_opened_anew(x: FakeX, living: Living) -> None:
    x.stream.heartbeat = None
    async with living():
        await until(lambda: x.stream.lines >= 1)
        x.stream.heartbeat = 0.05
        await stands(x, 2)
        x.world.ask("ada", "a red fox")
        await until(lambda: not unanswered(x.world), 9)
    assert judge(x) == []
    assert len(x.stream.subscriptions) == 1


async def test_a_storm_of_429_meets_no_second_try_in_its_pause(x: FakeX, living: Living) -> None:
    x.faults.put(STREAM, Fault.RATE_LIMITED)
    async with living():
        await stands(x)
    assert judge(x) == []
    assert [each.status for each in x.requests(STREAM)] == [429, 200]


def test_the_stream_needs_the_app_s_token() -> None:
    with pytest.raises(SettingsError, match="MURALIST_X_BEARER_TOKEN"):
        streaming.bearer_of(Settings(x_stream=True))
