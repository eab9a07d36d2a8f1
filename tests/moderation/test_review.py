"""Review: the strictest verdict wins, and no verdict means a person looks."""

from __future__ import annotations

import pytest

from data.words import Prompt, Ruling, Stage, Verdict
from moderation import check as checks
from moderation.check import Check, Look, Subject
from moderation.checks.wordlist import normalised
from moderation.review import review

SUBJECT = Subject(prompt=Prompt(wish="a red fox"))


def ruling(what: Ruling) -> Look:
    return lambda _subject: Verdict(ruling=what)


def broken(_subject: Subject) -> Verdict:
    raise OSError("model file missing")


def a_check(look: Look, stage: Stage = Stage.PROMPT) -> Check:
    return Check(name="test", stage=stage, look=look)


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([], Ruling.ALLOW),
        ([ruling(Ruling.ALLOW), ruling(Ruling.SOFTEN)], Ruling.SOFTEN),
        ([ruling(Ruling.HOLD), ruling(Ruling.ALLOW)], Ruling.HOLD),
        ([ruling(Ruling.REFUSE), broken], Ruling.REFUSE),
        ([broken, ruling(Ruling.ALLOW)], Ruling.HOLD),
    ],
)
def test_the_strictest_wins_and_failure_holds(looks: list[Look], expected: Ruling) -> None:
    verdict = review([a_check(look) for look in looks], Stage.PROMPT, SUBJECT)
    assert verdict.ruling is expected


def test_only_the_checks_of_the_stage_look() -> None:
    assert review([a_check(broken, Stage.PICTURE)], Stage.PROMPT, SUBJECT).ruling is Ruling.ALLOW


@pytest.mark.parametrize(
    "wish", ["naked child", "NAKED\u200b  child", "ｎａｋｅｄ child", "a nakéd child, ink"]
)
def test_the_word_list_sees_through_disguise(wish: str) -> None:
    opened = checks.load(["wordlist"])
    subject = Subject(prompt=Prompt(wish=wish))
    assert review(opened, Stage.PROMPT, subject).ruling is Ruling.REFUSE


@pytest.mark.parametrize(
    "wish", ["a child with a kite", "grass", "Scunthorpe", "a gore-tex jacket", "кошка", "猫"]
)
def test_the_word_list_leaves_the_harmless_alone(wish: str) -> None:
    opened = checks.load(["wordlist"])
    subject = Subject(prompt=Prompt(wish=wish))
    assert review(opened, Stage.PROMPT, subject).ruling is Ruling.ALLOW


def test_normalising_twice_changes_nothing() -> None:
    for text in ("Ångström\u200d", "ｆｏｏ  bar", "ß", "İ"):
        assert normalised(normalised(text)) == normalised(text)
