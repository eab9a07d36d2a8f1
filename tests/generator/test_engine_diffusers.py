"""The engine with a real model, tiny and random."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generator.engine import (
    Drawing,
    Engine,
    EngineError,
    EngineLostError,
    EngineSettings,
    Order,
    Sketching,
    engine_names,
    open_engine,
)

#: Levels of 255 by which the same order may differ between batches.
TOLERANCE = 2


@pytest.fixture(scope="module")
def engine(tiny_model: Path) -> Iterator[Engine]:
    engine = open_engine("diffusers", EngineSettings(model=str(tiny_model), threads=1))
    engine.load()
    yield engine
    engine.close()


@pytest.fixture
def wide_engine(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The same engine, which forgets the batch size it has learned."""
    monkeypatch.setattr(engine, "_largest_batch", 4)
    return engine


@pytest.fixture(scope="module")
def photo() -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((60, 40)).convert("RGB").save(file, "PNG")
    return file.getvalue()


def _on(_step: int, _steps: int) -> bool:
    return True


class Steps(list[tuple[int, int]]):
    """Remembers what it was told of the steps."""

    def __call__(self, step: int, steps: int) -> bool:
        self.append((step, steps))
        return True


def _drawn(engine: Engine, *orders: Order) -> list[Drawing]:
    drawings = engine.draw(orders, _on)
    assert drawings is not None
    return drawings


def _pixels(drawing: Drawing) -> np.ndarray[Any, Any]:
    return np.asarray(drawing.image).astype(int)


def _differ(one: Drawing, other: Drawing) -> int:
    return int(np.abs(_pixels(one) - _pixels(other)).max())


def test_the_folder_is_the_registry() -> None:
    assert "diffusers" in engine_names()
    with pytest.raises(EngineError, match=r"no engine called 'crayon'; the engines are: diffusers"):
        open_engine("crayon", EngineSettings(model="x"))


def test_the_model_has_the_word_on_how_it_is_used(engine: Engine) -> None:
    assert engine.name == "diffusers:tiny"
    shared: Any = engine.fits(Order(text="a fox", seed=1))
    assert (shared.width, shared.height, shared.steps, shared.guidance) == (32, 32, 3, 2.0)
    assert engine.largest_batch == 4


@pytest.mark.parametrize(
    ("effort", "scale", "drawn"),
    [(1.0, 1.0, (32, 3)), (0.67, 1.0, (32, 2)), (0.01, 0.5, (16, 1)), (2.0, 1.0, (32, 6))],
)
def test_more_or_less_work_goes_into_a_picture_as_told(
    engine: Engine, effort: float, scale: float, drawn: tuple[int, int]
) -> None:
    shared: Any = engine.fits(Order(text="a fox", seed=1, effort=effort, scale=scale))
    assert (shared.width, shared.steps) == drawn


def test_a_picture_from_words(engine: Engine) -> None:
    steps = Steps()
    drawings = engine.draw([Order(text="a fox", seed=7, aspect="16:9")], steps)
    assert drawings is not None
    assert (drawings[0].seed, drawings[0].image.mode) == (7, "RGB")
    assert drawings[0].image.size == (853, 512)  # drawn at 40×24, enlarged
    assert steps == [(1, 3), (2, 3), (3, 3)]
    with Image.open(io.BytesIO(drawings[0].encode())) as file:
        assert (file.format, file.size) == ("PNG", (853, 512))


def test_the_seed_makes_the_picture(engine: Engine) -> None:
    one, other = Order(text="a fox", seed=1), Order(text="a fox", seed=2)
    assert _differ(_drawn(engine, one)[0], _drawn(engine, one)[0]) == 0
    assert _differ(_drawn(engine, one)[0], _drawn(engine, other)[0]) > TOLERANCE


@pytest.mark.parametrize("restyle", [False, True])
def test_the_same_picture_alone_and_in_a_batch(engine: Engine, photo: bytes, restyle: bool) -> None:
    orders = [
        Order(text=text, seed=seed, negative="text", photo=photo if restyle else None)
        for seed, text in enumerate(["a fox", "a very long wish about two boats", "x", ""])
    ]
    for together, order in zip(_drawn(engine, *orders), orders, strict=True):
        assert _differ(together, _drawn(engine, order)[0]) <= TOLERANCE


def test_a_photo_is_a_beginning(engine: Engine, photo: bytes) -> None:
    from_photo = Order(text="a fox", seed=1, photo=photo, strength=0.4)
    assert (
        _differ(_drawn(engine, from_photo)[0], _drawn(engine, Order(text="a fox", seed=1))[0]) > 0
    )


@pytest.mark.parametrize("strength", [0.02, 0.3, 1 / 3, 0.6, 1.0])
def test_a_restyle_takes_as_many_steps_as_a_drawing(
    engine: Engine, photo: bytes, strength: float
) -> None:
    steps = Steps()
    engine.draw([Order(text="a fox", seed=1, photo=photo, strength=strength)], steps)
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_what_must_be_equal_in_a_pass(engine: Engine) -> None:
    plain = Order(text="a fox", seed=1)
    assert engine.fits(plain) == engine.fits(Order(text="a cow", seed=2))
    others = [
        Order(text="a fox", seed=1, photo=b""),
        Order(text="a fox", seed=1, aspect="2:1"),
        Order(text="a fox", seed=1, negative="text"),
        Order(text="a fox", seed=1, steps=5),
        Order(text="a fox", seed=1, guidance=1.0),
    ]
    assert len({engine.fits(order) for order in [plain, *others]}) == 6
    # Without a photo there is nothing to be far from.
    assert engine.fits(plain) == engine.fits(Order(text="a fox", seed=1, strength=0.1))


def test_stopping_between_two_steps(engine: Engine) -> None:
    seen: list[int] = []

    def once(step: int, _steps: int) -> bool:
        seen.append(step)
        return False

    assert engine.draw([Order(text="a fox", seed=1)], once) is None
    assert seen == [1]
    assert engine.draw([Order(text="a fox", seed=1)], _on) is not None


def _failing(real: Callable[..., Any], limit: int, error: Exception) -> Callable[..., Any]:
    """The denoiser, on a device with room for `limit` samples."""

    def forward(sample: Any, *rest: Any, **more: Any) -> Any:
        if sample.shape[0] > limit:
            raise error
        return real(sample, *rest, **more)

    return forward


def _fail(engine: Any, monkeypatch: pytest.MonkeyPatch, limit: int, error: Exception) -> None:
    unet = engine._painter.unet
    monkeypatch.setattr(unet, "forward", _failing(unet.forward, limit, error))


def test_out_of_memory_halves_the_batch_and_goes_on(
    wide_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    orders = [Order(text="a fox", seed=seed) for seed in range(4)]
    whole = _drawn(wide_engine, *orders)
    # Guidance takes two samples a picture, so two pictures fit.
    _fail(wide_engine, monkeypatch, 4, torch.OutOfMemoryError("CUDA out of memory"))
    steps = Steps()
    halved = wide_engine.draw(orders, steps)
    assert halved is not None
    assert max(_differ(*pair) for pair in zip(whole, halved, strict=True)) <= TOLERANCE
    assert steps == [(step, 6) for step in range(1, 7)]
    assert wide_engine.largest_batch == 2


def test_out_of_memory_at_one_picture_may_pass(
    wide_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
    _fail(wide_engine, monkeypatch, 0, cpu)
    with pytest.raises(EngineError, match=r"not enough memory on cpu to draw even one") as failure:
        _drawn(wide_engine, *[Order(text="a fox", seed=seed) for seed in range(3)])
    assert failure.value.transient


def test_other_errors_are_not_taken_for_memory(
    wide_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail(wide_engine, monkeypatch, 0, RuntimeError("shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes"):
        _drawn(wide_engine, Order(text="a fox", seed=1))
    assert wide_engine.largest_batch == 4


def test_a_broken_device_needs_a_new_process(
    wide_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    error = torch.AcceleratorError("CUDA error: an illegal memory access was encountered", 700)
    _fail(wide_engine, monkeypatch, 0, error)
    with pytest.raises(EngineLostError, match="device cpu failed"):
        _drawn(wide_engine, Order(text="a fox", seed=1))


def test_more_orders_than_fit_are_drawn_in_several_passes(wide_engine: Engine) -> None:
    steps = Steps()
    orders = [Order(text="a fox", seed=seed) for seed in range(6)]
    drawings = wide_engine.draw(orders, steps)
    assert drawings is not None
    assert [drawing.seed for drawing in drawings] == list(range(6))
    assert steps == [(step, 6) for step in range(1, 7)]


def test_it_can_be_watched_while_it_draws(wide_engine: Engine) -> None:
    """Small, in place, coming closer; of a pass, by the places of its orders."""
    assert isinstance(wide_engine, Sketching)
    engine: Sketching = wide_engine
    orders = [Order(text="a fox", seed=seed) for seed in range(5)]
    seen: list[dict[int, Image.Image]] = []

    def look(_step: int, _steps: int) -> bool:
        seen.append(dict(engine.sketch()))
        return True

    assert engine.sketch() == {}
    drawings = wide_engine.draw(orders, look)
    assert drawings is not None
    assert [sorted(sketches) for sketches in seen] == [[0, 1, 2, 3]] * 3 + [[4]] * 3
    assert all(max(each.size) <= 128 for sketches in seen for each in sketches.values())
    last = np.asarray(seen[2][0].resize(drawings[0].image.size)).astype(int)
    first = np.asarray(seen[0][0].resize(drawings[0].image.size)).astype(int)
    assert np.abs(last - _pixels(drawings[0])).mean() < np.abs(first - _pixels(drawings[0])).mean()
    assert engine.sketch() == {}


def _copy(model: Path, folder: Path) -> Path:
    return Path(shutil.copytree(model, folder / "copy"))


def _refused(model: Path | str) -> str:
    engine = open_engine("diffusers", EngineSettings(model=str(model), threads=1))
    with pytest.raises(EngineError) as failure:
        engine.load()
    assert not failure.value.transient
    return str(failure.value)


def test_a_folder_that_is_not_there() -> None:
    assert _refused("/nowhere/at/all").startswith("There is no model at /nowhere/at/all. Name")
    assert _refused("nonsense").startswith("There is no model at nonsense.")
    assert _refused("tests/nothing").startswith("There is no model at tests/nothing.")


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    assert "has no model_index.json" in _refused(tmp_path)


def test_pickled_weights_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = _copy(tiny_model, tmp_path)
    safe = folder / "unet" / "diffusion_pytorch_model.safetensors"
    torch.save(load_file(safe), safe.with_suffix(".bin"))
    safe.unlink()
    assert "safetensors" in _refused(folder)


def test_pickled_text_encoders_are_refused_too(tiny_model: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = _copy(tiny_model, tmp_path)
    safe = folder / "text_encoder" / "model.safetensors"
    torch.save(load_file(safe), folder / "text_encoder" / "pytorch_model.bin")
    safe.unlink()
    assert "safetensors" in _refused(folder)


def test_truncated_weights(tiny_model: Path, tmp_path: Path) -> None:
    folder = _copy(tiny_model, tmp_path)
    file = folder / "unet" / "diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    assert "could not be loaded" in _refused(folder)


@pytest.mark.parametrize("name", ["NoSuchPipeline", ["my_code", "Pipeline"], "torch", None])
def test_pipelines_that_are_not_diffusers_own(
    tiny_model: Path, tmp_path: Path, name: object
) -> None:
    folder = _copy(tiny_model, tmp_path)
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**index, "_class_name": name}))
    assert "could not be loaded" in _refused(folder)


def test_a_model_s_own_code_is_not_run(tiny_model: Path, tmp_path: Path) -> None:
    folder = _copy(tiny_model, tmp_path)
    index = json.loads((folder / "model_index.json").read_text())
    index["unet"] = ["evil", "Unet"]
    (folder / "model_index.json").write_text(json.dumps(index))
    for place in (folder, folder / "unet"):
        (place / "evil.py").write_text("raise SystemExit('run')")
    assert "could not be loaded" in _refused(folder)
    assert "evil" not in sys.modules


def test_a_broken_muralist_json(tiny_model: Path, tmp_path: Path) -> None:
    folder = _copy(tiny_model, tmp_path)
    (folder / "muralist.json").write_text("{")
    assert "is not valid JSON" in _refused(folder)


@pytest.mark.parametrize("device", ["mps", "crayon"])
def test_a_device_that_is_not_here(
    tiny_model: Path, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    engine = open_engine("diffusers", EngineSettings(model=str(tiny_model), device=device))
    with pytest.raises(EngineError, match=f"no device '{device}'. Choose auto"):
        engine.load()


def test_settings_have_the_first_word(tiny_model: Path) -> None:
    settings = EngineSettings(
        model=str(tiny_model), threads=1, steps=2, guidance=1.0, strength=0.9, batch=7
    )
    engine = open_engine("diffusers", settings)
    engine.load()
    shared: Any = engine.fits(Order(text="", seed=1, photo=b""))
    assert (shared.steps, shared.guidance, shared.strength) == (2, 1.0, 0.9)
    assert engine.largest_batch == 7


def test_a_style_s_grid_is_laid_over_its_pictures_only(tiny_model: Path, tmp_path: Path) -> None:
    folder = _copy(tiny_model, tmp_path)
    facts = json.loads((folder / "muralist.json").read_text())
    (folder / "muralist.json").write_text(json.dumps({**facts, "grids": {"pixel art": 4}}))
    engine = open_engine("diffusers", EngineSettings(model=str(folder), threads=1))
    engine.load()
    texts = ("a fox, Pixel Art style", "a fox, ink style")
    squares, smooth = _drawn(engine, *(Order(text=text, seed=1, steps=1) for text in texts))
    assert len(squares.image.getcolors(1_000_000) or []) <= 16
    assert len(smooth.image.getcolors(1_000_000) or []) > 16


def _write_recogniser(folder: Path) -> None:
    """One that takes bright pictures for a fox and is sure of nothing in dark ones."""
    import torch
    from safetensors.torch import save_file

    from generator.engines._recogniser import Network

    network = Network(things=2, grounds=1, tints=1)
    with torch.no_grad():
        for part in (*network.look, network.thing, network.ground, network.tint):
            if isinstance(part, (torch.nn.Conv2d, torch.nn.Linear)):
                part.weight.zero_()
                # one number goes through all layers: how bright it is
                part.weight[(0, 0, 1, 1) if part.weight.ndim == 4 else (0, 0)] = 1
        network.thing.weight.zero_()
        network.thing.weight[1, 0] = 100
        network.thing.bias.copy_(torch.tensor([20.0, 0, 0]))
        network.tint.bias.copy_(torch.tensor([5.0, 0]))
    save_file(network.state_dict(), folder / "recogniser.safetensors")
    facts = json.loads((folder / "muralist.json").read_text())
    facts |= {"recogniser": {"sure": 0.9, "strength": 0.9}, "backgrounds": ["white"]}
    facts |= {"photo_guidance": 3.0}
    (folder / "muralist.json").write_text(json.dumps(facts | {"tints": ["red"]}))
    (folder / "vocabulary.txt").write_text("fox\nowl\n")


@pytest.fixture(scope="module")
def seeing_engine(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The same model with a recogniser beside it."""
    folder = _copy(tiny_model, tmp_path_factory.mktemp("seeing"))
    _write_recogniser(folder)
    engine = open_engine("diffusers", EngineSettings(model=str(folder), threads=1))
    engine.load()
    return engine


def _plain_photo(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 40), (shade, shade, shade)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("ink style", "fox on a white background, ink style"),
        ("ink style on a blue background", "fox, ink style on a blue background"),
        ("two owls, ink style", "two owls, ink style"),
    ],
)
def test_a_drawing_that_is_known_is_drawn_anew_under_its_name(
    engine: Engine, seeing_engine: Engine, asked: str, meant: str
) -> None:
    bright = _plain_photo(255)
    (drawn,) = _drawn(seeing_engine, Order(text=asked, seed=1, photo=bright))
    assert drawn.taken_for == "fox on a white background"
    named = Order(text=meant, seed=1, photo=bright, strength=0.9)
    assert _differ(drawn, _drawn(engine, named)[0]) <= TOLERANCE
    (little,) = _drawn(seeing_engine, Order(text=asked, seed=1, photo=bright, strength=0.3))
    named = Order(text=meant, seed=1, photo=bright, strength=0.3)
    assert _differ(little, _drawn(engine, named)[0]) <= TOLERANCE, "who says how far is heard"


def test_known_and_unknown_photos_of_one_batch_each_get_their_own_way(
    engine: Engine, seeing_engine: Engine
) -> None:
    shades = (255, 0, 250, 10, 5)
    orders = [Order(text="ink style", seed=shade, photo=_plain_photo(shade)) for shade in shades]
    steps = Steps()
    drawings = seeing_engine.draw(orders, steps)
    assert drawings is not None
    assert [drawing.seed for drawing in drawings] == list(shades)
    assert [bool(drawing.taken_for) for drawing in drawings] == [shade > 100 for shade in shades]
    for drawing, order in zip(drawings, orders, strict=True):
        if not drawing.taken_for:
            plain = replace(order, guidance=3.0)
            assert _differ(drawing, _drawn(engine, plain)[0]) <= TOLERANCE, "as without one"
    assert steps == [(step, 6) for step in range(1, 7)], "two passes"


def test_a_recogniser_that_is_gone_is_none_and_one_that_does_not_fit_is_named(
    tiny_model: Path, tmp_path: Path
) -> None:
    folder = _copy(tiny_model, tmp_path)
    _write_recogniser(folder)
    (folder / "vocabulary.txt").write_text("fox\n")
    engine = open_engine("diffusers", EngineSettings(model=str(folder), threads=1))
    with pytest.raises(EngineError, match="recogniser"):
        engine.load()
    (folder / "recogniser.safetensors").unlink()
    engine.load()
    order = Order(text="ink style", seed=1, photo=_plain_photo(255))
    assert _drawn(engine, order)[0].taken_for is None


# diffusers' schedulers with sigmas hand tensors to numpy in a way numpy 2 frowns at.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning")
@pytest.mark.parametrize(
    ("scheduler", "steps", "guidance"),
    [
        ({"_class_name": "EulerDiscreteScheduler", "timestep_spacing": "trailing"}, 4, 0.0),
        ({"_class_name": "EulerDiscreteScheduler", "timestep_spacing": "leading"}, 50, 7.5),
        ({"_class_name": "LCMScheduler"}, 4, 7.5),
    ],
)
def test_without_a_word_of_its_own_a_model_is_used_as_its_scheduler_hints(
    tiny_model: Path, tmp_path: Path, scheduler: dict[str, str], steps: int, guidance: float
) -> None:
    folder = _copy(tiny_model, tmp_path)
    (folder / "muralist.json").unlink()
    index = json.loads((folder / "model_index.json").read_text())
    index["scheduler"] = ["diffusers", scheduler["_class_name"]]
    (folder / "model_index.json").write_text(json.dumps(index))
    config = json.dumps({"steps_offset": 1, **scheduler})
    (folder / "scheduler" / "scheduler_config.json").write_text(config)
    engine = open_engine("diffusers", EngineSettings(model=str(folder), threads=1))
    engine.load()
    shared: Any = engine.fits(Order(text="", seed=1))
    assert (shared.steps, shared.guidance) == (steps, guidance)
    assert engine.name == "diffusers:copy"
    assert len(_drawn(engine, Order(text="a fox", seed=1, steps=2))) == 1
