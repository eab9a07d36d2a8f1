"""The story Muralist was born from, as one test: the launch week in a few seconds.

Plus, Pro and Team first, free on the sixth day at three a day, the engine melting when
everybody comes, Enterprise and Edu a week after the launch, photos restyled throughout.
Everything that decides is real; the people, the engine and the clock are modelled.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest

from data.words import Say, Tier
from ratelimit.simulation import figures
from ratelimit.simulation.charts import Run
from ratelimit.simulation.play import play
from ratelimit.simulation.record import FAILED, Record
from ratelimit.simulation.scenario import Crowd, Deal, Gpus, Scenario

DAY = 86_400.0
FREE_OPENS, WEEK = 6 * DAY, 7 * DAY

#: One engine that draws a picture in four seconds, and comes to nothing every seventh time.
ENGINE = Gpus(count=1, batch=4, steps=4, overhead=0.0, megapixels_per_second=1.05, failures=0.15)

STORY = Scenario(
    title="The launch week",
    story="",
    starts=datetime(2025, 3, 25, 18, tzinfo=UTC),
    lasts=7.25 * DAY,
    gpus=ENGINE,
    crowds=(
        Crowd(name="Plus", tier=Tier.PLUS, people=40, wishes_per_hour=1.5),
        Crowd(name="Pro", tier=Tier.PRO, people=10, wishes_per_hour=0.5),
        Crowd(name="Team", tier=Tier.TEAM, people=10, wishes_per_hour=0.3),
        Crowd(name="Free", tier=Tier.FREE, people=8, wishes_per_hour=0.4, patience=1.0),
        Crowd(
            name="Newcomers",
            tier=Tier.FREE,
            people=1_500,
            wishes_per_hour=((FREE_OPENS + 3_600, 10_000.0), (FREE_OPENS + 4_200, 10_000.0)),
        ),
        Crowd(
            name="Paying meanwhile",
            tier=Tier.PRO,
            people=20,
            wishes_per_hour=((FREE_OPENS + 3_600, 120.0), (FREE_OPENS + 5_400, 120.0)),
        ),
        Crowd(name="Enterprise", tier=Tier.ENTERPRISE, people=10, wishes_per_hour=0.4),
        Crowd(name="Edu", tier=Tier.EDU, people=10, wishes_per_hour=0.4),
    ),
    tiers={
        Tier.FREE: Deal(opens=FREE_OPENS, wait=120.0),
        Tier.ENTERPRISE: Deal(opens=WEEK),
        Tier.EDU: Deal(opens=WEEK),
    },
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return play(STORY, tmp_path_factory.mktemp("viral") / "viral.db")


@pytest.fixture
def week(told: Run) -> Record:
    return told.ours


def test_the_tiers_open_in_their_turn_and_who_came_too_early_knew_when_to_come_again(
    week: Record,
) -> None:
    opened = {Tier.FREE: FREE_OPENS, Tier.ENTERPRISE: WEEK, Tier.EDU: WEEK}
    for tier in (Tier.PLUS, Tier.PRO, Tier.TEAM):
        assert week.at[week.of_tier(tier) & week.admitted].min() < DAY
    for tier, opens in opened.items():
        early = week.of_tier(tier) & (week.at < opens)
        assert early.any()
        assert set(week.reason[early]) == {Say.NOT_OPEN}
        assert (week.of_tier(tier) & week.delivered & (week.at >= opens)).any()


def test_free_is_three_a_day(week: Record) -> None:
    free = week.of_tier(Tier.FREE) & week.delivered
    days = ((STORY.began + week.at[free]) // DAY).astype(int)
    people = zip(days, week.crowd[free], week.person[free], strict=True)
    assert max(Counter(people).values()) == 3
    assert (week.reason == Say.DAILY_QUOTA).any()


def test_when_it_melts_free_is_limited_for_a_while_and_who_pays_hardly_notices(
    told: Run, week: Record
) -> None:
    limited = [m for m in week.measures if m.kind == "limited"]
    lowered = [m for m in week.measures if m.kind == "lowered"]
    assert {m.tier for m in limited} == {Tier.FREE}
    assert lowered[0].begins <= limited[0].begins, "the mild measure comes first"
    assert limited[-1].ends < FREE_OPENS + 4 * 3_600, "and it lifts by itself"
    assert (week.reason == Say.OVERLOADED).any()
    paying = np.percentile(week.waits(week.of_tier(Tier.PRO)), 95)
    assert paying < STORY.terms(Tier.PRO).wait
    fifo = told.fifo
    assert np.percentile(fifo.waits(fifo.of_tier(Tier.PRO)), 95) > 5 * paying


def test_the_engine_was_never_idle_while_people_waited(week: Record) -> None:
    spent = figures.goodput(week)
    assert spent is not None
    assert spent[0] >= 0.97 * (1 - ENGINE.failures)


def test_nobody_was_charged_for_a_failure_and_the_ledger_balances(told: Run, week: Record) -> None:
    assert told.flaws == []
    assert (week.pass_delivered < week.pass_drawn).any()
    assert told.charged == int(week.delivered.sum())
    assert (week.outcome == FAILED).any()


def test_photos_are_restyled_throughout(week: Record, told: Run) -> None:
    days = {int(at // DAY) for at in week.at[week.photo & week.delivered]}
    assert days == set(range(8))
