"""One look of the controller at the line, and what follows from it, in one transaction.

The memory is in the store: any process may take the next look, and after a crash the
measures stand until the next look lifts them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from data import drain, jobs, lanes, line, promises, putoff, terms
from data import melting as memory
from data.melting import Prospect
from data.store import Connection
from data.words import Effort, TemporaryLimit, Terms, Tier
from ratelimit import melting
from ratelimit.melting import Line, Reading, Rung, State
from ratelimit.tiers import TERMS

#: Seconds between two looks.
EVERY = 5.0
#: How many people are told at one look that a limit is over: telling all at once would be
#: the next crowd.
TOLD = 50
#: How many of the newest wishes get their estimate kept at one look.
SAMPLE = 16
#: An expected end is moved when it is off by more than this, in seconds.
NEAR = 60.0

REASON = "more people are asking than I can paint for"


def quiet(c: Connection) -> bool:
    """Whether there is nothing to look at: nobody waits, and nothing is in force."""
    state, _ = _state(c)
    return (
        not state.rung
        and not terms.in_force(c)
        and not any(read.waiting for read in memory.lines(c).values())
        and not any(putoff.count(c, tier) for tier in Tier)
    )


def tick(c: Connection, now: float, *, told_on: Sequence[str] = ()) -> State:
    """Look, decide, act. `told_on` are the platforms where a word costs nothing."""
    state, at = _state(c)
    if 0 <= now - at < EVERY / 2:
        return state  # another process has just looked
    tiers = terms.all_tiers(c, TERMS)
    reading = read(c, at, now)
    terms.lift_expired(c, now)
    after = melting.step(state, reading, tiers, now)
    rung = melting.ladder(tiers)[after.rung]
    _ease(c, rung.efforts)
    _limit(c, rung, after, reading, tiers, now)
    _tell(c, told_on, now)
    outlook = _outlook(after, reading, tiers)
    memory.save(c, dataclasses.asdict(after), after.pace, outlook, now)
    _sample(c, now)
    return after


def read(c: Connection, since: float, now: float) -> Reading:
    """The line as it is, and what was drawn since the last look."""
    found = memory.lines(c)
    lines = {
        tier: Line(waiting=found[tier].waiting, asked=found[tier].asked)
        if tier in found
        else Line(waiting=0.0, asked=0.0)
        for tier in Tier
    }
    return Reading(
        lines=lines,
        pace=jobs.pace(c),
        drawn=jobs.drawn(c, since, now),
        needed=jobs.waiting(c, now),
    )


def status(c: Connection, now: float) -> dict[str, Any]:
    """Everything about the limits that may be published, as JSON."""
    state, at = _state(c)
    tiers, reading, covered = terms.all_tiers(c, TERMS), read(c, at, now), promises.coverage(c)
    rungs = melting.ladder(tiers)
    rung = min(state.rung, len(rungs) - 1)
    efforts = rungs[rung].efforts
    waits = drain.waits(melting.flows(state, reading, tiers, efforts))
    return {
        "at": now,
        "seconds_a_picture": state.pace or reading.pace,
        "rung": rung,
        "rungs": len(rungs) - 1,
        "tiers": {
            tier: {
                "pictures_per_day": tiers[tier].daily,
                "opens_at": tiers[tier].opens_at or None,
                "open_share": tiers[tier].share,
                "waiting": reading.lines[tier].waiting,
                "predicted_wait": waits.get(tier, 0.0),
                "target_wait": tiers[tier].wait,
                "steps": efforts[tier].steps,
                "size": efforts[tier].size,
            }
            for tier in Tier
        },
        "temporary_limits": [_published(limit) for limit in terms.in_force(c)],
        "estimates": {
            "confidence": promises.CONFIDENCE,
            "told": covered.told,
            "came_true": covered.share,
        },
    }


def _published(limit: TemporaryLimit) -> dict[str, Any]:
    return {
        "tier": limit.tier,
        "reason": limit.reason,
        "since": limit.since,
        "expected_end": limit.until,
        "pictures_per_day": limit.daily,
        "most_waiting": limit.backlog,
        "by_hand": limit.by != terms.MELTING,
    }


def _state(c: Connection) -> tuple[State, float]:
    kept, at = memory.load(c)
    return (State(**kept) if kept else State()), at


def _ease(c: Connection, efforts: Mapping[Tier, Effort]) -> None:
    known = memory.lines(c)
    for tier, effort in efforts.items():
        if effort != (known[tier].effort if tier in known else Effort()):
            lanes.ease(c, tier, effort)


def _limit(
    c: Connection,
    rung: Rung,
    state: State,
    reading: Reading,
    tiers: Mapping[Tier, Terms],
    now: float,
) -> None:
    """Set, adjust or lift the controller's own temporary limits."""
    standing = {limit.tier: limit for limit in terms.in_force(c) if limit.by == terms.MELTING}
    flowing = melting.flows(state, reading, tiers, rung.efforts)
    for tier in tiers:
        limit = standing.get(tier)
        # It stays for a while in any case: while the line is short it puts nobody off.
        if tier not in rung.limited and (limit is None or now >= limit.since + melting.SHORTEST):
            if limit is not None:
                terms.lift(c, tier, terms.MELTING, "the lines are short again", now, melting=True)
            continue
        if limit is None and not flowing[tier].waiting:
            continue  # there is nobody whom it would concern
        since = now if limit is None else limit.since
        seconds = (state.pace or math.inf) * rung.efforts[tier].cost
        size = melting.size_of_limit(tier, flowing, seconds, tiers)
        back = putoff.expected(c, tier, now) * seconds
        until = melting.expected_end(tier, flowing, back, tiers, since, now)
        if limit is None:
            terms.announce(c, tier, REASON, until, terms.MELTING, now, backlog=size)
        else:
            moved = abs(until - limit.until) > NEAR
            terms.adjust(c, limit, size, until if moved else limit.until)


def _outlook(state: State, reading: Reading, tiers: Mapping[Tier, Terms]) -> dict[Tier, Prospect]:
    """What a wish of each tier that enters now has to expect."""
    if state.pace is None:
        return {}
    present = melting.ladder(tiers)[state.rung].efforts
    soon = melting.foreseen(state, reading, tiers).efforts
    return {
        tier: Prospect(
            seconds=state.pace * present[tier].cost,
            soon=state.pace * soon[tier].cost,
            coming=state.demand.get(tier, 0.0),
        )
        for tier in tiers
    }


def _tell(c: Connection, told_on: Sequence[str], now: float) -> None:
    limited = {limit.tier for limit in terms.in_force(c)}
    for tier in Tier:
        if tier not in limited:
            putoff.tell(c, tier, list(told_on), TOLD, now)


def _sample(c: Connection, now: float) -> None:
    line.promise(c, promises.unpromised(c, SAMPLE), now)
