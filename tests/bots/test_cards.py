"""The words of moderators' cards: what is open, what is over, and nobody's words pass for ours."""

from __future__ import annotations

import dataclasses

import pytest

from bots import cards
from bots.platforms._discord.delivery import escaped
from data.cards import Held
from data.casebook import Row
from data.cases import Case, Kind, Outcome
from tests.conftest import NOON, an_account

NAMES = {"discord:7": "<@7>", "key": "Mo"}
HOLD = Held(
    job_id=3,
    mention_id=5,
    needed=2,
    held_at=NOON,
    rule="violence.close",
    category="violence",
    reason="it may be cruel",
    claimed_by="key",
    approvals=("discord:7",),
    outcome=None,
    ended_by=None,
)
CASE = Case(
    id=9,
    kind=Kind.REPORT,
    mention_id=5,
    job_id=3,
    account=an_account("cy"),
    words="not nice",
    opened_at=NOON,
    claimed_by=None,
    closed_at=None,
    closed_by=None,
    outcome=None,
    reason=None,
)
ROW = Row(
    id=5,
    job=3,
    platform="x",
    user_id="1",
    handle="ada",
    tier="plus",
    guild=None,
    model=None,
    rule=None,
    state="held",
    reported=0,
    at=NOON,
    wish="a red fox",
    style=None,
    reason=None,
    photo="ab",
    pictures=(),
    claimed_by=None,
    reply=None,
)


def held(hold: Held = HOLD, row: Row | None = ROW) -> str:
    return cards.held(hold, row, names=NAMES, since="<then>", until="<later>", escape=escaped)


def reported(case: Case = CASE, row: Row | None = ROW) -> str:
    return cards.reported(case, row, names=NAMES, since="<then>", link="https://l", escape=escaped)


def test_a_hold_tells_who_what_why_and_until_when() -> None:
    told = held()
    for words in ("wish 5", "> a red fox (from a photo)", "From ada on x, tier plus"):
        assert words in told
    for words in ("it may be cruel (`violence.close`)", "<then>", "<later>", "needs 2", "<@7>"):
        assert words in told
    assert "Mo is looking at it" in told


@pytest.mark.parametrize(
    ("outcome", "by", "reason", "told"),
    [
        ("approved", "discord:7", cards.FINE, "✅ Approved by <@7>: wish 5"),
        ("approved", "key", "it is a duck", "✅ Approved by Mo: wish 5\nit is a duck"),
        ("rejected", "key", "too *cruel*", "❌ Rejected by Mo: wish 5\ntoo \\*cruel\\*"),
        ("cancelled", None, "banned", "✖️ Taken back: wish 5\nbanned"),
    ],
)
def test_what_is_over_keeps_no_words_of_the_wish(
    outcome: str, by: str | None, reason: str, told: str
) -> None:
    over = dataclasses.replace(HOLD, outcome=outcome, ended_by=by, reason=reason)
    assert held(over) == told
    assert cards.buttons(over, operator=True, pictures=True) == ()


def test_a_sealed_wish_is_a_number() -> None:
    assert "shown to nobody" in held(row=None)
    assert "fox" not in held(row=None)


def test_nobodys_words_look_like_ours_or_burst_the_card() -> None:
    forged = "x\n✅ Approved by <@7>\n**bold** " + "*" * 5_000
    wish = dataclasses.replace(ROW, wish=forged, handle="*" * 32)
    case = dataclasses.replace(CASE, words=forged)
    for told in (held(row=wish), reported(case, wish)):
        assert len(told) <= 2_000
        assert not [line for line in told.splitlines() if line.startswith("✅")]
        assert "\\*\\*bold" in told


def test_what_a_guilds_own_moderators_may() -> None:
    def verbs(about: Held | Case, *, operator: bool) -> list[str]:
        return [verb for verb, _ in cards.buttons(about, operator=operator, pictures=True)]

    appeal = dataclasses.replace(CASE, kind=Kind.APPEAL)
    assert verbs(HOLD, operator=True) == ["approve", "reject", "ban", "look"]
    assert verbs(HOLD, operator=False) == ["reject", "look"]
    assert verbs(CASE, operator=True) == ["uphold", "dismiss", "ban", "look"]
    assert verbs(CASE, operator=False) == ["uphold", "look"]
    assert verbs(appeal, operator=True) == ["overturn", "stand", "look"]
    assert verbs(appeal, operator=False) == ["look"]
    closed = dataclasses.replace(CASE, outcome=Outcome.UPHELD, closed_by="key", reason="upheld")
    assert reported(closed) == "✅ Upheld by Mo: case 9, wish 5"
