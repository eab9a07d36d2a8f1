"""The line: claimed once, fenced, rescued, and never charged for nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from data import jobs, journal, ledger, line, mentions, outbox
from data.store import Connection, Store
from data.words import ChargeState, Event, Job, JobState, Picture, Prompt, Say, Usage
from ratelimit import policy
from ratelimit.admission import admit
from tests.conftest import NOON, a_mention, a_prompt, an_account

POLICIES = policy.load(["daily"])
PICTURE = Picture(sha256="0" * 64, media_type="image/png", width=8, height=8, seed=1, engine="test")


def alive(_owner: str | None) -> bool:
    return True


def dead(_owner: str | None) -> bool:
    return False


def everything(ready: Sequence[Job]) -> list[int]:
    return [job.id for job in ready]


def enter(c: Connection, source_id: str, who: str = "ada", count: int = 1) -> Job:
    """One admitted mention; returns its job."""
    (received,) = mentions.receive(c, "sandbox", [a_mention(source_id, who)], source_id, NOON)
    admit(c, received, a_prompt(count=count), 7, None, POLICIES, NOON)
    job = jobs.by_source(c, "sandbox", source_id)
    assert job is not None
    return job


def claim(c: Connection, owner: str = "me") -> list[Job]:
    return jobs.claim(c, owner, everything, NOON)


def usage(c: Connection) -> Usage:
    return ledger.usage(c, an_account(), NOON)


def events(c: Connection, job: Job) -> list[Event]:
    return [entry.event for entry in journal.story(c, job.mention_id)]


@pytest.fixture
def job(connection: Connection) -> Job:
    return enter(connection, "1")


def test_the_same_mention_is_received_once(connection: Connection) -> None:
    assert mentions.receive(connection, "sandbox", [a_mention("1")], "1", NOON)
    assert mentions.receive(connection, "sandbox", [a_mention("1")], "1", NOON) == []


def test_a_mention_is_decided_once(connection: Connection) -> None:
    (received,) = mentions.receive(connection, "sandbox", [a_mention("1")], None, NOON)
    assert admit(connection, received, a_prompt(), 7, None, POLICIES, NOON)
    assert admit(connection, received, a_prompt(), 7, None, POLICIES, NOON) is None
    assert usage(connection).reserved == 1


def test_claiming_takes_each_job_once_and_counts_the_attempt(
    connection: Connection, job: Job
) -> None:
    (claimed,) = claim(connection)
    assert (claimed.id, claimed.state, claimed.attempts) == (job.id, JobState.EXECUTING, 1)
    assert claim(connection) == []


def test_completing_writes_reply_and_receipt_settles_the_charge(
    connection: Connection, job: Job
) -> None:
    (claimed,) = claim(connection)
    assert jobs.complete(connection, claimed, [PICTURE], NOON)
    assert usage(connection) == Usage(day="2026-03-29", reserved=1, settled=0)
    (reply,) = outbox.take(connection, "sandbox", "me", lambda _c, _r: "here", 9, NOON)
    outbox.posted(connection, reply, "99", NOON)
    outbox.posted(connection, reply, "99", NOON)
    assert usage(connection) == Usage(day="2026-03-29", reserved=0, settled=1)
    assert events(connection, job) == [
        Event.MENTION,
        Event.ADMIT,
        Event.BATCH,
        Event.PICTURE,
        Event.REPLY,
        Event.RECEIPT,
    ]
    assert jobs.by_post(connection, "sandbox", "99") == jobs.by_id(connection, job.id)


@pytest.mark.parametrize("ending", ["discard", "cancel", "recall", "park"])
def test_whatever_ends_without_a_picture_costs_nothing(
    connection: Connection, job: Job, ending: str
) -> None:
    (claimed,) = claim(connection)
    if ending == "discard":
        assert jobs.discard(connection, claimed, Say.FAILED, "broken", NOON)
    elif ending == "cancel":
        assert jobs.cancel(connection, claimed, NOON)
    else:
        jobs.complete(connection, claimed, [PICTURE], NOON)
        if ending == "recall":
            assert outbox.recall(connection, job.id, NOON)
        else:
            (reply,) = outbox.take(connection, "sandbox", "me", lambda _c, _r: "x", 9, NOON)
            outbox.park(connection, reply, "gone", NOON)
    assert usage(connection).spoken_for == 0
    (state,) = connection.execute("SELECT state FROM charges").fetchone()
    assert state == ChargeState.RELEASED


def test_a_cancelled_job_cannot_be_completed(connection: Connection, job: Job) -> None:
    (claimed,) = claim(connection)
    assert jobs.cancelled_among(connection, [job.id]) == set()
    jobs.cancel(connection, claimed, NOON)
    assert jobs.cancelled_among(connection, [job.id]) == {job.id}
    assert not jobs.complete(connection, claimed, [PICTURE], NOON)
    assert outbox.next_due(connection, "sandbox") is None


def test_other_words_take_a_wish_s_place_until_it_is_begun(connection: Connection) -> None:
    undecided = mentions.receive(connection, "sandbox", [a_mention("1/2")], None, NOON)[0]
    assert jobs.supersede(connection, undecided.id, NOON)
    assert not mentions.decide(connection, undecided.id, NOON)
    waiting = enter(connection, "1/2/3")
    assert jobs.supersede(connection, waiting.mention_id, NOON)
    assert usage(connection).spoken_for == 0
    begun = enter(connection, "2")
    claim(connection)
    assert not jobs.supersede(connection, begun.mention_id, NOON)


def test_the_latest_words_of_a_post_are_those_behind_its_last_slash(
    connection: Connection,
) -> None:
    for source_id in ("1/2", "1/20", "1/2/7", "1/2/8", "1/21"):
        mentions.receive(connection, "sandbox", [a_mention(source_id)], None, NOON)
    latest = mentions.latest_of(connection, "sandbox", "1/2")
    assert latest is not None
    assert latest.mention.source_id == "1/2/8"
    assert mentions.latest_of(connection, "sandbox", "1/3") is None


def test_a_late_process_cannot_finish_what_was_rescued(connection: Connection, job: Job) -> None:
    (late,) = claim(connection, "late")
    assert jobs.rescue(connection, dead, NOON) == 1
    (claimed,) = claim(connection, "next")
    assert (claimed.attempts, claimed.crashes) == (2, 1)
    assert not jobs.complete(connection, late, [PICTURE], NOON)
    assert jobs.complete(connection, claimed, [PICTURE], NOON)


def test_the_living_are_not_rescued(connection: Connection, job: Job) -> None:
    claim(connection)
    assert jobs.rescue(connection, alive, NOON) == 0


def test_a_job_that_kills_three_processes_is_given_up_and_refunded(
    connection: Connection, job: Job
) -> None:
    for _ in range(jobs.CRASHES):
        claim(connection)
        jobs.rescue(connection, dead, NOON)
    ended = jobs.by_id(connection, job.id)
    assert ended is not None
    assert ended.state is JobState.DISCARDED
    assert usage(connection).spoken_for == 0


def test_a_retried_job_waits_and_keeps_its_place(connection: Connection, job: Job) -> None:
    (claimed,) = claim(connection)
    enter(connection, "2", "noor")
    assert jobs.retry(connection, claimed, "no memory", NOON + 60, NOON)
    assert [j.source_id for j in claim(connection)] == ["2"]
    assert not jobs.waiting(connection, NOON)
    assert [j.id for j in jobs.claim(connection, "me", everything, NOON + 60)] == [job.id]


def test_what_was_claimed_and_not_drawn_is_given_back_whole(
    connection: Connection, job: Job
) -> None:
    claim(connection)
    assert jobs.release_claim(connection, "me", NOON) == 1
    (claimed,) = claim(connection)
    assert (claimed.attempts, claimed.crashes) == (1, 0)


@pytest.mark.parametrize("approve", [True, False])
def test_a_held_job_waits_for_a_person(connection: Connection, job: Job, approve: bool) -> None:
    (claimed,) = claim(connection)
    assert jobs.hold(connection, claimed, "look at it", NOON)
    assert [j.id for j in jobs.held(connection, 9)] == [job.id]
    assert claim(connection) == []
    assert usage(connection).reserved == 1
    assert jobs.unhold(connection, job.id, approve=approve, reason="seen", now=NOON)
    assert not jobs.unhold(connection, job.id, approve=approve, reason="seen", now=NOON)
    assert len(claim(connection)) == approve
    assert usage(connection).reserved == approve


@pytest.mark.parametrize("approve", [True, False])
def test_a_held_picture_is_posted_as_it_is_or_never(
    connection: Connection, job: Job, approve: bool
) -> None:
    (claimed,) = claim(connection)
    assert jobs.hold(connection, claimed, "look at it", NOON, [PICTURE])
    assert jobs.unhold(connection, job.id, approve=approve, reason="seen", now=NOON)
    assert claim(connection) == []
    (reply,) = outbox.take(connection, "sandbox", "me", lambda _c, _r: "here", 9, NOON)
    assert reply.say is (Say.PICTURE if approve else Say.REFUSED_PICTURE)
    assert usage(connection).reserved == approve


def test_tickets_tell_place_and_time(connection: Connection, job: Job) -> None:
    def ticket(source_id: str) -> tuple[str, int | None, float | None]:
        found = line.ticket(connection, "sandbox", source_id, NOON + 4)
        assert found is not None
        return found.state, found.position, found.eta

    enter(connection, "2", "noor", count=2)
    assert ticket("2") == ("available", 2, None)
    (first, _second) = claim(connection)
    jobs.complete(connection, first, [PICTURE], NOON + 3)
    enter(connection, "3", "inés")
    assert jobs.pace(connection) == 3.0
    assert ticket("2") == ("executing", 0, 0.0), "any moment: the last took 3 s"
    assert ticket("3") == ("available", 1, 3.0)
    assert line.ticket(connection, "sandbox", "4", NOON) is None


def test_a_ticket_without_a_job_tells_received_refused_or_answered(
    connection: Connection,
) -> None:
    (one, two) = mentions.receive(
        connection, "sandbox", [a_mention("1"), a_mention("2")], "2", NOON
    )
    mentions.decide(connection, two.id, NOON)
    outbox.enqueue(connection, two.id, Say.NO_WISH, {}, NOON)
    states = [line.ticket(connection, "sandbox", post, NOON) for post in ("1", "2")]
    assert [ticket.state for ticket in states if ticket] == ["received", "answered"]
    mentions.decide(connection, one.id, NOON)
    outbox.enqueue(connection, one.id, Say.DAILY_QUOTA, {}, NOON)
    refused = line.ticket(connection, "sandbox", "1", NOON)
    assert refused is not None
    assert (refused.state, refused.reason) == ("refused", Say.DAILY_QUOTA)


async def test_queue_log_tells_the_story_in_words(store: Store) -> None:
    def act(c: Connection) -> None:
        enter(c, "1")
        (job,) = claim(c)
        jobs.complete(c, job, [PICTURE], NOON + 2)
        (reply,) = outbox.take(c, "sandbox", "me", lambda _c, _r: "Here it is.", 9, NOON)
        outbox.posted(c, reply, "99", NOON + 3)

    await store.write(act)
    row = await store.read(lambda c: dict(c.execute("SELECT * FROM queue_log").fetchone()))
    told = {key: row[key] for key in ("who", "platform", "prompt", "state", "reply", "charge")}
    assert told == {
        "who": "ada",
        "platform": "sandbox",
        "prompt": "a red fox",
        "state": "completed",
        "reply": "Here it is.",
        "charge": "settled",
    }
    assert row["asked_at"] == "2026-03-29 12:00:00"
    assert row["drawn_seconds"] == 2.0
    assert row["pictures"] == "0" * 64


def test_a_prompt_is_written_with_all_it_has() -> None:
    written = a_prompt().to_json()
    assert list(written) == [field.name for field in dataclasses.fields(Prompt)]
