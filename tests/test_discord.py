"""Discord, end to end against the fake: killed at every boundary, and in bad weather.

The bot is the whole of it but for the model. The fake lives in the test's process and is
never killed; what it saw is what counts. The long runs are behind `make soak-discord`.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from data import mentions
from data import store as store_module
from data.store import connect
from tests.discord_bot import Bot, Nursery, Plan
from tests.fake_discord.call import Exchange
from tests.fake_discord.endpoints import Endpoint
from tests.fake_discord.faults import Fault, weather
from tests.fake_discord.limits import Cap, usual, wide
from tests.fake_discord.people import Channel
from tests.fake_discord.server import FakeDiscord
from tests.fake_discord.verdict import deliveries_for, judge, undelivered
from tests.fake_discord.world import Interaction, Message

#: More boundaries than one wish has; reaching it would mean the story never ends.
MANY = 80
#: Every n-th boundary is tried; 1 is all of them.
STRIDE = int(os.environ.get("DISCORD_STRIDE", "5"))
#: Jobs of the kill matrix, of the short tokens, of the narrow buckets, and of the soak.
JOBS = int(os.environ.get("DISCORD_JOBS", "20"))
TOKENS = int(os.environ.get("DISCORD_TOKENS", "12"))
TOKEN_SECONDS = float(os.environ.get("DISCORD_TOKEN_SECONDS", "1.5"))
DELIVERIES = int(os.environ.get("DISCORD_DELIVERIES", "24"))
SOAK = int(os.environ.get("DISCORD_SOAK", "40"))


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as open_:
        yield open_


@contextlib.contextmanager
def a_world(**how: Any) -> Iterator[FakeDiscord]:
    """Without limits anybody meets, and patient: how soon an ack comes is asked elsewhere."""
    with FakeDiscord(
        caps=wide(), per_second=100_000, slow_seconds=0.1, ack_seconds=30, **how
    ) as discord:
        yield discord


def begin_before(bot: Bot) -> None:
    """It was here before: what is said now is new to it."""
    database = bot.settings.database
    store_module.migrate(database)
    with contextlib.closing(connect(database)) as c:
        now = time.time()
        before = int((now - 60) * 1000 - 1_420_070_400_000) << 22
        mentions.receive(c, "discord", [], str(before), now)


def wish_for(discord: FakeDiscord, place: Channel, number: int) -> Message | Interaction:
    """Every other one is a command, the rest are mentions; each of somebody else."""
    person = discord.person(f"guest{number}")
    if number % 2:
        return person.asks(place, f"a red fox number {number}")
    return person.runs(place, "imagine", prompt=f"a red fox number {number}", owed=True)


def wrongs(discord: FakeDiscord, *but: str) -> list[str]:
    """The judge's list, without what a killed bot can't help."""
    return [line for line in judge(discord) if not line.startswith(but)]


@pytest.mark.parametrize("asked", ["slash", "mention"])
@pytest.mark.parametrize("die", ["commit", "request"])
def test_killed_at_every_boundary_there_is_one_picture(
    nursery: Nursery,
    tmp_path: Path,
    die: str,
    asked: str,
    record_property: Callable[[str, object], None],
) -> None:
    """Before each commit, and after each answer of Discord: together, all that lies between."""
    first = 1 + (hash_of(die, asked) % STRIDE)
    killed = 0
    for at in range(first, MANY, STRIDE):
        folder = tmp_path / str(at)
        folder.mkdir()
        with FakeDiscord(caps=wide(), ack_seconds=30) as discord:
            art = discord.guild("studio").channel("art")
            bot = Bot(nursery, discord, folder, Plan())
            begin_before(bot)
            if not dies(bot, art, Plan(die=die, at=at, wanted=1), mention=asked == "mention"):
                break
            killed += 1
            bot.start(Plan())
            discord.until_ready()
            if not discord.world.owed:
                wish_for(discord, art, 1 if asked == "mention" else 0)
            settle(discord, bot)
            bot.kill()
            assert wrongs(discord, "interaction failed", "unknown interaction") == [], at
            assert bot.rows("PRAGMA integrity_check")[0][0] == "ok"
    tell(record_property, {"boundaries": killed, "of": die, "asked": asked})
    assert MANY > killed * STRIDE >= 5


def hash_of(*words: str) -> int:
    """The same in every process, so that a failing boundary is tried again."""
    return sum(map(ord, "".join(words)))


def dies(bot: Bot, place: Channel, plan: Plan, *, mention: bool) -> bool:
    """Whether a life under this plan was ended by it, having been asked for something."""
    bot.start(plan)
    discord = bot.discord
    while not (discord.gateway.connected and discord.world.commands[""]):
        if bot.status() is not None:
            return bot.wait() == -signal.SIGKILL
        time.sleep(0.01)
    wish_for(discord, place, 1 if mention else 0)
    return bot.wait() == -signal.SIGKILL


def settle(discord: FakeDiscord, bot: Bot) -> None:
    """Wait until everybody has what they are owed and the bot knows it."""
    seconds = 30 + len(discord.world.owed)
    until(lambda: not undelivered(discord), bot, seconds)
    until(lambda: not bot.rows(_UNPOSTED), bot, seconds)


_UNPOSTED = "SELECT 1 FROM outbox WHERE state != 'posted' LIMIT 1"


def tell(record_property: Callable[[str, object], None], figures: dict[str, Any]) -> None:
    """For the report, and for whoever watches with -s."""
    for name, value in figures.items():
        record_property(name, value)
    print(figures)  # noqa: T201


# The kill matrix

MOMENTS = ("accept", "after defer", "while drawing", "before post", "after post")
#: Wishes around one kill.
VOLLEY = 4 if JOBS < 40 else 8


class Executioner:
    """Kills the bot at a moment, once, from the fake's own thread."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._moment = ""
        self._done = threading.Event()
        bot.discord.before, bot.discord.after = self._before, self._after

    def aim(self, moment: str) -> None:
        self._done.clear()
        self._moment = moment

    def wait(self) -> None:
        """Until the moment came. Nobody draws for ever, so that one is waited for here."""
        if self._moment == "while drawing":
            until(lambda: self._bot.rows("SELECT 1 FROM jobs WHERE state = 'executing'"), self._bot)
            self._strike("while drawing")
        assert self._done.wait(30), f"{self._moment} never came\n{self._bot.discord.summary()}"

    def _before(self, exchange: Exchange) -> None:
        if exchange.endpoint is Endpoint.CALLBACK:
            self._strike("accept")
        if exchange.multipart:
            self._strike("before post")

    def _after(self, exchange: Exchange) -> None:
        """As it has taken effect; its answer is lost with the one who would have heard it."""
        if exchange.endpoint is Endpoint.CALLBACK:
            self._strike("after defer")
        if exchange.multipart:
            self._strike("after post")

    def _strike(self, moment: str) -> None:
        if moment == self._moment:
            self._moment = ""
            os.kill(self._bot.pid, signal.SIGKILL)
            self._done.set()


def told_of(wish: Message | Interaction) -> str:
    """A wish, for a failing test."""
    if isinstance(wish, Message):
        return f"{wish.author.name} in {wish.place.name}: {wish.text}"
    edits = [version.text for each in wish.messages for version in each.edits]
    return f"{wish.user.name} in {wish.place.name}: {wish.name} {wish.ack} {wish.text} {edits}"


def until(ready: Callable[[], object], bot: Bot, seconds: float = 30) -> None:
    """For what the database tells, which wakes nobody."""
    deadline = time.monotonic() + seconds
    while not ready():
        waiting = [told_of(each) for each in undelivered(bot.discord)]
        assert time.monotonic() < deadline, (
            f"{waiting}\n{bot.discord.summary()}\n{bot.unfinished()}\n{bot.log()[-3000:]}"
        )
        time.sleep(0.02)


def test_killed_at_each_moment_nobody_is_lost_or_served_twice(
    nursery: Nursery, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with a_world() as discord:
        studio = discord.guild("studio")
        places = [studio.channel(f"art{n}") for n in range(4)]
        bot = Bot(nursery, discord, tmp_path, Plan(seconds=0.2))
        begin_before(bot)
        with bot:
            executioner = Executioner(bot)
            volleys = (range(n, min(n + VOLLEY, JOBS)) for n in range(0, JOBS, VOLLEY))
            for volley, moment in zip(volleys, itertools.cycle(MOMENTS), strict=False):
                for endpoint in (Endpoint.EDIT_ANSWER, Endpoint.CREATE_MESSAGE):
                    discord.faults.put(endpoint, None, Fault.DROP_AFTER)
                executioner.aim(moment)
                for number in volley:
                    wish_for(discord, places[number % len(places)], number)
                executioner.wait()
                assert bot.wait() == -signal.SIGKILL
                bot.start()
                discord.until_ready()
            settle(discord, bot)
        failed = [line for line in judge(discord) if line.startswith("interaction failed")]
        figures = {
            "jobs": JOBS,
            "kills": -(-JOBS // VOLLEY),
            "requests": len(discord.exchanges),
            "faults": sum(discord.faults.struck.values()),
            "never_acknowledged": len(failed),
        }
        tell(record_property, figures)
        assert len(discord.world.owed) == JOBS
        assert wrongs(discord, "interaction failed", "unknown interaction") == []
        assert (
            len(failed) < JOBS // 2
        )  # all the others were acknowledged, and none of those is lost


def test_in_bad_weather_each_picture_comes_once(nursery: Nursery, tmp_path: Path) -> None:
    """Lost answers and restarts at any time; discord.py's own repeats are in it."""
    chance = random.Random(7)
    with a_world() as discord:
        art = discord.guild("studio").channel("art")
        bot = Bot(nursery, discord, tmp_path, Plan(seconds=0.1))
        begin_before(bot)
        with bot:
            discord.faults.chances = weather(0.2)
            for number in range(JOBS):
                wish_for(discord, art, number)
                if number % 20 == 10:
                    time.sleep(chance.uniform(0.1, 0.5))
                    bot.kill()
                    bot.start()
                    discord.until_ready()
            settle(discord, bot)
        assert len(discord.world.owed) == JOBS
        assert wrongs(discord, "interaction failed") == []


def test_it_comes_back_whatever_the_gateway_does(nursery: Nursery, tmp_path: Path) -> None:
    """Asked to reconnect, told that its session is over, sent what the library can't read; and
    what only a person can mend ends in a sentence, not in a storm."""
    with FakeDiscord(caps=wide(), ack_seconds=30) as discord:
        art = discord.guild("studio").channel("art")
        unreadable = {"id": art.id, "type": 0, "guild_id": art.guild.id if art.guild else ""}
        blows: list[Callable[[], None]] = [
            discord.gateway.reconnect,
            discord.gateway.invalidate,
            lambda: discord.gateway.send("CHANNEL_UPDATE", unreadable),
        ]
        with Bot(nursery, discord, tmp_path, Plan()) as bot:
            for number, blow in enumerate(blows):
                wish = wish_for(discord, art, 2 * number)
                discord.until(lambda: deliveries_for(discord, wish))  # noqa: B023
                wish_for(discord, art, 2 * number + 1)
                blow()
                settle(discord, bot)
                discord.until_ready()
            discord.gateway.close(4014)
            until(lambda: "intent" in bot.log(), bot)
            identifies = len(discord.gateway.identifies)
            time.sleep(1.5)
        assert judge(discord) == []
        assert len(discord.gateway.resumes) == 1
        assert identifies == len(discord.gateway.identifies) == 3


def test_tokens_that_die_early_lose_nobody_their_picture(nursery: Nursery, tmp_path: Path) -> None:
    """The ladder: the message that stands in, the channel, direct messages."""
    with a_world(token_seconds=TOKEN_SECONDS) as discord:
        studio, elsewhere = discord.guild("studio"), discord.guild("elsewhere", here=False)
        art, hall = studio.channel("art"), elsewhere.channel("hall")
        with Bot(nursery, discord, tmp_path, Plan(batch=16)) as bot:
            with bot.held():
                for number in range(TOKENS):
                    person = discord.person(f"guest{number}")
                    place = (art, hall, discord.dm(person))[number % 3]
                    person.runs(place, "imagine", prompt="a red fox", owed=True)
                private = discord.person("shy").runs(
                    art, "imagine", prompt="a red fox", private=True, owed=True
                )
                time.sleep(TOKEN_SECONDS + 0.5)
            settle(discord, bot)
        assert judge(discord) == []
        for wish in discord.world.owed:
            (delivered,) = deliveries_for(discord, wish)
            asker = wish.user if hasattr(wish, "user") else wish.author
            told = [m for m in discord.world.of_the_bot() if asker.id in m.pings]
            assert told or delivered.place.recipients == (asker,)
        assert private.place is art
        assert all(m.place is not art for m in deliveries_for(discord, private))


def test_a_token_once_refused_is_not_tried_again(nursery: Nursery, tmp_path: Path) -> None:
    """It might be taken the next time, when the picture stands in the channel already."""
    with FakeDiscord(caps=wide(), ack_seconds=30, nonce_seconds=0) as discord:
        art = discord.guild("studio").channel("art")
        bot = Bot(nursery, discord, tmp_path, Plan())
        with bot:
            executioner = Executioner(bot)
            executioner.aim("after defer")
            discord.person("ada").runs(art, "imagine", prompt="a red fox", owed=True)
            executioner.wait()
            bot.wait()
            discord.faults.put(Endpoint.EDIT_ANSWER, Fault.UNKNOWN_WEBHOOK)
            discord.faults.put(Endpoint.CREATE_MESSAGE, Fault.DROP_AFTER)
            bot.start()
            settle(discord, bot)
        assert judge(discord) == []


def test_deliveries_into_narrow_buckets_meet_no_429(nursery: Nursery, tmp_path: Path) -> None:
    caps = {**usual(), Endpoint.CREATE_MESSAGE: Cap(5, 1.0, "create")}
    with FakeDiscord(caps=caps) as discord:
        studio = discord.guild("studio")
        places = [studio.channel(f"art{n}") for n in range(4)]
        with Bot(nursery, discord, tmp_path, Plan(batch=16)) as bot:
            for number in range(DELIVERIES):
                discord.person(f"guest{number}").asks(places[number % 4], "a red fox")
            discord.until(lambda: not undelivered(discord), 30 + DELIVERIES / 4)
            bot.kill()
        assert judge(discord) == []
        assert discord.limits.refused == []
        assert [each for each in discord.exchanges if each.status == 429] == []


def test_nothing_is_kept_of_what_is_done(
    nursery: Nursery, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Views, modals, tasks and objects are what they were, however many jobs went by; beyond
    them memory grows by the pages of the database that SQLite keeps, within its bounds."""
    with a_world() as discord:
        art = discord.guild("studio").channel("art")
        with Bot(nursery, discord, tmp_path, Plan(batch=16)) as bot:
            serve(discord, art, range(SOAK // 5))
            insides, memory = bot.insides(), bot.memory()
            serve(discord, art, range(SOAK // 5, SOAK))
            until(lambda: not bot.insides()["watched"], bot)
            after, grown = bot.insides(), bot.memory() - memory
        figures = {
            "jobs": SOAK,
            "before": insides,
            "after": after,
            "memory": memory,
            "grown_bytes": grown,
        }
        tell(record_property, figures)
        assert (after["views"], after["synced"], after["modals"]) == (0, 0, 0)
        assert after["tasks"] <= insides["tasks"] + 5
        assert after["objects"] < insides["objects"] + 2_000
        assert grown < 24 * 2**20
        assert judge(discord) == []


def serve(discord: FakeDiscord, place: Channel, numbers: range) -> None:
    """Ask, click and read, in volleys, until everybody has their picture."""
    for start in range(numbers.start, numbers.stop, 50):
        volley = range(start, min(start + 50, numbers.stop))
        wishes = [wish_for(discord, place, number) for number in volley]
        discord.until(lambda: not undelivered(discord, wishes), 300)  # noqa: B023
