"""Trains what names an attached drawing: ``python -m generator.training.recogniser``.

Contract: reads the art and ``var/photographs``; leaves ``var/recogniser.safetensors`` and
``var/recogniser.json``: how sure it must be to say anything, and how often it was right and wrong
on what it never saw. It learns the taught things in the taught styles, moved, turned, mirrored,
tinted and on any ground, and as "nothing that is known" photographs, other things, halves of two
things and details of one.

Never trained on: the same things in the styles that are not taught, a quarter of the other things
and the held-out photographs, which measure it; another quarter and two of the taught photographs,
which choose how sure it must be.
"""

import argparse
import json
import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from generator.engines._recogniser import SIDE, Network
from generator.training import photographs
from generator.training.filters import FILTERS
from generator.training.latents import tintable
from generator.training.pictures import BACKGROUNDS, TINTS, Art, recolor
from generator.training.runs import VAR, load_checkpoint, save_checkpoint, say

FILE, FACTS = VAR / "recogniser.safetensors", VAR / "recogniser.json"
BATCH = 128
STEPS, POOL = 9000, 6000
# Of these, how many are no thing that is known.
NOTHING = 0.4
# Of these, how many are other things, halves of two, details and photographs cut out; the rest are
# photographs.
KINDS = (0.3, 0.1, 0.08, 0.08)
# How often something else may be named: photographs, and drawings of other things.
ALLOWED = {"photographs": 0.002, "other things": 0.1}


@dataclass(frozen=True)
class Drawings:
    """Premultiplied RGBA at SIDE px, uint8 [thing, style, 4, SIDE, SIDE], and what is known."""

    pixels: torch.Tensor
    ink: int | None  # which of the styles is made of lines
    tintable: torch.Tensor  # bool [thing, tint]

    @classmethod
    def of(cls, art: Art, things: list[int], styles: list[str]) -> "Drawings":
        columns = [art.styles.index(style) for style in styles]
        size = art.pixels.shape[2] // SIDE
        small = []
        for thing in things:
            drawn = art.pixels[thing, columns].reshape(len(columns), SIDE, size, SIDE, size, 4)
            small.append(drawn.mean((2, 4)).round().astype(np.uint8).transpose(0, 3, 1, 2))
        allowed = torch.zeros(len(things), len(TINTS), dtype=torch.bool)
        for row, thing in enumerate(things):
            allowed[row, tintable(art, thing)] = True
        ink = styles.index("ink") if "ink" in styles else None
        return cls(torch.from_numpy(np.stack(small)), ink, allowed)


@dataclass(frozen=True)
class Looks:
    """Pictures and the numbers of what they show; 0 is nothing known, and no tint."""

    pictures: torch.Tensor
    things: torch.Tensor
    grounds: torch.Tensor
    tints: torch.Tensor


def moved(rgba: torch.Tensor, rng: np.random.Generator, zoom: tuple[float, float]) -> torch.Tensor:
    """[n, 4, SIDE, SIDE], each scaled within ``zoom``, shifted, turned a little, mirrored."""
    count = len(rgba)
    scale = 1 / rng.uniform(*zoom, count)
    turn = rng.normal(0, 0.07, count)
    mirror = np.where(rng.random(count) < 0.4, -1.0, 1.0)
    shift = rng.normal(0, 0.08, (2, count))
    shift, turn = shift * (rng.random(count) < 0.8), turn * (rng.random(count) < 0.7)
    across = np.stack([scale * mirror * np.cos(turn), -scale * np.sin(turn), shift[0]], 1)
    down = np.stack([scale * mirror * np.sin(turn), scale * np.cos(turn), shift[1]], 1)
    places = torch.from_numpy(np.stack([across, down], 1).astype(np.float32))
    grid = functional.affine_grid(places, [count, 4, SIDE, SIDE], align_corners=False)
    return functional.grid_sample(rgba, grid, align_corners=False)


def some_grounds(count: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Colours [n, 3] in [0, 1], white, near a named one or any, and which name is nearest."""
    named = np.array(list(BACKGROUNDS.values()), np.float32)
    near = named[rng.integers(len(named), size=count)] + rng.normal(0, 8, (count, 3))
    roll = rng.random((count, 1))
    colors = np.where(roll < 0.45, 255, np.where(roll < 0.8, near, rng.uniform(0, 255, (count, 3))))
    colors = colors.clip(0, 255).astype(np.float32)
    nearest = np.square(colors[:, None] - named).sum(-1).argmin(1)
    return torch.from_numpy(colors) / 255, torch.from_numpy(nearest)


def disturbed(pictures: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Brighter, paler, softer, noisier; [n, 3, SIDE, SIDE] in [-1, 1]."""
    count = len(pictures)

    def some(low: float, high: float) -> torch.Tensor:
        return torch.from_numpy(rng.uniform(low, high, (count, 1, 1, 1)).astype(np.float32))

    soft = functional.avg_pool2d(pictures, 3, 1, 1, count_include_pad=False)
    pictures = pictures.lerp(soft, some(-0.3, 1).clamp(min=0))
    pictures = pictures * some(0.85, 1.1) + some(-0.08, 0.08)
    noise = torch.from_numpy(rng.standard_normal(pictures.shape, np.float32))
    return (pictures + noise * some(-0.06, 0.08).clamp(min=0)).clamp(-1, 1)


class Supply:
    """Batches by number: the same number gives the same batch."""

    def __init__(self, known: Drawings, others: Drawings | None, photos: torch.Tensor) -> None:
        self.known, self.others, self.photos = known, others, photos

    def drawn(
        self, source: Drawings, count: int, rng: np.random.Generator,
        zoom: tuple[float, float] = (0.72, 1.12), things: np.ndarray | None = None,
    ) -> Looks:  # fmt: skip
        total, styles = source.pixels.shape[:2]
        things = rng.integers(total, size=count) if things is None else things
        style = rng.integers(styles, size=count)
        rgba = moved(source.pixels[things, style].float() / 255, rng, zoom)
        color, alpha = rgba[:, :3].permute(0, 2, 3, 1), rgba[:, 3:].permute(0, 2, 3, 1)
        ground, names = some_grounds(count, rng)
        wanted = torch.from_numpy(rng.integers(len(TINTS), size=count))
        tinted = source.tintable[things, wanted] & torch.from_numpy(rng.random(count) < 0.2)
        tint = torch.tensor(list(TINTS.values()))[wanted][:, None, None] / 255
        color = torch.where(tinted[:, None, None, None], recolor(color, alpha, tint), color)
        if source.ink is not None:  # as in ``compose``: lines take the tint whole
            plain = (ground.mean(1) < 0.35).float()[:, None, None, None]
            lines = alpha * torch.where(tinted[:, None, None, None], tint, plain)
            is_ink = torch.from_numpy(style == source.ink)[:, None, None, None]
            color = torch.where(is_ink, lines, color)
        mixed = color + (1 - alpha) * ground[:, None, None]
        pictures = mixed.permute(0, 3, 1, 2).clamp(0, 1) * 2 - 1
        return Looks(
            disturbed(pictures, rng), torch.from_numpy(things) + 1, names,
            torch.where(tinted, wanted + 1, 0),
        )  # fmt: skip

    def unknown(self, count: int, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        """What must not be named, by kind."""
        found = {"photographs": self.photographed(count, rng)}
        if self.others:
            found["other things"] = self.drawn(self.others, count, rng).pictures
        return found

    def photographed(self, count: int, rng: np.random.Generator) -> torch.Tensor:
        return disturbed(self.photos[rng.integers(len(self.photos), size=count)] / 127.5 - 1, rng)

    def nothing(self, count: int, rng: np.random.Generator) -> torch.Tensor:
        """Pictures of nothing that is known."""
        others, halves, details, cut = (round(count * share) + 1 for share in KINDS)
        made = []
        if self.others:
            made.append(self.drawn(self.others, others, rng).pictures)
        # two things, left and right
        one, two = (self.drawn(self.known, halves, rng).pictures for _ in range(2))
        made.append(torch.cat([one[..., : SIDE // 2], two[..., SIDE // 2 :]], -1))
        made.append(self.drawn(self.known, details, rng, (2.2, 4)).pictures)
        # photographs in the outline of a thing
        outlines = self.known.pixels.flatten(0, 1)
        some = outlines[rng.integers(len(outlines), size=cut)].float() / 255
        alpha = moved(some, rng, (0.7, 1.3))[:, 3:]
        ground = some_grounds(cut, rng)[0][:, :, None, None] * 2 - 1
        made.append(alpha * self.photographed(cut, rng) + (1 - alpha) * ground)
        made.append(self.photographed(count - sum(len(some) for some in made), rng))
        return torch.cat(made)

    def batch(self, number: int, size: int) -> Looks:
        rng = np.random.default_rng([31, number])
        nothing = round(size * NOTHING)
        total = len(self.known.pixels)
        things = rng.choice(total, size - nothing, replace=size - nothing > total)
        drawn = self.drawn(self.known, size - nothing, rng, things=things)
        other = self.nothing(nothing, rng)
        none = torch.zeros(len(other), dtype=torch.long)
        return Looks(
            torch.cat([drawn.pictures, other]), torch.cat([drawn.things, none]), drawn.grounds,
            drawn.tints,
        )  # fmt: skip


def photo_pool(photos: list[Image.Image], art: Art, count: int, seed: int) -> torch.Tensor:
    """Photographs, some with drawn things in front, some filtered: uint8 [n, 3, SIDE, SIDE]."""
    pool = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        picture = photographs.scene(photos, art, rng)
        if rng.random() < 0.25:
            picture = FILTERS[str(rng.choice(list(FILTERS)))](picture)
        small = functional.interpolate(picture[None], (SIDE, SIDE), mode="area")[0]
        pool.append(small.add(1).mul(127.5).round().byte())
    return torch.stack(pool)


@torch.no_grad()
def certainty(network: Network, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """How sure the network is of each picture's thing (0 where of nothing), and of which."""
    network.eval()
    sure, best = [], []
    for part in torch.split(pictures, 256):
        share, thing = network(part)[0].softmax(1)[:, 1:].max(1)
        sure.append(share)
        best.append(thing + 1)
    return torch.cat(sure), torch.cat(best)


@dataclass(frozen=True)
class Part:
    """A share of what is no thing that is known: quarters of the other things, photographs."""

    quarters: tuple[int, ...]
    photographs: tuple[str, ...]
    seed: int


_CHOOSING = ("raccoon", "sheep")
TRAINING = Part((0, 1), tuple(n for n in photographs.TAUGHT if n not in _CHOOSING), 35)
CHOICE = Part((2,), _CHOOSING, 36)
MEASURING = Part((3,), tuple(photographs.HELD_OUT), 37)


def supply_of(part: Part, pool: int) -> Supply:
    """The known things and this part of what is not."""
    taught, everything = Art.load(), Art.load(everything=True)
    known = list(range(len(taught.things)))
    rest = [t for t in range(len(known), len(everything.things)) if t % 4 in part.quarters]
    return Supply(
        Drawings.of(everything, known, taught.styles),
        # where everything is taught, nothing is left to be another thing
        Drawings.of(everything, rest, taught.styles) if rest else None,
        photo_pool(photographs.pictures(part.photographs), taught, pool, part.seed),
    )


def chosen(network: Network, pool: int) -> float:
    """How sure it must be so that no more than ALLOWED of what is nothing is named."""
    unknown = supply_of(CHOICE, pool // 4).unknown(pool // 2, np.random.default_rng(32))
    limits = [
        float(certainty(network, pictures)[0].quantile(1 - ALLOWED[kind]))
        for kind, pictures in unknown.items()
    ]
    return min(0.999, max(0.5, *limits))


def measured(network: Network, sure: float, pool: int) -> dict[str, dict[str, float]]:
    """Of what was never trained on, by kind: how much is named rightly, and how much wrongly."""
    facts: dict[str, dict[str, float]] = {}
    taught, everything = Art.load(), Art.load(everything=True)
    things, own = list(range(len(taught.things))), supply_of(MEASURING, pool // 4)
    foreign = {style: [style] for style in everything.styles if style not in taught.styles}
    for kind, styles in {"taught styles": taught.styles, **foreign}.items():
        drawings = Drawings.of(everything, things, styles)
        looks = own.drawn(drawings, pool // 2, np.random.default_rng(33))
        shares, best = certainty(network, looks.pictures)
        named, right = shares >= sure, best == looks.things
        facts[kind] = {
            "first guess": float(right.float().mean()),
            "named": float((named & right).float().mean()),
            "misnamed": float((named & ~right).float().mean()),
        }
    for kind, pictures in own.unknown(pool // 2, np.random.default_rng(34)).items():
        shares, _ = certainty(network, pictures)
        facts[kind] = {"misnamed": float((shares >= sure).float().mean())}
    return facts


def optimizer_of(network: Network) -> torch.optim.AdamW:
    return torch.optim.AdamW(network.parameters(), weight_decay=0.02)


def train(steps: int, rate: float, pool: int) -> None:
    art, supply = Art.load(), supply_of(TRAINING, pool)
    say("pictures are ready")
    torch.manual_seed(4)
    network = Network(len(art.things), len(BACKGROUNDS), len(TINTS))
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = optimizer_of(network)
    first = load_checkpoint("recogniser", network, optimizer)
    start, running, right = time.time(), 6.0, 0.0
    for step in range(first, steps):
        looks = supply.batch(step, BATCH)
        network.train()
        thing, ground, tint = network(looks.pictures.to(memory_format=torch.channels_last))
        drawn = looks.things > 0
        loss = (
            functional.cross_entropy(thing, looks.things)
            + 0.2 * functional.cross_entropy(ground[drawn], looks.grounds)
            + 0.2 * functional.cross_entropy(tint[drawn], looks.tints)
        )
        warm = min(1.0, (step + 1) / 100)
        optimizer.param_groups[0]["lr"] = (
            rate * warm * (0.01 + 0.99 * math.cos(math.pi / 2 * step / steps) ** 2)
        )
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimizer.step()
        running += (loss.item() - running) * 0.02
        hits = (thing.argmax(1) == looks.things)[drawn].float().mean().item()
        right += (hits - right) * 0.02
        if (step + 1) % 100 == 0 or step + 1 == steps:
            seconds = time.time() - start
            say(f"{step + 1}/{steps} loss {running:.3f} right {right:.3f} {seconds:.0f} s")
            save_checkpoint("recogniser", network, optimizer, step + 1)
    # as it will be stored
    network.half().float()
    sure = chosen(network, pool)
    facts = {"sure": round(sure, 3)} | measured(network, sure, pool)
    say(json.dumps(facts, indent=1))
    FACTS.write_text(json.dumps(facts, indent=1) + "\n")
    save_file({name: part.half().contiguous() for name, part in network.state_dict().items()}, FILE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--pool", type=int, default=POOL, help="crops of photographs to train on")
    options = parser.parse_args()
    torch.set_num_threads(1)
    train(options.steps, options.rate, options.pool)


if __name__ == "__main__":
    main()
