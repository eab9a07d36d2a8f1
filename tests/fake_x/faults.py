"""What goes wrong, when: a script of faults for every endpoint, the same on every run (§11).

The n-th request to an endpoint meets the same fault whatever the other endpoints
see: chances are drawn from a seed, the endpoint's name and n alone. Faults that
are listed by hand come first.
"""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Mapping
from enum import StrEnum

from tests.fake_x.endpoints import Endpoint


class Fault(StrEnum):
    """`AFTER` ones take effect first: the request was accepted, its answer is lost."""

    RATE_LIMITED = "429"
    BARE_429 = "429 without headers"
    DAY_429 = "429 from a 24-hour cap"
    JSON_503 = "503 JSON"
    HTML_503 = "503 HTML"
    EMPTY_503 = "503 empty"
    UNAUTHORIZED = "401"
    DROP = "drop"
    TIMEOUT = "time-out"
    SLOW = "slow"
    HTML_200 = "200 HTML"
    EXPIRED = "expired media"
    DROP_AFTER = "drop after accept"
    TIMEOUT_AFTER = "time-out after accept"
    JSON_503_AFTER = "503 JSON after accept"
    HTML_503_AFTER = "503 HTML after accept"
    EMPTY_503_AFTER = "503 empty after accept"

    @property
    def after(self) -> bool:
        return self.value.endswith("after accept")


Chances = Mapping[Endpoint, Mapping[Fault, float]]


class FaultScript:
    def __init__(self, seed: int = 0, chances: Chances | None = None) -> None:
        self._seed = seed
        self.chances: Chances = chances or {}
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
        fault = (
            self._listed[endpoint].popleft() if self._listed[endpoint] else self._drawn(endpoint)
        )
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


def weather(share: float) -> dict[Endpoint, dict[Fault, float]]:
    """Chances by which about `share` of the requests to every endpoint go wrong."""
    anywhere = {
        Fault.JSON_503: 2,
        Fault.HTML_503: 2,
        Fault.EMPTY_503: 1,
        Fault.DROP: 3,
        Fault.TIMEOUT: 1,
        Fault.RATE_LIMITED: 1,
        Fault.SLOW: 2,
    }
    # Charged, and the answer lost: what a ledger must find out about.
    answer_lost = {Fault.DROP_AFTER: 2, Fault.HTML_503_AFTER: 1}
    on_create = {
        Fault.DROP_AFTER: 3,
        Fault.TIMEOUT_AFTER: 2,
        Fault.JSON_503_AFTER: 2,
        Fault.HTML_503_AFTER: 2,
        Fault.EMPTY_503_AFTER: 1,
        Fault.BARE_429: 1,
        Fault.DAY_429: 1,
    }
    return {
        Endpoint.MENTIONS: _scaled({**anywhere, **answer_lost}, share),
        Endpoint.TIMELINE: _scaled({**anywhere, **answer_lost}, share),
        Endpoint.LOOKUP: _scaled({**anywhere, **answer_lost}, share),
        Endpoint.SEARCH: _scaled({**anywhere, **answer_lost}, share),
        Endpoint.UPLOAD: _scaled({**anywhere, **answer_lost, Fault.EXPIRED: 1}, share),
        Endpoint.METADATA: _scaled({**anywhere, **answer_lost}, share),
        Endpoint.MEDIA: _scaled(anywhere, share),
        Endpoint.CREATE: _scaled({**anywhere, **on_create}, share),
        Endpoint.DELETE: _scaled({**anywhere, **answer_lost}, share),
    }


def _scaled(weights: Mapping[Fault, float], share: float) -> dict[Fault, float]:
    whole = sum(weights.values())
    return {fault: share * weight / whole for fault, weight in weights.items()}
