"""Names what an attached drawing shows, for models that carry a network for it.

A model that holds its drawings in words can redraw in another style whatever it can name, and
"ink style" alone names nothing. Contract: `load` reads `recogniser.safetensors` of a model's
folder, trained beside it by `generator.training.recogniser`; a `Recogniser` then says what a
picture shows, or None, the answer to every photograph, for what it does not know for sure.

Imports torch, so only `load` of an engine imports it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

#: Pictures are looked at in this size.
SIDE = 64

_WIDTHS = (24, 40, 56, 72, 72)
_STRIDES = (2, 2, 1, 2, 1)
_CODE = 54


class Network(nn.Module):
    """Scores of things (the first: nothing that is known), of grounds and of tints (first: none)
    for pictures [n, 3, SIDE, SIDE] in [-1, 1]."""

    def __init__(self, things: int, grounds: int, tints: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for width, stride in zip(_WIDTHS, _STRIDES, strict=True):
            layers.append(nn.Conv2d(before, width, 3, stride, 1, bias=False))
            layers += [nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        self.look = nn.Sequential(
            *layers, nn.AvgPool2d(2), nn.Flatten(), nn.Linear(before * 16, _CODE), nn.ReLU()
        )
        self.thing = nn.Linear(_CODE, 1 + things)
        self.ground = nn.Linear(_CODE, grounds)
        self.tint = nn.Linear(_CODE, 1 + tints)

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        seen = self.look(pictures)
        return self.thing(seen), self.ground(seen), self.tint(seen)


@dataclass(frozen=True, slots=True)
class Seen:
    """A drawing in words. `tint` is None for a thing in its own colours."""

    thing: str
    ground: str
    tint: str | None

    def described(self, *, ground: bool = True) -> str:
        """As a wish would say it; `ground` False leaves out what it stands on."""
        words = f"{self.tint} {self.thing}" if self.tint else self.thing
        return f"{words} on a {self.ground} background" if ground else words


class Recogniser:
    """`sure` is the share of certainty, of 1, below which nothing is said."""

    def __init__(
        self, network: Network, sure: float, things: Sequence[str],
        grounds: Sequence[str], tints: Sequence[str],
    ) -> None:  # fmt: skip
        self.network = network.float().eval()
        self.sure = sure
        self._things, self._grounds, self._tints = things, grounds, tints

    @torch.inference_mode()
    def __call__(self, picture: Image.Image) -> Seen | None:
        small = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
        pixels = torch.from_numpy(np.array(small, np.float32)).permute(2, 0, 1)
        thing, ground, tint = (scores[0] for scores in self.network(pixels[None] / 127.5 - 1))
        sure, best = thing.softmax(0).max(0)
        if sure < self.sure or best == 0:
            return None
        color = int(tint.argmax())
        return Seen(
            thing=self._things[int(best) - 1],
            ground=self._grounds[int(ground.argmax())],
            tint=self._tints[color - 1] if color else None,
        )


def load(folder: Path, facts: Mapping[str, Any], things: Sequence[str]) -> Recogniser | None:
    """The recogniser of a model's folder; None for a model without one.

    `facts` are those of its `muralist.json`, `things` those of its `vocabulary.txt`.
    """
    from safetensors.torch import load_file

    file = folder / "recogniser.safetensors"
    if "recogniser" not in facts or not file.is_file():
        return None
    grounds, tints = facts["backgrounds"], facts["tints"]
    network = Network(len(things), len(grounds), len(tints))
    network.load_state_dict(load_file(file))
    return Recogniser(network, facts["recogniser"]["sure"], things, grounds, tints)
