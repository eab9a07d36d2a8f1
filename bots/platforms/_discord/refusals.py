"""What Discord's failures mean for a reply that was on its way."""

from __future__ import annotations

from typing import Final

import aiohttp
import discord

from bots.platform import Outcome, PlatformError

#: The interaction's token is of no use any more.
TOKEN_GONE: Final = frozenset({50027, 10015, 10062})
UNKNOWN_MESSAGE: Final = 10008
FORBIDDEN: Final = 50013
UNKNOWN_INTERACTION: Final = 10062
ALREADY_ACKNOWLEDGED: Final = 40060
TOO_LARGE: Final = 40005
#: The server's AutoMod does not like the words.
AUTOMOD: Final = frozenset({200000, 200001})
#: How long nobody asks after Discord's guards in front of its API said no, in seconds.
BANNED: Final = 300.0

#: Everything a call of discord.py raises for a request that failed.
FAILURES: Final = (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError)


class OtherWayError(Exception):
    """Not this way, and certainly not applied; perhaps another. `code` is Discord's."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def judged(error: Exception) -> OtherWayError | PlatformError:
    """One of `FAILURES`, as what the outbox or the ladder can act upon."""
    if isinstance(error, discord.RateLimited):
        return PlatformError(str(error), outcome=Outcome.NOT_YET, retry_after=error.retry_after)
    if isinstance(error, discord.HTTPException) and error.status < 500:
        if error.status == 429:
            return PlatformError(str(error), outcome=Outcome.NOT_YET, retry_after=BANNED)
        if error.status == 401 and error.code not in TOKEN_GONE:
            return PlatformError(str(error), outcome=Outcome.NOT_YET, retry_after=BANNED)
        return OtherWayError(str(error), error.code)
    return PlatformError(f"Discord did not answer ({error!r}).", outcome=Outcome.UNKNOWN)
