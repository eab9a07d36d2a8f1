"""Whole words nobody gets a picture for, looked for in normalised text.

The list beside this file is deliberately short: what is refused here is refused
in every context. Normalising folds compatibility forms, case and marks and drops
invisible characters, so that a zero-width space hides nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from data.words import Ruling, Stage, Verdict
from moderation.check import Subject

STAGE = Stage.PROMPT

_LIST = Path(__file__).with_name("wordlist.txt")


def open() -> Callable[[Subject], Verdict]:  # noqa: A001  the contract's name
    """Read the list once. Raises OSError where it is missing: no list, no start."""
    lines = _LIST.read_text(encoding="utf-8").splitlines()
    terms = [normalised(line) for line in lines if line.strip() and not line.startswith("#")]
    pattern = re.compile(r"\b(?:" + "|".join(map(re.escape, terms)) + r")\b")
    return lambda subject: _look(pattern, subject)


def normalised(text: str) -> str:
    """Lower case without marks, invisible characters, compatibility forms or doubled spaces."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    visible = [c for c in decomposed if unicodedata.category(c) not in ("Mn", "Cf")]
    return " ".join("".join(visible).split())


def _look(pattern: re.Pattern[str], subject: Subject) -> Verdict:
    found = pattern.search(normalised(f"{subject.prompt.wish} {subject.prompt.style or ''}"))
    if found is None:
        return Verdict(ruling=Ruling.ALLOW, check="wordlist")
    return Verdict(
        ruling=Ruling.REFUSE,
        check="wordlist",
        category="refused words",
        reason="it asks for something this bot does not paint for anybody",
    )
