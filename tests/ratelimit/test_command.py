"""`python -m ratelimit` beside a running bot: what it changes is in force with the next wish."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from data import ledger, mentions, store, terms
from data.store import Connection, connect
from data.words import Decision, Refuse, Say, Tier
from ratelimit import policy
from ratelimit.__main__ import main
from ratelimit.admission import admit
from tests.conftest import a_mention, a_prompt, an_account

POLICIES = policy.load(["rollout", "daily", "guild", "total", "overload"])


class Desk:
    """A database and somebody who types."""

    def __init__(self, path: Path) -> None:
        store.migrate(path)
        self._path = path
        self._asked = 0

    def say(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["--database", str(self._path), *words])

    def done(self, *words: str) -> str:
        result = self.say(*words, "--why", "a test", "--by", "sam")
        assert result.exit_code == 0, result.output
        return result.output

    @contextlib.contextmanager
    def act(self) -> Iterator[Connection]:
        with contextlib.closing(connect(self._path)) as c:
            c.execute("BEGIN IMMEDIATE")
            yield c
            c.execute("COMMIT")

    def ask(self, who: str = "ada") -> Decision | None:
        self._asked += 1
        with self.act() as c:
            now = time.time()
            mention = a_mention(str(self._asked), who)
            (received,) = mentions.receive(c, "sandbox", [mention], None, now)
            return admit(c, received, a_prompt(), 7, None, POLICIES, now)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "muralist.db")


def said(decision: Decision | None) -> Say | None:
    return decision.say if isinstance(decision, Refuse) else None


def test_a_tier_is_changed_live_and_put_back(desk: Desk) -> None:
    assert "daily 1" in desk.done("tiers", "set", "free", "--daily", "1")
    assert [said(desk.ask()) for _ in range(2)] == [None, Say.DAILY_QUOTA]
    assert "3" in desk.done("tiers", "set", "free", "--reset")
    assert said(desk.ask()) is None
    desk.done("tiers", "set", "free", "--opens-at", "2d", "--weight", "2")
    assert said(desk.ask("noor")) is Say.NOT_OPEN
    shown = desk.say("tiers").output
    assert all(tier in shown for tier in ("free", "plus", "edu"))


def test_people_lists_and_guilds_are_given_tiers(desk: Desk, tmp_path: Path) -> None:
    listed = tmp_path / "class.txt"
    listed.write_text("sandbox:noor  # third row\n\nsandbox:inés\n", encoding="utf-8")
    told = desk.done("tiers", "assign", "edu", "sandbox:ada", "--list", str(listed))
    assert told == "edu: 3 accounts.\n"
    desk.done("tiers", "assign", "pro", "--guild", "sandbox", "--until", "30d")
    with desk.act() as c:
        assert ledger.tier_of(c, an_account("inés")) is Tier.EDU
    assert desk.say("quota", "sandbox:ada").output.startswith("pro: 200 a day. Used 0")
    with desk.act() as c:
        terms.assign(c, an_account("kenji"), Tier.PRO, "x", "a week", 0.0, until=time.time() - 1)
        terms.assign_circle(c, "sandbox", None, "x", "over", 0.0)
    assert desk.say("quota", "sandbox:kenji").output.startswith("free: 3 a day")


def test_a_limit_is_announced_shown_and_lifted(desk: Desk) -> None:
    told = desk.say(
        *["announce", "free", "--daily", "1", "--until", "2d", "--by", "sam"],
        *["--reason", "our GPUs are melting"],
    )
    assert told.output.startswith("free: 1 a day until 2")
    assert [said(desk.ask()) for _ in range(2)] == [None, Say.OVERLOADED]
    assert "our GPUs are melting" in desk.say("status").output
    assert "left 0" in desk.say("quota", "sandbox:ada").output
    desk.done("lift", "free")
    assert said(desk.ask()) is None


def test_caps_bind_everybody_together(desk: Desk) -> None:
    desk.done("cap", "circle", "*", "--daily", "2")
    assert [said(desk.ask(f"p{n}")) for n in range(3)] == [None, None, Say.CIRCLE_QUOTA]
    desk.done("cap", "circle", "sandbox", "--daily", "9")
    desk.done("cap", "total", "--daily", "3")
    assert [said(desk.ask(f"q{n}")) for n in range(2)] == [None, Say.TOTAL_QUOTA]
    desk.done("cap", "total")
    assert said(desk.ask("q9")) is None
    desk.done("weight", "sandbox", "2.5")


def test_every_change_is_kept_with_who_and_why(desk: Desk) -> None:
    desk.done("tiers", "set", "free", "--daily", "5")
    desk.done("cap", "total", "--daily", "3")
    lines = desk.say("changes").output.splitlines()
    assert [line.split("  ")[1] for line in lines] == [
        "sam: cap total (daily 3) a test",
        "sam: tier free (daily 5) a test",
    ]
    assert desk.say("audit").output == "Every balance is the sum of its charges.\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["tiers", "set", "free", "--why", "x"], "Say what to change"),
        (["tiers", "set", "free", "--daily", "-1", "--why", "x"], "makes no sense"),
        (["tiers", "set", "free", "--daily", "5"], "--why"),
        (["tiers", "assign", "pro", "ada", "--why", "x"], "platform:user_id"),
        (["tiers", "assign", "pro", "--why", "x"], "Say whom"),
        (["cap", "total", "x", "--daily", "1", "--why", "x"], "the total has none"),
        (["lift", "free", "--why", "x"], "Nobody has limited free"),
        (
            ["announce", "free", "--daily", "1", "--until", "soon", "--reason", "x"],
            "neither a span",
        ),
        (
            ["announce", "free", "--daily", "1", "--until", "2001-01-01", "--reason", "x"],
            "lies in the past",
        ),
        (["quota", "ada"], "sandbox:ada"),
    ],
)
def test_nonsense_is_answered_with_the_remedy(desk: Desk, words: list[str], told: str) -> None:
    result = desk.say(*words)
    assert result.exit_code != 0
    assert told in result.output
    assert desk.say("changes").output == ""


def test_without_a_database_there_is_one_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--database", str(tmp_path / "none.db"), "status"])
    assert "start the bot, or say --database" in result.output


def test_the_simulator_and_the_planner_are_commands(desk: Desk) -> None:
    help_text = desk.say("--help").output
    assert "simulate" in help_text
    assert "plan" in help_text
