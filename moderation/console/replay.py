"""What another rule would have done: the checks themselves, over the wishes that were."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass

from data import casebook
from data.casebook import Asked
from data.store import Store
from data.words import Circumstances, Ruling
from moderation.check import Look, Subject

#: Wishes looked at, in pieces so large, for at most so many seconds.
WISHES, PIECE, SECONDS = 10_000, 250, 20.0
#: Wishes that are shown.
SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A ruling that differs for a scope, or a guild's new pattern; one of the two."""

    scope: str  #: everyone, tier:<tier>, guild:<id>
    rule: str = ""
    ruling: Ruling = Ruling.HOLD
    pattern: str = ""

    def concerns(self, asked: Asked) -> bool:
        return self.scope in ("everyone", f"tier:{asked.tier}", f"guild:{asked.guild}")

    @property
    def circumstances(self) -> Circumstances:
        """What a check is told under the change."""
        if self.pattern:
            return Circumstances(patterns=(("new", self.pattern, self.ruling),))
        return Circumstances(rulings={self.rule: self.ruling})


@dataclass(slots=True, kw_only=True)
class Outcome:
    """`more` and `fewer` wishes blocked (held or refused) among `looked_at`; of `more`,
    `overturned` are those a moderator had found harmless."""

    looked_at: int = 0
    more: int = 0
    fewer: int = 0
    overturned: int = 0
    shown: list[Asked] = dataclasses.field(default_factory=list)


async def replay(store: Store, look: Look, change: Change) -> Outcome:
    """The last wishes again, as they were judged and as they would be."""
    outcome, before = Outcome(), None
    until = time.monotonic() + SECONDS
    while outcome.looked_at < WISHES and time.monotonic() < until:
        piece = await store.read(lambda c: casebook.last_asked(c, before, PIECE))  # noqa: B023
        if not piece:
            break
        await asyncio.to_thread(_judge, look, change, piece, outcome)
        before = piece[-1].wish
    return outcome


def _judge(look: Look, change: Change, piece: Sequence[Asked], outcome: Outcome) -> None:
    for asked in piece:
        outcome.looked_at += 1
        if not change.concerns(asked):
            continue
        after = look(Subject(prompt=asked.prompt, circumstances=change.circumstances))
        # Only where the rule had a word in it can it make a difference.
        now = look(Subject(prompt=asked.prompt)) if not change.pattern else None
        was_blocked = now is not None and _blocks(now.ruling)
        if not was_blocked and _blocks(after.ruling):
            outcome.more += 1
            outcome.overturned += asked.overturned
            if len(outcome.shown) < SHOWN:
                outcome.shown.append(asked)
        elif was_blocked and not _blocks(after.ruling):
            outcome.fewer += 1
            if len(outcome.shown) < SHOWN:
                outcome.shown.append(asked)


def _blocks(ruling: Ruling) -> bool:
    return ruling.strictness >= Ruling.HOLD.strictness
