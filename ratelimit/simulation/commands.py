"""`python -m ratelimit simulate` and `plan`. What they need is imported when they are asked for."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from data.words import MuralistError
from ratelimit import durations

if TYPE_CHECKING:
    from rich.console import Console

    from ratelimit.simulation.charts import Run
    from ratelimit.simulation.scenario import Scenario

#: Where reports are put: beside the database, and not in the repository.
REPORTS: Final = Path(__file__).resolve().parents[2] / "data" / "var" / "simulations"


class _Span(click.ParamType[float]):
    """A span of time, such as 5m."""

    name = "span"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            return durations.seconds(value) if isinstance(value, str) else float(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.argument("name", default="viral")
@click.option("--scale", type=float, help="The share of people, wishes and GPUs to simulate.")
@click.option("--seed", type=int, help="Another throw of the dice.")
@click.option("--out", type=click.Path(path_type=Path), default=REPORTS, help="Folder of reports.")
@click.option("--list", "listing", is_flag=True, help="Say which scenarios there are.")
def simulate(name: str, scale: float | None, seed: int | None, out: Path, *, listing: bool) -> None:
    """Play a scenario through the real limiter, line and controller; draw what happened.

    NAME is a scenario of ratelimit/scenarios, or the path of a TOML file.
    """
    try:
        if listing:
            _list()
        else:
            _simulate(name, scale, seed, out)
    except MuralistError as failure:
        click.echo(f"muralist: {failure}", err=True)
        sys.exit(1)


@click.command()
@click.option("--pictures-per-second", type=float, required=True, help="What the engine draws.")
@click.option("--people", type=int, required=True, help="How many people may ask.")
@click.option("--target-wait", type=_Span(), default="5m", show_default=True)
@click.option("--active", default=0.3, show_default=True, help="Share of them that ask on a day.")
@click.option("--paying", default=0.05, show_default=True, help="Share of them that pay.")
@click.option("--eager", default=0.7, show_default=True, help="Share of their quota they use.")
@click.option("--peak", default=2.0, show_default=True, help="The busiest hour beside an average.")
@click.option("--check/--no-check", default=True, help="Simulate the busiest hours under the plan.")
def plan(target_wait: float, *, check: bool, **need: Any) -> None:
    """Suggest limits for an engine and its people, show the arithmetic, and try them."""
    from ratelimit import planner

    try:
        _plan(planner.plan(planner.Need(wait=target_wait, **need)), check=check)
    except MuralistError as failure:
        click.echo(f"muralist: {failure}", err=True)
        sys.exit(1)


def _list() -> None:
    from ratelimit.simulation import scenario

    for each in scenario.names():
        click.echo(f"{each:12} {scenario.load(each).story}")


def _simulate(name: str, scale: float | None, seed: int | None, out: Path) -> None:
    from rich.console import Console

    from ratelimit.simulation import report, scenario

    console = Console()
    played = scenario.load(name)
    played = played.scaled(played.scale if scale is None else scale)
    if seed is not None:
        played = played.model_copy(update={"seed": seed})
    run, seconds = _run(played, console)
    page, picture = report.write(run, out, Path(name).stem)
    console.print(f"\n[bold]{played.title}[/]", highlight=False)
    for sentence in report.headline(run):
        console.print(f"  {sentence}", highlight=False)
    _show(console, run)
    console.print(
        f"{len(run.ours.at):,} wishes simulated in {durations.words(seconds)}"
        f" ({len(run.ours.at) / seconds:,.0f} a second).",
        highlight=False,
    )
    click.echo(f"{page}\n{picture}")


def _plan(made: Any, *, check: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from ratelimit import planner
    from ratelimit.simulation import trial

    console = Console()
    for sentence in planner.explain(made):
        console.print(f"· {sentence}", highlight=False)
    table = Table(title="Suggested limits", title_justify="left", title_style="bold")
    for head in ("tier", "pictures a day", "in the line", "weight", "open to"):
        table.add_column(head, justify="left" if head == "tier" else "right")
    table.add_row("free", str(made.free), str(made.in_hand), "1", f"{made.share:.0%} of accounts")
    table.add_row("plus and above", str(made.paid), str(made.paid_in_hand), "4", "all")
    console.print(table)
    for line in planner.commands(made):
        console.print(f"  {line}", highlight=False)
    if check:
        run, _seconds = _run(trial.scenario(made), console)
        for sentence in trial.findings(run, made):
            console.print(f"· {sentence}", highlight=False)


def _run(played: Scenario, console: Console) -> tuple[Run, float]:
    """Play a scenario, with a bar of simulated time; and how long it took."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from ratelimit.simulation import play

    bar = Progress(
        TextColumn(f"{played.title}, {durations.words(played.lasts)}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    with bar, tempfile.TemporaryDirectory(prefix="muralist-simulation-") as folder:
        task = bar.add_task("", total=played.lasts)
        began = time.perf_counter()
        run = play.play(played, Path(folder) / "simulated.db", lambda by: bar.advance(task, by))
        return run, time.perf_counter() - began


def _show(console: Console, run: Run) -> None:
    from rich.table import Table

    from ratelimit.simulation import report

    table = Table(header_style="dim")
    for head in ("tier", "asked", "let in", "half within", "95 %", "99 %"):
        table.add_column(head, justify="left" if head == "tier" else "right")
    table.add_column("first come: half", justify="right", style="dim")
    table.add_column("first come: 95 %", justify="right", style="dim")
    for line in report.lines(run):
        table.add_row(
            line.tier,
            line.asked,
            line.admitted,
            line.p50,
            line.p95,
            line.p99,
            line.fifo_p50,
            line.fifo_p95,
        )
    console.print(table)
    for reason, count in report.put_off(run.ours):
        console.print(f"  {count:>10,} {reason}", highlight=False)
