"""Cards: which are wanted where, and that each is wanted once."""

from __future__ import annotations

from data import cards, cases, desk, guilds
from data.cards import About, Card
from data.guilds import Policy
from data.store import Connection
from tests.conftest import NOON, an_account
from tests.wishes import posted, wish


def make(c: Connection, channel: str | None = "desk") -> list[tuple[About, int, str]]:
    """Want what is to be wanted; what that was."""
    found = cards.wanted(c, "sandbox", channel)
    for about, number, where in found:
        cards.want(c, about, number, "sandbox", where, NOON)
    return found


def standing(c: Connection, now: float = NOON) -> list[Card]:
    return cards.standing(c, "sandbox", now)


def test_what_waits_has_a_card_once(connection: Connection) -> None:
    wish(connection, "1")
    job = posted(connection, "2", "bob")
    case = cases.report(connection, an_account("cy"), 2, "not nice", NOON, job_id=job)
    assert make(connection) == [(About.HOLD, 1, "desk"), (About.CASE, case, "desk")]
    assert make(connection) == []
    cards.want(connection, About.HOLD, 1, "sandbox", "desk", NOON)
    assert len(standing(connection)) == 2
    assert make(connection, None) == []


def test_what_is_over_needs_none_and_what_waits_longest_comes_first(connection: Connection) -> None:
    for number in range(cards.MOST + 3):
        wish(connection, str(number), f"u{number}")
    desk.reject(connection, 1, "mo", "no", NOON)
    first = make(connection)
    assert [number for _, number, _ in first] == list(range(2, cards.MOST + 2))
    desk.reject(connection, 5, "mo", "no", NOON)
    assert [number for _, number, _ in make(connection)] == [cards.MOST + 2]


def test_a_guilds_own_channel_gets_its_own_but_no_appeals_and_nothing_hidden(
    connection: Connection,
) -> None:
    guilds.set_policy(connection, "sandbox", "7", Policy(mod_channel="own"))
    wish(connection, "1", guild="7")
    wish(connection, "2", guild="8")
    wish(connection, "3", guild="7", address={"hidden": True})
    appealed = cases.appeal(connection, an_account(), 1, "please", NOON, job_id=1)
    assert appealed is not None
    own = {(about, number) for about, number, where in make(connection) if where == "own"}
    assert own == {(About.HOLD, 1)}
    guilds.set_policy(connection, "sandbox", "8", Policy(mod_channel="desk"))
    assert make(connection) == [], "the same channel twice is one card"


def test_looking_for_what_wants_a_card_reads_what_waits_and_no_more(
    connection: Connection,
) -> None:
    plans: list[str] = []

    class Explained:
        def execute(self, sql: str, values: tuple[object, ...]) -> list[object]:
            rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)
            plans.extend(row["detail"] for row in rows)
            return []

    cards.wanted(Explained(), "sandbox", "desk")
    assert "SCAN d USING INDEX holds_waiting" in plans
    assert "SCAN cases USING INDEX cases_open" in plans
    assert plans.count("SEARCH m USING INTEGER PRIMARY KEY (rowid=?)") == 2, plans


def test_a_card_is_intended_shown_put_off_and_let_go(connection: Connection) -> None:
    wish(connection, "1")
    make(connection)
    (card,) = standing(connection)
    cards.intend(connection, card, NOON)
    cards.put_off(connection, card, NOON + 60)
    assert standing(connection) == []
    (later,) = standing(connection, NOON + 60)
    assert (later.posting_at, later.attempts, later.message) == (NOON, 2, None)
    cards.intend(connection, later, NOON + 60)
    cards.shown(connection, later, "55", "digest", NOON + 61, over=False)
    (shown,) = standing(connection, NOON + 60)
    assert (shown.posting_at, shown.attempts, shown.message) == (NOON, 0, "55")
    cards.let_go(connection, shown, NOON + 70)
    assert standing(connection, NOON + 99) == []
    assert cards.by_id(connection, "sandbox", card.id) is not None, "its buttons are answered still"
    assert make(connection) == []
