"""What a platform is: it yields mentions and posts replies.

A platform is one file in `bots/platforms/`, named in `MURALIST_PLATFORMS`, with
a function `open(house) -> AsyncContextManager[Platform]`.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from aiohttp import web

from bots.settings import Settings
from data.mentions import Received
from data.pictures import PictureStore
from data.store import Connection, Store
from data.words import (
    Account,
    Allowance,
    Media,
    Mention,
    MuralistError,
    PhotoRef,
    Progress,
    Quota,
    Receipt,
    Reply,
    Tier,
)


class Outcome(StrEnum):
    """Whether a failed request may have had its effect."""

    NOT_APPLIED = "not applied"  #: certainly not: it may be repeated
    NOT_YET = "not yet"  #: it was not its turn: certainly not, and no attempt either
    UNKNOWN = "unknown"  #: perhaps: look before repeating
    STANDS = "stands"  #: an earlier attempt had it: look for it, never repeat
    NEVER = "never"  #: not, and repeating it will not help
    HALT = "halt"  #: not, and nothing else may be written until a person has looked


class Words(StrEnum):
    """How much is said on a platform besides pictures."""

    ALL = "all"
    DAILY = "daily"  #: one such reply a person and UTC day
    NONE = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """What a platform expects of whoever posts on it. The defaults suit one that keeps keys."""

    #: Whether pictures are uploaded before the reply is posted.
    prepares: bool = False
    #: Seconds after an intent from which a look that finds nothing proves that nothing is there.
    settle: float = 0.0
    words: Words = Words.ALL
    #: Whether every reply carries its number, because equal texts are refused.
    numbered: bool = False
    #: Whether "stop" means for good, until they come back.
    stop_is_for_good: bool = False
    #: Whether people whom a temporary limit put off are told when it is over.
    tells_when_over: bool = False
    allowance: Allowance | None = None
    #: Whether moments are told as `<t:…:R>`, which the platform shows in the reader's own time.
    live_times: bool = False
    #: Replies on their way at the same time; more where they wait in the platform's own limits.
    abreast: int = 8
    #: For how long whoever posted a photo is asked whether somebody else may have it painted,
    #: in seconds; 0 is never: such wishes are declined.
    asks_posters: float = 0.0
    #: How many days back it is asked whether what we keep still stands there; 0 is never.
    sweep_days: int = 0


class PlatformError(MuralistError):
    """A platform did not do what was asked. `retry_after` is in seconds.

    `media_lost` says that it no longer knows what was uploaded before.
    """

    def __init__(
        self,
        message: str,
        *,
        outcome: Outcome,
        retry_after: float | None = None,
        media_lost: bool = False,
    ) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.retry_after = retry_after
        self.media_lost = media_lost


class Rush:
    """Somebody waits for a word at once: whatever can wait lets them go first, for a while.

    A rush that does not end is none: from `seconds` after its beginning on all goes on.
    """

    def __init__(self, seconds: float = 1.5, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._until = 0.0

    def begins(self) -> None:
        self._until = self._clock() + self._seconds

    def ends(self) -> None:
        self._until = 0.0

    def is_on(self) -> bool:
        """From any thread."""
        return self._clock() < self._until


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What every platform is given when it is opened."""

    settings: Settings
    store: Store
    pictures: PictureStore
    clock: Callable[[], float]
    #: How far the drawing of a job has come, None while it is not being drawn.
    progress: Callable[[int], Progress | None]
    #: What a job's first picture looked like a while ago, as a small WebP, where the engine can
    #: show that and the checks have nothing against it. Asking has the next one made.
    sketch: Callable[[int], bytes | None] = lambda _job: None
    #: Begun and ended by who has to answer at once; heeded by who draws.
    rush: Rush = field(default_factory=Rush)
    #: Things the model is known to draw well, the most popular first.
    vocabulary: Sequence[str]
    #: Whether a wish is among them; always, for a model that does not say what it knows.
    knows: Callable[[str], bool]
    #: Names that `--style` understands, for platforms that can offer a choice.
    styles: Sequence[str] = ()
    #: Whether a style is one of them or another word for one.
    draws_in: Callable[[str | None], bool] = lambda _style: True
    #: The engine and its model as people may read it, and whether it is loaded.
    engine: Callable[[], str]
    ready: Callable[[], bool]
    #: Pictures a day, by tier, where nobody has changed them.
    quotas: Mapping[Tier, int]
    #: What an account has had today, and has left.
    quota: Callable[[Connection, Account, float], Quota]
    #: What moderators may say without writing, and after how many seconds a hold expires.
    reasons: Sequence[str] = ()
    expire_after: float = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Mentions that were read together, and the cursor behind the last of them.

    `kept` are mentions that the platform itself wrote to the inbox, because it had to
    answer for them before it could hand them over.
    """

    mentions: Sequence[Mention]
    cursor: str | None
    kept: Sequence[Received] = ()


class Platform(Protocol):
    """One social network. Times, ids and errors as in `data.words`."""

    #: The file's name, the value of `Mention.platform`.
    name: str
    #: Longest reply text, in the platform's own way of counting characters.
    text_limit: int
    #: Longest alternative text of one picture.
    alt_limit: int
    manners: Manners

    def mentions(self, cursor: str | None) -> AsyncIterator[Delivery]:
        """Yield what tags the bot after `cursor`, for ever; repeats are harmless."""
        ...

    async def photo(self, ref: PhotoRef) -> bytes | None:
        """The bytes of a photo, unchecked but bounded. Raises PlatformError.

        None where a look at the post showed that there is no photo in it.
        """
        ...

    async def prepare(self, reply: Reply, /) -> Media:
        """Upload what the reply shows; nothing is public yet. Raises PlatformError.

        Called where `manners` say so, and again after every failure; `reply.media` is
        what an earlier attempt uploaded.
        """
        ...

    async def reply(self, reply: Reply) -> Receipt:
        """Post it; `reply.key` makes repeats harmless where it can. Raises PlatformError."""
        ...

    async def find(self, reply: Reply) -> Receipt | None:
        """Look whether an earlier attempt with the same key stands. Raises PlatformError."""
        ...

    async def withdraw(self, receipt: Receipt) -> None:
        """Take a posted reply back. Raises PlatformError."""
        ...

    async def gone(self, post_ids: Sequence[str], /) -> set[str]:
        """Which of up to a hundred posts are certainly no longer there. Raises PlatformError."""
        ...

    def mount(self, app: web.Application) -> None:
        """Add the platform's own routes, if it has any."""
        ...


def load(name: str) -> Callable[[House], AbstractAsyncContextManager[Platform]]:
    """The `open` function of `bots/platforms/<name>.py`."""
    opener: Callable[[House], AbstractAsyncContextManager[Platform]] = importlib.import_module(
        f"bots.platforms.{name}"
    ).open
    return opener
