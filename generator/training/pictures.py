"""Training pictures: drawn things on coloured backgrounds, tinted or plain, as tensors in [-1, 1].

Contract: pure functions of their arguments; whoever calls passes the random numbers in.
"""

import json
from dataclasses import dataclass

import numpy as np
import torch

from generator.training.runs import VAR

# The colours people name, as RGB in 0..255; backgrounds are a little softer than tints.
BACKGROUNDS = {
    "white": (255, 255, 255),
    "blue": (86, 156, 236),
    "green": (122, 199, 108),
    "yellow": (255, 221, 87),
    "pink": (255, 176, 203),
    "black": (18, 18, 20),
    "purple": (158, 118, 214),
    "orange": (255, 166, 71),
    "red": (229, 84, 75),
    "grey": (176, 182, 190),
    "light blue": (186, 225, 250),
    "dark blue": (32, 52, 110),
    "brown": (140, 100, 70),
    "turquoise": (84, 206, 196),
}
TINTS = {
    "red": (225, 45, 45),
    "green": (50, 170, 60),
    "blue": (45, 105, 230),
    "yellow": (245, 205, 40),
    "pink": (250, 120, 170),
    "purple": (140, 70, 200),
    "orange": (245, 130, 30),
    "golden": (214, 165, 50),
}


# What the model is taught of all that is drawn: as much as the training time at hand holds.
TAUGHT_THINGS = 1000
TAUGHT_STYLES = ("3d", "flat", "pixel art", "ink", "comic")


@dataclass(frozen=True)
class Art:
    """Drawings: premultiplied RGBA [thing, style, side, side, 4] and what it shows."""

    pixels: np.ndarray
    things: list[str]
    other_names: list[list[str]]
    styles: list[str]

    @classmethod
    def load(cls, *, everything: bool = False) -> "Art":
        """What is taught, or everything that was drawn."""
        facts = json.loads((VAR / "things.json").read_text())
        pixels = np.load(VAR / "art.npy", mmap_mode="r")
        things, styles = facts["things"], facts["styles"]
        if not everything:
            columns = [styles.index(style) for style in TAUGHT_STYLES]
            things, styles = things[:TAUGHT_THINGS], list(TAUGHT_STYLES)
            pixels = pixels[:TAUGHT_THINGS, columns]
        return cls(
            pixels,
            [thing["name"] for thing in things],
            [thing["other_names"] for thing in things],
            styles,
        )


def compose(
    rgba: np.ndarray,
    background: tuple[int, int, int] = (255, 255, 255),
    tint: tuple[int, int, int] | None = None,
    *,
    lines: bool = False,
) -> torch.Tensor:
    """A drawing on a background, float [3, side, side] in [-1, 1].

    A tint keeps light and shade and replaces the hue. ``lines`` marks ink drawings: their lines
    take the tint whole, and are white where black ones would be lost on a dark background.
    """
    picture = torch.from_numpy(np.array(rgba, np.float32)) / 255
    color, alpha = picture[..., :3], picture[..., 3:]
    ground = torch.tensor(background, dtype=torch.float32) / 255
    shade = None if tint is None else torch.tensor(tint, dtype=torch.float32) / 255
    if lines:
        plain = torch.ones(3) if ground.mean() < 0.35 else torch.zeros(3)
        color = alpha * (plain if shade is None else shade)
    elif shade is not None:
        color = recolor(color, alpha, shade)
    mixed = color + (1 - alpha) * ground
    return mixed.permute(2, 0, 1).clamp(0, 1) * 2 - 1


def recolor(color: torch.Tensor, alpha: torch.Tensor, tint: torch.Tensor) -> torch.Tensor:
    """Premultiplied color, its hue replaced: dark stays dark, mid grey becomes the tint."""
    weights = torch.tensor([0.299, 0.587, 0.114])
    light = (color * weights).sum(-1, keepdim=True)
    relative = light / alpha.clamp(min=1e-3)
    pivot = 0.55
    dark_side = tint * (relative / pivot).clamp(max=1)
    bright_side = tint + (1 - tint) * ((relative - pivot) / (1 - pivot)).clamp(min=0)
    return torch.where(relative < pivot, dark_side, bright_side) * alpha
