"""From a picture's score to a ruling: below `hold` it goes on, from `refuse` on it is refused."""

from __future__ import annotations

import math

from data.words import Ruling, Verdict
from moderation.check import Subject
from moderation.standards import Standards


def judge(standards: Standards, subject: Subject, check: str, score: float, source: str) -> Verdict:
    """`score` is from 0, harmless, to 1. Raises ValueError where it is no number."""
    if not math.isfinite(score):
        raise ValueError(f"{check} scored {score}")
    if score >= standards.of(subject, f"{check}.refuse"):
        ruling, rule = Ruling.REFUSE, f"{check}.refuse"
    elif score >= standards.of(subject, f"{check}.hold"):
        ruling, rule = Ruling.HOLD, f"{check}.hold"
    else:
        ruling, rule = Ruling.ALLOW, ""
    return Verdict(
        ruling=ruling,
        check=check,
        rule=rule,
        category="sexual" if rule else "",
        reason="it came out as something not everybody wants to see" if rule else "",
        source=source,
        scores={check: round(score, 4)},
    )
