"""The size of a picture, and pictures of other sizes brought to it. Sizes are (width, height)."""

from __future__ import annotations

import io
import math
import re

from PIL import Image, ImageOps

Size = tuple[int, int]

#: Wider or taller than this, a model draws the same thing twice or nothing.
_LONGEST = 3.0

_ASPECT = re.compile(r"([1-9][0-9]{0,4}):([1-9][0-9]{0,4})")


def canvas(native: int, unit: int, aspect: str | None, limit: int | None = None) -> Size:
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


def enlarged(picture: Image.Image, short_side: int) -> Image.Image:
    """`picture` with its short side at least `short_side` pixels, in proportion."""
    scale = short_side / min(picture.size)
    if scale <= 1:
        return picture
    width, height = (round(side * scale) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _ratio(aspect: str | None) -> float:
    """Width by height; square for what is no aspect, as one odd wish must not stop the line."""
    parts = _ASPECT.fullmatch(aspect or "")
    if parts is None:
        return 1.0
    return min(max(int(parts[1]) / int(parts[2]), 1 / _LONGEST), _LONGEST)


def _whole(length: float, unit: int) -> int:
    return max(1, round(length / unit)) * unit
