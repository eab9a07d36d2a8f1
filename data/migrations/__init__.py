"""The schema, as numbered steps that are applied once and recorded: one SQL file each.

Times are UNIX seconds, digests sha256 in hex, JSON columns are named in the
comments beside them. Steps that have been released are never edited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from sqlite_utils import Database, Migrations
from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]

_STEPS = Path(__file__).parent


def apply(db: Database, *, stop_before: str | None = None) -> None:
    """Apply the steps this database has not seen yet, each in a transaction of its own."""
    steps = Migrations("muralist")
    for step in sorted(_STEPS.glob("m*.sql")):
        steps(name=step.stem)(_running(step.stem))
    steps.apply(db, stop_before=stop_before)


def statements(step: str) -> Iterator[str]:
    """The statements of a step, one by one: `executescript` would commit between them."""
    statement = ""
    for line in (_STEPS / f"{step}.sql").read_text(encoding="utf-8").splitlines():
        statement += line.split("--")[0] + "\n"
        # A trigger's body has semicolons of its own.
        if sqlite3.complete_statement(statement):
            yield statement.strip()
            statement = ""
    if statement.strip():
        yield statement.strip()


def _running(step: str) -> Callable[[Database], None]:
    def run(db: Database) -> None:
        for statement in statements(step):
            db.execute(statement)

    return run
