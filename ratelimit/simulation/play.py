"""Play a scenario: the same wishes through Muralist, and through first come, first served."""

from __future__ import annotations

from pathlib import Path

from ratelimit.simulation import traffic
from ratelimit.simulation.charts import Run
from ratelimit.simulation.fifo import Fifo
from ratelimit.simulation.scenario import Scenario
from ratelimit.simulation.world import Told, World


def play(scenario: Scenario, path: Path, told: Told = lambda _seconds: None) -> Run:
    """Both, on a new database at `path`."""
    wishes = traffic.generate(scenario)
    world = World(scenario, wishes, path)
    ours = world.run(told)
    return Run(
        scenario=scenario,
        ours=ours,
        fifo=Fifo(scenario, wishes).run(),
        flaws=world.flaws,
        charged=world.charged,
        promised=world.promised,
    )
