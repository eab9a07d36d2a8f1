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
from bots.platforms._x import reading
from bots.platforms._x.wire import Answer
from bots.settings import Settings
from data import budget
from data.budget import Price, Question, Reading
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
    MEDIA = "media"
    TOKENS = "tokens"
    STREAM = "stream"
    SUBSCRIPTIONS = "subscriptions"


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
        Endpoint.MEDIA: _windows(300),
        Endpoint.STREAM: _windows(450),
        Endpoint.TOKENS: (),  # no page says; a refusal is heeded
        Endpoint.SUBSCRIPTIONS: (),
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
    (Endpoint.MEDIA, "GET", re.compile(r"/2/media")),
    (Endpoint.SUBSCRIPTIONS, "GET", re.compile(r"/2/activity/subscriptions")),
    (Endpoint.SUBSCRIPTIONS, "POST", re.compile(r"/2/activity/subscriptions")),
)

# In millionths of a US dollar. Uploads, and looks at what was uploaded, are in no price list.
OWN_READ: Final = 1_000
POST_READ: Final = 5_000
USER_READ: Final = 10_000
REPLY: Final = 10_000
ALT_TEXT: Final = 5_000
DELETION: Final = 10_000
EVENT: Final = 5_000

#: The readings that are paid for, and the most one post in them may cost.
_READ: Final = MappingProxyType(
    {
        Endpoint.MENTIONS: OWN_READ,
        Endpoint.TIMELINE: OWN_READ,
        Endpoint.SEARCH: OWN_READ,  # only our own posts are searched for
        Endpoint.LOOKUP: POST_READ,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as the meter sees it: what it costs if it is granted, or what it asks."""

    endpoint: Endpoint
    price: Price | None = None
    question: Question | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A request that is counted; `doubted` where an earlier one for the same had no answer."""

    request: Request
    doubted: bool = False


def endpoint_of(method: str, route: str) -> Endpoint:
    """Which endpoint a request goes to. Raises LookupError for others."""
    return _endpoint(method, route)[0]


def request_of(
    method: str, route: str, query: Mapping[str, str], json: Mapping[str, Any] | None
) -> Request:
    """Which endpoint a request goes to and what it costs. Raises LookupError for others."""
    endpoint, match = _endpoint(method, route)
    return Request(
        endpoint=endpoint,
        price=_price(endpoint, match, json or {}),
        question=_question(endpoint, query),
    )


def alt_text_of(media_id: str) -> Price:
    return Price(kind="alt text", thing=media_id, amount=ALT_TEXT)


def reply_to(post_id: str) -> Price:
    return Price(kind="reply", thing=post_id, amount=REPLY)


def _endpoint(method: str, route: str) -> tuple[Endpoint, re.Match[str]]:
    for endpoint, verb, pattern in _ROUTES:
        if verb == method and (match := pattern.fullmatch(route)):
            return endpoint, match
    raise LookupError(f"{method} {route} is none of X's endpoints that we use")


def _price(endpoint: Endpoint, match: re.Match[str], json: Mapping[str, Any]) -> Price | None:
    if endpoint is Endpoint.REPLIES:
        return reply_to(str(json["reply"]["in_reply_to_tweet_id"]))
    if endpoint is Endpoint.METADATA:
        return alt_text_of(str(json["id"]))
    if endpoint is Endpoint.DELETE:
        return Price(kind="deletion", thing=match["thing"], amount=DELETION)
    return None


def _question(endpoint: Endpoint, query: Mapping[str, str]) -> Question | None:
    """The same words for all pages of a reading, and for its repeat."""
    if endpoint not in _READ:
        return None
    asked = " ".join(query[name] for name in ("ids", "query", "since_id") if name in query)
    posts = len(query["ids"].split(",")) if "ids" in query else int(query["max_results"])
    with_author = USER_READ if "author_id" in query.get("expansions", "") else 0
    return Question(words=f"{endpoint} {asked}", most=posts * (_READ[endpoint] + with_author))


class Meter:
    def __init__(self, house: House, bot_id: str) -> None:
        self._store = house.store
        self._clock = house.clock
        self._per_day = round(house.settings.x_usd_per_day * 1_000_000)
        self._bot_id = bot_id
        self._windows = {**WINDOWS, Endpoint.REPLIES: reply_windows(house.settings)}

    async def enter(self, request: Request) -> Entry:
        """Count a request that is about to be made. Raises PlatformError, NOT_YET."""
        now = self._clock()

        def act(c: Connection) -> Entry | tuple[str, float]:
            amount = request.price.amount if request.price else 1
            if budget.spent(c, NAME, now) + amount > self._per_day:
                return "the money for today is spent", budget.day_ends(now)
            windows = self._windows[request.endpoint]
            until = budget.enter(c, NAME, request.endpoint, windows, now)
            if until is not None:
                return "its limit is reached", until
            doubted = (
                request.price is not None and budget.intend(c, NAME, request.price, now)
            ) or (request.question is not None and budget.ask(c, NAME, request.question, now))
            return Entry(request, doubted)

        entered = await self._store.write(act)
        if isinstance(entered, Entry):
            return entered
        why, until = entered
        raise not_yet(f"X's {request.endpoint} are not asked: {why}.", until - now)

    async def granted(
        self, entry: Entry, headers: Mapping[str, str], body: Mapping[str, Any]
    ) -> None:
        """X did what was asked: believe its headers, and enter what it charges."""
        now, request = self._clock(), entry.request
        prices = [request.price] if request.price else _read_in(body, self._bot_id, request)
        # A page before the last does not tell what its lost sisters gave out.
        whole = not entry.doubted or reading.next_page(body) is None

        def act(c: Connection) -> None:
            budget.read(c, NAME, request.endpoint, readings(headers), now)
            for price in prices:
                budget.spend(c, NAME, price, now)
            if request.question is not None and whole:
                budget.answered(c, NAME, request.question, now)

        await self._store.write(act)

    async def refused(self, entry: Entry, answer: Answer) -> None:
        """X certainly did not do it, now: nothing is charged for this request."""
        now, request = self._clock(), entry.request
        gone = request.endpoint is Endpoint.DELETE and answer.status == 404

        def act(c: Connection) -> None:
            budget.read(c, NAME, request.endpoint, readings(answer.headers), now)
            if entry.doubted and gone and request.price is not None:
                # It was the deletion that had no answer.
                budget.confirm(c, NAME, request.price.kind, request.price.thing)
            _forgo(c, entry, now)

        await self._store.write(act)

    async def too_many(self, entry: Entry, headers: Mapping[str, str]) -> PlatformError:
        """A 429: the endpoint rests. Returns the error to raise."""
        now, endpoint = self._clock(), entry.request.endpoint

        def act(c: Connection) -> float:
            _forgo(c, entry, now)
            return budget.refused(c, NAME, endpoint, readings(headers), now)

        until = await self._store.write(act)
        return not_yet(f"X's {endpoint} have had too many requests.", until - now)

    async def stands(self, entry: Entry) -> None:
        """X says that an earlier request did it: that one was charged."""
        if entry.request.price is not None:
            await self.found(entry.request.price)

    async def found(self, price: Price) -> None:
        """What a request without an answer was to do is done: it was charged."""
        await self._store.write(lambda c: budget.confirm(c, NAME, price.kind, price.thing))

    async def absent(self, price: Price) -> None:
        """It certainly was not done: nothing was charged."""
        await self._store.write(lambda c: budget.forgo(c, NAME, price.kind, price.thing))

    async def event(self, uuid: str) -> None:
        """The stream told of something, which is charged once. Raises NOT_YET without money."""
        now = self._clock()

        def act(c: Connection) -> bool:
            budget.spend(c, NAME, Price(kind="event", thing=uuid, amount=EVENT), now)
            return budget.spent(c, NAME, now) >= self._per_day

        if await self._store.write(act):
            raise not_yet("The money for today is spent.", budget.day_ends(now) - now)

    async def charged(self, price: Price) -> bool | None:
        """Whether it was charged; None where a request for it had no answer."""
        return await self._store.read(lambda c: budget.charged(c, NAME, price.kind, price.thing))

    async def unanswered(self, endpoint: Endpoint, query: Mapping[str, str]) -> bool:
        """Whether some page of a reading had no answer, today."""
        now, question = self._clock(), _question(endpoint, {"max_results": "1", **query})
        assert question is not None
        return await self._store.read(lambda c: budget.unanswered(c, NAME, question, now))


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
    """What an answer gave out: each post and person in it, once a day."""
    if request.question is None:
        return []
    own = request.endpoint in (Endpoint.MENTIONS, Endpoint.TIMELINE)
    includes = body.get("includes")
    beside = includes if isinstance(includes, Mapping) else {}
    charged = [
        (str(post["id"]), OWN_READ if own or post.get("author_id") == bot_id else POST_READ)
        for post in reading.posts(body)
    ]
    charged += [(str(each["id"]), POST_READ) for each in _listed(beside, "posts", "tweets")]
    charged += [(f"user {each['id']}", USER_READ) for each in _listed(beside, "users")]
    return [Price(kind="read", thing=thing, amount=amount) for thing, amount in charged]


def _listed(includes: Mapping[str, Any], *names: str) -> list[Mapping[str, Any]]:
    found = [each for name in names for each in includes.get(name) or []]
    return [each for each in found if reading.is_post(each)]


def _forgo(c: Connection, entry: Entry, now: float) -> None:
    """This request costs nothing; what an earlier one may have cost stays in doubt."""
    request = entry.request
    if entry.doubted:
        return
    if request.price is not None:
        budget.forgo(c, NAME, request.price.kind, request.price.thing)
    if request.question is not None:
        budget.answered(c, NAME, request.question, now)
