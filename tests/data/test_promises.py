"""Estimates: what is learnt of those before, and that it is never more than can be known."""

from __future__ import annotations

import random

from data import jobs, mentions, promises
from data.store import Connection
from data.words import Tier
from tests.conftest import NOON, a_mention, a_prompt


def told_and_took(
    c: Connection, first: float, last: float, took: float, tier: Tier = Tier.FREE
) -> bool:
    """A wish that the model says takes from `first` to `last`; whether what it was told is true."""
    number = c.execute("SELECT count(*) FROM jobs").fetchone()[0] + 1
    mention = a_mention(f"{number}", "ada")
    (received,) = mentions.receive(c, "sandbox", [mention], None, NOON)
    job = jobs.insert(c, received.id, mention, tier, a_prompt(), 7, None, NOON)
    promises.make(c, job, tier, first, last, NOON)
    promises.keep(c, job, NOON + took)
    return promises.kept(c)[-1].came_true


def test_before_anything_is_learnt_it_is_half_to_twice(connection: Connection) -> None:
    found = promises.estimate(connection, Tier.FREE, 100.0, 200.0)
    assert (found.soonest, found.latest) == (50.0, 400.0)
    assert 100 < found.eta < 200


def test_an_estimate_that_is_always_wrong_in_the_same_way_is_put_right(
    connection: Connection,
) -> None:
    dice = random.Random(7)
    truths = [told_and_took(connection, 100, 100, dice.uniform(250, 350)) for _ in range(200)]
    assert not any(truths[:10])
    assert sum(truths[50:]) >= 0.85 * len(truths[50:])
    found = promises.estimate(connection, Tier.FREE, 100.0, 100.0)
    assert 330 < found.latest < 360
    assert found.soonest < 100 < found.latest, "what the model says is never left out"
    other = promises.estimate(connection, Tier.PRO, 100.0, 100.0)
    assert (other.soonest, other.latest) == (50.0, 200.0), "each tier learns its own"


def test_no_run_of_luck_makes_it_surer_than_it_can_be(connection: Connection) -> None:
    for _ in range(100):
        told_and_took(connection, 100, 100, 100.0)
    found = promises.estimate(connection, Tier.FREE, 100.0, 100.0)
    assert found.soonest == 100 / promises.LEAST
    assert found.latest == 100 * promises.LEAST


def test_what_came_true_is_counted(connection: Connection) -> None:
    told_and_took(connection, 100, 100, 100.0)
    told_and_took(connection, 100, 100, 1000.0)
    found = promises.coverage(connection)
    assert (found.told, found.inside, found.share) == (2, 1, 0.5)
