"""The journal: append-only, one line for each arrow of a wish's way."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from data.store import Connection
from data.words import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    at: float
    event: Event
    detail: dict[str, Any]


def note(c: Connection, mention_id: int, event: Event, now: float, **detail: object) -> None:
    """Append one line; always in the transaction of the change it tells of."""
    c.execute(
        "INSERT INTO journal (at, mention_id, event, detail) VALUES (?, ?, ?, ?)",
        (now, mention_id, event, json.dumps(detail)),
    )


def story(c: Connection, mention_id: int) -> list[Line]:
    """All lines of one mention, oldest first."""
    rows = c.execute(
        "SELECT at, event, detail FROM journal WHERE mention_id = ? ORDER BY id", (mention_id,)
    )
    return [
        Line(at=row["at"], event=Event(row["event"]), detail=json.loads(row["detail"]))
        for row in rows
    ]
