"""Pictures as files Discord takes: within the place's limit, described, spoilers covered."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Final

from PIL import Image

#: What is left for the words around the files, in bytes.
ROOM: Final = 4_096
#: All files of one request together, in bytes.
REQUEST: Final = 25 * 1024 * 1024
_QUALITIES: Final = (92, 80, 60)
#: Shrinks by this factor once no quality helps.
_SMALLER: Final = 0.7
_ENDINGS: Final = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


def share(limit: int, pictures: int) -> int:
    """What each of so many files may weigh where one may weigh `limit`, in bytes."""
    return min(limit, REQUEST // max(1, pictures)) - ROOM


def fitting(data: bytes, media_type: str, largest: int) -> tuple[bytes, str]:
    """The picture and its type, as it is where it fits, else re-encoded until it does. Blocking."""
    if len(data) <= largest and media_type in _ENDINGS:
        return data, media_type
    with Image.open(io.BytesIO(data)) as image:
        flat = image.convert("RGB")
    smaller = data
    for smaller in _tries(flat):
        if len(smaller) <= largest:
            break
    return smaller, "image/webp"


def enlarged(data: bytes, times: int, longest: int) -> bytes:
    """A PNG with sides `times` as long, the longer at most `longest` pixels. Blocking."""
    with Image.open(io.BytesIO(data)) as image:
        scale = max(1.0, min(times, longest / max(image.size)))
        size = (round(image.width * scale), round(image.height * scale))
        grown = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    file = io.BytesIO()
    grown.save(file, "PNG")
    return file.getvalue()


def name(job: int | None, number: int, media_type: str) -> str:
    """A file's name says nothing of the wish."""
    return f"muralist-{job or 0}-{number}.{_ENDINGS.get(media_type, 'png')}"


def _tries(image: Image.Image) -> Iterator[bytes]:
    while True:
        for quality in _QUALITIES:
            file = io.BytesIO()
            image.save(file, "WEBP", quality=quality)
            yield file.getvalue()
        if min(image.size) < 32:
            return
        image = image.resize(
            (round(image.width * _SMALLER), round(image.height * _SMALLER)),
            Image.Resampling.LANCZOS,
        )
