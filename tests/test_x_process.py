"""The real process with the embedded model, `python -m bots`, against the fake X."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from data.store import connect
from tests.conftest import Promise
from tests.fake_x.endpoints import Endpoint
from tests.fake_x.faults import Fault
from tests.fake_x.server import FakeX
from tests.fake_x.verdict import judge, unanswered
from tests.fake_x.world import Lags
from tests.process import PATIENCE, Bot

POLL = 1.0


@pytest.fixture(scope="module")
def x() -> Iterator[FakeX]:
    lags = Lags(timeline=(0.1, 0.5), index=(0.5, 1.0))
    with FakeX(lags=lags, held_seconds=0.3, slow_seconds=0.1, storm_seconds=0.3) as fake:
        yield fake


@pytest.fixture(scope="module")
def bot(x: FakeX, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """One process for the tests here: ready to draw, and past its first look at X."""
    quick = {"X_POLL_SECONDS": str(POLL), "X_SETTLE_SECONDS": "1", "STEPS": "1"}
    folder = tmp_path_factory.mktemp("bot")
    with Bot(folder, PLATFORMS="x", LOG="debug", **x.settings(), **quick) as running:
        running.until_ready()
        until(lambda: x.requests(Endpoint.MENTIONS), running)
        yield running


def until(ready: Callable[[], object], bot: Bot) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < deadline, bot.log()[-4000:]
        time.sleep(0.02)


def seconds_of_drawing(bot: Bot) -> float:
    with connect(bot.database, read_only=True) as c:
        at = dict(c.execute("SELECT event, max(at) FROM journal GROUP BY event").fetchall())
    return float(at["picture"] - at["batch"])


def leaks(x: FakeX, *places: bytes) -> list[str]:
    return [secret for secret in x.canaries() for place in places if secret.encode() in place]


def test_an_idle_queue_is_quick_and_a_storm_of_429_meets_one_probe_a_reset(
    x: FakeX, bot: Bot, promise: Promise
) -> None:
    until(lambda: len(x.requests(Endpoint.MENTIONS)) > 1, bot)
    mention = x.world.ask("ada", "a red fox")
    until(lambda: not unanswered(x.world), bot)
    (reply,) = x.world.replies_to(mention.id)
    took = reply.created_at - mention.created_at
    promise("idle_reply", took, POLL + seconds_of_drawing(bot) + 1.0)
    assert x.world.bill.mills == 16
    for endpoint in (Endpoint.MENTIONS, Endpoint.CREATE):
        survive_a_storm(x, bot, endpoint)
    assert judge(x) == []


def survive_a_storm(x: FakeX, bot: Bot, endpoint: Endpoint) -> None:
    before = len(pauses_of(x, endpoint))
    x.faults.chances = {endpoint: {Fault.RATE_LIMITED: 0.5, Fault.DAY_429: 0.5}}
    for number in range(3):
        x.world.ask(f"guest{endpoint}{number}".replace(" ", ""), "a red fox")
    until(lambda: len(pauses_of(x, endpoint)) >= before + 4, bot)
    x.faults.calm()
    until(lambda: not unanswered(x.world), bot)
    refused = [each for each in x.requests(endpoint) if each.status == 429]
    pauses = sorted(pauses_of(x, endpoint))
    assert len(refused) == len(pauses)


def pauses_of(x: FakeX, endpoint: Endpoint) -> set[float]:
    """The moments at which a pause of the endpoint began."""
    return {pause.announced_at for pause in list(x.limits.pauses) if pause.endpoint is endpoint}


def test_killed_in_bad_weather_each_is_answered_once_and_no_secret_is_told(
    x: FakeX, bot: Bot
) -> None:
    """The look before a repeat is enough: X's own guard against doubles is off."""
    x.world.guards_duplicates = False
    x.faults.put(Endpoint.UPLOAD, Fault.HTML_503)
    x.faults.put(Endpoint.METADATA, Fault.DROP)
    x.faults.put(Endpoint.CREATE, Fault.DROP_AFTER, Fault.HTML_503_AFTER, Fault.DROP)
    x.faults.put(Endpoint.MENTIONS, None, Fault.UNAUTHORIZED)
    before = len(x.world.of_the_bot())
    for number in range(4):
        x.world.ask(f"guest{number}", "a red fox")
    until(lambda: len(x.world.of_the_bot()) > before, bot)
    bot.kill()
    bot.start()
    until(lambda: not unanswered(x.world), bot)
    time.sleep(2 * POLL)
    assert bot.stop() == 0
    assert judge(x) == []
    files = [path.read_bytes() for path in bot.database.parent.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert leaks(x, *files) == []
