"""Encodes the training pictures once: ``python -m generator.training.latents``.

Contract: reads ``var/art.npy``, ``var/photographs`` and ``var/autoencoder``. Leaves
``var/latents.npy``, float16 ``[thing, style, version, 12, 16, 16]``, and ``var/shown.npy``, int8
``[thing, style, version, 2]``: the background and the tint of each version (-1: none). Version 0
is the drawing on white; a version is the same in every style, so that one can become another.
``var/scenes.npy``, float16 ``[scene, 1 + style, 12, 16, 16]``, holds photographs and foreign
drawings, followed by what the filters make of them in each style.
"""

import argparse
import time

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from PIL import Image

from generator.training.autoencoder import CHANNELS, FOLDER
from generator.training.filters import FILTERS
from generator.training.photographs import scene, taught
from generator.training.pictures import BACKGROUNDS, TINTS, Art, compose
from generator.training.runs import be_quiet, save_array, say

VERSIONS = 6
SCENES = 2000
# Styles whose drawings have no counterpart in the taught ones: for them too the filters decide.
FOREIGN, FOREIGN_SHARE = ("classic", "sticker"), 0.3


def choose(rng: np.random.Generator, version: int, tintable: list[int]) -> tuple[int, int]:
    """Background and tint of a version: one plain, three on colours, two tinted."""
    ground = int(rng.integers(len(BACKGROUNDS)))
    tint = int(rng.choice(tintable))
    return [(-1, -1), (ground, -1), (ground, -1), (ground, -1), (-1, tint), (ground, tint)][version]


def tintable(art: Art, thing: int) -> list[int]:
    """Tints that do not turn the thing's name into the name of another ("green" + "apple")."""
    known = {name for names in (art.things, *art.other_names) for name in names}
    names = [art.things[thing], *art.other_names[thing]]
    return [
        i for i, tint in enumerate(TINTS)
        if not any(f"{tint} {name}" in known or tint in name.split() for name in names)
    ]  # fmt: skip


def versions(art: Art, thing: int) -> tuple[torch.Tensor, list[tuple[int, int]]]:
    """A thing's pictures, [style * version, 3, side, side], and what its versions show."""
    rng, allowed = np.random.default_rng([thing, 2]), tintable(art, thing)
    shown = [choose(rng, version, allowed) for version in range(VERSIONS)]
    grounds, tints = list(BACKGROUNDS.values()), list(TINTS.values())
    pictures = [
        compose(
            art.pixels[thing, style],
            (255, 255, 255) if ground < 0 else grounds[ground],
            None if tint < 0 else tints[tint],
            lines=art.styles[style] == "ink",
        )
        for style in range(len(art.styles))
        for ground, tint in shown
    ]
    return torch.stack(pictures), shown


def foreign_drawing(art: Art, rng: np.random.Generator) -> torch.Tensor:
    style = art.styles.index(FOREIGN[rng.integers(len(FOREIGN))])
    grounds = list(BACKGROUNDS.values())
    ground = (255, 255, 255) if rng.random() < 0.5 else grounds[rng.integers(len(grounds))]
    return compose(art.pixels[rng.integers(len(art.things)), style], ground)


def restyled_scene(
    art: Art, photos: list[Image.Image], number: int, styles: list[str]
) -> torch.Tensor:
    """A picture and its filtered counterparts, [1 + style, 3, side, side]."""
    rng = np.random.default_rng([number, 5])
    foreign = rng.random() < FOREIGN_SHARE
    seen = foreign_drawing(art, rng) if foreign else scene(photos, art, rng)
    return torch.stack([seen, *(FILTERS[style](seen) for style in styles)])


class Encoder:
    """Pictures to float16 latents."""

    def __init__(self) -> None:
        model = AutoencoderTiny.from_pretrained(FOLDER)
        self.model = model.to(memory_format=torch.channels_last)

    def __call__(self, pictures: torch.Tensor) -> np.ndarray:
        made = self.model.encode(pictures.to(memory_format=torch.channels_last)).latents
        latents: np.ndarray = made.numpy().astype(np.float16)
        return latents


def encode_drawings(encode: Encoder) -> None:
    art, start = Art.load(), time.time()
    shape = (len(art.things), len(art.styles), VERSIONS)
    latents = np.zeros((*shape, CHANNELS, 16, 16), np.float16)
    shown = np.zeros((*shape, 2), np.int8)
    for thing in range(shape[0]):
        pictures, of_versions = versions(art, thing)
        latents[thing] = encode(pictures).reshape(*shape[1:], CHANNELS, 16, 16)
        shown[thing] = of_versions
        if thing % 100 == 99:
            say(f"{thing + 1} things, {time.time() - start:.0f} s")
    save_array("latents", latents)
    save_array("shown", shown)
    say(f"mean {latents.mean(dtype=np.float32):.3f}, deviation {latents.std(dtype=np.float32):.3f}")


def encode_scenes(encode: Encoder, count: int) -> None:
    art, photos, start = Art.load(everything=True), taught(), time.time()
    styles = Art.load().styles
    scenes = np.zeros((count, 1 + len(styles), CHANNELS, 16, 16), np.float16)
    for number in range(count):
        scenes[number] = encode(restyled_scene(art, photos, number, styles))
        if number % 500 == 499:
            say(f"{number + 1} scenes, {time.time() - start:.0f} s")
    save_array("scenes", scenes)


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=SCENES)
    options = parser.parse_args()
    torch.set_num_threads(1)
    be_quiet()
    encode = Encoder()
    encode_drawings(encode)
    encode_scenes(encode, options.scenes)


if __name__ == "__main__":
    main()
