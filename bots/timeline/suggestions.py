"""Wishes to click on: things the model draws well, in settings it draws well."""

from __future__ import annotations

from collections.abc import Sequence

#: Only the most popular things: the first click should be a good picture.
BEST = 36
COUNT = 6

_SETTINGS = (
    "on a blue background",
    "",
    "on a yellow background",
    "on a pink background",
    "",
    "on a green background",
)


def suggest(vocabulary: Sequence[str], styles: Sequence[str], turn: int) -> list[str]:
    """A handful of wishes; another `turn` brings other things."""
    best = vocabulary[:BEST]
    wishes = []
    for place in range(min(COUNT, len(best))):
        thing = with_article(best[(turn * COUNT + place * 5) % len(best)])
        setting = _SETTINGS[place % len(_SETTINGS)]
        if not setting and styles:
            setting = f"--style {styles[(turn + place) % len(styles)]}"
        wishes.append(f"{thing} {setting}".strip())
    return list(dict.fromkeys(wishes))


def with_article(thing: str) -> str:
    """ "fox" → "a fox", "owl" → "an owl", "cherries" → "cherries"."""
    if thing.endswith("s") and not thing.endswith(("ss", "us")):
        return thing
    return f"{'an' if thing[:1].lower() in 'aeio' or thing.startswith('um') else 'a'} {thing}"
