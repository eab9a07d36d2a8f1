"""The order of the line: shares by weight, nobody overtaken by more than the bound."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from data import jobs, lanes, ledger, mentions, migrations
from data.store import Connection, connect
from data.words import Account, Job, JobState, Mention, Tier
from tests.conftest import NOON, a_mention, a_prompt

Choose = Callable[[Sequence[Job]], list[int]]


@pytest.fixture
def put(connection: Connection) -> Callable[..., int]:
    numbers = itertools.count(1)

    def put(
        who: str,
        *,
        tier: Tier = Tier.FREE,
        guild: str | None = None,
        count: int = 1,
        weight: float = 1.0,
        times: int = 1,
    ) -> int:
        job = 0
        for _ in range(times):
            mention = dataclasses.replace(a_mention(str(next(numbers)), who), guild=guild)
            (received,) = mentions.receive(connection, "sandbox", [mention], None, NOON)
            prompt = a_prompt(count=count)
            job = jobs.insert(
                connection, received.id, mention, tier, prompt, 7, None, NOON, weight=weight
            )
        return job

    return put


def first(most: int) -> Choose:
    return lambda ready: [job.id for job in ready[:most]]


def drawn(c: Connection, choose: Choose, claims: int = 10_000) -> Iterator[Job]:
    """Everything that is claimed, in its order."""
    for _ in range(claims):
        claimed = jobs.claim(c, "me", choose, NOON)
        if not claimed:
            return
        yield from claimed


def test_somebody_with_a_long_line_is_one_among_others(
    connection: Connection, put: Callable[..., int]
) -> None:
    put("heavy", times=500)
    for n in range(99):
        put(f"guest{n}")
    taken = Counter(job.account.user_id for job in drawn(connection, first(1), 100))
    assert taken["heavy"] <= 2
    assert len(taken) >= 99


def test_tiers_are_served_by_weight(connection: Connection, put: Callable[..., int]) -> None:
    for tier, weight in ((Tier.FREE, 1.0), (Tier.PLUS, 4.0), (Tier.PRO, 16.0)):
        for n in range(20):
            put(f"{tier}{n}", tier=tier, weight=weight, times=20)
    taken = Counter(job.tier for job in drawn(connection, first(1), 210))
    assert taken == {Tier.FREE: 10, Tier.PLUS: 40, Tier.PRO: 160}


def test_a_thousand_names_in_one_guild_weigh_no_more_than_another_guild(
    connection: Connection, put: Callable[..., int]
) -> None:
    for n in range(200):
        put(f"alias{n}", guild="crowd", times=2)
    for n in range(5):
        put(f"friend{n}", guild="friends", times=10)
    taken = Counter(job.account.user_id[:5] for job in drawn(connection, first(1), 60))
    assert taken == {"alias": 30, "frien": 30}


def test_an_idle_tier_saves_nothing_up(connection: Connection, put: Callable[..., int]) -> None:
    put("ada", times=60)
    list(drawn(connection, first(1), 50))
    put("kenji", tier=Tier.PLUS, times=30)
    taken = Counter(job.tier for job in drawn(connection, first(1), 20))
    assert taken == {Tier.FREE: 10, Tier.PLUS: 10}


def test_what_is_ahead_of_many_is_what_is_ahead_of_each(
    connection: Connection, put: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The estimate of what is far behind, too, at a size that a test can afford.
    monkeypatch.setattr(lanes, "EXACT", 8)
    entered = [
        put(f"{guild}{n % 4}", guild=guild, count=1 + n % 3, tier=tier)
        for n in range(12)
        for guild in ("ours", "theirs", None)
        for tier in (Tier.FREE, Tier.PLUS)
    ]
    together = lanes.ahead_of_all(connection, entered)
    assert together == {job: lanes.ahead(connection, job) for job in entered}
    order = [job.id for job in drawn(connection, first(1))]
    assert [together[job].jobs for job in order[:8]] == list(range(8))
    assert all(8 <= together[job].jobs <= len(order) for job in order[8:])
    shares = [together[job].share for job in entered]
    assert min(shares) == 0
    assert len(set(shares)) > 10
    assert max(shares) < 1


def test_what_is_taken_back_leaves_no_gap(connection: Connection, put: Callable[..., int]) -> None:
    for _ in range(30):
        job = jobs.by_id(connection, put("ada"))
        assert job is not None
        jobs.cancel(connection, job, NOON)
    put("noor", times=3)
    mine = put("ada")
    order = [job.id for job in drawn(connection, first(1))]
    assert order.index(mine) <= 1


def test_a_new_tier_takes_what_is_in_line_with_it(
    connection: Connection, put: Callable[..., int]
) -> None:
    put("noor", times=40)
    mine = [put("ada") for _ in range(5)]
    account = Account(platform="sandbox", user_id="ada", handle="ada")
    put("kenji", tier=Tier.PRO, weight=16.0)
    lanes.move(connection, account, Tier.PRO)
    order = [job.id for job in drawn(connection, first(1))]
    assert [job for job in order if job in mine] == mine
    assert order.index(mine[-1]) <= 8
    rows = connection.execute("SELECT tier, waiting, cost FROM lanes WHERE circle = ''")
    assert {row["tier"]: (row["waiting"], row["cost"]) for row in rows if row["tier"]} == {
        Tier.FREE: (0, 0),
        Tier.PRO: (0, 0),
    }


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_nobody_of_the_lane_is_served_more_than_the_bound_before_somebody_else(
    connection: Connection, data: st.DataObject
) -> None:
    """Whatever the batcher picks, and whoever comes meanwhile."""
    reach, largest = 8.0, 4
    line = Line(connection)
    for _ in range(data.draw(st.integers(1, 12))):
        line.put(f"p{data.draw(st.integers(0, 3))}", data.draw(st.integers(1, largest)))
    line.put("late", 1)
    others: Counter[str] = Counter()
    for _ in range(60):
        for _ in range(data.draw(st.integers(0, 2))):
            line.put(f"p{data.draw(st.integers(0, 3))}", data.draw(st.integers(1, largest)))
        claimed = line.claim(data.draw(st.lists(st.integers(0, 31), max_size=7)), reach)
        if any(job.account.user_id == "late" for job in claimed):
            break
        for job in claimed:
            others[job.account.user_id] += job.prompt.count
    else:
        raise AssertionError("it never came to its turn")
    assert max(others.values(), default=0) <= 1 + reach + largest


class Line:
    """A line of its own, for one example."""

    def __init__(self, c: Connection) -> None:
        self.c = c
        c.execute("ROLLBACK")
        c.execute("BEGIN IMMEDIATE")
        self.numbers = itertools.count(1)

    def put(self, who: str, count: int) -> None:
        mention: Mention = a_mention(str(next(self.numbers)), who)
        (received,) = mentions.receive(self.c, "sandbox", [mention], None, NOON)
        jobs.insert(self.c, received.id, mention, Tier.FREE, a_prompt(count=count), 7, None, NOON)

    def claim(self, picks: Sequence[int], reach: float) -> list[Job]:
        """The head always goes; which others is anybody's guess."""

        def choose(ready: Sequence[Job]) -> list[int]:
            return list({ready[0].id, *(ready[n].id for n in picks if n < len(ready))})

        return jobs.claim(self.c, "me", choose, NOON, reach=reach)


def test_a_claim_reads_indexes_and_sorts_nothing(
    connection: Connection, put: Callable[..., int]
) -> None:
    put("ada", guild="a")
    put("noor", guild="b")
    plans: list[str] = []

    class Watched:
        def execute(self, sql: str, values: Sequence[object] = ()) -> object:
            if sql.startswith("SELECT"):
                plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)
                plans.extend(row["detail"] for row in plan)
            return connection.execute(sql, values)

    assert len(lanes.window(Watched(), NOON)) == 2
    assert not [step for step in plans if step.startswith("SCAN") or "TEMP" in step], plans


def test_a_database_from_before_keeps_its_line_and_its_balances(tmp_path: Path) -> None:
    with contextlib.closing(connect(tmp_path / "old.db")) as c:
        migrations.apply(Database(c), stop_before="m008_limits")
        c.executescript(
            "INSERT INTO accounts VALUES ('sandbox', 'ada', 'ada', 'free', 0);"
            "INSERT INTO mentions (id, platform, source_id, user_id, payload, received_at)"
            " VALUES (1, 'sandbox', '1', 'ada', '{}', 0), (2, 'sandbox', '2', 'ada', '{}', 0);"
        )
        for number, state in ((1, "available"), (2, "completed")):
            prompt = json.dumps({"intent": "paint", "wish": "x", "count": 2, "ignored": []})
            c.execute(
                "INSERT INTO jobs (id, mention_id, platform, source_id, user_id, handle, tier,"
                " prompt, seed, state, created_at)"
                " VALUES (?, ?, 'sandbox', ?, 'ada', 'ada', 'free', ?, 1, ?, 0)",
                (number, number, str(number), prompt, state),
            )
            c.execute(
                "INSERT INTO charges VALUES (?, 'sandbox', 'ada', '2026-03-29', 2, ?, 0, NULL)",
                (number, "reserved" if state == "available" else "settled"),
            )
        migrations.apply(Database(c))
        assert ledger.audit(c) == []
        assert jobs.counts(c) == {JobState.AVAILABLE: 1}
        ada = Account(platform="sandbox", user_id="ada", handle="ada")
        used = ledger.usage(c, ada, NOON)
        assert (used.reserved, used.settled) == (2, 2)
        (claimed,) = jobs.claim(c, "me", first(9), NOON)
        assert (claimed.id, claimed.cost) == (1, 2.0)
        assert jobs.counts(c) == {JobState.EXECUTING: 1}
