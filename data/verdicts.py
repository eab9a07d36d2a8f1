"""What checks said: each verdict in the journal, and what was not "allow" to be found again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from data import journal
from data.store import Connection
from data.words import Account, Event, Prompt, Ruling, Stage, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A verdict that was not "allow"."""

    id: int
    at: float
    mention_id: int
    job_id: int | None
    account: Account
    stage: Stage
    found_by: str
    rule: str
    ruling: Ruling
    category: str
    source: str
    scores: dict[str, float]
    severe: bool
    sealed: bool
    overturned_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How often one rule hit, and how often moderators said that it was wrong."""

    rule: str
    hits: int
    overturned: int

    @property
    def false_alarms(self) -> float:
        return self.overturned / self.hits if self.hits else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A wish of the past, for trying a rule on: whether it was stopped, and that overturned."""

    mention_id: int
    prompt: Prompt
    stopped: bool
    overturned: bool


def note(
    c: Connection,
    mention_id: int,
    stage: Stage,
    verdict: Verdict,
    now: float,
    *,
    guild: str | None = None,
    **detail: object,
) -> None:
    """Journal a verdict with all that led to it; keep what was not "allow"."""
    among = verdict.among or (verdict,)
    journal.note(
        c,
        mention_id,
        Event.VERDICT,
        now,
        by=verdict.check,
        stage=stage,
        ruling=verdict.ruling,
        category=verdict.category,
        rule=verdict.rule,
        reason=verdict.reason,
        checks=[_in_short(one) for one in among],
        **detail,
    )
    for one in among:
        if one.ruling is not Ruling.ALLOW:
            _keep(c, mention_id, stage, one, guild, now)


def of_mention(c: Connection, mention_id: int) -> list[Hit]:
    """What was found in one wish, oldest first."""
    rows = c.execute(f"{_HIT} WHERE h.mention_id = ? ORDER BY h.id", (mention_id,))
    return [hit(row) for row in rows]


def overturn(c: Connection, mention_id: int, now: float) -> int:
    """A moderator says that what was found in a wish was nothing; how many hits that were."""
    changed = c.execute(
        "UPDATE hits SET overturned_at = ? WHERE mention_id = ? AND overturned_at IS NULL",
        (now, mention_id),
    )
    return int(changed.rowcount)


def is_sealed(c: Connection, mention_id: int) -> bool:
    """Whether a wish may be shown to nobody."""
    row = c.execute(
        "SELECT 1 FROM hits WHERE mention_id = ? AND sealed LIMIT 1", (mention_id,)
    ).fetchone()
    return row is not None


def blank_sealed(c: Connection) -> None:
    """Take the words of sealed wishes out of a copy of the store that people will read."""
    sealed = "SELECT mention_id FROM hits WHERE sealed"
    c.execute(
        "UPDATE mentions SET payload = json_set(payload, '$.text', '', '$.photo', NULL,"
        f" '$.parent_photo', NULL, '$.prompt', NULL) WHERE id IN ({sealed})"
    )
    c.execute(
        f"UPDATE jobs SET prompt = json_set(prompt, '$.wish', '') WHERE mention_id IN ({sealed})"
    )
    c.execute(f"UPDATE journal SET detail = '{{}}' WHERE mention_id IN ({sealed})")
    c.execute(f"UPDATE outbox SET text = '' WHERE mention_id IN ({sealed})")


def rates(c: Connection, since: float) -> list[Rate]:
    """Hits since a moment by rule, the most frequent first."""
    rows = c.execute(
        "SELECT rule, count(*) AS hits, count(overturned_at) AS overturned FROM hits"
        " WHERE at >= ? GROUP BY rule ORDER BY hits DESC, rule",
        (since,),
    )
    return [Rate(**dict(row)) for row in rows]


def asked(c: Connection, limit: int) -> list[Asked]:
    """The last `limit` wishes, for trying a rule on, newest first. Sealed ones are left out."""
    rows = c.execute(
        "SELECT l.mention_id, l.detail, max(h.ruling IN ('hold', 'refuse')) AS stopped,"
        " count(h.overturned_at) AS overturned, max(h.sealed) AS sealed"
        " FROM (SELECT mention_id, detail FROM journal WHERE event = 'prompt' AND detail <> '{}'"
        "  ORDER BY id DESC LIMIT ?) l"
        " LEFT JOIN hits h ON h.mention_id = l.mention_id AND h.stage = 'prompt'"
        " GROUP BY l.mention_id ORDER BY l.mention_id DESC",
        (limit,),
    )
    return [
        Asked(
            mention_id=row["mention_id"],
            prompt=Prompt.from_json(json.loads(row["detail"])),
            stopped=bool(row["stopped"]),
            overturned=bool(row["overturned"]),
        )
        for row in rows
        if not row["sealed"]
    ]


#: A hit with the handle its account has now.
_HIT = (
    "SELECT h.*, a.handle FROM hits h"
    " LEFT JOIN accounts a ON a.platform = h.platform AND a.user_id = h.user_id"
)


def hit(row: Any) -> Hit:
    handle = row["handle"] or row["user_id"]
    return Hit(
        id=row["id"],
        at=row["at"],
        mention_id=row["mention_id"],
        job_id=row["job_id"],
        account=Account(platform=row["platform"], user_id=row["user_id"], handle=handle),
        stage=Stage(row["stage"]),
        found_by=row["found_by"],
        rule=row["rule"],
        ruling=Ruling(row["ruling"]),
        category=row["category"],
        source=row["source"],
        scores=json.loads(row["scores"]),
        severe=bool(row["severe"]),
        sealed=bool(row["sealed"]),
        overturned_at=row["overturned_at"],
    )


def _keep(
    c: Connection, mention_id: int, stage: Stage, verdict: Verdict, guild: str | None, now: float
) -> None:
    c.execute(
        "INSERT INTO hits (at, mention_id, job_id, platform, user_id, guild, stage, found_by, rule,"
        " ruling, category, source, scores, severe, sealed)"
        " SELECT ?, m.id, j.id, m.platform, m.user_id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
        " FROM mentions m LEFT JOIN jobs j ON j.mention_id = m.id WHERE m.id = ?",
        (
            now,
            guild,
            stage,
            verdict.check,
            verdict.rule,
            verdict.ruling,
            verdict.category,
            verdict.source,
            json.dumps(verdict.scores),
            verdict.severe,
            verdict.sealed,
            mention_id,
        ),
    )


def _in_short(verdict: Verdict) -> dict[str, object]:
    """What the journal keeps of one check's word; empty things are left out."""
    facts: dict[str, object] = {"check": verdict.check, "ruling": verdict.ruling}
    facts |= {"rule": verdict.rule, "source": verdict.source, "scores": verdict.scores}
    return {name: value for name, value in facts.items() if value}
