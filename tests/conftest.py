"""What every room's tests share: a real store in a temporary folder, and a clock to turn."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from sqlite_utils import Database

from bots.platform import House
from bots.settings import Settings
from data import migrations
from data.pictures import PictureStore
from data.store import Connection, Store, connect, open_store
from data.words import Account, Mention, Progress, Prompt
from ratelimit import quota
from ratelimit.tiers import DAILY

#: 2026-03-29 12:00 UTC, the day Europe's clocks went forward.
NOON = 1_774_785_600.0


class Clock:
    """A clock that stands until it is turned."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Promise(Protocol):
    """Holds a measured time to what the house promises, both in seconds."""

    def __call__(self, name: str, measured: float, within: float) -> None: ...


@pytest.fixture
def promise(record_property: Callable[[str, object], None]) -> Promise:
    """Written down always; insisted on in `make bench-promises` only.

    A busy machine tells of its neighbours, and a suite that runs side by side has some.
    """

    def hold(name: str, measured: float, within: float) -> None:
        record_property(name, measured)
        if os.environ.get("QUIET"):
            print(f"{name} {measured:.3f} s, promised {within:g} s")  # noqa: T201  shown with -s
            assert measured < within

    return hold


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: most of the time is spent waiting for a process."""
    return (os.cpu_count() or 1) + 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it loudly where requests could not be held against X's own descriptions."""
    from tests.fake_x import descriptions  # it brings a large library with it

    if not descriptions.at_hand():
        terminalreporter.write_sep("!", "X")
        terminalreporter.write_line(descriptions.ABSENT, yellow=True, bold=True)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(tmp_path / "muralist.db") as opened:
        yield opened


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """A bare connection in one open transaction, for tests of acts."""
    with contextlib.closing(connect(tmp_path / "acts.db")) as opened:
        migrations.apply(Database(opened))
        opened.execute("BEGIN IMMEDIATE")
        yield opened


@pytest.fixture
def picture_store(tmp_path: Path) -> PictureStore:
    return PictureStore(tmp_path / "pictures")


def an_account(name: str = "ada") -> Account:
    return Account(platform="sandbox", user_id=name, handle=name)


def a_mention(source_id: str = "1", who: str = "ada", text: str = "@muralist a red fox") -> Mention:
    return Mention(
        platform="sandbox",
        source_id=source_id,
        account=an_account(who),
        text=text,
        created_at=NOON,
    )


def a_prompt(wish: str = "a red fox", count: int = 1) -> Prompt:
    return Prompt(wish=wish, count=count)


def a_house(
    store: Store,
    pictures: PictureStore,
    clock: Callable[[], float],
    settings: Settings | None = None,
    progress: Callable[[int], Progress | None] = lambda _job: None,
) -> House:
    """What platforms, intake and outbox are given; the engine in it is told of, not there."""
    return House(
        settings=settings or Settings(),
        store=store,
        pictures=pictures,
        clock=clock,
        progress=progress,
        vocabulary=("red apple", "red fox"),
        knows=lambda _wish: True,
        engine=lambda: "test",
        ready=lambda: True,
        quotas=DAILY,
        quota=quota.of,
    )
