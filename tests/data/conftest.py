"""A bare connection in one open transaction, for tests of acts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from data.migrations import migrations
from data.store import Connection, connect


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    with contextlib.closing(connect(tmp_path / "acts.db")) as opened:
        migrations.apply(Database(opened))
        opened.execute("BEGIN IMMEDIATE")
        yield opened
