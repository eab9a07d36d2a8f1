"""How good the embedded model is: ``python -m generator.training.evaluate``.

Contract: draws with the folder as any user would (default settings of its ``muralist.json``),
lets the judge look, prints a table and, last, one line of JSON; writes contact sheets to
``docs/pictures``. Every wish and seed follows from ``--seed``.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_img2img import (
    StableDiffusionImg2ImgPipeline,
)
from PIL import Image, ImageDraw

from generator.training.export import MODEL
from generator.training.judge import Judge, accuracy
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
    """The model folder behind both pipelines, at its own default settings."""

    def __init__(self, folder: Path) -> None:
        self.settings = json.loads((folder / "muralist.json").read_text())
        self.draw = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
        self.restyle = StableDiffusionImg2ImgPipeline(
            **self.draw.components, requires_safety_checker=False
        )
        for pipeline in (self.draw, self.restyle):
            pipeline.set_progress_bar_config(disable=True)

    def paint(self, texts: list[str], seeds: list[int]) -> torch.Tensor:
        made = self.draw(
            texts,
            num_inference_steps=self.settings["steps"],
            guidance_scale=self.settings["guidance"],
            generator=[torch.Generator().manual_seed(seed) for seed in seeds],
            output_type="pt",
        )
        return made.images * 2 - 1  # type: ignore[no-any-return]

    def repaint(self, texts: list[str], pictures: torch.Tensor, seeds: list[int]) -> torch.Tensor:
        made = self.restyle(
            texts,
            image=pictures / 2 + 0.5,
            num_inference_steps=self.settings["steps"],
            strength=self.settings["strength"],
            guidance_scale=self.settings["guidance"],
            generator=[torch.Generator().manual_seed(seed) for seed in seeds],
            output_type="pt",
        )
        return made.images * 2 - 1  # type: ignore[no-any-return]


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
        pixels = ((one.picture.clamp(-1, 1) + 1) * 127.5).byte().permute(1, 2, 0).numpy()
        sheet.paste(Image.fromarray(pixels), (x, y))
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


def measure_restyle(
    painter: Painter, judge: Judge, art: Art, count: int, seed: int, *, named: bool
) -> dict[str, float]:
    """Drawings in one style, asked for in another; ``named``: the wish names the thing too."""
    rng = np.random.default_rng(seed + 3)
    things = [int(t) for t in rng.permutation(len(art.things))[:count]]
    first = fifth = style = 0
    for start in range(0, count, 8):
        part = things[start : start + 8]
        sources = rng.integers(len(art.styles), size=len(part))
        targets = (sources + rng.integers(1, len(art.styles), size=len(part))) % len(art.styles)
        pictures = torch.stack(
            [compose(art.pixels[t, s]) for t, s in zip(part, sources, strict=True)]
        )
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


def measure_seconds(painter: Painter) -> dict[str, float]:
    """Seconds for one picture and for eight, on the threads torch has."""
    painter.paint(["a red apple"], [0])
    start = time.perf_counter()
    painter.paint(["a red fox on a blue background"], [1])
    one = time.perf_counter() - start
    start = time.perf_counter()
    painter.paint(["a red fox"] * 8, list(range(8)))
    return {"seconds_for_1": one, "seconds_for_8": time.perf_counter() - start}


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
    options = parser.parse_args()
    torch.set_num_threads(1)
    be_quiet()
    art, start = Art.load(), time.perf_counter()
    painter = Painter(options.folder)
    loading = time.perf_counter() - start
    judge = Judge(art)
    count = options.things or len(art.things)
    known = accuracy(judge, art, min(count, 300))
    few = min(count, 160)
    result: dict[str, float] = measure_text(painter, judge, art, count, options.seed)
    result |= {"tint": measure_tint(painter, art, few, options.seed)}
    result |= {"diversity": measure_diversity(painter, art, options.seed)}
    result |= measure_restyle(painter, judge, art, few, options.seed, named=True)
    unnamed = measure_restyle(painter, judge, art, few, options.seed, named=False)
    result |= {f"{name}_unnamed": share for name, share in unnamed.items()}
    result |= {
        "judge_accuracy": known["at_1"],
        "judge_at_5": known["at_5"],
        "judge_style": known["style"],
    }
    result |= {"seconds_to_load": loading} | measure_seconds(painter)
    contact_sheets(painter, art, options.seed)
    for name, value in result.items():
        say(f"{name:26} {value:7.3f}")
    rounded = {name: round(value, 4) for name, value in result.items()}
    say(json.dumps(rounded | {"things": len(art.things), "asked": count}))


if __name__ == "__main__":
    main()
