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
# Shares of samples: an empty caption, for guidance; a drawing that is to come back in another
# style; a photograph that is to come back in a style.
EMPTY, REDRAWN, PHOTOGRAPHED = 0.08, 0.4, 0.25
# Of those, how many say more than the style: a drawing's name, or under a photograph any words.
NAMED, WORDED = 0.3, 0.2
# Between which times restyling may begin, of 1,000, and where it does by default.
EARLIEST, LATEST, USUAL = 60, 450, 150
NEAR = 0.3  # mean square between pictures in two styles that is neither much nor little
MEASURED = 64  # pictures to measure by: these scenes are not trained on


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

    ``sources`` are the pictures that drawing begins from where ``restyled``; else the same.
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
        self.scenes = np.load(VAR / "scenes.npy", mmap_mode="r")
        self.measured = min(MEASURED, len(self.scenes) // 2)
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

    def redrawn(
        self, thing: int, style: int, version: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, str]:
        """A drawing, the same in another style, and what is said of it."""
        other = (style + rng.integers(1, len(self.art.styles))) % len(self.art.styles)
        source, clean = self.latents[thing, other, version], self.latents[thing, style, version]
        if rng.random() < NAMED:
            return source, clean, self.text(thing, style, version, rng)
        return source, clean, restyling(self.art.styles[style], rng)

    def photographed(
        self, thing: int, style: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, str]:
        """A scene, the same in a style, and what is said of it, which may be anything."""
        scene = self.scenes[rng.integers(self.measured, len(self.scenes))]
        if rng.random() < WORDED:
            words = caption(Wish(self.captions.name(thing, rng), self.art.styles[style]), rng)
        else:
            words = restyling(self.art.styles[style], rng)
        return scene[0], scene[1 + style], words

    def batch(self, number: int, size: int) -> Batch:
        rng = np.random.default_rng([21, number])
        count = len(self.art.things)
        things = rng.choice(count, size, replace=size > count)
        styles = rng.integers(len(self.art.styles), size=size)
        versions = rng.choice(len(VERSION_SHARES), size, p=VERSION_SHARES)
        texts, latents, sources, restyled = [], [], [], []
        for thing, style, version in zip(things, styles, versions, strict=True):
            roll = rng.random()
            if roll < REDRAWN:
                source, clean, text = self.redrawn(thing, style, version, rng)
            elif roll < REDRAWN + PHOTOGRAPHED:
                source, clean, text = self.photographed(thing, style, rng)
            else:
                clean = source = self.latents[thing, style, version]
                text = self.text(thing, style, version, rng)
            texts.append("" if rng.random() < EMPTY else text)
            latents.append(clean)
            sources.append(source)
            restyled.append(roll < REDRAWN + PHOTOGRAPHED)
        return self.made(latents, sources, restyled, texts, styles)

    def made(
        self, latents: list[np.ndarray], sources: list[np.ndarray], restyled: list[bool],
        texts: list[str], styles: np.ndarray,
    ) -> Batch:  # fmt: skip
        clean, source = (
            torch.from_numpy(np.stack(many).astype(np.float32)) * self.scale
            for many in (latents, sources)
        )
        return Batch(clean, source, torch.tensor(restyled), texts, torch.from_numpy(styles))

    def plain(self, number: int, size: int) -> Batch:
        """Drawings on white, asked for in the plainest words: to measure by."""
        rng = np.random.default_rng([22, number])
        count = len(self.art.things)
        things = rng.choice(count, size, replace=size > count)
        styles = rng.integers(len(self.art.styles), size=size)
        latents = [self.latents[t, s, 0] for t, s in zip(things, styles, strict=True)]
        texts = [
            f"a {self.art.things[t]}, {self.art.styles[s]} style"
            for t, s in zip(things, styles, strict=True)
        ]
        return self.made(latents, latents, [False] * size, texts, styles)

    def to_restyle(self, *, photographs: bool) -> Batch:
        """Pictures with a bare style under them, scenes never trained on: to measure by."""
        rng = np.random.default_rng(23)
        count = len(self.art.styles)
        styles = np.arange(self.measured) % count
        others = (styles + rng.integers(1, count, size=self.measured)) % count
        things = rng.choice(len(self.art.things), self.measured)
        if photographs:
            sources = [self.scenes[i, 0] for i in range(self.measured)]
            latents = [self.scenes[i, 1 + s] for i, s in enumerate(styles)]
        else:
            sources = [self.latents[t, o, 0] for t, o in zip(things, others, strict=True)]
            latents = [self.latents[t, s, 0] for t, s in zip(things, styles, strict=True)]
        texts = [f"{self.art.styles[s]} style" for s in styles]
        return self.made(latents, sources, [True] * self.measured, texts, styles)


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


def signal_and_noise(times: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """How much of each there is at these times; both squared add up to one."""
    alphas = new_scheduler().alphas_cumprod[times][:, None, None, None]
    return alphas.sqrt(), (1 - alphas).sqrt()


def noised(
    batch: Batch, noise: torch.Tensor, times: torch.Tensor, begun: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The noisy pictures at these times and the velocity that leads to the clean ones.

    Image-to-image begins at a time ``begun``, from the source made noisy. To whoever wants the
    target, what the source has beside it is noise like the other, and fades with it on the way.
    """
    signal, sigma = signal_and_noise(begun)
    noise = noise + signal / sigma * (batch.sources - batch.latents)
    signal, sigma = signal_and_noise(times)
    return signal * batch.latents + sigma * noise, signal * noise - sigma * batch.latents


@torch.no_grad()
def first_guess(model: Model, supply: Supply) -> list[float]:
    """Error of the picture guessed from pure noise, over what the style alone tells; by style."""
    errors, bases = [[0.0] * len(supply.art.styles) for _ in range(2)]
    for number in range(2):
        batch = supply.plain(number, 64)
        torch.manual_seed(number)
        last = torch.full((64,), 999)
        guess = -model(torch.randn_like(batch.latents), last, batch.texts)
        for style in range(len(supply.art.styles)):
            rows = batch.styles == style
            real = batch.latents[rows]
            errors[style] += (guess[rows] - real).square().mean().item()
            bases[style] += (real - real.mean(0)).square().mean().item()
    return [error / base for error, base in zip(errors, bases, strict=True)]


@torch.no_grad()
def restyle_guess(model: Model, supply: Supply, *, photographs: bool) -> list[float]:
    """Error of the first guess at a restyled picture over leaving it as it is; by style."""
    batch = supply.to_restyle(photographs=photographs)
    torch.manual_seed(0)
    times = torch.full((supply.measured,), USUAL)
    noisy, _ = noised(batch, torch.randn_like(batch.latents), times, times)
    signal, sigma = signal_and_noise(times)
    guess = signal * noisy - sigma * model(noisy, times, batch.texts)
    shares = []
    for style in range(len(supply.art.styles)):
        rows = batch.styles == style
        off, left = (
            (made[rows] - batch.latents[rows]).square().mean() for made in (guess, batch.sources)
        )
        shares.append(float(off / left))
    return shares


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
    """Half of the batch where drawing begins: at pure noise, or at the noisy source."""
    torch.manual_seed(step)
    size = len(batch.texts)
    early = EARLIEST + (LATEST - EARLIEST) * torch.rand(size) ** 1.5
    begun = torch.where(batch.restyled, early.long(), 999)
    later = (torch.rand(size) * begun).long()
    times = torch.where(torch.rand(size) < 0.5, begun, later)
    noisy, velocity = noised(batch, torch.randn_like(batch.latents), times, begun)
    made: torch.Tensor = model(noisy, times, batch.texts)
    error = (made - velocity).square().mean((1, 2, 3))
    # the less noise restyling begins with, the more its velocity is the way from the source; and a
    # style that lies near is worth learning like one that is far
    way = (batch.sources - batch.latents).square().mean((1, 2, 3)).clamp(min=1e-3)
    noise_share = (2 * signal_and_noise(begun)[1].square().flatten()).clamp(max=1)
    restyled = noise_share * (NEAR / way).clamp(max=4)
    return (error * torch.where(batch.restyled, restyled, weights[batch.styles])).mean()


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
            for what, errors in (
                ("first guess", first_guess(average, supply)),
                ("drawings restyled", restyle_guess(average, supply, photographs=False)),
                ("photographs restyled", restyle_guess(average, supply, photographs=True)),
            ):
                shares = zip(art.styles, errors, strict=True)
                say(what + " " + " ".join(f"{s} {e:.3f}" for s, e in shares))
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
