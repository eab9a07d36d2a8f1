"""The controller on a real store: it limits, tells, lifts, and its estimates come true."""

from __future__ import annotations

import random

from data import jobs, journal, mentions, outbox, promises, putoff, terms
from data.store import Connection
from data.words import Effort, Event, Job, JobState, Picture, Refuse, Say, Tier
from ratelimit import control, melting, policy, quota
from ratelimit.admission import admit
from ratelimit.tiers import TERMS
from tests.conftest import NOON, a_mention, a_prompt, an_account

POLICIES = policy.load(["daily", "overload"])
PICTURE = Picture(sha256="0" * 64, media_type="image/png", width=8, height=8, seed=1, engine="test")


class Bot:
    """A day at the bot, with a clock of its own and an engine of one job at a time."""

    def __init__(self, c: Connection, seconds: float) -> None:
        self.c, self.now, self.seconds = c, NOON, seconds
        self.asked = 0
        self.free_at = NOON
        self.easel: list[Job] = []

    def ask(self, who: str = "") -> Refuse | None:
        self.asked += 1
        mention = a_mention(str(self.asked), who or f"guest{self.asked}")
        (received,) = mentions.receive(self.c, "sandbox", [mention], None, self.now)
        decision = admit(self.c, received, a_prompt(), 7, None, POLICIES, self.now)
        return decision if isinstance(decision, Refuse) else None

    def run(self, seconds: float, noise: random.Random | None = None) -> None:
        """Draw until then, and look every few seconds."""
        end, look = self.now + seconds, self.now + control.EVERY
        while self.now < end:
            self.now = min(look, self.free_at if self.easel else look, end)
            if self.easel and self.now >= self.free_at:
                for job in self.easel:
                    jobs.complete(self.c, job, [PICTURE], self.now)
                self.easel = []
            if not self.easel:
                self.easel = jobs.claim(self.c, "me", lambda ready: [ready[0].id], self.now)
                took = self.seconds * (noise.uniform(0.5, 1.5) if noise else 1.0)
                self.free_at = self.now + took
            if self.now >= look:
                control.tick(self.c, self.now, told_on=["sandbox"])
                look = self.now + control.EVERY


def test_when_it_melts_the_free_tier_is_limited_told_and_let_in_again(
    connection: Connection,
) -> None:
    bot = Bot(connection, seconds=2.0)
    for _ in range(20):
        bot.ask()
    bot.run(20)
    for _ in range(1500):
        assert bot.ask() is None
    bot.run(120)
    (limit,) = terms.in_force(connection)
    assert (limit.tier, limit.by) == (Tier.FREE, terms.MELTING)
    assert limit.until >= bot.now
    refused = bot.ask("late")
    assert refused is not None
    assert (refused.say, refused.retry_at) == (Say.OVERLOADED, limit.until)
    assert quota.of(connection, an_account("late"), bot.now).left == TERMS[Tier.FREE].daily
    assert bot.ask("again") is not None
    assert putoff.count(connection, Tier.FREE) == 2
    published = control.status(connection, bot.now)
    assert published["temporary_limits"][0]["tier"] == Tier.FREE
    assert published["tiers"][Tier.FREE]["steps"] == TERMS[Tier.FREE].floor.steps
    eased = jobs.claim(connection, "me", lambda ready: [ready[0].id], bot.now)
    assert [job.effort for job in eased] == [TERMS[Tier.FREE].floor]

    connection.execute("UPDATE jobs SET state = 'cancelled' WHERE state = 'available'")
    bot.run(900)
    assert terms.in_force(connection) == []
    assert control.tick(connection, bot.now + 60).rung == 0
    said = connection.execute("SELECT say FROM outbox WHERE say = 'open_again'").fetchall()
    assert len(said) == 2
    assert putoff.count(connection, Tier.FREE) == 0
    assert [change.what for change in terms.changes(connection)] == ["lift free", "limit free"]


def test_who_came_again_and_was_let_in_is_not_told_that_they_may(connection: Connection) -> None:
    terms.announce(connection, Tier.FREE, "melting", NOON + 600, terms.MELTING, NOON, backlog=1.0)
    bot = Bot(connection, seconds=2.0)
    assert bot.ask("ada") is None
    assert bot.ask("noor") is not None
    assert bot.ask("kenji") is not None
    assert putoff.expected(connection, Tier.FREE, NOON) == 2
    bot.run(4)
    assert bot.ask("noor") is None
    assert putoff.expected(connection, Tier.FREE, bot.now) == 1
    assert putoff.expected(connection, Tier.FREE, NOON + 600) == 0, "who hasn't come by then"
    bot.run(900)
    said = connection.execute("SELECT say FROM outbox WHERE say = 'open_again'").fetchall()
    assert len(said) == 1


def test_a_limit_stays_for_as_long_as_was_announced_and_puts_nobody_off_meanwhile(
    connection: Connection,
) -> None:
    bot = Bot(connection, seconds=2.0)
    bot.ask()
    bot.run(10)
    for _ in range(2600):
        bot.ask()
    bot.run(60)
    (limit,) = terms.in_force(connection)
    connection.execute("UPDATE jobs SET state = 'cancelled' WHERE state = 'available'")
    bot.run(limit.since + 590 - bot.now)
    (still,) = terms.in_force(connection)
    assert still.id == limit.id
    assert bot.ask() is None
    bot.run(30)
    assert terms.in_force(connection) == []


def test_a_limit_by_hand_is_in_force_until_its_end(connection: Connection) -> None:
    bot = Bot(connection, seconds=1.0)
    reason, end = "our GPUs are melting", NOON + 3600
    terms.announce(connection, Tier.FREE, reason, end, "sam", NOON, daily=1)
    assert bot.ask("ada") is None
    refused = bot.ask("ada")
    assert refused is not None
    assert (refused.facts["reason"], refused.retry_at) == (reason, end)
    assert quota.of(connection, an_account("ada"), NOON).daily == 1
    control.tick(connection, end)
    assert terms.in_force(connection) == []


def test_two_processes_do_not_look_at_the_same_time(connection: Connection) -> None:
    first = control.tick(connection, NOON)
    assert control.tick(connection, NOON + 1).at == first.at == NOON
    assert control.tick(connection, NOON + control.EVERY).at > NOON


def test_it_is_quiet_while_nobody_waits(connection: Connection) -> None:
    assert control.quiet(connection)
    bot = Bot(connection, seconds=1.0)
    bot.ask()
    assert not control.quiet(connection)
    bot.run(30)
    assert control.quiet(connection)


def test_the_memory_outlives_the_process(connection: Connection) -> None:
    bot = Bot(connection, seconds=2.0)
    bot.ask()
    bot.run(10)
    for _ in range(1000):
        bot.ask()
    bot.run(30)
    # What a process writes is all that the next one knows.
    state = control.tick(connection, bot.now + 60)
    assert state.rung > 0
    rungs = melting.ladder(TERMS)
    assert rungs[state.rung].efforts[Tier.FREE] != Effort()


def test_nine_of_ten_are_done_when_they_were_told(connection: Connection) -> None:
    bot, dice = Bot(connection, seconds=2.0), random.Random(7)
    for _ in range(1200):
        if dice.random() < 0.5:
            bot.ask()
        bot.run(dice.expovariate(1 / 2.5), dice)
    found = promises.coverage(connection)
    assert found.told > 300
    assert found.share is not None
    assert 0.85 <= found.share <= 0.95


def test_what_waits_too_long_is_dropped_refunded_and_told(connection: Connection) -> None:
    bot = Bot(connection, seconds=2.0)
    bot.ask("ada")
    bot.now += 3600
    bot.ask("noor")
    assert jobs.expire(connection, NOON + 1800, bot.now) == 1
    expired = jobs.by_source(connection, "sandbox", "1")
    assert expired is not None
    assert expired.state is JobState.EXPIRED
    assert quota.of(connection, an_account("ada"), bot.now).left == 3
    (reply,) = outbox.take(connection, "sandbox", "me", lambda _c, r: r.say, 9, bot.now)
    assert (reply.say, reply.facts["waited"]) == (Say.EXPIRED, 3600)
    events = [line.event for line in journal.story(connection, expired.mention_id)]
    assert events[-2:] == [Event.EXPIRE, Event.REPLY]
    assert not jobs.any_before(connection, NOON + 1800)
