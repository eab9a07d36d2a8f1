"""What a model claims to know, and whether a wish is within it."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator import knowledge
from generator.__main__ import EMBEDDED_MODEL
from generator.knowledge import Knowledge

SMALL = Knowledge(things=("fox", "red apple", "wine glass", "bus", "horse", "owl", "100 points"))


@pytest.mark.parametrize(
    ("wish", "covered"),
    [
        ("a red fox on a blue background", True),
        ("Foxes!", True),
        ("two red apples", True),
        ("an apple", False),
        ("wine glasses", True),
        ("a bus", True),
        ("buses", True),
        ("two owls", True),
        ("wild horses", True),
        ("the Eiffel tower", False),
        ("100 points", True),
        ("100 foxes", True),
        ("100 quarks", False),
        ("赤い狐", True),
        ("", True),
    ],
)
def test_a_wish_is_covered_when_it_names_a_thing(wish: str, covered: bool) -> None:
    assert SMALL.covers(wish) == covered


@pytest.mark.parametrize(
    ("style", "known"),
    [
        ("ink", True),
        ("Pixel Art style", True),
        ("8-bit", True),
        ("watercolour", False),
        (None, True),
    ],
)
def test_a_style_is_one_of_the_model_s(style: str | None, known: bool) -> None:
    asked = Knowledge(styles=("ink", "pixel art"), other_styles=("8-bit",))
    assert asked.has_style(style) == known


@pytest.mark.parametrize(
    ("wish", "covered"),
    [("a kitty, cartoon style", True), ("two wolves", True), ("a quark", False), ("", True)],
)
def test_the_embedded_model_covers_what_it_was_taught_and_no_more(wish: str, covered: bool) -> None:
    assert knowledge.of_model(str(EMBEDDED_MODEL)).covers(wish) == covered


def test_a_model_that_claims_nothing_covers_everything(tmp_path: Path) -> None:
    assert knowledge.of_model(str(tmp_path)) == Knowledge()
    assert Knowledge().covers("anything")
    assert Knowledge().has_style("any")


def test_things_and_styles_are_read_from_the_folder(tmp_path: Path) -> None:
    (tmp_path / "vocabulary.txt").write_text("fox\n\ncat | kitty, house cat\n")
    (tmp_path / "muralist.json").write_text('{"styles": ["ink"], "other_styles": ["line art"]}')
    known = knowledge.of_model(str(tmp_path))
    assert known == Knowledge(
        things=("fox", "cat"),
        styles=("ink",),
        other_names=("kitty", "house cat"),
        other_styles=("line art",),
    )
    assert known.covers("two kitties")
    assert not known.covers("a house")
