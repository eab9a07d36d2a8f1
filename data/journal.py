"""The journal: append-only, one line for each arrow of a wish's way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from data import jsontext
from data.store import Connection
from data.words import Event, Prompt, Ruling


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    at: float
    event: Event
    detail: dict[str, Any]


def note(c: Connection, mention_id: int, event: Event, now: float, **detail: object) -> None:
    """Append one line; always in the transaction of the change it tells of."""
    note_all(c, event, [(mention_id, detail)], now)


def note_all(
    c: Connection, event: Event, each: Iterable[tuple[int, Mapping[str, object]]], now: float
) -> None:
    """Append a line of the same event for each of several mentions."""
    # Plain values: SQLite's bindings take ten times as long for an enum.
    name = event.value
    c.executemany(
        "INSERT INTO journal (at, mention_id, event, detail) VALUES (?, ?, ?, ?)",
        [(now, mention_id, name, jsontext.write(detail)) for mention_id, detail in each],
    )


def softened(c: Connection, mention_id: int) -> bool:
    """Whether moderation let something pass on the condition that it is delivered discreetly."""
    row = c.execute(
        "SELECT 1 FROM journal WHERE mention_id = ? AND event = ?"
        " AND json_extract(detail, '$.ruling') = ?",
        (mention_id, Event.VERDICT, Ruling.SOFTEN),
    ).fetchone()
    return row is not None


def prompt_of(c: Connection, mention_id: int) -> Prompt | None:
    """What a mention's words were read as."""
    row = c.execute(
        "SELECT detail FROM journal WHERE mention_id = ? AND event = ? AND detail <> '{}'"
        " ORDER BY id DESC LIMIT 1",
        (mention_id, Event.PROMPT),
    ).fetchone()
    return Prompt.from_json(jsontext.read(row["detail"])) if row else None


def story(c: Connection, mention_id: int) -> list[Line]:
    """All lines of one mention, oldest first."""
    rows = c.execute(
        "SELECT at, event, detail FROM journal WHERE mention_id = ? ORDER BY id", (mention_id,)
    )
    return [
        Line(at=row["at"], event=Event(row["event"]), detail=jsontext.read(row["detail"]))
        for row in rows
    ]
