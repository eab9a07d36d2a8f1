"""What a platform is: it yields mentions and posts replies.

A platform is one file in `bots/platforms/`, named in `MURALIST_PLATFORMS`, with
a function `open(house) -> AsyncContextManager[Platform]`.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from aiohttp import web

from bots.settings import Settings
from data.pictures import PictureStore
from data.store import Store
from data.words import Mention, MuralistError, PhotoRef, Progress, Receipt, Reply, Tier


class Outcome(StrEnum):
    """Whether a failed request may have had its effect."""

    NOT_APPLIED = "not applied"  #: certainly not: it may be repeated
    UNKNOWN = "unknown"  #: perhaps: look before repeating
    NEVER = "never"  #: not, and repeating it will not help


class PlatformError(MuralistError):
    """A platform did not do what was asked. `retry_after` is in seconds."""

    def __init__(self, message: str, *, outcome: Outcome, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What every platform is given when it is opened."""

    settings: Settings
    store: Store
    pictures: PictureStore
    clock: Callable[[], float]
    #: How far the drawing of a job has come, None while it is not being drawn.
    progress: Callable[[int], Progress | None]
    #: Things the model is known to draw well, the most popular first.
    vocabulary: Sequence[str]
    #: Whether a wish is among them; always, for a model that does not say what it knows.
    knows: Callable[[str], bool]
    #: Names that `--style` understands, for platforms that can offer a choice.
    styles: Sequence[str] = ()
    #: The engine and its model as people may read it, and whether it is loaded.
    engine: Callable[[], str]
    ready: Callable[[], bool]
    #: Pictures a day, by tier.
    quotas: Mapping[Tier, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Mentions that were read together, and the cursor behind the last of them."""

    mentions: Sequence[Mention]
    cursor: str | None


class Platform(Protocol):
    """One social network. Times, ids and errors as in `data.words`."""

    #: The file's name, the value of `Mention.platform`.
    name: str
    #: Longest reply text, in the platform's own way of counting characters.
    text_limit: int
    #: Longest alternative text of one picture.
    alt_limit: int

    def mentions(self, cursor: str | None) -> AsyncIterator[Delivery]:
        """Yield what tags the bot after `cursor`, for ever; repeats are harmless."""
        ...

    async def photo(self, ref: PhotoRef) -> bytes:
        """The bytes of a photo, unchecked but bounded. Raises PlatformError."""
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

    def mount(self, app: web.Application) -> None:
        """Add the platform's own routes, if it has any."""
        ...


def load(name: str) -> Callable[[House], AbstractAsyncContextManager[Platform]]:
    """The `open` function of `bots/platforms/<name>.py`."""
    opener: Callable[[House], AbstractAsyncContextManager[Platform]] = importlib.import_module(
        f"bots.platforms.{name}"
    ).open
    return opener
