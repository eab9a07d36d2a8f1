"""Trains tokenizer and text encoder: ``python -m generator.training.text``.

Contract: reads ``var/latents.npy`` and the art; leaves ``var/tokenizer`` and
``var/text_encoder``, plain CLIP folders. The memory of what things look like lives here, where a
sample costs least: the last ``REGISTERS`` positions of every prompt are padding that sees the
whole prompt, and each learns to hold one patch of the asked picture's latents (linearly, through
a throw-away head), so that all the denoiser has to learn is to read them out.

Two stages. *Names*: the two lower layers alone, on short sequences, learn to turn any caption
into the thing's code (principal components of its looks in all styles), style, background and
tint. *Registers*: all layers learn to spell the picture out patch by patch.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import nn
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from generator.training.captions import (
    DEFAULT_STYLE,
    FILLERS,
    OPENINGS,
    STYLE_WORDS,
    Wish,
    caption,
    restyling,
)  # fmt: skip
from generator.training.data import STYLES
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

WIDTH = 320
LAYERS = 4
NAME_LAYERS = 2
GRID = 4  # registers a side
REGISTERS = GRID * GRID
LENGTH = 20 + REGISTERS
CODE = 256
PIECES = 4096
UNNAMED = -1
START, END = "<|startoftext|>", "<|endoftext|>"


def config(layers: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=PIECES,
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=layers,
        num_attention_heads=10,
        max_position_embeddings=LENGTH,
        bos_token_id=PIECES - 2,
        eos_token_id=PIECES - 1,
        pad_token_id=PIECES - 1,
        projection_dim=WIDTH,
    )


def new_tokenizer(art: Art) -> CLIPTokenizer:
    """A byte-level BPE of our own in which nearly every word of the captions is one piece."""
    words = [name for names in (art.things, *art.other_names) for name in names]
    words += [*FILLERS, *OPENINGS, *BACKGROUNDS, *TINTS]
    words += [word for choices in STYLE_WORDS.values() for word in choices]
    words += ["a an the on in with of and style background as front please , . ! ?"] * 3
    bytelevel = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer_model = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    trainer_model.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    trainer_model.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(
                Regex(r"[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", invert=True
            ),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    # every byte also as the end of a word: else a lone "," would be unknown and end the text
    symbols = bytelevel + [byte + "</w>" for byte in bytelevel]
    room = PIECES - 2
    trainer = trainers.BpeTrainer(
        vocab_size=room - len(bytelevel), initial_alphabet=bytelevel,
        end_of_word_suffix="</w>", show_progress=False,
    )  # fmt: skip
    trainer_model.train_from_iterator(words, trainer)
    learned = json.loads(trainer_model.to_str())["model"]
    merges = [tuple(pair) for pair in learned["merges"]]
    pieces = symbols + [a + b for a, b in merges if a + b not in set(symbols)]
    pieces = list(dict.fromkeys(pieces))[:room]
    kept = set(pieces)
    merges = [(a, b) for a, b in merges if a in kept and b in kept and a + b in kept]
    pieces += [f"<unused{i}>" for i in range(room - len(pieces))]
    vocabulary = {piece: i for i, piece in enumerate([*pieces, START, END])}
    return CLIPTokenizer(
        vocab=vocabulary, merges=merges, model_max_length=LENGTH,
        bos_token=START, eos_token=END, pad_token=END, unk_token=END,
    )  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """A caption and what it asks for, by number; tint and background 0 mean none.

    ``thing`` UNNAMED: a style alone, as under a picture to be restyled.
    """

    text: str
    thing: int
    style: int
    background: int
    tint: int


class Captions:
    """An endless supply of captions; every thing comes up equally often."""

    def __init__(self, art: Art) -> None:
        self.art = art
        self.default = art.styles.index(DEFAULT_STYLE)

    def name(self, thing: int, rng: np.random.Generator) -> str:
        others = self.art.other_names[thing]
        if others and rng.random() < 0.35:
            return others[rng.integers(len(others))]
        return self.art.things[thing]

    def sample(self, thing: int, rng: np.random.Generator, unnamed: float) -> Sample:
        style = int(rng.integers(len(self.art.styles)))
        if rng.random() < unnamed:
            return Sample(restyling(self.art.styles[style], rng), UNNAMED, style, 0, 0)
        silent = rng.random() < 0.15
        if silent:
            style = self.default
        background = int(rng.integers(len(BACKGROUNDS))) + 1 if rng.random() < 0.45 else 0
        tint = int(rng.integers(len(TINTS))) + 1 if rng.random() < 0.2 else 0
        wish = Wish(
            self.name(thing, rng),
            None if silent else self.art.styles[style],
            list(BACKGROUNDS)[background - 1] if background else None,
            list(TINTS)[tint - 1] if tint else None,
        )
        known = wish.tint and any(
            f"{wish.tint} {wish.name}" in names or wish.tint in wish.name.split()
            for names in (self.art.things, *self.art.other_names)
        )
        if known:
            wish, tint = Wish(wish.name, wish.style, wish.background), 0
        return Sample(caption(wish, rng), thing, style, background, tint)

    def batches(
        self, size: int, seed: int, first: int, unnamed: float = 0
    ) -> Iterator[list[Sample]]:
        """Batch number ``first`` and on; each depends on seed and number only.

        ``unnamed`` is the share of captions that name a style and no thing.
        """
        count = len(self.art.things)
        number = first
        while True:
            rng = np.random.default_rng([seed, number])
            things = rng.choice(count, size, replace=size > count)
            yield [self.sample(int(thing), rng, unnamed) for thing in things]
            number += 1


class Heads(nn.Module):
    """Linear read-outs that exist only while the text encoder is trained."""

    def __init__(self, things: int, styles: int, patch: int) -> None:
        super().__init__()
        self.code = nn.Linear(WIDTH, CODE)
        self.thing = nn.Linear(WIDTH, things)
        self.style = nn.Linear(WIDTH, styles)
        self.background = nn.Linear(WIDTH, len(BACKGROUNDS) + 1)
        self.tint = nn.Linear(WIDTH, len(TINTS) + 1)
        self.patch = nn.Linear(WIDTH, patch)

    def labels(self, hidden: torch.Tensor, samples: list[Sample]) -> torch.Tensor:
        """Cross entropy of style, background and tint."""
        loss = torch.zeros(())
        for head, wanted in (
            (self.style, [s.style for s in samples]),
            (self.background, [s.background for s in samples]),
            (self.tint, [s.tint for s in samples]),
        ):
            loss = loss + functional.cross_entropy(head(hidden), torch.tensor(wanted))
        return loss


def thing_codes(art: Art) -> torch.Tensor:
    """[thing, CODE]: principal components of every thing's look in all styles at 16 px."""
    drawn = [column for column, style in enumerate(art.styles) if style in STYLES]
    things, styles = len(art.things), len(drawn)
    small = (
        art.pixels[:, drawn].reshape(things, styles, 16, 8, 16, 8, 4).mean((3, 5), dtype=np.float32)
    )
    looks = torch.from_numpy(small / 255)
    looks = looks - looks.mean(0)
    looks = (looks / looks.std((0, 2, 3, 4), keepdim=True)).reshape(things, -1)
    torch.manual_seed(0)
    known = min(CODE, things)
    _, _, directions = torch.pca_lowrank(looks, known, niter=4)
    codes = looks @ directions
    codes = codes / codes.std(0).sqrt()
    return functional.pad(codes / codes.std(), (0, CODE - known))


def picture_patches(art: Art) -> torch.Tensor:
    """[thing, style, REGISTERS, values]: latents and coverage of the drawing on white."""
    white = np.load(VAR / "latents.npy", mmap_mode="r")[:, :, 0].astype(np.float32)
    things, styles, channels = white.shape[:3]
    alpha = np.asarray(art.pixels)[..., 3].reshape(things, styles, 1, 16, 8, 16, 8)
    full = np.concatenate([white, alpha.mean((4, 6), dtype=np.float32) / 255], 2)
    side = 16 // GRID
    patches = full.reshape(things, styles, channels + 1, GRID, side, GRID, side)
    patches = patches.transpose(0, 1, 3, 5, 2, 4, 6).reshape(things, styles, REGISTERS, -1)
    return torch.from_numpy(np.ascontiguousarray(patches))


def schedule(step: int, steps: int) -> float:
    """Learning rate factor: a short warm-up, then a cosine down to nothing."""
    return min(1.0, (step + 1) / 100) * (0.01 + 0.99 * math.cos(math.pi / 2 * step / steps) ** 2)


def end_of_text(ids: torch.Tensor) -> torch.Tensor:
    return (ids == PIECES - 1).int().argmax(1)


def train_names(
    art: Art, codes: torch.Tensor, tokenizer: CLIPTokenizer, steps: int
) -> CLIPTextModel:
    """Stage one; returns the two lower layers as a text model of their own."""
    torch.manual_seed(0)
    model = CLIPTextModel(config(NAME_LAYERS))
    nn.init.normal_(model.embeddings.token_embedding.weight, std=0.3)
    nn.init.normal_(model.embeddings.position_embedding.weight, std=0.1)
    heads = Heads(len(art.things), len(art.styles), 1)
    both = nn.ModuleList([model, heads])
    optimizer = torch.optim.AdamW(both.parameters(), lr=2e-3, betas=(0.9, 0.98), weight_decay=0.01)
    first = load_checkpoint("names", both, optimizer)
    start, right, error = time.time(), 0.0, 1.0
    supply = Captions(art).batches(128, 11, first)
    for step in range(first, steps):
        samples = next(supply)
        torch.manual_seed(step)
        ids = tokenizer(
            [s.text for s in samples], padding=True, truncation=True, return_tensors="pt"
        ).input_ids
        hidden = model(ids).last_hidden_state[torch.arange(len(samples)), end_of_text(ids)]
        things = torch.tensor([s.thing for s in samples])
        guess = heads.thing(hidden)
        code_error = functional.mse_loss(heads.code(hidden), codes[things])
        loss = (
            4 * code_error
            + 0.25 * functional.cross_entropy(guess, things)
            + 0.5 * heads.labels(hidden, samples)
        )
        optimizer.param_groups[0]["lr"] = 2e-3 * schedule(step, steps)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(both.parameters(), 1.0)
        optimizer.step()
        right += ((guess.argmax(1) == things).float().mean().item() - right) * 0.05
        error += (code_error.item() - error) * 0.05
        if (step + 1) % 100 == 0 or step + 1 == steps:
            seconds = time.time() - start
            say(f"names {step + 1}/{steps} error {error:.3f} thing {right:.3f} {seconds:.0f} s")
            save_checkpoint("names", both, optimizer, step + 1)
    return model


def train_registers(
    art: Art,
    codes: torch.Tensor,
    tokenizer: CLIPTokenizer,
    names: CLIPTextModel | None,
    begin: int,
    until: int,
    rate: float,
) -> CLIPTextModel:
    """Stage two, over whole prompts; the lower layers start from stage one or the checkpoint.

    In a later turn the registers are read as they always were: the denoiser has learned to.
    """
    patches = picture_patches(art)
    size = 64
    torch.manual_seed(1)
    model = CLIPTextModel(config(LAYERS))
    if names is not None:
        known = {k: v for k, v in names.state_dict().items() if "final_layer_norm" not in k}
        model.load_state_dict(model.state_dict() | known)
    nn.init.normal_(model.embeddings.position_embedding.weight[LENGTH - REGISTERS :], std=0.3)
    heads = Heads(len(art.things), len(art.styles), patches.shape[-1])
    mean = patches.mean((0, 1, 2))
    heads.patch.bias.data.copy_(mean)
    heads.patch.requires_grad_(begin == 0)
    both = nn.ModuleList([model, heads])
    optimizer = Muon([{"params": list(both.parameters())}])
    first = load_checkpoint("registers", both, optimizer)
    baseline = (patches - patches.mean(0)).square().mean((0, 2, 3))
    # the last row, which UNNAMED picks, knows no more than the style
    patches = torch.cat([patches, patches.mean(0, keepdim=True)])
    codes = torch.cat([codes, codes.mean(0, keepdim=True)])
    start, error = time.time(), torch.ones(len(art.styles))
    supply = Captions(art).batches(size, 12, first, unnamed=0.1)
    for step in range(first, until):
        samples = next(supply)
        torch.manual_seed(step)
        ids = tokenizer(
            [s.text for s in samples], padding="max_length", truncation=True, return_tensors="pt"
        ).input_ids
        out = model(ids, output_hidden_states=True)
        rows = torch.arange(len(samples))
        ends = end_of_text(ids)
        things = torch.tensor([s.thing for s in samples])
        styles = torch.tensor([s.style for s in samples])
        made = heads.patch(out.last_hidden_state[:, -REGISTERS:])
        wanted = patches[things, styles]
        each = (made - wanted).square().mean((1, 2)) / baseline[styles]
        code = heads.code(out.hidden_states[NAME_LAYERS][rows, ends])
        pooled = out.last_hidden_state[rows, ends]
        loss = (
            each.mean()
            + 0.25 * functional.mse_loss(code, codes[things])
            + 0.1 * heads.labels(pooled, samples)
            + 0.1 * heads.labels(out.last_hidden_state[:, -REGISTERS:].mean(1), samples)
        )
        optimizer.param_groups[0]["lr"] = rate * schedule(step - begin, until - begin)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(both.parameters(), 1.0)
        optimizer.step()
        for style in range(len(art.styles)):
            if (styles == style).any():
                error[style] += (each[styles == style].mean().item() - error[style]) * 0.05
        if (step + 1) % 100 == 0 or step + 1 == until:
            shares = " ".join(
                f"{s} {e:.3f}" for s, e in zip(art.styles, error.tolist(), strict=True)
            )
            say(
                f"registers {step + 1}/{until} error/baseline {shares} {time.time() - start:.0f} s",
            )
            save_checkpoint("registers", both, optimizer, step + 1)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name-steps", type=int, default=1500)
    parser.add_argument("--register-begin", type=int, default=0, help="of this turn of the cosine")
    parser.add_argument("--register-steps", type=int, default=2500)
    parser.add_argument("--register-rate", type=float, default=2e-3)
    parser.add_argument("--only-names", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    be_quiet()
    everything = Art.load(everything=True)
    if not (VAR / "tokenizer").exists():  # a trained encoder needs the tokenizer it grew up with
        save_folder(new_tokenizer(everything), VAR / "tokenizer")
    tokenizer = CLIPTokenizer.from_pretrained(VAR / "tokenizer")
    codes = thing_codes(everything)
    names = None
    if not (VAR / "registers.pt").exists():
        names = train_names(everything, codes, tokenizer, options.name_steps)
    if options.only_names:
        return
    model = train_registers(
        Art.load(), codes, tokenizer, names, options.register_begin, options.register_steps,
        options.register_rate,
    )  # fmt: skip
    save_folder(model, VAR / "text_encoder")


if __name__ == "__main__":
    main()
