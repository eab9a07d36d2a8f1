"""What X lets us do and what it charges, counted before every request and after every answer.

X's documents contradict themselves, so the windows below are where we start,
strictest first; the headers of its answers are the truth and overwrite them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from bots.platform import House, Outcome, PlatformError
from bots.settings import Settings
from data import budget
from data.budget import Price, Reading
from data.store import Connection
from data.words import Window

NAME: Final = "x"


class Endpoint(StrEnum):
    MENTIONS = "mentions"
    TIMELINE = "timeline"
    LOOKUP = "lookup"
    SEARCH = "search"
    REPLIES = budget.REPLIES
    DELETE = "delete"
    UPLOAD = "upload"
    METADATA = "metadata"


_QUARTER, _THREE_HOURS, _DAY = 900.0, 10_800.0, 86_400.0
#: The families of headers, by the name of the window they tell about.
_FAMILIES: Final = MappingProxyType(
    {
        "window": "x-rate-limit",
        "user day": "x-user-limit-24hour",
        "app day": "x-app-limit-24hour",
    }
)


def _windows(quarter: int, *more: Window) -> tuple[Window, ...]:
    return (Window(name="window", capacity=quarter, seconds=_QUARTER), *more)


WINDOWS: Final[Mapping[Endpoint, tuple[Window, ...]]] = MappingProxyType(
    {
        Endpoint.MENTIONS: _windows(300),
        Endpoint.TIMELINE: _windows(900),
        Endpoint.LOOKUP: _windows(3500),
        Endpoint.SEARCH: _windows(300),
        Endpoint.DELETE: _windows(50),
        Endpoint.UPLOAD: _windows(500, Window(name="app day", capacity=50_000, seconds=_DAY)),
        Endpoint.METADATA: _windows(500, Window(name="app day", capacity=50_000, seconds=_DAY)),
    }
)


def reply_windows(settings: Settings) -> tuple[Window, ...]:
    """What X's pages about replies say, the strictest of them, unless told otherwise."""
    return _windows(
        settings.x_replies_per_15_minutes,
        Window(name="three hours", capacity=settings.x_replies_per_3_hours, seconds=_THREE_HOURS),
        Window(name="app day", capacity=10_000, seconds=_DAY),
    )


_ROUTES: Final = (
    (Endpoint.MENTIONS, "GET", re.compile(r"/2/users/\d+/mentions")),
    (Endpoint.TIMELINE, "GET", re.compile(r"/2/users/\d+/tweets")),
    (Endpoint.LOOKUP, "GET", re.compile(r"/2/tweets")),
    (Endpoint.SEARCH, "GET", re.compile(r"/2/tweets/search/recent")),
    (Endpoint.REPLIES, "POST", re.compile(r"/2/tweets")),
    (Endpoint.DELETE, "DELETE", re.compile(r"/2/tweets/(?P<thing>\d+)")),
    (Endpoint.UPLOAD, "POST", re.compile(r"/2/media/upload")),
    (Endpoint.METADATA, "POST", re.compile(r"/2/media/metadata")),
)

# In millionths of a US dollar.
OWN_READ: Final = 1_000
POST_READ: Final = 5_000
REPLY: Final = 10_000
ALT_TEXT: Final = 5_000
DELETION: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as the meter sees it; `price` is what it costs if it is granted."""

    endpoint: Endpoint
    price: Price | None


def request_of(method: str, route: str, json: Mapping[str, Any] | None) -> Request:
    """Which endpoint a request goes to and what it costs. Raises LookupError for others."""
    for endpoint, verb, pattern in _ROUTES:
        if verb == method and (match := pattern.fullmatch(route)):
            return Request(endpoint=endpoint, price=_price(endpoint, match, json or {}))
    raise LookupError(f"{method} {route} is none of X's endpoints that we use")


def _price(endpoint: Endpoint, match: re.Match[str], json: Mapping[str, Any]) -> Price | None:
    if endpoint is Endpoint.REPLIES:
        answered = str(json["reply"]["in_reply_to_tweet_id"])
        return Price(kind="reply", thing=answered, amount=REPLY)
    if endpoint is Endpoint.METADATA:
        return Price(kind="alt text", thing=str(json["id"]), amount=ALT_TEXT)
    if endpoint is Endpoint.DELETE:
        return Price(kind="deletion", thing=match["thing"], amount=DELETION)
    return None


class Meter:
    def __init__(self, house: House, bot_id: str) -> None:
        self._store = house.store
        self._clock = house.clock
        self._per_day = round(house.settings.x_usd_per_day * 1_000_000)
        self._bot_id = bot_id
        self._windows = {**WINDOWS, Endpoint.REPLIES: reply_windows(house.settings)}

    async def enter(self, request: Request) -> None:
        """Count a request that is about to be made. Raises PlatformError, NOT_YET."""
        now = self._clock()

        def act(c: Connection) -> tuple[str, float] | None:
            amount = request.price.amount if request.price else 1
            if budget.spent(c, NAME, now) + amount > self._per_day:
                return "the money for today is spent", budget.day_ends(now)
            windows = self._windows[request.endpoint]
            until = budget.enter(c, NAME, request.endpoint, windows, now)
            if until is not None:
                return "its limit is reached", until
            if request.price is not None:
                budget.intend(c, NAME, request.price, now)
            return None

        if refusal := await self._store.write(act):
            why, until = refusal
            raise not_yet(f"X's {request.endpoint} are not asked: {why}.", until - now)

    async def granted(
        self, request: Request, headers: Mapping[str, str], body: Mapping[str, Any]
    ) -> None:
        """X did what was asked: believe its headers, and enter what it charges."""
        now = self._clock()
        prices = [request.price] if request.price else _read_in(body, self._bot_id, request)

        def act(c: Connection) -> None:
            budget.read(c, NAME, request.endpoint, readings(headers), now)
            for price in prices:
                budget.spend(c, NAME, price, now)

        await self._store.write(act)

    async def refused(self, request: Request, headers: Mapping[str, str]) -> None:
        """X certainly did not do it: nothing is charged."""
        now = self._clock()

        def act(c: Connection) -> None:
            budget.read(c, NAME, request.endpoint, readings(headers), now)
            _forgo(c, request)

        await self._store.write(act)

    async def too_many(self, request: Request, headers: Mapping[str, str]) -> PlatformError:
        """A 429: the endpoint rests. Returns the error to raise."""
        now = self._clock()

        def act(c: Connection) -> float:
            _forgo(c, request)
            return budget.refused(c, NAME, request.endpoint, readings(headers), now)

        until = await self._store.write(act)
        return not_yet(f"X's {request.endpoint} have had too many requests.", until - now)

    async def found(self, answered: str) -> None:
        """A reply whose request had no answer stands: it was charged."""
        now = self._clock()
        price = Price(kind="reply", thing=answered, amount=REPLY)
        await self._store.write(lambda c: budget.spend(c, NAME, price, now))


def not_yet(message: str, seconds: float) -> PlatformError:
    # A little later than the end, so that clocks which differ do not matter.
    return PlatformError(message, outcome=Outcome.NOT_YET, retry_after=max(0.0, seconds) + 0.2)


def readings(headers: Mapping[str, str]) -> list[Reading]:
    """What the headers of an answer tell; families may be missing, or broken."""
    told = [_reading(name, prefix, headers) for name, prefix in _FAMILIES.items()]
    return [reading for reading in told if reading is not None]


def _reading(name: str, prefix: str, headers: Mapping[str, str]) -> Reading | None:
    try:
        return Reading(
            name=name,
            capacity=int(headers[f"{prefix}-limit"]),
            remaining=int(headers[f"{prefix}-remaining"]),
            resets_at=float(headers[f"{prefix}-reset"]),
        )
    except (KeyError, ValueError):
        return None


def _read_in(body: Mapping[str, Any], bot_id: str, request: Request) -> list[Price]:
    """What reading a page cost: each post in it, once a day."""
    own = request.endpoint in (Endpoint.MENTIONS, Endpoint.TIMELINE)
    posts = body.get("data") or []
    posts = posts if isinstance(posts, list) else []
    return [
        Price(
            kind="read",
            thing=str(post.get("id")),
            amount=OWN_READ if own or post.get("author_id") == bot_id else POST_READ,
        )
        for post in posts
    ]


def _forgo(c: Connection, request: Request) -> None:
    if request.price is not None:
        budget.forgo(c, NAME, request.price.kind, request.price.thing)
