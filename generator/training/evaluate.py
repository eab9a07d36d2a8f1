"""How good the embedded model is: ``python -m generator.training.evaluate``.

Contract: draws with the engine as any user would (default settings of the folder's
``muralist.json``), lets the judge look, prints a table and, last, one line of JSON; writes contact
sheets to ``docs/pictures``. Every wish and seed follows from ``--seed``.
"""

import argparse
import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from generator.engine import EngineSettings, Order, open_engine
from generator.engines._recogniser import load as load_recogniser
from generator.training import photographs, recogniser
from generator.training.data import SIZE
from generator.training.export import MODEL
from generator.training.filters import FILTERS
from generator.training.judge import Judge, accuracy, disturbed
from generator.training.pictures import BACKGROUNDS, TINTS, Art, compose
from generator.training.runs import HERE, be_quiet, say

PICTURES = HERE.parent.parent / "docs" / "pictures"


@dataclass(frozen=True)
class Drawn:
    """A wish, what it asks for by number or name, and the picture that came."""

    text: str
    thing: int
    style: int
    background: str
    tint: str | None
    picture: torch.Tensor


class Painter:
    """The model folder behind the engine, on one core, at its own default settings."""

    def __init__(self, folder: Path, strength: float | None = None) -> None:
        self.engine = open_engine(
            "diffusers",
            EngineSettings(
                model=str(folder), device="cpu", threads=1, batch=8, picture_size=SIZE,
                strength=strength,
            ),
        )  # fmt: skip
        self.engine.load()

    def paint(self, texts: list[str], seeds: list[int]) -> torch.Tensor:
        orders = [Order(text=text, seed=seed) for text, seed in zip(texts, seeds, strict=True)]
        return self.drawn(orders)

    def repaint(self, texts: list[str], pictures: torch.Tensor, seeds: list[int]) -> torch.Tensor:
        orders = [
            Order(text=text, seed=seed, photo=as_png(picture))
            for text, picture, seed in zip(texts, pictures, seeds, strict=True)
        ]
        return self.drawn(orders)

    def drawn(self, orders: list[Order]) -> torch.Tensor:
        drawings = self.engine.draw(orders, lambda _step, _steps: True) or []
        return torch.stack([photographs.tensor(drawing.image) for drawing in drawings])


def as_image(picture: torch.Tensor) -> Image.Image:
    pixels = ((picture.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0)
    return Image.fromarray(pixels.numpy())


def as_png(picture: torch.Tensor) -> bytes:
    file = io.BytesIO()
    as_image(picture).save(file, "PNG")
    return file.getvalue()


def wish_text(art: Art, thing: int, style: int, background: str, tint: str | None = None) -> str:
    words = f"{tint} {art.things[thing]}" if tint else art.things[thing]
    words = f"{'an' if words[0] in 'aeiou' else 'a'} {words}"
    ground = "" if background == "white" else f" on a {background} background"
    return f"{words}{ground}, {art.styles[style]} style"


def draw_wishes(
    painter: Painter, art: Art, things: list[int], rng: np.random.Generator, *, tinted: bool = False
) -> list[Drawn]:
    """One picture of each thing, style and ground chosen by the generator."""
    asked = []
    for thing in things:
        style = int(rng.integers(len(art.styles)))
        ground = str(rng.choice(list(BACKGROUNDS))) if rng.random() < 0.5 else "white"
        tint = str(rng.choice(list(TINTS))) if tinted else None
        asked.append((wish_text(art, thing, style, ground, tint), thing, style, ground, tint))
    drawn = []
    for start in range(0, len(asked), 8):
        part = asked[start : start + 8]
        seeds = [int(s) for s in rng.integers(2**31, size=len(part))]
        pictures = painter.paint([a[0] for a in part], seeds)
        drawn += [Drawn(*a, picture) for a, picture in zip(part, pictures, strict=True)]
    return drawn


def tint_right(art: Art, drawn: Drawn) -> bool:
    """Whether the drawing's own recolouring in the wished tint is the nearest of all tints."""
    rgba = art.pixels[drawn.thing, drawn.style]
    lines = art.styles[drawn.style] == "ink"
    mean = {
        tint: compose(rgba, BACKGROUNDS[drawn.background], color, lines=lines)
        for tint, color in TINTS.items()
    }
    return min(mean, key=lambda tint: (mean[tint] - drawn.picture).square().mean()) == drawn.tint


def save_sheet(drawn: list[Drawn], path: Path, columns: int = 8, *, words: bool = True) -> None:
    """Pictures in rows, each with its wish below."""
    side, text_height = 128, 30 if words else 0
    rows = -(-len(drawn) // columns)
    sheet = Image.new("RGB", (columns * (side + 4), rows * (side + text_height + 4)), "white")
    pen = ImageDraw.Draw(sheet)
    for i, one in enumerate(drawn):
        x, y = i % columns * (side + 4), i // columns * (side + text_height + 4)
        sheet.paste(as_image(one.picture), (x, y))
        if words:
            text = one.text
            cut = text.rfind(" ", 0, 25) if len(text) > 25 else len(text)
            pen.text(
                (x + 2, y + side), f"{text[:cut]}\n{text[cut + 1 :]}", fill="black", font_size=9
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, optimize=True)


def measure_text(
    painter: Painter, judge: Judge, art: Art, count: int, seed: int
) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    things = [int(t) for t in rng.permutation(len(art.things))[:count]]
    first = fifth = style = background = 0
    drawn = draw_wishes(painter, art, things, rng)
    for one in drawn:
        opinion = judge.look(one.picture)
        first += opinion.things[0] == one.thing
        fifth += one.thing in opinion.things[:5]
        style += opinion.style == one.style
        background += opinion.background == one.background
    n = len(drawn)
    return {
        "retrieval_at_1": first / n,
        "retrieval_at_5": fifth / n,
        "style": style / n,
        "background": background / n,
    }


def measure_tint(painter: Painter, art: Art, count: int, seed: int) -> float:
    rng = np.random.default_rng(seed + 1)
    things = [int(t) for t in rng.permutation(len(art.things))[:count]]
    drawn = draw_wishes(painter, art, things, rng, tinted=True)
    return sum(tint_right(art, one) for one in drawn) / len(drawn)


def measure_diversity(painter: Painter, art: Art, seed: int) -> float:
    """Mean distance of two seeds' pictures of one wish, over that of two things."""
    rng = np.random.default_rng(seed + 2)
    things = [int(t) for t in rng.permutation(len(art.things))[:16]]
    texts = [f"a {art.things[thing]}" for thing in things]
    one = torch.cat([painter.paint(texts[i : i + 8], list(range(8))) for i in (0, 8)])
    two = torch.cat([painter.paint(texts[i : i + 8], list(range(50, 58))) for i in (0, 8)])
    apart = (one - two).square().mean()
    return float(apart / (one - two.roll(1, 0)).square().mean())


Source = Callable[[int, int, np.random.Generator], torch.Tensor]


def measure_restyle(
    painter: Painter, judge: Judge, art: Art, count: int, seed: int, source: Source, *, named: bool
) -> dict[str, float]:
    """Drawings in one style, asked for in another; ``named``: the wish names the thing too.

    ``source`` makes the drawing of a thing in a style that is to be restyled.
    """
    rng = np.random.default_rng(seed + 3)
    things = [int(t) for t in rng.permutation(len(art.things))[:count]]
    first = fifth = style = 0
    for start in range(0, count, 8):
        part = things[start : start + 8]
        sources = rng.integers(len(art.styles), size=len(part))
        targets = (sources + rng.integers(1, len(art.styles), size=len(part))) % len(art.styles)
        pictures = torch.stack([source(t, int(s), rng) for t, s in zip(part, sources, strict=True)])
        texts = [
            wish_text(art, t, int(s), "white") if named else f"{art.styles[s]} style"
            for t, s in zip(part, targets, strict=True)
        ]
        made = painter.repaint(
            texts, pictures, [int(s) for s in rng.integers(2**31, size=len(part))]
        )
        for thing, target, picture in zip(part, targets, made, strict=True):
            opinion = judge.look(picture)
            first += opinion.things[0] == thing
            fifth += thing in opinion.things[:5]
            style += opinion.style == target
    return {
        "restyle_at_1": first / count,
        "restyle_at_5": fifth / count,
        "restyle_style": style / count,
    }


def measure_recogniser(folder: Path, art: Art) -> dict[str, float]:
    """How often the folder's recogniser names what it never saw, rightly and wrongly."""
    facts = json.loads((folder / "muralist.json").read_text())
    network = load_recogniser(folder, facts, art.things)
    if network is None:
        return {}
    found = recogniser.measured(network.network, network.sure, recogniser.POOL)
    return {
        f"recogniser_{figure}_{kind}".replace(" ", "_"): share
        for kind, figures in found.items()
        for figure, share in figures.items()
    }


def measure_seconds(painter: Painter) -> dict[str, float]:
    """Seconds for one picture and for eight, on the threads torch has."""
    painter.paint(["a red apple"], [0])
    start = time.perf_counter()
    painter.paint(["a red fox on a blue background"], [1])
    one = time.perf_counter() - start
    start = time.perf_counter()
    painter.paint(["a red fox"] * 8, list(range(8)))
    return {"seconds_for_1": one, "seconds_for_8": time.perf_counter() - start}


def restyled_photographs(
    painter: Painter, styles: list[str], seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The held-out photographs, and each in every style: [photo, ...] and [style, photo, ...]."""
    photos = torch.stack([photographs.square(name) for name in photographs.HELD_OUT])
    seeds = [seed + number for number in range(len(photos))]
    made = [painter.repaint([f"{style} style"] * len(photos), photos, seeds) for style in styles]
    return photos, torch.stack(made)


def measure_photographs(
    photos: torch.Tensor, made: torch.Tensor, styles: list[str]
) -> dict[str, float]:
    """How often the nearest of all filtered photographs is the same one, and in the same style.

    ``left``: the error over that of leaving the photograph as it is; by style.
    """
    wanted = torch.stack([torch.stack([FILTERS[s](photo) for photo in photos]) for s in styles])
    left = {}
    same_photo = same_style = 0
    for style, name in enumerate(styles):
        for photo, picture in enumerate(made[style]):
            off = (wanted - picture).square().mean((2, 3, 4))
            same_photo += int(off[style].argmin()) == photo
            same_style += int(off[:, photo].argmin()) == style
        off, unchanged = ((one - wanted[style]).square().mean() for one in (made[style], photos))
        left[f"photograph_left_{name.replace(' ', '_')}"] = float(off / unchanged)
    count = made.shape[0] * made.shape[1]
    return {"photograph": same_photo / count, "photograph_style": same_style / count} | left


def photograph_sheet(photos: torch.Tensor, made: torch.Tensor, styles: list[str]) -> None:
    """A row of photographs above a row for each style."""
    names = list(photographs.HELD_OUT)
    rows = [("", photos), *zip(styles, made, strict=True)]
    drawn = [
        Drawn(f"{name}, {style}" if style else name, 0, 0, "", None, picture)
        for style, pictures in rows
        for name, picture in zip(names, pictures, strict=True)
    ]
    save_sheet(drawn, PICTURES / "photographs.png", columns=len(names))


def drawing_sheet(painter: Painter, art: Art, seed: int) -> None:
    """Drawings restyled by a style alone: as they were drawn, moved on other grounds, in styles
    never taught, and last things never taught; below each, what the model makes of it."""
    rng, everything = np.random.default_rng(seed + 5), Art.load(everything=True)
    known, foreign = len(art.things), [s for s in everything.styles if s not in art.styles]
    sources: list[tuple[str, torch.Tensor]] = []
    for column, thing in enumerate(int(t) for t in rng.permutation(known)[:9]):
        style = int(rng.integers(len(art.styles)))
        if column < 3:
            sources.append((art.styles[style], compose(art.pixels[thing, style])))
        elif column < 6:
            sources.append(("moved", disturbed(art, thing, style, rng)))
        else:
            name = foreign[column % len(foreign)]
            drawn = everything.pixels[thing, everything.styles.index(name)]
            sources.append((f"{name}, never taught", compose(drawn)))
    for thing in known + rng.permutation(len(everything.things) - known)[:3]:
        drawn = everything.pixels[thing, everything.styles.index(art.styles[0])]
        sources.append((f"{everything.things[thing]}, never taught", compose(drawn)))
    pictures = torch.stack([picture for _, picture in sources])
    rows = [Drawn(words, 0, 0, "", None, picture) for words, picture in sources]
    for asked in art.styles:
        text = f"{asked} style"
        made = painter.repaint([text] * len(pictures), pictures, list(range(len(pictures))))
        rows += [Drawn(text, 0, 0, "", None, picture) for picture in made]
    save_sheet(rows, PICTURES / "drawings.png", columns=len(sources))


def contact_sheets(painter: Painter, art: Art, seed: int) -> None:
    rng = np.random.default_rng(seed + 4)
    things = [int(t) for t in rng.permutation(len(art.things))[:48]]
    save_sheet(draw_wishes(painter, art, things, rng), PICTURES / "wishes.png")
    first = [(thing, style) for style in range(len(art.styles)) for thing in range(12)]
    drawn = []
    for start in range(0, len(first), 12):
        part = first[start : start + 12]
        texts = [wish_text(art, t, s, "white") for t, s in part]
        pictures = painter.paint(texts, [t for t, _ in part])
        drawn += [
            Drawn(text, t, s, "white", None, p)
            for text, (t, s), p in zip(texts, part, pictures, strict=True)
        ]
    save_sheet(drawn, PICTURES / "styles.png", columns=12, words=False)


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=MODEL)
    parser.add_argument("--things", type=int, default=0, help="how many to ask for; 0: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--strength", type=float, help="of restyling; else the model's own")
    options = parser.parse_args()
    torch.set_num_threads(1)
    be_quiet()
    art, start = Art.load(), time.perf_counter()
    painter = Painter(options.folder, options.strength)
    loading = time.perf_counter() - start
    judge = Judge(art)

    def plain(thing: int, style: int, _rng: np.random.Generator) -> torch.Tensor:
        return compose(art.pixels[thing, style])

    def moved(thing: int, style: int, rng: np.random.Generator) -> torch.Tensor:
        return disturbed(art, thing, style, rng)

    def own(thing: int, style: int, rng: np.random.Generator) -> torch.Tensor:
        ground = str(rng.choice(list(BACKGROUNDS)))
        return painter.paint([wish_text(art, thing, style, ground)], [thing])[0]

    result: dict[str, float] = {}

    def found(figures: dict[str, float]) -> None:
        for name, value in figures.items():
            say(f"{name:26} {value:7.3f}")
        result.update(figures)

    found({"seconds_to_load": loading} | measure_seconds(painter))
    count = options.things or len(art.things)
    few = min(count, 160)
    found(accuracy(judge, art, min(count, 300)))
    found(measure_text(painter, judge, art, count, options.seed))
    found({"tint": measure_tint(painter, art, few, options.seed)})
    found({"diversity": measure_diversity(painter, art, options.seed)})
    for kind, source in {"": plain, "_unnamed": plain, "_moved": moved, "_own": own}.items():
        shares = measure_restyle(painter, judge, art, few, options.seed, source, named=not kind)
        found({f"{name}{kind}": share for name, share in shares.items()})
    found(measure_recogniser(options.folder, art))
    photos, made = restyled_photographs(painter, art.styles, options.seed)
    photograph_sheet(photos, made, art.styles)
    found(measure_photographs(photos, made, art.styles))
    drawing_sheet(painter, art, options.seed)
    contact_sheets(painter, art, options.seed)
    rounded = {name: round(value, 4) for name, value in result.items()}
    say(json.dumps(rounded | {"things": len(art.things), "asked": count}))


if __name__ == "__main__":
    main()
