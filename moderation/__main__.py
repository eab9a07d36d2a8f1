"""`python -m moderation`: the desk in a terminal, beside a running bot."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from moderation import terminal
from moderation.check import CheckSettings
from moderation.checks import words
from moderation.console import command as console
from moderation.measure import CORPUS, Measured, measure, read_corpus

DATABASE = Path(__file__).parent.parent / "data" / "var" / "muralist.db"


@click.group()
@click.option(
    "--database",
    type=click.Path(dir_okay=False, path_type=Path),
    default=DATABASE,
    show_default="data/var/muralist.db",
    help="The SQLite file of the running bot.",
)
@click.option("--by", help="Who you are, for the audit; your login here where it is left out.")
@click.pass_context
def main(context: click.Context, database: Path, by: str | None) -> None:
    """Look at what is held; approve or reject it; ban, and see who did what. Safe while the
    bot runs."""
    context.obj = terminal.Desk(database=database, by=by)


for command in (*terminal.COMMANDS, *console.COMMANDS):
    main.add_command(command)


@main.command("measure")
@click.option("--corpus", type=click.Path(exists=True, path_type=Path), default=CORPUS)
@click.option("--show", is_flag=True, help="Name what was missed, and the false alarms.")
def measure_checks(corpus: Path, *, show: bool) -> None:
    """Measure the word checks on a corpus of wishes whose answers are known."""
    for half in measure(words.open(CheckSettings()), read_corpus(corpus)):
        _tell(half)
        if show:
            for wish in half.missed:
                click.echo(f"  missed ({wish.disguise}): {wish.text}")
            for wish in half.alarms:
                click.echo(f"  false alarm: {wish.text}")


def _tell(half: Measured) -> None:
    click.echo(
        f"{half.half}: {half.caught:.1%} of {half.bad} bad wishes caught,"
        f" {half.false_alarms:.1%} of {half.harmless} harmless ones stopped;"
        f" {half.median * 1e3:.2f} ms a wish, {half.p99 * 1e3:.2f} ms at the 99th percentile"
    )


if __name__ == "__main__":
    sys.exit(main(prog_name="python -m moderation"))
