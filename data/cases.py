"""Reports and appeals: what people say was not right, from any platform, with a number each.

A report is about a picture that stands; an appeal, by its asker alone, is against
a refusal or a removal. One of a kind from a person about a wish: saying it again
finds the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from data import audit, bans, desk, journal, ledger, verdicts
from data.audit import Act
from data.store import Connection
from data.words import Account, Event

LONGEST = 1_000


class Kind(StrEnum):
    REPORT = "report"
    APPEAL = "appeal"


class Outcome(StrEnum):
    UPHELD = "upheld"  #: the report or the refusal was right
    DISMISSED = "dismissed"  #: the report was not
    OVERTURNED = "overturned"  #: the refusal was not


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`account` is who reports or appeals; `outcome` is None while it is open."""

    id: int
    kind: Kind
    mention_id: int
    job_id: int | None
    account: Account
    words: str
    opened_at: float
    claimed_by: str | None
    closed_at: float | None
    closed_by: str | None
    outcome: Outcome | None
    reason: str | None


def report(
    c: Connection,
    reporter: Account,
    mention_id: int,
    words: str,
    now: float,
    *,
    job_id: int | None = None,
) -> int:
    """Somebody says that a picture is not right; the number of the case."""
    return _open(c, Kind.REPORT, reporter, mention_id, job_id, words, now)


def appeal(
    c: Connection,
    asker: Account,
    mention_id: int,
    words: str,
    now: float,
    *,
    job_id: int | None = None,
) -> int | None:
    """Its asker says that a refusal was not right; None where nothing of theirs was refused."""
    whose = c.execute(
        "SELECT 1 FROM hits WHERE mention_id = ? AND platform = ? AND user_id = ?"
        " UNION ALL SELECT 1 FROM removals r JOIN jobs j ON j.id = r.job_id"
        " WHERE j.mention_id = ? AND j.platform = ? AND j.user_id = ? LIMIT 1",
        (mention_id, asker.platform, asker.user_id) * 2,
    ).fetchone()
    if whose is None:
        return None
    return _open(c, Kind.APPEAL, asker, mention_id, job_id, words, now)


def close(c: Connection, case_id: int, outcome: Outcome, by: str, reason: str, now: float) -> bool:
    """A moderator's word on a case; False where it is closed already, or there is none.

    An upheld report takes the picture down. An overturned refusal counts as a false
    alarm, takes back its strike and refunds what was paid.
    """
    row = c.execute(
        "UPDATE cases SET closed_at = ?, closed_by = ?, outcome = ?, reason = ?"
        " WHERE id = ? AND closed_at IS NULL RETURNING *",
        (now, by, outcome, reason, case_id),
    ).fetchone()
    if row is None:
        return False
    job_id = row["job_id"]
    if outcome is Outcome.UPHELD and row["kind"] == Kind.REPORT and job_id is not None:
        desk.remove(c, job_id, by, reason, now)
    if outcome is Outcome.OVERTURNED:
        verdicts.overturn(c, row["mention_id"], now)
        bans.take_back_strike(c, row["mention_id"], by, now)
        if job_id is not None:
            ledger.refund(c, job_id, now)
    audit.note(c, by, Act.CLOSE, f"case {case_id}", reason, now, outcome=outcome)
    return True


def claim(c: Connection, case_id: int, by: str, now: float) -> None:
    """Say that one looks at a case."""
    c.execute(
        "UPDATE cases SET claimed_by = ?, claimed_at = ? WHERE id = ? AND closed_at IS NULL",
        (by, now, case_id),
    )


def by_id(c: Connection, case_id: int) -> Case | None:
    row = c.execute("SELECT * FROM cases WHERE id = ?", (case_id,)).fetchone()
    return _case(row) if row else None


def waiting(c: Connection, limit: int, *, after: int = 0) -> list[Case]:
    """Open cases, oldest first; `after` is the number of the last seen."""
    rows = c.execute(
        "SELECT * FROM cases WHERE closed_at IS NULL AND id > ? ORDER BY id LIMIT ?", (after, limit)
    )
    return [_case(row) for row in rows]


def of_wish(c: Connection, mention_id: int) -> list[Case]:
    """All cases about one wish, whether or not it became a job, oldest first."""
    rows = c.execute(
        "SELECT * FROM cases WHERE kind IN ('report', 'appeal') AND mention_id = ? ORDER BY id",
        (mention_id,),
    )
    return [_case(row) for row in rows]


def of_job(c: Connection, job_id: int) -> list[Case]:
    """All cases about one job, oldest first."""
    rows = c.execute("SELECT * FROM cases WHERE job_id = ? ORDER BY id", (job_id,))
    return [_case(row) for row in rows]


def _open(
    c: Connection,
    kind: Kind,
    account: Account,
    mention_id: int,
    job_id: int | None,
    words: str,
    now: float,
) -> int:
    row = c.execute(
        "INSERT INTO cases (kind, platform, mention_id, job_id, user_id, handle, words, opened_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
        (
            kind,
            account.platform,
            mention_id,
            job_id,
            account.user_id,
            account.handle,
            words[:LONGEST],
            now,
        ),
    ).fetchone()
    if row is not None:
        journal.note(c, mention_id, Event.REPORT, now, kind=kind, case=row["id"])
        return int(row["id"])
    known = c.execute(
        "SELECT id FROM cases WHERE kind = ? AND mention_id = ? AND platform = ? AND user_id = ?",
        (kind, mention_id, account.platform, account.user_id),
    ).fetchone()
    return int(known["id"])


def _case(row: Any) -> Case:
    return Case(
        id=row["id"],
        kind=Kind(row["kind"]),
        mention_id=row["mention_id"],
        job_id=row["job_id"],
        account=Account(platform=row["platform"], user_id=row["user_id"], handle=row["handle"]),
        words=row["words"],
        opened_at=row["opened_at"],
        claimed_by=row["claimed_by"],
        closed_at=row["closed_at"],
        closed_by=row["closed_by"],
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        reason=row["reason"],
    )
