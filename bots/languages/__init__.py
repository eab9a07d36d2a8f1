"""What the bot says in other languages, one file a language, named by its two letters.

To add one, copy `de.py`, translate it, and name it in `_CATALOGUES`. Three tables:

- `COMMANDS`: names and descriptions of commands, options and menus. Names of commands and
  options are lower case without spaces, at most 32 characters; descriptions at most 100.
- `PHRASES`: sentences of `bots/languages/en.py`, with the same {facts} in them.
- `SAYINGS`: replies, as sentences in the order of their importance. A sentence whose
  {facts} are not all known is left out; of several in brackets the first that can be
  said is. A fact that is no more than a condition shows nothing as {fact:.0}. English
  replies are made in `bots/wording.py`.

What a language does not have is said in English.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bots.languages import de, en, es, ja
from data.words import Say

#: A sentence, or several of which the first that can be said is.
Sentence = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    commands: Mapping[str, str]
    phrases: Mapping[str, str]
    sayings: Mapping[Say, tuple[Sentence, ...]]


ENGLISH: Final = Catalogue(en.COMMANDS, en.PHRASES, MappingProxyType({}))
_CATALOGUES: Final[Mapping[str, Catalogue]] = MappingProxyType(
    {
        "de": Catalogue(de.COMMANDS, de.PHRASES, de.SAYINGS),
        "es": Catalogue(es.COMMANDS, es.PHRASES, es.SAYINGS),
        "ja": Catalogue(ja.COMMANDS, ja.PHRASES, ja.SAYINGS),
    }
)


def catalogue(language: str | None) -> Catalogue:
    """A language's own words; English where there are none."""
    return _CATALOGUES.get(language or "en", ENGLISH)


def spoken() -> tuple[str, ...]:
    """The languages there are, besides English."""
    return tuple(_CATALOGUES)
