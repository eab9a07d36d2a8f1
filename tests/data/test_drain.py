"""The model of the line: it shares the engine, loses nothing, and knows who overtakes whom."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import drain
from data.drain import Flow
from data.words import Tier

FREE, PLUS, PRO = Tier.FREE, Tier.PLUS, Tier.PRO


def flow(waiting: float, coming: float = 0.0, weight: float = 1.0) -> Flow:
    return Flow(waiting=waiting, coming=coming, weight=weight)


def test_the_engine_is_shared_by_weight_and_what_one_leaves_is_the_others() -> None:
    waits = drain.waits({FREE: flow(100), PLUS: flow(100, weight=4)})
    assert waits[PLUS] == pytest.approx(125)
    assert waits[FREE] == pytest.approx(200)


def test_who_is_yet_to_come_in_a_higher_tier_is_drawn_before() -> None:
    alone = drain.waits({FREE: flow(100), PRO: flow(0, weight=16)})
    overtaken = drain.waits({FREE: flow(100), PRO: flow(0, coming=0.5, weight=16)})
    assert alone[FREE] == pytest.approx(100)
    assert overtaken[FREE] == pytest.approx(200)
    assert overtaken[PRO] == 0


def test_nobody_takes_more_than_the_share_of_their_weight() -> None:
    waits = drain.waits({FREE: flow(10), PRO: flow(0, coming=5, weight=4)})
    assert waits[FREE] == pytest.approx(50), "a fifth of the engine, however many come"


def test_a_mark_within_a_line_is_reached_sooner_than_its_end() -> None:
    flows = {FREE: flow(100), PLUS: flow(30)}
    assert drain.reached(flows, {FREE: 10})[FREE] == pytest.approx(20)
    assert drain.reached(flows, {FREE: 40})[FREE] == pytest.approx(70)
    assert drain.reached(flows, {FREE: 0})[FREE] == 0
    assert math.isinf(drain.reached({FREE: flow(0)}, {FREE: 1})[FREE]), "nothing comes"


def test_what_is_drawn_of_a_tier_in_a_time_is_what_may_wait_in_its_line() -> None:
    flows = {FREE: flow(5), PLUS: flow(30, weight=3)}
    assert drain.drawn(flows, FREE, 20) == pytest.approx(5)
    assert drain.drawn(flows, FREE, 60) == pytest.approx(30)


@given(
    waiting=st.dictionaries(st.sampled_from(Tier), st.integers(0, 10**6), min_size=1),
    coming=st.dictionaries(st.sampled_from(Tier), st.floats(0, 3)),
)
def test_nothing_is_lost_and_nobody_is_forgotten(
    waiting: dict[Tier, int], coming: dict[Tier, float]
) -> None:
    weights = {tier: 4.0**n for n, tier in enumerate(Tier)}
    still = {tier: flow(work, weight=weights[tier]) for tier, work in waiting.items()}
    total = float(sum(waiting.values()))
    waits = drain.waits(still)
    assert max(waits.values()) == pytest.approx(total)
    assert all(waits[tier] >= waiting[tier] * (1 - 1e-9) for tier in waiting)
    flowing = {t: flow(waiting.get(t, 0), coming.get(t, 0.0), weights[t]) for t in Tier}
    crowded = drain.waits(flowing)
    share = {tier: weights[tier] / sum(weights.values()) for tier in Tier}
    for tier, wait in crowded.items():
        least = waits.get(tier, 0.0)
        assert least * (1 - 1e-6) <= wait <= flowing[tier].waiting / share[tier] * (1 + 1e-6)
