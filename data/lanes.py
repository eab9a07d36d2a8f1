"""The order of the line: start-time fair queueing over a tree of tiers, circles and people.

The engine's time is shared in proportion to weight between the tiers that wait;
inside a tier equally between its circles (a guild, or a whole platform where there
are none); inside a circle equally between people. Tiers and lanes (a circle in a
tier) carry a start tag, which grows by cost / weight with what is served from them.
A wish gets its tag when it enters: the virtual time at which it would be done if its
asker's wishes were drawn one after the other, beginning now. So a claim reads the
next few entries of an index, however long the line is, and nothing has to be put
right when a wish is taken back: its tag leaves with it.

**The bound.** Nothing is drawn before a wish whose tag is more than `reach` ahead of
it. Somebody with nothing in line waits for no more of anybody else's in the same
lane than his own cost + `reach` + the cost of one wish, in ordinary pictures, however
many the other one has put in line before; and for lanes of a tier it is the same.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from data.store import Connection
from data.words import Account, Effort, Tier

#: How many jobs a batch is chosen from.
LOOKAHEAD = 32
#: How far ahead of its turn a job may be drawn to fill a batch, in ordinary pictures.
REACH = 8.0
#: How many jobs are looked at to tell a place in the line exactly; others are estimated.
EXACT = 64
#: How deep into a lane its length is counted; beyond it counts as a whole.
DEPTH = 10_000

IN_LINE = "state IN ('available', 'retryable')"

_ROOT = ("", "")
_TIERS = ", ".join(f"'{tier}'" for tier in Tier)

#: The tag of a new wish: after those of its account in this lane, but never in the past.
#: Takes platform, user id, tier, circle, the lane's clock and cost.
TAG = (
    "max(coalesce((SELECT max(tag) FROM jobs WHERE platform = ? AND user_id = ? AND tier = ?"
    " AND circle = ?), 0.0), ?) + ?"
)


@dataclass(slots=True)
class _Node:
    """A tier or a lane and what comes next from it; `tag` moves on with every job taken."""

    tier: str
    circle: str
    weight: float
    tag: float
    below: Iterator[Candidate]


@dataclass(frozen=True, slots=True)
class Turn:
    """The tag a tier or lane had when a job's turn came."""

    node: tuple[str, str]
    weight: float
    tag: float


@dataclass(slots=True)
class Candidate:
    """A job (id, tag, cost) in its turn; `path` are the turns of its lane and of its tier."""

    id: int
    tag: float
    cost: float
    path: list[Turn] = field(default_factory=list)


class Clocks(dict[tuple[str, str], float]):
    """The virtual time in each lane (tier and circle), read when it is first asked for."""

    def __init__(self, c: Connection) -> None:
        super().__init__()
        self._c = c

    def __missing__(self, lane: tuple[str, str]) -> float:
        row = self._c.execute(
            "SELECT clock FROM lanes WHERE tier = ? AND circle = ?", lane
        ).fetchone()
        self[lane] = clock = row["clock"] if row else 0.0
        return clock


def enter(c: Connection, came: Iterable[tuple[str, str, float | None, float]]) -> None:
    """Count what was put in line: tier, circle, the tier's weight (None: as it is) and cost."""
    weights: dict[tuple[str, str], float | None] = {}
    counts: Counter[tuple[str, str]] = Counter()
    costs: defaultdict[tuple[str, str], float] = defaultdict(float)
    for (tier, circle, weight, cost), alike in Counter(came).items():
        for node in ((tier, circle), (tier, "")):
            counts[node] += alike
            costs[node] += cost * alike
        if weight is not None:
            weights[tier, ""] = weight
    c.executemany(
        "INSERT INTO lanes (tier, circle, weight, waiting, cost, asked)"
        " VALUES (?1, ?2, coalesce(?3, 1), ?4, ?5, ?5)"
        " ON CONFLICT DO UPDATE SET waiting = waiting + ?4, cost = cost + ?5,"
        " asked = asked + ?5, weight = coalesce(?3, weight)",
        [(*node, weights.get(node), count, costs[node]) for node, count in counts.items()],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What is drawn before a waiting job: how many jobs, and what share of its tier's work."""

    jobs: int
    share: float


NOTHING = Ahead(jobs=0, share=0.0)


def window(
    c: Connection, now: float, *, most: int = LOOKAHEAD, reach: float = REACH
) -> list[Candidate]:
    """The next jobs in their order, at most `most`, none more than `reach` ahead of its turn."""
    merged = _merged(_tiers(c, now, most, reach), reach)
    return list(itertools.islice(merged, most))


def serve(c: Connection, candidates: Sequence[Candidate], chosen: Collection[int]) -> None:
    """Charge the tiers and lanes of what was chosen from a window; move their clocks on.

    A clock shows the tag of the first that waits below, taken or not.
    """
    first: dict[tuple[str, str], Turn] = {}
    clocks: dict[tuple[str, str], float] = {}
    served: dict[tuple[str, str], float] = {}
    for candidate in candidates:
        below = candidate.tag
        for turn in candidate.path:
            first.setdefault(turn.node, turn)
            clocks.setdefault(turn.node, below)
            if candidate.id in chosen:
                served[turn.node] = served.get(turn.node, 0.0) + candidate.cost
            below = turn.tag
        clocks.setdefault(_ROOT, below)
    c.execute(
        "INSERT INTO lanes (tier, circle, clock) VALUES ('', '', ?)"
        " ON CONFLICT DO UPDATE SET clock = max(clock, excluded.clock)",
        (clocks[_ROOT],),
    )
    for node, cost in served.items():
        turn = first[node]
        c.execute(
            "UPDATE lanes SET tag = ?, clock = max(clock, ?) WHERE tier = ? AND circle = ?",
            (turn.tag + cost / turn.weight, clocks[node], *node),
        )


def ahead(c: Connection, job_id: int) -> Ahead:
    """What will be drawn before this waiting job."""
    return ahead_of_all(c, [job_id])[job_id]


def ahead_of_all(c: Connection, job_ids: Collection[int]) -> dict[int, Ahead]:
    """What will be drawn before each of these waiting jobs, one look at the line for all.

    Exact near the head of the line. Further back it is what fair sharing gives to
    every other lane until this one's turn has come.
    """
    far, found = set(job_ids), dict[int, Ahead]()
    if not far:
        return found
    waits = {
        row["tier"]: row
        for row in c.execute(
            "SELECT tier, waiting, cost FROM lanes"
            f" WHERE tier IN ({_TIERS}) AND circle = '' AND waiting > 0"
        )
    }
    jobs, own = 0, defaultdict[str, float](float)
    for candidate in window(c, math.inf, most=EXACT, reach=math.inf):
        tier = candidate.path[-1].node[0]
        if candidate.id in far:
            far.remove(candidate.id)
            found[candidate.id] = Ahead(jobs=jobs, share=own[tier] / waits[tier]["cost"])
        jobs += 1
        own[tier] += candidate.cost
    everything = sum(row["cost"] for row in waits.values())
    for number, tier, circle, before in _before(c, far):
        work = max(own[tier], _shared(c, "tier = :tier AND circle <> ''", tier, circle, before))
        share = _shared(c, f"tier IN ({_TIERS}) AND circle = ''", tier, "", work) / everything
        found[number] = Ahead(
            jobs=max(jobs, round(sum(row["waiting"] for row in waits.values()) * share)),
            share=min(1.0, work / waits[tier]["cost"]),
        )
    return found


def weigh_circle(c: Connection, circle: str, weight: float) -> None:
    """Give a circle its share beside the other circles, in every tier."""
    c.executemany(
        "INSERT INTO lanes (tier, circle, weight) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET weight = excluded.weight",
        [(tier, circle, weight) for tier in Tier],
    )


def ease(c: Connection, tier: Tier, effort: Effort) -> None:
    """Decide how much work goes into what is claimed of a tier from now on."""
    c.execute(
        "INSERT INTO lanes (tier, circle, steps, size) VALUES (?, '', ?, ?)"
        " ON CONFLICT DO UPDATE SET steps = excluded.steps, size = excluded.size",
        (tier, effort.steps, effort.size),
    )


def move(c: Connection, account: Account, tier: Tier) -> None:
    """What an account has in line goes on in the lanes of another tier, in its old order."""
    c.execute(
        "UPDATE jobs SET tier = ?, tag = coalesce("
        "(SELECT clock FROM lanes l WHERE l.tier = ? AND l.circle = jobs.circle), 0.0) + m.costs"
        " FROM (SELECT id, sum(cost) OVER (PARTITION BY circle ORDER BY tag, id) AS costs"
        f" FROM jobs WHERE platform = ? AND user_id = ? AND tier <> ? AND {IN_LINE}) m"
        " WHERE m.id = jobs.id",
        (tier, tier, account.platform, account.user_id, tier),
    )


def _before(c: Connection, job_ids: Collection[int]) -> Iterator[tuple[int, str, str, float]]:
    """These jobs, their tiers and lanes, and what is before each in its lane, counted once."""
    if not job_ids:
        return
    numbers = ", ".join(map(str, job_ids))
    came: dict[tuple[str, str], tuple[float, int, int, float]] = {}
    for number, tier, circle, tag in c.execute(
        f"SELECT id, tier, circle, tag FROM jobs WHERE id IN ({numbers}) ORDER BY tag, id"
    ).fetchall():
        since, first, jobs, cost = came.get((tier, circle), (-math.inf, 0, 0, 0.0))
        more, costs = c.execute(
            "SELECT count(*), coalesce(sum(cost), 0.0) FROM ("
            f"SELECT cost FROM jobs WHERE tier = ? AND circle = ? AND {IN_LINE}"
            " AND (tag, id) >= (?, ?) AND (tag, id) < (?, ?) ORDER BY tag, id LIMIT ?)",
            (tier, circle, since, first, tag, number, DEPTH - jobs),
        ).fetchone()
        came[tier, circle] = tag, number, jobs + more, cost + costs
        yield number, tier, circle, cost + costs


def _shared(c: Connection, siblings: str, tier: str, circle: str, cost: float) -> float:
    """What all siblings are served, by weight, while one of them is served `cost`."""
    row = c.execute(
        "SELECT sum(min(cost, :cost * weight / (SELECT weight FROM lanes"
        "  WHERE tier = :tier AND circle = :circle))) AS served"
        f" FROM lanes WHERE {siblings} AND waiting > 0",
        {"tier": tier, "circle": circle, "cost": cost},
    ).fetchone()
    return float(row["served"] or 0.0)


def _tiers(c: Connection, now: float, most: int, reach: float) -> list[_Node]:
    rows = c.execute(
        "SELECT tier, weight, tag, clock FROM lanes"
        f" WHERE tier IN ('', {_TIERS}) AND circle = '' AND (waiting > 0 OR tier = '')"
    ).fetchall()
    root = next((row["clock"] for row in rows if row["tier"] == ""), 0.0)
    return [
        _Node(
            tier,
            "",
            weight,
            max(tag, root),
            _merged(_lanes(c, tier, clock, now, most, reach), reach),
        )
        for tier, weight, tag, clock in rows
        if tier
    ]


def _lanes(
    c: Connection, tier: str, clock: float, now: float, most: int, reach: float
) -> Iterator[_Node]:
    """The lanes of a tier that may come next, read when the tier's turn comes."""
    rows = c.execute(
        "SELECT circle, weight, tag FROM lanes"
        " WHERE tier = ? AND circle <> '' AND waiting > 0 ORDER BY tag LIMIT ?",
        (tier, most),
    ).fetchall()
    for circle, weight, tag in rows:
        jobs = _jobs(c, tier, circle, now, most, reach)
        yield _Node(tier, circle, weight, max(tag, clock), jobs)


def _jobs(
    c: Connection, tier: str, circle: str, now: float, most: int, reach: float
) -> Iterator[Candidate]:
    furthest: float | None = None
    for number, tag, cost in c.execute(
        f"SELECT id, tag, cost FROM jobs WHERE tier = ? AND circle = ? AND {IN_LINE}"
        " AND not_before <= ? ORDER BY tag, id LIMIT ?",
        (tier, circle, now, most),
    ):
        if furthest is None:
            furthest = tag + reach
        if tag > furthest:
            return
        yield Candidate(number, tag, cost)


def _merged(siblings: Iterable[_Node], reach: float) -> Iterator[Candidate]:
    """What comes next from siblings, always from the one whose tag is least."""
    nodes = list(siblings)
    head: _Node | None = None
    limit = math.inf
    while nodes:
        node = min(nodes, key=_turn) if len(nodes) > 1 else nodes[0]
        too_far = node is not head and node.tag > limit + reach / node.weight
        candidate = None if too_far else next(node.below, None)
        if candidate is None:
            nodes.remove(node)
            continue
        if head is None:
            head, limit = node, node.tag
        candidate.path.append(Turn((node.tier, node.circle), node.weight, node.tag))
        node.tag += candidate.cost / node.weight
        yield candidate


def _turn(node: _Node) -> tuple[float, str, str]:
    return node.tag, node.tier, node.circle
