"""How X reads a post's text: its length, the names in it, its links and cashtags."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 280
LINK_LENGTH = 23

_HANDLE = re.compile(r"(?<![A-Za-z0-9_@])@([A-Za-z0-9_]{1,15})(?![A-Za-z0-9_@])")
_ENDINGS = "com|net|org|io|ai|art|app|dev|co|me|info|xyz|ly|be|de|uk|eu|tv|gg"
_LINK = re.compile(
    rf"https?://\S+|(?<![\w@.-])(?:[a-z0-9-]+\.)+(?:{_ENDINGS})(?![\w-])(?:/\S*)?", re.IGNORECASE
)
_CASHTAG = re.compile(r"(?<![\w$])\$[A-Za-z]{1,6}(?![A-Za-z0-9_])")

_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
_JOINER = "\u200d"
_EMOJI_STYLE = "\ufe0f"
_KEYCAP = "\u20e3"


@dataclass(frozen=True, slots=True)
class Handle:
    """A name with its @, as an entity counts it: code points, the end exclusive."""

    start: int
    end: int
    username: str


def handles(text: str) -> Iterator[Handle]:
    for found in _HANDLE.finditer(text):
        yield Handle(found.start(), found.end(), found[1])


def links(text: str) -> list[str]:
    """What X would make a link of, bare domains as well."""
    return _LINK.findall(text)


def cashtags(text: str) -> list[str]:
    return _CASHTAG.findall(text)


def weighted_length(text: str) -> int:
    """X's count: 1 for Latin and the like, 2 for the rest and for any one emoji, 23 for a link."""
    bare, number = _LINK.subn("", unicodedata.normalize("NFC", text))
    return number * LINK_LENGTH + sum(_weights(bare))


def _weights(text: str) -> Iterator[int]:
    """The weight of every code point; what continues an emoji weighs nothing."""
    joined = heavy = half_a_flag = False
    for character in text:
        if heavy and (character in (_JOINER, _EMOJI_STYLE) or _is_skin_tone(character)):
            joined = character == _JOINER
            yield 0
        elif joined:
            joined = False
            yield 0
        elif character in (_KEYCAP, _EMOJI_STYLE):
            yield int(character == _KEYCAP)
        elif half_a_flag and _is_flag_letter(character):
            half_a_flag = False
            yield 0
        else:
            heavy = not any(low <= ord(character) <= high for low, high in _LIGHT)
            half_a_flag = _is_flag_letter(character)
            yield 1 + heavy


def _is_skin_tone(character: str) -> bool:
    return 0x1F3FB <= ord(character) <= 0x1F3FF


def _is_flag_letter(character: str) -> bool:
    return 0x1F1E6 <= ord(character) <= 0x1F1FF
