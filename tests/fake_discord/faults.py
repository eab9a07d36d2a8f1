"""What goes wrong with requests to Discord. Faults of the gateway are its own methods."""

from __future__ import annotations

from enum import StrEnum

from tests import faults
from tests.fake_discord.endpoints import Endpoint


class Fault(StrEnum):
    """`AFTER` ones take effect first: the request was accepted, its answer is lost.

    discord.py repeats 500, 502 and 504 by itself after one second and more, and 503
    only where a token is in the path; a cut line it passes on at once (§2).
    """

    DROP = "drop"
    TIMEOUT = "time-out"
    SLOW = "slow"
    JSON_500 = "500"
    HTML_502 = "502 HTML"
    JSON_503 = "503"
    RATE_LIMITED = "429"
    GLOBAL_429 = "global 429"
    CLOUDFLARE_429 = "429 without Via"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403 50013"
    UNKNOWN_WEBHOOK = "404 10015"
    BLOCKED = "400 200000"
    DROP_AFTER = "drop after accept"
    TIMEOUT_AFTER = "time-out after accept"
    JSON_500_AFTER = "500 after accept"
    HTML_502_AFTER = "502 HTML after accept"
    JSON_503_AFTER = "503 after accept"

    @property
    def after(self) -> bool:
        return self.value.endswith("after accept")


FaultScript = faults.FaultScript[Endpoint, Fault]

_DELIVERIES = (
    Endpoint.CREATE_MESSAGE,
    Endpoint.EDIT_MESSAGE,
    Endpoint.EDIT_ANSWER,
    Endpoint.FOLLOW_UP,
)


def weather(share: float) -> dict[Endpoint, dict[Fault, float]]:
    """Chances by which about `share` of the deliveries go wrong; acks are left alone, since
    a lost ack is a lost interaction, whoever writes the bot."""
    weights = {
        Fault.DROP: 3,
        Fault.DROP_AFTER: 4,
        Fault.JSON_503: 2,
        Fault.JSON_503_AFTER: 2,
        Fault.HTML_502_AFTER: 1,
        Fault.RATE_LIMITED: 1,
        Fault.SLOW: 2,
    }
    return dict.fromkeys(_DELIVERIES, faults.scaled(weights, share))
