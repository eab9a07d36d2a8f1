"""What was in force when: closed tiers, lowered effort, temporary limits."""

from __future__ import annotations

from collections.abc import Sequence

from data.words import Effort, TemporaryLimit, Tier
from ratelimit import durations, melting
from ratelimit.simulation.record import Measure
from ratelimit.simulation.scenario import Scenario


class Measures:
    """Told of each look of the controller; moments are seconds from the beginning."""

    def __init__(self, scenario: Scenario) -> None:
        self._rungs = melting.ladder({tier: scenario.terms(tier) for tier in Tier})
        self._since: dict[Tier, tuple[float, Effort]] = {}
        self._lowered: list[Measure] = []

    def look(self, at: float, rung: int) -> None:
        """The controller stands on a rung."""
        for tier, effort in self._rungs[rung].efforts.items():
            begun = self._since.get(tier)
            if begun is not None and begun[1] != effort:
                self._lowered.append(_lowered(tier, *begun, at))
                del self._since[tier]
            if effort != Effort():
                self._since.setdefault(tier, (at, effort))

    def all(self, limits: Sequence[TemporaryLimit], scenario: Scenario) -> tuple[Measure, ...]:
        """Every measure there was, in the order it began."""
        for tier, begun in self._since.items():
            self._lowered.append(_lowered(tier, *begun, scenario.lasts))
        closed = [
            Measure(
                tier=tier,
                kind="closed",
                words="not open yet",
                begins=0.0,
                ends=scenario.terms(tier).opens_at - scenario.began,
            )
            for tier in Tier
            if scenario.terms(tier).opens_at > scenario.began
        ]
        limited = [_limited(limit, scenario) for limit in limits]
        return tuple(sorted([*closed, *self._lowered, *limited], key=lambda m: m.begins))


def _lowered(tier: Tier, since: float, effort: Effort, at: float) -> Measure:
    words = f"{effort.steps:.0%} of the steps"
    if effort.size < 1:
        words += f", {effort.size:.0%} of the size"
    return Measure(tier=tier, kind="lowered", words=words, begins=since, ends=at)


def _limited(limit: TemporaryLimit, scenario: Scenario) -> Measure:
    begins = limit.since - scenario.began
    ends = scenario.lasts if limit.lifted_at is None else limit.lifted_at - scenario.began
    most = f"{limit.backlog:,.0f} may wait" if limit.backlog is not None else f"{limit.daily} a day"
    words = f"temporary limit: {most}, expected for {durations.words(limit.until - limit.since)}"
    return Measure(tier=limit.tier, kind="limited", words=words, begins=begins, ends=ends)
