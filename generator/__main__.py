"""`python -m generator draw "a red apple" -o apple.png`: the engine without the bot."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

import click
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from data.words import Prompt
from generator import knowledge, styles
from generator.engine import Drawing, Engine, EngineError, EngineSettings, Order, open_engine

#: The model that comes with the repository.
EMBEDDED_MODEL = Path(__file__).parent / "model"

_ASPECT = re.compile(r"[1-9][0-9]?:[1-9][0-9]?")


@click.group()
def main() -> None:
    """Muralist's painting room, without the bot."""


def _aspect(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _ASPECT.fullmatch(value):
        raise click.BadParameter("give it as two small whole numbers, such as 16:9.")
    return value


def _photo(_context: click.Context, _option: click.Parameter, path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        with Image.open(path) as photo:
            photo.load()
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise click.BadParameter(f"{path} is not a picture that can be read.") from error
    return path.read_bytes()


def _output(_context: click.Context, _option: click.Parameter, path: Path) -> Path:
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise click.BadParameter("the file's name must end in .png, .jpg or .webp.")
    if not path.parent.is_dir():
        raise click.BadParameter(f"there is no folder {path.parent}.")
    return path


@main.command()
@click.argument("wish", default="")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default="picture.png",
    show_default=True,
    callback=_output,
    help="The file to write; several get numbers.",
)
@click.option("--style", help="Such as ink, flat or 3d.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Repeats a picture.")
@click.option("--n", "count", type=click.IntRange(1, 64), default=1, help="How many pictures.")
@click.option("--ar", "aspect", callback=_aspect, help="Width to height, such as 16:9.")
@click.option("--no", "negative", help="What must not be in the picture.")
@click.option(
    "--photo",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    callback=_photo,
    help="A photo to restyle.",
)
@click.option(
    "--strength",
    type=click.FloatRange(0, 1, min_open=True),
    help="How far to go from the photo.",
)
@click.option("--steps", type=click.IntRange(1, 1000), help="More take longer.")
@click.option("--guidance", type=click.FloatRange(0, 100), help="How literally to take the wish.")
@click.option(
    "--model",
    default=str(EMBEDDED_MODEL),
    help="A folder in diffusers format or a hub id; without it the embedded model draws.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@click.option("--threads", type=click.IntRange(0), default=0, help="0 is half the cores.")
def draw(
    wish: str,
    output: Path,
    style: str | None,
    seed: int | None,
    count: int,
    aspect: str | None,
    negative: str | None,
    photo: bytes | None,
    strength: float | None,
    steps: int | None,
    guidance: float | None,
    model: str,
    device: str,
    threads: int,
) -> None:
    """Draw WISH, restyle a photo, or both, and write the pictures to files."""
    if not wish.strip() and photo is None:
        raise click.UsageError('Say what to draw, such as "a red apple", or give a --photo.')
    prompt = Prompt(wish=wish, style=style, negative=negative)
    first = secrets.randbits(32) if seed is None else seed
    orders = [
        Order(
            text=styles.text_for(prompt, restyle=photo is not None),
            negative=styles.negative_for(prompt),
            seed=first + n,
            photo=photo,
            strength=strength,
            aspect=aspect,
            steps=steps,
            guidance=guidance,
        )
        for n in range(count)
    ]
    settings = EngineSettings(model=model, device=device, threads=threads)
    started = time.perf_counter()
    try:
        drawings = _draw_with_bar(open_engine("diffusers", settings), orders)
    except EngineError as error:
        raise click.ClickException(str(error)) from error
    for path, drawing in zip(_numbered(output, count), drawings, strict=True):
        drawing.image.save(path)
        click.echo(f"{path}  {drawing.image.width}×{drawing.image.height}, seed {drawing.seed}")
    if drawings and drawings[0].taken_for:
        click.echo(f"The photo was taken for: {drawings[0].taken_for}.")
    click.echo(f"{time.perf_counter() - started:.1f} seconds")
    known = knowledge.of_model(model)
    if photo is None and not known.covers(wish):
        click.echo(
            f"This model knows {len(known.things)} things, listed in vocabulary.txt beside it,"
            " and guessed. For anything else name a larger one with --model.",
            err=True,
        )
    if not known.has_style(style):
        click.echo(
            f"This model draws in the styles {', '.join(known.styles)}, and guessed at {style}."
            " For others name a larger model with --model.",
            err=True,
        )


def _draw_with_bar(engine: Engine, orders: Sequence[Order]) -> Sequence[Drawing]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    # On stderr and transient: what is printed are the files.
    with Progress(
        *columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task("loading", total=None)
        engine.load()

        def on_step(step: int, steps: int) -> bool:
            bar.update(task, completed=step, total=steps, description="drawing")
            return True

        drawings = engine.draw(orders, on_step)
        engine.close()
    return drawings or ()


def _numbered(path: Path, count: int) -> list[Path]:
    if count == 1:
        return [path]
    return [path.with_stem(f"{path.stem}-{n}") for n in range(1, count + 1)]


if __name__ == "__main__":
    main(prog_name="python -m generator")
