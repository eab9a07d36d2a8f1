"""How well the prompt checks tell good from bad, on a corpus of wishes with known answers.

Everything but "allow" and "soften" counts as caught, and as a false alarm where
the wish is harmless: for its asker, waiting for a person is an alarm as well.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.words import Prompt, Ruling, Verdict
from moderation.check import Subject

CORPUS = Path(__file__).parent.parent / "tests" / "moderation" / "corpus" / "wishes.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    text: str
    bad: bool
    half: str
    disguise: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Shares from 0 to 1, times in seconds of the processor: others may be at work as well."""

    half: str
    bad: int
    harmless: int
    missed: tuple[Wish, ...]
    alarms: tuple[Wish, ...]
    median: float
    p99: float

    @property
    def caught(self) -> float:
        return 1 - len(self.missed) / self.bad if self.bad else 1.0

    @property
    def false_alarms(self) -> float:
        return len(self.alarms) / self.harmless if self.harmless else 0.0


def read_corpus(path: Path = CORPUS) -> list[Wish]:
    """The wishes of a corpus, one JSON object a line. Raises OSError, ValueError."""
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [
        Wish(text=line["wish"], bad=line["bad"], half=line["half"], disguise=line["disguise"])
        for line in lines
    ]


def measure(judge: Callable[[Subject], Verdict], wishes: Iterable[Wish]) -> list[Measured]:
    """One result for each half of the corpus, in order of appearance."""
    halves: dict[str, list[Wish]] = {}
    for wish in wishes:
        halves.setdefault(wish.half, []).append(wish)
    return [_measure(judge, half, of_half) for half, of_half in halves.items()]


def _measure(judge: Callable[[Subject], Verdict], half: str, wishes: Sequence[Wish]) -> Measured:
    missed, alarms, times = [], [], []
    for wish in wishes:
        began = time.thread_time()
        ruling = judge(Subject(prompt=Prompt(wish=wish.text))).ruling
        times.append(time.thread_time() - began)
        stopped = ruling in (Ruling.HOLD, Ruling.REFUSE)
        if wish.bad and not stopped:
            missed.append(wish)
        if stopped and not wish.bad:
            alarms.append(wish)
    times.sort()
    return Measured(
        half=half,
        bad=sum(wish.bad for wish in wishes),
        harmless=sum(not wish.bad for wish in wishes),
        missed=tuple(missed),
        alarms=tuple(alarms),
        median=times[len(times) // 2],
        p99=times[len(times) * 99 // 100],
    )
