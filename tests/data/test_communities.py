"""Servers' policies, purchases, and what an account may have of its data."""

from __future__ import annotations

import dataclasses

import pytest

from data import (
    entitlements,
    erasure,
    guilds,
    jobs,
    journal,
    ledger,
    marks,
    mentions,
    outbox,
    terms,
    usage,
)
from data.entitlements import Entitlement
from data.guilds import Policy
from data.mentions import Received
from data.store import Connection
from data.words import Event, Mention, Prompt, Say, Tier
from ratelimit.tiers import TERMS
from tests.conftest import NOON, a_mention, a_prompt, an_account

ADA = an_account()
HOUR = 3_600.0


def received(
    c: Connection, source_id: str = "1", guild: str | None = None, **address: object
) -> Received:
    mention = dataclasses.replace(a_mention(source_id), guild=guild, address=dict(address))
    (one,) = mentions.receive(c, "sandbox", [mention], None, NOON)
    return one


def job_of(c: Connection, one: Received) -> int:
    mentions.decide(c, one.id, NOON)
    number = jobs.insert(c, one.id, one.mention, Tier.FREE, a_prompt(count=2), 7, None, NOON)
    ledger.reserve(c, number, ADA, 2, NOON, circle=one.mention.circle)
    return number


def test_a_mention_carries_a_form_and_an_address(connection: Connection) -> None:
    asked = dataclasses.replace(
        a_mention(), prompt=Prompt(wish="a fox", ignored=("--x",)), about=3, address={"token": "t"}
    )
    mentions.receive(connection, "sandbox", [asked], None, NOON)
    kept = mentions.by_source(connection, "sandbox", "1")
    assert kept is not None
    assert kept.mention == asked


def test_a_mention_of_an_older_version_is_still_read() -> None:
    fields = a_mention().to_json()
    for name in ("prompt", "about", "picture", "language", "address", "guild", "adults"):
        del fields[name]
    assert Mention.from_json(fields) == a_mention()


def test_the_way_back_is_learnt_and_unlearnt(connection: Connection) -> None:
    received(connection, token="t", channel="5")
    mentions.learn(connection, "sandbox", "1", {"message": "9", "token": None})
    kept = mentions.by_source(connection, "sandbox", "1")
    assert kept is not None
    assert kept.mention.address == {"channel": "5", "message": "9"}


def test_those_who_wait_are_known_until_they_have_their_reply(connection: Connection) -> None:
    one = received(connection)
    number = job_of(connection, one)
    assert mentions.awaited(connection, "sandbox", NOON) == [one.mention]
    outbox.enqueue(connection, one.id, Say.PICTURE, {}, NOON, job_id=number)
    assert mentions.awaited(connection, "sandbox", NOON)
    (reply,) = outbox.take(connection, "sandbox", "me", lambda _c, _r: "", 9, NOON)
    outbox.posted(connection, reply, "p", NOON)
    assert mentions.awaited(connection, "sandbox", NOON) == []
    assert mentions.awaited(connection, "sandbox", NOON + 1) == []


def test_a_click_counts_anew_once_it_had_its_answer(connection: Connection) -> None:
    key = "again:7:ada"
    assert mentions.repeats(connection, "sandbox", key) == 0
    one = received(connection, f"{key}:0")
    received(connection, "again:7:adam:0")
    assert mentions.repeats(connection, "sandbox", key) == 0
    mentions.decide(connection, one.id, NOON)
    outbox.enqueue(connection, one.id, Say.NO_WISH, {}, NOON)
    assert mentions.repeats(connection, "sandbox", key) == 0
    (reply,) = outbox.take(connection, "sandbox", "me", lambda _c, _r: "", 9, NOON)
    outbox.posted(connection, reply, "p", NOON)
    assert mentions.repeats(connection, "sandbox", key) == 1


def test_a_message_that_stands_in_names_its_job(connection: Connection) -> None:
    number = job_of(connection, received(connection, message="9"))
    found = jobs.by_stand_in(connection, "sandbox", "9")
    assert found is not None
    assert found.id == number
    assert jobs.by_stand_in(connection, "sandbox", "8") is None


@pytest.mark.parametrize(
    ("quiet", "hour", "is_quiet"),
    [((22, 6), 23, True), ((22, 6), 5, True), ((22, 6), 6, False), ((1, 3), 2, True), (None, 2, 0)],
)
def test_quiet_hours_may_span_midnight(
    quiet: tuple[int, int] | None, hour: int, is_quiet: bool
) -> None:
    policy = Policy(quiet=quiet)
    now = NOON // 86_400 * 86_400 + hour * HOUR + 60
    assert policy.quiet_at(now) == bool(is_quiet)
    if quiet:
        over = policy.quiet_until(now)
        assert over > now
        assert over // HOUR % 24 == quiet[1]


def test_a_policy_is_the_servers_own(connection: Connection) -> None:
    wanted = Policy(channels=("5",), quiet=(1, 2), member_limit=3)
    guilds.set_policy(connection, "discord", "g", wanted)
    assert guilds.policy(connection, "discord", "g") == wanted
    assert guilds.policy(connection, "discord", "other") == Policy()


def test_pictures_are_counted_by_server_and_day(connection: Connection) -> None:
    number = job_of(connection, received(connection, guild="g"))
    job_of(connection, received(connection, "2", guild="other"))
    assert guilds.pictures_today(connection, ADA, "g", NOON) == 2
    ledger.release(connection, number, NOON)
    assert guilds.pictures_today(connection, ADA, "g", NOON) == 0


def test_a_purchase_gives_its_tier_until_it_ends(connection: Connection) -> None:
    plus = Entitlement(id="1", account=ADA, tier=Tier.PLUS, ends_at=NOON + HOUR)
    pro = Entitlement(id="2", account=ADA, tier=Tier.PRO, ends_at=NOON + 60)
    entitlements.note(connection, [plus, pro], NOON)
    assert ledger.tier_of(connection, ADA) is Tier.PRO
    assert not entitlements.due(connection, NOON + 59)
    assert entitlements.expire(connection, NOON + 60) == 1
    assert ledger.tier_of(connection, ADA) is Tier.PLUS
    assert entitlements.expire(connection, NOON + 2 * HOUR) == 1
    assert ledger.tier_of(connection, ADA) is Tier.FREE


def test_a_purchase_nobody_told_the_end_of_ends_with_the_reconciling(
    connection: Connection,
) -> None:
    bob = an_account("bob")
    ledger.set_tier(connection, bob, Tier.EDU, NOON)
    entitlements.note(connection, [Entitlement(id="1", account=ADA, tier=Tier.PLUS)], NOON)
    entitlements.reconcile(connection, "sandbox", [], NOON)
    assert ledger.tier_of(connection, ADA) is Tier.FREE
    assert ledger.tier_of(connection, bob) is Tier.EDU


def test_the_end_of_a_purchase_takes_nothing_away_that_was_given_otherwise(
    connection: Connection,
) -> None:
    def counts(now: float) -> Tier:
        mention = Mention(platform="sandbox", source_id="", account=ADA, text="", created_at=now)
        return usage.look(connection, mention, TERMS, now)[0]

    terms.assign(connection, ADA, Tier.PRO, "sam", "she helps", NOON, until=NOON + 3 * HOUR)
    bought = Entitlement(id="1", account=ADA, tier=Tier.PLUS, ends_at=NOON + HOUR)
    entitlements.note(connection, [bought], NOON)
    assert counts(NOON) is ledger.tier_of(connection, ADA, NOON) is Tier.PRO
    assert entitlements.expire(connection, NOON + HOUR) == 1
    assert counts(NOON + HOUR) is Tier.PRO
    # And the other way round: what was given ends, what was bought stays.
    again = Entitlement(id="2", account=ADA, tier=Tier.PLUS, ends_at=NOON + 9 * HOUR)
    entitlements.note(connection, [again], NOON + 2 * HOUR)
    assert counts(NOON + 2 * HOUR) is Tier.PRO
    assert counts(NOON + 3 * HOUR) is Tier.PLUS
    terms.assign_circle(connection, "sandbox", Tier.TEAM, "sam", "a gift", NOON)
    assert counts(NOON + 3 * HOUR) is Tier.TEAM
    terms.assign_circle(connection, "sandbox", None, "sam", "over", NOON)
    assert counts(NOON + 9 * HOUR) is Tier.PLUS, "until somebody looks for what has ended"
    entitlements.expire(connection, NOON + 9 * HOUR)
    assert counts(NOON + 9 * HOUR) is Tier.FREE


def test_what_was_let_pass_on_a_condition_is_known(connection: Connection) -> None:
    one = received(connection)
    journal.note(connection, one.id, Event.VERDICT, NOON, ruling="allow")
    assert not journal.softened(connection, one.id)
    journal.note(connection, one.id, Event.VERDICT, NOON, ruling="soften")
    assert journal.softened(connection, one.id)


def test_ones_own_data_can_be_had_and_then_is_gone(connection: Connection) -> None:
    one = received(connection, token="secret")
    job_of(connection, one)
    (kept,) = erasure.export(connection, ADA)
    assert kept["prompt"] == "a red fox"
    assert erasure.of_account(connection, ADA) == [one.id]
    erasure.forget(connection, one.id, NOON)
    assert erasure.of_account(connection, ADA) == []
    left = str([tuple(row) for row in connection.execute("SELECT * FROM mentions")])
    assert "secret" not in left
    assert "red fox" not in left


def test_a_mark_is_one_text_under_a_name(connection: Connection) -> None:
    assert marks.read(connection, "a/b") is None
    marks.write(connection, "a/b", "1")
    marks.write(connection, "a/b", "2")
    assert marks.read(connection, "a/b") == "2"
