"""Thresholds, rulings and patterns that moderators changed, by scope; every change is audited.

Scopes from the general to the particular: `everyone`, `adults`, `tier:<tier>`,
`guild:<id>`. The particular wins.
"""

from __future__ import annotations

from dataclasses import dataclass

from data import audit
from data.audit import Act
from data.store import Connection
from data.words import Ruling, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A guild's own regular expression."""

    id: int
    guild: str
    pattern: str
    ruling: Ruling


def scopes(tier: Tier, guild: str | None, *, adults: bool) -> tuple[str, ...]:
    """The scopes somebody is in, the particular last."""
    return (
        "everyone",
        *(["adults"] if adults else []),
        f"tier:{tier}",
        *([f"guild:{guild}"] if guild else []),
    )


def thresholds(c: Connection, of: tuple[str, ...]) -> dict[str, float]:
    """Thresholds that differ from the file, for somebody in these scopes."""
    return {name: float(value) for name, value in _by_scope(c, "standards", "name, value", of)}


def rulings(c: Connection, of: tuple[str, ...]) -> dict[str, Ruling]:
    """Rulings of rules that differ from the file, for somebody in these scopes."""
    return {rule: Ruling(str(value)) for rule, value in _by_scope(c, "rulings", "rule, ruling", of)}


def patterns(c: Connection, guild: str) -> list[Pattern]:
    rows = c.execute(
        "SELECT id, guild, pattern, ruling FROM patterns WHERE guild = ? AND removed_at IS NULL"
        " ORDER BY id",
        (guild,),
    )
    return [Pattern(**{**dict(row), "ruling": Ruling(row["ruling"])}) for row in rows]


def set_threshold(
    c: Connection, scope: str, name: str, value: float | None, by: str, why: str, now: float
) -> None:
    """Draw a line elsewhere for a scope; None goes back to the file's."""
    was = _put(c, ("standards", "name", "value"), scope, name, value)
    audit.note(c, by, Act.CHANGE, f"standard {scope} {name}", why, now, before=was, after=value)


def set_ruling(
    c: Connection, scope: str, rule: str, ruling: Ruling | None, by: str, why: str, now: float
) -> None:
    """Have a rule rule otherwise for a scope; None goes back to the file's."""
    was = _put(c, ("rulings", "rule", "ruling"), scope, rule, ruling)
    audit.note(c, by, Act.CHANGE, f"ruling {scope} {rule}", why, now, before=was, after=ruling)


def add_pattern(
    c: Connection, guild: str, pattern: str, ruling: Ruling, by: str, why: str, now: float
) -> int:
    """A new pattern of a guild, checked by the caller; its number."""
    row = c.execute(
        "INSERT INTO patterns (guild, pattern, ruling) VALUES (?, ?, ?) RETURNING id",
        (guild, pattern, ruling),
    ).fetchone()
    audit.note(c, by, Act.CHANGE, f"pattern {row['id']}", why, now, guild=guild, pattern=pattern)
    return int(row["id"])


def remove_pattern(c: Connection, pattern_id: int, by: str, why: str, now: float) -> bool:
    changed = c.execute(
        "UPDATE patterns SET removed_at = ? WHERE id = ? AND removed_at IS NULL", (now, pattern_id)
    )
    if changed.rowcount:
        audit.note(c, by, Act.CHANGE, f"pattern {pattern_id}", why, now, removed=True)
    return bool(changed.rowcount)


def _by_scope(
    c: Connection, table: str, columns: str, of: tuple[str, ...]
) -> list[tuple[str, float | str]]:
    """Rows of these scopes, the general first, so that the particular overwrites it."""
    marks = ", ".join("?" * len(of))
    rows = c.execute(
        f"SELECT scope, {columns} FROM {table} WHERE scope IN ({marks})", of
    ).fetchall()
    return [(row[1], row[2]) for row in sorted(rows, key=lambda row: of.index(row[0]))]


def _put(
    c: Connection, place: tuple[str, str, str], scope: str, key: str, value: float | str | None
) -> float | str | None:
    """Put a value in its place (table, key, column), or take it out; what was there before."""
    table, name, column = place
    row = c.execute(
        f"DELETE FROM {table} WHERE scope = ? AND {name} = ? RETURNING {column}", (scope, key)
    ).fetchone()
    if value is not None:
        c.execute(
            f"INSERT INTO {table} (scope, {name}, {column}) VALUES (?, ?, ?)", (scope, key, value)
        )
    was: float | str | None = row[0] if row else None
    return was
