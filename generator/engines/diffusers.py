"""Draws with any model in diffusers' folder format, from a folder or from the hub.

Torch and diffusers are imported in `load`, in the engine's own thread: together
they take seconds. Only weights in the safetensors format are read and no code
that comes with a model is run, so a model can be no worse than ugly.

A folder may carry a `muralist.json` with what suits its model, all optional:
`{"name": "muralist", "steps": 8, "guidance": 2.0, "strength": 0.75, "size": 128,
"square": true, "photo_guidance": 2.0, "grids": {"pixel art": 32}}`; `photo_guidance` is that of
restyling, and pictures whose text names a style of `grids` are put on a grid of so many squares.

Restyling from little noise keeps whatever the photo shows and changes its style little; words
change it wholly, into what they name. With `"recogniser": {"sure": 0.9, "strength": 0.75}` and a
`recogniser.safetensors` a model names the drawings it knows itself, and draws these anew.
"""

from __future__ import annotations

import inspect
import json
import math
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from generator import knowledge
from generator.canvas import canvas, enlarged, off_square, on_grid, onto_square, photo_on, widened
from generator.engine import (
    Drawing,
    EngineError,
    EngineLostError,
    EngineSettings,
    OnStep,
    Order,
)

if TYPE_CHECKING:
    from generator.engines._recogniser import Recogniser, Seen

#: Pixels that keep an accelerator or a CPU busy in one pass; beyond, batching gains nothing.
_ACCELERATOR_PIXELS = 4 * 512 * 512
_CPU_PIXELS = 4 * 256 * 256
_LARGEST_BATCH = 8
_LARGEST_BATCH_CPU = 4

#: How far a photo is redrawn where neither order, settings nor model say.
_STRENGTH = 0.75

#: The size of models that don't tell theirs.
_SIZE = 1024

#: The longer side of the latents that a sketch is made from.
_SKETCH = 16

#: A diffusers pipeline or a class of them; the library carries no types.
Pipeline = Any

#: As `OnStep`, with the latents of the pass, or None.
_OnLatents = Callable[[int, int, Any], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipe:
    """What orders get that don't say otherwise. `size` is the native side in pixels."""

    name: str
    size: int
    steps: int
    guidance: float
    strength: float
    #: The guidance of restyling.
    photo_guidance: float
    #: How far drawings are redrawn that were recognised; as from words, with their guidance.
    known_strength: float
    #: Whether the model has only ever seen squares; other shapes are then made around them.
    square: bool = False
    #: Styles whose pictures consist of squares, and how many of them a side.
    grids: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    """What all pictures of one pass have in common. `strength` is None without a photo."""

    width: int
    height: int
    steps: int
    guidance: float
    strength: float | None
    #: Some models take no negative text for something else than an empty one.
    negative: bool


class _StopError(Exception):
    """Unwinds the denoising loop once `on_step` has said to stop."""


class _OutOfMemoryError(Exception):
    """One pass needed more memory than there is."""


class Engine:
    """See `generator.engine.Engine`."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._recipe = _Recipe(
            name=Path(settings.model).name,
            size=0,
            steps=0,
            guidance=0,
            strength=0,
            photo_guidance=0,
            known_strength=0,
        )
        self._device = "cpu"
        self._unit = 1
        self._limit: int | None = None
        self._painter: Pipeline = None
        self._restyler: Pipeline = None
        self._recogniser: Recogniser | None = None
        self._knowledge = knowledge.Knowledge()
        self._largest_batch = max(1, settings.batch)
        #: The places of the orders on the easel, and their latents.
        self._easel: tuple[Sequence[int], Any] | None = None

    @property
    def name(self) -> str:
        return f"diffusers:{self._recipe.name}"

    @property
    def largest_batch(self) -> int:
        return self._largest_batch

    def load(self) -> None:
        facts = _facts(self._settings.model)
        _be_quiet()
        self._device = _device(self._settings.device)
        _set_threads(self._settings.threads, self._device)
        self._painter = _load_painter(self._settings.model, self._device)
        self._restyler = _restyler(self._painter)
        self._recipe = _recipe(self._settings, facts, self._painter)
        self._knowledge = knowledge.of_model(self._settings.model)
        self._recogniser = _recogniser(self._settings.model, facts, self._knowledge)
        self._unit, self._limit = _grid(self._painter)
        self._largest_batch = self._settings.batch or _batch(self._recipe.size, self._device)

    def fits(self, order: Order) -> _Pass:
        def chosen(asked: float | None, default: float) -> float:
            return default if asked is None else asked

        aspect = None if self._recipe.square else order.aspect
        size = self._recipe.size if self._recipe.square else self._recipe.size * order.scale
        width, height = canvas(size, self._unit, aspect, self._limit)
        strength = chosen(order.strength, self._recipe.strength)
        plain = self._recipe.guidance if order.photo is None else self._recipe.photo_guidance
        return _Pass(
            width=width,
            height=height,
            steps=max(1, round(chosen(order.steps, self._recipe.steps) * order.effort)),
            guidance=chosen(order.guidance, plain),
            strength=None if order.photo is None else strength,
            negative=bool(order.negative),
        )

    def draw(self, orders: Sequence[Order], on_step: OnStep) -> list[Drawing] | None:
        seen = [self._seen(order) for order in orders]
        understood = [self._understood(order, it) for order, it in zip(orders, seen, strict=True)]
        try:
            images = self._in_passes(understood, on_step)
        except _StopError:
            return None
        finally:
            self._easel = None
        return [
            Drawing(
                image=self._finished(image, order),
                seed=order.seed,
                taken_for=it.described() if it else None,
            )
            for order, image, it in zip(orders, images, seen, strict=True)
        ]

    def sketch(self) -> Mapping[int, Image.Image]:
        if self._easel is None:
            return {}
        places, latents = self._easel
        return dict(zip(places, _sketched(self._painter, latents), strict=False))

    def _seen(self, order: Order) -> Seen | None:
        if self._recogniser is None or order.photo is None:
            return None
        size = (self._recipe.size, self._recipe.size)
        return self._recogniser(_beginning(order, size, square=self._recipe.square))

    def _understood(self, order: Order, seen: Seen | None) -> Order:
        """The order as the photo's owner would give it who names what the photo shows.

        Who does name a thing is taken at their word.
        """
        if seen is None:
            return order
        text = order.text
        if not self._knowledge.covers(text):
            text = f"{seen.described(ground='background' not in text)}, {text}"
        strength, guidance = order.strength, order.guidance
        return replace(
            order,
            text=text,
            strength=self._recipe.known_strength if strength is None else strength,
            guidance=self._recipe.guidance if guidance is None else guidance,
        )

    def _finished(self, image: Image.Image, order: Order) -> Image.Image:
        """The picture in the shape and size that was asked for."""
        if self._recipe.square:
            image = (widened if order.photo is None else off_square)(image, order.aspect)
        image = enlarged(image, self._settings.picture_size)
        text = order.text.lower()
        for style, squares in self._recipe.grids.items():
            if style in text:
                image = on_grid(image, squares)
        return image

    def close(self) -> None:
        self._painter = self._restyler = self._recogniser = None
        _free_memory(self._device)

    def _in_passes(self, orders: Sequence[Order], on_step: OnStep) -> list[Image.Image]:
        """Draw in as few passes as memory allows; where it runs out, in two halves.

        Orders that came with one key may have parted since: what is recognised is drawn otherwise.
        """
        alike: dict[_Pass, list[int]] = {}
        for place, order in enumerate(orders):
            alike.setdefault(self.fits(order), []).append(place)
        waiting = deque(
            (shared, chunk)
            for shared, places in alike.items()
            for chunk in _chunks(places, self._largest_batch)
        )
        images: dict[int, Image.Image] = {}
        done = 0
        while waiting:
            shared, places = waiting.popleft()
            report = _report(on_step, done, done + 1 + len(waiting))
            these = [orders[place] for place in places]
            drawn = self._try_pass(these, shared, self._watched(places, report))
            if drawn is not None:
                images.update(zip(places, drawn, strict=True))
                done += 1
            else:
                waiting.extendleft((shared, half) for half in reversed(self._halves(places)))
        return [images[place] for place in range(len(orders))]

    def _watched(self, places: Sequence[int], on_step: OnStep) -> _OnLatents:
        """Remembers what is on the easel for as long as `on_step` looks at it."""

        def step(number: int, steps: int, latents: Any) -> bool:
            self._easel = (places, latents)
            return on_step(number, steps)

        return step

    def _try_pass(
        self, orders: Sequence[Order], shared: _Pass, on_step: _OnLatents
    ) -> list[Image.Image] | None:
        """One pass; None where memory ran out, which is free again by then."""
        try:
            return self._pass(orders, shared, on_step)
        except _OutOfMemoryError:
            pass
        # Outside the clause: there the traceback still holds the tensors, as the easel did.
        self._easel = None
        _free_memory(self._device)
        return None

    def _halves(self, places: Sequence[int]) -> list[Sequence[int]]:
        half = len(places) // 2
        if not half:
            raise EngineError(
                f"There is not enough memory on {self._device} to draw even one picture"
                f" with {self._recipe.name}.",
                transient=True,
            )
        # Remembered, or each batch to come would fail once first.
        self._largest_batch = half
        return _chunks(places, half)

    def _pass(
        self, orders: Sequence[Order], shared: _Pass, on_step: _OnLatents
    ) -> list[Image.Image]:
        import torch

        pipeline = self._painter if shared.strength is None else self._restyler
        if pipeline is None:
            raise EngineError(f"{self._recipe.name} can only draw from words, not from a photo.")
        try:
            with torch.inference_mode():
                images: list[Image.Image] = pipeline(
                    **_arguments(pipeline, orders, shared, on_step, square=self._recipe.square)
                ).images
        except (RuntimeError, MemoryError) as error:
            if _is_out_of_memory(error):
                raise _OutOfMemoryError from None
            if isinstance(error, torch.AcceleratorError):
                raise EngineLostError(f"The device {self._device} failed: {error}.") from error
            raise
        return images


def _facts(model: str) -> dict[str, Any]:
    """The model's `muralist.json`. Raises EngineError where a folder is no model."""
    folder = Path(model)
    if not folder.is_dir():
        if _may_be_hub_id(model):
            return {}
        raise EngineError(
            f"There is no model at {model}. Name a folder in diffusers format or a hub id"
            " such as stabilityai/sd-turbo."
        )
    if not (folder / "model_index.json").is_file():
        raise EngineError(
            f"The folder {model} holds no model: it has no model_index.json, which every"
            " folder in diffusers format has."
        )
    file = folder / "muralist.json"
    try:
        facts: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    except ValueError as error:
        raise EngineError(f"{file} is not valid JSON: {error}.") from error
    return facts


def _may_be_hub_id(model: str) -> bool:
    """Whether it reads `owner/name`, and not as a path into something that exists here."""
    owner, slash, name = model.partition("/")
    return (
        bool(slash and name)
        and "/" not in name
        and owner not in ("", ".", "..", "~")
        and not (Path(owner).exists())
    )


def _be_quiet() -> None:
    """No progress bars and only errors from the libraries: progress is told by `on_step`.

    Their notices say that torchvision is missing, that an autoencoder is of another
    class than usual, that the safety checker is off: all known and meant.
    """
    # Before diffusers, whose import makes transformers talk.
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    from diffusers.utils import logging as diffusers_logging

    diffusers_logging.set_verbosity_error()
    diffusers_logging.disable_progress_bar()


def _device(wanted: str) -> str:
    import torch

    here = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted == "auto":
        return next(device for device in here if here[device])
    if not here.get(wanted.partition(":")[0]):
        raise EngineError(
            f"This machine, or its build of torch, has no device {wanted!r}. Choose auto,"
            " or install a torch that knows it."
        )
    return wanted


def _set_threads(threads: int, device: str) -> None:
    """Half the cores by default: the bot itself, and its neighbours, want some too."""
    import torch

    if device == "cpu":
        torch.set_num_threads(threads or max(1, (os.cpu_count() or 1) // 2))


def _load_painter(model: str, device: str) -> Pipeline:
    """The text-to-image pipeline named in the model's index, on its device."""
    import diffusers
    from safetensors import SafetensorError

    try:
        index = diffusers.DiffusionPipeline.load_config(model)
        kind = _pipeline_class(index.get("_class_name"))
        # Parts the index leaves out must be left out aloud, where the class asks for them.
        absent = {
            name: None for name, part in index.items() if part in ([None, None], (None, None))
        }
        off = {**absent, "safety_checker": None, "requires_safety_checker": False}
        pipeline = kind.from_pretrained(
            model,
            dtype=_dtype(kind, device),
            use_safetensors=True,
            **_accepted(kind.__init__, off),
        ).to(device)
    except (
        # What diffusers and transformers raise for models that are broken or not to be had.
        OSError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        ImportError,
        RuntimeError,
        SafetensorError,
    ) as error:
        first_line = str(error).strip().partition("\n")[0].rstrip(".")
        raise EngineError(
            f"The model {model} could not be loaded: {first_line}. Check its name, the"
            " network if it is a hub id, and that its weights are in safetensors format:"
            " no other is read, and no code of its own is run."
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _pipeline_class(name: object) -> Pipeline:
    """Import the pipeline class a model's index names, and only that.

    Measured on one core: torch 1.0 s, diffusers with one pipeline 2.0 s more; the
    Auto classes import every pipeline there is, which costs 0.5 s more with a warm
    disk cache and several seconds with a cold one.
    """
    import diffusers

    kind = getattr(diffusers, name, None) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"its pipeline {name} is not one of diffusers {diffusers.__version__}.")
    return kind


def _dtype(kind: Pipeline, device: str) -> Any:
    """Half precision on accelerators; on CPUs it is slower than single."""
    import torch

    if device == "cpu":
        return torch.float32
    transformer = "transformer" in inspect.signature(kind.__init__).parameters
    if transformer and device.startswith("cuda") and torch.cuda.is_bf16_supported():
        return torch.bfloat16
    return torch.float16


def _restyler(painter: Pipeline) -> Pipeline:
    """Image-to-image with the painter's own weights, or None where there is no such pipeline.

    diffusers names the sibling of `XPipeline` `XImg2ImgPipeline`. Its `from_pipe` is of no
    use here: it drops components of unusual classes and casts the rest to single precision.
    """
    import diffusers

    if "image" in inspect.signature(painter.__call__).parameters:
        return painter
    kind = getattr(
        diffusers, type(painter).__name__.removesuffix("Pipeline") + "Img2ImgPipeline", None
    )
    if kind is None:
        return None
    restyler = kind(**_accepted(kind.__init__, {**painter.config, **painter.components}))
    restyler.set_progress_bar_config(disable=True)
    return restyler


def _recipe(settings: EngineSettings, facts: Mapping[str, Any], pipeline: Pipeline) -> _Recipe:
    """Settings before the model's own word before what its scheduler hints at before defaults."""
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(pipeline.__call__).parameters.items()
    }
    usual = {
        "steps": defaults.get("num_inference_steps", 50),
        "guidance": defaults.get("guidance_scale", 0.0),
        "strength": _STRENGTH,
    }
    asked = {name: value for name in usual if (value := getattr(settings, name)) is not None}
    best = {**usual, **_hints(pipeline.scheduler), **facts, **asked}
    return _Recipe(
        name=facts.get("name", Path(settings.model).name),
        size=facts.get("size", _native_size(pipeline)),
        steps=best["steps"],
        guidance=best["guidance"],
        strength=best["strength"],
        photo_guidance=asked.get("guidance", facts.get("photo_guidance", best["guidance"])),
        known_strength=asked.get(
            "strength", facts.get("recogniser", {}).get("strength", best["strength"])
        ),
        square=facts.get("square", False),
        grids=facts.get("grids", {}),
    )


def _hints(scheduler: Any) -> dict[str, Any]:
    """Models distilled to a few steps don't say so, but their schedulers are set up in ways
    that no others are: sd-turbo and sdxl-turbo have Euler's with trailing steps."""
    kind = type(scheduler).__name__
    if kind in ("LCMScheduler", "TCDScheduler"):
        return {"steps": 4}
    trailing = getattr(scheduler.config, "timestep_spacing", None) == "trailing"
    if trailing and kind in ("EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler"):
        return {"steps": 4, "guidance": 0.0}
    return {}


def _recogniser(
    model: str, facts: Mapping[str, Any], known: knowledge.Knowledge
) -> Recogniser | None:
    from safetensors import SafetensorError

    from generator.engines import _recogniser

    try:
        return _recogniser.load(Path(model), facts, known.things)
    except (OSError, LookupError, RuntimeError, SafetensorError) as error:
        raise EngineError(
            f"The recogniser in {model} does not fit the model or cannot be read. Without its"
            " recogniser.safetensors the model draws as well, but restyles drawings less."
        ) from error


def _denoiser(pipeline: Pipeline) -> Any:
    return getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)


def _native_size(pipeline: Pipeline) -> int:
    """The side of the square pictures the model was trained on, in pixels."""
    latent = getattr(pipeline, "default_sample_size", None) or getattr(
        _denoiser(pipeline).config, "sample_size", None
    )
    if isinstance(latent, Sequence):
        latent = min(latent)
    return int(latent * pipeline.vae_scale_factor) if latent else _SIZE


def _grid(pipeline: Pipeline) -> tuple[int, int | None]:
    """What both sides must be multiples of, and the longest side possible, in pixels."""
    config = _denoiser(pipeline).config
    scale: int = getattr(pipeline, "vae_scale_factor", 8)
    if getattr(pipeline, "unet", None):
        # Each level halves the latents; what doesn't divide is drawn lopsided.
        return scale * 2 ** (len(config.block_out_channels) - 1), None
    patch = getattr(config, "patch_size", None)
    # Flux packs 2×2 latents into a token and calls that a patch of 1.
    unit = scale * (max(2, patch) if isinstance(patch, int) else 2)
    positions = getattr(config, "pos_embed_max_size", None)
    return unit, positions * unit if positions else None


def _batch(size: int, device: str) -> int:
    """Pictures of `size`² pixels that are worth drawing together."""
    pixels, most = (
        (_CPU_PIXELS, _LARGEST_BATCH_CPU)
        if device == "cpu"
        else (_ACCELERATOR_PIXELS, _LARGEST_BATCH)
    )
    return min(most, max(1, pixels // (size * size)))


def _sketched(pipeline: Pipeline, latents: Any) -> list[Image.Image]:
    """What latents look like: shrunk first, which is cheap and takes some noise out of them.

    Nothing where the model has no autoencoder, or packs its latents.
    """
    import torch

    autoencoder = getattr(pipeline, "vae", None)
    if autoencoder is None or getattr(latents, "ndim", 0) != 4:
        return []
    shrunk = min(1.0, _SKETCH / max(latents.shape[-2:]))
    small = torch.nn.functional.interpolate(latents, scale_factor=shrunk, mode="area")
    shift = getattr(autoencoder.config, "shift_factor", None) or 0.0
    scaled = (small / autoencoder.config.scaling_factor + shift).to(autoencoder.dtype)
    decoded = autoencoder.decode(scaled, return_dict=False)[0]
    images: list[Image.Image] = pipeline.image_processor.postprocess(decoded, output_type="pil")
    return images


def _beginning(order: Order, size: tuple[int, int], *, square: bool) -> Image.Image:
    """The order's photo as it is drawn from."""
    photo = order.photo or b""
    return onto_square(photo, size[0], order.aspect) if square else photo_on(photo, size)


def _arguments(
    pipeline: Pipeline, orders: Sequence[Order], shared: _Pass, on_step: _OnLatents, *, square: bool
) -> dict[str, Any]:
    import torch

    def step_end(
        pipeline: Pipeline, step: int, _timestep: object, tensors: dict[str, Any]
    ) -> dict[str, Any]:
        if not on_step(step + 1, pipeline.num_timesteps, tensors.get("latents")):
            raise _StopError
        return {}

    arguments: dict[str, Any] = {
        "prompt": [order.text for order in orders],
        "num_inference_steps": shared.steps,
        "guidance_scale": shared.guidance,
        "width": shared.width,
        "height": shared.height,
        # On the CPU whatever the device, and one for each: a seed is a picture.
        "generator": [torch.Generator("cpu").manual_seed(order.seed) for order in orders],
        "callback_on_step_end": step_end,
    }
    if shared.negative:
        arguments["negative_prompt"] = [order.negative for order in orders]
    if shared.strength is not None:
        size = (shared.width, shared.height)
        arguments["image"] = [_beginning(order, size, square=square) for order in orders]
        arguments["strength"] = shared.strength
        arguments["num_inference_steps"] = _steps_in_all(shared.steps, shared.strength)
    # Pipelines differ in what they can be told; what they can't, they don't need.
    return _accepted(pipeline.__call__, arguments)


def _steps_in_all(steps: int, strength: float) -> int:
    """The number of which image-to-image, skipping a share of 1 - strength, takes `steps`."""
    in_all = math.ceil(steps / strength)
    return in_all + (int(in_all * strength) < steps)


def _accepted(function: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    known = inspect.signature(function).parameters
    return {name: value for name, value in arguments.items() if name in known}


def _report(on_step: OnStep, done: int, passes: int) -> OnStep:
    """Steps of one pass as steps of all."""

    def report(step: int, steps: int) -> bool:
        return on_step(done * steps + step, passes * steps)

    return report


def _chunks(places: Sequence[int], largest: int) -> list[Sequence[int]]:
    return [places[start : start + largest] for start in range(0, len(places), largest)]


def _is_out_of_memory(error: BaseException) -> bool:
    """CUDA has a class of its own for it; the CPU's and Apple's allocators only say so."""
    import torch

    said = str(error).lower()
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(
        words in said for words in ("out of memory", "not enough memory", "can't allocate memory")
    )


def _free_memory(device: str) -> None:
    import torch

    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()
