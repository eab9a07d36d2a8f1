"""What a record says in numbers: curves over time, waits, goodput, shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from data.promises import Kept
from data.words import Say, Tier
from ratelimit.simulation.record import DELIVERED, FAILED, Flags, Floats, Record

#: Widths a curve's steps may have, in seconds, and about how many steps it should have.
WIDTHS = (5, 10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800)
STEPS = 150

#: A percentile of fewer waits than this in a step is not drawn.
ENOUGH = 5

#: While goodput is judged at its worst, so much time is looked at at once, in seconds.
STRETCH = 600.0

#: From so many seconds on somebody minds what they are told of a wait.
LONG = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Of one tier: how many asked, were let in and got their picture, and their waits in seconds.

    Who still waits at the end counts with the time waited so far, so that the
    percentiles are never better than the truth.
    """

    tier: Tier
    asked: int
    admitted: int
    delivered: int
    failed: int
    p50: float
    p95: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """Of what people were told: how many, and the shares that came true; of `long` waits, too.

    Half of those were told an interval whose end is no more than `wider` times its beginning.
    """

    told: int
    came_true: float
    long: int
    long_came_true: float
    wider: float


def edges(record: Record) -> Floats:
    """The steps of all curves, in seconds from the beginning."""
    width = next((w for w in WIDTHS if record.lasts / w <= STEPS), WIDTHS[-1])
    return np.arange(0.0, record.lasts + width, width)


def per_second(at: Floats, steps: Floats) -> Floats:
    """How many of these moments lie in each step, by the second."""
    counts, _edges = np.histogram(at, bins=steps)
    rates: Floats = counts / np.diff(steps)
    return rates


def in_line(record: Record, among: Flags, moments: Floats) -> Floats:
    """How many wait at each moment."""
    let_in = np.sort(record.at[among & record.admitted])
    taken = np.sort(_left_the_line(record)[among & record.admitted])
    waiting = np.searchsorted(let_in, moments, "right") - np.searchsorted(taken, moments, "right")
    return waiting.astype(float)


def wait_curve(record: Record, among: Flags, steps: Floats, percentile: float) -> Floats:
    """The percentile of the waits of those who asked in each step, NaN where hardly anybody did."""
    which = among & record.admitted
    waited = waits_so_far(record)[which]
    curve = np.full(len(steps) - 1, np.nan)
    # Wishes are in the order of their time.
    bounds = np.searchsorted(record.at[which], steps)
    for n, (first, last) in enumerate(pairwise(bounds)):
        if last - first >= ENOUGH:
            curve[n] = np.percentile(waited[first:last], percentile)
    return curve


def waits_so_far(record: Record) -> Floats:
    """Seconds until each wish's end, or until the end of everything."""
    end = np.nanmax(record.ended, initial=record.lasts)
    ended = np.where(np.isnan(record.ended), end, record.ended)
    waited: Floats = ended - record.at
    return waited


def by_tier(record: Record) -> list[Waits]:
    """A line for each tier anybody of whom asked."""
    return [_waits(record, tier) for tier in Tier if record.of_tier(tier).any()]


def goodput(record: Record) -> tuple[float, float] | None:
    """The share of GPU time that went into delivered pictures while the line was never empty.

    Over all that time, and in the worst stretch of it; None where the GPUs were
    never all needed.
    """
    return _used(record, record.pass_delivered / np.maximum(record.pass_drawn, 1))


def busy(record: Record) -> tuple[float, float] | None:
    """The share of GPU time in which they drew at all, likewise: what isn't theirs is ours."""
    return _used(record, np.ones(len(record.pass_drawn)))


def estimates(promised: Sequence[Kept]) -> Estimates | None:
    """How many came when they were told; None where nobody was told anything."""
    if not promised:
        return None
    long = [each for each in promised if each.took > LONG]
    return Estimates(
        told=len(promised),
        came_true=_share(promised),
        long=len(long),
        long_came_true=_share(long) if long else math.nan,
        wider=float(np.median([each.latest / each.soonest for each in long])) if long else math.nan,
    )


def let_in_again(record: Record) -> tuple[int, float] | None:
    """Of those put off for a while who came again when told: how many, the share let in."""
    came = record.after == Say.OVERLOADED
    if not came.any():
        return None
    return int(came.sum()), float((record.reason[came] != Say.OVERLOADED).mean())


def spread(record: Record, among: Flags) -> tuple[float, float]:
    """The median and the 95th percentile of waits, in seconds; NaN where nobody was let in."""
    waited = waits_so_far(record)[among & record.admitted]
    half, most = np.percentile(waited, [50, 95]) if len(waited) else (np.nan, np.nan)
    return float(half), float(most)


def gpus_at(gpus: tuple[tuple[float, int], ...], at: float) -> int:
    """How many there are at a moment."""
    return [count for begins, count in gpus if begins <= at][-1]


def jain(amounts: Floats) -> float:
    """Jain's index: 1 where all have the same, 1/n where one has everything."""
    squares = float((amounts**2).sum())
    return float(amounts.sum()) ** 2 / (len(amounts) * squares) if squares else 1.0


def _waits(record: Record, tier: Tier) -> Waits:
    among = record.of_tier(tier)
    waited = waits_so_far(record)[among & record.admitted]
    p50, p95, p99 = np.percentile(waited, [50, 95, 99]) if len(waited) else (np.nan,) * 3
    return Waits(
        tier=tier,
        asked=int(among.sum()),
        admitted=int((among & record.admitted).sum()),
        delivered=int((among & (record.outcome == DELIVERED)).sum()),
        failed=int((among & (record.outcome == FAILED)).sum()),
        p50=float(p50),
        p95=float(p95),
        p99=float(p99),
        longest=float(waited.max(initial=0.0)),
    )


def _share(promised: Sequence[Kept]) -> float:
    return sum(each.came_true for each in promised) / len(promised)


def _used(record: Record, worth: Floats) -> tuple[float, float] | None:
    """The share of GPU time, each pass of it worth so much, while the line was never empty."""
    width = min(60.0, record.lasts / 20)
    steps = np.arange(0.0, record.lasts + width / 2, width)
    gpus = np.array([gpus_at(record.gpus, moment) for moment in steps[:-1]], dtype=float)
    changed = np.array([gpus_at(record.gpus, moment) for moment in steps[1:]]) != gpus
    waiting = in_line(record, np.ones(len(record.at), dtype=bool), steps)
    largest = record.pass_drawn.max(initial=1)
    needed = np.minimum(waiting[:-1], waiting[1:]) >= gpus * largest
    needed &= ~changed & (gpus > 0)
    if not needed.any():
        return None
    useful = _spread(record.pass_begins, record.pass_ends, worth, steps)
    together = max(1, round(STRETCH / width))
    worst = min(
        useful[first:last].sum() / (gpus[first:last] * width).sum()
        for first, last in _runs(needed, together)
    )
    return float(useful[needed].sum() / (gpus[needed] * width).sum()), float(worst)


def _left_the_line(record: Record) -> Floats:
    """When each was taken to be drawn, or ended otherwise, or never."""
    left = np.where(np.isnan(record.claimed), record.ended, record.claimed)
    never: Floats = np.where(np.isnan(left), np.inf, left)
    return never


def _spread(begins: Floats, ends: Floats, worth: Floats, steps: Floats) -> Floats:
    """How much of the time from `begins` to `ends`, each `worth` so much, lies in each step."""

    def until(moments: Floats, weights: Floats) -> Floats:
        """Worth-seconds before each step's edge of spans that begin (or end) at `moments`."""
        order = np.argsort(moments)
        at, weight = moments[order], weights[order]
        total = np.concatenate(([0.0], np.cumsum(weight)))
        moment = np.concatenate(([0.0], np.cumsum(weight * at)))
        n = np.searchsorted(at, steps, "right")
        before: Floats = steps * total[n] - moment[n]
        return before

    spread: Floats = np.diff(until(begins, worth) - until(ends, worth))
    return spread


def _runs(flags: Flags, longest: int) -> list[tuple[int, int]]:
    """Stretches of set flags, as (first, behind the last), none of more than `longest`.

    A rest that is shorter than half of that goes with the stretch before it.
    """
    runs: list[tuple[int, int]] = []
    padded = np.concatenate(([False], flags, [False]))
    changes = np.flatnonzero(padded[1:] != padded[:-1])
    for first, last in zip(changes[::2], changes[1::2], strict=True):
        cuts = list(range(first, last, longest))
        if len(cuts) > 1 and last - cuts[-1] < longest / 2:
            cuts.pop()
        runs += [(int(a), int(b)) for a, b in zip(cuts, [*cuts[1:], last], strict=True)]
    return runs
