"""What people write for a picture: captions in many wordings, from what the picture shows.

Contract: pure functions; the random generator is passed in.
"""

from dataclasses import dataclass

import numpy as np

STYLE_WORDS = {
    "3d": ("3d", "3d", "3d", "3d render", "clay"),
    "flat": ("flat", "flat", "flat", "vector", "minimal"),
    "classic": ("classic", "classic", "classic", "shaded", "emoji"),
    "sticker": ("sticker",),
    "pixel art": ("pixel art", "pixel art", "pixel art", "pixel", "pixelated", "8-bit"),
    "ink": ("ink", "ink", "ink", "line art", "ink drawing", "black and white"),
    "comic": ("comic", "comic", "comic", "cartoon", "comic book"),
}
# drawn when no style is asked for
DEFAULT_STYLE = "3d"

OPENINGS = (
    "draw", "draw me", "paint", "paint me", "please draw", "please paint me", "make me",
    "a picture of", "a drawing of", "a painting of", "an image of", "can you draw", "i want",
    "generate", "show me", "could you paint",
)  # fmt: skip
FILLERS = (
    "cute", "little", "small", "big", "happy", "beautiful", "nice", "pretty", "simple", "single",
    "lovely", "funny", "old", "young", "magical", "friendly", "tiny", "huge", "sweet", "cool",
)  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """What a caption asks for. ``style`` None leaves it to the model (the default style)."""

    name: str
    style: str | None = None
    background: str | None = None
    tint: str | None = None


def article(words: str, rng: np.random.Generator) -> str:
    roll = rng.random()
    if roll < 0.3:
        return words
    if roll < 0.38:
        return f"the {words}"
    plural = words.endswith("s") and not words.endswith(("ss", "us"))
    if plural and rng.random() < 0.8:
        return words
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def pick(choices: tuple[str, ...], rng: np.random.Generator) -> str:
    return choices[rng.integers(len(choices))]


def caption(wish: Wish, rng: np.random.Generator) -> str:
    """The wish in one of the ways people would write it."""
    words = f"{wish.tint} {wish.name}" if wish.tint else wish.name
    if rng.random() < 0.12:
        words = f"{pick(FILLERS, rng)} {words}"
    style = pick(STYLE_WORDS[wish.style], rng) if wish.style else None
    style_first = bool(style) and rng.random() < 0.15
    if style_first:
        words = f"{style} {'style ' if rng.random() < 0.3 else ''}{words}"
    text = article(words, rng)
    if rng.random() < 0.2:
        text = f"{pick(OPENINGS, rng)} {text}"
    endings = []
    if wish.background:
        ground = wish.background
        wordings = (
            f" on a {ground} background", f" on a {ground} background", f" on {ground}",
            f" with a {ground} background", f", {ground} background",
            f" in front of a {ground} background", f" on {ground} background",
        )  # fmt: skip
        endings.append(pick(wordings, rng))
    if style and not style_first:
        wordings = (
            f", {style} style", f", {style} style", f", {style}", f" in {style} style",
            f" in the {style} style", f" {style}", f" as {style}",
        )  # fmt: skip
        endings.append(pick(wordings, rng))
    if len(endings) == 2 and rng.random() < 0.35:
        endings.reverse()
    return text + "".join(endings) + (" please" if rng.random() < 0.03 else "")


def restyling(style: str, rng: np.random.Generator) -> str:
    """What people write under a picture they want in another style."""
    word = pick(STYLE_WORDS[style], rng)
    wordings = (
        f"{word} style", f"{word} style", f"in {word} style", word, f"restyle this as {word}",
        f"make it {word}", f"in the {word} style", f"this in {word} style",
    )  # fmt: skip
    return pick(wordings, rng)
