"""What is kept through requests without an answer: doubts, uploads, tokens."""

from __future__ import annotations

from dataclasses import replace

from data import budget, tokens, uploads
from data.budget import Price, Question
from data.store import Connection
from data.tokens import Pair
from data.uploads import Upload
from tests.conftest import NOON

DAY = 86_400.0
ALT = Price(kind="alt text", thing="7", amount=5_000)
POLL = Question(words="mentions 12", most=100_000)
UPLOAD = Upload(
    platform="x", reply="muralist:1", place=0, media_id="7", media_key="3_7", until=NOON + 100
)
PAIR = Pair(access="a", refresh="r", expires_at=NOON)


def charged(c: Connection) -> bool | None:
    return budget.charged(c, "x", ALT.kind, ALT.thing)


def test_a_charge_is_not_made_then_in_doubt_then_certain(connection: Connection) -> None:
    assert charged(connection) is False
    assert not budget.intend(connection, "x", ALT, NOON)
    assert charged(connection) is None
    assert budget.intend(connection, "x", ALT, NOON + DAY)
    budget.confirm(connection, "x", ALT.kind, ALT.thing)
    assert charged(connection) is True
    assert not budget.intend(connection, "x", ALT, NOON + DAY)
    assert budget.spent(connection, "x", NOON) == 5_000
    assert budget.spent(connection, "x", NOON + DAY) == 0


def test_what_is_found_after_midnight_was_paid_once(connection: Connection) -> None:
    budget.intend(connection, "x", ALT, NOON)
    for _ in range(2):
        budget.confirm(connection, "x", ALT.kind, ALT.thing)
    assert budget.spent(connection, "x", NOON + DAY) == 0


def test_a_reading_is_open_until_it_is_answered_on_its_day(connection: Connection) -> None:
    assert not budget.ask(connection, "x", POLL, NOON)
    assert budget.ask(connection, "x", POLL, NOON + 1)
    assert budget.unanswered(connection, "x", POLL, NOON)
    assert budget.spent(connection, "x", NOON) == 0
    budget.answered(connection, "x", POLL, NOON + DAY)
    assert budget.unanswered(connection, "x", POLL, NOON)
    budget.answered(connection, "x", POLL, NOON + 2)
    assert not budget.unanswered(connection, "x", POLL, NOON)


def test_the_bill_lies_between_what_the_day_s_line_says(connection: Connection) -> None:
    budget.spend(connection, "x", ALT, NOON)
    budget.intend(connection, "x", replace(ALT, thing="8"), NOON)
    budget.ask(connection, "x", POLL, NOON)
    (day,) = connection.execute("SELECT * FROM spend_log").fetchall()
    assert (day["usd"], day["usd_unclear"], day["usd_unread"]) == (0.005, 0.005, 0.1)


def test_an_upload_is_kept_while_the_platform_keeps_it(connection: Connection) -> None:
    uploads.keep(connection, UPLOAD, NOON)
    assert uploads.find(connection, "x", "muralist:1", 0, NOON + 99) == UPLOAD
    assert uploads.find(connection, "x", "muralist:1", 0, NOON + 100) is None
    assert uploads.find(connection, "x", "muralist:1", 1, NOON) is None
    uploads.keep(connection, replace(UPLOAD, reply="muralist:2", until=NOON + 900), NOON + 200)
    (count,) = connection.execute("SELECT count(*) FROM uploads").fetchone()
    assert count == 1
    uploads.forget(connection, "x", "muralist:2")
    assert uploads.find(connection, "x", "muralist:2", 0, NOON) is None


def test_one_chain_of_tokens_replaces_the_other(connection: Connection) -> None:
    tokens.keep(connection, "x", "first", PAIR)
    assert tokens.current(connection, "x", "first") == PAIR
    tokens.keep(connection, "x", "second", replace(PAIR, access="b"))
    assert tokens.current(connection, "x", "first") is None


def test_no_token_is_shown() -> None:
    shown = repr(replace(PAIR, access="canary-access", refresh="canary-refresh"))
    assert "canary" not in shown
