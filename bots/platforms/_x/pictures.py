"""A picture in a form X takes: a JPEG, PNG or WEBP of less than five megabytes. Blocking."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image

#: Below X's five megabytes, whichever kind it means.
LARGEST: Final = 4_900_000
_TAKEN: Final = ("image/png", "image/jpeg", "image/webp")
_QUALITIES: Final = (95, 88, 80, 65)
#: A last resort: so many pixels a side.
_SIDE: Final = 2048


def fitting(data: bytes, media_type: str, largest: int = LARGEST) -> tuple[bytes, str]:
    """The picture and its type; as it is where it fits, else as good a JPEG as fits."""
    if len(data) <= largest and media_type in _TAKEN:
        return data, media_type
    with Image.open(io.BytesIO(data)) as image:
        flat = image.convert("RGB")
    smaller = b""
    for quality in _QUALITIES:
        smaller = _jpeg(flat, quality)
        if len(smaller) <= largest:
            return smaller, "image/jpeg"
    flat.thumbnail((_SIDE, _SIDE))
    return _jpeg(flat, _QUALITIES[-1]), "image/jpeg"


def _jpeg(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()
