"""What goes wrong with requests to X, and about how often (§11)."""

from __future__ import annotations

from enum import StrEnum

from tests import faults
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


FaultScript = faults.FaultScript[Endpoint, Fault]


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
        Endpoint.MENTIONS: faults.scaled({**anywhere, **answer_lost}, share),
        Endpoint.TIMELINE: faults.scaled({**anywhere, **answer_lost}, share),
        Endpoint.LOOKUP: faults.scaled({**anywhere, **answer_lost}, share),
        Endpoint.SEARCH: faults.scaled({**anywhere, **answer_lost}, share),
        Endpoint.UPLOAD: faults.scaled({**anywhere, **answer_lost, Fault.EXPIRED: 1}, share),
        Endpoint.METADATA: faults.scaled({**anywhere, **answer_lost}, share),
        Endpoint.MEDIA: faults.scaled(anywhere, share),
        Endpoint.CREATE: faults.scaled({**anywhere, **on_create}, share),
        Endpoint.DELETE: faults.scaled({**anywhere, **answer_lost}, share),
    }
