"""Pictures of what happened. matplotlib is imported only when one is drawn."""

from __future__ import annotations

import contextlib
import io
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data.promises import Kept
from data.words import MuralistError, Tier
from ratelimit import durations
from ratelimit.simulation import figures
from ratelimit.simulation.record import Floats, Record
from ratelimit.simulation.scenario import Scenario

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Told apart by people who see colours differently, too; the free tier is the warm one.
COLOURS = {
    Tier.FREE: "#e07b39",
    Tier.PLUS: "#2f6db3",
    Tier.PRO: "#1d3f72",
    Tier.TEAM: "#2a9d8f",
    Tier.ENTERPRISE: "#7b4fa3",
    Tier.EDU: "#8a9a2b",
}
NAMES = {
    Tier.FREE: "Free",
    Tier.PLUS: "Plus",
    Tier.PRO: "Pro",
    Tier.TEAM: "Team",
    Tier.ENTERPRISE: "Enterprise",
    Tier.EDU: "Edu",
}
INK, FAINT, PAPER, LINE = "#22252b", "#6b7280", "#ffffff", "#d9dce3"
ADMITTED, PUT_OFF, CAPACITY = "#2a9d8f", "#e9c9b1", "#22252b"

#: Letters in a line of a poster's text.
WIDTH = 140

#: Ticks of an axis of waits, in seconds.
WAITS = (1, 3, 10, 30, 60, 180, 600, 1_800, 3_600, 10_800, 36_000, 86_400, 259_200)

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same everywhere
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": FAINT,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#eceef2",
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "ytick.left": False,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "svg.hashsalt": "muralist",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is drawn: ours, and first come, first served, on the same wishes.

    `flaws` are what the audit of the ledger found, `charged` are the units that people
    paid. `promised` is what they were told of when their pictures would come.
    """

    scenario: Scenario
    ours: Record
    fifo: Record
    flaws: Sequence[str] = ()
    charged: int = 0
    promised: Sequence[Kept] = ()

    @property
    def tiers(self) -> list[Tier]:
        """Those anybody of whom asked, the dearest last."""
        return [tier for tier in Tier if self.ours.of_tier(tier).any()]


Draw = Callable[["Axes", Run], None]


def svg(draw: Callable[[Run], Figure], run: Run) -> str:
    """One chart, to be put into a page."""
    with _styled():
        drawn = draw(run)
        buffer = io.StringIO()
        drawn.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def poster(run: Run, path: Path, headline: Sequence[str]) -> None:
    """Everything on one sheet, as PNG."""
    with _styled() as pyplot:
        figure = pyplot.figure(figsize=(12, 15), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.25, h_pad=0.12, hspace=0.02)
        sheet = figure.add_gridspec(5, 2, height_ratios=(1.15, 2, 2.3, 1.9, 1.3))
        _headline(figure.add_subplot(sheet[0, :]), run, headline)
        _titled(figure.add_subplot(sheet[1, :]), "Wishes each second", wishes, run)
        left = figure.add_subplot(sheet[2, 0])
        _both_waits(left, figure.add_subplot(sheet[2, 1], sharey=left), run)
        _titled(figure.add_subplot(sheet[3, :]), "People in the line", line, run)
        _titled(figure.add_subplot(sheet[4, :]), "What was in force", measures, run)
        figure.savefig(path, dpi=130)


def wishes_chart(run: Run) -> Figure:
    return _chart(run, wishes, height=3.0)


def line_chart(run: Run) -> Figure:
    return _chart(run, line, height=2.8)


def measures_chart(run: Run) -> Figure:
    return _chart(run, measures, height=0.9 + 0.32 * len(run.tiers))


def crowds_chart(run: Run) -> Figure:
    return _chart(run, crowds, height=1.0 + 0.6 * len(run.scenario.crowds))


def waits_chart(run: Run) -> Figure:
    """Ours and first come, first served, side by side on one scale."""
    figure: Figure = _pyplot().figure(figsize=(10.5, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _both_waits(left, right, run)
    return figure


def wishes(axes: Axes, run: Run) -> None:
    """How many asked, how many of them were let in, and what the GPUs can draw."""
    record, steps = run.ours, figures.edges(run.ours)
    middle = (steps[:-1] + steps[1:]) / 2
    let_in = figures.per_second(record.at[record.admitted], steps)
    put_off = figures.per_second(record.at[~record.admitted], steps)
    axes.stackplot(
        middle, let_in, put_off, colors=(ADMITTED, PUT_OFF), linewidth=0, step="mid", alpha=0.95
    )
    capacity = _capacity(run, steps)
    axes.step(middle, capacity, where="mid", color=CAPACITY, linewidth=1.2, linestyle=(0, (4, 2)))
    _legend(
        axes,
        (
            ("let into the line", ADMITTED, "s"),
            ("put off, told why and until when", PUT_OFF, "s"),
            ("what the GPUs can draw", CAPACITY, "--"),
        ),
    )
    axes.set_ylim(bottom=0)
    _time(axes, run)


def _both_waits(left: Axes, right: Axes, run: Run) -> None:
    waits(left, run, run.ours, "Until the picture came: Muralist")
    waits(right, run, run.fifo, "First come, first served")
    right.tick_params(labelleft=False)
    handles, names = left.get_legend_handles_labels()
    # In our own chart there is room at the top: that is the point of it.
    left.legend(handles, names, loc="upper right", ncols=2, fontsize=8, frameon=False)
    left.set_xlabel(
        "line: half of those who asked then · shade: up to 95 %", fontsize=7.5, loc="left"
    )


def waits(axes: Axes, run: Run, record: Record, title: str) -> None:
    """The median of each tier's waits as a line, up to their 95th percentile as a shade."""
    steps = figures.edges(record)
    middle = (steps[:-1] + steps[1:]) / 2
    for tier in run.tiers:
        among = record.of_tier(tier)
        median = figures.wait_curve(record, among, steps, 50)
        most = figures.wait_curve(record, among, steps, 95)
        axes.fill_between(middle, median, most, color=COLOURS[tier], alpha=0.16, linewidth=0)
        axes.plot(middle, most, color=COLOURS[tier], linewidth=0.6, alpha=0.6)
        axes.plot(middle, median, color=COLOURS[tier], linewidth=1.8, label=NAMES[tier])
    axes.set_title(title)
    axes.set_yscale("log")
    both = (run.ours, run.fifo)
    longest = max(float(np.nanmax(each.ended - each.at, initial=1.0)) for each in both)
    ticks = [wait for wait in WAITS if wait <= longest * 2]
    axes.set_yticks(ticks, [durations.words(wait) for wait in ticks])
    axes.minorticks_off()
    _time(axes, run, most=5)


def line(axes: Axes, run: Run) -> None:
    """How many wait, by tier; first come, first served as an outline."""
    steps = figures.edges(run.ours)
    columns = [figures.in_line(run.ours, run.ours.of_tier(tier), steps) for tier in run.tiers]
    axes.stackplot(
        steps, *columns, colors=[COLOURS[tier] for tier in run.tiers], linewidth=0, alpha=0.9
    )
    everybody = np.ones(len(run.fifo.at), dtype=bool)
    others = figures.in_line(run.fifo, everybody, steps)
    axes.plot(steps, others, color=FAINT, linewidth=1.1, linestyle=(0, (4, 2)))
    _legend(
        axes,
        [
            *((NAMES[tier], COLOURS[tier], "s") for tier in run.tiers),
            ("first come, first served", FAINT, "--"),
        ],
    )
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(lambda count, _position: f"{count:,.0f}")
    _time(axes, run)


#: How each kind of measure looks: colour and hatch.
KINDS = {
    "closed": ("#eef0f4", "////", "not open yet"),
    "lowered": ("#f6dfae", "", "less effort a picture"),
    "limited": ("#d1495b", "", "temporary limit"),
}


def measures(axes: Axes, run: Run) -> None:
    """A lane for each tier: when it was closed, drawn with less effort, or limited."""
    lanes = {tier: n for n, tier in enumerate(run.tiers)}
    for tier, lane in lanes.items():
        axes.barh(lane, run.ours.lasts, color="#eaf5f3", height=0.62, zorder=1)
        axes.hlines(lane, 0, run.ours.lasts, color=COLOURS[tier], linewidth=1.2, zorder=2)
    for measure in run.ours.measures:
        if measure.tier in lanes:
            colour, hatch, _words = KINDS[measure.kind]
            axes.barh(
                lanes[measure.tier],
                measure.ends - measure.begins,
                left=measure.begins,
                height=0.62,
                color=colour,
                hatch=hatch,
                edgecolor=LINE if hatch else colour,
                linewidth=0,
                zorder=3 + list(KINDS).index(measure.kind),
            )
    axes.set_yticks(list(lanes.values()), [NAMES[tier] for tier in lanes])
    axes.set_ylim(-0.6, len(lanes) - 0.4)
    axes.grid(visible=False)
    present = {measure.kind for measure in run.ours.measures}
    _legend(
        axes,
        [
            ("open", "#cfe8e4", "s"),
            *(
                (words, colour, "s")
                for kind, (colour, _, words) in KINDS.items()
                if kind in present
            ),
        ],
    )
    _time(axes, run)


def crowds(axes: Axes, run: Run) -> None:
    """Each crowd's waits, from the median to the 95th percentile, above those of first come."""
    names = [crowd.name for crowd in run.scenario.crowds]
    for number, crowd in enumerate(run.scenario.crowds):
        lane = len(names) - 1 - number
        mine = figures.spread(run.ours, run.ours.crowd == number)
        others = figures.spread(run.fifo, run.fifo.crowd == number)
        for (half, most), at, colour in (
            (mine, lane + 0.14, COLOURS[crowd.tier]),
            (others, lane - 0.16, "#b6bac3"),
        ):
            axes.hlines(at, half, most, color=colour, linewidth=7)
            axes.plot(half, at, "o", ms=7, color=colour, mec=PAPER, mew=1.2, zorder=3)
            if np.isfinite(most):
                axes.annotate(
                    durations.words(most),
                    (most, at),
                    xytext=(8, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=7.5,
                    color=INK if at > lane else FAINT,
                )
    axes.set_yticks(range(len(names)), names[::-1])
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.set_xscale("log")
    least, most = axes.get_xlim()
    ticks = [wait for wait in WAITS if least <= wait <= most]
    axes.set_xticks(ticks, [durations.words(wait) for wait in ticks])
    axes.set_xlim(least, most * 2)
    axes.minorticks_off()
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    _legend(
        axes,
        (
            ("Muralist, from half of them to 95 %", INK, "●"),
            ("first come, first served", "#b6bac3", "●"),
        ),
    )


def _capacity(run: Run, steps: Floats) -> Floats:
    gpus = run.scenario.gpus
    each = gpus.pictures_per_second / gpus.count
    counts = [figures.gpus_at(run.ours.gpus, moment) for moment in steps[:-1]]
    rates: Floats = np.array(counts, dtype=float) * each
    return rates


def _chart(run: Run, draw: Draw, height: float) -> Figure:
    figure: Figure = _pyplot().figure(figsize=(10.5, height), layout="constrained")
    draw(figure.add_subplot(), run)
    return figure


def _titled(axes: Axes, title: str, draw: Draw, run: Run) -> None:
    draw(axes, run)
    axes.set_title(title)


def _headline(axes: Axes, run: Run, headline: Sequence[str]) -> None:
    axes.axis("off")
    axes.text(0, 1.0, run.scenario.title, fontsize=21, fontweight="bold", va="top")
    text = "\n".join(line for sentence in headline for line in textwrap.wrap(sentence, WIDTH))
    axes.text(0, 0.68, text, fontsize=10.5, va="top", linespacing=1.5, color=INK)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)


def _time(axes: Axes, run: Run, most: int = 11) -> None:
    """Clock times below, days where it lasts for days; about `most` of them."""
    lasts, began = run.scenario.lasts, run.scenario.began
    axes.set_xlim(0, lasts)
    width = next(
        w
        for w in (600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 172_800, 1e9)
        if lasts / w <= most
    )
    first = -began % width
    ticks = np.arange(first, lasts + 1, width)
    axes.set_xticks(ticks, [_clock(began + tick, width) for tick in ticks])
    axes.tick_params(axis="x", length=3)


def _clock(moment: float, width: float) -> str:
    at = datetime.fromtimestamp(moment, UTC)
    if width >= 86_400:
        return f"{at:%a} {at.day} {at:%b}"
    if at.hour == 0 and at.minute == 0:
        return f"{at:%H:%M}\n{at:%a} {at.day} {at:%b}"
    return f"{at:%H:%M}"


def _legend(axes: Axes, entries: Sequence[tuple[str, str, str]]) -> None:
    """Above the chart, at the right, in one line."""
    from matplotlib.lines import Line2D

    looks: dict[str, dict[str, Any]] = {
        "s": {"marker": "s", "linestyle": "", "markersize": 7},
        "●": {"marker": "o", "linestyle": "", "markersize": 7},
        "-": {"linestyle": "-", "linewidth": 2},
        "--": {"linestyle": (0, (4, 2)), "linewidth": 1.2},
    }
    handles = [
        Line2D([], [], color=colour, label=label, **looks[look]) for label, colour, look in entries
    ]
    axes.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=len(handles),
        frameon=False,
        fontsize=8,
        handlelength=1.4,
        columnspacing=1.2,
        borderpad=0.1,
    )


def _pyplot() -> Any:
    try:
        import matplotlib as mpl
    except ImportError:
        raise MuralistError(
            "Charts need matplotlib: install it with pip install -e '.[simulate]'."
        ) from None
    mpl.use("Agg")
    from matplotlib import pyplot

    return pyplot


@contextlib.contextmanager
def _styled() -> Iterator[Any]:
    """Our look for the length of a block, and no figure left open behind it."""
    pyplot = _pyplot()
    with pyplot.rc_context(_STYLE):
        try:
            yield pyplot
        finally:
            pyplot.close("all")
