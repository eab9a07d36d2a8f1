"""The simulator's own parts, and the figures it exists for, at a small size."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from data.words import TemporaryLimit, Tier
from ratelimit import durations, planner
from ratelimit.__main__ import main
from ratelimit.simulation import figures, measures, report, scenario, trial
from ratelimit.simulation import traffic as traffics
from ratelimit.simulation.charts import Run
from ratelimit.simulation.fifo import Fifo
from ratelimit.simulation.play import play
from ratelimit.simulation.record import (
    DELIVERED,
    EXPIRED,
    REFUSED,
    WAITING,
    Log,
    Passes,
    Record,
    Wish,
    complete,
)
from ratelimit.simulation.scenario import Crowd, Deal, Gpus, Scenario, ScenarioError
from ratelimit.simulation.world import TOGETHER

#: Draws two pictures at once, in two seconds.
ENGINE = Gpus(count=1, batch=2, steps=1, overhead=0.0, megapixels_per_second=1.048576)

TENS = [float(begin) for begin in range(0, 100, 10)]


def a_scenario(*crowds: Crowd, **fields: Any) -> Scenario:
    given: dict[str, Any] = {"lasts": 600.0, "gpus": ENGINE} | fields
    return Scenario(
        title="A test",
        story="It is played in a moment.",
        starts=datetime(2025, 3, 26, 12, tzinfo=UTC),
        crowds=crowds,
        **given,
    )


def a_record(
    waits: list[tuple[float, float, float]], passes: list[tuple[float, float, int, int]]
) -> Record:
    """Wishes as (asked, claimed, ended), passes as (begins, ends, drawn, delivered)."""
    log, drawn = Log(), Passes()
    for at, claimed, ended in waits:
        wish = log.ask(at, Wish(0, 0, photo=False), "")
        log.take(wish, claimed, 1.0)
        log.end(wish, DELIVERED, ended)
    for each in passes:
        drawn.add(*each)
    return complete(log, drawn, 100.0, [Tier.FREE], ((0.0, 1),))


@pytest.mark.parametrize(
    ("text", "seconds", "words"),
    [
        ("90s", 90, "1 min 30 s"),
        ("1h30m", 5_400, "1 h 30 min"),
        ("2d 6h", 194_400, "2 d 6 h"),
        ("0.5m", 30, "30 s"),
        ("2.5s", 2.5, "2.5 s"),
        ("59.7s", 59.7, "1 min"),
        ("23h 59m 50s", 86_390, "1 d"),
    ],
)
def test_spans_of_time_are_read_and_told(text: str, seconds: float, words: str) -> None:
    assert durations.seconds(text) == seconds
    assert durations.words(seconds) == words


@pytest.mark.parametrize("text", ["", "5", "m5", "5 parsecs", "-3m", "1h 5"])
def test_what_is_no_span_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="is no span of time"):
        durations.seconds(text)


@pytest.mark.parametrize("name", scenario.names())
def test_every_scenario_can_be_read_and_somebody_asks_in_it(name: str) -> None:
    read = scenario.load(name).scaled(0.001)
    wishes = traffics.generate(read)
    assert len(wishes)
    assert (np.diff(wishes.at) >= 0).all()
    assert wishes.at.max() <= read.lasts


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("title = 'x", "could not be read"),
        ("[gpus]\ncount = 0", "gpus.count: Input should be greater than 0"),
        ("lasts = 'soon'", "lasts: 'soon' is no span of time"),
        ("colour = 'red'", "colour: Extra inputs are not permitted"),
    ],
)
def test_a_mistake_in_a_scenario_is_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=sentence):
        scenario.load(str(path))


def test_who_asks_follows_the_curve_and_the_seed() -> None:
    crowd = Crowd(name="a", people=10, wishes_per_hour=((100.0, 3_600.0), (200.0, 3_600.0)))
    wishes = traffics.generate(a_scenario(crowd))
    assert 60 < len(wishes) < 140, "one a second for 100 seconds"
    assert wishes.at.min() >= 100
    assert wishes.at.max() <= 200
    assert np.array_equal(wishes.at, traffics.generate(a_scenario(crowd)).at)
    assert not np.array_equal(wishes.at[:9], traffics.generate(a_scenario(crowd, seed=2)).at[:9])


def test_a_gpu_is_as_slow_as_its_pixels_and_never_quicker_than_its_floor() -> None:
    gpus = Gpus(count=2, batch=8, steps=10, size=1_000, seconds_per_step=0.5,
                megapixels_per_second=4.0, overhead=1.0)  # fmt: skip
    assert gpus.seconds(8, 10, 1_000) == 1 + 10 * 2
    assert gpus.seconds(1, 10, 1_000) == 1 + 10 * 0.5
    assert gpus.seconds(8, 5, 500) == 1 + 5 * 0.5
    assert gpus.pictures_per_second == pytest.approx(2 * 8 / 21)


def test_a_share_of_a_scenario_keeps_the_load_of_each_gpu() -> None:
    whole = scenario.load("flash")
    half = whole.scaled(0.5)
    assert half.gpus.count == whole.gpus.count / 2
    assert [c.people for c in half.crowds] == [c.people / 2 for c in whole.crowds]
    assert half.scale == 0.5


def test_first_come_first_served_serves_in_order_and_keeps_the_quota() -> None:
    played = a_scenario(Crowd(name="a", people=1, at_once=5), tiers={Tier.FREE: Deal(daily=3)})
    record = Fifo(played, traffics.generate(played)).run()
    assert record.outcome.tolist() == [DELIVERED] * 3 + [REFUSED] * 2
    assert record.ended[:3].tolist() == [1.0, 3.0, 3.0]


def test_goodput_is_the_share_of_busy_time_that_came_to_something() -> None:
    always_waiting = [(0.0, 90.0, 100.0)] * 4
    one_idle_in_ten = [(begin, begin + 9.0, 2, 2) for begin in TENS]
    half_failed = [(begin, begin + 10.0, 2, 1) for begin in TENS]
    for passes, expected in ((one_idle_in_ten, 0.9), (half_failed, 0.5)):
        spent = figures.goodput(a_record(always_waiting, passes))
        assert spent is not None
        assert spent[0] == pytest.approx(expected, abs=0.03)
    assert figures.goodput(a_record([(0.0, 0.0, 1.0)], [(0.0, 1.0, 1, 1)])) is None


def test_jains_index() -> None:
    assert figures.jain(np.ones(7)) == pytest.approx(1.0)
    assert figures.jain(np.array([1.0, 0, 0, 0])) == pytest.approx(0.25)


def test_what_expires_is_let_go_once() -> None:
    log = Log()
    for at in (0.0, 1.0, 50.0):
        log.ask(at, Wish(0, 0, photo=False), "")
    log.take(1, 5.0, 1.0)
    log.expire(40.0, 60.0)
    log.expire(40.0, 61.0)
    assert log.outcome[0] == EXPIRED
    assert log.ended[0] == 60.0
    assert log.outcome[1:] != [EXPIRED, EXPIRED]


def test_what_was_decided_later_waits_from_then_on() -> None:
    log = Log()
    log.ask(39.8, Wish(0, 0, photo=False), "", 40.2)
    log.expire(40.0, 60.0)
    assert log.outcome == [WAITING]
    log.expire(40.5, 61.0)
    assert log.outcome == [EXPIRED]


def test_who_asks_at_about_the_same_time_hears_together_and_nobody_is_forgotten(
    tmp_path: Path,
) -> None:
    played = a_scenario(
        Crowd(name="a", people=5_000, wishes_per_hour=3_600.0),
        Crowd(name="the last", people=20, begins=599.9, at_once=20),
        gpus=ENGINE.model_copy(update={"count": 200}),
        melting=False,
    )
    run = play(played, tmp_path / "together.db")
    ours = run.ours
    assert len(ours.at) == len(run.fifo.at)
    assert (np.diff(ours.at) >= 0).all()
    until_claimed = ours.claimed - ours.at
    assert until_claimed.min() >= 0
    assert until_claimed.max() <= TOGETHER + 1e-6
    assert len(np.unique(ours.claimed)) < 0.9 * len(ours.at)


def test_measures_tell_when_each_tier_was_lowered_and_limited() -> None:
    played = a_scenario(Crowd(name="a", people=1), tiers={Tier.EDU: Deal(opens=60.0)})
    seen = measures.Measures(played)
    for at, rung in ((0.0, 0), (5.0, 1), (10.0, 1), (15.0, 0)):
        seen.look(at, rung)
    limit = TemporaryLimit(
        id=1, tier=Tier.FREE, reason="", since=played.began + 7, until=played.began + 607,
        by="melting", backlog=40.0, lifted_at=played.began + 20,
    )  # fmt: skip
    found = seen.all([limit], played)
    assert ("closed", Tier.EDU, 0.0, 60.0) in [(m.kind, m.tier, m.begins, m.ends) for m in found]
    (lowered,) = [m for m in found if m.kind == "lowered" and m.tier is Tier.FREE]
    assert (lowered.begins, lowered.ends) == (5.0, 15.0)
    (limited,) = [m for m in found if m.kind == "limited"]
    assert (limited.begins, limited.ends) == (7.0, 20.0)
    assert "40 may wait" in limited.words


@pytest.fixture(scope="module")
def flash(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A hundred times as many wishes as usual for five minutes, and an hour to recover."""
    played = a_scenario(
        Crowd(name="Plus", tier=Tier.PLUS, people=50, wishes_per_hour=200),
        Crowd(name="Crowd", people=2_000, wishes_per_hour=((300.0, 12_000.0), (600.0, 12_000.0))),
        lasts=2_400.0,
        gpus=ENGINE.model_copy(update={"megapixels_per_second": 0.262144, "batch": 4}),
    )
    return play(played, tmp_path_factory.mktemp("flash") / "flash.db")


def test_a_flash_crowd_keeps_who_pays_under_target_and_the_engine_busy(flash: Run) -> None:
    ours, fifo = flash.ours, flash.fifo
    paying = ours.of_tier(Tier.PLUS)
    target = flash.scenario.terms(Tier.PLUS).wait
    assert np.percentile(ours.waits(paying), 95) < target
    assert np.percentile(fifo.waits(fifo.of_tier(Tier.PLUS)), 95) > 3 * target
    free = ours.of_tier(Tier.FREE)
    assert np.percentile(ours.waits(free), 99) < 2 * flash.scenario.terms(Tier.FREE).wait
    spent = figures.goodput(ours)
    assert spent is not None
    assert spent[0] >= 0.97
    assert flash.flaws == []
    assert flash.charged == ours.delivered.sum()


def test_the_report_stands_alone_and_says_what_happened(flash: Run, tmp_path: Path) -> None:
    page, picture = report.write(flash, tmp_path, "flash")
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == 5
    for elsewhere in ("<script", "<link", "src=", "@import"):
        assert elsewhere not in text
    for sentence in report.headline(flash)[-1:]:
        assert sentence.replace("'", "&#39;") in text
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_one_person_with_many_wishes_waits_behind_everybody_else(tmp_path: Path) -> None:
    """The small size of 50,000 wishes before 9,999 people; `simulate heavy` has the whole."""
    played = a_scenario(
        Crowd(name="One", people=1, at_once=300),
        Crowd(name="Many", people=60, begins=1.0, at_once=60),
        policies=(),
        melting=False,
    )
    run = play(played, tmp_path / "heavy.db")
    claims = np.argsort(np.where(run.ours.crowd == 1, run.ours.claimed, np.inf))[:60]
    last_of_many = run.ours.claimed[claims].max()
    people = len(set(run.ours.person[run.ours.crowd == 1]))
    heavy = (run.ours.crowd == 0) & (run.ours.claimed < last_of_many)
    assert people > 30
    assert heavy.sum() <= 60 + 2 * ENGINE.batch
    assert (run.fifo.ended[run.fifo.crowd == 1] > 290).all()


def test_the_plan_says_its_arithmetic_and_keeps_its_promise(tmp_path: Path) -> None:
    made = planner.plan(planner.Need(pictures_per_second=2, people=50_000, wait=300))
    assert (made.free, made.paid, made.line, made.share) == (5, 50, 600, 1.0)
    assert made.promised == pytest.approx(2 * 86_400 * 0.9 / 2)
    assert made.wanted <= made.promised
    assert any("77,760" in sentence for sentence in planner.explain(made))
    assert planner.commands(made)[0].startswith("python -m ratelimit tiers set free --daily 5 ")
    small = planner.plan(planner.Need(pictures_per_second=0.05, people=1_250, wait=300))
    run = play(trial.scenario(small).scaled(0.25), tmp_path / "trial.db")
    assert len(run.ours.at) > 100
    assert trial.findings(run, small)


def test_where_not_everybody_can_have_one_a_share_is_let_in_and_where_nobody_can_it_is_said() -> (
    None
):
    made = planner.plan(planner.Need(pictures_per_second=0.1, people=50_000, wait=300, paying=0.01))
    assert made.free == 1
    assert 0 < made.share < 1
    assert made.wanted == pytest.approx(made.promised)
    with pytest.raises(planner.PlanError, match="pictures a second to serve only them"):
        planner.plan(planner.Need(pictures_per_second=0.01, people=50_000, wait=300))


def test_the_commands_answer_in_words() -> None:
    listed = CliRunner().invoke(main, ["simulate", "--list"])
    assert "a famous account" in listed.output
    wrong = CliRunner().invoke(main, ["simulate", "nothing"])
    assert wrong.exit_code == 1
    assert "There is no scenario 'nothing'. There is: " in wrong.output
    asked = ["plan", "--pictures-per-second", "2", "--people", "50000", "--no-check"]
    planned = CliRunner().invoke(main, asked)
    assert planned.exit_code == 0
    assert "5 a day for free accounts" in " ".join(planned.output.split())
    bad = CliRunner().invoke(main, [*asked, "--target-wait", "soon"])
    assert "is no span of time" in bad.output
