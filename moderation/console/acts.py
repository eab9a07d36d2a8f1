"""What may be done with a wish, each in one transaction with its line in the audit.

Every act is a function of (connection, wish, who, reason, now) that says what came of
it, by a word of `pages`; "late" means that somebody else was quicker.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from data import again as second_thoughts
from data import audit, casebook, desk
from data.audit import Act
from data.casebook import Row
from data.desk import Decided
from data.staff import Person
from data.store import Connection
from moderation.reasons import CANNED

#: What a moderator may say without writing; the asker reads it.
REASONS = CANNED
#: How long a ban may be: the word in the form, and what people read.
LENGTHS = (
    ("3600", "1 hour"),
    ("86400", "1 day"),
    ("604800", "1 week"),
    ("2419200", "4 weeks"),
    ("", "for good"),
)
#: Reasons for the books only.
FINE = "looked at and found fine"
LONGEST_REASON = 150

Do = Callable[[Connection, Row, Person, str, float], str]


_BY_CATEGORY: Mapping[str, str] = {
    "nsfw": REASONS[0],
    "sexual": REASONS[0],
    "violence": REASONS[1],
    "hate": REASONS[2],
    "likeness": REASONS[3],
    "consent": REASONS[4],
}


def suggested(rule: str | None) -> str:
    """The reason that goes with the rule that objected."""
    return _BY_CATEGORY.get((rule or "").partition(".")[0], REASONS[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of act: what its button says, which wishes it suits, and how it is done."""

    label: str
    suits: Callable[[Row], bool]
    do: Do


_SAID: Mapping[Decided, str] = {
    Decided.APPROVED: "approved",
    Decided.REJECTED: "rejected",
    Decided.SECOND_NEEDED: "second",
    Decided.SAID_BEFORE: "second",
    Decided.NOT_HELD: "late",
}


def approve(c: Connection, row: Row, who: Person, reason: str, now: float) -> str:
    return _SAID[desk.approve(c, row.job or 0, who.login, reason or FINE, now)]


def reject(c: Connection, row: Row, who: Person, reason: str, now: float) -> str:
    return _SAID[desk.reject(c, row.job or 0, who.login, reason or REASONS[-1], now)]


def take_down(c: Connection, row: Row, who: Person, reason: str, now: float) -> str:
    gone = desk.remove(c, row.job or 0, who.login, reason or REASONS[-1], now)
    return "taken-down" if gone else "late"


def again(c: Connection, row: Row, who: Person, reason: str, now: float) -> str:
    """What is held is drawn anew in its place; what is over becomes a wish of its own."""
    job, why = row.job or 0, reason or "drawn again"
    if row.state == "held":
        return "again" if desk.rerun(c, job, who.login, why, now) else "late"
    number = second_thoughts.draw_again(c, job, secrets.randbits(32), now)
    if number is None:
        return "late"
    audit.note(c, who.login, Act.AGAIN, audit.of_job(job), why, now, job=number)
    return "again"


KINDS: Mapping[str, Kind] = {
    "approve": Kind(label="Approve", suits=lambda row: row.state == "held", do=approve),
    "reject": Kind(label="Reject", suits=lambda row: row.state == "held", do=reject),
    "take-down": Kind(label="Take down", suits=lambda row: row.state == "done", do=take_down),
    "again": Kind(
        label="Draw again",
        suits=lambda row: (
            row.job is not None
            and (
                row.state in ("failed", "done", "removed")
                or (row.state == "held" and bool(row.pictures))
            )
        ),
        do=again,
    ),
}


def on_each(
    c: Connection, kind: str, wishes: tuple[int, ...], who: Person, reason: str, now: float
) -> int:
    """One act on many; how many of them it was in force for."""
    chosen = KINDS[kind]
    suited = [row for row in casebook.rows(c, wishes, now) if chosen.suits(row)]
    return sum(chosen.do(c, row, who, reason, now) != "late" for row in suited)
