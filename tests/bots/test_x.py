"""The X platform's parts, and the whole of it in one process against the fake X."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from bots.platforms import x as platform
from bots.settings import Settings
from data.pictures import PictureStore
from data.presence import Presence
from data.store import Connection, Store
from tests.fake_x.caller import an_image
from tests.fake_x.endpoints import Endpoint
from tests.fake_x.faults import Fault
from tests.fake_x.server import FakeX
from tests.fake_x.verdict import judge, unanswered
from tests.fake_x.world import Lags, Trouble
from tests.lives import working
from tests.test_x import a_fake

Living = Callable[..., contextlib.AbstractAsyncContextManager[platform.X]]


@pytest.fixture
async def x() -> AsyncIterator[FakeX]:
    with a_fake(storm_seconds=0.3) as fake:
        yield fake


def settings_for(x: FakeX, **more: Any) -> Settings:
    fields: dict[str, Any] = {name.lower(): value for name, value in x.settings().items()}
    fields["x_photo_hosts"] = (fields["x_photo_hosts"],)
    # Quicker than anybody may set them: the fake is here, and lags by less.
    quick = {"x_poll_seconds": 0.2, "x_settle_seconds": 1.0}
    return Settings(**fields, platforms=("x",)).model_copy(update={**quick, **more})


@pytest.fixture
def living(store: Store, picture_store: PictureStore, x: FakeX, tmp_path: Path) -> Living:
    """The whole bot but for the model, for the length of a scope."""

    @contextlib.asynccontextmanager
    async def live(**more: Any) -> AsyncIterator[platform.X]:
        settings = settings_for(x, pictures=tmp_path / "pictures", **more)
        presence = Presence(tmp_path / "presence")
        async with working(store, presence, settings, platform.open) as opened:
            await until(lambda: x.requests(Endpoint.MENTIONS))
            yield cast("platform.X", opened)

    return live


async def until(ready: Callable[[], object], seconds: float = 20) -> None:
    for _ in range(int(seconds / 0.02)):
        if ready():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


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
    "faults",
    [
        [Fault.DROP, Fault.TIMEOUT, Fault.HTML_200],
        [Fault.JSON_503, Fault.HTML_503, Fault.EMPTY_503],
        [Fault.RATE_LIMITED, Fault.BARE_429, Fault.DAY_429],
        [Fault.DROP_AFTER, Fault.TIMEOUT_AFTER],
        [Fault.JSON_503_AFTER, Fault.HTML_503_AFTER, Fault.EMPTY_503_AFTER],
    ],
    ids=["no answer", "503", "429", "no answer after accept", "503 after accept"],
)
async def test_whatever_happens_to_the_replies_there_is_one_each(
    x: FakeX,
    living: Living,
    store: Store,
    faults: list[Fault],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("data.budget.FIRST_PAUSE", 1.0)
    x.world.lags = Lags(timeline=(0.3, 0.8))
    x.faults.put(Endpoint.CREATE, *faults)
    async with living():
        for number in range(len(faults)):
            x.world.ask(f"guest{number}", "a red fox")
        await until(lambda: not unanswered(x.world))
        await settled(store)
    assert judge(x) == []
    assert sum(x.faults.struck.values()) == len(faults)


async def test_whatever_had_no_answer_is_paid_once_and_the_ledger_knows(
    x: FakeX, living: Living, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind of call that costs takes effect, and its answer is lost."""
    monkeypatch.setattr("bots.outbox.LONGEST_WAIT", 0.1)
    x.world.lags = Lags(timeline=(0.1, 0.3))
    async with living():
        lost = (Endpoint.MENTIONS, Endpoint.UPLOAD, Endpoint.METADATA, Endpoint.CREATE)
        for endpoint in (*lost, Endpoint.TIMELINE, Endpoint.SEARCH, Endpoint.DELETE):
            x.faults.put(endpoint, Fault.DROP_AFTER)
        x.faults.put(Endpoint.METADATA, Fault.DROP)
        x.world.ask("ada", "a red fox")
        await until(lambda: not unanswered(x.world))
        x.world.ask("ben", "a blue whale")
        await until(lambda: not unanswered(x.world))
        await settled(store)
        posted, _ = x.world.of_the_bot()
        x.world.post("ada", "@muralist delete", reply_to=posted.id)
        await until(lambda: posted.deleted)
        await decided(store, 3)
        polls = len(x.requests(Endpoint.MENTIONS))
        await until(lambda: len(x.requests(Endpoint.MENTIONS)) > polls + 1)
    assert [line for line in judge(x) if not line.startswith("lost")] == []
    told = await rows(store, "SELECT state, sum(amount) / 1000 AS mills FROM spending GROUP BY 1")
    assert told == [{"state": "spent", "mills": x.world.bill.mills}]
    metadata = [charge for charge in x.world.bill.charges if charge.what.startswith("metadata")]
    assert len(metadata) == 2
    assert len(x.requests(Endpoint.MEDIA)) == 2


OPEN = "SELECT 1 FROM outbox WHERE state NOT IN ('posted', 'unsaid', 'parked')"


async def settled(store: Store, sql: str = OPEN, *, found: bool = False) -> None:
    """Wait until nothing is open any more, or until something is `found`."""
    for _ in range(400):
        if bool(await rows(store, sql)) is found:
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(sql)


async def decided(store: Store, number: int) -> None:
    """Wait until so many mentions are decided, and what they led to is done."""
    sql = f"SELECT 1 FROM mentions GROUP BY 1 HAVING count(decided_at) >= {number}"
    await settled(store, sql, found=True)
    await settled(store, "SELECT 1 FROM jobs WHERE state IN ('available', 'executing')")
    await settled(store)


@pytest.mark.parametrize("trouble", list(Trouble))
async def test_an_account_in_trouble_stops_the_writer_and_keeps_the_queue(
    x: FakeX, living: Living, store: Store, trouble: Trouble
) -> None:
    x.world.trouble = trouble
    async with living():
        x.world.ask("ada", "a red fox")
        x.world.ask("ben", "a blue whale")
        await settled(store, "SELECT 1 FROM breakers", found=True)
        await asyncio.sleep(0.5)
    writes = [e for e in x.exchanges if e.endpoint not in (Endpoint.MENTIONS,)]
    assert len(writes) <= 2
    assert {row["state"] for row in await rows(store, "SELECT state FROM outbox")} <= {"pending"}


async def test_only_who_tags_the_bot_in_words_is_answered(
    x: FakeX, living: Living, store: Store
) -> None:
    async with living():
        original = x.world.ask("ada", "a red fox")
        x.world.retweet("ben", original.id)
        thread = x.world.post("cem", "@muralist_fan hello")
        x.world.post("dee", "what a thread", reply_to=original.id)  # tags us by X's hand only
        x.world.post("eve", "nice", reply_to=thread.id)
        x.world.post("shy", "@muralist a red fox", quote=None)
        await until(lambda: len(x.world.of_the_bot()) == 2)
        await decided(store, 2)
        polls = len(x.requests(Endpoint.MENTIONS))
        await until(lambda: len(x.requests(Endpoint.MENTIONS)) > polls + 2)
    assert len(await rows(store, "SELECT * FROM mentions")) == 2
    assert [line for line in judge(x) if not line.startswith("stray")] == []


async def test_an_edited_wish_is_one_wish(x: FakeX, living: Living, store: Store) -> None:
    async with living():
        first = x.world.ask("ada", "a red fox")
        await until(lambda: not unanswered(x.world))
        x.world.edit(first.id, "@muralist a blue fox")
        polls = len(x.requests(Endpoint.MENTIONS))
        await until(lambda: len(x.requests(Endpoint.MENTIONS)) > polls + 2)
    assert judge(x) == []
    assert len(await rows(store, "SELECT * FROM mentions")) == 1


async def test_ones_own_photo_is_restyled_and_the_look_is_paid_for(
    x: FakeX, living: Living, store: Store
) -> None:
    photo = an_image((64, 48))
    async with living():
        mine = x.world.photo("ada", photo, size=(64, 48))
        x.world.ask("ada", "as a comic", photos=[mine])
        parent = x.world.post("ben", "my cat", photos=[x.world.photo("ben", photo, size=(64, 48))])
        x.world.ask("ben", "as a comic", reply_to=parent.id)
        words = x.world.post("cem", "only words")
        x.world.ask("cem", "a red fox", reply_to=words.id)
        await until(lambda: not unanswered(x.world))
        await settled(store)
    assert judge(x) == []
    drawn = await rows(store, "SELECT user_id, photo FROM jobs")
    from_photo = {
        x.world.people[row["user_id"]].username: row["photo"] is not None for row in drawn
    }
    assert from_photo == {"ada": True, "ben": True, "cem": False}
    (spent,) = await rows(store, "SELECT sum(amount) / 1000 AS mills FROM spending")
    assert spent["mills"] == x.world.bill.mills


async def test_a_refusal_is_silence_and_stop_is_for_good(
    x: FakeX, living: Living, store: Store
) -> None:
    async with living():
        for number in range(3):
            x.world.ask("ada", f"a red fox {number}")
        await until(lambda: not unanswered(x.world))
        x.world.post("ada", "@muralist a fourth fox")
        x.world.post("ben", "@muralist stop")
        x.world.post("cem", "@muralist")
        await decided(store, 6)
        theirs = x.world.post("ben", "my garden")
        x.world.post("dee", "@muralist paint @ben a hat", reply_to=theirs.id)
        polls = len(x.requests(Endpoint.MENTIONS))
        await until(lambda: len(x.requests(Endpoint.MENTIONS)) > polls + 2)
    assert judge(x) == []
    assert len(x.world.of_the_bot()) == 3
    silent = await rows(store, "SELECT say FROM outbox WHERE state = 'unsaid' ORDER BY say")
    assert [row["say"] for row in silent] == ["daily_quota", "no_wish", "stopped"]
    assert len(await rows(store, "SELECT * FROM stopped")) == 1


async def test_what_was_deleted_while_it_waited_is_not_answered(
    x: FakeX, living: Living, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "LATE", -1.0)
    x.faults.put(Endpoint.LOOKUP, Fault.JSON_503)
    async with living():
        gone = x.world.ask("ada", "a red fox")
        await until(lambda: x.requests(Endpoint.LOOKUP))
        x.world.delete(gone.id)
        await settled(store, "SELECT 1 FROM outbox WHERE state = 'parked'", found=True)
    assert x.requests(Endpoint.CREATE) == []
    (charge,) = await rows(store, "SELECT state FROM charges")
    assert charge["state"] == "released"


async def test_nothing_is_drawn_that_cannot_be_paid(x: FakeX, living: Living, store: Store) -> None:
    async with living(x_usd_per_day=0.02, x_max_age_hours=0.1):
        x.world.ask("ada", "a red fox")
        x.world.post("ben", "@muralist a blue whale")
        await decided(store, 2)
    assert len(x.world.of_the_bot()) == 1
    drawn = await rows(store, "SELECT count(*) AS n FROM pictures")
    refused = await rows(store, "SELECT say FROM outbox WHERE state = 'unsaid'")
    waits = await rows(store, "SELECT 1 FROM jobs WHERE not_before > 0")
    assert drawn == [{"n": 1}]
    assert refused == [{"say": "no_room"}] or waits


async def test_a_deleted_picture_is_taken_down_without_a_word(
    x: FakeX, living: Living, store: Store
) -> None:
    async with living():
        x.world.ask("ada", "a red fox")
        await until(lambda: not unanswered(x.world))
        await settled(store)
        (posted,) = x.world.of_the_bot()
        x.world.post("ada", "@muralist delete", reply_to=posted.id)
        await until(lambda: posted.deleted)
        await decided(store, 2)
    assert len(x.world.of_the_bot()) == 1
    assert x.world.bill.mills == 16 + 1 + 10


async def test_only_what_is_certainly_gone_is_gone(x: FakeX, living: Living) -> None:
    async with living() as opened:
        there, deleted = (x.world.post("ada", f"post {n}").id for n in range(2))
        hidden = x.world.post("shy", "post").id
        x.world.person("shy").protected = True
        x.world.delete(deleted)
        assert await opened.gone([there, deleted, hidden]) == {deleted, hidden}
