"""Encodes the training pictures once: ``python -m generator.training.latents``.

Contract: reads ``var/art.npy`` and ``var/autoencoder``; leaves ``var/latents.npy``, float16
``[thing, style, version, 12, 16, 16]``, and ``var/shown.npy``, int8 ``[..., 2]``: the background
and the tint of each version (-1: none). Version 0 is the drawing on white.
"""

import time

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

from generator.training.autoencoder import CHANNELS, FOLDER
from generator.training.pictures import BACKGROUNDS, TINTS, Art, compose
from generator.training.runs import VAR, be_quiet, say

VERSIONS = 6


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


@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    be_quiet()
    art = Art.load()
    model = AutoencoderTiny.from_pretrained(FOLDER).to(memory_format=torch.channels_last)
    shape = (len(art.things), len(art.styles), VERSIONS)
    latents = np.zeros((*shape, CHANNELS, 16, 16), np.float16)
    shown = np.zeros((*shape, 2), np.int8)
    grounds, tints = list(BACKGROUNDS.values()), list(TINTS.values())
    start = time.time()
    for thing in range(shape[0]):
        batch = []
        allowed = tintable(art, thing)
        for style in range(shape[1]):
            rng = np.random.default_rng([thing, style, 2])
            for version in range(VERSIONS):
                ground, tint = choose(rng, version, allowed)
                shown[thing, style, version] = ground, tint
                batch.append(
                    compose(
                        art.pixels[thing, style],
                        (255, 255, 255) if ground < 0 else grounds[ground],
                        None if tint < 0 else tints[tint],
                        lines=art.styles[style] == "ink",
                    )
                )
        made = model.encode(torch.stack(batch).to(memory_format=torch.channels_last)).latents
        latents[thing] = made.reshape(*shape[1:], CHANNELS, 16, 16).numpy()
        if thing % 100 == 99:
            say(f"{thing + 1} things, {time.time() - start:.0f} s")
    np.save(VAR / "latents.npy", latents)
    np.save(VAR / "shown.npy", shown)
    say(f"mean {latents.mean(dtype=np.float32):.3f}, deviation {latents.std(dtype=np.float32):.3f}")


if __name__ == "__main__":
    main()
