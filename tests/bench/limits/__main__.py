"""`make bench-limits`: is the limiter as quick as it is fair? Side by side in one run.

Prints tables for people; the last line is one JSON object.
"""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from data.store import sqlite_version
from tests.bench.limits import admissions, crowd, fairness, measure, queues, show
from tests.bench.limits.measure import Contender, Turn

PARTS = ("admissions", "claims", "processes", "fairness")


@click.command()
@click.option("--quick", is_flag=True, help="A small run of a minute, to see that it works.")
@click.option("--rounds", default=5, show_default=True, help="How often each takes its turn.")
@click.option("--part", "only", type=click.Choice(PARTS), help="Only this one.")
@click.option("--folder", type=click.Path(path_type=Path), help="A disk to measure on.")
def main(rounds: int, only: str | None, folder: Path | None, *, quick: bool) -> None:
    """Measure admissions, claims at three backlogs, and four processes on one file."""
    console = Console(width=max(150, Console().width))
    with tempfile.TemporaryDirectory(dir=folder, prefix="bench-limits-") as name:
        place = Path(name)
        console.print(_where(place))
        results: dict[str, object] = {"rounds": rounds, "quick": quick}
        run = {
            "admissions": _admissions,
            "claims": _queues,
            "processes": _crowd,
            "fairness": _fairness,
        }
        with _progress(console) as progress:
            for part in [only] if only else PARTS:
                results |= run[part](console, progress, place, rounds, quick=quick)
    click.echo(json.dumps(results))


def _admissions(
    console: Console, progress: Progress, place: Path, rounds: int, *, quick: bool
) -> dict[str, object]:
    asks, people, theirs = (2_560, 1_000, 300) if quick else (10_240, 10_000, 1_500)
    folder = place / "admissions"
    folder.mkdir()
    contenders = admissions.contenders(folder, asks, people, theirs)
    turns = _run(progress, "admissions", contenders, rounds)
    show.race(
        console,
        f"Durable admissions: {asks:,} asks of {people:,} accounts, {admissions.ASKERS} at a time",
        contenders,
        turns,
        admissions.PYRATE,
    )
    ours = admissions.OURS
    return {
        "admissions_per_second": round(measure.median_rate(turns[ours])),
        "admissions_vs_pyrate": _told(measure.ratio(turns, ours, admissions.PYRATE)),
        "admissions_vs_pyrate_tuned": _told(measure.ratio(turns, ours, admissions.PYRATE_TUNED)),
        "admissions_vs_pyrate_all_keys": _told(measure.ratio(turns, ours, admissions.PYRATE_MANY)),
        "admissions_vs_pyrate_no_lock": _told(measure.ratio(turns, ours, admissions.PYRATE_ALONE)),
        "admissions_vs_pyrate_grouped": _told(
            measure.ratio(turns, ours, admissions.PYRATE_GROUPED)
        ),
        "admissions_vs_bare_sql": _told(measure.ratio(turns, ours, admissions.BARE)),
        "admissions_vs_least_sql": _told(measure.ratio(turns, ours, admissions.LEAST)),
    }


def _queues(
    console: Console, progress: Progress, place: Path, rounds: int, *, quick: bool
) -> dict[str, object]:
    backlogs = (0, 1_000, 10_000) if quick else queues.BACKLOGS
    folder = place / "queues"
    folder.mkdir()
    task = progress.add_task(
        "filling backlogs", total=sum(backlogs) * len({k.open for k in queues.KINDS})
    )
    contenders = queues.contenders(folder, backlogs, lambda n: progress.advance(task, n))
    progress.remove_task(task)
    turns = _run(progress, "claims", contenders, rounds)
    show.backlog(console, queues.KINDS, backlogs, turns)
    full, empty = (queues.name(queues.OURS, count) for count in (backlogs[-1], backlogs[0]))
    by_8, by_8_empty = (queues.name(queues.OURS_BY_8, n) for n in (backlogs[-1], backlogs[0]))
    rivals = {
        f"claim_vs_{kind.replace('-', '_')}": _told(
            measure.ratio(turns, full, queues.name(kind, backlogs[-1]))
        )
        for kind in (queues.LITE, queues.PERSIST, queues.HUEY)
    }
    return {
        "backlog": backlogs[-1],
        "claim_1m_vs_empty": _told(measure.ratio(turns, full, empty, of=show.wall_each)),
        "claim_1m_vs_empty_cpu": _told(measure.ratio(turns, full, empty, of=show.cpu_of)),
        "claim_1m_vs_empty_by_8_cpu": _told(measure.ratio(turns, by_8, by_8_empty, of=show.cpu_of)),
        **rivals,
    }


def _crowd(
    console: Console, progress: Progress, place: Path, _rounds: int, *, quick: bool
) -> dict[str, object]:
    task = progress.add_task(f"{crowd.PROCESSES} processes", total=1)
    folder = place / "crowd"
    folder.mkdir()
    outcome = crowd.compete(folder, 200 if quick else 2_000)
    progress.remove_task(task)
    show.crowd(console, outcome, crowd.PROCESSES)
    return {
        "over_admitted": outcome.over_admitted,
        "under_admitted": outcome.under_admitted,
        "locked_errors": outcome.locked_errors,
        "slowest_p99_seconds": round(outcome.slowest_p99, 3),
        "paced_p99_seconds": round(outcome.paced_p99, 3),
        "processes_per_second": round(outcome.rate),
    }


def _fairness(
    console: Console, progress: Progress, place: Path, _rounds: int, *, quick: bool
) -> dict[str, object]:
    size = (
        fairness.Size(wishes=2_000, people=600, claims=400, users=50) if quick else fairness.Size()
    )
    folder = place / "fairness"
    folder.mkdir()
    task = progress.add_task("fairness", total=size.steps)
    outcome = fairness.measure(folder, size, lambda n: progress.advance(task, n))
    progress.remove_task(task)
    show.fairness(console, size, outcome)
    return {
        "heavy_claims": outcome.heavy,
        "weight_error": round(outcome.weight_error, 4),
        "jain": round(outcome.jain, 5),
        "alias_share_of_its_guilds": round(outcome.alias_share / outcome.guild_share, 3),
    }


def _run(
    progress: Progress, what: str, contenders: list[Contender], rounds: int
) -> dict[str, list[Turn]]:
    task = progress.add_task(what, total=rounds * len(contenders))

    def told(name: str) -> None:
        progress.update(task, advance=1, description=f"{what}: {name}")

    turns = measure.compete(contenders, rounds, told)
    progress.remove_task(task)
    return turns


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def _told(ratio: measure.Ratio) -> float:
    return round(ratio.median, 3)


def _where(place: Path) -> str:
    """The machine, as far as it explains the figures."""
    ours = ".".join(map(str, sqlite_version()))
    return (
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python"
        f" {platform.python_version()}, SQLite {ours} (ours) and {sqlite3.sqlite_version}"
        f" (the others), one flush of the disk {_flush(place) * 1e3:.2f} ms"
    )


def _flush(place: Path) -> float:
    """The median time of an fsync, in seconds: what FULL pays a transaction."""
    seconds = []
    with (place / "flush").open("wb") as file:
        for _ in range(50):
            file.write(b"0" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
