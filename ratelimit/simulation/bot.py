"""The bot as the simulation meets it: the acts that decide in earnest, on a real database.

The database is thrown away afterwards, so nothing is flushed, and a thousand acts
share a transaction: time stands still for each of them anyway.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from data import jobs, ledger, mentions, outbox, promises, terms
from data.store import Connection, connect, migrate
from data.words import (
    Account,
    ChargeState,
    Decision,
    Job,
    Mention,
    Picture,
    Prompt,
    Say,
    TemporaryLimit,
    Tier,
)
from ratelimit import control, policy
from ratelimit.admission import Wish, admit_all
from ratelimit.simulation.scenario import Scenario

PLATFORM = "simulation"
OWNER = "simulated"

#: Acts in one transaction.
GROUP = 5_000

#: Tries of one drawing, and seconds until the second.
ATTEMPTS = 3
BACKOFF = 5.0

_PROMPT = Prompt(wish="a red fox")
_PICTURE = Picture(
    sha256="0" * 64, media_type="image/jpeg", width=1024, height=1024, seed=1, engine="simulated"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A wish and who has it: of which tier, in which guild if in any, and when it was said.

    `number` is its own.
    """

    number: int
    name: str
    tier: Tier
    guild: str | None
    photo: str | None
    at: float


class Bot:
    """Asks go in, batches come out. Times are UNIX seconds."""

    def __init__(self, path: Path, scenario: Scenario) -> None:
        self._policies = policy.load(scenario.policies)
        migrate(path)
        self._c: Connection = connect(path)
        self._c.execute("PRAGMA journal_mode = OFF")
        self._c.execute("PRAGMA synchronous = OFF")
        self._c.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._c.execute("PRAGMA cache_size = -262144")
        self._c.execute("BEGIN IMMEDIATE")
        self._acts = 0
        self._known: set[str] = set()
        for tier, deal in scenario.tiers.items():
            given = deal.given(scenario.began)
            terms.set_tier(self._c, tier, given, PLATFORM, scenario.title, scenario.began)

    def ask(self, asked: Sequence[Asked], now: float) -> list[Decision]:
        """Mentions that came together, from the inbox to their decisions."""
        for one in asked:
            if one.tier is not Tier.FREE and one.name not in self._known:
                self._known.add(one.name)
                ledger.set_tier(self._c, _account(one), one.tier, now)
        came = mentions.receive(self._c, PLATFORM, [_mention(one) for one in asked], None, now)
        wishes = [
            Wish(received, _PROMPT, one.number, one.photo)
            for received, one in zip(came, asked, strict=True)
        ]
        self._acted()
        return [
            decision
            for decision in admit_all(self._c, wishes, self._policies, now)
            if decision is not None  # each mention is new
        ]

    def claim(self, largest: int, now: float) -> list[Job]:
        """The next batch: the head of the line and what can be drawn with it."""
        batch = jobs.claim(self._c, OWNER, lambda ready: _together(ready, largest), now)
        self._acted()
        return batch

    def finish(self, batch: Sequence[Job], failed: Collection[int], now: float) -> dict[int, float]:
        """End a batch, in which the jobs with these numbers came to nothing.

        Returns when those that are tried again may be, by their numbers.
        """
        again = {}
        for job in batch:
            if job.id not in failed:
                jobs.complete(self._c, job, [_PICTURE] * job.prompt.count, now)
            elif job.attempts < ATTEMPTS:
                again[job.id] = now + BACKOFF * 4.0 ** (job.attempts - 1)
                jobs.retry(self._c, job, "the drawing failed", again[job.id], now)
            else:
                jobs.discard(self._c, job, Say.FAILED, "the drawing failed", now)
        self._acted()
        return again

    def post(self, now: float) -> None:
        """Every reply that waits is posted; what was delivered is charged."""
        while taken := outbox.take(self._c, PLATFORM, OWNER, lambda _c, reply: reply.say, 500, now):
            for reply in taken:
                outbox.posted(self._c, reply, str(reply.id), now)
        self._acted()

    def look(self, now: float) -> int | None:
        """The controller looks at the line, and acts; the rung it stands on.

        None where there is nothing to look at, until somebody asks.
        """
        if control.quiet(self._c):
            return None
        self._acted()
        return control.tick(self._c, now).rung

    def expire(self, before: float, now: float) -> None:
        """Let go of what has waited since `before`."""
        while jobs.any_before(self._c, before):
            jobs.expire(self._c, before, now)
        self._acted()

    def limits(self) -> list[TemporaryLimit]:
        """All temporary limits there were."""
        return terms.limits_since(self._c, 0.0)

    def flaws(self) -> list[str]:
        """What is wrong with the ledger: nothing, one hopes."""
        return ledger.audit(self._c)

    def charged(self) -> int:
        """The units that people paid."""
        return ledger.totals(self._c).get(ChargeState.SETTLED, 0)

    def waiting(self) -> bool:
        """Whether anything is in line, to be drawn now or later."""
        return jobs.waiting(self._c, math.inf)

    def promised(self) -> list[promises.Kept]:
        """What was told of when a picture would come, and when it came."""
        return promises.kept(self._c)

    def close(self) -> None:
        self._c.execute("COMMIT")
        self._c.close()

    def _acted(self) -> None:
        self._acts += 1
        if self._acts % GROUP == 0:
            self._c.execute("COMMIT")
            self._c.execute("BEGIN IMMEDIATE")


def _account(asked: Asked) -> Account:
    return Account(platform=PLATFORM, user_id=asked.name, handle=asked.name)


def _mention(asked: Asked) -> Mention:
    return Mention(
        platform=PLATFORM,
        source_id=str(asked.number),
        account=_account(asked),
        text=_PROMPT.wish,
        created_at=asked.at,
        guild=asked.guild,
    )


def _together(ready: Sequence[Job], largest: int) -> list[int]:
    """The head, and behind it whatever fits into its batch."""
    chosen: list[int] = []
    pictures = 0
    for job in ready:
        if pictures >= largest:
            break
        if not chosen or pictures + job.prompt.count <= largest:
            chosen.append(job.id)
            pictures += job.prompt.count
    return chosen
