"""Room for the reply is kept before anything is drawn."""

from __future__ import annotations

import dataclasses

import pytest

from data import budget, jobs, ledger, mentions
from data.store import Connection, Store
from data.words import Admit, Allowance, JobState, Refuse, Say, Window
from ratelimit import policy
from ratelimit.admission import admit
from tests.conftest import NOON, a_mention, a_prompt

TWO = Allowance(
    windows=(Window(name="window", capacity=2, seconds=900.0),),
    per_day=1_000_000,
    per_reply=11_000,
    per_picture=5_000,
    patience=2_000.0,
)


def ask(c: Connection, n: int, allowance: Allowance = TWO) -> Admit | Refuse | None:
    (received,) = mentions.receive(c, "sandbox", [a_mention(str(n), f"guest{n}")], None, NOON)
    return admit(
        c, received, a_prompt(), 7, None, policy.load(["daily"]), NOON, allowance=allowance
    )


async def test_wishes_wait_in_the_line_for_the_windows_and_no_longer_than_they_may(
    store: Store,
) -> None:
    decisions = await store.write(lambda c: [ask(c, n) for n in range(7)])
    starts = await store.read(
        lambda c: [row["not_before"] for row in c.execute("SELECT not_before FROM jobs")]
    )
    assert starts == [0, 0, NOON + 900, NOON + 900, NOON + 1800, NOON + 1800]
    last = decisions[-1]
    assert isinstance(last, Refuse)
    assert last.say is Say.NO_ROOM


@pytest.mark.parametrize(("per_day", "admitted"), [(40_000, 2), (10_000, 0), (0, 0)])
async def test_no_more_is_admitted_than_there_is_money_for(
    store: Store, per_day: int, admitted: int
) -> None:
    allowance = dataclasses.replace(TWO, per_day=per_day)
    await store.write(lambda c: [ask(c, n, allowance) for n in range(4)])
    jobs_made = await store.read(lambda c: jobs.counts(c).get(JobState.AVAILABLE, 0))
    assert jobs_made == admitted


async def test_what_ends_without_a_picture_gives_its_room_back(store: Store) -> None:
    def act(c: Connection) -> list[tuple[int, int]]:
        ask(c, 1)
        before = budget.reserved(c, "sandbox")
        ledger.release(c, 1, NOON)
        return [before, budget.reserved(c, "sandbox")]

    assert await store.write(act) == [(1, 16_000), (0, 0)]
