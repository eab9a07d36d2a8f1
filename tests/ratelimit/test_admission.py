"""Admission: three a day for the free tier, by UTC days, with nothing charged in vain."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from data import jobs, ledger, mentions, outbox
from data.store import Connection
from data.words import Admit, Ask, Decision, JobState, Refuse, Say, Tier, Usage
from ratelimit import policy
from ratelimit.admission import admit, judge
from ratelimit.policies import daily
from ratelimit.tiers import DAILY
from tests.conftest import NOON, a_mention, a_prompt, an_account

POLICIES = policy.load(["daily"])
HOUR = 3600.0


def ask(c: Connection, source_id: str, now: float = NOON, count: int = 1) -> Decision | None:
    (received,) = mentions.receive(c, "sandbox", [a_mention(source_id)], None, now)
    return admit(c, received, a_prompt(count=count), 7, None, POLICIES, now)


def test_three_a_day_then_the_reset_time_and_no_charge(connection: Connection) -> None:
    assert [ask(connection, str(n)) for n in range(3)] == [Admit(left=n) for n in (2, 1, 0)]
    refused = ask(connection, "3")
    assert isinstance(refused, Refuse)
    assert (refused.say, refused.retry_at) == (Say.DAILY_QUOTA, NOON + 12 * HOUR)
    assert ledger.usage(connection, an_account(), NOON).spoken_for == 3
    assert outbox.next_due(connection, "sandbox") == 0
    assert jobs.by_source(connection, "sandbox", "3") is None


def test_midnight_utc_makes_the_quota_whole_once(connection: Connection) -> None:
    midnight = NOON + 12 * HOUR
    for n in range(3):
        ask(connection, f"a{n}", midnight - 1)
    assert isinstance(ask(connection, "a3", midnight - 0.001), Refuse)
    assert ask(connection, "b0", midnight) == Admit(left=2)
    # A clock that is set back finds the old day as it was.
    assert isinstance(ask(connection, "a4", midnight - HOUR), Refuse)


def test_a_released_charge_can_be_spent_again(connection: Connection) -> None:
    for n in range(3):
        ask(connection, str(n))
    job = jobs.by_source(connection, "sandbox", "0")
    assert job is not None
    jobs.cancel(connection, job, NOON)
    assert ask(connection, "3") == Admit(left=0)


def test_more_than_the_whole_quota_never_fits(connection: Connection) -> None:
    refused = ask(connection, "1", count=4)
    assert isinstance(refused, Refuse)
    assert refused.retry_at is None


def test_a_tier_is_the_accounts_and_changes_live(connection: Connection) -> None:
    ledger.set_tier(connection, an_account(), Tier.PLUS, NOON)
    assert ask(connection, "1") == Admit(left=DAILY[Tier.PLUS] - 1)
    ledger.set_tier(connection, an_account(), Tier.FREE, NOON)
    assert ask(connection, "2") == Admit(left=1)


def test_a_held_wish_reserves_and_waits(connection: Connection) -> None:
    (received,) = mentions.receive(connection, "sandbox", [a_mention()], None, NOON)
    admit(connection, received, a_prompt(), 7, None, POLICIES, NOON, hold="look")
    (held,) = jobs.held(connection, 9)
    assert (held.state, held.reason) == (JobState.HELD, "look")


def test_without_policies_everybody_may() -> None:
    nobody = Ask(account=an_account(), tier=Tier.FREE, units=99)
    assert judge(nobody, Usage(day="", reserved=0, settled=0), (), NOON) == Admit(left=None)


@given(
    tier=st.sampled_from(Tier),
    reserved=st.integers(0, 2000),
    settled=st.integers(0, 2000),
    units=st.integers(1, 4),
    now=st.floats(0, 4e9),
)
def test_the_daily_quota_is_never_overdrawn(
    tier: Tier, reserved: int, settled: int, units: int, now: float
) -> None:
    usage = Usage(day=ledger.day_of(now), reserved=reserved, settled=settled)
    decision = daily.decide(Ask(account=an_account(), tier=tier, units=units), usage, now)
    fits = reserved + settled + units <= DAILY[tier]
    assert isinstance(decision, Admit) == fits
    if isinstance(decision, Refuse) and decision.retry_at is not None:
        assert now < decision.retry_at <= now + 24 * HOUR
        assert ledger.day_of(decision.retry_at) > ledger.day_of(now)


def test_every_tier_has_a_quota() -> None:
    assert set(DAILY) == set(Tier)
    assert DAILY[Tier.FREE] == 3
