"""The way back to somebody on Discord, and the ladder of ways to give them their picture. Pure.

An interaction can be answered for fifteen minutes by its token, which is the only way
that posts nothing twice however often it is tried; after that the bot has to find
another. Ids are numbers, written as text; a post is "channel/message".
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

NAME: Final = "discord"

#: The token is not tried in its last moments, in seconds.
MARGIN: Final = 2.0
#: The most characters of a nonce that Discord takes.
NONCE: Final = 25
#: What a file may weigh where nobody said anything else, in bytes.
FILE_BYTES: Final = 10 * 1024 * 1024
#: Milliseconds of UNIX time at which Discord's own count begins.
_EPOCH: Final = 1_420_070_400_000


class Rung(StrEnum):
    """One way to answer, the best first."""

    ORIGINAL = "original"  #: edit the interaction's own answer, by its token
    WHISPER = "whisper"  #: take that answer away and tell the asker alone
    EDIT = "edit"  #: edit the same message as the bot
    CHANNEL = "channel"  #: a message in the channel
    DIRECT = "direct"  #: a direct message


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where an answer goes. `message` is the asker's message, or the one that stands in for
    the answer of an interaction; `hidden` says that only the asker sees it.

    `present` says whether the bot itself is in the channel, `limit` what a file may weigh
    there, in bytes. `interaction`, `application`, `token` and `expires` (UNIX seconds) are
    an interaction's, empty for a message.
    """

    user: str
    channel: str | None = None
    guild: str | None = None
    message: str | None = None
    interaction: str | None = None
    application: str | None = None
    token: str | None = None
    expires: float = 0.0
    hidden: bool = False
    spoiler: bool = False
    present: bool = True
    limit: int = FILE_BYTES

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """Raises KeyError or TypeError where it is no address, as of a forgotten mention."""
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in fields.items() if name in known})

    def token_at(self, now: float) -> str | None:
        """The token, while there is one worth trying."""
        return self.token if now < self.expires - MARGIN else None

    def link(self, message: str | None = None) -> str:
        """Discord's address for the message."""
        return f"https://discord.com/channels/{self.guild or '@me'}/{self.channel}/{message or ''}"


def rungs(address: Address, *, pictures: bool, now: float) -> tuple[Rung, ...]:
    """The ways left at `now`, in the order to try them. What was hidden stays hidden."""
    ways: list[Rung] = []
    if address.token_at(now):
        whisper = not pictures and not address.hidden
        ways.append(Rung.WHISPER if whisper else Rung.ORIGINAL)
    if not address.hidden and address.present and address.channel is not None:
        if address.interaction is not None and address.message is not None:
            ways.append(Rung.EDIT)
        ways.append(Rung.CHANNEL)
    return (*ways, Rung.DIRECT)


def nonce(key: str, what: str) -> str:
    """Discord's idempotency key for one message of ours: the same on every attempt."""
    digest = hashlib.sha256(f"{key}:{what}".encode()).digest()
    return base64.b32encode(digest).decode().lower()[:NONCE]


def post(channel: object, message: object) -> str:
    return f"{channel}/{message}"


def parts(post_id: str) -> tuple[int, int] | None:
    """A post's channel and message, None where it is no post of Discord's."""
    channel, _, message = post_id.partition("/")
    if not (channel.isdecimal() and message.isdecimal()):
        return None
    return int(channel), int(message)


def snowflake(moment: float) -> int:
    """The smallest id of anything made at `moment`, in UNIX seconds."""
    return max(0, int(moment * 1000) - _EPOCH) << 22


def moment_of(snowflake_id: int) -> float:
    """When the thing with this id was made, in UNIX seconds."""
    return ((snowflake_id >> 22) + _EPOCH) / 1000
