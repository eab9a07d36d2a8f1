"""What arrives is in the inbox before it is answered for, and handed over afterwards."""

from __future__ import annotations

import asyncio

from bots.platform import Delivery, House, Rush
from bots.platforms._discord.arrivals import Arrivals, Kept
from data import mentions
from data.words import Mention
from tests.bots.conftest import running
from tests.conftest import NOON, Clock, a_mention, an_account


def an_arrival(source_id: str) -> Mention:
    account = an_account()
    return Mention(
        platform="discord",
        source_id=source_id,
        account=account,
        text="a red fox",
        created_at=NOON,
    )


async def test_it_is_written_first_and_decided_when_nobody_waits(house: House) -> None:
    arrivals = Arrivals(house)
    arrivals.answered.clear()
    async with running(arrivals.run):
        stream = arrivals.stream("7")
        coming = asyncio.ensure_future(anext(stream))
        kept = await asyncio.gather(*(arrivals.put(an_arrival(n)) for n in "aba"))
        assert kept == [Kept.NEW, Kept.NEW, Kept.KNOWN]
        undecided = await house.store.read(lambda c: mentions.undecided(c, "discord"))
        assert [one.mention.source_id for one in undecided] == ["a", "b"]
        assert not coming.done()
        arrivals.answered.set()
        delivery: Delivery = await coming
        assert list(delivery.kept) == undecided
        await stream.aclose()


def test_a_rush_that_does_not_end_holds_nobody_up(clock: Clock) -> None:
    rush = Rush(1.5, clock)
    assert not rush.is_on()
    rush.begins()
    assert rush.is_on()
    clock.now += 1.5
    assert not rush.is_on()
    rush.begins()
    rush.ends()
    assert not rush.is_on()


async def test_after_the_end_it_is_kept_for_the_next_process(house: House) -> None:
    arrivals = Arrivals(house)
    async with running(arrivals.run):
        stream = arrivals.stream(None)
        coming = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        coming.cancel()
        await asyncio.wait([coming])
        assert await arrivals.put(an_arrival("late")) is Kept.LATER
    assert await house.store.read(lambda c: mentions.by_source(c, "discord", "late"))


async def test_the_cursor_stays_before_every_gap(house: House, clock: Clock) -> None:
    arrivals = Arrivals(house)
    stream = arrivals.stream("100")
    coming = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    arrivals.seen(200)
    assert (arrivals.cursor, arrivals.gap(0)) == ("100", 100)
    arrivals.filled(0, whole=True)
    assert (arrivals.cursor, arrivals.gap(0)) == ("200", None)
    arrivals.lost(0)
    arrivals.lost(1)
    arrivals.seen(300)
    arrivals.resumed(1)
    assert (arrivals.cursor, arrivals.gap(0), arrivals.gap(1)) == ("200", 200, None)
    arrivals.filled(0, whole=False)
    assert arrivals.cursor == "300"
    coming.cancel()
    await asyncio.wait([coming])


def test_a_mention_is_the_same_after_the_database() -> None:
    mention = a_mention()
    assert Mention.from_json(mention.to_json()) == mention
