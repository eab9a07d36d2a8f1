"""The main job in one process: a mention in, one reply with a picture out, and nothing on the loop.

The platform is a postbox; everything behind it is real, the embedded model too.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockBuster, BlockingError
from PIL import Image

from bots import __main__ as wiring
from bots.intake import Intake
from bots.outbox import Outbox
from bots.pulse import Pulse
from bots.settings import Settings
from data import jobs, journal, ledger
from data import store as store_module
from data.pictures import PictureStore
from data.presence import Presence
from data.store import Connection, Store
from data.words import Event, Prompt, Reply, Ruling, Usage, Verdict
from generator.engine import EngineSettings, open_engine
from generator.worker import Worker
from ratelimit import policy
from tests.conftest import NOON, Clock, a_house, a_mention, an_account
from tests.postbox import Postbox

Guard = Callable[[], None]


@pytest.fixture
def guard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Guard]:
    """From its call on, SQLite, PIL, torch, files and sleeps fail on the calling thread."""
    loop_thread: list[int] = []

    def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() in loop_thread:
                raise BlockingError(f"{name} on the event loop")
            return function(*args, **kwargs)

        return call

    real: Any = vars(store_module)["sqlite3"]

    class Watched(real.Connection):  # type: ignore[misc]
        execute = watched("SQLite", real.Connection.execute)
        executemany = watched("SQLite", real.Connection.executemany)

    connect = real.connect
    monkeypatch.setattr(real, "connect", lambda *a, **k: connect(*a, factory=Watched, **k))
    for name in ("load", "save", "convert", "resize"):
        monkeypatch.setattr(Image.Image, name, watched("PIL", getattr(Image.Image, name)))
    import torch

    module = torch.nn.Module
    monkeypatch.setattr(module, "__call__", watched("torch", module.__call__))
    blocking = BlockBuster()

    def begin() -> None:
        loop_thread.append(threading.get_ident())
        blocking.activate()

    yield begin
    blocking.deactivate()


class Bot:
    """Everything but the web pages, wired as `python -m bots` wires it."""

    def __init__(self, store: Store, pictures: PictureStore, clock: Clock, folder: Path) -> None:
        settings = Settings()
        self.postbox = Postbox()
        self.worker = Worker(
            store,
            pictures,
            open_engine(settings.engine, EngineSettings(model=settings.model, threads=1)),
            owner="me",
            clock=clock,
            review=lambda _image, _job: Verdict(ruling=Ruling.ALLOW),
        )
        house = a_house(store, pictures, clock, settings, progress=self.worker.progress)
        self._intake = Intake(
            house, lambda _stage, _subject: Verdict(ruling=Ruling.ALLOW), policy.load(["daily"])
        )
        self._outbox = Outbox(house, Presence(folder / "presence"))

    async def run(self, stop: asyncio.Event) -> None:
        await wiring.work(stop, [self.postbox], self._intake, self.worker, self._outbox, Pulse())


@pytest.fixture
async def bot(store: Store, picture_store: PictureStore, clock: Clock, tmp_path: Path) -> Bot:
    return Bot(store, picture_store, clock, tmp_path)


async def usage(store: Store) -> Usage:
    return await store.read(lambda c: ledger.usage(c, an_account(), NOON))


async def test_a_mention_becomes_one_reply_and_the_fourth_wish_is_refused(
    bot: Bot, store: Store, picture_store: PictureStore, guard: Guard
) -> None:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(bot.run(stop))
        bot.postbox.put(a_mention("0", "noor"))
        await bot.postbox.until(1)  # the model is loaded, whatever it imports is imported
        guard()
        bot.postbox.put(a_mention("1", text="@muralist a red apple --seed 42"))
        _warm, first = await bot.postbox.until(2)
        while (await usage(store)).settled < 1:
            await store.bell.after(store.bell.rings, 1)
        assert await usage(store) == Usage(day="2026-03-29", reserved=0, settled=1)
        bot.postbox.put(*(a_mention(n, text="@muralist a red apple") for n in "234"))
        replies = await bot.postbox.until(5)
        stop.set()

    ((picture, alt),) = first.pictures
    image = await asyncio.to_thread(Image.open, picture_store.path(picture.sha256))
    assert image.size == (picture.width, picture.height)
    assert await asyncio.to_thread(image.getbbox)
    assert "a red apple" in alt
    assert "2 of 3 pictures left today" in first.text
    await tell_the_rest(store, replies)


async def tell_the_rest(store: Store, replies: Sequence[Reply]) -> None:
    refused = next(reply for reply in replies if reply.source_id == "4")
    assert refused.pictures == ()
    assert "in 12 h (00:00 UTC)" in refused.text
    assert "did not cost you anything" in refused.text
    assert await usage(store) == Usage(day="2026-03-29", reserved=0, settled=3)

    def look(c: Connection) -> tuple[list[Event], dict[str, Any], dict[str, Any]]:
        rows = c.execute("SELECT * FROM queue_log WHERE who = 'ada' ORDER BY mention")
        first, *_, last = (dict(row) for row in rows)
        return [line.event for line in journal.story(c, first["mention"])], first, last

    events, first, last = await store.read(look)
    assert events == [
        Event.MENTION,
        Event.PROMPT,
        Event.VERDICT,
        Event.ADMIT,
        Event.BATCH,
        Event.PICTURE,
        Event.REPLY,
        Event.RECEIPT,
    ]
    assert (first["state"], first["charge"], first["reply_state"]) == (
        "completed",
        "settled",
        "posted",
    )
    assert (last["state"], last["reason"], last["charge"]) == ("refused", "daily_quota", None)


async def test_the_guard_finds_sqlite_pil_torch_and_files_on_the_loop(
    store: Store, guard: Guard, tmp_path: Path
) -> None:
    import torch

    blank = Image.new("RGB", (8, 8))
    layer = torch.nn.Identity()
    connection = store_module.connect(tmp_path / "muralist.db")
    guard()
    with pytest.raises(BlockingError):
        jobs.counts(connection)
    with pytest.raises(BlockingError):
        blank.resize((4, 4))
    with pytest.raises(BlockingError):
        layer(torch.zeros(1))
    with pytest.raises(BlockingError):
        (tmp_path / "muralist.db").read_bytes()
    await asyncio.to_thread(lambda: connection.close())


def test_the_same_wish_and_seed_are_the_same_prompt() -> None:
    assert Prompt(wish="a", seed=1) == Prompt.from_json(Prompt(wish="a", seed=1).to_json())
    assert sqlite3.threadsafety >= 1
