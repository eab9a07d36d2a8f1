"""The real process, `python -m bots`, with the embedded model on the fake Discord."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from data.store import connect
from tests.fake_discord.limits import wide
from tests.fake_discord.people import Channel
from tests.fake_discord.server import FakeDiscord
from tests.fake_discord.verdict import judge, latencies
from tests.process import Bot

#: Interactions at once; a release is judged by 1,000, and by a second for 99 of 100. How soon
#: is told in any case, and judged only where it is asked for: a busy machine is slow.
BURST = int(os.environ.get("DISCORD_BURST", "60"))
PROMPT = float(os.environ.get("DISCORD_PROMPT", "0")) or None


@pytest.fixture
def discord() -> Iterator[FakeDiscord]:
    patience = 3.0 if PROMPT else 60.0
    with FakeDiscord(caps=wide(), per_second=100_000, ack_seconds=patience) as running:
        yield running


@pytest.fixture
def art(discord: FakeDiscord) -> Channel:
    return discord.guild("studio").channel("art")


@pytest.fixture
def bot(discord: FakeDiscord, art: Channel, tmp_path: Path) -> Iterator[Bot]:
    settings = {"PLATFORMS": "discord", "PICTURE_SIZE": "64", "STEPS": "2", "LOG": "debug"}
    with Bot(tmp_path, **settings, **discord.settings()) as running:
        running.until_ready()
        discord.until_ready()
        yield running


def test_a_burst_while_the_model_draws_is_acknowledged_and_all_of_it_kept(
    discord: FakeDiscord,
    art: Channel,
    bot: Bot,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    first = discord.person("first").runs(art, "imagine", prompt="a red fox", owed=True)
    discord.until(lambda: first.pictures, 60)
    drawing = [discord.person(f"early{n}").asks(art, "a red fox") for n in range(3)]
    discord.until(lambda: discord.world.typing)
    bot.get("/healthz")  # forget the lag of loading
    wishes = [
        discord.person(f"guest{n}").runs(art, "imagine", prompt="a red fox") for n in range(BURST)
    ]
    discord.until(lambda: all(wish.ack or wish.late for wish in wishes), 60)
    waits = latencies(discord)
    figures = {
        "acknowledged_p50_seconds": waits[len(waits) // 2],
        "acknowledged_p99_seconds": waits[len(waits) * 99 // 100],
        "worst_lag_seconds": bot.get("/healthz")["worst_lag"],
    }
    for name, value in figures.items():
        record_property(name, value)
    print(figures)  # noqa: T201  shown with -s
    assert not [wish for wish in wishes if wish.late]
    assert PROMPT is None or figures["acknowledged_p99_seconds"] < PROMPT
    assert drawing
    discord.until(lambda: all(wish.pictures for wish in wishes[:3]), 60)
    assert bot.stop() == 0
    assert discord.gateway.connected == 0
    with contextlib.closing(connect(bot.database, read_only=True)) as c:
        (kept,) = c.execute("SELECT count(*) FROM mentions").fetchone()
    assert kept == 1 + len(drawing) + BURST
    assert [line for line in judge(discord) if not line.startswith("lost")] == []
    assert not [secret for secret in discord.canaries() if secret in bot.log()]
