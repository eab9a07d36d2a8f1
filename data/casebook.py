"""The casebook: every wish once, as moderators list, filter, count and search it.

A row for each wish that became a job (`data/enrolment.py`) or was refused by a check, kept
by triggers on the tables it tells of, so that it stays true whoever changes them. Its
number is the mention's.
A list reads one index, rarest condition first, and at most `SCAN` rows of it, in a
bounded time: where that is not enough for a page it says how far it looked. Counts
come from counters.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from data import cases, ledger
from data.cases import Case
from data.store import Connection
from data.words import Account, Prompt, Ruling, Tier

#: Index entries one reading may look at, in pieces; where the disk is slow, for so many seconds.
SCAN, PIECE, LOOKING = 10_000, 250, 0.025
#: Small sets are counted up to here.
MANY = 1000
#: A claim is told for so many seconds after its holder last looked.
CLAIM = 120.0
#: Minutes in the charts of the line.
CHART = 120

#: The lists there are, and the condition each stands for.
VIEWS: Mapping[str, str] = {
    "review": "(state = 'held' OR reported > 0)",
    "held": "state = 'held'",
    "reported": "reported > 0",
    "failed": "state = 'failed'",
    "refused": "state = 'refused'",
    "removed": "state = 'removed'",
    "all": "",
}
#: Where a wish stands, in fewer words than a job's states.
STATES = (
    "waiting",
    "painting",
    "held",
    "done",
    "failed",
    "refused",
    "removed",
    "cancelled",
    "expired",
)
#: What can be filtered by equality, and by which index.
FACETS = ("state", "platform", "tier", "guild", "model", "rule")

_WORD = re.compile(r'"([^"]*)"|(\S+)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a list shows. `account` is (platform, user id); times in UNIX seconds."""

    view: str = "all"
    words: str = ""
    facets: Mapping[str, str] = field(default_factory=dict)
    account: tuple[str, str] | None = None
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A wish in a list. `job` is None where a check refused it before there was one."""

    id: int
    job: int | None
    platform: str
    user_id: str
    handle: str
    tier: str
    guild: str | None
    model: str | None
    rule: str | None
    state: str
    reported: int
    at: float
    wish: str
    style: str | None
    reason: str | None
    photo: str | None
    pictures: tuple[str, ...]
    claimed_by: str | None
    reply: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Part of a list. `next` is the cursor behind it, None at its end; `bounded` says
    that the stretch ended because enough had been looked at, not because it was full."""

    rows: tuple[Row, ...]
    next: int | None
    bounded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Somebody as the casebook knows them."""

    account: Account
    tier: Tier
    first_seen: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A wish as it was put to the checks, and whether what they said was overturned."""

    wish: int
    guild: str | None
    tier: str
    state: str
    prompt: Prompt
    overturned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What one check measured in an image of a wish, how it ruled, and what became of it.

    `adults`: it was asked for in a place kept for them.
    """

    asked: Asked
    adults: bool
    score: float
    ruling: Ruling


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a moderator wrote for the others."""

    at: float
    who: str
    text: str


def stretch(
    c: Connection,
    shown: Filter,
    limit: int,
    now: float,
    *,
    cursor: int | None = None,
    oldest_first: bool = False,
) -> Stretch:
    """Up to `limit` wishes behind `cursor`."""
    ids, behind, bounded = matching(c, shown, limit, cursor=cursor, oldest_first=oldest_first)
    return Stretch(rows=tuple(rows(c, ids, now)), next=behind, bounded=bounded)


def matching(
    c: Connection,
    shown: Filter,
    limit: int,
    *,
    cursor: int | None = None,
    oldest_first: bool = False,
) -> tuple[list[int], int | None, bool]:
    """The numbers of a stretch, the cursor behind it, and whether looking ended it."""
    ids: list[int] = []
    looked, until = 0, time.monotonic() + LOOKING
    while True:
        room = limit + 1 - len(ids)
        found, cursor = _look(c, shown, room, cursor, oldest_first=oldest_first)
        ids += found
        looked += PIECE
        if len(ids) > limit:
            return ids[:limit], ids[limit - 1], False
        if cursor is None:
            return ids, None, False
        if looked >= SCAN or time.monotonic() > until:
            return ids, cursor, True


def _look(
    c: Connection, shown: Filter, limit: int, cursor: int | None, *, oldest_first: bool
) -> tuple[list[int], int | None]:
    """What matches among the next `PIECE` index entries, and the last of them, None at the end.

    CROSS JOIN keeps SQLite from walking another index than the one that was chosen.
    """
    conditions, values = _conditions(shown)
    source, source_values = _source(c, shown, cursor, oldest_first=oldest_first)
    found = c.execute(
        f"SELECT c.id FROM ({source} LIMIT {PIECE}) s CROSS JOIN casebook c ON c.id = s.id"
        f" {'WHERE ' + ' AND '.join(conditions) if conditions else ''} LIMIT ?",
        (*source_values, *values, limit),
    ).fetchall()
    ids = [row["id"] for row in found]
    if len(ids) == limit:
        return ids, ids[-1]
    last = c.execute(f"{source} LIMIT 1 OFFSET {PIECE - 1}", source_values).fetchone()
    return ids, last["id"] if last else None


def count(c: Connection, shown: Filter, limit: int = MANY) -> int:
    """How many match, at most `limit`, looking no further than a list does."""
    return len(matching(c, shown, limit)[0])


def newer(c: Connection, shown: Filter, than: int, limit: int = 99) -> int:
    """How many matching wishes came after number `than`."""
    return len(matching(c, shown, limit, cursor=than, oldest_first=True)[0])


def rows(c: Connection, ids: Sequence[int], now: float) -> list[Row]:
    """These wishes in this order."""
    found = {
        row["id"]: _row(row)
        for row in c.execute(
            "SELECT k.*, j.id AS job, j.prompt, j.reason, j.photo, o.facts, o.text AS reply,"
            " json_extract(m.payload, '$.account.handle') AS handle,"
            " json_extract(m.payload, '$.text') AS text,"
            " (SELECT group_concat(sha256, ' ' ORDER BY position) FROM pictures"
            "   WHERE job_id = j.id) AS shown,"
            " (SELECT coalesce(s.name, h.claimed_by) FROM holds h"
            "   LEFT JOIN staff s ON s.login = h.claimed_by"
            "   WHERE h.job_id = j.id AND h.ended_at IS NULL AND h.claimed_at > ?) AS claimed_by"
            " FROM casebook k JOIN mentions m ON m.id = k.id"
            " LEFT JOIN jobs j ON j.mention_id = k.id LEFT JOIN outbox o ON o.mention_id = k.id"
            f" WHERE k.id IN ({', '.join('?' * len(ids))})"
            " AND NOT EXISTS (SELECT 1 FROM hits h WHERE h.mention_id = k.id AND h.sealed)",
            (now - CLAIM, *ids),
        )
    }
    return [found[number] for number in ids if number in found]


def row(c: Connection, wish: int, now: float) -> Row | None:
    found = rows(c, [wish], now)
    return found[0] if found else None


def job_of(c: Connection, wish: int) -> int | None:
    """The job a wish became."""
    found = c.execute("SELECT id FROM jobs WHERE mention_id = ?", (wish,)).fetchone()
    return found["id"] if found else None


def notes(
    c: Connection, *, wish: int | None = None, account: tuple[str, str] | None = None
) -> list[Note]:
    """What moderators wrote about a wish or an account, oldest first."""
    where = "mention_id = ?"
    values: list[object] = [wish]
    if account is not None:
        where, values = "platform = ? AND user_id = ?", [*account]
    found = c.execute(
        "SELECT n.at, n.text, coalesce(s.name, n.by) AS who FROM notes n"
        f" LEFT JOIN staff s ON s.login = n.by WHERE {where} ORDER BY n.id",
        values,
    )
    return [Note(**dict(row)) for row in found]


def standing(c: Connection, platform: str, user_id: str) -> Standing | None:
    """An account that asked for something, was given a tier, or was banned beforehand."""
    found = c.execute(
        "SELECT handle, first_seen FROM accounts WHERE platform = ? AND user_id = ?"
        " UNION ALL SELECT user_id, since FROM bans WHERE platform = ? AND user_id = ?"
        " LIMIT 1",
        (platform, user_id) * 2,
    ).fetchone()
    if found is None:
        return None
    account = Account(platform=platform, user_id=user_id, handle=found["handle"])
    return Standing(
        account=account, tier=ledger.tier_of(c, account), first_seen=found["first_seen"]
    )


def last_asked(c: Connection, before: int | None, limit: int) -> list[Asked]:
    """The newest wishes older than number `before`, newest first."""
    found = c.execute(
        "SELECT k.id, k.guild, k.tier, k.state, j.prompt,"
        " json_extract(m.payload, '$.text') AS text,"
        " EXISTS (SELECT 1 FROM hits h WHERE h.mention_id = k.id"
        "  AND h.overturned_at IS NOT NULL) AS overturned"
        " FROM casebook k JOIN mentions m ON m.id = k.id LEFT JOIN jobs j ON j.mention_id = k.id"
        " WHERE ? IS NULL OR k.id < ? ORDER BY k.id DESC LIMIT ?",
        (before, before, limit),
    )
    return [_asked(row) for row in found]


def last_scored(
    c: Connection, check: str, before: int | None, reach: int
) -> tuple[list[Scored], int | None]:
    """What a check measured, newest first, in the `reach` lines of the journal older than number
    `before`; and the number to go on from, None at the journal's beginning."""
    if before is None:
        before = c.execute("SELECT coalesce(max(id), 0) + 1 AS id FROM journal").fetchone()["id"]
    found = c.execute(
        "SELECT v.detail, k.id, k.guild, k.tier, k.state, j.prompt,"
        " json_extract(m.payload, '$.text') AS text,"
        " coalesce(json_extract(m.payload, '$.adults'), 0) AS adults,"
        " EXISTS (SELECT 1 FROM hits h WHERE h.mention_id = k.id"
        "  AND h.overturned_at IS NOT NULL) AS overturned"
        " FROM journal v CROSS JOIN casebook k ON k.id = v.mention_id"
        " JOIN mentions m ON m.id = k.id LEFT JOIN jobs j ON j.mention_id = k.id"
        " WHERE v.id >= ? AND v.id < ? AND v.event = 'verdict'"
        " AND NOT EXISTS (SELECT 1 FROM hits h WHERE h.mention_id = k.id AND h.sealed)"
        " ORDER BY v.id DESC",
        (before - reach, before),
    )
    scored = [
        Scored(
            asked=_asked(row),
            adults=bool(row["adults"]),
            score=said["scores"][check],
            ruling=Ruling(said["ruling"]),
        )
        for row in found
        for said in json.loads(row["detail"]).get("checks", ())
        if said["check"] == check and check in said.get("scores", {})
    ]
    return scored, before - reach if before > reach else None


def changed_policy(c: Connection) -> dict[str, list[dict[str, Any]]]:
    """Everything that differs from the files, by table."""
    tables = {
        "rulings": "SELECT scope, rule, ruling FROM rulings ORDER BY scope, rule",
        "standards": "SELECT scope, name, value FROM standards ORDER BY scope, name",
        "patterns": "SELECT id, guild, pattern, ruling FROM patterns WHERE removed_at IS NULL"
        " ORDER BY guild, id",
    }
    return {name: [dict(row) for row in c.execute(sql)] for name, sql in tables.items()}


def closed_cases(c: Connection, limit: int) -> list[Case]:
    """The reports and appeals that were closed last."""
    found = c.execute(
        "SELECT id FROM cases WHERE closed_at IS NOT NULL ORDER BY closed_at DESC LIMIT ?", (limit,)
    ).fetchall()
    return [case for row in found if (case := cases.by_id(c, row["id"]))]


def unclaimed(c: Connection, wish: int, login: str, now: float) -> int | None:
    """The held job of a wish whose claim is `login`'s to renew, None where it is not."""
    found = c.execute(
        "SELECT j.id FROM jobs j JOIN holds h ON h.job_id = j.id AND h.ended_at IS NULL"
        " WHERE j.mention_id = ? AND h.claimed_by = ? AND h.claimed_at < ?",
        (wish, login, now - CLAIM / 2),
    ).fetchone()
    return found["id"] if found else None


def removing(c: Connection, job_id: int) -> str | None:
    """The last error of a removal under way, "" without one; None where none is."""
    found = c.execute(
        "SELECT coalesce(error, '') AS error FROM removals WHERE job_id = ? AND done_at IS NULL",
        (job_id,),
    ).fetchone()
    return found["error"] if found else None


def counts(c: Connection) -> dict[str, int]:
    """How many wishes each view has; `review` and `reported` are told up to `MANY`."""
    states = {
        row["value"]: row["n"]
        for row in c.execute("SELECT value, n FROM casebook_counters WHERE facet = 'state'")
    }
    total = c.execute("SELECT n FROM casebook_counters WHERE facet = 'all'").fetchone()
    small = {
        view: c.execute(
            f"SELECT count(*) AS n FROM (SELECT 1 FROM casebook WHERE {VIEWS[view]} LIMIT {MANY})"
        ).fetchone()["n"]
        for view in ("review", "reported")
    }
    return {
        **{view: states.get(view, 0) for view in VIEWS},
        **small,
        "all": total["n"] if total else 0,
    }


def choices(c: Connection, facet: str, limit: int = 50) -> list[tuple[str, int]]:
    """The values a facet has, the most frequent first, with their counts."""
    found = c.execute(
        "SELECT value, n FROM casebook_counters WHERE facet = ? AND n > 0 ORDER BY n DESC LIMIT ?",
        (facet, limit),
    )
    return [(row["value"], row["n"]) for row in found]


def flow(c: Connection, now: float, minutes: int = CHART) -> list[dict[str, float]]:
    """Minute by minute, oldest first: wishes `asked`, `done`, `held`, `failed`, and `wait`,
    the mean seconds from wish to picture."""
    first = int(now // 60) - minutes + 1
    table: list[dict[str, float]] = [{} for _ in range(minutes)]
    for row in c.execute(
        "SELECT minute, what, n, seconds FROM flow WHERE minute >= ? AND minute < ?",
        (first, first + minutes),
    ):
        place = table[row["minute"] - first]
        place[row["what"]] = row["n"]
        if row["what"] == "done":
            place["wait"] = row["seconds"] / row["n"]
    return table


def quoted(words: str) -> str:
    """What somebody typed as a query FTS5 always takes: each word, or "phrase", must occur.

    A word that ends in * finds what begins with it. Empty where nothing can be searched.
    """
    terms = []
    for phrase, word in _WORD.findall(words.replace("\0", " ")):
        text = phrase or word
        star = "*" if word.endswith("*") and word.strip("*") else ""
        text = text.strip("*").replace('"', "")
        if any(character.isalnum() for character in text):
            terms.append(f'"{text}"{star}')
    return " ".join(terms[:12])


def _conditions(shown: Filter) -> tuple[list[str], list[object]]:
    """Every condition but the words."""
    conditions = [f"{name} = ?" for name in shown.facets]
    values: list[object] = list(shown.facets.values())
    if view := VIEWS[shown.view]:
        conditions.append(view)
    if shown.account is not None:
        conditions.append("platform = ? AND user_id = ?")
        values += shown.account
    if shown.since is not None:
        conditions.append("at >= ?")
        values.append(shown.since)
    if shown.until is not None:
        conditions.append("at < ?")
        values.append(shown.until)
    return conditions, values


def _source(
    c: Connection, shown: Filter, cursor: int | None, *, oldest_first: bool
) -> tuple[str, list[object]]:
    """The index to walk, in the order of the list: the rarest of the conditions."""
    key, table, conditions, values = _rarest(c, shown)
    since, until = _bounds(c, shown)
    if oldest_first:
        since = max(since, cursor + 1) if cursor is not None else since
    elif cursor is not None:
        until = min(until, cursor - 1) if until is not None else cursor - 1
    if since > 0:
        conditions.append(f"{key} >= ?")
        values.append(since)
    if until is not None:
        conditions.append(f"{key} <= ?")
        values.append(until)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    order = "ASC" if oldest_first else "DESC"
    return f"SELECT {key} AS id FROM {table}{where} ORDER BY {key} {order}", values


def _rarest(c: Connection, shown: Filter) -> tuple[str, str, list[str], list[object]]:
    """Key, table with its index, and the condition that index answers."""
    if query := quoted(shown.words):
        return "rowid", "casebook_words", ["casebook_words MATCH ?"], [query]
    if shown.account is not None:
        table = "casebook INDEXED BY casebook_account"
        return "id", table, ["platform = ? AND user_id = ?"], [*shown.account]
    if shown.view in ("review", "reported"):
        table = f"casebook INDEXED BY casebook_{shown.view}"
        return "id", table, [VIEWS[shown.view]], []
    facets = dict(shown.facets)
    if shown.view != "all":
        facets["state"] = shown.view
    if not facets:
        return "id", "casebook", [], []
    rarest = min(facets, key=lambda facet: _counted(c, facet, facets[facet]))
    table = f"casebook INDEXED BY casebook_{rarest}"
    return "id", table, [f"{rarest} = ?"], [facets[rarest]]


def _counted(c: Connection, facet: str, value: str) -> int:
    found = c.execute(
        "SELECT n FROM casebook_counters WHERE facet = ? AND value = ?", (facet, value)
    ).fetchone()
    return found["n"] if found else 0


def _bounds(c: Connection, shown: Filter) -> tuple[int, int | None]:
    """The numbers between which a stretch of time lies; wishes are numbered as they come."""
    since, until = 0, None
    if shown.since is not None:
        since = _first_after(c, shown.since) - SLACK
    if shown.until is not None:
        until = _first_after(c, shown.until) + SLACK
    return since, until


def _first_after(c: Connection, moment: float) -> int:
    """About the number of the first wish at or after a moment: `SLACK` off at most.

    Halves the numbers given so far, as wishes are numbered in the order they come.
    """
    low, high = 0, (c.execute("SELECT max(id) FROM casebook").fetchone()[0] or 0) + 1
    while low < high:
        middle = (low + high) // 2
        row = c.execute("SELECT id, at FROM casebook WHERE id >= ? LIMIT 1", (middle,)).fetchone()
        if row is not None and row["at"] < moment:
            low = row["id"] + 1
        else:
            high = middle
    return low


#: Neighbours in time may be numbered a little out of order.
SLACK = 1000


def _asked(row: Any) -> Asked:
    prompt = Prompt.from_json(json.loads(row["prompt"])) if row["prompt"] else None
    return Asked(
        wish=row["id"],
        guild=row["guild"],
        tier=row["tier"],
        state=row["state"],
        prompt=prompt or Prompt(wish=row["text"] or ""),
        overturned=bool(row["overturned"]),
    )


def _row(row: Any) -> Row:
    prompt = Prompt.from_json(json.loads(row["prompt"])) if row["prompt"] else None
    reason = row["reason"]
    if reason is None and row["facts"] and row["state"] == "refused":
        reason = json.loads(row["facts"]).get("reason")
    return Row(
        id=row["id"],
        job=row["job"],
        platform=row["platform"],
        user_id=row["user_id"],
        handle=row["handle"] or row["user_id"],
        tier=row["tier"],
        guild=row["guild"],
        model=row["model"],
        rule=row["rule"],
        state=row["state"],
        reported=row["reported"],
        at=row["at"],
        wish=prompt.wish if prompt else row["text"] or "",
        style=prompt.style if prompt else None,
        reason=reason,
        photo=row["photo"],
        pictures=tuple((row["shown"] or "").split()),
        claimed_by=row["claimed_by"],
        reply=row["reply"],
    )
