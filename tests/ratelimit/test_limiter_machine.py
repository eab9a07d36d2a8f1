"""Whatever is asked, ended or taken back, and wherever the clock jumps: the limiter, the ledger
and the line say what a plain model says."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlite_utils import Database

from data import entitlements, jobs, ledger, mentions, migrations, outbox, terms
from data.entitlements import Entitlement
from data.store import connect
from data.words import Decision, JobState, Picture, Refuse, Say, Tier
from ratelimit import policy, quota
from ratelimit.admission import admit
from ratelimit.tiers import TERMS
from tests.conftest import a_mention, a_prompt, an_account

PEOPLE = ("ada", "noor", "kenji")
GUILDS = (None, "g1", "g2")
POLICIES = policy.load(["daily", "queued", "guild", "total"])
PICTURE = Picture(sha256="0" * 64, media_type="image/png", width=8, height=8, seed=1, engine="test")
HOUR, DAY = 3600.0, 86_400.0
GUILD_CAP, TOTAL_CAP = 7, 11
#: UTC noon on both days Europe's clocks change in 2026, and a second before a UTC midnight.
STARTS = (1_774_785_600.0, 1_792_929_600.0, 1_774_828_799.0)


@dataclasses.dataclass
class Wish:
    """What the model knows of an admitted wish."""

    who: str
    circle: str
    day: str
    units: int
    state: str = "reserved"


class Limiter(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self._stack = contextlib.ExitStack()
        folder = self._stack.enter_context(tempfile.TemporaryDirectory())
        self.c = self._stack.enter_context(contextlib.closing(connect(Path(folder) / "a.db")))
        migrations.apply(Database(self.c))
        self.c.execute("BEGIN IMMEDIATE")
        self.numbers = itertools.count(1)
        self.wishes: dict[int, Wish] = {}
        self.given = dict.fromkeys(PEOPLE, Tier.FREE)
        self.bought = dict.fromkeys(PEOPLE, Tier.FREE)
        self.now = STARTS[0]

    def teardown(self) -> None:
        self._stack.close()

    @initialize(start=st.sampled_from(STARTS))
    def begin(self, start: float) -> None:
        self.now = start
        terms.set_cap(self.c, "circle", "*", GUILD_CAP, "test", "small", start)
        terms.set_cap(self.c, "total", "", TOTAL_CAP, "test", "small", start)
        terms.set_tier(self.c, Tier.PLUS, {"daily": 5, "in_hand": 4}, "test", "small", start)

    @rule(who=st.sampled_from(PEOPLE), count=st.integers(1, 4), guild=st.sampled_from(GUILDS))
    def ask(self, who: str, count: int, guild: str | None) -> None:
        source_id = str(next(self.numbers))
        mention = dataclasses.replace(a_mention(source_id, who), guild=guild)
        (received,) = mentions.receive(self.c, "sandbox", [mention], None, self.now)
        expected = self._expected(who, mention.circle, count)
        decision = admit(self.c, received, a_prompt(count=count), 7, None, POLICIES, self.now)
        assert self._said(decision) == expected
        # The same mention once more, as after a crash: nothing is done twice.
        assert admit(self.c, received, a_prompt(), 7, None, POLICIES, self.now) is None
        if expected is None:
            job = jobs.by_source(self.c, "sandbox", source_id)
            assert job is not None
            day = datetime.fromtimestamp(self.now, UTC).date().isoformat()
            self.wishes[job.id] = Wish(who, mention.circle, day, count)

    def _expected(self, who: str, circle: str, units: int) -> Say | None:
        day = datetime.fromtimestamp(self.now, UTC).date().isoformat()
        daily, in_hand = (5, 4) if self.tiers[who] is Tier.PLUS else (3, 3)
        today = [w for w in self.wishes.values() if w.day == day and w.state != "released"]
        mine = [w for w in self.wishes.values() if w.who == who and w.state == "reserved"]
        if sum(w.units for w in today if w.who == who) + units > daily:
            return Say.DAILY_QUOTA
        if mine and sum(w.units for w in mine) + units > in_hand:
            return Say.IN_HAND
        if sum(w.units for w in today if w.circle == circle) + units > GUILD_CAP:
            return Say.CIRCLE_QUOTA
        if sum(w.units for w in today) + units > TOTAL_CAP:
            return Say.TOTAL_QUOTA
        return None

    @staticmethod
    def _said(decision: Decision | None) -> Say | None:
        return decision.say if isinstance(decision, Refuse) else None

    @rule(who=st.sampled_from(PEOPLE), tier=st.sampled_from([Tier.FREE, Tier.PLUS]))
    def give(self, who: str, tier: Tier) -> None:
        terms.assign(self.c, an_account(who), tier, "test", "why not", self.now)
        self.given[who] = tier

    @rule(who=st.sampled_from(PEOPLE), ended=st.booleans())
    def buy(self, who: str, ended: bool) -> None:
        """Plus is bought, or the purchase ends; what was given otherwise stays."""
        one = Entitlement(id=who, account=an_account(who), tier=Tier.PLUS, ended=ended)
        entitlements.note(self.c, [one], self.now)
        self.bought[who] = Tier.FREE if ended else Tier.PLUS

    @property
    def tiers(self) -> dict[str, Tier]:
        both = (self.given, self.bought)
        return {
            who: Tier.PLUS if any(t[who] is Tier.PLUS for t in both) else Tier.FREE
            for who in PEOPLE
        }

    @rule(most=st.integers(1, 3))
    def draw_and_post(self, most: int) -> None:
        """Some are drawn and posted, and so spent."""
        for job in jobs.claim(self.c, "me", lambda ready: [j.id for j in ready[:most]], self.now):
            jobs.complete(self.c, job, [PICTURE], self.now)
        for reply in outbox.take(self.c, "sandbox", "me", lambda _c, _r: "x", 99, self.now):
            outbox.posted(self.c, reply, f"post-{reply.id}", self.now)
            if reply.job_id in self.wishes and reply.say is Say.PICTURE:
                self.wishes[reply.job_id].state = "settled"

    @rule(data=st.data(), how=st.sampled_from(["cancel", "release", "settle twice"]))
    def end(self, data: st.DataObject, how: str) -> None:
        if not self.wishes:
            return
        number = data.draw(st.sampled_from(sorted(self.wishes)))
        job, wish = jobs.by_id(self.c, number), self.wishes[number]
        assert job is not None
        if how == "settle twice":
            if wish.state == "settled":
                ledger.settle(self.c, number, self.now)
                ledger.release(self.c, number, self.now)
        elif job.state is JobState.AVAILABLE:
            jobs.cancel(self.c, job, self.now)
            ledger.release(self.c, number, self.now)
            wish.state = "released"

    @rule()
    def expire(self) -> None:
        old = [n for n, w in self.wishes.items() if w.state == "reserved"]
        before = self.now - 2 * HOUR
        jobs.expire(self.c, before, self.now)
        for number in old:
            job = jobs.by_id(self.c, number)
            if job is not None and job.state is JobState.EXPIRED:
                assert job.created_at < before
                self.wishes[number].state = "released"

    @rule(seconds=st.sampled_from([1.0, 1800.0, HOUR, -HOUR, DAY, -DAY, 7 * HOUR]))
    def turn_the_clock(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def wait_for_midnight(self) -> None:
        self.now = ledger.next_day(self.now)

    @invariant()
    def the_ledger_is_the_models(self) -> None:
        assert ledger.audit(self.c) == []
        for who in PEOPLE:
            told = quota.of(self.c, an_account(who), self.now)
            day = datetime.fromtimestamp(self.now, UTC).date().isoformat()
            mine = [w for w in self.wishes.values() if w.who == who]
            today = [w for w in mine if w.day == day]
            assert told.reserved == sum(w.units for w in today if w.state == "reserved")
            assert told.settled == sum(w.units for w in today if w.state == "settled")
            assert told.in_hand == sum(w.units for w in mine if w.state == "reserved")
            assert told.left == max(0, told.daily - told.reserved - told.settled)
            assert 0 < told.refill_at - self.now <= DAY
            assert told.daily == (5 if self.tiers[who] is Tier.PLUS else TERMS[Tier.FREE].daily)

    @invariant()
    def the_line_counts_what_waits(self) -> None:
        rows = self.c.execute(
            "SELECT tier, circle, cost FROM jobs WHERE state IN ('available', 'retryable')"
        ).fetchall()
        lanes: Counter[tuple[str, str]] = Counter()
        for row in rows:
            for circle in (row["circle"], ""):
                lanes[row["tier"], circle] += round(row["cost"])
        kept = self.c.execute("SELECT tier, circle, cost FROM lanes WHERE tier <> ''").fetchall()
        assert {(r["tier"], r["circle"]): r["cost"] for r in kept if r["cost"]} == lanes

    @invariant()
    def whoever_waits_waits_in_his_own_tier(self) -> None:
        rows = self.c.execute(
            "SELECT user_id, tier FROM jobs WHERE state IN ('available', 'retryable')"
        ).fetchall()
        assert all(row["tier"] == self.tiers[row["user_id"]] for row in rows)


TestLimiter = Limiter.TestCase
TestLimiter.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
