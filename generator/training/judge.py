"""Says what a picture shows, from the art alone: the nearest of all drawings.

Contract: knows nothing of the model. A picture is compared with every thing in every style at
32 px, on the picture's own ground colour, by colour and by outline; pixel art, which looks like 3d
from so far, is told by its blocks. Its accuracy on real drawings that were moved, scaled, made
noisy and put on colours is measured by ``accuracy``.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from generator.training.data import BLOCK, PIXEL_ART
from generator.training.filters import pixel
from generator.training.pictures import BACKGROUNDS, Art, compose

SIDE = 32
# Of the steps in a picture, what share may lie within the blocks of what is still pixel art.
SMOOTH = 0.1


@dataclass(frozen=True)
class Opinion:
    """Things from the likeliest down, the style of the nearest drawing, the ground's name."""

    things: list[int]
    style: int
    background: str


def shrink(pictures: torch.Tensor) -> torch.Tensor:
    """[n, 3, side, side] at any size to the judge's size."""
    return functional.interpolate(pictures, (SIDE, SIDE), mode="area")


def features(pictures: torch.Tensor) -> torch.Tensor:
    """Colours and outlines of [n, channels, SIDE, SIDE] pictures, a row for each channel."""
    soft = functional.avg_pool2d(pictures, 3, 1, 1, count_include_pad=False)
    across = (soft[..., 2:] - soft[..., :-2])[..., 1:-1, :]
    down = (soft[..., 2:, :] - soft[..., :-2, :])[..., 1:-1]
    return torch.cat([soft.flatten(2), 1.5 * across.flatten(2), 1.5 * down.flatten(2)], 2)


def ground_color(picture: torch.Tensor) -> torch.Tensor:
    """The median colour of a picture's corners, RGB in [-1, 1]; [3, side, side] in."""
    k = max(2, picture.shape[-1] // 16)
    corners = [
        picture[:, a, b].flatten(1)
        for a in (slice(k), slice(-k, None))
        for b in (slice(k), slice(-k, None))
    ]
    return torch.cat(corners, 1).median(1).values


def within_blocks(picture: torch.Tensor) -> float:
    """Squared steps from pixel to pixel within blocks, over those between blocks; 1 is smooth."""
    within, between = [], []
    for steps in (picture.diff(dim=-1).square(), picture.diff(dim=-2).square().transpose(-1, -2)):
        between.append(steps[..., BLOCK - 1 :: BLOCK])
        within += [steps[..., place::BLOCK] for place in range(BLOCK - 1)]
    inner, outer = (torch.cat([part.flatten() for part in parts]) for parts in (within, between))
    return float(inner.mean() / outer.mean().clamp(min=1e-6))


class Judge:
    def __init__(self, art: Art) -> None:
        self.styles = len(art.styles)
        self.pixel_art = art.styles.index(PIXEL_ART)
        self.ink = art.styles.index("ink")
        pixels = torch.from_numpy(np.array(art.pixels).reshape(-1, 128, 128, 4))
        small = [
            shrink(part.permute(0, 3, 1, 2).float() / 255) for part in torch.split(pixels, 500)
        ]
        drawings = torch.cat(small)
        color, alpha = drawings[:, :3], drawings[:, 3:]
        ink = slice(self.ink, None, self.styles)
        # features are linear: those of a drawing on a ground are the sum of both parts'
        self.drawn = features(color * 2 - alpha)
        self.white_ink = features(alpha[ink].expand(-1, 3, -1, -1))
        self.uncovered = features(1 - alpha)

    def on(self, ground: torch.Tensor) -> torch.Tensor:
        """All drawings on this ground colour (RGB in [-1, 1]), as features."""
        drawn = self.drawn.clone()
        if ground.mean() < -0.3:  # black lines would be lost, so ink is white there
            drawn[self.ink :: self.styles] = self.white_ink
        return drawn.addcmul_(self.uncovered, ground[:, None])

    def look(self, picture: torch.Tensor) -> Opinion:
        """[3, side, side] in [-1, 1]."""
        ground = ground_color(picture)
        off = self.on(ground).sub_(features(shrink(picture[None])))
        by_thing = torch.linalg.vector_norm(off.flatten(1), dim=1).reshape(-1, self.styles)
        order = by_thing.min(1).values.argsort()
        best = int(order[0])
        names = list(BACKGROUNDS)
        known = torch.tensor([BACKGROUNDS[name] for name in names]) / 127.5 - 1
        nearest = int((known - ground).square().sum(1).argmin())
        return Opinion(order.tolist(), self.style(picture, by_thing[best]), names[nearest])

    def style(self, picture: torch.Tensor, distances: torch.Tensor) -> int:
        """The style, by how far the thing's drawings in each of them are."""
        if within_blocks(picture) < SMOOTH:
            return self.pixel_art
        distances = distances.clone()
        distances[self.pixel_art] = torch.inf
        return int(distances.argmin())


def disturbed(art: Art, thing: int, style: int, rng: np.random.Generator) -> torch.Tensor:
    """A real drawing as the judge has not seen it: moved, scaled, noisy, on another ground."""
    ground = (
        tuple(int(c) for c in rng.integers(0, 256, 3)) if rng.random() < 0.5 else (255, 255, 255)
    )
    blocks = art.styles[style] == PIXEL_ART  # put on the grid after all else
    drawn = art.pixels[thing, art.styles.index("3d") if blocks else style]
    picture = compose(drawn, ground, lines=art.styles[style] == "ink")  # type: ignore[arg-type]
    size = int(rng.integers(118, 139))
    scaled = functional.interpolate(picture[None], (size, size), mode="bilinear", antialias=True)[0]
    edge = ground_color(picture)[:, None, None]
    canvas = edge.expand(3, 160, 160).clone()
    x, y = ((160 - size) // 2 + rng.integers(-4, 5, 2)).tolist()
    canvas[:, y : y + size, x : x + size] = scaled
    seen = canvas[:, 16:144, 16:144]
    seen = pixel(seen) if blocks else seen
    torch.manual_seed(int(rng.integers(2**31)))
    return (seen + 0.05 * torch.randn_like(seen)).clamp(-1, 1)


def accuracy(judge: Judge, art: Art, count: int = 300) -> dict[str, float]:
    """How often the judge is right about real drawings, disturbed."""
    rng = np.random.default_rng(7)
    first = fifth = style_right = 0
    for _ in range(count):
        thing, style = int(rng.integers(len(art.things))), int(rng.integers(len(art.styles)))
        opinion = judge.look(disturbed(art, thing, style, rng))
        first += opinion.things[0] == thing
        fifth += thing in opinion.things[:5]
        style_right += opinion.style == style
    return {
        "judge_accuracy": first / count,
        "judge_at_5": fifth / count,
        "judge_style": style_right / count,
    }
