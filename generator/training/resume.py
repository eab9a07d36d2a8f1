"""Goes on from the committed model: ``python -m generator.training.resume``.

Contract: takes ``generator/model`` apart into the parts and checkpoints that the other steps leave
in ``var``, so that a machine that has never trained continues where the last one ended. ``data``
must have run; ``latents`` runs next. What optimizers knew is lost, and the heads of the text
encoder are new but for the one that reads the registers, which is fitted.
"""

import copy
import json
import shutil

import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import load_file
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from generator import knowledge
from generator.engines._recogniser import Network
from generator.training import recogniser
from generator.training.autoencoder import FOLDER
from generator.training.denoiser import Model
from generator.training.export import MODEL
from generator.training.muon import Muon
from generator.training.pictures import BACKGROUNDS, TINTS, Art
from generator.training.runs import VAR, be_quiet, save_checkpoint, save_folder, say
from generator.training.text import REGISTERS, Heads, picture_patches


def unpack() -> None:
    """The folders of the parts, in float32."""
    save_folder(AutoencoderTiny.from_pretrained(MODEL / "vae"), FOLDER)
    encoder = CLIPTextModel.from_pretrained(MODEL / "text_encoder").float()
    save_folder(encoder, VAR / "text_encoder")
    save_folder(encoder, VAR / "text_encoder_tuned")
    save_folder(UNet2DConditionModel.from_pretrained(MODEL / "unet").float(), VAR / "unet")
    shutil.rmtree(VAR / "tokenizer", ignore_errors=True)
    shutil.copytree(MODEL / "tokenizer", VAR / "tokenizer")


def denoiser_checkpoint(step: int) -> None:
    model = Model()
    model.unet.load_state_dict(UNet2DConditionModel.from_pretrained(VAR / "unet").state_dict())
    pair = nn.ModuleList([model, copy.deepcopy(model)])
    groups = [{"params": model.unet.parameters()}, {"params": model.encoder.parameters()}]
    save_checkpoint("denoiser", pair, Muon(groups), step)


def recogniser_checkpoint() -> None:
    """A finished one, which only measures itself again; for other drawings it begins anew."""
    art, known = Art.load(), knowledge.of_model(str(MODEL))
    if (list(known.things), list(known.styles)) != (art.things, art.styles):
        say("recogniser: from nothing, for it names other things or styles")
        return
    network = Network(len(art.things), len(BACKGROUNDS), len(TINTS))
    network.load_state_dict(load_file(MODEL / recogniser.FILE.name))
    save_checkpoint("recogniser", network, recogniser.optimizer_of(network), recogniser.STEPS)
    say(f"recogniser: {recogniser.STEPS} steps done")


@torch.no_grad()
def fitted_heads(encoder: CLIPTextModel, art: Art, known: int, styles: list[str]) -> Heads:
    """Heads whose register reading is the least-squares fit for known things in known styles."""
    tokenizer = CLIPTokenizer.from_pretrained(VAR / "tokenizer")
    patches = picture_patches(art)
    read = []
    for thing in art.things[:known]:
        texts = [f"a {thing}, {style} style" for style in styles]
        ids = tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
        read.append(encoder(ids).last_hidden_state[:, -REGISTERS:])
    hidden = torch.stack(read).flatten(0, 2)
    with_one = torch.cat([hidden, torch.ones(len(hidden), 1)], 1)
    spelt = patches[:known, [art.styles.index(style) for style in styles]]
    fit = torch.linalg.lstsq(with_one, spelt.flatten(0, 2)).solution
    heads = Heads(len(art.things), len(art.styles), patches.shape[-1])
    heads.patch.weight.copy_(fit[:-1].T)
    heads.patch.bias.copy_(fit[-1])
    return heads


def main() -> None:
    torch.set_num_threads(1)
    be_quiet()
    unpack()
    facts = json.loads((MODEL / "muralist.json").read_text())
    step = int(facts["denoiser_step"])
    denoiser_checkpoint(step)
    say(f"denoiser: --begin {step}")
    recogniser_checkpoint()
    if (VAR / "latents.npy").exists():
        encoder = CLIPTextModel.from_pretrained(VAR / "text_encoder")
        heads = fitted_heads(encoder, Art.load(), facts["things"], facts["styles"])
        both = nn.ModuleList([encoder, heads])
        # not step 0: in a later turn what reads the registers is held, as the denoiser expects
        save_checkpoint("registers", both, Muon([{"params": list(both.parameters())}]), 1)
        say("text: --register-begin 1, the lower layers as they are")


if __name__ == "__main__":
    main()
