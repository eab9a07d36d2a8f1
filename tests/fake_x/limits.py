"""X's rate limits: three families of windows, the headers that tell of them, and the pauses (§3).

A window begins with its first request. A 429 from the 15-minute window names its
reset; one from a 24-hour cap names that cap's reset, while `x-rate-limit-reset`
already lies in the past; a bare one names nothing and is to be waited out for a
minute, doubling up to a quarter of an hour.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from tests.fake_x.endpoints import Endpoint

QUARTER = 900.0
DAY = 86_400.0
LONGEST_BARE = 900.0


class Family(StrEnum):
    """The beginning of its headers' names."""

    WINDOW = "x-rate-limit"
    USER_DAY = "x-user-limit-24hour"
    APP_DAY = "x-app-limit-24hour"


@dataclass(frozen=True, slots=True)
class Cap:
    limit: int
    seconds: float


Caps = Mapping[Family, Cap]


def _caps(window: int, app_day: int | None = None) -> Caps:
    day = {Family.APP_DAY: Cap(app_day, DAY)} if app_day is not None else {}
    return {Family.WINDOW: Cap(window, QUARTER), **day}


def published() -> dict[Endpoint, Caps]:
    """The table of X's documentation, user authentication (§3)."""
    return {
        Endpoint.ME: _caps(75),
        Endpoint.MENTIONS: _caps(300),
        Endpoint.TIMELINE: _caps(900),
        Endpoint.LOOKUP: _caps(5000),
        Endpoint.SEARCH: _caps(300),
        Endpoint.CREATE: _caps(100, app_day=10_000),
        Endpoint.DELETE: _caps(50),
        Endpoint.UPLOAD: _caps(500, app_day=50_000),
        Endpoint.METADATA: _caps(500, app_day=50_000),
        Endpoint.MEDIA: _caps(300),
        Endpoint.STREAM: _caps(450),
        Endpoint.SUBSCRIPTIONS: _caps(300),
        Endpoint.SUBSCRIBE: _caps(300),
        Endpoint.TOKEN: _caps(300),  # no page says
    }


def widened(factor: int) -> dict[Endpoint, Caps]:
    """The same families with room for a test that lives a day in a minute."""
    return {
        endpoint: {family: replace(cap, limit=cap.limit * factor) for family, cap in caps.items()}
        for endpoint, caps in published().items()
    }


@dataclass(slots=True)
class _Meter:
    cap: Cap
    used: int = 0
    resets_at: float = 0.0

    def roll(self, now: float) -> None:
        """Begin a new window when the last one is over. Resets are whole seconds, as in headers."""
        if now >= self.resets_at:
            self.used, self.resets_at = 0, float(math.ceil(now + self.cap.seconds))

    @property
    def remaining(self) -> int:
        return max(0, self.cap.limit - self.used)


@dataclass(frozen=True, slots=True)
class Pause:
    """An endpoint that is not to be asked between `announced_at` and `until`."""

    endpoint: Endpoint
    announced_at: float
    until: float


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether a request is let through, and the headers its answer carries."""

    allowed: bool
    headers: Mapping[str, str]


@dataclass(slots=True)
class _Gauge:
    meters: dict[Family, _Meter] = field(default_factory=dict)
    silent_until: float = 0.0
    silences: int = 0


class Limits:
    def __init__(
        self,
        clock: Callable[[], float],
        caps: Mapping[Endpoint, Caps] | None = None,
        *,
        bare_seconds: float = 60.0,
    ) -> None:
        self._clock = clock
        self._bare_seconds = bare_seconds
        table = published() if caps is None else caps
        self._gauges = {
            endpoint: _Gauge({family: _Meter(cap) for family, cap in found.items()})
            for endpoint, found in table.items()
        }
        #: Every pause ever announced, the oldest first.
        self.pauses: list[Pause] = []

    def take(self, endpoint: Endpoint) -> Taken:
        """Count one request, or refuse it and announce the pause."""
        gauge, now = self._gauges.get(endpoint), self._clock()
        if gauge is None:
            return Taken(True, {})
        if now < gauge.silent_until:
            return self.silence(endpoint)
        for meter in gauge.meters.values():
            meter.roll(now)
        empty = [family for family, meter in gauge.meters.items() if meter.remaining == 0]
        if empty:
            return self._refuse(endpoint, gauge, empty, now)
        for meter in gauge.meters.values():
            meter.used += 1
        gauge.silences = 0
        return Taken(True, _headers(gauge))

    def exhaust(self, endpoint: Endpoint, family: Family, seconds: float) -> Taken:
        """Use a family up, and refuse until `seconds` from now: somebody else was busy."""
        gauge, now = self._gauges[endpoint], self._clock()
        for meter in gauge.meters.values():
            meter.roll(now)
        meter = gauge.meters.setdefault(family, _Meter(Cap(100, DAY)))
        meter.used, meter.resets_at = meter.cap.limit, float(math.ceil(now + seconds))
        return self._refuse(endpoint, gauge, [family], now)

    def silence(self, endpoint: Endpoint) -> Taken:
        """A 429 that says nothing; each further one in a row doubles the wait it asks for."""
        gauge, now = self._gauges[endpoint], self._clock()
        wait = min(LONGEST_BARE, self._bare_seconds * 2**gauge.silences)
        gauge.silences += 1
        gauge.silent_until = max(gauge.silent_until, now + self._bare_seconds)
        self._announce(endpoint, now, now + wait)
        return Taken(False, {})

    def pause_at(self, endpoint: Endpoint, now: float, grace: float) -> Pause | None:
        """The pause a request made now breaks. One already under way when the pause was
        announced may still arrive `grace` seconds later; a tick of rounding is forgiven."""
        for pause in reversed(self.pauses):
            if pause.endpoint is endpoint:
                inside = pause.announced_at + grace <= now < pause.until - 0.05
                return pause if inside else None
        return None

    def _announce(self, endpoint: Endpoint, now: float, until: float) -> None:
        """A pause that is still running was announced when it began."""
        running = next((p for p in reversed(self.pauses) if p.endpoint is endpoint), None)
        begun = running.announced_at if running is not None and now < running.until else now
        self.pauses.append(Pause(endpoint, begun, until))

    def _refuse(self, endpoint: Endpoint, gauge: _Gauge, empty: list[Family], now: float) -> Taken:
        until = max(gauge.meters[family].resets_at for family in empty)
        self._announce(endpoint, now, until)
        headers = _headers(gauge)
        if Family.WINDOW not in empty:
            headers[f"{Family.WINDOW}-reset"] = str(math.floor(now) - 1)
        return Taken(False, headers)


def _headers(gauge: _Gauge) -> dict[str, str]:
    return {
        f"{family}-{name}": str(value)
        for family, meter in gauge.meters.items()
        for name, value in (
            ("limit", meter.cap.limit),
            ("remaining", meter.remaining),
            ("reset", round(meter.resets_at)),
        )
    }
