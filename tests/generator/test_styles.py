"""From a wish to the words the model is given."""

from __future__ import annotations

import pytest

from data.words import Prompt
from generator.styles import DEFAULT_STYLE, negative_for, text_for


@pytest.mark.parametrize(
    ("prompt", "restyle", "text"),
    [
        (Prompt(wish="a red fox on a blue background"), False, "a red fox on a blue background"),
        (Prompt(wish="a red fox", style="ink"), False, "a red fox, ink style"),
        (Prompt(wish="a red fox", style="ink style"), False, "a red fox, ink style"),
        (Prompt(wish="A fox, Ink Style", style="ink"), False, "A fox, Ink Style"),
        (Prompt(wish="  a red\n fox. ", style="3d"), False, "a red fox, 3d style"),
        (Prompt(wish="a dog"), True, "a dog"),
        (Prompt(style="flat"), True, "flat style"),
        (Prompt(), True, f"{DEFAULT_STYLE} style"),
        (Prompt(), False, "a picture"),
    ],
)
def test_text(prompt: Prompt, restyle: bool, text: str) -> None:
    assert text_for(prompt, restyle=restyle) == text


def test_a_bare_photo_takes_the_default_style_of_the_house() -> None:
    assert text_for(Prompt(), restyle=True, default_style="neon") == "neon style"


def test_negative() -> None:
    assert negative_for(Prompt()) == ""
    assert negative_for(Prompt(negative=" text,\n frames ")) == "text, frames"
