"""What goes wrong with a platform's requests, when: listed by hand, or drawn from a seed.

The n-th request to an endpoint meets the same fault on every run, whatever the other
endpoints see: chances are drawn from a seed, the endpoint's name and n alone. Faults that
are listed by hand come first. Endpoints and faults are the platform's own.
"""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Mapping
from enum import Enum
from typing import Generic, TypeVar

Endpoint = TypeVar("Endpoint", bound=Enum)
Fault = TypeVar("Fault", bound=Enum)


class FaultScript(Generic[Endpoint, Fault]):
    def __init__(
        self, seed: int = 0, chances: Mapping[Endpoint, Mapping[Fault, float]] | None = None
    ) -> None:
        self._seed = seed
        self.chances = chances or {}
        self._listed: defaultdict[Endpoint, deque[Fault | None]] = defaultdict(deque)
        self._asked: defaultdict[Endpoint, int] = defaultdict(int)
        #: How often each fault has struck.
        self.struck: defaultdict[tuple[Endpoint, Fault], int] = defaultdict(int)

    def put(self, endpoint: Endpoint, *faults: Fault | None) -> None:
        """The next requests to `endpoint` meet these, one each; None is none."""
        self._listed[endpoint].extend(faults)

    def calm(self) -> None:
        """Nothing goes wrong any more."""
        self.chances = {}
        self._listed.clear()

    def next(self, endpoint: Endpoint) -> Fault | None:
        listed = self._listed[endpoint]
        fault = listed.popleft() if listed else self._drawn(endpoint)
        if fault is not None:
            self.struck[endpoint, fault] += 1
        return fault

    def _drawn(self, endpoint: Endpoint) -> Fault | None:
        self._asked[endpoint] += 1
        point = random.Random(f"{self._seed} {endpoint} {self._asked[endpoint]}").random()
        for fault, chance in self.chances.get(endpoint, {}).items():
            point -= chance
            if point < 0:
                return fault
        return None


def scaled(weights: Mapping[Fault, float], share: float) -> dict[Fault, float]:
    """Chances in these proportions that add up to `share`."""
    whole = sum(weights.values())
    return {fault: share * weight / whole for fault, weight in weights.items()}
