"""What an engine is: it loads a model and draws orders, several in one pass where they fit.

An engine is one file in `generator/engines/`, named in `MURALIST_ENGINE`. It
knows nothing of jobs, of the store or of the event loop. `load`, `draw` and `close`
are called in one and the same thread; the rest, once it is loaded, in any.
"""

from __future__ import annotations

import importlib
import io
import pkgutil
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from data.words import MuralistError

if TYPE_CHECKING:
    from PIL import Image

#: Called after each step as `on_step(step, steps)`; False asks the engine to stop.
OnStep = Callable[[int, int], bool]

#: Flat art hardly shrinks beyond this zlib level, and higher ones cost ten times the time.
_PNG_LEVEL = 3


class EngineError(MuralistError):
    """The engine could not load or draw; `transient` says whether trying again may help."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


class EngineLostError(EngineError):
    """The device is beyond use for this process; only a new one can draw again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How an engine is set up. A None leaves the choice to the model.

    `model` is a folder or a hub id, `device` is auto, cpu, cuda or mps; `threads`
    and `batch` (pictures in one pass) are 0 for a sensible number. `strength` is in
    (0, 1]; pictures whose short side is under `picture_size` pixels are enlarged to it.
    """

    model: str
    device: str = "auto"
    threads: int = 0
    batch: int = 0
    steps: int | None = None
    guidance: float | None = None
    strength: float | None = None
    picture_size: int = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One picture to draw. A None leaves the choice to the engine.

    `photo` holds the bytes of a PNG or JPEG to start from, and `strength` in
    (0, 1] how far to go from there. `aspect` is "W:H". `effort` and `scale` are shares of
    the steps and of the side that it would have otherwise; not below one step, and
    models that know one size only stay at it.
    """

    text: str
    seed: int
    negative: str = ""
    photo: bytes | None = None
    strength: float | None = None
    aspect: str | None = None
    steps: int | None = None
    guidance: float | None = None
    effort: float = 1.0
    scale: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A finished picture, RGB, not yet encoded: that is work for another thread.

    `taken_for` says in words what the photo was recognised as, where it was.
    """

    image: Image.Image
    seed: int
    media_type: str = "image/png"
    taken_for: str | None = None

    def encode(self) -> bytes:
        """The file's bytes, without metadata. Blocking, some 100 ms for a megapixel."""
        file = io.BytesIO()
        self.image.save(file, "PNG", compress_level=_PNG_LEVEL)
        return file.getvalue()


class Engine(Protocol):
    """Draws orders, for whoever holds it: the worker, or the draw command."""

    @property
    def name(self) -> str:
        """Engine and model, as recorded with every picture: `diffusers:muralist`."""
        ...

    @property
    def largest_batch(self) -> int:
        """Pictures in one pass; known after `load`, lowered when memory runs out."""
        ...

    def load(self) -> None:
        """Read the model into memory, once. Raises EngineError with the remedy."""
        ...

    def fits(self, order: Order) -> Hashable:
        """Orders with equal keys are drawn together. It asks only whether there is a photo."""
        ...

    def draw(self, orders: Sequence[Order], on_step: OnStep) -> list[Drawing] | None:
        """Draw orders of one key, in their order; None where `on_step` said to stop.

        The same order gives the same picture alone or with others, within 2 of
        255 levels. More orders than `largest_batch` are drawn in several passes.
        Raises EngineError.
        """
        ...

    def close(self) -> None:
        """Let go of the model and its memory."""
        ...


@runtime_checkable
class Sketching(Protocol):
    """What an engine may offer besides: a look at what is on its easel."""

    def sketch(self) -> Mapping[int, Image.Image]:
        """What the orders in hand look like so far, small, by their place among them.

        Only ever called by an `on_step`, so in the engine's own thread, and seldom.
        """
        ...


def engine_names() -> list[str]:
    """The engines there are: the files in `generator/engines/`, but for their own parts."""
    folder = importlib.import_module("generator.engines")
    names = (module.name for module in pkgutil.iter_modules(folder.__path__))
    return sorted(name for name in names if not name.startswith("_"))


def open_engine(name: str, settings: EngineSettings) -> Engine:
    """The engine in `generator/engines/<name>.py`, not loaded yet. Raises EngineError."""
    if name not in engine_names():
        known = ", ".join(engine_names())
        raise EngineError(f"There is no engine called {name!r}; the engines are: {known}.")
    engine: Engine = importlib.import_module(f"generator.engines.{name}").Engine(settings)
    return engine
