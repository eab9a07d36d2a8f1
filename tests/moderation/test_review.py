"""Review: the strictest verdict wins, and no verdict means a person looks."""

from __future__ import annotations

import threading

import pytest

from data.words import Prompt, Ruling, Stage, Verdict
from moderation.check import Check, Look, Subject
from moderation.review import review

SUBJECT = Subject(prompt=Prompt(wish="a red fox"))


def ruling(what: Ruling, *, sealed: bool = False) -> Look:
    return lambda _subject: Verdict(ruling=what, check="test", sealed=sealed)


def broken(_subject: Subject) -> Verdict:
    raise OSError("model file missing")


def a_check(look: Look, stage: Stage = Stage.PROMPT, seconds: float = 5.0) -> Check:
    return Check(name="test", stages=frozenset({stage}), look=look, seconds=seconds)


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
    assert len(verdict.among) == len(looks)


def test_of_equals_the_sealed_one_counts() -> None:
    looks = [ruling(Ruling.REFUSE), ruling(Ruling.REFUSE, sealed=True)]
    assert review([a_check(look) for look in looks], Stage.PROMPT, SUBJECT).sealed


def test_only_the_checks_of_the_stage_look() -> None:
    assert review([a_check(broken, Stage.PICTURE)], Stage.PROMPT, SUBJECT).ruling is Ruling.ALLOW


def test_a_check_that_never_answers_holds() -> None:
    over = threading.Event()

    def stuck(_subject: Subject) -> Verdict:
        over.wait()
        return Verdict(ruling=Ruling.ALLOW)

    verdict = review([a_check(stuck, seconds=0.05)], Stage.PROMPT, SUBJECT)
    over.set()
    assert (verdict.ruling, verdict.rule) == (Ruling.HOLD, "failed.test")


def test_checks_that_never_answer_do_not_pile_up() -> None:
    over, looking = threading.Event(), []

    def stuck(_subject: Subject) -> Verdict:
        looking.append(1)
        over.wait()
        return Verdict(ruling=Ruling.ALLOW)

    check = Check(
        name="test",
        stages=frozenset({Stage.PROMPT}),
        look=stuck,
        seconds=0.05,
        lanes=threading.Semaphore(2),
    )
    rulings = {review([check], Stage.PROMPT, SUBJECT).ruling for _ in range(6)}
    over.set()
    assert len(looking) == 2
    assert rulings == {Ruling.HOLD}


def test_after_one_that_never_answers_the_others_look_and_only_once() -> None:
    over, looks = threading.Event(), []

    def stuck(_subject: Subject) -> Verdict:
        over.wait()
        return Verdict(ruling=Ruling.ALLOW)

    def counted(_subject: Subject) -> Verdict:
        looks.append(threading.current_thread())
        return Verdict(ruling=Ruling.SOFTEN)

    before = set(threading.enumerate())
    verdict = review([a_check(stuck, seconds=0.05), a_check(counted)], Stage.PROMPT, SUBJECT)
    left_behind = set(threading.enumerate()) - before - set(looks)
    over.set()
    for thread in left_behind:
        thread.join()
    assert [one.ruling for one in verdict.among] == [Ruling.HOLD, Ruling.SOFTEN]
    assert len(looks) == 1
