"""Who is served when everybody waits: the line's promises at their full size.

Wishes enter the real line and are claimed from it, one at a time where the order of
single claims is judged, in batches of eight where shares are.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data import jobs, mentions
from data.store import Connection
from data.words import Account, Job, Mention, Tier
from ratelimit.simulation.figures import jain
from tests.bench.limits import ours

WEIGHTS = {Tier.FREE: 1.0, Tier.PLUS: 4.0, Tier.PRO: 16.0}

#: Hears of so many wishes that entered, or were claimed.
Told = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large the trials are; `users` are in each tier, fifty people in each guild."""

    wishes: int = 50_000
    people: int = 9_999
    claims: int = 2_000
    users: int = 300
    guilds: int = 20

    @property
    def steps(self) -> int:
        """How often `told` will hear of one."""
        weighed = sum(int(4 * weight) + 2 for weight in WEIGHTS.values()) * self.users
        aliases = 2 * 50 * self.guilds
        return self.wishes + self.people + self.claims + weighed + aliases


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Shares are of what was claimed while all waited; the errors are relative, at their worst.

    `heavy` are the claims of whoever put in everything at once. `alias_share` is what a
    guild full of made-up accounts got, `guild_share` what a guild is due.
    """

    heavy: int
    claims: int
    weight_error: float
    jain: float
    alias_share: float
    guild_share: float


def measure(folder: Path, size: Size, told: Told) -> Outcome:
    with _line(folder / "heavy.db") as line:
        heavy = _heavy(line, size, told)
    with _line(folder / "weights.db") as line:
        weight_error, index = _weights(line, size, told)
    with _line(folder / "aliases.db") as line:
        alias_share = _aliases(line, size, told)
    return Outcome(
        heavy=heavy,
        claims=size.claims,
        weight_error=weight_error,
        jain=index,
        alias_share=alias_share,
        guild_share=1 / (size.guilds + 1),
    )


class _Line:
    """The line of a database, in one transaction that nobody needs to survive."""

    def __init__(self, c: Connection) -> None:
        self._c = c
        self._put = 0

    def put(self, who: str, tier: Tier = Tier.FREE, guild: str | None = None) -> None:
        self._put += 1
        mention = Mention(
            platform=ours.PLATFORM,
            source_id=str(self._put),
            account=Account(platform=ours.PLATFORM, user_id=who, handle=who),
            text=ours.WISH.wish,
            created_at=ours.NOW,
            guild=guild,
        )
        (received,) = mentions.receive(self._c, ours.PLATFORM, [mention], None, ours.NOW)
        weight = WEIGHTS.get(tier, 1.0)
        jobs.insert(
            self._c, received.id, mention, tier, ours.WISH, 1, None, ours.NOW, weight=weight
        )

    def claimed(self, count: int, batch: int) -> Iterator[Job]:
        for _ in range(0, count, batch):
            yield from jobs.claim(
                self._c, "bench", lambda ready: [job.id for job in ready[:batch]], ours.NOW
            )


@contextlib.contextmanager
def _line(path: Path) -> Iterator[_Line]:
    with ours.opened(path) as c:
        c.execute("PRAGMA synchronous = OFF")
        with ours.transaction(c):
            yield _Line(c)


def _heavy(line: _Line, size: Size, told: Told) -> int:
    for _ in range(size.wishes):
        line.put("heavy")
        told(1)
    for person in range(size.people):
        line.put(f"person{person}")
        told(1)
    served = Counter(job.account.user_id for job in line.claimed(size.claims, 1))
    told(size.claims)
    return served["heavy"]


def _weights(line: _Line, size: Size, told: Told) -> tuple[float, float]:
    """Every account of each tier has more in line than it will be served."""
    for tier, weight in WEIGHTS.items():
        for user in range(size.users):
            for _ in range(int(4 * weight) + 2):
                line.put(f"{tier}{user}", tier)
                told(1)
    total = int(4 * sum(WEIGHTS.values()) * size.users)
    served = Counter((job.tier, job.account.user_id) for job in line.claimed(total, 8))
    error, indices = 0.0, []
    for tier, weight in WEIGHTS.items():
        each = np.array([served[tier, f"{tier}{user}"] for user in range(size.users)], dtype=float)
        due = weight / sum(WEIGHTS.values())
        error = max(error, abs(float(each.sum()) / sum(served.values()) / due - 1))
        indices.append(jain(each))
    return error, min(indices)


def _aliases(line: _Line, size: Size, told: Told) -> float:
    """As many aliases in one guild as people in all the others, who ask later."""
    people = 50 * size.guilds
    for alias in range(people):
        line.put(f"alias{alias}", guild="attacker")
        told(1)
    for person in range(people):
        line.put(f"person{person}", guild=str(person % size.guilds))
        told(1)
    claims = 40 * (size.guilds + 1)
    served = Counter(job.account.user_id.startswith("alias") for job in line.claimed(claims, 8))
    return served[True] / sum(served.values())
