"""What stays of an image when it is made small: near images have near fingerprints.

The difference hash on a grid of 16 by 16: each bit says whether the light grows
from one field to the next. 256 bits, because flat pictures agree in most of 64.
"""

from __future__ import annotations

import io

from PIL import Image

SIDE = 16


def of_image(data: bytes) -> int:
    """256 bits. Raises OSError where the bytes are no image."""
    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
        small = image.convert("L").resize((SIDE + 1, SIDE), Image.Resampling.BOX)
    light = small.tobytes()
    bits = 0
    for row in range(SIDE):
        for column in range(SIDE):
            at = row * (SIDE + 1) + column
            bits = bits << 1 | (light[at + 1] > light[at] + 1)
    return bits


def distance(one: int, other: int) -> int:
    """In how many bits two fingerprints differ."""
    return (one ^ other).bit_count()
