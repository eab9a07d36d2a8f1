"""Each policy by itself: pure judgements, with the moment to try again."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots import wording
from data.words import Admit, Ask, Cap, Refuse, Say, TemporaryLimit, Terms, Tier, Usage
from ratelimit.policies import age, burst, guild, overload, queued, rollout, total
from ratelimit.policy import Policy
from ratelimit.tiers import TERMS
from tests.conftest import NOON, an_account

FREE = TERMS[Tier.FREE]
MIDNIGHT = NOON + 12 * 3600


def ask(units: int = 1, who: str = "ada", at: float = NOON) -> Ask:
    return Ask(account=an_account(who), tier=Tier.FREE, units=units, asked_at=at)


def usage(**facts: object) -> Usage:
    return Usage(day="2026-03-29", reserved=0, settled=0)._replace(**facts)  # type: ignore[arg-type]  # named by each test


def limit(**facts: object) -> TemporaryLimit:
    told = TemporaryLimit(
        id=1, tier=Tier.FREE, reason="our GPUs are melting", since=NOON, until=NOON + 900, by="x"
    )
    return dataclasses.replace(told, **facts)  # type: ignore[arg-type]  # named by each test


@pytest.mark.parametrize(
    ("policy", "facts", "say", "retry_at"),
    [
        (queued.decide, {"in_hand": 3}, Say.IN_HAND, NOON),
        (guild.decide, {"circle": Cap(daily=5, spoken_for=5)}, Say.CIRCLE_QUOTA, MIDNIGHT),
        (guild.decide, {"circle": Cap(daily=0, spoken_for=0)}, Say.CIRCLE_QUOTA, None),
        (guild.decide, {"channel": Cap(daily=5, spoken_for=5)}, Say.CHANNEL_QUOTA, MIDNIGHT),
        (total.decide, {"total": Cap(daily=9, spoken_for=9)}, Say.TOTAL_QUOTA, MIDNIGHT),
        (
            age.decide,
            {"since": NOON - 60, "terms": dataclasses.replace(FREE, min_age=3600)},
            Say.TOO_NEW,
            NOON + 3540,
        ),
        (
            rollout.decide,
            {"terms": dataclasses.replace(FREE, opens_at=NOON + 60)},
            Say.NOT_OPEN,
            NOON + 60,
        ),
        (rollout.decide, {"terms": dataclasses.replace(FREE, share=0)}, Say.NOT_OPEN, None),
        (overload.decide, {"temporary": (limit(daily=0),)}, Say.OVERLOADED, NOON + 900),
        (
            overload.decide,
            {"temporary": (limit(backlog=10),), "waiting": 10.0},
            Say.OVERLOADED,
            NOON + 900,
        ),
        (burst.decide, {"arrival": NOON + 30}, Say.BURST, NOON + 10),
    ],
)
def test_each_says_no_and_why_and_when_to_come_back(
    policy: Policy, facts: dict[str, object], say: Say, retry_at: float | None
) -> None:
    refused = policy(ask(), usage(**facts), NOON)
    assert isinstance(refused, Refuse)
    assert (refused.say, refused.retry_at) == (say, retry_at)
    told = {**refused.facts, "retry_at": retry_at}
    sentence = wording.reply_text(refused.say, told, now=NOON)
    assert "did not cost you anything" in sentence
    if retry_at is not None and retry_at > NOON:
        assert wording.until(retry_at, NOON) in sentence


@pytest.mark.parametrize(
    "facts",
    [
        {"in_hand": 2},
        {"circle": Cap(daily=5, spoken_for=4)},
        {"since": NOON - 7200, "terms": dataclasses.replace(FREE, min_age=3600)},
        {"terms": dataclasses.replace(FREE, opens_at=NOON)},
        {"temporary": (limit(backlog=10),), "waiting": 9.0},
        {"temporary": (limit(daily=1),)},
        {"arrival": NOON + 20},
    ],
)
def test_up_to_the_limit_they_say_yes(facts: dict[str, object]) -> None:
    for policy in (queued, guild, total, age, rollout, overload, burst):
        assert isinstance(policy.decide(ask(), usage(**facts), NOON), Admit), policy.__name__


def test_a_share_lets_the_same_people_in_and_keeps_them_when_it_grows() -> None:
    def admitted(share: float) -> set[str]:
        terms = dataclasses.replace(FREE, share=share)
        return {
            name
            for name in (f"person{n}" for n in range(1000))
            if isinstance(rollout.decide(ask(who=name), usage(terms=terms), NOON), Admit)
        }

    tenth, half = admitted(0.1), admitted(0.5)
    assert tenth < half
    assert 60 < len(tenth) < 140
    assert len(admitted(1.0)) == 1000


@given(
    st.lists(st.tuples(st.floats(0, 40), st.integers(1, 3)), min_size=1, max_size=60),
    st.sampled_from([(3, 10.0), (5, 1.0), (1, 7.5)]),
)
def test_a_burst_is_a_bucket_that_fills_drop_by_drop(
    asks: list[tuple[float, int]], rate: tuple[int, float]
) -> None:
    """Against the bucket everybody knows: so many tokens, one back every so many seconds."""
    size, every = rate
    terms = Terms(daily=0, burst=size, every=every, in_hand=0, weight=1)
    now, tokens, arrival = NOON, float(size), 0.0
    for wait, units in asks:
        now, tokens = now + wait, min(size, tokens + wait / every)
        mine = ask(units=units, at=now)
        facts = usage(terms=terms, arrival=arrival)
        admitted = isinstance(burst.decide(mine, facts, now), Admit)
        if abs(tokens - units) > 1e-3:
            assert admitted == (tokens > units)
        if admitted:
            tokens, arrival = tokens - units, burst.arrival(mine, facts, now)


@pytest.mark.parametrize("jump", [-86_400.0, -3_600.0])
def test_a_clock_that_goes_back_holds_nobody_up_longer_than_one_burst(jump: float) -> None:
    ahead = usage(arrival=NOON - jump + 25)
    refused = burst.decide(ask(), ahead, NOON)
    assert isinstance(refused, Refuse)
    assert refused.retry_at is not None
    assert refused.retry_at - NOON <= FREE.burst * FREE.every


def test_a_wish_that_waited_for_us_is_judged_by_its_own_time() -> None:
    late = ask(at=NOON - 600)
    assert isinstance(burst.decide(late, usage(arrival=NOON - 600 + 20), NOON), Admit)
    assert burst.arrival(late, usage(), NOON) == NOON - 590
