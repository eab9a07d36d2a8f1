"""Melting mode: what to do when more is asked for than can be drawn. Pure.

A ladder of measures, mild ones first: fewer steps down to each tier's floor, then
smaller pictures, then temporary limits, the lowest tier first. The controller looks
every few seconds. While a tier that is not limited would wait longer than it should,
it goes a rung up; once every line is short, and would stay so a rung further down, it
comes down again, more slowly. A limit caps what may wait in its tier's line at what is
drawn within the tier's target, so the engine never idles while people are put off,
and whoever is let in waits as long as was promised.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from data.words import Effort, Terms, Tier

#: How far down to a floor each rung goes: with the steps, then with the size.
_NOTCHES = (0.5, 1.0)
#: Least seconds between two rungs up, unless the wait is `URGENT` times the target.
SETTLE = 15.0
URGENT = 2.0
#: Lines are short under this share of the target, and must be for so many seconds.
CALM = 0.5
CALM_SECONDS = 30.0
#: The share of the engine that may be asked for on the rung below.
ROOM = 0.9
#: Demand is averaged over about so many seconds.
MEMORY = 60.0
#: A limit is expected to last as long again as it has lasted, within these seconds.
SHORTEST, LONGEST = 600.0, 6 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What waits in a tier's line, and all that was ever asked of it, in units."""

    waiting: float
    asked: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The line as measured; `pace` in seconds a unit, None while nothing was drawn yet."""

    pace: float | None
    lines: Mapping[Tier, Line]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """Measures in force together: the effort for each tier, and the tiers that are limited."""

    efforts: Mapping[Tier, Effort]
    limited: frozenset[Tier] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The controller's memory. `demand` is in units a second, as asked for lately."""

    rung: int = 0
    at: float = 0.0
    moved_at: float = 0.0
    calm_since: float | None = None
    asked: Mapping[Tier, float] = field(default_factory=dict)
    demand: Mapping[Tier, float] = field(default_factory=dict)


def step(state: State, reading: Reading, terms: Mapping[Tier, Terms], now: float) -> State:
    """The state after a look at the line."""
    rungs = ladder(terms)
    rung = min(state.rung, len(rungs) - 1)
    demand = _demand(state, reading, now)
    calm_since, moved_at = state.calm_since, state.moved_at
    if now < moved_at:
        moved_at = now  # a clock that went back
    strain = _strain(reading, terms)
    open_strain = max(
        (strain[tier] for tier in strain if tier not in rungs[rung].limited), default=0.0
    )
    calm = (
        max(strain.values(), default=0.0) < CALM and _load(demand, reading.pace, rungs, rung) < ROOM
    )
    calm_since = (min(calm_since, now) if calm_since is not None else now) if calm else None
    if open_strain > 1.0:
        if rung < len(rungs) - 1 and (now - moved_at >= SETTLE or open_strain > URGENT):
            rung, moved_at = rung + 1, now
    elif rung and calm_since is not None and now - max(calm_since, moved_at) >= CALM_SECONDS:
        rung, moved_at = rung - 1, now
    return State(
        rung=rung,
        at=now,
        moved_at=moved_at,
        calm_since=calm_since,
        asked={tier: line.asked for tier, line in reading.lines.items()},
        demand=demand,
    )


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


def waits(reading: Reading, terms: Mapping[Tier, Terms]) -> dict[Tier, float]:
    """Seconds until what waits now in each tier's line is drawn, shared by weight."""
    found = dict.fromkeys(reading.lines, 0.0)
    if reading.pace is None:
        return found
    open_tiers = sorted(
        (line.waiting / terms[tier].weight, tier)
        for tier, line in reading.lines.items()
        if line.waiting > 0
    )
    weight = sum(terms[tier].weight for _, tier in open_tiers)
    seconds = served = 0.0
    for per_weight, tier in open_tiers:
        seconds += (per_weight - served) * weight * reading.pace
        served, weight = per_weight, weight - terms[tier].weight
        found[tier] = seconds
    return found


def size_of_limit(tier: Tier, reading: Reading, terms: Mapping[Tier, Terms]) -> float:
    """The units that may wait in a tier's line so that they are drawn within its target."""
    if reading.pace is None:
        return math.inf
    target, line = terms[tier].wait, reading.lines[tier]
    share = terms[tier].weight / sum(t.weight for t in terms.values())
    least = max(1.0, share * target / reading.pace)
    wait = waits(reading, terms)[tier]
    return max(least, line.waiting * target / wait) if wait else least


def expected_end(since: float, now: float) -> float:
    """When a limit is expected to end: it lasts about as long again as it has so far."""
    return now + min(LONGEST, max(SHORTEST, now - since))


def _eased(floor: Effort, steps: float, size: float) -> Effort:
    """On the way to a floor: so much of the way for the steps, and for the size."""
    return Effort(steps=1 - (1 - floor.steps) * steps, size=1 - (1 - floor.size) * size)


def _strain(reading: Reading, terms: Mapping[Tier, Terms]) -> dict[Tier, float]:
    """Each tier's wait as a share of its target."""
    return {tier: wait / terms[tier].wait for tier, wait in waits(reading, terms).items()}


def _demand(state: State, reading: Reading, now: float) -> dict[Tier, float]:
    """Units a second that each tier asks for, averaged."""
    passed = now - state.at
    if not state.asked or passed <= 0:
        return dict(state.demand)
    keep = math.exp(-passed / MEMORY)
    return {
        tier: state.demand.get(tier, 0.0) * keep
        + max(0.0, line.asked - state.asked.get(tier, 0.0)) / passed * (1 - keep)
        for tier, line in reading.lines.items()
    }


def _load(demand: Mapping[Tier, float], pace: float | None, rungs: list[Rung], rung: int) -> float:
    """The share of the engine that would be asked for one rung further down."""
    if pace is None or rung == 0:
        return 0.0
    asked = sum(demand.values())
    now = sum(rate * rungs[rung].efforts[tier].cost for tier, rate in demand.items())
    below = sum(rate * rungs[rung - 1].efforts[tier].cost for tier, rate in demand.items())
    return asked * pace * below / now if now else 0.0
