"""The X platform's parts, and the whole of it in one process against the fake X."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bots import __main__ as wiring
from bots.intake import Intake
from bots.outbox import Outbox
from bots.platform import House
from bots.platforms import x as platform
from bots.pulse import Pulse
from bots.settings import Settings
from data.pictures import PictureStore
from data.presence import Presence
from data.store import Connection, Store
from data.words import Ruling, Verdict
from generator.worker import Worker
from ratelimit import policy
from ratelimit.tiers import DAILY
from tests.fake_x.endpoints import Endpoint
from tests.fake_x.faults import Fault
from tests.fake_x.server import FakeX
from tests.fake_x.verdict import judge, unanswered
from tests.fake_x.world import Lags, Trouble
from tests.test_crash import Paintbrush

ALLOW = Verdict(ruling=Ruling.ALLOW)
Living = Callable[..., contextlib.AbstractAsyncContextManager[None]]


@pytest.fixture
async def x() -> AsyncIterator[FakeX]:
    async with FakeX(held_seconds=0.3, slow_seconds=0.1, bare_seconds=1.0) as fake:
        yield fake


def settings_for(x: FakeX, **more: Any) -> Settings:
    fields = {name.lower(): value for name, value in x.settings().items()}
    fields["x_photo_hosts"] = (fields["x_photo_hosts"],)
    # Quicker than anybody may set them: the fake is here, and lags by less.
    quick = {"x_poll_seconds": 0.2, "x_settle_seconds": 1.0}
    return Settings(**fields, platforms=("x",)).model_copy(update={**quick, **more})


@pytest.fixture
def living(store: Store, picture_store: PictureStore, x: FakeX, tmp_path: Path) -> Living:
    """The whole bot but for the model, for the length of a scope."""

    @contextlib.asynccontextmanager
    async def live(**more: Any) -> AsyncIterator[None]:
        worker = Worker(
            store,
            picture_store,
            Paintbrush(),
            owner="me",
            clock=time.time,
            review=lambda _image, _job: ALLOW,
        )
        house = House(
            settings=settings_for(x, **more),
            store=store,
            pictures=picture_store,
            clock=time.time,
            progress=worker.progress,
            vocabulary=(),
            engine=lambda: "test",
            ready=lambda: True,
            quotas=DAILY,
        )
        stop = asyncio.Event()
        intake = Intake(house, lambda _stage, _subject: ALLOW, policy.load(["daily"]))
        outbox = Outbox(house, Presence(tmp_path / "presence"))
        async with platform.open(house) as opened, asyncio.TaskGroup() as group:
            group.create_task(wiring.work(stop, [opened], intake, worker, outbox, Pulse()))
            while not x.requests(Endpoint.MENTIONS):
                await asyncio.sleep(0.01)
            yield
            stop.set()

    return live


async def until(ready: Callable[[], object], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not ready():
            await asyncio.sleep(0.02)


async def rows(store: Store, sql: str) -> list[dict[str, Any]]:
    def look(c: Connection) -> list[dict[str, Any]]:
        return [dict(row) for row in c.execute(sql)]

    return await store.read(look)


async def test_a_mention_gets_one_reply_with_a_picture_and_the_ledger_is_the_bill(
    x: FakeX, living: Living, store: Store
) -> None:
    async with living():
        x.world.ask("ada", "a red fox")
        await until(lambda: not unanswered(x.world))
    assert judge(x) == []
    (spent,) = await rows(store, "SELECT * FROM spend_log")
    assert (spent["usd"], spent["usd_unclear"], spent["usd_per_reply"]) == (0.016, 0, 0.016)
    assert x.world.bill.mills == 16


@pytest.mark.parametrize(
    "fault",
    [
        Fault.DROP,
        Fault.TIMEOUT,
        Fault.JSON_503,
        Fault.HTML_503,
        Fault.EMPTY_503,
        Fault.HTML_200,
        Fault.RATE_LIMITED,
        Fault.BARE_429,
        Fault.DAY_429,
        Fault.DROP_AFTER,
        Fault.TIMEOUT_AFTER,
        Fault.JSON_503_AFTER,
        Fault.HTML_503_AFTER,
        Fault.EMPTY_503_AFTER,
    ],
)
async def test_whatever_happens_to_the_reply_there_is_one(
    x: FakeX, living: Living, store: Store, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.budget.FIRST_PAUSE", 1.0)
    x.world.lags = Lags(timeline=(0.3, 0.8))
    x.faults.put(Endpoint.CREATE, fault)
    async with living():
        x.world.ask("ada", "a red fox")
        await until(lambda: not unanswered(x.world))
        await settled(store)
    assert judge(x) == []
    assert x.faults.struck


async def settled(store: Store) -> None:
    async with asyncio.timeout(20):
        while await rows(
            store, "SELECT 1 FROM outbox WHERE state NOT IN ('posted', 'unsaid', 'parked')"
        ):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("trouble", list(Trouble))
async def test_an_account_in_trouble_stops_the_writer_and_keeps_the_queue(
    x: FakeX, living: Living, store: Store, trouble: Trouble
) -> None:
    x.world.trouble = trouble
    async with living():
        x.world.ask("ada", "a red fox")
        x.world.ask("ben", "a blue whale")
        async with asyncio.timeout(20):
            while not await rows(store, "SELECT * FROM breakers"):
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
    writes = [e for e in x.exchanges if e.endpoint not in (Endpoint.MENTIONS,)]
    assert len(writes) <= 2
    assert {row["state"] for row in await rows(store, "SELECT state FROM outbox")} <= {"pending"}
