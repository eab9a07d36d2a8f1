"""Who asks when: a scenario's crowds as one stream of wishes, the same for every run of a seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratelimit.simulation.record import Wish
from ratelimit.simulation.scenario import Crowd, Scenario

#: The evening hour (UTC) at which a crowd's swing is at its height.
PEAK_HOUR = 19.0

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """One entry a wish, by time: seconds from the beginning, the crowd's number, the person's."""

    at: NDArray[np.float64]
    crowd: NDArray[np.int64]
    person: NDArray[np.int64]
    photo: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.at)


def generate(scenario: Scenario) -> Traffic:
    """A Poisson stream for each crowd, its rate following the crowd's curve and the time of day."""
    rng = np.random.default_rng(scenario.seed)
    at, number, person, photo = [], [], [], []
    for index, crowd in enumerate(scenario.crowds):
        times = _times(crowd, scenario, rng)
        at.append(times)
        number.append(np.full(len(times), index))
        person.append(rng.integers(crowd.people, size=len(times)))
        photo.append(rng.random(len(times)) < crowd.photos)
    moments = np.concatenate(at)
    order = np.argsort(moments, kind="stable")
    return Traffic(
        at=moments[order],
        crowd=np.concatenate(number)[order],
        person=np.concatenate(person)[order],
        photo=np.concatenate(photo)[order],
    )


def wishes(traffic: Traffic) -> Iterator[tuple[float, Wish]]:
    """One after the other, each with its moment."""
    columns = (traffic.at, traffic.crowd, traffic.person, traffic.photo)
    for at, crowd, person, photo in zip(*(c.tolist() for c in columns), strict=True):
        yield at, Wish(crowd, person, photo)


def _times(crowd: Crowd, scenario: Scenario, rng: np.random.Generator) -> NDArray[np.float64]:
    if crowd.at_once:
        return np.full(crowd.at_once, crowd.begins)
    grid = np.linspace(crowd.begins, scenario.lasts, 20_001)
    expected = np.concatenate(
        ([0.0], np.cumsum(_rate(crowd, scenario, (grid[1:] + grid[:-1]) / 2) * np.diff(grid)))
    )
    count = rng.poisson(expected[-1])
    return np.sort(np.interp(rng.random(count) * expected[-1], expected, grid))


def _rate(crowd: Crowd, scenario: Scenario, at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Wishes a second."""
    curve = crowd.wishes_per_hour
    if isinstance(curve, float):
        hourly = np.full(len(at), curve)
    else:
        when, rates = zip(*curve, strict=True)
        hourly = np.interp(at, when, rates, left=0.0, right=0.0)
    of_day = (scenario.began + at) % _DAY - PEAK_HOUR * 3_600
    swing: NDArray[np.float64] = 1 + crowd.swing * np.cos(2 * np.pi * of_day / _DAY)
    return hourly / 3_600 * swing
