"""Melting mode: what to do when more is asked for than can be drawn. Pure.

A ladder of measures, mild ones first: fewer steps down to each tier's floor, then
smaller pictures, then temporary limits, the lowest tier first. The controller looks
every few seconds, measures how much work the engine does while people wait, and asks
the model of the line (`data/drain.py`) how long each tier would wait on each rung. It
goes up to the mildest rung on which no tier that isn't limited would wait longer than
it should, and a rung down once all lines would stay short there. Work, not pictures,
is what is measured, so what a measure does is known before it is taken.

A limit caps what may wait in its tier's line at what is drawn within the tier's
target, so the engine never idles while people are put off, and whoever is let in
waits as long as was promised.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from data import drain
from data.drain import Flow
from data.words import Effort, Terms, Tier

#: How far down to a floor each rung goes: with the steps, then with the size.
_NOTCHES = (0.5, 1.0)
#: Lines are short under this share of the target, and must be for so many seconds.
CALM = 0.5
CALM_SECONDS = 120.0
#: The share of the engine that may be asked for on the rung below.
ROOM = 0.9
#: Demand is averaged over about so many seconds, and over so many to see a crowd coming.
MEMORY, SURGE_MEMORY = 60.0, 20.0
#: The engine's speed is averaged over about so many seconds in which it was needed. While it
#: isn't, what was measured is forgotten in about so many.
WORK_MEMORY, IDLE_MEMORY = 120.0, 300.0
#: Two looks further apart than this, in seconds, say nothing about the time between them.
GAP = 60.0
#: Wishes are told to expect what is foreseen if as many come for so many seconds more.
FORESIGHT = 120.0
#: A limit lasts, and is expected to last, within these seconds.
SHORTEST, LONGEST = 600.0, 6 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What waits in a tier's line, and all that was ever asked of it, in units."""

    waiting: float
    asked: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The line as found. `drawn` is the work that ended since the last look, in ordinary pictures.

    `needed` says whether anything waits that could be drawn now. `pace` are the seconds
    an ordinary picture should take, to judge by the easels; None while nothing was drawn yet.
    """

    lines: Mapping[Tier, Line]
    pace: float | None
    drawn: float = 0.0
    needed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """Measures in force together: the effort for each tier, and the tiers that are limited."""

    efforts: Mapping[Tier, Effort]
    limited: frozenset[Tier] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The controller's memory.

    `demand` is in units a second, as asked for lately, `surge` as asked for just now.
    `speed` is the engine's, in ordinary pictures a second.
    """

    rung: int = 0
    at: float = 0.0
    moved_at: float = 0.0
    calm_since: float | None = None
    asked: Mapping[Tier, float] = field(default_factory=dict)
    demand: Mapping[Tier, float] = field(default_factory=dict)
    surge: Mapping[Tier, float] = field(default_factory=dict)
    needed: bool = False
    speed: float | None = None

    @property
    def pace(self) -> float | None:
        """Seconds of the engine's time for an ordinary picture."""
        return 1 / self.speed if self.speed else None


def step(state: State, reading: Reading, terms: Mapping[Tier, Terms], now: float) -> State:
    """The state after a look at the line."""
    rungs = ladder(terms)
    state = _measured(state, reading, now)
    rung, moved_at = min(state.rung, len(rungs) - 1), min(state.moved_at, now)
    needed = next(
        (n for n in range(rung, len(rungs)) if _bearable(state, reading, terms, rungs[n])),
        len(rungs) - 1,
    )
    calm = needed == rung > 0 and _calm(state, reading, terms, rungs[rung - 1])
    since = (now if state.calm_since is None else min(state.calm_since, now)) if calm else None
    if needed > rung:
        rung, moved_at = needed, now
    elif since is not None and now - max(since, moved_at) >= CALM_SECONDS:
        rung, moved_at = rung - 1, now
    return replace(state, rung=rung, moved_at=moved_at, calm_since=since)


def foreseen(state: State, reading: Reading, terms: Mapping[Tier, Terms]) -> Rung:
    """The rung that will be stood on if as many people come for a while as do now."""
    rungs = ladder(terms)
    grown = {
        tier: replace(line, waiting=line.waiting + FORESIGHT * state.surge.get(tier, 0.0))
        for tier, line in reading.lines.items()
    }
    later = replace(reading, lines=grown)
    return next((r for r in rungs[state.rung :] if _bearable(state, later, terms, r)), rungs[-1])


def ladder(terms: Mapping[Tier, Terms]) -> list[Rung]:
    """Every rung, from nothing at all to a limit on every tier."""
    halves = [(share, 0.0) for share in _NOTCHES] + [(1.0, share) for share in _NOTCHES]
    efforts = [
        {tier: _eased(t.floor, steps, size) for tier, t in terms.items()}
        for steps, size in [(0.0, 0.0), *halves]
    ]
    # A rung that changes nothing would only lose time.
    milder = [e for n, e in enumerate(efforts) if n == 0 or e != efforts[n - 1]]
    lowest_first = sorted(terms, key=lambda tier: (terms[tier].weight, list(Tier).index(tier)))
    limits = [frozenset(lowest_first[: n + 1]) for n in range(len(lowest_first))]
    return [Rung(efforts=e) for e in milder] + [
        Rung(efforts=milder[-1], limited=limited) for limited in limits
    ]


def flows(
    state: State,
    reading: Reading,
    terms: Mapping[Tier, Terms],
    efforts: Mapping[Tier, Effort],
) -> dict[Tier, Flow]:
    """The line as it flows while so much effort goes into each picture; empty at first."""
    if state.pace is None:
        return {}
    found = {}
    for tier, line in reading.lines.items():
        seconds = state.pace * efforts[tier].cost
        found[tier] = Flow(
            waiting=line.waiting * seconds,
            coming=state.demand.get(tier, 0.0) * seconds,
            weight=terms[tier].weight,
        )
    return found


def size_of_limit(
    tier: Tier, flowing: Mapping[Tier, Flow], seconds: float, terms: Mapping[Tier, Terms]
) -> float:
    """The units, of so many seconds' work each, that may wait in a tier's line.

    They are drawn within its target.
    """
    return max(1.0, drain.drawn(flowing, tier, terms[tier].wait) / seconds)


def expected_end(
    tier: Tier,
    flowing: Mapping[Tier, Flow],
    back: float,
    terms: Mapping[Tier, Terms],
    since: float,
    now: float,
) -> float:
    """When a limit that has lasted since then will be over.

    The line will be short again when what waits is drawn, and the work of those who
    were told to come `back`. While even more is asked for than can be drawn nobody
    knows, and it lasts about as long again as it has so far.
    """
    flow = flowing[tier]
    all_of_it = flow.waiting + back
    crowded = {**flowing, tier: replace(flow, waiting=all_of_it)}
    lasts = drain.reached(crowded, {tier: all_of_it})[tier] - CALM * terms[tier].wait
    if flow.coming * SHORTEST > drain.drawn(flowing, tier, SHORTEST):
        lasts = max(lasts, now - since)
    return max(since + SHORTEST, now + min(LONGEST, lasts))


def _measured(state: State, reading: Reading, now: float) -> State:
    """With what was asked for, and what was drawn while it was needed, since the last look."""
    passed = now - state.at
    return replace(
        state,
        at=now,
        asked={tier: line.asked for tier, line in reading.lines.items()},
        demand=_demand(state.demand, state, reading, passed, MEMORY),
        surge=_demand(state.surge, state, reading, passed, SURGE_MEMORY),
        needed=reading.needed,
        speed=_speed(state, reading, passed),
    )


def _speed(state: State, reading: Reading, passed: float) -> float | None:
    """Ordinary pictures a second, while they are needed.

    What isn't needed isn't measured, and is forgotten in favour of what is known otherwise.
    """
    if state.speed is None:
        return 1 / reading.pace if reading.pace else None
    if state.needed and reading.needed and 0 < passed <= GAP:
        return _averaged(state.speed, reading.drawn / passed, passed, WORK_MEMORY)
    if reading.pace:
        return _averaged(state.speed, 1 / reading.pace, passed, IDLE_MEMORY)
    return state.speed


def _demand(
    before: Mapping[Tier, float], state: State, reading: Reading, passed: float, memory: float
) -> dict[Tier, float]:
    """Units a second that each tier asks for, averaged."""
    if not state.asked or passed <= 0:
        return dict(before)
    return {
        tier: _averaged(
            before.get(tier, 0.0),
            max(0.0, line.asked - state.asked.get(tier, 0.0)) / passed,
            passed,
            memory,
        )
        for tier, line in reading.lines.items()
    }


def _averaged(before: float, latest: float, passed: float, memory: float) -> float:
    """An average that forgets what is older than about `memory` seconds."""
    keep = math.exp(-max(0.0, passed) / memory)
    return before * keep + latest * (1 - keep)


def _bearable(state: State, reading: Reading, terms: Mapping[Tier, Terms], rung: Rung) -> bool:
    """Whether on this rung no tier that isn't limited waits longer than it should."""
    waits = drain.waits(flows(state, reading, terms, rung.efforts))
    return all(waits[tier] <= terms[tier].wait for tier in waits if tier not in rung.limited)


def _calm(state: State, reading: Reading, terms: Mapping[Tier, Terms], rung: Rung) -> bool:
    """Whether on this rung all lines would be short, and would stay so."""
    flowing = flows(state, reading, terms, rung.efforts)
    waits = drain.waits(flowing)
    load = sum(flow.coming for flow in flowing.values())
    return load < ROOM and all(waits[tier] < CALM * terms[tier].wait for tier in waits)


def _eased(floor: Effort, steps: float, size: float) -> Effort:
    """On the way to a floor: so much of the way for the steps, and for the size."""
    return Effort(steps=1 - (1 - floor.steps) * steps, size=1 - (1 - floor.size) * size)
