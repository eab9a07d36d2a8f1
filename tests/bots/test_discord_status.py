"""What people who wait are told, and how seldom, by a clock that is turned."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import pytest

from bots.platform import House
from bots.platforms._discord.address import Address
from bots.platforms._discord.arrivals import Arrivals
from bots.platforms._discord.caution import Caution
from bots.platforms._discord.connection import Client, Connection
from bots.platforms._discord.status import COALESCED, LOOKS, PASS, PATIENCE, Status, Watch
from bots.settings import Settings
from data import mentions
from data.words import Mention, Ticket
from tests.bots.test_discord_arrivals import an_arrival
from tests.conftest import NOON, Clock


class Told(Status):
    """Remembers what it would have told, and when."""

    def __init__(self, house: House) -> None:
        caution = Caution(house.clock)
        connection = Connection(house, caution, _nothing)
        super().__init__(house, connection, caution, Arrivals(house))
        self.told: list[tuple[float, str, str]] = []

    async def _show(
        self, client: Client, watch: Watch, ticket: Ticket | None, text: str, sketch: bytes | None
    ) -> None:
        self.told.append((self._house.clock(), watch.source_id, text))


async def _nothing(_client: Client) -> None:
    pass


@pytest.fixture
def status(house: House) -> Told:
    settings = Settings(discord_token="a.b.c")  # type: ignore[arg-type]
    return Told(dataclasses.replace(house, settings=settings))


async def wait_for(house: House, status: Told, source_id: str) -> Mention:
    """Somebody whose command is acknowledged and undecided."""
    address = Address(user="1", channel="2", interaction="3", token="t", expires=NOON + 900)
    mention = dataclasses.replace(an_arrival(source_id), address=address.to_json())
    await house.store.write(lambda c: mentions.receive(c, "discord", [mention], None, NOON))
    status.watch(mention, address)
    return mention


async def passes(status: Told, clock: Clock, seconds: float) -> None:
    client: Any = None
    for _ in range(round(seconds / PASS)):
        clock.now += PASS
        await status._tell_some(client)


async def test_two_edits_are_never_closer_than_two_and_a_half_seconds(
    house: House, status: Told, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    news = itertools.count()
    monkeypatch.setattr(status, "_text", lambda *_: f"news {next(news)}")
    await wait_for(house, status, "a")
    await passes(status, clock, 30)
    moments = [at for at, _, _ in status.told]
    assert len(moments) >= 30 / (COALESCED + PASS)
    assert all(b - a >= COALESCED for a, b in itertools.pairwise(moments))
    assert moments[0] - NOON >= PATIENCE


async def test_what_has_not_changed_is_not_told_again(
    house: House, status: Told, clock: Clock
) -> None:
    await wait_for(house, status, "a")
    await passes(status, clock, 20)
    assert len(status.told) == 1


async def test_when_the_answer_is_there_nothing_is_told_any_more(
    house: House, status: Told, clock: Clock
) -> None:
    for n in range(LOOKS + 5):
        await wait_for(house, status, str(n))
    await status.close("0")
    await passes(status, clock, 30)
    assert {source for _, source, _ in status.told} == {str(n) for n in range(1, LOOKS + 5)}
    assert status.watched == LOOKS + 4
