"""Muralist as its contenders meet it: real admissions on a real file, all policies in force."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from bots import settings
from data import mentions, migrations
from data.mentions import Received
from data.store import Connection, connect
from data.words import Account, Admit, Mention, Prompt
from ratelimit import policy
from ratelimit.admission import Wish, admit_all
from ratelimit.policy import Policy

PLATFORM = "sandbox"
#: The moment of all asks: 2025-03-25 18:00 UTC, when it began.
NOW = 1_742_925_600.0

WISH = Prompt(wish="a red fox on a blue background", style="ink")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A file with mentions that wait to be decided, to be copied for each turn."""

    path: Path
    received: Sequence[Received]

    def copy(self, to: Path) -> Path:
        remove(to)
        return Path(shutil.copy(self.path, to))


def remove(path: Path) -> None:
    """A database, with what lies beside it."""
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def policies() -> tuple[Policy, ...]:
    """Those in force where nobody has set others."""
    return policy.load(settings.load(None).policies)


def mention(number: int, who: int) -> Mention:
    name = f"person{who}"
    return Mention(
        platform=PLATFORM,
        source_id=str(number),
        account=Account(platform=PLATFORM, user_id=name, handle=name),
        text=f"@muralist {WISH.wish} --style ink",
        created_at=NOW,
    )


def decide(
    c: Connection, received: Sequence[Received], rules: Sequence[Policy], now: float = NOW
) -> list[bool]:
    """The whole act of admission for those who ask at the same time; who was let in."""
    wishes = [Wish(one, WISH, one.id) for one in received]
    return [isinstance(said, Admit) for said in admit_all(c, wishes, rules, now)]


def receive(c: Connection, batch: Sequence[Mention]) -> list[Received]:
    return mentions.receive(c, PLATFORM, batch, None, NOW)


def template(path: Path, asks: int, people: int) -> Template:
    """`asks` mentions of `people` accounts, received and undecided."""
    with opened(path) as c, transaction(c):
        received = receive(c, [mention(n, n % people) for n in range(asks)])
    return Template(path=path, received=received)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Connection]:
    """A connection as the store opens it; at the end everything is in the one file."""
    with contextlib.closing(connect(path)) as c:
        c.execute("PRAGMA journal_mode = WAL")
        migrations.apply(Database(c))
        yield c
        c.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextlib.contextmanager
def transaction(c: Connection) -> Iterator[None]:
    c.execute("BEGIN IMMEDIATE")
    yield
    c.execute("COMMIT")


@dataclass(frozen=True, slots=True)
class Statement:
    """One call to the database: a row of values, or many for the same statement."""

    sql: str
    rows: Sequence[Any]
    many: bool

    def run(self, c: Connection) -> None:
        if self.many:
            c.executemany(self.sql, self.rows)
        else:
            c.execute(self.sql, self.rows).fetchall()


class Recorder:
    """Passes statements on to a connection and keeps them, to be run again without our code."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.statements: list[Statement] = []

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Any:
        self.statements.append(Statement(sql, values, many=False))
        return self._connection.execute(sql, values)

    def executemany(self, sql: str, rows: Iterable[Any]) -> Any:
        kept = list(rows)
        self.statements.append(Statement(sql, kept, many=True))
        return self._connection.executemany(sql, kept)


def recorded(path: Path, received: Sequence[Received], group: int) -> list[list[Statement]]:
    """The statements of each transaction of `group` admissions, run once on the file at `path`."""
    rules, each = policies(), []
    with opened(path) as c:
        for start in range(0, len(received), group):
            recorder = Recorder(c)
            with transaction(c):
                decide(recorder, received[start : start + group], rules)
            each.append(recorder.statements)
    return each
