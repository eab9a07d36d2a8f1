"""Trains the autoencoder: ``python -m generator.training.autoencoder``.

Contract: 128 px become 16x16x12 numbers and come back. Reads ``var/art.npy``, leaves
``var/autoencoder``, an AutoencoderTiny folder whose latents have about unit variance. Stopped and
run again it goes on from its checkpoint.
``--decoder-only`` improves the decoder of a finished one and leaves its latents as they are.
"""

import argparse
import math
import time

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from torch import nn
from torch.nn import functional

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


def crops(art: Art, rng: np.random.Generator, count: int, side: int) -> torch.Tensor:
    """Random crops of random drawings on random backgrounds, colours shuffled at times."""
    batch = []
    for _ in range(count):
        rgba = art.pixels[rng.integers(len(art.things)), rng.integers(len(art.styles))]
        x, y = rng.integers(0, 128 - side + 1, 2)
        white = rng.random() < 0.4
        ground = (255, 255, 255) if white else tuple(int(c) for c in rng.integers(0, 256, 3))
        picture = compose(rgba[y : y + side, x : x + side], ground)  # type: ignore[arg-type]
        if rng.random() < 0.4:
            picture = picture[torch.from_numpy(rng.permutation(3))]
        if rng.random() < 0.5:
            picture = picture.flip(-1)
        batch.append(picture)
    return torch.stack(batch)


def edges(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return picture[..., 1:] - picture[..., :-1], picture[..., 1:, :] - picture[..., :-1, :]


def picture_loss(made: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    loss = functional.l1_loss(made, real) + functional.mse_loss(made, real)
    for a, b in zip(edges(made), edges(real), strict=True):
        loss = loss + 0.5 * functional.l1_loss(a, b)
    # without this the latents spend themselves on outlines and one axis of colour is lost
    color = functional.avg_pool2d(made - real, 8)
    return loss + color.abs().mean() + 4 * color.square().mean()


def step_loss(model: AutoencoderTiny, real: torch.Tensor, *, decoder_only: bool) -> torch.Tensor:
    with torch.set_grad_enabled(not decoder_only):
        latents = model.encode(real).latents
    noisy = latents + 0.08 * torch.randn_like(latents)
    made = model.decode(noisy).sample
    loss = picture_loss(made, real)
    if not decoder_only:
        mean, variance = latents.mean((0, 2, 3)), latents.var((0, 2, 3))
        loss = loss + 0.01 * (mean.square().mean() + (variance - 1).square().mean())
    return loss


@torch.no_grad()
def psnr(model: AutoencoderTiny, art: Art, count: int = 100) -> float:
    """Mean decibels over drawings on white, spread evenly over things and styles."""
    total = 0.0
    for i in range(count):
        rgba = art.pixels[i * len(art.things) // count, i % len(art.styles)]
        real = compose(rgba)[None]
        made = model.decode(model.encode(real).latents).sample.clamp(-1, 1)
        total += -10 * math.log10(max(functional.mse_loss(made, real).item() / 4, 1e-6))
    return total / count


def train(steps: int, batch: int, rate: float, *, decoder_only: bool) -> None:
    art = Art.load(everything=True)
    model = AutoencoderTiny.from_pretrained(FOLDER) if decoder_only else new_autoencoder()
    model.to(memory_format=torch.channels_last)  # twice as fast on a CPU
    trained = model.decoder if decoder_only else model
    optimizer = torch.optim.AdamW(trained.parameters(), lr=rate, betas=(0.9, 0.98))
    name = "decoder" if decoder_only else "autoencoder"
    first = load_checkpoint(name, model, optimizer)
    start, running = time.time(), 0.0
    for step in range(first, steps):
        rng = np.random.default_rng([step, 1])
        torch.manual_seed(step)
        side = 128 if step % 10 == 9 else CROP
        real = crops(art, rng, max(2, batch * CROP**2 // side**2), side)
        warm = min(1.0, (step + 1) / 100)
        optimizer.param_groups[0]["lr"] = (
            rate * warm * (0.01 + 0.99 * math.cos(math.pi / 2 * step / steps) ** 2)
        )
        loss = step_loss(model, real, decoder_only=decoder_only)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
        optimizer.step()
        running += (loss.item() - running) * (0.02 if step > first else 1)
        if (step + 1) % 250 == 0 or step + 1 == steps:
            seconds, decibels = time.time() - start, psnr(model, art, 40)
            say(f"{step + 1}/{steps} loss {running:.4f} {decibels:.2f} dB {seconds:.0f} s")
            save_checkpoint(name, model, optimizer, step + 1)
            save_folder(model, FOLDER)
    say(f"{psnr(model, art, 300):.2f} dB over 300 drawings")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=4200)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--decoder-only", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    be_quiet()
    train(options.steps, options.batch, options.rate, decoder_only=options.decoder_only)


if __name__ == "__main__":
    main()
