"""The size of a picture, and pictures of other sizes brought to it. Sizes are (width, height)."""

from __future__ import annotations

import io
import math
import re

from PIL import Image, ImageOps, ImageStat

Size = tuple[int, int]

#: Wider or taller than this, a model draws the same thing twice or nothing.
_LONGEST = 3.0

_ASPECT = re.compile(r"([1-9][0-9]{0,4}):([1-9][0-9]{0,4})")


def canvas(native: float, unit: int, aspect: str | None, limit: int | None = None) -> Size:
    """The size to draw at: the area of `native`², the shape of `aspect` ("W:H"), in whole units.

    `native` is the side the model was trained at and `unit` what both sides must be
    multiples of, in pixels; no side is longer than `limit`.
    """
    ratio = _ratio(aspect)
    width, height = native * math.sqrt(ratio), native / math.sqrt(ratio)
    shrink = min(1.0, limit / max(width, height)) if limit else 1.0
    return _whole(width * shrink, unit), _whole(height * shrink, unit)


def photo_on(data: bytes, size: Size) -> Image.Image:
    """The photo, its middle cut out and scaled to cover `size` exactly; transparent is white."""
    with Image.open(io.BytesIO(data)) as file:
        picture = file.convert("RGBA")
    paper = Image.new("RGBA", picture.size, "white")
    paper.alpha_composite(picture)
    return ImageOps.fit(paper.convert("RGB"), size, Image.Resampling.LANCZOS)


def onto_square(data: bytes, side: int, aspect: str | None) -> Image.Image:
    """The photo in the shape of `aspect`, whole on a square whose rest continues its edges.

    For models that know squares only; `off_square` cuts out what is drawn there.
    """
    width, height = _within(side, _ratio(aspect))
    photo = photo_on(data, (width, height))
    left, top = (side - width) // 2, (side - height) // 2
    square = Image.new("RGB", (side, side))
    for edge, box in (
        ((0, 0, width, 1), (0, 0, side, top)),
        ((0, height - 1, width, height), (0, top + height, side, side)),
        ((0, 0, 1, height), (0, 0, left, side)),
        ((width - 1, 0, width, height), (left + width, 0, side, side)),
    ):
        if box[0] < box[2] and box[1] < box[3]:
            square.paste(photo.crop(edge).resize((box[2] - box[0], box[3] - box[1])), box)
    square.paste(photo, (left, top))
    return square


def off_square(picture: Image.Image, aspect: str | None) -> Image.Image:
    """The middle of a square picture in the shape of `aspect`."""
    width, height = _within(picture.width, _ratio(aspect))
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def widened(picture: Image.Image, aspect: str | None) -> Image.Image:
    """A square picture on a ground of the shape of `aspect`: each side goes on in its colour."""
    side, ratio = picture.width, _ratio(aspect)
    width, height = max(side, round(side * ratio)), max(side, round(side / ratio))
    left, top = (width - side) // 2, (height - side) // 2
    tall = height > side
    first = (0, 0, side, 1) if tall else (0, 0, 1, side)
    last = (0, side - 1, side, side) if tall else (side - 1, 0, side, side)
    beyond = (0, height // 2, width, height) if tall else (width // 2, 0, width, height)
    ground = Image.new("RGB", (width, height), _colour(picture.crop(first)))
    ground.paste(_colour(picture.crop(last)), beyond)
    ground.paste(picture, (left, top))
    return ground


def enlarged(picture: Image.Image, short_side: int) -> Image.Image:
    """`picture` with its short side at least `short_side` pixels, in proportion."""
    scale = short_side / min(picture.size)
    if scale <= 1:
        return picture
    width, height = (round(side * scale) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def on_grid(picture: Image.Image, squares: int) -> Image.Image:
    """`picture` in squares of one colour each, so many along its short side: pixel art."""
    scale = squares / min(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    small = picture.resize((width, height), Image.Resampling.BOX)
    return small.resize(picture.size, Image.Resampling.NEAREST)


def _ratio(aspect: str | None) -> float:
    """Width by height; square for what is no aspect, as one odd wish must not stop the line."""
    parts = _ASPECT.fullmatch(aspect or "")
    if parts is None:
        return 1.0
    return min(max(int(parts[1]) / int(parts[2]), 1 / _LONGEST), _LONGEST)


def _within(side: int, ratio: float) -> Size:
    """The largest size of that shape in a square."""
    return (side, round(side / ratio)) if ratio >= 1 else (round(side * ratio), side)


def _colour(strip: Image.Image) -> tuple[int, int, int]:
    """The colour most of a strip has: a thing that touches the rim does not count."""
    red, green, blue = (round(value) for value in ImageStat.Stat(strip).median)
    return red, green, blue


def _whole(length: float, unit: int) -> int:
    return max(1, round(length / unit)) * unit
