"""The desk: holds that follow their jobs, decisions, bans, cases, each in one act."""

from __future__ import annotations

import pytest

from data import (
    audit,
    bans,
    cases,
    consent,
    desk,
    jobs,
    ledger,
    mentions,
    outbox,
    removals,
    standards,
    verdicts,
)
from data.cases import Outcome
from data.desk import Decided
from data.store import Connection
from data.words import (
    JobState,
    Ladder,
    Mention,
    Prompt,
    Ruling,
    Say,
    Tier,
    Usage,
    Verdict,
)
from ratelimit.admission import admit
from tests.conftest import NOON, a_mention, a_prompt, an_account
from tests.wishes import PICTURE, SEALED, SEVERE, WRONG, drawn, posted, wish

LADDER = Ladder(days=30, steps=((2, 600.0), (3, 3_600.0)))


def state(c: Connection, job_id: int) -> JobState:
    job = jobs.by_id(c, job_id)
    assert job is not None
    return job.state


def usage(c: Connection, who: str = "ada") -> Usage:
    return ledger.usage(c, an_account(who), NOON)


def said(c: Connection, job_id: int) -> list[tuple[str, str]]:
    rows = c.execute("SELECT say, facts FROM outbox WHERE job_id = ?", (job_id,))
    return [(row["say"], row["facts"]) for row in rows]


class TestHolds:
    def test_a_hold_knows_why_and_since_when(self, connection: Connection) -> None:
        wish(connection, "1")
        (hold,) = desk.waiting(connection, 9, NOON)
        assert (hold.rule, hold.needed, hold.held_at) == ("violence.close", 1, NOON)
        assert hold.job.reason == "doubt"

    def test_approved_words_go_into_the_line(self, connection: Connection) -> None:
        wish(connection, "1")
        assert desk.approve(connection, 1, "bo", "fine", NOON) is Decided.APPROVED
        assert state(connection, 1) is JobState.AVAILABLE
        assert usage(connection).reserved == 1
        assert desk.waiting(connection, 9, NOON) == []
        assert desk.approve(connection, 1, "bo", "fine", NOON) is Decided.NOT_HELD

    def test_an_approved_picture_is_out_at_once(self, connection: Connection) -> None:
        job_id = drawn(connection, "1", held=True)
        desk.approve(connection, job_id, "bo", "fine", NOON)
        assert [say for say, _ in said(connection, job_id)] == [Say.PICTURE]
        assert [rate.overturned for rate in verdicts.rates(connection, 0)] == [1]

    def test_rejected_is_refunded_and_told_why(self, connection: Connection) -> None:
        job_id = drawn(connection, "1", held=True)
        assert desk.reject(connection, job_id, "bo", "too cruel", NOON) is Decided.REJECTED
        assert state(connection, job_id) is JobState.DISCARDED
        assert usage(connection).spoken_for == 0
        ((say, facts),) = said(connection, job_id)
        assert say == Say.REFUSED_PICTURE
        assert "too cruel" in facts

    def test_what_is_severe_needs_two(self, connection: Connection) -> None:
        wish(connection, "1", verdict=SEVERE)
        assert desk.approve(connection, 1, "bo", "", NOON) is Decided.SECOND_NEEDED
        assert desk.approve(connection, 1, "bo", "", NOON) is Decided.SAID_BEFORE
        assert state(connection, 1) is JobState.HELD
        assert desk.approve(connection, 1, "cy", "", NOON) is Decided.APPROVED
        assert state(connection, 1) is JobState.AVAILABLE

    def test_one_is_enough_to_reject_what_is_severe(self, connection: Connection) -> None:
        wish(connection, "1", verdict=SEVERE)
        desk.approve(connection, 1, "bo", "", NOON)
        assert desk.reject(connection, 1, "cy", "no", NOON) is Decided.REJECTED

    def test_a_second_hold_of_a_job_starts_from_nothing(self, connection: Connection) -> None:
        wish(connection, "1", verdict=SEVERE)
        desk.approve(connection, 1, "bo", "", NOON)
        desk.approve(connection, 1, "cy", "", NOON)
        (job,) = jobs.claim(connection, "me", lambda ready: [ready[0].id], NOON)
        jobs.hold(connection, job, "the picture", NOON + 9, [PICTURE])
        (hold,) = desk.waiting(connection, 9, NOON)
        assert (hold.approvals, hold.held_at) == ((), NOON + 9)

    def test_whoever_takes_a_held_wish_back_ends_its_hold(self, connection: Connection) -> None:
        wish(connection, "1")
        job = jobs.by_id(connection, 1)
        assert job is not None
        assert jobs.cancel(connection, job, NOON)
        assert desk.waiting(connection, 9, NOON) == []

    def test_what_nobody_looks_at_is_refused_and_refunded(self, connection: Connection) -> None:
        wish(connection, "1")
        assert desk.expire(connection, 3_600, "nobody could look", NOON + 3_599) == 0
        assert desk.expire(connection, 3_600, "nobody could look", NOON + 3_600) == 1
        assert state(connection, 1) is JobState.DISCARDED
        assert usage(connection).spoken_for == 0
        assert [entry.act for entry in audit.trail(connection, 9)] == ["expire"]

    def test_overdue_holds_are_counted(self, connection: Connection) -> None:
        wish(connection, "1")
        assert desk.overdue(connection, 60, NOON + 59) == (0, None)
        assert desk.overdue(connection, 60, NOON + 60) == (1, NOON)

    def test_the_wait_is_told_from_what_it_was(self, connection: Connection) -> None:
        for n in range(3):
            wish(connection, str(n))
        assert desk.eta(connection, 3, NOON) is None
        desk.approve(connection, 1, "bo", "", NOON + 400)
        desk.reject(connection, 2, "bo", "no", NOON + 800)
        assert desk.service_seconds(connection) == 800
        assert desk.eta(connection, 3, NOON + 100) == 700
        assert desk.eta(connection, 3, NOON + 9_000) == 200

    def test_a_claim_tells_others_and_runs_out(self, connection: Connection) -> None:
        wish(connection, "1")
        assert desk.claim(connection, 1, "bo", NOON) is None
        assert desk.claim(connection, 1, "cy", NOON + 1) == "bo"
        assert desk.waiting(connection, 9, NOON + 1)[0].claimed_by == "bo"
        assert desk.claim(connection, 1, "cy", NOON + desk.CLAIM) is None

    def test_drawn_anew_it_loses_its_pictures(self, connection: Connection) -> None:
        job_id = drawn(connection, "1", held=True)
        assert desk.rerun(connection, job_id, "bo", "once more", NOON)
        assert state(connection, job_id) is JobState.AVAILABLE
        assert jobs.pictures(connection, job_id) == []


class TestBans:
    def test_a_ban_cancels_and_refunds_all_that_waits(self, connection: Connection) -> None:
        other = posted(connection, "4", "bob")
        wish(connection, "1", verdict=None)
        wish(connection, "2")
        unposted = drawn(connection, "3")
        assert bans.ban(connection, an_account(), None, "spam", "bo", NOON) == 3
        assert usage(connection) == Usage(day="2026-03-29", reserved=0, settled=0)
        assert state(connection, other + 1) is JobState.CANCELLED
        assert outbox.next_due(connection, "sandbox") is None
        assert jobs.unanswered(connection, an_account()) == []
        assert state(connection, unposted) is JobState.COMPLETED
        assert usage(connection, "bob").settled == 1
        assert state(connection, other) is JobState.COMPLETED

    def test_it_stands_until_its_end_or_until_lifted(self, connection: Connection) -> None:
        ada = an_account()
        bans.ban(connection, ada, NOON + 60, "calm down", "bo", NOON)
        bans.ban(connection, ada, NOON + 90, "calm down", "bo", NOON)
        longest = bans.standing(connection, "sandbox", "ada", NOON)
        assert longest is not None
        assert longest.until == NOON + 90
        assert bans.standing(connection, "sandbox", "ada", NOON + 90) is None
        assert bans.standing(connection, "sandbox", "bob", NOON) is None
        bans.ban(connection, ada, None, "enough", "bo", NOON)
        assert [ban.until for ban in bans.in_force(connection, NOON + 99, 9)] == [None]
        assert bans.lift(connection, ada, "cy", "sorry", NOON + 99) == 1
        assert bans.standing(connection, "sandbox", "ada", NOON + 99) is None
        assert len(bans.history(connection, "sandbox", "ada")) == 3

    def test_strikes_lengthen_the_time_out_and_fade(self, connection: Connection) -> None:
        ada = an_account()
        ends = []
        for n in range(3):
            number = wish(connection, str(n), verdict=WRONG)
            ends.append(bans.strike(connection, ada, number, "sexual.bare", LADDER, NOON + n))
        assert ends == [None, NOON + 1 + 600, NOON + 2 + 3_600]
        again = bans.strike(connection, ada, number, "sexual.bare", LADDER, NOON + 9)
        assert again is None, "one wish is one strike"
        later = NOON + 31 * 86_400
        assert bans.strikes(connection, "sandbox", "ada", later, LADDER) == 0


class TestCases:
    def test_an_upheld_report_takes_the_picture_down(self, connection: Connection) -> None:
        job_id = posted(connection, "1")
        job = jobs.by_id(connection, job_id)
        assert job is not None
        bob = an_account("bob")
        case = cases.report(connection, bob, job.mention_id, "not nice", NOON, job_id=job_id)
        again = cases.report(connection, bob, job.mention_id, "really", NOON, job_id=job_id)
        assert again == case
        assert [one.words for one in cases.waiting(connection, 9)] == ["not nice"]
        assert cases.close(connection, case, Outcome.UPHELD, "bo", "not nice", NOON)
        assert not cases.close(connection, case, Outcome.DISMISSED, "cy", "late", NOON)
        (removal,) = removals.take(connection, "sandbox", 9, NOON, NOON + 60)
        assert removal.post_id == "post-1"
        assert removals.take(connection, "sandbox", 9, NOON, NOON + 60) == []
        removals.done(connection, "sandbox", removal, NOON)
        assert outbox.standing_post(connection, job_id) is None
        assert not removals.due(connection, "sandbox", NOON + 99)

    def test_an_overturned_removal_is_refunded(self, connection: Connection) -> None:
        job_id = posted(connection, "1")
        job = jobs.by_id(connection, job_id)
        assert job is not None
        desk.remove(connection, job_id, "bo", "not nice", NOON)
        case = cases.appeal(connection, an_account(), job.mention_id, "why?", NOON, job_id=job_id)
        assert case is not None
        assert usage(connection).settled == 1
        cases.close(connection, case, Outcome.OVERTURNED, "cy", "it was fine", NOON)
        assert usage(connection).spoken_for == 0

    def test_an_overturned_refusal_is_a_false_alarm_and_no_strike(
        self, connection: Connection
    ) -> None:
        ada = an_account()
        first = wish(connection, "1", verdict=WRONG)
        second = wish(connection, "2", verdict=WRONG)
        bans.strike(connection, ada, first, WRONG.rule, LADDER, NOON)
        assert bans.strike(connection, ada, second, WRONG.rule, LADDER, NOON)
        case = cases.appeal(connection, ada, second, "it is a cake", NOON)
        assert case is not None
        cases.close(connection, case, Outcome.OVERTURNED, "bo", "a cake", NOON)
        assert bans.standing(connection, "sandbox", "ada", NOON) is None
        assert bans.strikes(connection, "sandbox", "ada", NOON, LADDER) == 1
        (rate,) = verdicts.rates(connection, 0)
        assert (rate.hits, rate.overturned, rate.false_alarms) == (2, 1, 0.5)

    def test_only_its_asker_appeals_and_only_against_something(
        self, connection: Connection
    ) -> None:
        refused = wish(connection, "1", verdict=WRONG)
        fine = wish(connection, "2", verdict=None)
        assert cases.appeal(connection, an_account("bob"), refused, "", NOON) is None
        assert cases.appeal(connection, an_account(), fine, "", NOON) is None


class TestConsent:
    def test_the_pictured_poster_may_take_it_away(self, connection: Connection) -> None:
        photo = {"ref": "r", "owner": "bob"}
        mention = Mention.from_json(
            {**a_mention("1").to_json(), "photo": None, "parent_photo": photo}
        )
        (received,) = mentions.receive(connection, "sandbox", [mention], None, NOON)
        admit(connection, received, a_prompt(), 7, "cd" * 32, (), NOON)
        job = jobs.by_id(connection, 1)
        assert job is not None
        assert consent.is_pictured(connection, job, an_account("bob"))
        assert not consent.is_pictured(connection, job, an_account("carl"))

    def test_opting_out_and_in(self, connection: Connection) -> None:
        bob = an_account("bob")
        consent.opt_out(connection, bob, "bob", NOON)
        found = consent.opted_out_among(connection, "sandbox", {"BOB", "knight"}, but="ada")
        assert found == ("bob",)
        assert consent.opted_out_among(connection, "sandbox", {"bob"}, but="bob") == ()
        assert consent.has_opted_out(connection, "sandbox", "bob")
        assert consent.opt_in(connection, bob, "bob", NOON)
        assert not consent.has_opted_out(connection, "sandbox", "bob")


def test_the_particular_standard_wins(connection: Connection) -> None:
    def draw(scope: str, value: float | None) -> None:
        standards.set_threshold(connection, scope, "nsfw.hold", value, "bo", "why", NOON)

    draw("everyone", 0.4)
    draw("guild:7", 0.6)
    everyone = standards.scopes(Tier.FREE, None, adults=False)
    guild = standards.scopes(Tier.FREE, "7", adults=True)
    assert standards.thresholds(connection, everyone) == {"nsfw.hold": 0.4}
    assert standards.thresholds(connection, guild) == {"nsfw.hold": 0.6}
    draw("guild:7", None)
    assert standards.thresholds(connection, guild) == {"nsfw.hold": 0.4}
    changes = [entry.detail for entry in audit.trail(connection, 9)]
    assert changes[0] == {"before": 0.6, "after": None}


def test_patterns_come_and_go_with_an_audit_row_each(connection: Connection) -> None:
    number = standards.add_pattern(connection, "7", "coin", Ruling.HOLD, "bo", "spam", NOON)
    assert [one.pattern for one in standards.patterns(connection, "7")] == ["coin"]
    assert standards.patterns(connection, "8") == []
    assert standards.remove_pattern(connection, number, "bo", "over", NOON)
    assert not standards.remove_pattern(connection, number, "bo", "over", NOON)
    assert standards.patterns(connection, "7") == []
    assert len(audit.trail(connection, 9)) == 2


@pytest.mark.parametrize("verdict", [WRONG, SEALED])
def test_sealed_wishes_are_told_apart_and_can_be_blanked(
    connection: Connection, verdict: Verdict
) -> None:
    number = wish(connection, "1", verdict=verdict)
    assert verdicts.is_sealed(connection, number) is verdict.sealed
    logged = connection.execute("SELECT asked, rule FROM queue_log").fetchone()
    assert (bool(logged["asked"]), logged["rule"]) == (not verdict.sealed, verdict.rule)
    verdicts.blank_sealed(connection)
    row = connection.execute("SELECT json_extract(payload, '$.text') AS text FROM mentions")
    assert bool(row.fetchone()["text"]) is not verdict.sealed


def test_past_wishes_can_be_asked_again_without_the_sealed(connection: Connection) -> None:
    from data import journal
    from data.words import Event

    for n, verdict in enumerate((None, WRONG, SEALED)):
        number = wish(connection, str(n), verdict=verdict)
        prompt = Prompt(wish=f"wish {n}")
        journal.note(connection, number, Event.PROMPT, NOON, **prompt.to_json())
    found = [(one.prompt.wish, one.stopped) for one in verdicts.asked(connection, 9)]
    assert found == [("wish 1", True), ("wish 0", False)]
