"""Trains the denoiser: ``python -m generator.training.denoiser``.

Contract: reads ``var/latents.npy``, ``var/shown.npy``, ``var/tokenizer`` and the finished
``var/text_encoder``; leaves ``var/unet`` and ``var/text_encoder_tuned`` with averaged weights (the
text encoder as it was, unless ``--encoder-share`` trains it along). Stopped and run again it goes
on; a later run with ``--begin`` at the last step and a larger ``--until`` is another turn of the
learning rate's cosine.
"""

import argparse
import copy
import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from torch import nn
from torch.nn import functional
from transformers import CLIPTextModel, CLIPTokenizer

from generator.training.autoencoder import CHANNELS
from generator.training.captions import Wish, caption, restyling
from generator.training.muon import Muon
from generator.training.pictures import BACKGROUNDS, TINTS, Art
from generator.training.runs import (
    VAR,
    be_quiet,
    load_checkpoint,
    save_checkpoint,
    save_folder,
    say,
)
from generator.training.text import REGISTERS, WIDTH, Captions

# How often each version of a picture comes up: plain, three on colours, two tinted.
VERSION_SHARES = (0.4, 0.14, 0.14, 0.14, 0.09, 0.09)
AVERAGING = 0.99
TOLD = 6  # heads of eight
# Shares of samples with an empty caption, for guidance, and with a drawing in one style that is
# to come back in another, most of them without its name in the caption.
EMPTY, RESTYLED, NAMED = 0.08, 0.22, 0.06


def new_scheduler() -> DDIMScheduler:
    """Noise schedule of training and drawing; its last step is pure noise."""
    return DDIMScheduler(
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        clip_sample=False,
        rescale_betas_zero_snr=True,
        steps_offset=1,  # without effect here; other values make diffusers warn
    )


def new_unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        block_out_channels=(96, 160, 224),
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        mid_block_type=None,
        layers_per_block=1,
        norm_num_groups=16,
        attention_head_dim=8,
        cross_attention_dim=WIDTH,
        addition_embed_type="text",
        addition_embed_type_num_heads=10,
    )


@dataclass(frozen=True)
class Batch:
    """Clean latents, the captions they answer to and their styles.

    ``sources`` are what is made noisy: the same latents, or the same thing in another style.
    """

    latents: torch.Tensor
    sources: torch.Tensor
    restyled: torch.Tensor
    texts: list[str]
    styles: torch.Tensor


class Supply:
    """Batches by number: the same number gives the same batch."""

    def __init__(self, art: Art, scale: float) -> None:
        self.art = art
        self.captions = Captions(art)
        self.latents = np.load(VAR / "latents.npy", mmap_mode="r")
        self.shown = np.load(VAR / "shown.npy")
        self.scale = scale

    def text(self, thing: int, style: int, version: int, rng: np.random.Generator) -> str:
        ground, tint = self.shown[thing, style, version]
        silent = style == self.captions.default and rng.random() < 0.3
        wish = Wish(
            self.captions.name(thing, rng),
            None if silent else self.art.styles[style],
            list(BACKGROUNDS)[ground] if ground >= 0 else None,
            list(TINTS)[tint] if tint >= 0 else None,
        )
        if wish.background is None and rng.random() < 0.1:
            wish = Wish(wish.name, wish.style, "white", wish.tint)
        return caption(wish, rng)

    def batch(self, number: int, size: int, *, plain: bool = False) -> Batch:
        rng = np.random.default_rng([21, number])
        count = len(self.art.things)
        things = rng.choice(count, size, replace=size > count)
        styles = rng.integers(len(self.art.styles), size=size)
        versions = rng.choice(len(VERSION_SHARES), size, p=VERSION_SHARES)
        if plain:
            versions[:] = 0
        texts, latents, sources = [], [], []
        for thing, style, version in zip(things, styles, versions, strict=True):
            clean = source = self.latents[thing, style, version].astype(np.float32)
            text, roll = self.text(thing, style, version, rng), rng.random()
            if plain:
                text = f"a {self.art.things[thing]}, {self.art.styles[style]} style"
            elif roll < EMPTY:
                text = ""
            elif roll < EMPTY + RESTYLED:
                other = (style + rng.integers(1, len(self.art.styles))) % len(self.art.styles)
                clean, source = (
                    self.latents[thing, s, 0].astype(np.float32) for s in (style, other)
                )
                wish = Wish(self.captions.name(thing, rng), self.art.styles[style])
                named = roll < EMPTY + NAMED
                text = caption(wish, rng) if named else restyling(self.art.styles[style], rng)
            texts.append(text)
            latents.append(clean)
            sources.append(source)
        return Batch(
            torch.from_numpy(np.stack(latents)) * self.scale,
            torch.from_numpy(np.stack(sources)) * self.scale,
            torch.tensor(
                [clean is not source for clean, source in zip(latents, sources, strict=True)]
            ),
            texts,
            torch.from_numpy(styles),
        )


class Model(nn.Module):
    """Text encoder and denoiser as one: texts and noisy latents in, velocity out."""

    def __init__(self) -> None:
        super().__init__()
        self.tokenizer = CLIPTokenizer.from_pretrained(VAR / "tokenizer")
        self.encoder = CLIPTextModel.from_pretrained(VAR / "text_encoder")
        self.unet = new_unet().to(memory_format=torch.channels_last)

    def forward(self, noisy: torch.Tensor, times: torch.Tensor, texts: list[str]) -> torch.Tensor:
        ids = self.tokenizer(
            texts, padding="max_length", truncation=True, return_tensors="pt"
        ).input_ids
        velocity: torch.Tensor = self.unet(noisy, times, self.encoder(ids).last_hidden_state).sample
        return velocity


def noised(
    batch: Batch, noise: torch.Tensor, times: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The noisy sources at these times and the velocity that leads to the clean latents."""
    alphas = new_scheduler().alphas_cumprod[times][:, None, None, None]
    signal, sigma = alphas.sqrt(), (1 - alphas).sqrt()
    # the old style is there where drawing begins; what is left of it later is the new one
    early = (times >= 500)[:, None, None, None]
    noisy = signal * torch.where(early, batch.sources, batch.latents) + sigma * noise
    other_noise = (noisy - signal * batch.latents) / sigma
    return noisy, signal * other_noise - sigma * batch.latents


@torch.no_grad()
def first_guess(model: Model, supply: Supply) -> list[float]:
    """Error of the picture guessed from pure noise, over what the style alone tells; by style."""
    errors, bases = [[0.0] * len(supply.art.styles) for _ in range(2)]
    for number in range(2):
        batch = supply.batch(number, 64, plain=True)
        torch.manual_seed(number)
        last = torch.full((64,), 999)
        guess = -model(torch.randn_like(batch.latents), last, batch.texts)
        for style in range(len(supply.art.styles)):
            rows = batch.styles == style
            real = batch.latents[rows]
            errors[style] += (guess[rows] - real).square().mean().item()
            bases[style] += (real - real.mean(0)).square().mean().item()
    return [error / base for error, base in zip(errors, bases, strict=True)]


class Places:
    """How well the cross-attentions look at the register of their own place.

    Left to itself only part of one attention finds its registers, and what the others hold is
    lost. Told so, six heads of eight look there; two stay free for the words.
    """

    def __init__(self, unet: UNet2DConditionModel) -> None:
        self.losses: list[torch.Tensor] = []
        for name, module in unet.named_modules():
            if name.endswith("attn2"):
                module.register_forward_pre_hook(self.listen, with_kwargs=True)

    def listen(self, module: Any, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        asking = module.to_q(inputs[0] if inputs else named["hidden_states"])
        answering = module.to_k(named["encoder_hidden_states"])
        batch, places, _ = asking.shape
        asking = asking.view(batch, places, module.heads, -1)[:, :, :TOLD]
        answering = answering.view(batch, answering.shape[1], module.heads, -1)[:, :, :TOLD]
        match = torch.einsum("bphc,bthc->bpht", asking, answering) * module.scale
        own = match.shape[-1] - REGISTERS + torch.arange(places)
        own = own[None, :, None].expand(batch, places, TOLD)
        self.losses.append(functional.cross_entropy(match.flatten(0, 2), own.flatten()))

    def loss(self) -> torch.Tensor:
        """The mean over the attentions that ran since it was last asked."""
        total = torch.stack(self.losses).mean()
        self.losses.clear()
        return total


@dataclass(frozen=True)
class Turn:
    """One turn of the learning rate's cosine: from step to step, how fast, what is trained."""

    begin: int
    until: int
    size: int
    rate: float
    encoder_share: float  # the text encoder's rate over the denoiser's; 0: frozen

    def factor(self, step: int) -> float:
        done = (step - self.begin) / (self.until - self.begin)
        warm = min(1.0, (step - self.begin + 1) / 150)
        return warm * (0.01 + 0.99 * math.cos(math.pi / 2 * done) ** 2)


def style_weights(white: np.ndarray) -> torch.Tensor:
    """Evens out the styles' errors; ``white``: [thing, style, ...] latents."""
    weights = torch.from_numpy(1 / (white - white.mean(0)).var((0, 2, 3, 4)))
    return weights / weights.mean()


def velocity_loss(model: Model, batch: Batch, step: int, weights: torch.Tensor) -> torch.Tensor:
    """Half of the batch at pure noise, where drawing in few steps begins."""
    torch.manual_seed(step)
    size = len(batch.texts)
    times = torch.randint(0, 1000, (size,))
    times[: size // 2] = 999
    times = torch.where(batch.restyled, torch.randint(0, 950, (size,)), times)
    noisy, velocity = noised(batch, torch.randn_like(batch.latents), times)
    made: torch.Tensor = model(noisy, times, batch.texts)
    error = (made - velocity).square().mean((1, 2, 3))
    return (error * weights[batch.styles]).mean()


@torch.no_grad()
def follow(average: Model, model: Model, step: int) -> None:
    """Moves the averaged weights a little towards the trained ones."""
    decay = min(AVERAGING, (step + 1) / (step + 10))
    for kept, new in zip(average.parameters(), model.parameters(), strict=True):
        kept.lerp_(new, 1 - decay)


def train(turn: Turn, *, fresh_encoder: bool = False) -> None:
    art = Art.load()
    white = np.load(VAR / "latents.npy", mmap_mode="r")[:, :, 0].astype(np.float32)
    weights, supply = style_weights(white), Supply(art, float(1 / white.std()))
    torch.manual_seed(3)
    model = Model()
    average = copy.deepcopy(model)
    model.encoder.requires_grad_(turn.encoder_share > 0)
    rates = [turn.rate, turn.rate * turn.encoder_share]
    groups = [{"params": model.unet.parameters()}, {"params": model.encoder.parameters()}]
    optimizer = Muon(groups)
    pair = nn.ModuleList([model, average])
    places = Places(model.unet)
    first = load_checkpoint("denoiser", pair, optimizer)
    if fresh_encoder:
        for each in (model, average):
            each.encoder.load_state_dict(Model().encoder.state_dict())
    start, running = time.time(), 1.0
    for step in range(first, turn.until):
        picture_loss = velocity_loss(model, supply.batch(step + 1000, turn.size), step, weights)
        place_loss = places.loss()
        loss = picture_loss + 0.1 * place_loss
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * turn.factor(step)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        follow(average, model, step)
        running += (picture_loss.item() - running) * 0.02
        if (step + 1) % 50 == 0 or step + 1 == turn.until:
            seconds = time.time() - start
            say(f"{step + 1} loss {running:.4f} places {place_loss.item():.3f} {seconds:.0f} s")
        if (step + 1) % 150 == 0 or step + 1 == turn.until:
            shares = zip(art.styles, first_guess(average, supply), strict=True)
            say("first guess " + " ".join(f"{s} {e:.3f}" for s, e in shares))
            save_checkpoint("denoiser", pair, optimizer, step + 1)
            save_folder(average.unet, VAR / "unet")
            save_folder(average.encoder, VAR / "text_encoder_tuned")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--begin", type=int, default=0)
    parser.add_argument("--until", type=int, default=6000)
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--encoder-share", type=float, default=0.0)
    parser.add_argument(
        "--fresh-encoder", action="store_true", help="take the text encoder anew from its folder"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    be_quiet()
    turn = Turn(options.begin, options.until, options.batch, options.rate, options.encoder_share)
    train(turn, fresh_encoder=options.fresh_encoder)


if __name__ == "__main__":
    main()
