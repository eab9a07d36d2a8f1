"""Trains the autoencoder: ``python -m generator.training.autoencoder``.

Contract: 128 px become 16x16x12 numbers and come back. Reads ``var/art.npy`` and
``var/photographs``, leaves ``var/autoencoder``, an AutoencoderTiny folder whose latents have about
unit variance. Stopped and run again it goes on from its checkpoint.
``--decoder-only`` improves the decoder of a finished one and leaves its latents as they are;
``--keep-drawings`` improves both on photographs and holds the latents of drawings in their place,
so that what was trained on them stays valid.
"""

import argparse
import copy
import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from PIL import Image
from torch import nn
from torch.nn import functional

from generator.training import filters
from generator.training.data import COMIC, PIXEL_ART
from generator.training.photographs import scene, taught
from generator.training.pictures import Art, compose
from generator.training.runs import (
    VAR,
    be_quiet,
    load_checkpoint,
    save_checkpoint,
    save_folder,
    say,
)

FOLDER = VAR / "autoencoder"
WIDTH = 64
CHANNELS = 12
CROP = 64
NOISE = 0.2  # what the decoder must bear: about what the denoiser leaves


def new_autoencoder() -> AutoencoderTiny:
    model = AutoencoderTiny(
        encoder_block_out_channels=(WIDTH,) * 4,
        decoder_block_out_channels=(WIDTH,) * 4,
        num_encoder_blocks=(0, 0, 2, 3),
        num_decoder_blocks=(3, 2, 1, 0),
        latent_channels=CHANNELS,
    )
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for name, module in model.named_modules():
        if name.endswith("conv.4"):  # the last convolution of each residual branch
            module.weight.data.mul_(0.1)
    return model


class Pictures:
    """Drawings on random grounds, photographs, and these as the filters make them.

    No pixel art: so little parts it from 3d that what the denoiser leaves would turn one into
    the other. The engine makes the squares.
    """

    def __init__(self, art: Art, photos: list[Image.Image]) -> None:
        self.art, self.photos = art, photos
        self.columns = [column for column, style in enumerate(art.styles) if style != PIXEL_ART]

    def drawing(self, rng: np.random.Generator) -> torch.Tensor:
        rgba = self.art.pixels[rng.integers(len(self.art.things)), rng.choice(self.columns)]
        white = rng.random() < 0.4
        ground = (255, 255, 255) if white else tuple(int(c) for c in rng.integers(0, 256, 3))
        picture = compose(rgba, ground)  # type: ignore[arg-type]
        return picture[torch.from_numpy(rng.permutation(3))] if rng.random() < 0.4 else picture

    def picture(self, rng: np.random.Generator) -> tuple[torch.Tensor, bool]:
        """One at full size, and whether it is a drawing as it was drawn."""
        roll = rng.random()
        if roll < 0.5:
            return self.drawing(rng), True
        seen = scene(self.photos, self.art, rng)
        if roll < 0.7:
            return seen, False
        name = rng.choice(["3d", "flat", "ink", COMIC], p=(0.15, 0.2, 0.35, 0.3))
        return filters.FILTERS[name](seen), False

    def batch(
        self, rng: np.random.Generator, count: int, side: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Crops of ``side``, on the grid of the latents, and which of them are drawings."""
        crops, drawn = [], []
        for _ in range(count):
            picture, is_drawing = self.picture(rng)
            x, y = (int(place) * 8 for place in rng.integers(0, (128 - side) // 8 + 1, 2))
            part = picture[:, y : y + side, x : x + side]
            crops.append(part.flip(-1) if rng.random() < 0.5 else part)
            drawn.append(is_drawing)
        return torch.stack(crops), torch.tensor(drawn)


@dataclass(frozen=True)
class Turn:
    """What is trained besides the decoder, and whose latents drawings are to keep."""

    encoder: bool
    places: AutoencoderTiny | None = None


def edges(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return picture[..., 1:] - picture[..., :-1], picture[..., 1:, :] - picture[..., :-1, :]


def picture_loss(made: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    loss = functional.l1_loss(made, real) + functional.mse_loss(made, real)
    for a, b in zip(edges(made), edges(real), strict=True):
        loss = loss + 0.5 * functional.l1_loss(a, b)
    # without this the latents spend themselves on outlines and one axis of colour is lost
    color = functional.avg_pool2d(made - real, 8)
    return loss + color.abs().mean() + 4 * color.square().mean()


def step_loss(
    model: AutoencoderTiny, real: torch.Tensor, drawn: torch.Tensor, turn: Turn
) -> torch.Tensor:
    with torch.set_grad_enabled(turn.encoder):
        latents = model.encode(real).latents
    noisy = latents + NOISE * torch.randn_like(latents)
    made = model.decode(noisy).sample
    loss = picture_loss(made, real)
    if turn.encoder:
        mean, variance = latents.mean((0, 2, 3)), latents.var((0, 2, 3))
        loss = loss + 0.01 * (mean.square().mean() + (variance - 1).square().mean())
    if turn.places is not None and drawn.any():
        with torch.no_grad():
            held = turn.places.encode(real[drawn]).latents
        loss = loss + 3 * functional.mse_loss(latents[drawn], held)
    return loss


@torch.no_grad()
def psnr(model: AutoencoderTiny, art: Art, count: int = 100) -> float:
    """Mean decibels over drawings on white, spread evenly over things and styles."""
    total = 0.0
    count = min(count, len(art.things) * len(art.styles))
    for i in range(count):
        rgba = art.pixels[i * len(art.things) // count, i % len(art.styles)]
        real = compose(rgba)[None]
        made = model.decode(model.encode(real).latents).sample.clamp(-1, 1)
        total += -10 * math.log10(max(functional.mse_loss(made, real).item() / 4, 1e-6))
    return total / count


def train(steps: int, batch: int, rate: float, *, mode: str) -> None:
    art, photos = Art.load(everything=True), taught()
    supply = Pictures(art, photos)
    model = new_autoencoder() if mode == "autoencoder" else AutoencoderTiny.from_pretrained(FOLDER)
    model.to(memory_format=torch.channels_last)  # twice as fast on a CPU
    turn = Turn(mode != "decoder", copy.deepcopy(model) if mode == "widened" else None)
    trained = model if turn.encoder else model.decoder
    optimizer = torch.optim.AdamW(trained.parameters(), lr=rate, betas=(0.9, 0.98))
    first = load_checkpoint(mode, model, optimizer)
    start, running = time.time(), 0.0
    for step in range(first, steps):
        rng = np.random.default_rng([step, 1])
        torch.manual_seed(step)
        side = 128 if step % 10 == 9 else CROP
        real, drawn = supply.batch(rng, max(2, batch * CROP**2 // side**2), side)
        warm = min(1.0, (step + 1) / 100)
        optimizer.param_groups[0]["lr"] = (
            rate * warm * (0.01 + 0.99 * math.cos(math.pi / 2 * step / steps) ** 2)
        )
        loss = step_loss(model, real.to(memory_format=torch.channels_last), drawn, turn)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
        optimizer.step()
        running += (loss.item() - running) * (0.02 if step > first else 1)
        if (step + 1) % 250 == 0 or step + 1 == steps:
            seconds, decibels = time.time() - start, psnr(model, art, 40)
            say(f"{step + 1}/{steps} loss {running:.4f} {decibels:.2f} dB {seconds:.0f} s")
            save_checkpoint(mode, model, optimizer, step + 1)
            save_folder(model, FOLDER)
    say(f"{psnr(model, art, 300):.2f} dB over 300 drawings")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=4200)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--decoder-only", action="store_const", dest="mode", const="decoder")
    parser.add_argument("--keep-drawings", action="store_const", dest="mode", const="widened")
    options = parser.parse_args()
    torch.set_num_threads(1)
    be_quiet()
    train(options.steps, options.batch, options.rate, mode=options.mode or "autoencoder")


if __name__ == "__main__":
    main()
