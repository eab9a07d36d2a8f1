"""A plan put to the test: the busiest hours of a day under the limits it suggests."""

from __future__ import annotations

from datetime import UTC, datetime

from data.words import Say, Tier
from ratelimit import durations
from ratelimit.planner import Plan
from ratelimit.simulation import figures
from ratelimit.simulation.charts import NAMES, Run
from ratelimit.simulation.scenario import Crowd, Deal, Gpus, Scenario

#: Hours that are simulated, the busiest in their middle; and about as many wishes at most.
HOURS = 4
WISHES = 20_000

#: A GPU of a trial draws one of these at once, and as many of them make up the engine.
BATCH = 4


def scenario(made: Plan) -> Scenario:
    """The hours around the busiest one, everybody asking as the plan expects."""
    need = made.need
    wanted = made.wanted / 24 * HOURS * need.peak
    return Scenario(
        title="The plan in its busiest hours",
        story="",
        starts=datetime(2025, 3, 26, 12, tzinfo=UTC),
        lasts=HOURS * 3_600.0,
        gpus=_engine(need.pictures_per_second),
        crowds=(
            _crowd(made, "Free", Tier.FREE, 1 - need.paying, made.free * made.share),
            _crowd(made, "Paying", Tier.PLUS, need.paying, made.paid),
        ),
        tiers={
            Tier.FREE: Deal(daily=made.free, in_hand=made.in_hand, wait=need.wait),
            Tier.PLUS: Deal(daily=made.paid, in_hand=made.paid_in_hand),
        },
    ).scaled(min(1.0, WISHES / max(wanted, 1.0)))


def findings(run: Run, made: Plan) -> list[str]:
    """What came of it, in sentences, the plan's promise first."""
    record = run.ours
    limited = [measure for measure in record.measures if measure.kind != "closed"]
    told = [
        f"Simulated, the busiest {HOURS} hours ({len(record.at):,} wishes): "
        + "; ".join(
            f"{NAMES[waits.tier].lower()} half within {durations.words(waits.p50)}, 95 % within"
            f" {durations.words(waits.p95)}"
            for waits in figures.by_tier(record)
        )
        + "."
    ]
    put_off = int((record.reason == Say.OVERLOADED).sum())
    if limited:
        told.append(
            f"The controller had to step in {len(limited)} times, and put {put_off:,} wishes off."
        )
    kept = all(waits.p95 <= made.need.wait for waits in figures.by_tier(record))
    told.append(
        "The plan keeps its promise."
        if kept and not put_off
        else "The plan does NOT keep its promise in these hours: ask for less, or draw faster."
    )
    return told


def _engine(pictures_per_second: float) -> Gpus:
    """GPUs of about a picture in four seconds each, and exactly so much together."""
    count = max(1, round(pictures_per_second * 4))
    a_batch = BATCH * count / pictures_per_second
    return Gpus(
        count=count,
        batch=BATCH,
        steps=1,
        overhead=0.0,
        seconds_per_step=a_batch / BATCH,
        megapixels_per_second=BATCH * 1024**2 / 1e6 / a_batch,
    )


def _crowd(made: Plan, name: str, tier: Tier, share: float, each: float) -> Crowd:
    need = made.need
    hourly = need.people * share * need.active * need.eager * each / 24 * need.peak
    return Crowd(
        name=name,
        tier=tier,
        people=max(1, round(need.people * share * need.active)),
        wishes_per_hour=hourly,
        photos=0.0,
    )
