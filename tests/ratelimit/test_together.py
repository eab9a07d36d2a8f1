"""Wishes decided together come to what they would have come to one after the other."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from data import casebook, jobs, ledger, mentions, migrations, terms, verdicts
from data.store import Connection, connect
from data.words import (
    Admit,
    Allowance,
    Decision,
    Picture,
    Ruling,
    Stage,
    Tier,
    Verdict,
    Window,
)
from ratelimit import policy
from ratelimit.admission import Wish, admit_all
from tests.conftest import NOON, a_mention, a_prompt, an_account

POLICIES = policy.load(["rollout", "age", "daily", "queued", "burst", "guild", "total", "overload"])
PICTURE = Picture(sha256="0" * 64, media_type="image/png", width=8, height=8, seed=1, engine="test")
HELD = Verdict(ruling=Ruling.HOLD, check="words", rule="gore", reason="look")
#: Room for two replies in the window: the third has to wait.
ALLOWANCE = Allowance(
    windows=(Window(name="day", capacity=2, seconds=86_400.0),),
    per_day=10_000_000,
    per_reply=10_000,
    per_picture=0,
    patience=7 * 86_400.0,
)


@dataclasses.dataclass(frozen=True)
class Asked:
    who: str
    count: int
    guild: str | None
    channel: str | None
    held: bool
    allowance: bool
    again: bool


ASKS = st.lists(
    st.builds(
        Asked,
        who=st.sampled_from(["ada", "noor", "kenji", "paid"]),
        count=st.integers(1, 3),
        guild=st.sampled_from([None, "g1", "g2"]),
        channel=st.sampled_from([None, "c"]),
        held=st.sampled_from([False, False, True]),
        allowance=st.sampled_from([False, False, False, True]),
        again=st.sampled_from([False, False, False, True]),
    ),
    max_size=12,
)


@contextlib.contextmanager
def a_database(folder: Path, name: str) -> Iterator[Connection]:
    with contextlib.closing(connect(folder / name)) as c:
        migrations.apply(Database(c))
        c.execute("BEGIN IMMEDIATE")
        terms.set_cap(c, "circle", "*", 6, "test", "small", NOON)
        terms.set_cap(c, "channel", "sandbox/g1/c", 3, "test", "small", NOON)
        terms.set_cap(c, "total", "", 14, "test", "small", NOON)
        terms.assign_circle(c, "sandbox/g2", Tier.PLUS, "test", "nice", NOON)
        ledger.set_tier(c, an_account("paid"), Tier.PRO, NOON)
        terms.announce(c, Tier.FREE, "melting", NOON + 900, "test", NOON, backlog=5.0)
        yield c


def wishes(c: Connection, asked: Sequence[Asked]) -> list[Wish]:
    made: list[Wish] = []
    for number, one in enumerate(asked):
        mention = dataclasses.replace(
            a_mention(str(number), one.who), guild=one.guild, channel=one.channel
        )
        (received,) = mentions.receive(c, "sandbox", [mention], None, NOON)
        if one.held:
            verdicts.note(c, received.id, Stage.PROMPT, HELD, NOON)
        made.append(
            Wish(
                received,
                a_prompt(count=one.count),
                seed=number,
                hold="look" if one.held else None,
                allowance=ALLOWANCE if one.allowance else None,
            )
        )
        if one.again:
            made.append(made[-1])
    return made


def everything(c: Connection) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables but the order in which the journal was written."""
    tables = [
        row["name"]
        for row in c.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        if not row["name"].startswith(("casebook_words", "sqlite", "_"))
    ]
    rows = {name: [tuple(row) for row in c.execute(f"SELECT * FROM {name}")] for name in tables}
    rows["journal"] = sorted(row[1:] for row in rows["journal"])
    words = c.execute("SELECT rowid FROM casebook_words WHERE casebook_words MATCH 'fox'")
    return {**rows, "words": [tuple(row) for row in words]}


@given(asked=ASKS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_together_is_one_after_the_other(asked: Sequence[Asked]) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        a_database(Path(folder), "one.db") as one,
        a_database(Path(folder), "all.db") as all_,
    ):
        apart: list[Decision | None] = []
        for wish in wishes(one, asked):
            apart += admit_all(one, [wish], POLICIES, NOON)
        together = admit_all(all_, wishes(all_, asked), POLICIES, NOON)
        assert together == apart
        assert everything(all_) == everything(one)


@given(asked=ASKS, ended=st.integers(0, 12))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_sum_is_what_counting_finds(asked: Sequence[Asked], ended: int) -> None:
    with tempfile.TemporaryDirectory() as folder, a_database(Path(folder), "a.db") as c:
        said = admit_all(c, wishes(c, asked), POLICIES, NOON)
        for job in jobs.claim(c, "me", lambda ready: [j.id for j in ready[:ended]], NOON):
            jobs.complete(c, job, [PICTURE], NOON)
        assert ledger.audit(c) == []
        (entered,) = c.execute("SELECT count(*) FROM casebook").fetchone()
        assert entered == sum(isinstance(one, Admit) for one in said)
        for facet in ("state", "platform", "tier", "guild", "rule", "model"):
            truth = Counter(
                row[0] for row in c.execute(f"SELECT {facet} FROM casebook") if row[0] is not None
            )
            assert dict(casebook.choices(c, facet)) == truth
        assert casebook.counts(c)["all"] == entered
        flow = c.execute("SELECT coalesce(sum(n), 0) FROM flow WHERE what = 'asked'").fetchone()
        assert flow[0] == entered
        lanes = c.execute(
            "SELECT tier, circle, waiting, cost FROM lanes WHERE tier <> '' AND waiting > 0"
        ).fetchall()
        waiting: Counter[tuple[str, str]] = Counter()
        costs: Counter[tuple[str, str]] = Counter()
        for row in c.execute("SELECT tier, circle, cost FROM jobs WHERE state = 'available'"):
            for circle in (row["circle"], ""):
                waiting[row["tier"], circle] += 1
                costs[row["tier"], circle] += round(row["cost"])
        assert {(row["tier"], row["circle"]): row["waiting"] for row in lanes} == waiting
        assert {(row["tier"], row["circle"]): row["cost"] for row in lanes} == costs


def test_a_hit_learns_which_job_its_wish_became(connection: Connection) -> None:
    made = wishes(connection, [Asked("ada", 1, None, None, True, False, False)] * 2)
    admit_all(connection, made, POLICIES, NOON)
    hits = connection.execute("SELECT mention_id, job_id FROM hits ORDER BY id").fetchall()
    truth = connection.execute("SELECT mention_id, id FROM jobs ORDER BY id").fetchall()
    assert [tuple(row) for row in hits] == [tuple(row) for row in truth]
    (rule,) = connection.execute("SELECT DISTINCT rule FROM casebook").fetchone()
    assert rule == "gore"


def test_a_database_from_before_keeps_its_sums(tmp_path: Path) -> None:
    with contextlib.closing(connect(tmp_path / "old.db")) as c:
        migrations.apply(Database(c), stop_before="m011_together")
        c.execute("BEGIN IMMEDIATE")
        mentions.receive(c, "sandbox", [a_mention("1"), a_mention("2")], None, NOON)
        mentions.decide_all(c, [1, 2], NOON)
        for number in (1, 2):
            c.execute(
                "INSERT INTO jobs (id, mention_id, platform, source_id, user_id, handle, tier,"
                " prompt, seed, state, created_at, circle, cost, tag) VALUES (?, ?, 'sandbox', ?,"
                " 'ada', 'ada', 'free', ?, 1, 'available', ?, 'sandbox', 1, ?)",
                (number, number, str(number), '{"wish": "a red fox", "count": 1}', NOON, number),
            )
            c.execute(
                "INSERT INTO charges (job_id, platform, user_id, day, units, state, reserved_at,"
                " circle) VALUES (?, 'sandbox', 'ada', ?, 1, 'reserved', ?, 'sandbox')",
                (number, ledger.day_of(NOON), NOON),
            )
        c.execute("COMMIT")
        migrations.apply(Database(c))
        c.execute("BEGIN IMMEDIATE")
        (third,) = mentions.receive(c, "sandbox", [a_mention("3")], None, NOON)
        (said,) = admit_all(c, [Wish(third, a_prompt(), 1)], POLICIES, NOON)
        assert said == Admit(left=0)
        assert ledger.audit(c) == []
        assert dict(casebook.choices(c, "state")) == {"waiting": 3}
        assert casebook.count(c, casebook.Filter(words="fox")) == 3
        waiting = c.execute("SELECT waiting FROM lanes WHERE circle = 'sandbox'").fetchone()
        assert waiting["waiting"] == 3
