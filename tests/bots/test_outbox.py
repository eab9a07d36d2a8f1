"""The outbox: each reply once, whatever the wire does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bots.outbox import ATTEMPTS, Outbox
from bots.platform import House, Outcome, PlatformError
from data import jobs, ledger, mentions
from data import outbox as rows
from data.store import Connection, Store
from data.words import Picture, Say, Usage
from ratelimit import policy
from ratelimit.admission import admit
from tests.conftest import NOON, Clock, a_mention, a_prompt, an_account
from tests.postbox import Postbox

PICTURE = Picture(sha256="0" * 64, media_type="image/png", width=8, height=8, seed=1, engine="test")


def paint(c: Connection) -> None:
    """One mention, admitted and drawn: its reply waits in the outbox."""
    (received,) = mentions.receive(c, "sandbox", [a_mention()], "1", NOON)
    admit(c, received, a_prompt(), 7, None, policy.load(["daily"]), NOON)
    (job,) = jobs.claim(c, "me", lambda ready: [job.id for job in ready], NOON)
    jobs.complete(c, job, [PICTURE], NOON)


async def flush(outbox: Outbox, postbox: Postbox) -> None:
    """Post everything that is due, then return."""
    last_call = asyncio.Event()
    last_call.set()
    await outbox.run(postbox, last_call)


async def row(store: Store) -> dict[str, Any]:
    return await store.read(lambda c: dict(c.execute("SELECT * FROM outbox").fetchone()))


async def usage(store: Store) -> Usage:
    return await store.read(lambda c: ledger.usage(c, an_account(), NOON))


def failure(outcome: Outcome) -> PlatformError:
    return PlatformError("the wire is down", outcome=outcome)


async def test_a_picture_is_posted_with_alt_text_and_settled(
    outbox: Outbox, postbox: Postbox, store: Store
) -> None:
    await store.write(paint)
    await flush(outbox, postbox)
    (reply,) = postbox.posted.values()
    ((picture, alt),) = reply.pictures
    assert picture == PICTURE
    assert "a red fox" in alt
    assert "2 of 3" in reply.text
    assert (await row(store))["state"] == "posted"
    assert await usage(store) == Usage(day="2026-03-29", reserved=0, settled=1)


async def test_what_certainly_failed_is_tried_again_later(
    outbox: Outbox, postbox: Postbox, store: Store, clock: Clock
) -> None:
    await store.write(paint)
    postbox.failures = [failure(Outcome.NOT_APPLIED)]
    await flush(outbox, postbox)
    assert postbox.posted == {}
    assert (await row(store))["state"] == "pending"
    clock.now += 60
    await flush(outbox, postbox)
    assert len(postbox.posted) == 1
    assert (await row(store))["attempts"] == 2


async def test_a_lost_answer_is_looked_for_and_not_posted_again(
    outbox: Outbox, postbox: Postbox, store: Store
) -> None:
    await store.write(paint)
    postbox.lost = [failure(Outcome.UNKNOWN)]
    await flush(outbox, postbox)
    assert postbox.requests == 1
    assert (await row(store))["state"] == "posted"
    assert (await usage(store)).settled == 1


async def test_an_unknown_outcome_without_a_post_is_posted_with_the_same_words(
    outbox: Outbox, postbox: Postbox, store: Store, clock: Clock
) -> None:
    await store.write(paint)
    postbox.failures = [failure(Outcome.UNKNOWN)]
    await flush(outbox, postbox)
    before = (await row(store))["text"]
    clock.now += 60
    await flush(outbox, postbox)
    (reply,) = postbox.posted.values()
    assert reply.text == before


@pytest.mark.parametrize("outcome", [Outcome.NEVER, Outcome.NOT_APPLIED])
async def test_what_cannot_be_posted_is_parked_and_refunded(
    outbox: Outbox, postbox: Postbox, store: Store, clock: Clock, outcome: Outcome
) -> None:
    await store.write(paint)
    postbox.failures = [failure(outcome)] * ATTEMPTS
    for _ in range(ATTEMPTS):
        await flush(outbox, postbox)
        clock.now += 600
    assert (await row(store))["state"] == "parked"
    assert (await usage(store)).spoken_for == 0


@pytest.mark.parametrize("reached", [True, False])
async def test_what_a_dead_process_was_posting_is_looked_for_first(
    outbox: Outbox, postbox: Postbox, store: Store, house: House, reached: bool
) -> None:
    await store.write(paint)
    (reply,) = await store.write(
        lambda c: rows.take(c, "sandbox", "dead", lambda _c, _r: "as it was", 9, NOON)
    )
    if reached:
        await postbox.reply(await outbox._composed(postbox, reply))
    await flush(outbox, postbox)
    assert postbox.requests == 1
    (posted,) = postbox.posted.values()
    assert posted.text == "as it was"
    assert (await row(store))["state"] == "posted"


async def test_a_withdrawal_takes_the_post_back_before_it_says_so(
    outbox: Outbox, postbox: Postbox, store: Store
) -> None:
    await store.write(paint)
    await flush(outbox, postbox)

    def ask(c: Connection) -> None:
        (received,) = mentions.receive(c, "sandbox", [a_mention("2")], "2", NOON)
        rows.enqueue(c, received.id, Say.WITHDRAWN, {"withdraw": "post-0"}, NOON)

    await store.write(ask)
    await flush(outbox, postbox)
    assert postbox.withdrawn == ["post-0"]
    assert await store.read(lambda c: rows.standing_post(c, 1)) is None
