"""Wishes enter the casebook (`data/casebook.py`) with their jobs: many at once.

Its rows, its words, its counters and the minute's flow are written once for all that
enter in one act. What becomes of a wish later follows it by triggers, one by one.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from data import jsontext
from data.store import Connection
from data.words import JobState

#: Where a wish stands, by its job's state, where that is called otherwise.
STANDS: Mapping[str, str] = MappingProxyType(
    {
        JobState.AVAILABLE.value: "waiting",
        JobState.RETRYABLE.value: "waiting",
        JobState.EXECUTING.value: "painting",
        JobState.COMPLETED.value: "done",
        JobState.DISCARDED.value: "failed",
    }
)
#: What is counted, and where in a row of the casebook it is written.
_FACETS: Mapping[str, int] = MappingProxyType(
    {"platform": 1, "tier": 3, "guild": 4, "rule": 5, "state": 6}
)


class Enrolled(NamedTuple):
    """A wish with a job: what moderators list, filter and search it by."""

    mention_id: int
    job_id: int
    platform: str
    user_id: str
    handle: str
    tier: str
    guild: str | None
    state: str
    at: float
    wish: str


def enrol(c: Connection, wishes: Sequence[Enrolled]) -> None:
    """Enter these, with the check that last objected to each, and count them."""
    rules = _objections(c, wishes)
    rows, words = [], []
    for number, _, platform, user_id, handle, tier, guild, job_state, at, wish in wishes:
        state = STANDS.get(job_state, job_state)
        rows.append((number, platform, user_id, tier, guild, rules.get(number), state, at))
        words.append((number, f"{wish} {handle}"))
    c.executemany(
        "INSERT INTO casebook (id, platform, user_id, tier, guild, rule, state, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    c.executemany("INSERT INTO casebook_words (rowid, words) VALUES (?, ?)", words)
    c.executemany(
        "UPDATE hits SET job_id = ? WHERE mention_id = ?",
        [(wish.job_id, wish.mention_id) for wish in wishes if wish.mention_id in rules],
    )
    _count(c, rows)


def _count(c: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Count rows of the casebook by all they can be filtered by, and by the minute."""
    counts = [("all", "", len(rows))]
    for facet, place in _FACETS.items():
        found = Counter(map(operator.itemgetter(place), rows))
        counts += [(facet, value, n) for value, n in found.items() if value is not None]
    c.executemany(
        "INSERT INTO casebook_counters (facet, value, n) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET n = n + excluded.n",
        counts,
    )
    c.executemany(
        "INSERT INTO flow (minute, what, n, seconds) VALUES (?, 'asked', ?, 0)"
        " ON CONFLICT DO UPDATE SET n = n + excluded.n",
        list(Counter(int(at // 60) for *_, at in rows).items()),
    )


def _objections(c: Connection, wishes: Sequence[Enrolled]) -> dict[int, str | None]:
    """What last objected to those of these wishes to which anything did: rule, or else check."""
    rows = c.execute(
        "SELECT DISTINCT mention_id, (SELECT coalesce(nullif(json_extract(v.detail, '$.rule'), ''),"
        "  json_extract(v.detail, '$.by')) FROM journal v WHERE v.mention_id = h.mention_id"
        "  AND v.event = 'verdict' AND json_extract(v.detail, '$.ruling') <> 'allow'"
        "  ORDER BY v.id DESC LIMIT 1)"
        " FROM hits h WHERE h.mention_id IN (SELECT value FROM json_each(?))",
        (jsontext.write([wish.mention_id for wish in wishes]),),
    )
    return {row[0]: row[1] for row in rows}
