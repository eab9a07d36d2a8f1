"""What happened, wish by wish and pass by pass; figures and curves are read from it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from data.words import Tier

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: What became of a wish: the last four are ends of one that was let into the line.
REFUSED, WAITING, DELIVERED, FAILED, EXPIRED = range(5)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody of a crowd wants.

    `returns` counts how often they came again for it, `after` says why they were put off.
    """

    crowd: int
    person: int
    photo: bool
    returns: int = 0
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Something the controller did to a tier, from `begins` to `ends`, in seconds."""

    tier: Tier
    kind: str  #: closed, lowered or limited
    words: str
    begins: float
    ends: float


@dataclass(slots=True)
class Log:
    """Filled while it happens: a column each, a line for each wish. Seconds from the beginning."""

    at: list[float] = field(default_factory=list)
    crowd: list[int] = field(default_factory=list)
    person: list[int] = field(default_factory=list)
    photo: list[bool] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    reason: list[str] = field(default_factory=list)
    outcome: list[int] = field(default_factory=list)
    claimed: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    effort: list[float] = field(default_factory=list)
    #: When each was decided, from which on it waits in the line.
    _entered: list[float] = field(default_factory=list)
    #: Before this wish nobody waits any more.
    _expired: int = 0

    def ask(self, at: float, wish: Wish, reason: str, decided: float | None = None) -> int:
        """A wish was decided, at once or later; `reason` is empty where it was let in.

        Its number.
        """
        self.at.append(at)
        self.crowd.append(wish.crowd)
        self.person.append(wish.person)
        self.photo.append(wish.photo)
        self.after.append(wish.after)
        self.reason.append(reason)
        self.outcome.append(REFUSED if reason else WAITING)
        self.claimed.append(np.nan)
        self.ended.append(np.nan)
        self.effort.append(np.nan)
        self._entered.append(at if decided is None else decided)
        return len(self.at) - 1

    def take(self, wish: int, at: float, effort: float) -> None:
        """A wish was claimed, to be drawn at such a share of the ordinary cost."""
        self.claimed[wish] = at
        self.effort[wish] = effort

    def back(self, wish: int) -> None:
        """A drawing failed and is to be tried again."""
        self.claimed[wish] = np.nan

    def expire(self, before: float, at: float) -> None:
        """All that was let in before a moment and still waits was let go."""
        for wish in range(self._expired, len(self.at)):
            if self._entered[wish] >= before:
                self._expired = wish
                return
            if self.outcome[wish] == WAITING and np.isnan(self.claimed[wish]):
                self.end(wish, EXPIRED, at)

    def end(self, wish: int, outcome: int, at: float) -> None:
        self.outcome[wish] = outcome
        self.ended[wish] = at


@dataclass(slots=True)
class Passes:
    """Each batch a GPU drew: when, and how many pictures came of how many."""

    begins: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    drawn: list[int] = field(default_factory=list)
    delivered: list[int] = field(default_factory=list)

    def add(self, begins: float, ends: float, drawn: int, delivered: int) -> None:
        self.begins.append(begins)
        self.ends.append(ends)
        self.drawn.append(drawn)
        self.delivered.append(delivered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One whole run. `tier` is each wish's; `gpus` are (from when, how many)."""

    lasts: float
    at: Floats
    crowd: Ints
    person: Ints
    photo: Flags
    tier: NDArray[np.object_]
    after: NDArray[np.object_]
    reason: NDArray[np.object_]
    outcome: Ints
    claimed: Floats
    ended: Floats
    effort: Floats
    pass_begins: Floats
    pass_ends: Floats
    pass_drawn: Ints
    pass_delivered: Ints
    gpus: tuple[tuple[float, int], ...]
    measures: tuple[Measure, ...] = ()

    @property
    def admitted(self) -> Flags:
        flags: Flags = self.outcome != REFUSED
        return flags

    @property
    def delivered(self) -> Flags:
        flags: Flags = self.outcome == DELIVERED
        return flags

    def of_tier(self, tier: Tier) -> Flags:
        flags: Flags = self.tier == tier
        return flags

    def waits(self, among: Flags) -> Floats:
        """Seconds from the wish to its picture, of those delivered."""
        which = among & self.delivered
        waits: Floats = self.ended[which] - self.at[which]
        return waits


def complete(
    log: Log,
    passes: Passes,
    lasts: float,
    tiers: list[Tier],
    gpus: tuple[tuple[float, int], ...],
    measures: tuple[Measure, ...] = (),
) -> Record:
    """A log as arrays; `tiers` are the crowds'."""
    crowd = np.array(log.crowd, dtype=np.int64)
    of_crowd = np.empty(len(tiers), dtype=object)
    of_crowd[:] = tiers
    return Record(
        lasts=lasts,
        at=np.array(log.at, dtype=float),
        crowd=crowd,
        person=np.array(log.person, dtype=np.int64),
        photo=np.array(log.photo, dtype=bool),
        tier=of_crowd[crowd],
        after=np.array(log.after, dtype=object),
        reason=np.array(log.reason, dtype=object),
        outcome=np.array(log.outcome, dtype=np.int64),
        claimed=np.array(log.claimed, dtype=float),
        ended=np.array(log.ended, dtype=float),
        effort=np.array(log.effort, dtype=float),
        pass_begins=np.array(passes.begins, dtype=float),
        pass_ends=np.array(passes.ends, dtype=float),
        pass_drawn=np.array(passes.drawn, dtype=np.int64),
        pass_delivered=np.array(passes.delivered, dtype=np.int64),
        gpus=gpus,
        measures=measures,
    )
