"""Styles as filters: what a picture of anything, a photograph too, is to look like in each style.

Contract: pure functions of float pictures [3, side, side] in [-1, 1]. A drawing has been drawn in
most styles by its artists; a photograph has not, so here its style is computed, and the denoiser
learns to do the same from noisy latents.
"""

from collections.abc import Callable

import torch
from torch.nn import functional

from generator.training.data import BLOCK, COMIC, DARK, PIXEL_ART, VIVID


def blurred(picture: torch.Tensor, sigma: float) -> torch.Tensor:
    """Gaussian blur of [channels, height, width]; the rim is continued."""
    reach = max(1, round(3 * sigma))
    places = torch.arange(-reach, reach + 1, dtype=torch.float32)
    bell = torch.exp(-places.square() / (2 * sigma * sigma))
    bell = bell / bell.sum()
    padded = functional.pad(picture[:, None], (reach,) * 4, mode="replicate")
    across = functional.conv2d(padded, bell[None, None, None, :])
    return functional.conv2d(across, bell[None, None, :, None])[:, 0]


def light(picture: torch.Tensor) -> torch.Tensor:
    """Luminance [1, side, side] in [-1, 1]."""
    return (picture * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0, keepdim=True)


def vivid(picture: torch.Tensor, more: float) -> torch.Tensor:
    """Colours further from grey by this factor."""
    grey = light(picture)
    return (grey + more * (picture - grey)).clamp(-1, 1)


def calm(picture: torch.Tensor, reach: int) -> torch.Tensor:
    """Kuwahara's filter: each pixel becomes the mean of the evenest of its four quarters."""
    size = reach + 1
    padded = functional.pad(picture[None], (reach,) * 4, mode="replicate")
    mean = functional.avg_pool2d(padded, size, 1)[0]
    spread = functional.avg_pool2d(padded.square(), size, 1)[0] - mean.square()
    side = picture.shape[-1]
    corners = [(y, x) for y in (0, reach) for x in (0, reach)]
    means = torch.stack([mean[:, y : y + side, x : x + side] for y, x in corners])
    spreads = torch.stack([spread.sum(0)[y : y + side, x : x + side] for y, x in corners])
    best = spreads.argmin(0)
    return means.gather(0, best[None, None].expand(1, *picture.shape))[0]


def stepped(picture: torch.Tensor, levels: int) -> torch.Tensor:
    """The luminance rounded to so many levels, the hue as it was."""
    grey = light(picture)
    rounded = grey.add(1).mul((levels - 1) / 2).round() * 2 / (levels - 1) - 1
    return (picture + rounded - grey).clamp(-1, 1)


def areas(picture: torch.Tensor, levels: int, more: float) -> torch.Tensor:
    """Even areas of few colours, these so much stronger."""
    return vivid(stepped(calm(calm(picture, 2), 2), levels), more)


def flat(picture: torch.Tensor) -> torch.Tensor:
    """Even areas of strong colour."""
    return areas(picture, 6, 1.4)


def solid(picture: torch.Tensor) -> torch.Tensor:
    """Smooth and lit from above, as if modelled in clay."""
    smooth = vivid(calm(picture, 2), 1.25)
    relief = blurred(light(smooth), 1.5)[0]
    down, across = torch.gradient(relief)
    return (blurred(smooth, 0.7) + 2.5 * (down + across)[None]).clamp(-1, 1)


def ink(picture: torch.Tensor) -> torch.Tensor:
    """Black on white: what is darker than its surroundings, and all that is dark."""
    grey = light(picture)
    near, far, around = blurred(grey, 0.9), blurred(grey, 2.2), blurred(grey, 14.0)
    floor = 0.6 * around + 0.4 * grey.median() - 0.16
    sharp = near + 2.5 * (near - far)
    return torch.tanh((sharp - floor) * 9).expand(3, -1, -1).clone()


def comic(picture: torch.Tensor) -> torch.Tensor:
    """Few strong colours, and dark lines where it is darker than around."""
    grey = light(picture)
    lines = torch.sigmoid((blurred(grey, 2.2) - blurred(grey, 1.0) - 0.055) * 70)
    colors = areas(picture, 5, 1.6)
    dark = torch.tensor(DARK)[:, None, None] / 127.5 - 1
    return colors.lerp(dark.expand_as(colors), lines)


def pixel(picture: torch.Tensor) -> torch.Tensor:
    """Few large pixels."""
    small = functional.avg_pool2d(vivid(picture, VIVID)[None], BLOCK)
    return functional.interpolate(small, scale_factor=BLOCK, mode="nearest")[0]


FILTERS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "3d": solid,
    "flat": flat,
    PIXEL_ART: pixel,
    "ink": ink,
    COMIC: comic,
}
