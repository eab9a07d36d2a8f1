"""`python -m generator draw`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from generator.__main__ import main


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["draw", *map(str, arguments)], prog_name="generator")


def test_two_pictures_with_everything(tiny_model: Path, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    Image.linear_gradient("L").save(photo)
    result = _run(
        "a red apple", "-o", tmp_path / "apple.png", "--style", "ink", "--seed", 42, "--n", 2,
        "--ar", "16:9", "--no", "text", "--photo", photo, "--strength", 0.7, "--threads", 1,
        "--model", tiny_model,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    for number, seed in ((1, 42), (2, 43)):
        assert f"apple-{number}.png  853×512, seed {seed}" in result.stdout
        with Image.open(tmp_path / f"apple-{number}.png") as picture:
            assert picture.size == (853, 512)
    assert "seconds" in result.stdout


def test_the_same_seed_gives_the_same_file(tiny_model: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one.png", tmp_path / "other.png"
    for path in (one, other):
        _run("a fox", "-o", path, "--seed", 1, "--model", tiny_model, "--threads", 1)
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["a fox", "--model", "/nowhere"], "There is no model at /nowhere."),
        (["a fox", "--sed", "1"], "No such option '--sed'."),
        (["a fox", "--ar", "wide"], "two small whole numbers, such as 16:9"),
        (["a fox", "--photo", __file__], "is not a picture that can be read"),
        (["a fox", "-o", "picture.gif"], "must end in .png, .jpg or .webp"),
        (["a fox", "-o", "/no/where/a.png"], "there is no folder /no/where"),
        (["a fox", "--strength", "0"], "0.0 is not in the range"),
        ([], "Say what to draw"),
    ],
)
def test_one_clear_sentence_for_each_mistake(arguments: list[str], sentence: str) -> None:
    result = _run(*arguments)
    assert result.exit_code in (1, 2)
    assert sentence in result.stderr
    assert "Traceback" not in result.output


def test_as_a_program_and_without_torch_where_nothing_is_drawn() -> None:
    code = "import generator.__main__, generator.worker, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    done = subprocess.run(
        [sys.executable, "-m", "generator", "draw", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("Usage: python -m generator draw")
