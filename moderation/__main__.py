"""`python -m moderation`: what waits for a person, and the person's word on it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from data import jobs
from data.store import Connection, connect

DATABASE = Path(__file__).parent.parent / "data" / "var" / "muralist.db"
SHOWN = 100


@click.group()
@click.option(
    "--database",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=DATABASE,
    show_default="data/var/muralist.db",
    help="The SQLite file of the running bot.",
)
@click.pass_context
def main(context: click.Context, database: Path) -> None:
    """Look at what is held; approve or reject it. Safe while the bot runs."""
    context.obj = database


@main.command()
@click.pass_obj
def held(database: Path) -> None:
    """List the jobs that wait for a moderator, oldest first."""
    with _act(database) as c:
        waiting = jobs.held(c, SHOWN)
    table = Table("job", "since", "who", "wish", "why", box=None)
    for job in waiting:
        since = datetime.fromtimestamp(job.created_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
        who = f"{job.account.handle} on {job.platform}"
        table.add_row(str(job.id), since, who, job.prompt.wish, job.reason)
    Console().print(table if waiting else "Nothing is held.")


@main.command()
@click.argument("job", type=int)
@click.option("--reason", default="looked at and found fine", help="For the journal.")
@click.pass_obj
def approve(database: Path, job: int, reason: str) -> None:
    """Let JOB go on: into the line, or out to its asker where it is drawn already."""
    _decide(database, job, approve=True, reason=reason)


@main.command()
@click.argument("job", type=int)
@click.argument("reason")
@click.pass_obj
def reject(database: Path, job: int, reason: str) -> None:
    """Refuse JOB; its asker reads REASON and gets the units back."""
    _decide(database, job, approve=False, reason=reason)


def _decide(database: Path, job: int, *, approve: bool, reason: str) -> None:
    with _act(database) as c:
        done = jobs.unhold(c, job, approve=approve, reason=reason, now=time.time())
    if not done:
        raise click.ClickException(f"Job {job} is not held (any more).")
    click.echo(f"Job {job} is {'approved' if approve else 'rejected'}.")


@contextlib.contextmanager
def _act(database: Path) -> Iterator[Connection]:
    """One transaction of its own beside the bot's."""
    with contextlib.closing(connect(database)) as c:
        c.execute("BEGIN IMMEDIATE")
        yield c
        c.execute("COMMIT")


if __name__ == "__main__":
    main(prog_name="python -m moderation")
