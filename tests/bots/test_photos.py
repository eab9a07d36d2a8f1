"""What people send, and what is made of it."""

from __future__ import annotations

import io
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile
from PIL.PngImagePlugin import PngInfo

from bots.photos import LARGEST_BYTES, LONGEST_SIDE, Photo, Trouble, normalise
from data.words import Say

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)
ORIENTATION = 0x0112
GPS = 0x8825


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def seen(data: bytes) -> Image.Image:
    """The normalised photo, decoded."""
    photo = normalise(data)
    assert isinstance(photo, Photo), photo
    image = Image.open(io.BytesIO(photo.data))
    assert image.size == (photo.width, photo.height)
    assert image.mode == "RGB"
    return image


def refused(data: bytes) -> Trouble:
    trouble = normalise(data)
    assert isinstance(trouble, Trouble)
    return trouble


def near(one: Any, other: tuple[int, int, int]) -> bool:
    return all(abs(a - b) <= 4 for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
def test_the_four_formats_are_read(form: str) -> None:
    image = seen(encoded(Image.new("RGB", (40, 30), RED), form))
    assert image.size == (40, 30)
    assert near(image.getpixel((5, 5)), RED)


@pytest.mark.parametrize("form", ["BMP", "TIFF", "PPM", "ICO", "PDF"])
def test_other_formats_are_not_even_tried(form: str) -> None:
    assert refused(encoded(Image.new("RGB", (32, 32)), form)).say is Say.UNREADABLE_PHOTO


@pytest.mark.parametrize(
    ("mode", "colour"),
    [("1", 1), ("L", 255), ("LA", (9, 0)), ("P", 0), ("RGBA", (9, 9, 9, 0)), ("I;16", 65535)],
)
def test_every_kind_of_pixel_comes_out_in_colour(mode: str, colour: Any) -> None:
    image = Image.new(mode, (8, 8), colour)
    if mode == "P":
        image.putpalette([255] * 768)
    assert near(seen(encoded(image, "PNG")).getpixel((4, 4)), WHITE)


def test_a_see_through_palette_lies_on_white() -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 0, 0, 255])
    assert near(seen(encoded(image, "PNG", transparency=1)).getpixel((4, 4)), WHITE)
    assert near(seen(encoded(image, "PNG", transparency=b"\xff\x00")).getpixel((4, 4)), WHITE)


def test_a_print_jpeg_is_read() -> None:
    assert near(seen(encoded(Image.new("CMYK", (8, 8)), "JPEG")).getpixel((4, 4)), WHITE)


def test_one_pixel_is_a_photo() -> None:
    assert seen(encoded(Image.new("RGB", (1, 1), RED), "PNG")).size == (1, 1)


@pytest.mark.parametrize(
    ("size", "small"), [((3000, 1500), (1024, 512)), ((1, 4000), (1, 1024)), ((1024, 9), (1024, 9))]
)
@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_large_photos_are_reduced(form: str, size: tuple[int, int], small: tuple[int, int]) -> None:
    assert seen(encoded(Image.new("RGB", size, BLUE), form)).size == small
    assert max(small) <= LONGEST_SIDE


def test_the_first_frame_of_an_animation_counts() -> None:
    frames = [Image.new("RGB", (20, 10), colour) for colour in (RED, BLUE)]
    for form in ("GIF", "WEBP"):
        options = {"lossless": True} if form == "WEBP" else {}
        data = encoded(frames[0], form, save_all=True, append_images=frames[1:], **options)
        assert near(seen(data).getpixel((5, 5)), RED)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_photo_stands_upright(form: str) -> None:
    """Held sideways: stored 40 by 20 with red at the left, which belongs at the top."""
    stored = Image.new("RGB", (40, 20), BLUE)
    stored.paste(RED, (0, 0, 20, 20))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    image = seen(encoded(stored, form, exif=exif))
    assert image.size == (20, 40)
    assert near(image.getpixel((10, 4)), RED)
    assert near(image.getpixel((10, 36)), BLUE)


def test_no_metadata_survives() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 3
    exif[0x010F] = "CameraMaker"
    exif.get_ifd(GPS)[1] = "N"
    notes = PngInfo()
    notes.add_text("Comment", "CameraMaker")
    image = Image.new("RGB", (8, 8))
    for data in (
        encoded(image, "JPEG", exif=exif, comment=b"CameraMaker", icc_profile=b"CameraMaker"),
        encoded(image, "PNG", exif=exif, pnginfo=notes),
    ):
        assert b"CameraMaker" in data
        photo = normalise(data)
        assert isinstance(photo, Photo)
        assert b"CameraMaker" not in photo.data
        assert not Image.open(io.BytesIO(photo.data)).getexif()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow goes on, and so do we
def test_a_broken_exif_block_costs_no_photo() -> None:
    seen(encoded(Image.new("RGB", (8, 8)), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"this is no picture, whatever its name says",
        b"<svg/>",
        b"\xff\xd8\xff",
        b"GIF89a",
    ],
)
def test_what_is_no_picture_is_unreadable(data: bytes) -> None:
    assert refused(data) == Trouble(say=Say.UNREADABLE_PHOTO)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_unreadable(form: str, kept: float) -> None:
    whole = encoded(Image.effect_noise((200, 200), 80).convert("RGB"), form)
    assert refused(whole[: int(len(whole) * kept)]).say is Say.UNREADABLE_PHOTO


def test_twenty_thousand_pixels_square_are_never_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(Image.new("1", (20_000, 20_000)), "PNG")
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("was decoded"))
    trouble = refused(data)
    assert trouble.say is Say.OVERSIZED_PHOTO
    assert trouble.facts == {"width": 20_000, "height": 20_000, "megapixels": 16}


@pytest.mark.parametrize("side", [65_535, 10_000])
def test_a_frame_beyond_its_gif_is_oversized(side: int) -> None:
    """The screen is said to be one pixel; the frame in it is not."""
    frame = b"," + struct.pack("<HHHH", 0, 0, side, side) + b"\x00\x02\x02\x44\x01\x00;"
    data = b"GIF89a" + struct.pack("<HH", 1, 1) + b"\x80\x00\x00" + bytes(6) + frame
    assert refused(data).say is Say.OVERSIZED_PHOTO


def test_a_webp_canvas_is_judged_before_it_is_made() -> None:
    canvas = b"VP8X" + struct.pack("<I", 10) + bytes(4) + b"\xff\x3f\x00\xff\x3f\x00"
    data = b"RIFF" + struct.pack("<I", 4 + len(canvas)) + b"WEBP" + canvas
    assert refused(data).say is Say.OVERSIZED_PHOTO


def test_too_many_bytes_are_not_looked_at() -> None:
    trouble = refused(b"\xff\xd8\xff" + bytes(LARGEST_BYTES))
    assert trouble.say is Say.OVERSIZED_PHOTO
    assert trouble.facts == {"bytes": LARGEST_BYTES + 3, "limit": LARGEST_BYTES}


def _seeds() -> list[bytes]:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    image = Image.effect_noise((24, 16), 80).convert("RGB")
    return [encoded(image, form, exif=exif) for form in ("PNG", "JPEG", "WEBP")] + [
        encoded(image, "GIF"),
        encoded(image, "JPEG", progressive=True),
    ]


@settings(max_examples=150, deadline=None)
@given(
    seed=st.sampled_from(_seeds()),
    wounds=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_damaged_files_never_raise(seed: bytes, wounds: list[tuple[int, int]]) -> None:
    data = bytearray(seed)
    for place, value in wounds:
        data[place % len(data)] = value
    assert isinstance(normalise(bytes(data)), Photo | Trouble)
