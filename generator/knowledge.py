"""What a model says it knows: things and styles, from two small files in its folder.

Models from elsewhere say nothing, and then nothing is claimed for them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

#: What stands in the singular where a plural ends so: puppies, wolves and knives.
_SINGULAR = {"ies": ("y",), "ves": ("f", "fe")}


@dataclass(frozen=True)
class Knowledge:
    """`things` are the words for what is drawn well, the most asked for first, `styles` for
    how; `other_names` and `other_styles` are more words for some of them."""

    things: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()
    other_styles: tuple[str, ...] = ()

    def covers(self, wish: str) -> bool:
        """Whether a wish names one of the things; always, where nothing is claimed.

        "two red foxes" names "fox". Wishes in other scripts are given the benefit
        of the doubt: the list is in English, the model may know more.
        """
        asked = set().union(*(_forms(word) for word in _words(wish)))
        if not asked or not self.things:
            return True
        return any(all(map(asked.intersection, thing)) for thing in self._asked_for)

    @cached_property
    def _asked_for(self) -> list[list[set[str]]]:
        """The words of each name, and each of these as it may be written."""
        names = (*self.things, *self.other_names)
        return [[_forms(word) for word in _words(name)] for name in names]

    def has_style(self, style: str | None) -> bool:
        """Whether it draws in a style, "ink" or "ink style"; always, where nothing is claimed."""
        if style is None or not self.styles:
            return True
        return style.lower().removesuffix("style").strip() in (*self.styles, *self.other_styles)


def of_model(model: str) -> Knowledge:
    """Read `vocabulary.txt` and the styles in `muralist.json`. Blocking.

    A line of the vocabulary is "cat", or "cat | kitty, kitten".
    """
    folder = Path(model)
    lines = [line.partition("|") for line in _lines(folder / "vocabulary.txt")]
    card = _card(folder / "muralist.json")
    return Knowledge(
        things=tuple(thing.strip() for thing, _, _ in lines),
        styles=tuple(card.get("styles", ())),
        other_names=tuple(
            name.strip() for _, _, others in lines for name in others.split(",") if name.strip()
        ),
        other_styles=tuple(card.get("other_styles", ())),
    )


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _forms(word: str) -> set[str]:
    """A word and what it may be the plural of: "foxes" is none of "foxe", but meets "fox"."""
    if len(word) < 4 or word.endswith(("ss", "us")):
        return {word}
    forms = {word, word.removesuffix("s"), word.removesuffix("es")}
    return forms | {word[:-3] + end for end in _SINGULAR.get(word[-3:], ())}


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        return []
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _card(path: Path) -> dict[str, list[str]]:
    if not path.is_file():
        return {}
    card: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))
    return card
