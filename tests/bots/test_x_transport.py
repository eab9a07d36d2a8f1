"""The line to X against the fake: every way a request can end, and what it is taken for."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import pytest

from bots import logs
from bots.platform import House, Outcome, PlatformError
from bots.platforms._x import reading
from bots.platforms._x import wire as wire_module
from bots.platforms._x.credentials import credentials_for, keys_of
from bots.platforms._x.meter import Meter
from bots.platforms._x.transport import Transport
from bots.platforms._x.wire import Wire
from bots.settings import Settings
from data.words import Mention
from tests.fake_x.endpoints import Endpoint
from tests.fake_x.faults import Fault
from tests.fake_x.server import FakeX
from tests.fake_x.verdict import judge
from tests.fake_x.world import Trouble

CREATE = Endpoint.CREATE
HELD = 60.0

Line = Callable[..., AbstractAsyncContextManager[Transport]]


@pytest.fixture
async def x() -> AsyncIterator[FakeX]:
    async with FakeX(held_seconds=HELD, slow_seconds=0.05, storm_seconds=0.2) as fake:
        yield fake


@pytest.fixture
def line(x: FakeX, house: House, monkeypatch: pytest.MonkeyPatch) -> Line:
    monkeypatch.setattr(wire_module, "TIMEOUT", aiohttp.ClientTimeout(total=0.3))

    @contextlib.asynccontextmanager
    async def opened(url: str = "") -> AsyncIterator[Transport]:
        fields = {name.lower(): value for name, value in x.settings().items()}
        fields.pop("x_photo_hosts")
        settings = Settings(**fields)  # type: ignore[arg-type]
        lived_in = dataclasses.replace(house, settings=settings, clock=time.time)
        keys = keys_of(settings)
        async with aiohttp.ClientSession() as session:
            wire, meter = Wire(session, url or x.url), Meter(lived_in, keys.bot_id)
            yield Transport(wire, credentials_for(lived_in, keys, wire, meter), meter)

    return opened


def a_reply(to: str) -> dict[str, Any]:
    return {"text": "A red fox.", "reply": {"in_reply_to_tweet_id": to}}


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault.DROP, Outcome.UNKNOWN),
        (Fault.TIMEOUT, Outcome.UNKNOWN),
        (Fault.JSON_503, Outcome.UNKNOWN),
        (Fault.HTML_503, Outcome.UNKNOWN),
        (Fault.EMPTY_503, Outcome.UNKNOWN),
        (Fault.HTML_200, Outcome.UNKNOWN),
        (Fault.DROP_AFTER, Outcome.UNKNOWN),
        (Fault.TIMEOUT_AFTER, Outcome.UNKNOWN),
        (Fault.HTML_503_AFTER, Outcome.UNKNOWN),
        (Fault.RATE_LIMITED, Outcome.NOT_YET),
        (Fault.BARE_429, Outcome.NOT_YET),
        (Fault.DAY_429, Outcome.NOT_YET),
        (Fault.UNAUTHORIZED, Outcome.HALT),
    ],
)
async def test_how_a_reply_may_end(x: FakeX, line: Line, fault: Fault, outcome: Outcome) -> None:
    mention = x.world.ask("ada", "a red fox")
    x.faults.put(CREATE, fault)
    async with asyncio.timeout(HELD / 2), line() as transport:
        with pytest.raises(PlatformError) as caught:
            await transport.post("/2/tweets", a_reply(mention.id))
    assert caught.value.outcome is outcome
    assert len(x.world.of_the_bot()) == fault.after
    assert len(x.requests(CREATE)) == 1


async def test_during_a_pause_nothing_is_sent(x: FakeX, line: Line) -> None:
    mention = x.world.ask("ada", "a red fox")
    x.faults.put(CREATE, Fault.BARE_429)
    async with line() as transport:
        for _ in range(3):
            with pytest.raises(PlatformError) as caught:
                await transport.post("/2/tweets", a_reply(mention.id))
            assert caught.value.outcome is Outcome.NOT_YET
            assert (caught.value.retry_after or 0) > 50
    assert len(x.requests(CREATE)) == 1


@pytest.mark.parametrize("trouble", list(Trouble))
async def test_an_account_in_trouble_halts(x: FakeX, line: Line, trouble: Trouble) -> None:
    mention = x.world.ask("ada", "a red fox")
    x.world.trouble = trouble
    async with line() as transport:
        with pytest.raises(PlatformError) as caught:
            await transport.post("/2/tweets", a_reply(mention.id))
    assert caught.value.outcome is Outcome.HALT


async def test_the_same_again_stands(x: FakeX, line: Line) -> None:
    mention = x.world.ask("ada", "a red fox")
    async with line() as transport:
        await transport.post("/2/tweets", a_reply(mention.id))
        with pytest.raises(PlatformError) as caught:
            await transport.post("/2/tweets", a_reply(mention.id))
    assert caught.value.outcome is Outcome.STANDS


@pytest.mark.parametrize("how", ["deleted", "protected", "blocked", "restricted", "not summoned"])
async def test_an_unwanted_reply_is_dropped_for_good(x: FakeX, line: Line, how: str) -> None:
    mention = x.world.ask("ada", "a red fox")
    mention.deleted = how == "deleted"
    mention.author.protected = how == "protected"
    mention.author.blocks |= {x.world.bot.id} if how == "blocked" else set()
    mention.replies_from = "following" if how == "restricted" else "everyone"
    to = x.world.post("ben", "hello").id if how == "not summoned" else mention.id
    async with line() as transport:
        with pytest.raises(PlatformError) as caught:
            await transport.post("/2/tweets", a_reply(to))
    assert caught.value.outcome is Outcome.NEVER


async def test_nobody_there_is_certainly_not_applied(x: FakeX, line: Line) -> None:
    async with line("http://127.0.0.1:9") as transport:
        with pytest.raises(PlatformError) as caught:
            await transport.post("/2/tweets", a_reply("1"))
    assert caught.value.outcome is Outcome.NOT_APPLIED


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.DROP_AFTER])
async def test_a_question_that_was_cut_is_not_sent_again_uncounted(
    x: FakeX, line: Line, fault: Fault
) -> None:
    async with line() as transport:
        await transport.get_tweets(["7"], user_auth=True)  # a connection that is kept
        x.faults.put(Endpoint.LOOKUP, fault)
        with pytest.raises(PlatformError):
            await transport.get_tweets(["7"], user_auth=True)
    assert len(x.requests(Endpoint.LOOKUP)) == 2


async def test_x_may_want_its_fields_by_their_new_names(x: FakeX, line: Line) -> None:
    """The first refusal is taken as a hint; every later question is asked in the new spelling."""
    x.only = "2.167"
    parent = x.world.post("ada", "my garden")
    x.world.ask("ada", "a red fox", reply_to=parent.id)
    async with line() as transport:
        for _ in range(2):
            page = await transport.get_users_mentions(
                "1000", max_results=5, tweet_fields=list(reading.FIELDS), user_auth=True
            )
    (post,) = page["data"]
    mention = reading.mention_of(post, reading.Bot("1000", "muralist", "x"))
    assert isinstance(mention, Mention)
    assert (mention.in_reply_to, mention.account.user_id) == (parent.id, parent.author.id)
    assert [each.status for each in x.requests(Endpoint.MENTIONS)] == [400, 200, 200]
    assert judge(x)[1:] == []  # but for the reply nobody wrote here


async def test_no_secret_is_in_an_error_or_in_a_log_at_any_level(
    x: FakeX, line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    """oauthlib would tell: `bots.logs` keeps it and others quiet at every level."""
    mention = x.world.ask("ada", "a red fox")
    x.faults.put(CREATE, Fault.UNAUTHORIZED, Fault.DROP)
    with caplog.at_level(logging.DEBUG):
        async with line() as transport:
            for _ in range(3):
                with contextlib.suppress(PlatformError):
                    await transport.post("/2/tweets", a_reply(mention.id))
            with pytest.raises(PlatformError) as caught:
                await transport.post("/2/tweets", a_reply(mention.id))
            told = f"{caught.getrepr(style='long', showlocals=False)} {transport!r}"
    heard = [r for r in caplog.records if r.name.partition(".")[0] not in logs._NOISY]
    told += "".join(record.getMessage() for record in heard)
    assert len(heard) < len(caplog.records)
    assert [secret for secret in x.canaries() if secret in told] == []
