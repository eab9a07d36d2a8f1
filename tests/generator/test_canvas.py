"""Sizes, and pictures brought to them."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from generator.canvas import canvas, enlarged, off_square, on_grid, onto_square, photo_on, widened


@pytest.mark.parametrize(
    ("aspect", "size"),
    [
        (None, (512, 512)),
        ("1:1", (512, 512)),
        ("16:9", (704, 384)),
        ("9:16", (384, 704)),
        ("50:1", (896, 320)),  # as wide as a model can draw, not as asked
    ],
)
def test_the_area_is_kept_in_whole_units(aspect: str | None, size: tuple[int, int]) -> None:
    assert canvas(512, 64, aspect) == size


@pytest.mark.parametrize("aspect", ["", "wide", "0:1", "1:0", "-1:2", "16:9:4", "1e9:1"])
def test_what_is_no_aspect_is_square(aspect: str) -> None:
    assert canvas(512, 64, aspect) == (512, 512)


def test_no_side_is_longer_than_the_limit() -> None:
    assert canvas(512, 16, "2:1", limit=512) == (512, 256)


@given(
    st.sampled_from([128, 512, 1024]),
    st.sampled_from([8, 16, 32, 64]),
    st.integers(1, 99),
    st.integers(1, 99),
)
def test_a_canvas_is_never_empty_nor_far_from_the_native_area(
    native: int, unit: int, wide: int, high: int
) -> None:
    width, height = canvas(native, unit, f"{wide}:{high}")
    assert width % unit == height % unit == 0
    assert 0.5 < width * height / native**2 < 1.6


def test_a_photo_covers_the_canvas_and_keeps_its_middle() -> None:
    photo = Image.new("RGB", (300, 100), "blue")
    photo.paste("red", (100, 0, 200, 100))
    fitted = photo_on(_png(photo), (64, 64))
    assert fitted.size == (64, 64)
    assert fitted.crop((4, 0, 60, 64)).getcolors() == [(56 * 64, (255, 0, 0))]


def test_what_is_transparent_in_a_photo_is_white() -> None:
    assert photo_on(_png(Image.new("RGBA", (9, 9))), (4, 4)).getpixel((0, 0)) == (255, 255, 255)


def test_small_pictures_are_enlarged_in_proportion_and_large_ones_left() -> None:
    assert enlarged(Image.new("RGB", (160, 96)), 512).size == (853, 512)
    assert enlarged(Image.new("RGB", (600, 800)), 512).size == (600, 800)


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("aspect", ["16:9", "9:16", "1:1", None])
def test_a_photo_comes_off_the_square_as_it_went_on(aspect: str | None) -> None:
    photo = Image.linear_gradient("L").convert("RGB").resize((320, 180))
    square = onto_square(_png(photo), 128, aspect)
    assert square.size == (128, 128)
    cut = off_square(square, aspect)
    whole = photo_on(_png(photo), cut.size)
    assert cut.tobytes() == whole.tobytes()


def test_what_is_beside_the_photo_continues_its_edges() -> None:
    photo = Image.new("RGB", (160, 90), "blue")
    photo.paste("red", (0, 0, 160, 45))
    square = onto_square(_png(photo), 128, "16:9")
    assert square.getpixel((64, 2)) == (255, 0, 0)
    assert square.getpixel((64, 125)) == (0, 0, 255)


@pytest.mark.parametrize(
    ("aspect", "size"), [("2:1", (200, 100)), ("1:2", (100, 200)), (None, (100, 100))]
)
def test_a_square_drawing_goes_on_in_the_colour_of_its_sides(
    aspect: str | None, size: tuple[int, int]
) -> None:
    drawing = Image.new("RGB", (100, 100), "lime")
    drawing.paste("red", (0, 40, 100, 60))
    wide = widened(drawing, aspect)
    assert wide.size == size
    assert wide.getpixel((0, 0)) == wide.getpixel((size[0] - 1, size[1] - 1)) == (0, 255, 0)
    middle = (size[0] // 2, size[1] // 2)
    assert wide.getpixel(middle) == (255, 0, 0)


def test_pixel_art_is_squares_of_one_colour() -> None:
    picture = Image.effect_noise((96, 64), 80).convert("RGB")
    squares = on_grid(picture, 8)
    assert squares.size == picture.size
    assert len(squares.crop((8, 16, 16, 24)).getcolors() or []) == 1
    assert len(squares.getcolors(10_000) or []) > 10
