"""One look of the controller at the line, and what follows from it, in one transaction.

The memory is in the store: any process may take the next look, and after a crash the
measures stand until the next look lifts them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from data import jobs, lanes, line, promises, putoff, terms
from data import melting as memory
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
#: An expected end that comes closer than this and is not the end is moved on, in seconds.
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
    reading = read(c, now)
    terms.lift_expired(c, now)
    after = melting.step(state, reading, tiers, now)
    rungs = melting.ladder(tiers)
    _ease(c, rungs[after.rung].efforts)
    _limit(c, rungs[after.rung], reading, tiers, now)
    _tell(c, told_on, now)
    _sample(c, now)
    memory.save(c, dataclasses.asdict(after), reading.pace, now)
    return after


def read(c: Connection, now: float) -> Reading:
    """The line as it is."""
    found = memory.lines(c)
    lines = {
        tier: Line(waiting=found[tier].waiting, asked=found[tier].asked)
        if tier in found
        else Line(waiting=0.0, asked=0.0)
        for tier in Tier
    }
    return Reading(pace=jobs.pace(c, now), lines=lines)


def status(c: Connection, now: float) -> dict[str, Any]:
    """Everything about the limits that may be published, as JSON."""
    state, _ = _state(c)
    tiers, reading, covered = terms.all_tiers(c, TERMS), read(c, now), promises.coverage(c)
    rungs = melting.ladder(tiers)
    rung = min(state.rung, len(rungs) - 1)
    waits, efforts = melting.waits(reading, tiers), rungs[rung].efforts
    return {
        "at": now,
        "seconds_a_picture": reading.pace,
        "rung": rung,
        "rungs": len(rungs) - 1,
        "tiers": {
            tier: {
                "pictures_per_day": tiers[tier].daily,
                "opens_at": tiers[tier].opens_at or None,
                "open_share": tiers[tier].share,
                "waiting": reading.lines[tier].waiting,
                "predicted_wait": waits[tier],
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
    c: Connection, rung: Rung, reading: Reading, tiers: Mapping[Tier, Terms], now: float
) -> None:
    """Set, adjust or lift the controller's own temporary limits."""
    standing = {limit.tier: limit for limit in terms.in_force(c) if limit.by == terms.MELTING}
    for tier in tiers:
        limit = standing.get(tier)
        if tier not in rung.limited:
            if limit is not None:
                terms.lift(c, tier, terms.MELTING, "the lines are short again", now, melting=True)
            continue
        size = melting.size_of_limit(tier, reading, tiers)
        if limit is None:
            until = melting.expected_end(now, now)
            terms.announce(c, tier, REASON, until, terms.MELTING, now, backlog=size)
        else:
            late = limit.until - now < NEAR
            until = melting.expected_end(limit.since, now) if late else limit.until
            terms.adjust(c, limit, size, until)


def _tell(c: Connection, told_on: Sequence[str], now: float) -> None:
    limited = {limit.tier for limit in terms.in_force(c)}
    for tier in Tier:
        if tier not in limited:
            putoff.tell(c, tier, list(told_on), TOLD, now)


def _sample(c: Connection, now: float) -> None:
    for job_id in promises.unpromised(c, SAMPLE):
        line.promise(c, job_id, now)
