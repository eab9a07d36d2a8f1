"""Who moderates: people, the keys that open the console, and sessions.

A session is a row that only the cookie's digest leads to, so nothing of it can be
forged or read outside; ending it, or removing its person, is in force with the next
request. Times are UNIX seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from data.store import Connection

#: A session nobody uses ends after so many seconds, and every one after the second many.
IDLE = 8 * 3600.0
LONGEST = 24 * 3600.0
#: So many failed attempts to sign in from one address, in so many seconds.
ATTEMPTS, WINDOW = 10, 300.0


class Role(StrEnum):
    """What somebody may do; each may do what those before it may."""

    VIEWER = "viewer"  #: look, and write notes
    MODERATOR = "moderator"  #: decide
    ADMIN = "admin"  #: tiers, limits, policy, other moderators

    def may(self, needed: Role) -> bool:
        return list(Role).index(self) >= list(Role).index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who moderates, or did."""

    id: int
    login: str
    name: str
    role: Role
    seen_at: float
    removed_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in person. `checked_at` is when the role was last asked for where it
    comes from; `secret` is what is needed to ask, sealed with the cookie."""

    digest: str
    person: Person
    checked_at: float
    secret: str | None


def has_key(c: Connection) -> bool:
    return c.execute("SELECT 1 FROM staff_keys LIMIT 1").fetchone() is not None


def keep_key(c: Connection, digest: str, now: float) -> None:
    """The one key there is from now on; an older one opens nothing any more."""
    c.execute("DELETE FROM staff_keys")
    c.execute("INSERT INTO staff_keys (digest, made_at) VALUES (?, ?)", (digest, now))


def is_key(c: Connection, digest: str) -> bool:
    found = c.execute("SELECT 1 FROM staff_keys WHERE digest = ?", (digest,)).fetchone()
    return found is not None


def may_try(c: Connection, remote: str, now: float) -> bool:
    """Count an attempt to sign in; False where there were too many."""
    c.execute("DELETE FROM staff_attempts WHERE at < ?", (now - WINDOW,))
    tried = c.execute(
        "SELECT count(*) AS n FROM staff_attempts WHERE remote = ? AND at >= ?",
        (remote, now - WINDOW),
    ).fetchone()["n"]
    if tried >= ATTEMPTS:
        return False
    c.execute("INSERT INTO staff_attempts (remote, at) VALUES (?, ?)", (remote, now))
    return True


def sign_in(
    c: Connection,
    login: str,
    name: str,
    role: Role,
    digest: str,
    now: float,
    *,
    secret: str | None = None,
) -> Person | None:
    """Begin a session under `digest`; None for somebody who was removed."""
    c.execute(
        "INSERT INTO staff (login, name, role, since, seen_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET name = excluded.name, role = excluded.role,"
        " seen_at = excluded.seen_at WHERE removed_at IS NULL",
        (login, name, role, now, now),
    )
    person = _person(c.execute("SELECT * FROM staff WHERE login = ?", (login,)).fetchone())
    if person.removed_at is not None:
        return None
    c.execute("DELETE FROM staff_sessions WHERE made_at < ?", (now - LONGEST,))
    c.execute(
        "INSERT INTO staff_sessions (digest, staff, made_at, seen_at, checked_at, secret)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (digest, person.id, now, now, now, secret),
    )
    return person


def session(c: Connection, digest: str, now: float) -> Session | None:
    """The session of a cookie, while it and its person are good."""
    row = c.execute(
        "SELECT s.*, t.checked_at, t.secret, t.digest FROM staff_sessions t"
        " JOIN staff s ON s.id = t.staff WHERE t.digest = ? AND s.removed_at IS NULL"
        " AND t.seen_at >= ? AND t.made_at >= ?",
        (digest, now - IDLE, now - LONGEST),
    ).fetchone()
    if row is None:
        return None
    return Session(
        digest=digest, person=_person(row), checked_at=row["checked_at"], secret=row["secret"]
    )


def seen(c: Connection, session: Session, now: float) -> None:
    c.execute("UPDATE staff_sessions SET seen_at = ? WHERE digest = ?", (now, session.digest))
    c.execute("UPDATE staff SET seen_at = ? WHERE id = ?", (now, session.person.id))


def checked(c: Connection, session: Session, role: Role, now: float) -> None:
    """Where the role comes from, it is still `role`."""
    c.execute(
        "UPDATE staff_sessions SET checked_at = ?, seen_at = ? WHERE digest = ?",
        (now, now, session.digest),
    )
    c.execute("UPDATE staff SET role = ? WHERE id = ?", (role, session.person.id))


def sign_out(c: Connection, digest: str) -> None:
    c.execute("DELETE FROM staff_sessions WHERE digest = ?", (digest,))


def sign_out_everywhere(c: Connection, staff_id: int) -> None:
    c.execute("DELETE FROM staff_sessions WHERE staff = ?", (staff_id,))


def remove(c: Connection, staff_id: int, now: float) -> Person | None:
    """No longer a moderator here, whatever role they have elsewhere."""
    c.execute("UPDATE staff SET removed_at = ? WHERE id = ?", (now, staff_id))
    sign_out_everywhere(c, staff_id)
    return by_id(c, staff_id)


def readmit(c: Connection, staff_id: int) -> Person | None:
    c.execute("UPDATE staff SET removed_at = NULL WHERE id = ?", (staff_id,))
    return by_id(c, staff_id)


def is_removed(c: Connection, login: str) -> bool:
    """Whether somebody was a moderator here and is not to be one any more."""
    row = c.execute(
        "SELECT 1 FROM staff WHERE login = ? AND removed_at IS NOT NULL", (login,)
    ).fetchone()
    return row is not None


def name_of(c: Connection, login: str) -> str | None:
    """What somebody is called who signed in to the console."""
    row = c.execute("SELECT name FROM staff WHERE login = ?", (login,)).fetchone()
    return row["name"] if row else None


def by_id(c: Connection, staff_id: int) -> Person | None:
    row = c.execute("SELECT * FROM staff WHERE id = ?", (staff_id,)).fetchone()
    return _person(row) if row else None


def everybody(c: Connection) -> Sequence[Person]:
    return [_person(row) for row in c.execute("SELECT * FROM staff ORDER BY seen_at DESC")]


def _person(row: Any) -> Person:
    return Person(
        id=row["id"],
        login=row["login"],
        name=row["name"],
        role=Role(row["role"]),
        seen_at=row["seen_at"],
        removed_at=row["removed_at"],
    )
