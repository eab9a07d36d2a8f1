"""From the bytes somebody sent to a small, clean photo, or to what is wrong with them.

The bytes are hostile until they are decoded: only four formats are ever tried,
each by its own reader and never by guessing, and the size in the header is judged
before a single pixel is unpacked. What comes out is drawn anew, so no position,
camera or comment survives. Pure and thread-safe; takes up to a second of CPU, so
call it in a worker thread.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any, Final

from PIL import Image, ImageOps
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from data.words import Say

LARGEST_BYTES: Final = 8_000_000
#: 16 megapixels as networks count them: X gives out photos of 4096 by 4096.
LARGEST_PIXELS: Final = 4096 * 4096
LONGEST_SIDE: Final = 1024
#: High enough that a model sees no trace of it.
QUALITY: Final = 95

#: What Pillow's readers raise on broken files: by its documentation, and by fuzzing it.
#: `Warning` is for processes in which warnings are errors.
_BROKEN: Final = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    RuntimeError,
    NotImplementedError,
    struct.error,
    zlib.error,
    Warning,
)
_TOO_LARGE: Final = (Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A JPEG without metadata, upright, without transparency; sides in pixels."""

    data: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why there is no photo, in the words of `bots/wording.py`."""

    say: Say
    facts: dict[str, Any] = field(default_factory=dict)


def normalise(data: bytes, *, largest: int = LARGEST_BYTES) -> Photo | Trouble:
    """`data` as a photo with sides of at most 1024 pixels; `largest` is in bytes."""
    if len(data) > largest:
        return Trouble(say=Say.OVERSIZED_PHOTO, facts={"bytes": len(data), "limit": largest})
    try:
        with _opened(data) as image:
            if image.width * image.height > LARGEST_PIXELS:
                return _too_many_pixels(image.size)
            return _photo(image)
    except _TOO_LARGE:
        return _too_many_pixels()
    except _BROKEN:
        return Trouble(say=Say.UNREADABLE_PHOTO)


def _too_many_pixels(size: tuple[int, int] | None = None) -> Trouble:
    facts = {"megapixels": LARGEST_PIXELS // 2**20}
    if size:
        facts |= {"width": size[0], "height": size[1]}
    return Trouble(say=Say.OVERSIZED_PHOTO, facts=facts)


def _opened(data: bytes) -> ImageFile:
    """Read the header. Raises ValueError for other formats, and what the reader raises.

    `Image.open` would do, but it answers a large picture with a warning, and the
    only switches for that belong to the whole process.
    """
    readers: tuple[tuple[bytes, bytes, type[ImageFile]], ...] = (
        (b"\xff\xd8\xff", b"", JpegImageFile),
        (b"\x89PNG\r\n\x1a\n", b"", PngImageFile),
        (b"RIFF", b"WEBP", WebPImageFile),
        (b"GIF8", b"", GifImageFile),
    )
    for head, kind, reader in readers:
        if data.startswith(head) and data[8:].startswith(kind):
            return reader(io.BytesIO(data))
    raise ValueError("not a PNG, JPEG, WEBP or GIF file")


def _photo(image: ImageFile) -> Photo:
    image.draft(None, (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG unpacks no more than is needed
    image.load()
    picture = _flat(_upright(_small(_in_colour(image))))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=QUALITY, subsampling=0)
    return Photo(data=file.getvalue(), width=picture.width, height=picture.height)


def _in_colour(image: Image.Image) -> Image.Image:
    """RGB, or RGBA where something may be see-through. The Exif block stays for now."""
    if image.mode.startswith("I"):
        # 16 bits of grey, which a plain conversion would clip to white.
        return image.point(lambda level: level / 256).convert("L").convert("RGB")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except _BROKEN:
        return image  # a broken Exif block says nothing about which side is up


def _small(image: Image.Image) -> Image.Image:
    scale = LONGEST_SIDE / max(image.size)
    if scale >= 1:
        return image
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)


def _flat(image: Image.Image) -> Image.Image:
    """The same pixels on white in a new image, which inherits nothing else."""
    fresh = Image.new("RGB", image.size, "white")
    fresh.paste(image, mask=image if image.mode == "RGBA" else None)
    return fresh
