"""The real process with the embedded model, from outside: over its socket, with signals."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from PIL import Image

from tests.conftest import Promise
from tests.process import PATIENCE, Bot

#: The house's promise for the event loop, in seconds.
LAG = 0.05


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    with Bot(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def shared_bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    with Bot(tmp_path_factory.mktemp("shared")) as running:
        running.until_ready()
        yield running


def decoded(bot: Bot, reply: dict[str, list[dict[str, str]]]) -> Image.Image:
    (picture,) = reply["pictures"]
    image = Image.open(io.BytesIO(bot.picture(picture["url"])))
    image.load()
    return image


def test_killed_while_drawing_the_reply_comes_once_after_the_restart(bot: Bot) -> None:
    bot.until_ready()
    posts = [bot.post("@muralist a red fox --n 3", who=f"guest{n}") for n in range(4)]
    bot.wait_for(posts[0], lambda shown: shown["state"] == "executing")
    bot.kill()
    bot.start()
    for post in posts:
        bot.reply_to(post)
    assert [len(bot.get(f"/api/posts/{post}")["replies"]) for post in posts] == [1] * 4
    status = bot.get("/api/status")
    assert status["queue"] == {"waiting": 0, "executing": 0, "held": 0}


def test_a_term_signal_ends_in_good_order_and_loses_nothing(bot: Bot) -> None:
    bot.until_ready()
    posts = [bot.post("@muralist a red fox", who=f"guest{n}") for n in range(12)]
    bot.wait_for(posts[0], lambda shown: shown["state"] != "received")
    assert bot.stop() == 0
    bot.start()
    for post in posts:
        bot.reply_to(post)


def test_two_hundred_at_once_are_acknowledged_while_the_engine_is_busy(
    bot: Bot, promise: Promise
) -> None:
    bot.until_ready()
    first = bot.post("@muralist a red apple", who="first")
    bot.wait_for(first, lambda shown: shown["state"] != "received")
    bot.get("/healthz")  # forget the lag of loading

    async def ask(session: aiohttp.ClientSession, n: int) -> float:
        body = {"as": f"guest{n}", "text": "@muralist a red fox"}
        started = time.monotonic()
        async with session.post("/api/posts", json=body) as answer:
            post = (await answer.json())["id"]
        while True:
            async with session.get(f"/api/posts/{post}") as answer:
                if (await answer.json())["position"] is not None:
                    return time.monotonic() - started
            await asyncio.sleep(0.2)

    async def ask_all() -> list[float]:
        async with aiohttp.ClientSession(bot.address) as session:
            return await asyncio.gather(*(ask(session, n) for n in range(200)))

    waits = sorted(asyncio.run(asyncio.wait_for(ask_all(), PATIENCE)))
    promise("worst_lag", bot.get("/healthz")["worst_lag"], LAG)
    promise("acknowledged_p50", waits[100], 1.0)
    promise("acknowledged_p99", waits[197], 1.0)


BAD_WISHES = [
    "",
    "x" * 10_000,
    "🦊🎉",
    "ارسم ثعلبا أحمر",
    "\x00\x01\x07\x1b[31m",
    "<script>alert(1)</script><b>a fox</b>",
    "ein roter Fuchs",
    "un zorro rojo",
    "un renard rouge",
    "赤い狐",
    "一只红色的狐狸",
    "빨간 여우",
    "красная лиса",
    "लाल लोमड़ी",
    "uma raposa vermelha",
]


def _image(kind: str, size: tuple[int, int], mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, 1 if mode == "1" else "orange").save(file, kind, **options)
    return file.getvalue()


def _turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return _image("JPEG", (64, 32), exif=exif)


BAD_PHOTOS = {
    "text": b"this is no picture",
    "truncated": _image("JPEG", (640, 480))[:700],
    "one pixel": _image("PNG", (1, 1)),
    "huge": _image("PNG", (20_000, 20_000), "1"),
    "animated": _image(
        "GIF", (40, 40), save_all=True, append_images=[Image.new("RGB", (40, 40), "blue")]
    ),
    "turned": _turned(),
}


@pytest.mark.parametrize("wish", BAD_WISHES, ids=range(len(BAD_WISHES)))
def test_any_wish_gets_a_picture_or_one_clear_sentence(shared_bot: Bot, wish: str) -> None:
    number = BAD_WISHES.index(wish)
    post = shared_bot.post(f"@muralist {wish}", who=f"odd{number}")
    reply = shared_bot.reply_to(post)
    assert reply["text"]
    if reply["pictures"]:
        assert decoded(shared_bot, reply).size[0] >= 128


@pytest.mark.parametrize("kind", BAD_PHOTOS)
def test_any_photo_gets_a_picture_or_one_clear_sentence(shared_bot: Bot, kind: str) -> None:
    post = shared_bot.post(
        "@muralist --style ink", who=f"photo_{kind.replace(' ', '_')}", photo=BAD_PHOTOS[kind]
    )
    reply = shared_bot.reply_to(post)
    assert bool(reply["pictures"]) == (kind in ("one pixel", "animated", "turned"))
    if not reply["pictures"]:
        assert "photo" in reply["text"]


def test_nothing_was_lost_or_charged_in_vain(shared_bot: Bot) -> None:
    """After all the bad input: every mention has its one reply, and the ledger balances."""
    for _ in range(100):
        with sqlite3.connect(f"file:{shared_bot.database}?mode=ro", uri=True) as c:
            open_rows = c.execute(
                "SELECT * FROM queue_log WHERE reply_state IS NOT 'posted' OR charge = 'reserved'"
            ).fetchall()
        if not open_rows:
            break
        time.sleep(0.1)
    assert open_rows == []
    assert "Traceback" not in shared_bot.log()
    json.dumps(shared_bot.get("/api/status"))
