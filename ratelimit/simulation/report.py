"""A run in words: sentences, tables, and a page that needs nothing but itself."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from data.words import Say, Tier
from ratelimit import durations
from ratelimit.simulation import charts, figures
from ratelimit.simulation.charts import NAMES, Run
from ratelimit.simulation.record import EXPIRED, FAILED, Record

#: Why people were put off, in the words of a report; others keep their own.
REASONS: dict[str, str] = {
    Say.DAILY_QUOTA: "had had their pictures of the day",
    Say.NOT_OPEN: "asked before their tier opened",
    Say.OVERLOADED: "met a temporary limit",
    Say.BURST: "asked too often in a moment",
    Say.IN_HAND: "had as many in the line as they may",
    Say.CIRCLE_QUOTA: "were of a guild that had had its pictures of the day",
    Say.TOTAL_QUOTA: "came when the pictures of the day were gone",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One figure at the top of the page, and what first come, first served makes of it."""

    label: str
    figure: str
    beside: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A tier in the table: ours, and the same figure of first come, first served."""

    tier: str
    asked: str
    admitted: str
    p50: str
    p95: str
    p99: str
    fifo_p50: str
    fifo_p95: str


def headline(run: Run) -> list[str]:
    """What happened, in a few sentences."""
    record, gpus = run.ours, run.scenario.gpus
    people = sum(crowd.people for crowd in run.scenario.crowds)
    size = "" if run.scenario.scale == 1 else f", at {run.scenario.scale:.3g} of its size"
    put_off = int((~record.admitted).sum())
    about = (
        f"{len(record.at):,} wishes of {people:,} people in {durations.words(record.lasts)},"
        f" {gpus.count} GPU{'' if gpus.count == 1 else 's'} for {gpus.pictures_per_second:.2g}"
        f" pictures a second{size}."
    )
    outcome = (
        f"{int(record.delivered.sum()):,} pictures were delivered; {put_off:,} wishes were put off,"
        " each with the reason and the time to come again."
    )
    sentences = [about, outcome]
    sentences += [
        f"{name}: 95 % had their picture within {_span(ours)}"
        f" (first come, first served: {_span(fifo)})."
        for name, ours, fifo in _p95(run)
    ]
    return sentences + verdict(run)


def verdict(run: Run) -> list[str]:
    """How good it was, and whether what people were told came true."""
    return [*_spent(run), *_kept(run), _ledger(run)]


def cards(run: Run) -> list[Card]:
    """The few figures to be seen first."""
    shown = [
        Card(
            label="pictures delivered",
            figure=f"{int(run.ours.delivered.sum()):,}",
            beside=f"first come, first served: {int(run.fifo.delivered.sum()):,}",
        )
    ]
    shown += [
        Card(
            label=f"{name}: 95 % had it within",
            figure=_span(ours),
            beside=f"first come, first served: {_span(fifo)}",
        )
        for name, ours, fifo in _p95(run)
    ]
    spent = figures.goodput(run.ours)
    if spent is not None:
        shown.append(
            Card(
                label="of GPU time well spent",
                figure=_percent(spent[0]),
                beside=f"at worst {_percent(spent[1])} for ten minutes",
            )
        )
    told = figures.estimates(run.promised)
    if told is not None:
        shown.append(
            Card(
                label="came when they were told",
                figure=_percent(told.came_true),
                beside="the goal: 90 %",
            )
        )
    return shown


def lines(run: Run) -> list[Line]:
    """The table by tier."""
    others = {waits.tier: waits for waits in figures.by_tier(run.fifo)}
    return [
        Line(
            tier=NAMES[waits.tier],
            asked=f"{waits.asked:,}",
            admitted=f"{waits.admitted:,}",
            p50=_span(waits.p50),
            p95=_span(waits.p95),
            p99=_span(waits.p99),
            fifo_p50=_span(others[waits.tier].p50) if waits.tier in others else "–",
            fifo_p95=_span(others[waits.tier].p95) if waits.tier in others else "–",
        )
        for waits in figures.by_tier(run.ours)
    ]


def put_off(record: Record) -> list[tuple[str, int]]:
    """Why, most frequent first."""
    counts = Counter(str(reason) for reason in record.reason[~record.admitted])
    return [(REASONS.get(reason, reason), count) for reason, count in counts.most_common()]


def write(run: Run, folder: Path, name: str) -> tuple[Path, Path]:
    """The page and the picture of a run, in `folder`; returns where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    picture, page = folder / f"{name}.png", folder / f"{name}.html"
    charts.poster(run, picture, headline(run))
    page.write_text(_page(run, name), encoding="utf-8")
    return page, picture


def _page(run: Run, name: str) -> str:
    from jinja2 import Environment, FileSystemLoader

    here = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True
    )
    return here.get_template("report.html").render(
        run=run,
        name=name,
        headline=headline(run),
        verdict=verdict(run),
        cards=cards(run),
        lines=lines(run),
        reasons=put_off(run.ours),
        failed=int((run.ours.outcome == FAILED).sum()),
        expired=int((run.ours.outcome == EXPIRED).sum()),
        measures=[
            (NAMES[m.tier], m.words, _span(m.begins), _span(m.ends - m.begins))
            for m in run.ours.measures
        ],
        gpus=run.scenario.gpus,
        charts={
            "wishes": charts.svg(charts.wishes_chart, run),
            "waits": charts.svg(charts.waits_chart, run),
            "line": charts.svg(charts.line_chart, run),
            "measures": charts.svg(charts.measures_chart, run),
            "crowds": charts.svg(charts.crowds_chart, run),
        },
    )


def _p95(run: Run) -> list[tuple[str, float, float]]:
    """Those who pay and those who don't: within what 95 % had their picture, here and there."""
    both = [
        (name, _within(run.ours, paying=paying), _within(run.fifo, paying=paying))
        for name, paying in (("Who pays", True), ("Free", False))
    ]
    return [(name, ours, fifo) for name, ours, fifo in both if not math.isnan(ours)]


def _within(record: Record, *, paying: bool) -> float:
    return figures.spread(record, (record.tier != Tier.FREE) == paying)[1]


def _spent(run: Run) -> list[str]:
    spent, busy = figures.goodput(run.ours), figures.busy(run.ours)
    if spent is None or busy is None:
        return []
    return [
        (
            f"While people had to wait, {_percent(spent[0])} of the GPUs' time went into pictures"
            f" that arrived ({_percent(spent[1])} in the worst ten minutes), and {_idle(busy)}."
        )
    ]


def _kept(run: Run) -> list[str]:
    """Whether what people were told came true."""
    sentences = []
    told, again = figures.estimates(run.promised), figures.let_in_again(run.ours)
    if told is not None:
        sentences.append(f"{_percent(told.came_true)} came when they were told.")
        if told.long:
            sentences.append(
                f"Of those who waited for more than a minute {_percent(told.long_came_true)} did;"
                f" half were told an interval such as {_such_as(told.wider)}, or a narrower one."
            )
    if again is not None:
        sentences.append(
            f"Of {again[0]:,} whom a temporary limit put off and who came again when told"
            f" {_percent(again[1])} were let in."
        )
    return sentences


def _such_as(wider: float) -> str:
    """An interval around ten minutes whose end is so many times its beginning."""
    half = math.sqrt(wider)
    return f"{10 / half:.0f} to {10 * half:.0f} minutes"


def _ledger(run: Run) -> str:
    if run.flaws:
        return f"THE LEDGER DOES NOT BALANCE: {run.flaws[0]}"
    failed = int((run.ours.pass_drawn - run.ours.pass_delivered).sum())
    return f"The ledger balances; {failed:,} drawings failed, and nobody was charged for one."


def _span(seconds: float) -> str:
    return "–" if math.isnan(seconds) else durations.words(seconds)


def _idle(busy: tuple[float, float]) -> str:
    idle = [_percent(max(0.0, 1 - share)) for share in busy]
    if idle[1] == "0 %":
        return "none of it was idle"
    return f"{idle[0]} of it was idle (at worst {idle[1]})"


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %".replace(".0 %", " %")
