"""From a wish to the words the model is given. Pure."""

from __future__ import annotations

from data.words import Prompt

#: What a photo is restyled as when its sender names no style.
DEFAULT_STYLE = "flat"

#: What is asked for when nothing is.
_ANYTHING = "a picture"


def text_for(prompt: Prompt, *, restyle: bool, default_style: str = DEFAULT_STYLE) -> str:
    """The text for the model: the wish, then the style, or "ink style" for a bare photo.

    `restyle` says that there is a photo to start from. Without a wish and a style it
    gets the default style, or it would come back as it was.
    """
    wish = " ".join(prompt.wish.split()).rstrip(" .,;")
    style = prompt.style
    if style is None and restyle and not wish:
        style = default_style
    if style is None:
        return wish or _ANYTHING
    named = f"{style.removesuffix(' style')} style"
    if named.lower() in wish.lower():
        return wish
    return f"{wish}, {named}" if wish else named


def negative_for(prompt: Prompt) -> str:
    """What the picture must not show; empty for nothing in particular."""
    return " ".join((prompt.negative or "").split())
