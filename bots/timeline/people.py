"""The demo people of the timeline, and how any handle is shown."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from data.words import Tier

BOT_NAME = "Muralist"

#: Paints in the palette of `timeline.css`.
COLOURS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody one can post as with a click."""

    handle: str
    name: str
    tier: Tier


#: Different tiers, so that the limits can be felt; two free ones, so that a
#: conversation between strangers can be played.
PEOPLE = (
    Person(handle="ada", name="Ada", tier=Tier.FREE),
    Person(handle="noor", name="Noor", tier=Tier.FREE),
    Person(handle="kenji", name="Kenji", tier=Tier.PLUS),
    Person(handle="ines", name="Inés", tier=Tier.PRO),
)


def name_of(handle: str) -> str:
    """What to call somebody; a stranger goes by the handle."""
    return next((person.name for person in PEOPLE if person.handle == handle), handle)


def colour_of(handle: str) -> int:
    """Which paint somebody's avatar has; always the same one."""
    for place, person in enumerate(PEOPLE):
        if person.handle == handle:
            return place
    return zlib.crc32(handle.encode()) % COLOURS
