"""The audit: nothing in it can be changed unseen."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from data import audit
from data.audit import Act
from data.store import Connection, Store, connect
from tests.conftest import NOON

ROWS = 4
UNLIKELY = "Mx. Verity Pleasance of the night shift"


def write(c: Connection, rows: int = ROWS) -> None:
    for n in range(rows):
        audit.note(c, UNLIKELY, Act.APPROVE, f"job {n}", "fine", NOON + n, rule="words")


def test_an_honest_chain_holds_and_has_a_head(connection: Connection) -> None:
    assert audit.verify(connection).rows == 0
    write(connection)
    chain = audit.verify(connection)
    assert (chain.rows, chain.trouble) == (ROWS, None)
    write(connection, 1)
    assert audit.verify(connection, chain.head).trouble is None
    assert "not in the chain" in (audit.verify(connection, "f" * 64).trouble or "")


@pytest.mark.parametrize("sql", ["UPDATE audit SET why = 'x'", "DELETE FROM audit"])
async def test_sql_can_neither_change_nor_delete(store: Store, sql: str) -> None:
    await store.write(write)
    with pytest.raises(Exception, match="append-only"):
        await store.write(lambda c: c.execute(sql))
    assert (await store.read(audit.verify)).rows == ROWS


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit SET by = 'somebody' WHERE id = 2",
        "UPDATE audit SET at = at + 0.001 WHERE id = 2",
        "UPDATE audit SET detail = '{}' WHERE id = 2",
        "UPDATE audit SET hash = before WHERE id = 2",
        "DELETE FROM audit WHERE id = 2",
        "DELETE FROM audit WHERE id = 4",
        "UPDATE audit SET id = 9 WHERE id = 4",
    ],
)
def test_who_drops_the_triggers_is_found_out(connection: Connection, sql: str) -> None:
    write(connection)
    for name in ("audit_stays", "audit_remains"):
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(sql)
    assert audit.verify(connection).trouble


async def test_a_single_changed_byte_in_the_file_is_found(store: Store, tmp_path: Path) -> None:
    """Every byte of a name in a row, one after the other, flipped on the disk."""
    await store.write(write)
    await store.checkpoint()
    await store.close()
    honest = store.path.read_bytes()
    at = honest.index(UNLIKELY.encode())
    forged = tmp_path / "forged.db"
    for place in range(at, at + len(UNLIKELY), 7):
        changed = bytearray(honest)
        changed[place] ^= 1
        forged.write_bytes(changed)
        with contextlib.closing(connect(forged)) as c:
            assert "was changed" in (audit.verify(c).trouble or "")
    with contextlib.closing(connect(store.path)) as c:
        assert audit.verify(c).trouble is None


def test_the_trail_can_be_asked(connection: Connection) -> None:
    write(connection)
    audit.note(connection, "bo", Act.VIEW, "job 1", "a report", NOON, picture="aa")
    (newest, older) = audit.trail(connection, 9, subject="job 1")
    assert (newest.by, newest.act, newest.detail) == ("bo", "view", {"picture": "aa"})
    assert [entry.id for entry in audit.trail(connection, 2, before=older.id)] == [1]
    assert len(audit.trail(connection, 9, by="bo")) == 1
