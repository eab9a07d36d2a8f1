"""A platform's windows, pauses and money, as acts on a connection."""

from __future__ import annotations

from data import budget
from data.budget import FIRST_PAUSE, LONGEST_PAUSE, PROBE, Price, Reading
from data.store import Connection
from data.words import Window
from tests.conftest import NOON

TWO = (Window(name="window", capacity=2, seconds=900.0),)
REPLY = Price(kind="reply", thing="7", amount=10_000)


def enter(c: Connection, now: float = NOON) -> float | None:
    return budget.enter(c, "x", "replies", TWO, now)


def told(remaining: int, resets_at: float, name: str = "window") -> Reading:
    return Reading(name=name, capacity=100, remaining=remaining, resets_at=resets_at)


def test_a_full_window_says_when_it_is_empty_again(connection: Connection) -> None:
    assert [enter(connection) for _ in range(3)] == [None, None, NOON + 900]
    assert enter(connection, NOON + 900) is None


def test_an_answer_overwrites_what_we_thought(connection: Connection) -> None:
    enter(connection)
    budget.read(connection, "x", "replies", [told(90, NOON + 60)], NOON)
    assert [enter(connection) for _ in range(3)] == [None] * 3
    budget.read(connection, "x", "replies", [told(0, NOON + 60)], NOON)
    assert enter(connection) == NOON + 60


def test_a_refusal_rests_until_the_latest_window_at_zero(connection: Connection) -> None:
    readings = [told(0, NOON - 5), told(0, NOON + 500, "user day"), told(3, NOON + 900, "app day")]
    assert budget.refused(connection, "x", "replies", readings, NOON) == NOON + 500
    assert enter(connection, NOON + 499) == NOON + 500


def test_a_refusal_without_an_end_doubles_up_to_a_quarter_of_an_hour(
    connection: Connection,
) -> None:
    now, pauses = NOON, []
    for _ in range(6):
        until = budget.refused(connection, "x", "replies", [told(0, now - 5)], now)
        pauses.append(until - now)
        now = until
        enter(connection, now)
    assert pauses == [FIRST_PAUSE, 120, 240, 480, LONGEST_PAUSE, LONGEST_PAUSE]


def test_several_refused_together_are_one_refusal(connection: Connection) -> None:
    for _ in range(5):
        assert budget.refused(connection, "x", "replies", [], NOON) == NOON + FIRST_PAUSE


def test_after_a_pause_one_request_tries_for_all(connection: Connection) -> None:
    until = budget.refused(connection, "x", "replies", [], NOON)
    assert enter(connection, until) is None
    assert enter(connection, until + 1) == until + PROBE
    budget.read(connection, "x", "replies", [], until + 2)
    assert enter(connection, until + 2) is None


def test_an_answer_that_was_under_way_does_not_end_a_pause(connection: Connection) -> None:
    until = budget.refused(connection, "x", "replies", [], NOON)
    budget.read(connection, "x", "replies", [], NOON + 1)
    assert enter(connection, NOON + 2) == until


def test_money_is_unclear_then_certain_or_nothing(connection: Connection) -> None:
    budget.intend(connection, "x", REPLY, NOON)
    budget.intend(connection, "x", REPLY, NOON)
    assert budget.spent(connection, "x", NOON) == 10_000
    budget.forgo(connection, "x", "reply", "7")
    assert budget.spent(connection, "x", NOON) == 0
    budget.intend(connection, "x", REPLY, NOON)
    budget.spend(connection, "x", REPLY, NOON)
    budget.forgo(connection, "x", "reply", "7")
    assert budget.spent(connection, "x", NOON) == 10_000
    assert budget.spent(connection, "x", NOON + 86_400) == 0


def test_a_thing_is_paid_once_a_day_at_its_dearest(connection: Connection) -> None:
    for amount in (1_000, 5_000, 1_000):
        budget.spend(connection, "x", Price(kind="read", thing="1", amount=amount), NOON)
    assert budget.spent(connection, "x", NOON) == 5_000


def test_a_breaker_trips_once_and_is_mended_by_hand(connection: Connection) -> None:
    assert budget.trip(connection, "x", "locked", NOON)
    assert not budget.trip(connection, "x", "again", NOON)
    assert budget.tripped(connection, "x") == "locked"
    assert budget.mend(connection, "x")
    assert budget.tripped(connection, "x") is None
