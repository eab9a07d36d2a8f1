"""The lid's parts on a real store, with a postbox for a platform."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from bots.intake import Intake
from bots.outbox import Outbox
from bots.platform import House
from data.pictures import PictureStore
from data.presence import Presence
from data.store import Store
from data.words import Stage, Verdict
from moderation import check as checks
from moderation.check import Subject
from moderation.review import review
from ratelimit import policy
from tests.conftest import Clock, a_house
from tests.postbox import Postbox


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def house(store: Store, picture_store: PictureStore, clock: Clock) -> House:
    return a_house(store, picture_store, clock)


@pytest.fixture
def intake(house: House) -> Intake:
    opened = checks.load(["words"])

    def look(stage: Stage, subject: Subject) -> Verdict:
        return review(opened, stage, subject)

    return Intake(house, look, policy.load(["daily"]))


@pytest.fixture
def outbox(house: House, tmp_path: Path) -> Outbox:
    return Outbox(house, Presence(tmp_path / "presence"))


@contextlib.asynccontextmanager
async def running(*parts: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run endless parts beside a test and end them with it."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(part()) for part in parts]
        yield
        for task in tasks:
            task.cancel()
