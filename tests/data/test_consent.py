"""Asking whoever posted a photo: how often, by whom, and what a word taken back undoes."""

from __future__ import annotations

import dataclasses

import pytest

from data import audit, consent, erasure, jobs, mentions
from data.consent import DAY, OPEN, Answer
from data.store import Connection
from data.words import Account, Job, JobState, PhotoRef
from ratelimit.admission import admit
from tests.conftest import NOON, a_mention, a_prompt, an_account

PHOTO = "cd" * 32


def asked(c: Connection, number: str, asker: str, owner: str, now: float = NOON) -> int:
    """A wish of somebody's for somebody else's photo; the request's number."""
    mention = dataclasses.replace(
        a_mention(number, asker), photo=PhotoRef(ref="p", owner=owner), in_reply_to=f"of-{number}"
    )
    (received,) = mentions.receive(c, "sandbox", [mention], None, now)
    account = an_account(asker)
    return consent.ask(c, received.id, account, owner, now + 3_600, now, words=True)


def painted(c: Connection, request: int, photo: str = PHOTO) -> Job:
    """Its wish in the line, from that photo."""
    found = consent.request(c, request)
    assert found is not None
    mention = mentions.by_id(c, found.mention_id)
    assert mention is not None
    received = mentions.Received(id=found.mention_id, mention=mention)
    admit(c, received, a_prompt(), 7, photo, (), NOON)
    job = jobs.by_mention(c, found.mention_id)
    assert job is not None
    return job


def state(c: Connection, job: Job) -> JobState:
    found = jobs.by_id(c, job.id)
    assert found is not None
    return found.state


def test_nobody_is_pressed(connection: Connection) -> None:
    def may(asker: str, now: float = NOON + 1) -> bool:
        return consent.may_be_asked(connection, "sandbox", "bob", asker, now)

    first = asked(connection, "1", "ada", "bob")
    assert (may("ada"), may("carl")) == (False, True), "one question of a person at a time"
    for number in range(2, OPEN + 1):
        asked(connection, str(number), f"u{number}", "bob")
    assert not may("carl"), "and so many of all together"
    consent.answer(connection, first, Answer.REFUSED, NOON)
    assert (may("ada"), may("carl")) == (False, True), "a no is a no"
    assert may("ada", NOON + DAY + 1)
    consent.opt_out(connection, an_account("bob"), "bob", NOON)
    assert not may("carl")


def test_an_answer_counts_once_and_the_wish_goes_on_once(connection: Connection) -> None:
    number = asked(connection, "1", "ada", "bob")
    assert not consent.any_goes_on(connection, "sandbox", NOON)
    assert consent.answer(connection, number, Answer.AGREED, NOON)
    assert not consent.answer(connection, number, Answer.REFUSED, NOON)
    assert consent.any_goes_on(connection, "sandbox", NOON)
    (gone_on,) = consent.going_on(connection, "sandbox", NOON)
    assert gone_on.mention.source_id == "1"
    assert consent.going_on(connection, "sandbox", NOON) == []
    assert mentions.undecided(connection, "sandbox") == [gone_on], "until it is decided"


def test_no_answer_in_time_is_an_answer(connection: Connection) -> None:
    number = asked(connection, "1", "ada", "bob")
    assert consent.going_on(connection, "sandbox", NOON + 3_599) == []
    assert len(consent.going_on(connection, "sandbox", NOON + 3_600)) == 1
    request = consent.request(connection, number)
    assert request is not None
    assert request.answer is Answer.EXPIRED


def test_a_word_taken_back_ends_what_came_of_it_and_nothing_else(connection: Connection) -> None:
    requests = [asked(connection, str(n), who, "bob") for n, who in enumerate(("ada", "carl"))]
    for each in requests:
        consent.answer(connection, each, Answer.AGREED, NOON)
    by_ada, by_carl = (painted(connection, each) for each in requests)
    other = painted(connection, asked(connection, "9", "ada", "dora"), "ef" * 32)
    own = mentions.receive(connection, "sandbox", [a_mention("10", "bob")], None, NOON)[0]
    admit(connection, own, a_prompt(), 7, PHOTO, (), NOON)
    bobs = jobs.by_mention(connection, own.id)
    assert bobs is not None
    assert consent.stands(connection, by_ada)
    request = consent.request(connection, requests[0])
    assert request is not None
    assert consent.revoke(connection, request, an_account("bob"), NOON)
    assert not consent.revoke(connection, request, an_account("bob"), NOON)
    states = [state(connection, job) for job in (by_ada, by_carl, other, bobs)]
    cancelled, waits = JobState.CANCELLED, JobState.AVAILABLE
    assert states == [cancelled, cancelled, waits, waits]
    assert not consent.stands(connection, by_ada)


def test_an_opt_out_ends_what_was_agreed_to(connection: Connection) -> None:
    number = asked(connection, "1", "ada", "bob")
    consent.answer(connection, number, Answer.AGREED, NOON)
    request = consent.request(connection, number)
    assert request is not None
    job = painted(connection, number)
    assert consent.agreed(connection, "sandbox", request)
    consent.opt_out(connection, an_account("bob"), "bob", NOON)
    assert not consent.agreed(connection, "sandbox", request)
    assert not consent.stands(connection, job)


@pytest.mark.parametrize(("gone", "decided"), [("of-1", False), ("1", True), ("7", False)])
def test_a_deleted_post_is_a_no_or_the_end_of_the_wish(
    connection: Connection, gone: str, decided: bool
) -> None:
    number = asked(connection, "1", "ada", "bob")
    consent.post_gone(connection, "sandbox", gone, NOON)
    request = consent.request(connection, number)
    assert request is not None
    assert (request.answer is None) == (gone == "7")
    assert (mentions.undecided(connection, "sandbox") == []) == decided


def test_who_is_forgotten_asks_nobody_any_more(connection: Connection) -> None:
    number = asked(connection, "1", "ada", "bob")
    request = consent.request(connection, number)
    assert request is not None
    erasure.forget(connection, request.mention_id, NOON)
    assert consent.request_of(connection, request.mention_id) is not None
    assert consent.going_on(connection, "sandbox", NOON + 9_999) == []
    after = consent.request(connection, number)
    assert after is not None
    assert after.answer is Answer.EXPIRED


def test_people_are_found_by_their_tag_and_opting_out_is_in_the_books(
    connection: Connection,
) -> None:
    bob = Account(platform="sandbox", user_id="77", handle="bob")
    consent.opt_out(connection, bob, "sandbox:77", NOON)
    found = consent.opted_out_among(connection, "sandbox", set(), but="ada", ids={"77"})
    assert found == ("bob",)
    assert consent.opted_out_among(connection, "sandbox", set(), but="77", ids={"77"}) == ()
    (entry,) = audit.trail(connection, 9)
    assert (entry.act, entry.by) == (audit.Act.OPT_OUT, "sandbox:77")
