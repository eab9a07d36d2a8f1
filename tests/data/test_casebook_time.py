"""A stretch of time in the casebook, found without an index of moments."""

from __future__ import annotations

import pytest

from data import casebook
from data.casebook import Filter
from data.enrolment import Enrolled, enrol
from data.store import Connection
from tests.conftest import NOON

#: Wishes are numbered with gaps (answers are mentions too), one a second; the 40th came late.
NUMBERS = [3 * n for n in range(1, 101)]
LATE = 40


def at(n: int) -> float:
    return NOON + n + (30 if n == LATE else 0)


@pytest.fixture
def wishes(connection: Connection) -> Connection:
    connection.execute("PRAGMA defer_foreign_keys = ON")
    who = ("sandbox", "ada", "ada", "free", None, "available")
    enrol(
        connection,
        [Enrolled(number, n, *who, at(n), "a fox") for n, number in enumerate(NUMBERS, 1)],
    )
    return connection


def found(c: Connection, since: float | None, until: float | None) -> set[int]:
    ids, _, _ = casebook.matching(c, Filter(since=since, until=until), 1000)
    return set(ids)


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (None, None),
        (NOON + 20.5, NOON + 30),
        (NOON + 40, NOON + 70.5),
        (NOON + 70, None),
        (None, NOON + 40),
        (NOON - 99, NOON - 1),
        (NOON + 500, None),
        (None, NOON - 1),
    ],
)
def test_a_stretch_of_time_is_found(
    wishes: Connection, since: float | None, until: float | None
) -> None:
    expected = {
        number
        for n, number in enumerate(NUMBERS, 1)
        if (since is None or at(n) >= since) and (until is None or at(n) < until)
    }
    assert found(wishes, since, until) == expected


@pytest.mark.parametrize("n", [1, 2, 20, 80, 99, 100])
def test_its_bound_is_met_exactly_where_nobody_came_late(wishes: Connection, n: int) -> None:
    bound = casebook._first_after(wishes, at(n))
    assert min(number for number in NUMBERS if number >= bound) == NUMBERS[n - 1]


def test_an_empty_casebook_has_no_time(connection: Connection) -> None:
    assert found(connection, NOON, None) == set()
    assert found(connection, None, NOON) == set()
