"""Killed before or after every single commit of a wish's way: one reply, one charge, every time.

The child process is the whole bot but for the model, which is a paintbrush: the
sandbox platform, intake, worker and outbox on a real file. The n-th commit (or
the moment before it) is its last; a second process then takes over.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from pathlib import Path

import pytest

from bots.clock import rescue_orphans
from bots.platforms import sandbox
from bots.settings import Settings
from data import ledger, timeline
from data import store as store_module
from data.presence import Presence
from data.store import Connection, connect, open_store
from data.words import Account
from tests.lives import FORK, die_at, lives, stretches, until, working

#: More commits than one wish takes; reaching it would mean the story never ends.
MANY = 60
POST = 1


def live(folder: Path, commit: int | None, before: bool) -> None:
    """A process's life: until every wish has its receipt, or the commit that kills it."""
    if commit is not None:
        die_at(commit, before=before)
    with Presence(folder / "presence").held() as presence:
        asyncio.run(_live(folder, presence))


async def _live(folder: Path, presence: Presence) -> None:
    settings = Settings(database=folder / "muralist.db", pictures=folder / "pictures")
    async with open_store(settings.database) as store:
        await rescue_orphans(store, presence, time.time)
        async with working(store, presence, settings, sandbox.open):
            await until(store, _settled)


def _settled(c: Connection) -> bool:
    (count,) = c.execute("SELECT count(*) FROM charges WHERE state = 'settled'").fetchone()
    return bool(count)


def ask(folder: Path) -> None:
    """Somebody posts a wish; the network keeps it, whatever becomes of the bot."""
    store_module.migrate(folder / "muralist.db")
    with contextlib.closing(connect(folder / "muralist.db")) as c:
        timeline.add(c, "ada", "@muralist a red fox", time.time())


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_killed_at_every_commit_there_is_one_reply_and_one_charge(
    tmp_path: Path, before: bool
) -> None:
    FORK.set_forkserver_preload(["tests.test_crash"])
    killed = 0
    for commits in stretches(MANY):
        folders = [tmp_path / str(commit) for commit in commits]
        for folder in folders:
            folder.mkdir()
            ask(folder)
        firsts = [(folder, int(folder.name), before) for folder in folders]
        ends = lives(live, firsts)
        assert set(ends) <= {0, -signal.SIGKILL}
        left = [folder for folder, end in zip(folders, ends, strict=True) if end]
        assert set(lives(live, [(folder, None, before) for folder in left])) <= {0}
        for folder in left:
            check(folder)
        killed += len(left)
        if len(left) < len(folders):
            break
    assert 8 <= killed < MANY - 1


def check(folder: Path) -> None:
    with contextlib.closing(connect(folder / "muralist.db", read_only=True)) as c:
        (reply,) = timeline.replies(c, POST)
        assert len(reply.pictures) == 1
        ada = Account(platform="sandbox", user_id="ada", handle="ada")
        usage = ledger.usage(c, ada, time.time())
        assert (usage.reserved, usage.settled) == (0, 1)
        assert c.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
