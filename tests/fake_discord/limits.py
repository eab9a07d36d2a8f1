"""Discord's rate limits: buckets by route and major parameter, the global one, and the ban.

A bucket's window begins with its first request and ends `seconds` later; its headers
tell all there is to know, so a careful client never meets a 429. Interactions' own
endpoints have buckets by token and are free of the global limit. Ten thousand
invalid requests (401, 403, 429) in ten minutes bring Cloudflare's ban (§3).
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.fake_discord.endpoints import Endpoint

INVALID_SECONDS = 600.0
#: Answers that count as invalid; a 429 of a shared limit would not.
INVALID = (401, 403, 429)
_SECOND = 1.0


@dataclass(frozen=True, slots=True)
class Cap:
    """So many requests in so many seconds; routes with the same `bucket` share them."""

    limit: int
    seconds: float
    bucket: str


Caps = Mapping[Endpoint, Cap]


def usual() -> dict[Endpoint, Cap]:
    """What is seen in practice; Discord publishes none of it."""
    token = Cap(5, 2.0, "token")
    return {
        Endpoint.CREATE_MESSAGE: Cap(5, 5.0, "create"),
        Endpoint.EDIT_MESSAGE: Cap(5, 5.0, "edit"),
        Endpoint.DELETE_MESSAGE: Cap(5, 1.0, "delete"),
        Endpoint.TYPING: Cap(5, 5.0, "typing"),
        Endpoint.REACT: Cap(1, 0.25, "react"),
        Endpoint.UNREACT: Cap(1, 0.25, "react"),
        Endpoint.HISTORY: Cap(5, 1.0, "history"),
        Endpoint.GET_MESSAGE: Cap(5, 1.0, "history one"),
        Endpoint.OPEN_DM: Cap(10, 1.0, "dm"),
        Endpoint.SYNC: Cap(2, 4.0, "sync"),
        Endpoint.GUILD_SYNC: Cap(2, 4.0, "guild sync"),
        Endpoint.FOLLOW_UP: token,
        Endpoint.EDIT_ANSWER: token,
        Endpoint.DELETE_ANSWER: token,
        Endpoint.GET_ANSWER: token,
    }


def wide() -> dict[Endpoint, Cap]:
    """No bucket anybody meets, for tests about something else."""
    return {}


@dataclass(slots=True)
class _Bucket:
    cap: Cap
    hash: str
    used: int = 0
    ends_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether a request is let through, the headers of its answer, and the wait if not."""

    allowed: bool
    headers: Mapping[str, str]
    retry_after: float = 0.0
    is_global: bool = False
    banned: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A 429: when, of which bucket."""

    at: float
    endpoint: Endpoint
    major: str
    is_global: bool


class Limits:
    def __init__(
        self,
        clock: Callable[[], float],
        caps: Caps | None = None,
        *,
        per_second: int = 50,
        most_invalid: int = 10_000,
    ) -> None:
        self._clock = clock
        self.caps: Caps = usual() if caps is None else caps
        self.per_second = per_second
        self.most_invalid = most_invalid
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._whole = _Bucket(Cap(per_second, _SECOND, "global"), "")
        self._invalid: deque[float] = deque()
        #: Every 429 but those a fault put there.
        self.refused: list[Refused] = []

    @property
    def invalid(self) -> int:
        """Invalid requests in the last ten minutes."""
        while self._invalid and self._invalid[0] < self._clock() - INVALID_SECONDS:
            self._invalid.popleft()
        return len(self._invalid)

    def count(self, status: int) -> None:
        if status in INVALID:
            self._invalid.append(self._clock())

    def take(self, endpoint: Endpoint, major: str) -> Taken:
        """Count one request, or refuse it."""
        now = self._clock()
        if self.invalid >= self.most_invalid:
            return Taken(False, {}, banned=True)
        if not endpoint.by_token:
            whole = _rolled(self._whole, now)
            if whole.used >= self.per_second:
                return self._refuse(endpoint, "", whole, now, is_global=True)
            whole.used += 1
        cap = self.caps.get(endpoint)
        if cap is None:
            return Taken(True, {})
        bucket = self._bucket(cap, major, now)
        if bucket.used >= cap.limit:
            return self._refuse(endpoint, major, bucket, now)
        bucket.used += 1
        return Taken(True, _headers(bucket, now))

    def storm(self, endpoint: Endpoint, major: str, seconds: float, *, is_global: bool) -> Taken:
        """A 429 because somebody else was busy: so long nothing is let through."""
        now = self._clock()
        cap = self.caps.get(endpoint) or Cap(1, seconds, str(endpoint))
        bucket = self._whole if is_global else self._bucket(cap, major, now)
        bucket.used, bucket.ends_at = bucket.cap.limit, now + seconds
        return _refusal(bucket, now, is_global=is_global)

    def _bucket(self, cap: Cap, major: str, now: float) -> _Bucket:
        key = (cap.bucket, major)
        if len(self._buckets) > 5000:
            self._buckets = {k: b for k, b in self._buckets.items() if now < b.ends_at}
        if key not in self._buckets:
            digest = hashlib.md5(cap.bucket.encode(), usedforsecurity=False).hexdigest()
            self._buckets[key] = _Bucket(cap, digest)
        return _rolled(self._buckets[key], now)

    def _refuse(
        self,
        endpoint: Endpoint,
        major: str,
        bucket: _Bucket,
        now: float,
        *,
        is_global: bool = False,
    ) -> Taken:
        self.refused.append(Refused(now, endpoint, major, is_global))
        return _refusal(bucket, now, is_global=is_global)


def _rolled(bucket: _Bucket, now: float) -> _Bucket:
    if now >= bucket.ends_at:
        bucket.used, bucket.ends_at = 0, now + bucket.cap.seconds
    return bucket


def _refusal(bucket: _Bucket, now: float, *, is_global: bool) -> Taken:
    wait = max(0.001, bucket.ends_at - now)
    scope = {"X-RateLimit-Scope": "global" if is_global else "user", "Retry-After": f"{wait:.3f}"}
    headers = {"X-RateLimit-Global": "true"} if is_global else _headers(bucket, now)
    return Taken(False, {**headers, **scope}, wait, is_global)


def _headers(bucket: _Bucket, now: float) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(bucket.cap.limit),
        "X-RateLimit-Remaining": str(max(0, bucket.cap.limit - bucket.used)),
        "X-RateLimit-Reset": f"{bucket.ends_at:.3f}",
        "X-RateLimit-Reset-After": f"{max(0.0, bucket.ends_at - now):.3f}",
        "X-RateLimit-Bucket": bucket.hash,
    }
