"""Puts the trained parts together: ``python -m generator.training.export``.

Contract: reads the parts in ``var``; leaves ``generator/model``, an ordinary diffusers folder
(StableDiffusionPipeline, float16 safetensors) with its vocabulary, notice and drawing settings.
The folder is made aside and renamed into place.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from transformers import CLIPTextModel, CLIPTokenizer

from generator.training import recogniser
from generator.training.captions import STYLE_WORDS
from generator.training.data import BLOCK, SIZE
from generator.training.denoiser import new_scheduler
from generator.training.pictures import BACKGROUNDS, TINTS, Art
from generator.training.runs import HERE, VAR, be_quiet, say

MODEL = HERE.parent / "model"
SETTINGS = {
    "name": "muralist",
    "steps": 8,
    "guidance": 1.3,  # more of it makes lines thick and colours loud
    "photo_guidance": 2.0,  # less of it leaves a photograph as it is
    "strength": 0.15,  # restyling is taught as a way from near the source
    "size": SIZE,
    "square": True,
    # the decoder is too soft for squares; every word for pixel art holds one of these
    "grids": dict.fromkeys(("pixel", "8-bit"), SIZE // BLOCK),
    "default_style": "3d",
}

#: How far a drawing is redrawn that was recognised: its words hold all of it.
REDRAWN = 0.75

#: Parts with a configuration of their own.
PARTS = ("vae", "unet", "text_encoder")


def assemble(folder: Path) -> None:
    latents = np.load(VAR / "latents.npy", mmap_mode="r")[:, :, 0].astype(np.float32)
    autoencoder = AutoencoderTiny.from_pretrained(VAR / "autoencoder")
    autoencoder.register_to_config(scaling_factor=round(float(1 / latents.std()), 4))
    pipeline = StableDiffusionPipeline(
        vae=autoencoder.half(),
        text_encoder=CLIPTextModel.from_pretrained(VAR / "text_encoder_tuned").half(),
        tokenizer=CLIPTokenizer.from_pretrained(VAR / "tokenizer"),
        unet=UNet2DConditionModel.from_pretrained(VAR / "unet").half(),
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    # diffusers writes the first itself and warns about it when it reads it back; the
    # second is where the part was trained
    for part, entry in (("vae", "block_out_channels"), *((p, "_name_or_path") for p in PARTS)):
        config = folder / part / "config.json"
        entries = json.loads(config.read_text())
        entries.pop(entry, None)
        config.write_text(json.dumps(entries, indent=2) + "\n")
    art = Art.load()
    (folder / "vocabulary.txt").write_text(vocabulary(art))
    settings = SETTINGS | {
        "styles": art.styles,
        "other_styles": other_styles(art),
        "backgrounds": list(BACKGROUNDS),
        "tints": list(TINTS),
        "things": len(art.things),
        "denoiser_step": torch.load(VAR / "denoiser.pt", weights_only=True)["step"],
    }
    (folder / "muralist.json").write_text(json.dumps(settings, indent=2) + "\n")
    add_recogniser(folder)
    shutil.copy(HERE / "NOTICE.md", folder / "NOTICE.md")


def other_styles(art: Art) -> list[str]:
    """Words that were taught for the styles beside their names."""
    words = dict.fromkeys(word for style in art.styles for word in STYLE_WORDS[style])
    return [word for word in words if word not in art.styles]


def vocabulary(art: Art) -> str:
    """A line for each thing with its other names: "cat | kitty, kitten"."""
    names = zip(art.things, art.other_names, strict=True)
    lines = (" | ".join([thing, *filter(None, [", ".join(others)])]) for thing, others in names)
    return "\n".join(lines) + "\n"


def add_recogniser(folder: Path) -> None:
    """What names attached drawings, beside the model; its pipeline knows nothing of it."""
    file = folder / "muralist.json"
    sure = json.loads(recogniser.FACTS.read_text())["sure"]
    facts = json.loads(file.read_text()) | {"recogniser": {"sure": sure, "strength": REDRAWN}}
    shutil.copy(recogniser.FILE, folder)
    file.write_text(json.dumps(facts, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=MODEL)
    parser.add_argument(
        "--only-recogniser", action="store_true", help="into the folder that is there"
    )
    options = parser.parse_args()
    folder: Path = options.folder
    if options.only_recogniser:
        add_recogniser(folder)
        return
    torch.set_num_threads(1)
    be_quiet()
    beside, old = VAR / "model.new", VAR / "model.old"
    for leftover in (beside, old):
        shutil.rmtree(leftover, ignore_errors=True)
    assemble(beside)
    if folder.exists():
        folder.rename(old)
    beside.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    say(f"{folder}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
