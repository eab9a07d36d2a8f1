"""Intake on X against the fake: pages, lateness, restarts, and two bots that meet."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import AsyncGenerator, AsyncIterator

import aiohttp
import pytest

from bots.platform import Delivery, House
from bots.platforms._x.credentials import credentials_for, keys_of
from bots.platforms._x.listening import Listener
from bots.platforms._x.meter import NAME, Meter
from bots.platforms._x.reading import Bot, snowflake
from bots.platforms._x.transport import Transport
from bots.platforms._x.wire import Wire
from bots.settings import Settings
from data import mentions
from data.store import Store
from data.words import Mention
from tests.fake_x.endpoints import Endpoint
from tests.fake_x.faults import Fault
from tests.fake_x.server import FakeX
from tests.fake_x.verdict import judge

MENTIONS = Endpoint.MENTIONS


@pytest.fixture
async def x() -> AsyncIterator[FakeX]:
    async with FakeX(storm_seconds=0.2) as fake:
        yield fake


@pytest.fixture
async def listener(x: FakeX, house: House) -> AsyncIterator[Listener]:
    fields = {name.lower(): value for name, value in x.settings().items()}
    fields.pop("x_photo_hosts")
    settings = Settings(**fields, x_thread_cap=3)  # type: ignore[arg-type]
    settings = settings.model_copy(update={"x_poll_seconds": 0.02})
    house = dataclasses.replace(house, settings=settings, clock=time.time)
    async with aiohttp.ClientSession() as session:
        keys = keys_of(settings)
        wire, meter = Wire(session, settings.x_api_url), Meter(house, keys.bot_id)
        transport = Transport(wire, credentials_for(house, keys, wire, meter), meter)
        yield Listener(house, transport, Bot(keys.bot_id, "muralist", NAME))


class Inbox:
    """Takes deliveries in as the bot does: mentions and cursor at once."""

    def __init__(self, listener: Listener, store: Store) -> None:
        self._listener = listener
        self._store = store
        self.cursor: str | None = None
        self.deliveries: list[Delivery] = []
        self._feed: AsyncGenerator[Delivery, None] = listener.mentions(None)

    @property
    def taken(self) -> list[Mention]:
        return [mention for delivery in self.deliveries for mention in delivery.mentions]

    def restart(self) -> None:
        self._feed = self._listener.mentions(self.cursor)

    async def take(self) -> Delivery:
        delivery = await anext(self._feed)
        self.deliveries.append(delivery)
        self.cursor = delivery.cursor
        await self._store.write(
            lambda c: mentions.receive(c, NAME, delivery.mentions, delivery.cursor, now=time.time())
        )
        return delivery

    async def take_mentions(self, number: int) -> list[Mention]:
        """As many deliveries as hold so many mentions, those of before counted."""
        while len(self.taken) < number:
            await self.take()
        return self.taken


@pytest.fixture
def inbox(listener: Listener, store: Store) -> Inbox:
    return Inbox(listener, store)


async def test_the_first_start_begins_now(x: FakeX, inbox: Inbox) -> None:
    x.world.post("ada", "@muralist a fox of last month", at=time.time() - 2_592_000)
    x.world.post("ben", "@muralist a fox of just before", at=time.time() - 5)
    first = await inbox.take()
    assert first.mentions == ()
    assert first.cursor is not None
    asked = x.world.ask("cem", "a red fox")
    assert [each.source_id for each in await inbox.take_mentions(1)] == [asked.id]


async def test_a_backlog_of_three_pages_comes_at_once_the_oldest_first(
    x: FakeX, inbox: Inbox
) -> None:
    await inbox.take()
    asked = [x.world.ask(f"guest{number}", "a red fox").id for number in range(250)]
    delivery = await inbox.take()
    assert [each.source_id for each in delivery.mentions] == asked
    assert len(x.requests(MENTIONS)) == 3
    assert x.world.bill.mills == 250


async def test_a_page_that_fails_costs_no_mention_and_moves_no_cursor(
    x: FakeX, inbox: Inbox
) -> None:
    before = await inbox.take()
    asked = [x.world.ask(f"guest{number}", "a red fox").id for number in range(150)]
    x.faults.put(MENTIONS, None, Fault.HTML_503)
    half = await inbox.take()
    assert [each.source_id for each in half.mentions] == asked[50:]
    assert half.cursor == before.cursor
    rest = await inbox.take()
    assert [each.source_id for each in rest.mentions] == asked[:50]
    assert rest.cursor != before.cursor


async def test_what_x_shows_late_is_found_below_the_newest(x: FakeX, inbox: Inbox) -> None:
    await inbox.take()
    late = x.world.post("ada", "@muralist a red fox", mention_lag=0.4)
    x.world.post("ben", "@muralist a blue whale")
    texts = [each.text for each in await inbox.take_mentions(1)]
    assert texts == ["@muralist a blue whale"]
    assert (await inbox.take_mentions(2))[1].source_id == late.id


async def test_after_a_restart_nothing_comes_twice_and_nothing_is_missed(
    x: FakeX, inbox: Inbox
) -> None:
    await inbox.take()
    x.world.ask("ada", "a red fox")
    await inbox.take_mentions(1)
    missed = x.world.ask("ben", "a blue whale")
    inbox.restart()
    assert (await inbox.take_mentions(2))[1].source_id == missed.id
    x.world.ask("cem", "a green frog")
    await inbox.take_mentions(3)
    assert len({each.source_id for each in inbox.taken}) == len(inbox.taken) == 3


async def test_two_bots_that_meet_fall_silent(x: FakeX, inbox: Inbox) -> None:
    await inbox.take()
    begun = x.world.post("echo", "@muralist paint me")
    for _ in range(5):
        x.world.post("echo", "@muralist thank you, paint me again", reply_to=begun.id)
    asked = x.world.ask("ada", "a red fox")
    found = await inbox.take_mentions(4)
    assert [each.account.user_id for each in found].count(begun.author.id) == 3
    assert asked.id in {each.source_id for each in found}


async def test_a_long_wish_is_read_whole_and_as_it_was_typed(x: FakeX, inbox: Inbox) -> None:
    await inbox.take()
    wish = "a fox & a hare <in love> " * 15 + "@muralist"
    x.world.post("ada", wish)
    (mention,) = await inbox.take_mentions(1)
    assert mention.text == wish


async def test_the_new_spelling_is_read_as_well(x: FakeX, inbox: Inbox) -> None:
    x.renames = True
    await inbox.take()
    parent = x.world.post("ada", "my garden")
    first = x.world.post("ada", "@muralist a fx", reply_to=parent.id, mention_lag=9)
    x.world.edit(first.id, "@muralist " + "a red fox " * 40)
    (mention,) = await inbox.take_mentions(1)
    assert mention.source_id == first.id
    assert mention.in_reply_to == parent.id
    assert mention.text.count("a red fox") == 40


async def test_a_storm_is_waited_out(x: FakeX, inbox: Inbox) -> None:
    await inbox.take()
    x.faults.put(MENTIONS, Fault.RATE_LIMITED, Fault.DAY_429)
    x.world.ask("ada", "a red fox")
    await inbox.take_mentions(1)
    assert [line for line in judge(x) if not line.startswith("lost")] == []
    assert [each.status for each in x.requests(MENTIONS)] == [429, 429, 200]


def test_a_cursor_is_never_zero() -> None:
    assert snowflake(0.0) == 1
