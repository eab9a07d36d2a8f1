"""Whatever happens to wishes, in whatever order: the ledger, the line and the outbox agree."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlite_utils import Database

from data import jobs, ledger, mentions, migrations, outbox
from data.store import connect
from data.words import ChargeState, Job, JobState, Outgoing, Picture, ReplyState, Say
from ratelimit import policy
from ratelimit.admission import admit
from ratelimit.tiers import DAILY
from tests.conftest import NOON, a_mention, a_prompt, an_account

PEOPLE = ("ada", "noor")
POLICIES = policy.load(["daily"])
PICTURE = Picture(sha256="0" * 64, media_type="image/png", width=8, height=8, seed=1, engine="test")
HOUR = 3600.0


class Story(RuleBasedStateMachine):
    """Acts are tried on jobs in any state: those that don't apply must change nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = contextlib.ExitStack()
        folder = self._stack.enter_context(tempfile.TemporaryDirectory())
        self.c = self._stack.enter_context(contextlib.closing(connect(Path(folder) / "a.db")))
        migrations.apply(Database(self.c))
        self.c.execute("BEGIN IMMEDIATE")
        self.now = NOON
        self.numbers = itertools.count(1)
        self.seen: list[Job] = []
        self.sent: list[Outgoing] = []

    def teardown(self) -> None:
        self._stack.close()

    @rule(who=st.sampled_from(PEOPLE), count=st.integers(1, 4))
    def ask(self, who: str, count: int) -> None:
        number = str(next(self.numbers))
        (received,) = mentions.receive(self.c, "sandbox", [a_mention(number, who)], None, self.now)
        for _ in range(2):
            admit(self.c, received, a_prompt(count=count), 7, None, POLICIES, self.now)

    @rule(most=st.integers(1, 3), owner=st.sampled_from(["me", "dead"]))
    def claim(self, most: int, owner: str) -> None:
        def choose(ready: Sequence[Job]) -> list[int]:
            return [job.id for job in ready[:most]]

        self.seen += jobs.claim(self.c, owner, choose, self.now)

    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        if self.seen:
            jobs.complete(self.c, data.draw(st.sampled_from(self.seen)), [PICTURE], self.now)

    @rule(data=st.data(), how=st.sampled_from(["discard", "retry", "hold", "cancel"]))
    def turn(self, data: st.DataObject, how: str) -> None:
        if not self.seen:
            return
        job = data.draw(st.sampled_from(self.seen))
        if how == "discard":
            jobs.discard(self.c, job, Say.FAILED, "broken", self.now)
        elif how == "retry":
            jobs.retry(self.c, job, "broken", self.now + 5, self.now)
        elif how == "hold":
            jobs.hold(self.c, job, "look", self.now, [PICTURE])
        else:
            jobs.cancel(self.c, job, self.now)

    @rule(approve=st.booleans())
    def look_at_held(self, approve: bool) -> None:
        for job in jobs.held(self.c, 1):
            jobs.unhold(self.c, job.id, approve=approve, reason="seen", now=self.now)

    @rule()
    def rescue(self) -> None:
        jobs.rescue(self.c, lambda owner: owner == "me", self.now)

    @rule()
    def send(self) -> None:
        self.sent += outbox.take(self.c, "sandbox", "me", lambda _c, _r: "text", 2, self.now)

    @rule(data=st.data(), how=st.sampled_from(["posted", "postpone", "park"]))
    def answer(self, data: st.DataObject, how: str) -> None:
        """Only the process that is sending a reply may say what became of it."""
        if not self.sent:
            return
        reply = self.sent.pop(data.draw(st.integers(0, len(self.sent) - 1)))
        if how == "posted":
            outbox.posted(self.c, reply, f"post-{reply.id}", self.now)
        elif how == "postpone":
            outbox.postpone(self.c, reply, self.now + 5, "down", self.now)
        else:
            outbox.park(self.c, reply, "gone", self.now)

    @rule(data=st.data())
    def recall(self, data: st.DataObject) -> None:
        if self.seen:
            outbox.recall(self.c, data.draw(st.sampled_from(self.seen)).id, self.now)

    @rule(seconds=st.sampled_from([1.0, 10.0, 7 * HOUR]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def every_charge_is_where_its_job_is(self) -> None:
        rows = self.c.execute(
            "SELECT j.state AS job, o.state AS reply, o.say AS say, c.state AS charge"
            " FROM jobs j LEFT JOIN outbox o ON o.mention_id = j.mention_id"
            " JOIN charges c ON c.job_id = j.id"
        ).fetchall()
        for row in rows:
            expected = _expected(JobState(row["job"]), row["reply"])
            assert row["charge"] == expected, dict(row)

    @invariant()
    def every_job_has_its_charge(self) -> None:
        (bare,) = self.c.execute(
            "SELECT count(*) FROM jobs WHERE id NOT IN (SELECT job_id FROM charges)"
        ).fetchone()
        assert bare == 0

    @invariant()
    def nobody_is_over_quota(self) -> None:
        for who in PEOPLE:
            used = ledger.usage(self.c, an_account(who), self.now).spoken_for
            assert used <= DAILY[ledger.tier_of(self.c, an_account(who))]


def _expected(job: JobState, reply: str | None) -> ChargeState:
    if job is JobState.COMPLETED:
        if reply == ReplyState.POSTED:
            return ChargeState.SETTLED
        return ChargeState.RELEASED if reply == ReplyState.PARKED else ChargeState.RESERVED
    ended = job in (JobState.DISCARDED, JobState.CANCELLED, JobState.EXPIRED)
    return ChargeState.RELEASED if ended else ChargeState.RESERVED


TestStory = Story.TestCase
TestStory.settings = settings(
    max_examples=120,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
