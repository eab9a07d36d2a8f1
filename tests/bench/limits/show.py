"""The tables for people. What a machine reads is made in `__main__`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from tests.bench.limits import fairness as fair
from tests.bench.limits import queues
from tests.bench.limits.crowd import Outcome
from tests.bench.limits.fairness import Size
from tests.bench.limits.measure import (
    Contender,
    Turn,
    cpu_each,
    median_rate,
    percentile,
    ratio,
    waits_of,
)

Turns = Mapping[str, Sequence[Turn]]


def race(
    console: Console, title: str, contenders: Sequence[Contender], turns: Turns, base: str
) -> None:
    """One line a contender; the ratio is its rate to that of `base`, round by round."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    table.add_column("")
    for head in ("each second", f"× {base}", "CPU µs", "p50 ms", "p99 ms"):
        table.add_column(head, justify="right")
    table.add_column("durability")
    table.add_column("what it does", style="dim")
    for contender in contenders:
        mine, waits = turns[contender.name], waits_of(turns[contender.name])
        table.add_row(
            contender.name,
            f"{median_rate(mine):,.0f}",
            "1" if contender.name == base else str(ratio(turns, contender.name, base)),
            f"{cpu_each(mine) * 1e6:,.0f}",
            f"{percentile(waits, 0.5) * 1e3:.2f}" if waits else "",
            f"{percentile(waits, 0.99) * 1e3:.2f}" if waits else "",
            contender.durability,
            contender.note,
            style="bold" if contender.name.startswith("muralist") else "",
        )
    console.print(table)


def backlog(
    console: Console, kinds: Sequence[queues.Kind], backlogs: Sequence[int], turns: Turns
) -> None:
    """Claim and finish: one line a kind, its rate at each backlog, and the cost of the longest."""
    table = Table(
        title="Claim and finish one job, by what waits behind it",
        title_justify="left",
        title_style="bold",
        header_style="dim",
    )
    table.add_column("")
    for count in backlogs:
        table.add_column(f"{count:,} wait", justify="right")
    table.add_column(f"wall, {backlogs[-1]:,} / {backlogs[0]:,}", justify="right")
    table.add_column("CPU, likewise", justify="right")
    table.add_column("durability")
    table.add_column("what it does", style="dim")
    for kind in kinds:
        names = [queues.name(kind.name, count) for count in backlogs]
        table.add_row(
            kind.name,
            *(f"{median_rate(turns[each]):,.0f}/s" for each in names),
            str(ratio(turns, names[-1], names[0], of=wall_each)),
            str(ratio(turns, names[-1], names[0], of=cpu_of)),
            kind.durability,
            kind.note,
            style="bold" if kind.name.startswith("muralist") else "",
        )
    console.print(table)


def wall_each(turn: Turn) -> float:
    return turn.seconds / turn.done


def cpu_of(turn: Turn) -> float:
    return turn.cpu / turn.done


def crowd(console: Console, outcome: Outcome, processes: int) -> None:
    table = Table(
        title=f"{processes} processes on one file",
        title_justify="left",
        title_style="bold",
        show_header=False,
    )
    table.add_column()
    table.add_column(justify="right")
    for line, figure in (
        ("asks", f"{outcome.asks:,}"),
        ("admitted", f"{outcome.admitted:,}"),
        ("let in beyond their quota", f"{outcome.over_admitted}"),
        ("turned away within their quota", f"{outcome.under_admitted}"),
        ("errors, “database is locked” among them", f"{outcome.locked_errors}"),
        ("decided each second, together", f"{outcome.rate:,.0f}"),
        ("slowest process's p99, all as fast as they can", f"{outcome.slowest_p99 * 1e3:,.0f} ms"),
        ("slowest process's p99, at a third of that", f"{outcome.paced_p99 * 1e3:,.0f} ms"),
    ):
        table.add_row(line, figure)
    console.print(table)


def fairness(console: Console, size: Size, outcome: fair.Outcome) -> None:
    table = Table(title="The line", title_justify="left", title_style="bold", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    first = f"of the first {outcome.claims:,} claims, one who asked {size.wishes:,} times before"
    for line, figure in (
        (f"{first} {size.people:,} others", f"{outcome.heavy}"),
        ("shares of tiers of weight 1 : 4 : 16, worst error", f"{outcome.weight_error:.2%}"),
        ("Jain's index among the accounts of a tier, worst", f"{outcome.jain:.5f}"),
        (
            f"share of a guild of {50 * size.guilds:,} aliases beside {size.guilds} guilds",
            f"{outcome.alias_share:.2%} of {outcome.guild_share:.2%} due",
        ),
    ):
        table.add_row(line, figure)
    console.print(table)
