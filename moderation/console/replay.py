"""What another rule or line would have done to the wishes that were.

Rules are asked again, over the words. Lines are drawn anew through the scores that were
kept of photos and pictures: no image is looked at once more.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass

from data import casebook
from data.casebook import Asked, Scored
from data.store import Store
from data.words import Circumstances, Ruling
from moderation.check import Look, Subject

#: Wishes looked at, in pieces so large, for at most so many seconds.
WISHES, PIECE, SECONDS = 10_000, 250, 20.0
#: Lines of the journal read at once, and at most, to find scores in.
REACH, FARTHEST = 2_000, 400_000
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line drawn elsewhere for a scope. `name` is as in "nsfw.hold"; no `value`: the file's."""

    scope: str
    name: str
    value: float | None

    @property
    def check(self) -> str:
        return self.name.partition(".")[0]

    @property
    def ruling(self) -> Ruling:
        return Ruling(self.name.partition(".")[2])

    def concerns(self, one: Scored) -> bool:
        if self.scope == "adults":
            return one.adults
        return Change(scope=self.scope).concerns(one.asked)


@dataclass(slots=True, kw_only=True)
class Outcome:
    """`more` and `fewer` wishes blocked (held or refused; for a line, what it leads to) among
    `looked_at`; of `more`, `overturned` are those a moderator had found harmless and
    `removed` those that were taken down; of `fewer`, `spared` are those found harmless."""

    looked_at: int = 0
    more: int = 0
    fewer: int = 0
    overturned: int = 0
    removed: int = 0
    spared: int = 0
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


async def replay_line(store: Store, line: Line, value: float) -> Outcome:
    """The scores of the last wishes, under the line as it was and as it would be."""
    highest: dict[int, Scored] = {}
    before, until, read = None, time.monotonic() + SECONDS, 0
    while len(highest) < WISHES and read < FARTHEST and time.monotonic() < until:
        piece, before = await store.read(
            lambda c: casebook.last_scored(c, line.check, before, REACH)  # noqa: B023
        )
        for one in piece:
            known = highest.setdefault(one.asked.wish, one)
            if one.score > known.score:
                highest[one.asked.wish] = one
        read += REACH
        if before is None:
            break
    return _drawn(line, value, list(highest.values())[:WISHES])


def _drawn(line: Line, value: float, wishes: Sequence[Scored]) -> Outcome:
    outcome = Outcome(looked_at=len(wishes))
    for one in wishes:
        if not line.concerns(one):
            continue
        was, now = one.ruling.strictness >= line.ruling.strictness, one.score >= value
        if now and not was:
            outcome.more += 1
            outcome.overturned += one.asked.overturned
            outcome.removed += one.asked.state == "removed"
        # What is beyond the line of refusal stays there, wherever that of holding is.
        elif not now and one.ruling is line.ruling:
            outcome.fewer += 1
            outcome.spared += one.asked.overturned
        else:
            continue
        if len(outcome.shown) < SHOWN:
            outcome.shown.append(one.asked)
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
