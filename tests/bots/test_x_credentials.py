"""OAuth 2 against the fake: one refresh for all, kept before it is used, and its loss said."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import stat
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bots.platform import House, Outcome, PlatformError
from bots.platforms import x as platform
from bots.platforms._x.credentials import (
    AHEAD,
    Grant,
    credentials_for,
    keys_of,
)
from bots.platforms._x.meter import Meter
from bots.platforms._x.transport import Transport
from bots.platforms._x.wire import Wire
from bots.settings import Settings, SettingsError
from data import tokens
from data.presence import Presence
from data.store import Store
from tests.conftest import Clock
from tests.fake_x.caller import an_image
from tests.fake_x.credentials import ACCESS_SECONDS
from tests.fake_x.endpoints import Endpoint
from tests.fake_x.faults import Fault
from tests.fake_x.server import FakeX
from tests.fake_x.verdict import judge, unanswered
from tests.lives import working
from tests.test_x import a_fake

TOKEN, MENTIONS = Endpoint.TOKEN, Endpoint.MENTIONS
Line = Callable[..., AbstractAsyncContextManager[Transport]]


@pytest.fixture
async def x(clock: Clock) -> AsyncIterator[FakeX]:
    async with FakeX(clock=clock) as fake:
        yield fake


def settings_for(x: FakeX, **more: str) -> Settings:
    fields: dict[str, Any] = {n.lower(): v for n, v in (x.settings_oauth2() | more).items()}
    fields["x_photo_hosts"] = (fields["x_photo_hosts"],)
    return Settings(**fields)


@pytest.fixture
def line(x: FakeX, house: House) -> Line:
    """A line to X on the fixtures' store: opening it again is another life of the bot."""

    @contextlib.asynccontextmanager
    async def opened(settings: Settings) -> AsyncIterator[Transport]:
        lived_in = dataclasses.replace(house, settings=settings)
        keys = keys_of(settings)
        async with aiohttp.ClientSession() as session:
            wire, meter = Wire(session, settings.x_api_url), Meter(lived_in, keys.bot_id)
            yield Transport(wire, credentials_for(lived_in, keys, wire, meter), meter)

    return opened


async def ask(transport: Transport) -> None:
    await transport.get_users_mentions("1000", max_results=5, user_auth=True)


def refreshes(x: FakeX) -> int:
    return len(x.requests(TOKEN))


async def test_many_calls_make_one_refresh(x: FakeX, line: Line) -> None:
    async with line(settings_for(x)) as transport:
        await asyncio.gather(
            *(ask(transport) for _ in range(5)),
            *(transport.get_tweets(["7"], user_auth=True) for _ in range(5)),
        )
    assert refreshes(x) == 1
    assert judge(x) == []


async def test_a_token_given_to_begin_with_is_used_until_x_refuses_it(x: FakeX, line: Line) -> None:
    async with line(settings_for(x, X_USER_TOKEN=x.oauth2.access)) as transport:
        await ask(transport)
        assert refreshes(x) == 0
        x.oauth2.expire()
        await ask(transport)
    assert refreshes(x) == 1
    assert [each.status for each in x.requests(MENTIONS)] == [200, 401, 200]


async def test_a_token_is_renewed_ahead_of_its_end(x: FakeX, line: Line, clock: Clock) -> None:
    async with line(settings_for(x)) as transport:
        await ask(transport)
        clock.now += ACCESS_SECONDS - AHEAD - 1
        await ask(transport)
        assert refreshes(x) == 1
        clock.now += 1
        await ask(transport)
    assert refreshes(x) == 2
    assert {each.status for each in x.requests(MENTIONS)} == {200}


async def test_the_chain_goes_on_in_the_next_life(x: FakeX, line: Line, clock: Clock) -> None:
    settings = settings_for(x)
    for _ in range(3):
        async with line(settings) as transport:
            await ask(transport)
        clock.now += ACCESS_SECONDS
    assert refreshes(x) == 3
    assert judge(x) == []


async def test_a_public_client_says_its_name(x: FakeX, line: Line) -> None:
    x.oauth2.confidential = False
    async with line(settings_for(x)) as transport:
        await ask(transport)
    assert judge(x) == []


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.JSON_503, Fault.HTML_503])
async def test_where_the_question_was_lost_the_old_token_is_good_for_another(
    x: FakeX, line: Line, fault: Fault
) -> None:
    x.faults.put(TOKEN, fault)
    async with line(settings_for(x)) as transport:
        with pytest.raises(PlatformError) as caught:
            await ask(transport)
        assert caught.value.outcome is Outcome.NOT_APPLIED
        await ask(transport)
    assert len(x.requests(MENTIONS)) == 1


@pytest.mark.parametrize("fault", [Fault.DROP_AFTER, Fault.JSON_503_AFTER])
async def test_where_the_answer_was_lost_a_person_is_called_and_can_mend_it(
    x: FakeX, line: Line, fault: Fault
) -> None:
    settings = settings_for(x)
    x.faults.put(TOKEN, fault)
    async with line(settings) as transport:
        for outcome in (Outcome.NOT_APPLIED, Outcome.HALT, Outcome.HALT):
            with pytest.raises(PlatformError) as caught:
                await ask(transport)
            assert caught.value.outcome is outcome
    told = str(caught.value)
    assert "never arrived" in told
    assert "MURALIST_X_REFRESH_TOKEN" in told
    assert refreshes(x) == 2  # and not a third time
    x.oauth2.revoked = False
    x.oauth2.renew()
    async with line(settings_for(x)) as transport:
        await ask(transport)


async def test_a_process_that_dies_with_the_answer_in_hand_says_so_in_its_next_life(
    x: FakeX, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, real = settings_for(x), tokens.keep

    def die(c: Any, name: str, origin: str, pair: tokens.Pair) -> None:
        if pair.renewing_since is None:
            raise KeyboardInterrupt
        real(c, name, origin, pair)

    async with line(settings) as transport:
        with monkeypatch.context() as dying:
            dying.setattr(tokens, "keep", lambda *how: _interrupted(die, how))
            with pytest.raises(_DiedError):
                await ask(transport)
    assert x.requests(MENTIONS) == []
    async with line(settings) as transport:
        with pytest.raises(PlatformError, match="never arrived") as caught:
            await ask(transport)
    assert caught.value.outcome is Outcome.HALT


class _DiedError(Exception):
    pass


def _interrupted(act: Callable[..., None], how: tuple[Any, ...]) -> None:
    try:
        act(*how)
    except KeyboardInterrupt as error:
        raise _DiedError from error


async def test_a_wrong_secret_is_the_apps_fault_and_costs_no_token(x: FakeX, line: Line) -> None:
    async with line(settings_for(x, X_CLIENT_SECRET="wrong")) as transport:
        with pytest.raises(PlatformError) as caught:
            await ask(transport)
        assert caught.value.outcome is Outcome.HALT
    async with line(settings_for(x)) as transport:
        await ask(transport)


async def test_a_storm_of_429_at_the_token_is_waited_out(x: FakeX, line: Line) -> None:
    x.faults.put(TOKEN, Fault.BARE_429)
    async with line(settings_for(x)) as transport:
        for _ in range(3):
            with pytest.raises(PlatformError) as caught:
                await ask(transport)
            assert caught.value.outcome is Outcome.NOT_YET
    assert refreshes(x) == 1


async def test_a_missing_right_halts(x: FakeX, line: Line) -> None:
    x.oauth2.scopes.remove("tweet.write")
    async with line(settings_for(x)) as transport:
        with pytest.raises(PlatformError) as caught:
            await transport.delete_tweet("7", user_auth=True)
    assert caught.value.outcome is Outcome.HALT


async def test_the_whole_bot_by_oauth2_tells_nobody_its_tokens(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Photo, upload, alt text and reply; an end of the token in the middle of it."""
    with a_fake() as x:
        settings = settings_for(x).model_copy(
            update={
                "x_poll_seconds": 0.1,
                "pictures": tmp_path / "pictures",
                "database": store.path,
            }
        )
        async with working(store, Presence(tmp_path / "presence"), settings, platform.open):
            await _until(lambda: x.requests(MENTIONS))
            mine = x.world.photo("ada", an_image((64, 48)), size=(64, 48))
            x.world.ask("ada", "as a comic", photos=[mine])
            x.world.ask("ben", "a red fox")
            await _until(lambda: x.requests(Endpoint.UPLOAD))
            x.oauth2.expire()
            await _until(lambda: not unanswered(x.world))
        assert judge(x) == []
        assert refreshes(x) == 2
        told = "".join(capsys.readouterr())
        assert "token renewed" in told
        assert [secret for secret in x.canaries() if secret in told] == []
        assert await asyncio.to_thread(_modes, tmp_path) == {0o600}


def _modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.glob("muralist.db*")}


async def _until(ready: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def test_one_set_of_keys_is_enough_and_two_are_too_many() -> None:
    both: dict[str, Any] = {"x_client_id": "c", "x_refresh_token": "r", "x_account": "1000"}
    keys = keys_of(Settings(**both))
    assert isinstance(keys, Grant)
    assert keys.bot_id == "1000"
    assert repr(keys) == "Grant(bot_id='1000')"
    with pytest.raises(SettingsError, match="MURALIST_X_ACCOUNT"):
        keys_of(Settings(x_client_id="c", x_refresh_token="r"))  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="one of the two sets"):
        keys_of(Settings(**both, x_consumer_key="k"))  # type: ignore[arg-type]
