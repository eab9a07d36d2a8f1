"""The moderator's command: list, approve, reject, on the file of a running bot."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from data import jobs, ledger, mentions
from data.store import Connection, Store
from data.words import JobState
from moderation.__main__ import main
from ratelimit.admission import admit
from tests.conftest import NOON, a_mention, a_prompt, an_account


@pytest.fixture
async def database(store: Store) -> Path:
    """One wish is held in it."""

    def hold(c: Connection) -> None:
        (received,) = mentions.receive(c, "sandbox", [a_mention()], None, NOON)
        admit(c, received, a_prompt(), 7, None, (), NOON, hold="a check failed")

    await store.write(hold)
    return store.path


def run(database: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--database", str(database), *words])


async def test_what_is_held_is_listed(database: Path) -> None:
    said = run(database, "held").output
    assert "a red fox" in said
    assert "a check failed" in said


async def test_approved_goes_into_the_line(database: Path, store: Store) -> None:
    assert run(database, "approve", "1").exit_code == 0
    assert await store.read(jobs.counts) == {JobState.AVAILABLE: 1}
    assert "Nothing is held" in run(database, "held").output


async def test_rejected_is_refunded_with_its_reason(database: Path, store: Store) -> None:
    assert run(database, "reject", "1", "not for children").exit_code == 0
    usage = await store.read(lambda c: ledger.usage(c, an_account(), NOON))
    assert usage.spoken_for == 0


async def test_deciding_twice_is_one_sentence(database: Path) -> None:
    run(database, "approve", "1")
    again = run(database, "reject", "1", "late")
    assert again.exit_code == 1
    assert "not held" in again.output
