"""The desk in a terminal, on the file of a running bot."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from data import audit, bans, consent, jobs, ledger, verdicts
from data.store import Connection, Store
from data.words import JobState, Ladder, Ruling
from moderation.__main__ import main
from tests.conftest import NOON, an_account
from tests.wishes import SEALED, WRONG, posted, wish


@pytest.fixture
async def database(store: Store) -> Path:
    """One wish of Ada's is held in it, one of Bob's is posted."""

    def fill(c: Connection) -> None:
        wish(c, "1")
        posted(c, "2", "bob")

    await store.write(fill)
    return store.path


def run(database: Path, *words: str, by: str = "bo") -> Result:
    return CliRunner().invoke(main, ["--database", str(database), "--by", by, *words])


def said(database: Path, *words: str, by: str = "bo") -> str:
    result = run(database, *words, by=by)
    assert result.exit_code == 0, result.output
    return result.output


async def test_what_is_held_is_listed_and_shown(database: Path, store: Store) -> None:
    assert "a red fox" in said(database, "list")
    shown = said(database, "show", "1")
    assert "violence.close" in shown
    assert "ada (ada) on sandbox" in shown
    said(database, "show", "2")
    views = await store.read(lambda c: audit.trail(c, 9, subject="job 2"))
    assert [(entry.act, entry.by) for entry in views] == [("view", "bo")]


async def test_approved_goes_into_the_line(database: Path, store: Store) -> None:
    said(database, "approve", "1")
    counts = await store.read(jobs.counts)
    assert counts == {JobState.AVAILABLE: 1}
    assert "Nothing is held" in said(database, "list")


async def test_rejected_is_refunded_with_a_ready_reason(database: Path, store: Store) -> None:
    assert "violence" in said(database, "reasons")
    said(database, "reject", "1", "2")
    usage = await store.read(lambda c: ledger.usage(c, an_account(), NOON))
    assert usage.spoken_for == 0
    (entry,) = await store.read(lambda c: audit.trail(c, 9))
    assert (entry.why, entry.by) == ("it asks for violence or gore", "bo")


async def test_deciding_twice_is_one_sentence(database: Path) -> None:
    said(database, "approve", "1")
    again = run(database, "reject", "1", "late")
    assert again.exit_code == 1
    assert "not held" in again.output


async def test_bans_come_and_go(database: Path, store: Store) -> None:
    assert "1 waiting were cancelled" in said(database, "timeout", "sandbox", "@ada", "2h", "spam")
    assert "spam" in said(database, "bans")
    assert "may ask again" in said(database, "unban", "sandbox", "ada")
    assert run(database, "unban", "sandbox", "ada").exit_code == 1
    assert "nobody called" in run(database, "ban", "sandbox", "eve", "spam").output
    assert "no length" in run(database, "timeout", "sandbox", "ada", "soon", "x").output
    assert not await store.read(lambda c: bans.in_force(c, NOON, 9))


async def test_people_opt_out_and_in_again(database: Path, store: Store) -> None:
    assert "No wish may name bob" in said(database, "opt-out", "sandbox", "bob")
    assert await store.read(lambda c: consent.has_opted_out(c, "sandbox", "bob"))
    assert "may name bob" in said(database, "opt-in", "sandbox", "bob")
    assert not await store.read(lambda c: consent.has_opted_out(c, "sandbox", "bob"))
    assert "never opted out" in run(database, "opt-in", "sandbox", "bob").output


async def test_cases_are_listed_and_closed(database: Path, store: Store) -> None:
    def refuse(c: Connection) -> None:
        from data import cases

        number = wish(c, "3", verdict=WRONG)
        bans.strike(c, an_account(), number, WRONG.rule, Ladder(days=1, steps=()), NOON)
        cases.appeal(c, an_account(), number, "it is a cake", NOON)

    await store.write(refuse)
    assert "it is a cake" in said(database, "cases")
    said(database, "close", "1", "overturned", "a cake")
    assert "No case is open" in said(database, "cases")
    assert run(database, "close", "1", "overturned", "late").exit_code == 1
    (rate,) = [rate for rate in await store.read(lambda c: verdicts.rates(c, 0)) if rate.overturned]
    assert rate.rule == "sexual.bare"


async def test_a_posted_picture_is_taken_down(database: Path) -> None:
    said(database, "remove", "2", "8")
    assert run(database, "remove", "1", "8").exit_code == 1
    assert "remove" in said(database, "audit", "--person", "bo")


async def test_standards_and_patterns_change_with_a_reason(database: Path) -> None:
    said(database, "standard", "guild:7", "nsfw.hold", "0.4", "children are there")
    said(database, "standard", "guild:7", "sexual.bare", str(Ruling.HOLD), "an art school")
    said(database, "standard", "guild:7", "nsfw.hold", "default", "enough")
    assert run(database, "standard", "guild:7", "nsfw.hold", "much", "x").exit_code == 1
    said(database, "pattern", "7", r"\bcoin\b", "hold", "spam")
    assert "too long" in run(database, "pattern", "7", "(a|aa)+$", "hold", "spam").output
    assert "an art school" in said(database, "audit")


async def test_the_audit_is_verified_and_a_change_found(database: Path) -> None:
    said(database, "approve", "1")
    head = said(database, "verify-audit").split()[-1]
    said(database, "verify-audit", "--head", head)
    with sqlite3.connect(database) as c:
        c.execute("DROP TRIGGER audit_stays")
        c.execute("UPDATE audit SET by = 'eve'")
    found = run(database, "verify-audit")
    assert found.exit_code == 1
    assert "row 1 was changed" in found.output


async def test_a_snapshot_holds_nothing_sealed(
    database: Path, store: Store, tmp_path: Path
) -> None:
    await store.write(lambda c: wish(c, "9", "eve", SEALED))
    copy = tmp_path / "copy.db"
    said(database, "snapshot", str(copy), "for the statistics")
    assert run(database, "snapshot", str(copy), "again").exit_code == 1
    with sqlite3.connect(copy) as c:
        asked = dict(c.execute("SELECT who, asked FROM queue_log").fetchall())
    assert asked["eve"] == ""
    assert asked["ada"]
    assert "export" in said(database, "audit")


def test_the_checks_measure_themselves() -> None:
    result = CliRunner().invoke(main, ["measure", "--show"])
    assert result.exit_code == 0
    assert "held-out: 99" in result.output
    assert "false alarm:" in result.output


def test_without_a_database_there_is_one_sentence(tmp_path: Path) -> None:
    result = run(tmp_path / "nowhere.db", "list")
    assert result.exit_code == 1
    assert "There is no database" in result.output
