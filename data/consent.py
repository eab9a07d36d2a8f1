"""Whose likeness may be used: people who opted out, who posted a photo, and what they said.

A wish that starts from somebody else's photo waits, undecided, for whoever posted it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from data import audit, desk, jobs, journal, mentions
from data.audit import Act
from data.mentions import Received
from data.store import Connection
from data.words import Account, Event, Job

#: More words of a wish than these are not looked up.
MOST = 200
#: So many requests to one person may be open; a no is a no for a day.
OPEN, DAY = 3, 86_400.0


def opt_out(c: Connection, account: Account, by: str, now: float) -> None:
    """Nobody's wish may name this account or use its photos from now on."""
    c.execute(
        "INSERT OR REPLACE INTO opted_out (platform, user_id, handle, at) VALUES (?, ?, ?, ?)",
        (account.platform, account.user_id, account.handle, now),
    )
    audit.note(c, by, Act.OPT_OUT, audit.of_account(account.platform, account.user_id), "", now)


def opt_in(c: Connection, account: Account, by: str, now: float) -> bool:
    """They do not mind any more; False where they never did."""
    changed = c.execute(
        "DELETE FROM opted_out WHERE platform = ? AND user_id = ?",
        (account.platform, account.user_id),
    )
    if changed.rowcount:
        subject = audit.of_account(account.platform, account.user_id)
        audit.note(c, by, Act.OPT_IN, subject, "", now)
    return bool(changed.rowcount)


def has_opted_out(c: Connection, platform: str, user_id: str) -> bool:
    row = c.execute(
        "SELECT 1 FROM opted_out WHERE platform = ? AND user_id = ?", (platform, user_id)
    ).fetchone()
    return row is not None


def opted_out_among(
    c: Connection,
    platform: str,
    words: Collection[str],
    but: str,
    *,
    ids: Collection[str] = (),
) -> tuple[str, ...]:
    """Which of these words are handles of people who opted out, other than the account `but`;
    `ids` are those of people who are tagged."""
    some, tagged = list(words)[:MOST], list(ids)[:MOST]
    rows = c.execute(
        "SELECT handle FROM opted_out WHERE platform = ? AND user_id <> ?"
        f" AND (handle IN ({', '.join('?' * len(some))})"
        f" OR user_id IN ({', '.join('?' * len(tagged))}))",
        (platform, but, *some, *tagged),
    )
    return tuple(row["handle"] for row in rows)


def is_pictured(c: Connection, job: Job, account: Account) -> bool:
    """Whether the photo a job was drawn from was posted by this account.

    A refinement starts from the same photo, so every wish with it is asked.
    """
    if job.photo is None:
        return False
    row = c.execute(
        "SELECT 1 FROM jobs j JOIN mentions m ON m.id = j.mention_id"
        " WHERE j.photo = ? AND j.platform = ? AND ? IN ("
        "  json_extract(m.payload, '$.photo.owner'),"
        "  json_extract(m.payload, '$.parent_photo.owner'))"
        " LIMIT 1",
        (job.photo, account.platform, account.user_id),
    ).fetchone()
    return row is not None


class Answer(StrEnum):
    """What came of asking whoever posted a photo."""

    AGREED = "agreed"
    REFUSED = "refused"
    EXPIRED = "expired"  #: they did not say, or could not be asked
    TAKEN_BACK = "taken back"  #: they agreed, and do not any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Somebody (`asker`) wants a picture made from what somebody else (`owner`) posted.

    Both are user ids. `words`: the wish may be told to the owner. `answer` is None
    while it is waited for, until `until`.
    """

    id: int
    mention_id: int
    asker: str
    owner: str
    words: bool
    until: float
    answer: Answer | None


def may_be_asked(c: Connection, platform: str, owner: str, asker: str, now: float) -> bool:
    """Whether whoever posted a photo minds nothing, was not asked too often, and not by this
    account that they said no to."""
    if has_opted_out(c, platform, owner):
        return False
    row = c.execute(
        "SELECT count(*) FILTER (WHERE answer IS NULL) AS open,"
        " count(*) FILTER (WHERE asker = ? AND coalesce(answer, '') <> 'agreed') AS pressed"
        " FROM photo_requests WHERE platform = ? AND owner = ? AND asked_at > ?",
        (asker, platform, owner, now - DAY),
    ).fetchone()
    return bool(row["open"] < OPEN and not row["pressed"])


def ask(
    c: Connection,
    mention_id: int,
    asker: Account,
    owner: str,
    until: float,
    now: float,
    *,
    words: bool,
) -> int:
    """Have whoever posted the photo asked; the request's number. The wish waits undecided."""
    row = c.execute(
        "INSERT INTO photo_requests (mention_id, platform, asker, owner, words, asked_at, until)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
        (mention_id, asker.platform, asker.user_id, owner, words, now, until),
    ).fetchone()
    if row is None:
        known = request_of(c, mention_id)
        assert known is not None  # it is unique by its mention
        return known.id
    journal.note(c, mention_id, Event.CONSENT, now, answer="asked")
    return int(row["id"])


def request(c: Connection, number: int) -> Request | None:
    return _request(c.execute("SELECT * FROM photo_requests WHERE id = ?", (number,)).fetchone())


def request_of(c: Connection, mention_id: int) -> Request | None:
    """The request of a wish."""
    row = c.execute("SELECT * FROM photo_requests WHERE mention_id = ?", (mention_id,)).fetchone()
    return _request(row)


def answer(c: Connection, number: int, said: Answer, now: float) -> bool:
    """Their word on it, once; False where it comes too late."""
    row = c.execute(
        "UPDATE photo_requests SET answer = ?, answered_at = ?"
        " WHERE id = ? AND answer IS NULL RETURNING mention_id",
        (said, now, number),
    ).fetchone()
    if row is not None:
        journal.note(c, row["mention_id"], Event.CONSENT, now, answer=said)
    return row is not None


def post_gone(c: Connection, platform: str, post_id: str, now: float) -> None:
    """A post was deleted: who deletes the photo does not agree; who deletes the wish wants
    nothing any more, and is told nothing."""
    rows = c.execute(
        "SELECT r.id, r.mention_id, m.source_id FROM photo_requests r"
        " JOIN mentions m ON m.id = r.mention_id"
        " WHERE r.platform = ? AND r.answer IS NULL AND ? IN (m.source_id, m.in_reply_to)",
        (platform, post_id),
    ).fetchall()
    for row in rows:
        answer(c, row["id"], Answer.REFUSED, now)
        if row["source_id"] == post_id:
            mentions.decide(c, row["mention_id"], now)


def any_goes_on(c: Connection, platform: str, now: float) -> bool:
    """Whether a wish has waited long enough, or has its answer."""
    row = c.execute(
        "SELECT EXISTS (SELECT 1 FROM photo_requests WHERE platform = ? AND answer IS NULL"
        "  AND until <= ?) OR EXISTS (SELECT 1 FROM photo_requests WHERE platform = ?"
        "  AND answer IS NOT NULL AND taken_at IS NULL) AS any",
        (platform, now, platform),
    ).fetchone()
    return bool(row["any"])


def going_on(c: Connection, platform: str, now: float) -> list[Received]:
    """Wishes whose answer is there, or came too late, each once.

    They are undecided still, so that a process that dies here leaves them to the next.
    """
    late = c.execute(
        "SELECT id FROM photo_requests WHERE platform = ? AND answer IS NULL AND until <= ?",
        (platform, now),
    ).fetchall()
    for row in late:
        answer(c, row["id"], Answer.EXPIRED, now)
    rows = c.execute(
        "UPDATE photo_requests SET taken_at = ? WHERE platform = ? AND answer IS NOT NULL"
        " AND taken_at IS NULL RETURNING mention_id",
        (now, platform),
    ).fetchall()
    numbers = {row["mention_id"] for row in rows}
    return [one for one in mentions.undecided(c, platform) if one.id in numbers]


def agreed(c: Connection, platform: str, request: Request) -> bool:
    """Whether they said yes and it still holds."""
    yes = request.answer is Answer.AGREED
    return yes and not has_opted_out(c, platform, request.owner)


def revoke(c: Connection, request: Request, owner: Account, now: float) -> bool:
    """They agreed, and do not any more; False where they never did."""
    row = c.execute(
        "UPDATE photo_requests SET answer = ?, answered_at = ?"
        " WHERE id = ? AND answer = ? RETURNING mention_id",
        (Answer.TAKEN_BACK, now, request.id, Answer.AGREED),
    ).fetchone()
    if row is None:
        return False
    journal.note(c, row["mention_id"], Event.CONSENT, now, answer=Answer.TAKEN_BACK)
    if (job := jobs.by_mention(c, row["mention_id"])) is not None:
        take_back(c, job, owner, now)
    return True


def stands(c: Connection, job: Job) -> bool:
    """Whether nobody has anything against another picture from the photo of a job."""
    row = c.execute(
        "SELECT 1 FROM jobs j JOIN photo_requests r ON r.mention_id = j.mention_id"
        " WHERE j.photo = ? AND j.platform = ? AND j.user_id = ? AND (r.answer <> 'agreed'"
        "  OR EXISTS (SELECT 1 FROM opted_out o"
        "   WHERE o.platform = r.platform AND o.user_id = r.owner)) LIMIT 1",
        (job.photo, job.platform, job.account.user_id),
    ).fetchone()
    return row is None


def take_back(c: Connection, job: Job, owner: Account, now: float) -> int:
    """Whoever posted the photo wants nothing made from it any more: what waits is cancelled,
    what is posted is taken down, for everybody who had asked them; how many pictures."""
    asked = c.execute(
        "UPDATE photo_requests SET answer = ?, answered_at = ?, taken_at = coalesce(taken_at, ?)"
        " WHERE platform = ? AND owner = ? AND mention_id IN"
        "  (SELECT mention_id FROM jobs WHERE photo = ?) RETURNING mention_id, asker",
        (Answer.TAKEN_BACK, now, now, owner.platform, owner.user_id, job.photo),
    ).fetchall()
    for row in asked:
        journal.note(c, row["mention_id"], Event.CONSENT, now, answer=Answer.TAKEN_BACK)
    drawn = c.execute(
        "SELECT id, user_id FROM jobs WHERE photo = ? AND platform = ?", (job.photo, job.platform)
    ).fetchall()
    askers = {row["asker"] for row in asked}
    by, why = f"{owner.platform}:{owner.user_id}", "taken back by whoever posted the photo"
    ended = 0
    for row in drawn:
        made = jobs.by_id(c, row["id"]) if row["user_id"] in askers else None
        if made is not None:
            ended += jobs.cancel(c, made, now, reason=why) or desk.remove(c, made.id, by, why, now)
    return ended


def _request(row: Any) -> Request | None:
    if row is None:
        return None
    return Request(
        id=row["id"],
        mention_id=row["mention_id"],
        asker=row["asker"],
        owner=row["owner"],
        words=bool(row["words"]),
        until=row["until"],
        answer=Answer(row["answer"]) if row["answer"] else None,
    )
