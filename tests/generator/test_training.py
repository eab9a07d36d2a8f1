"""How the embedded model is made: every stage from nothing, tiny, and what holds of its parts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generator.engine import EngineSettings, Order, open_engine

#: Every stage in one process, which imports torch once: a step or two of each.
STAGES = (
    ("autoencoder", "--steps", "1", "--batch", "2"),
    ("autoencoder", "--decoder-only", "--steps", "1", "--batch", "2"),
    ("latents", "--scenes", "8"),
    ("text", "--name-steps", "1", "--register-steps", "1"),
    ("denoiser", "--until", "1", "--batch", "4"),
    ("recogniser", "--steps", "1", "--pool", "8"),
    ("export", "--folder", "model"),
)
RUN = """
import importlib, json, sys
for stage, *options in json.loads(sys.argv[1]):
    sys.argv = [stage, *options]
    importlib.import_module(f"generator.training.{stage}").main()
"""


def _tiny_data(folder: Path) -> None:
    """Drawings and photographs in the shapes that the data stages leave."""
    from generator.training import data, photographs

    rng = np.random.default_rng(0)
    names = ["fox", "cat", "sun"]
    art = np.zeros((len(names), len(data.ALL_STYLES), data.SIZE, data.SIZE, 4), np.uint8)
    for drawing in art.reshape(-1, data.SIZE, data.SIZE, 4):
        left, top = rng.integers(8, 40, 2)
        drawing[top:-top, left:-left] = [*rng.integers(0, 256, 3), 255]
    np.save(folder / "art.npy", art)
    things = [{"name": name, "other_names": []} for name in names]
    facts = {"styles": data.ALL_STYLES, "things": things}
    (folder / "things.json").write_text(json.dumps(facts))
    (folder / "photographs").mkdir()
    for name in (*photographs.TAUGHT, *photographs.HELD_OUT):
        coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        coarse.resize((170, 140)).save(folder / "photographs" / f"{name}.png")


def test_every_stage_starts_from_nothing_and_the_engine_draws_with_the_result(
    tmp_path: Path,
) -> None:
    _tiny_data(tmp_path)
    *stages, (export, option, _) = STAGES
    asked = json.dumps([*stages, (export, option, str(tmp_path / "model"))])
    done = subprocess.run(
        [sys.executable, "-c", RUN, asked],
        env={**os.environ, "MURALIST_TRAINING": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert sum(line.startswith("photographs restyled 3d") for line in said) == 1
    engine = open_engine("diffusers", EngineSettings(model=str(tmp_path / "model"), threads=1))
    engine.load()
    drawings = engine.draw([Order(text="a fox, ink style", seed=1)], lambda _step, _steps: True)
    assert drawings is not None
    assert drawings[0].image.size == (512, 512)
    written = (tmp_path / "model").rglob("*.json")
    assert not [file for file in written if str(tmp_path) in file.read_text()]


def test_pixel_art_is_blocks_of_one_colour() -> None:
    from generator.training.data import BLOCK, SIZE, pixelated

    picture = np.random.default_rng(1).integers(0, 256, (SIZE, SIZE, 4), dtype=np.uint8)
    picture[..., :3] = np.minimum(picture[..., :3], picture[..., 3:])
    blocks = pixelated(picture).reshape(SIZE // BLOCK, BLOCK, SIZE // BLOCK, BLOCK, 4)
    assert (blocks == blocks[:, :1, :, :1]).all()
    assert (blocks[..., :3] <= blocks[..., 3:]).all(), "premultiplied, as it came"


def test_a_comic_has_dark_lines_around_what_is_drawn_and_where_colours_meet() -> None:
    from generator.training.data import DARK, SIZE, outlined

    picture = np.zeros((SIZE, SIZE, 4), np.uint8)
    picture[32:96, 32:64] = (200, 60, 40, 255)
    picture[32:96, 64:96] = (240, 220, 60, 255)
    made = outlined(picture).astype(int)
    assert (made[..., :3] <= made[..., 3:]).all(), "premultiplied, as it came"
    assert made[64, 20, 3] == 0, "nothing where nothing was drawn"
    for place in ((64, 31), (64, 96), (64, 64)):
        assert np.abs(made[place][:3] - DARK).max() < 60
        assert made[place][3] > 150
    assert made[64, 48, 0] >= 200, "colours at least as strong"


@pytest.mark.parametrize("style", ["3d", "flat", "pixel art", "ink", "comic"])
def test_a_filter_keeps_the_shape_and_range_of_a_picture_and_changes_it(style: str) -> None:
    import torch

    from generator.training.filters import FILTERS

    picture = torch.rand(3, 128, 128, generator=torch.Generator().manual_seed(0)) * 2 - 1
    made = FILTERS[style](picture)
    assert made.shape == picture.shape
    assert made.min() >= -1
    assert made.max() <= 1
    assert (made - picture).abs().mean() > 0.05


def test_restyling_begins_at_the_source_and_ends_at_the_target() -> None:
    import torch

    from generator.training.denoiser import Batch, noised, signal_and_noise

    torch.manual_seed(0)
    clean, source, noise = torch.randn(3, 4, 12, 16, 16)
    batch = Batch(clean, source, torch.ones(4, dtype=torch.bool), [""] * 4, torch.zeros(4))
    begun = torch.full((4,), 600)
    signal, sigma = signal_and_noise(begun)
    noisy, velocity = noised(batch, noise, begun, begun)
    assert torch.allclose(noisy, signal * source + sigma * noise, atol=1e-5)
    assert torch.allclose(signal * noisy - sigma * velocity, clean, atol=1e-5)
    noisy, velocity = noised(batch, noise, torch.zeros(4, dtype=torch.long), begun)
    assert (noisy - clean).abs().mean() < 0.1


def test_what_trains_the_recogniser_is_not_what_measures_it() -> None:
    from generator.training.recogniser import CHOICE, MEASURING, TRAINING

    parts = (TRAINING, CHOICE, MEASURING)
    for shares in ([part.quarters for part in parts], [part.photographs for part in parts]):
        everything = [one for share in shares for one in share]
        assert len(everything) == len(set(everything))


def test_a_batch_of_the_recogniser_s_holds_known_things_and_nothing_known() -> None:
    import torch

    from generator.engines._recogniser import SIDE
    from generator.training.pictures import BACKGROUNDS, TINTS
    from generator.training.recogniser import Drawings, Supply

    rgba = torch.zeros(3, 2, 4, SIDE, SIDE, dtype=torch.uint8)
    rgba[..., 16:48, 16:48] = 255
    tintable = torch.ones(3, len(TINTS), dtype=torch.bool)
    drawings = Drawings(rgba, ink=1, tintable=tintable)
    photos = torch.zeros(2, 3, SIDE, SIDE, dtype=torch.uint8)
    supply = Supply(drawings, None, photos)
    looks, again = supply.batch(5, 60), supply.batch(5, 60)
    assert torch.equal(looks.pictures, again.pictures), "a number is a batch"
    assert looks.pictures.shape == (60, 3, SIDE, SIDE)
    assert looks.pictures.abs().max() <= 1
    assert set(looks.things.tolist()) == {0, 1, 2, 3}
    known = int((looks.things > 0).sum())
    assert len(looks.grounds) == len(looks.tints) == known
    assert looks.grounds.max() < len(BACKGROUNDS)
    assert looks.tints.max() <= len(TINTS)


def test_muon_s_updates_have_all_directions_alike() -> None:
    import torch

    from generator.training.muon import orthogonal

    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonal(torch.randn(40, 70)))
    assert values.min() > 0.5
    assert values.max() < 1.5
