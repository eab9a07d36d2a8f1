"""Marks: a place in the memory for one short text under a name, such as where a sweep stopped."""

from __future__ import annotations

from data.store import Connection


def read(c: Connection, name: str) -> str | None:
    row = c.execute("SELECT position FROM cursors WHERE platform = ?", (name,)).fetchone()
    return row["position"] if row else None


def write(c: Connection, name: str, text: str) -> None:
    c.execute("INSERT OR REPLACE INTO cursors (platform, position) VALUES (?, ?)", (name, text))
