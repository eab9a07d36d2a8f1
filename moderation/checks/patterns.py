"""A guild's own patterns: regular expressions its moderators wrote, bounded in time.

They are run on the wish as it stands and on its folded form. `regex` gives up in
time, and a pattern that does so is a failed check: a person looks.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import regex

from data.words import Ruling, Stage, Verdict
from moderation.check import CheckSettings, Subject
from moderation.reading import folded

STAGES = {Stage.PROMPT}

#: As Discord's AutoMod has it.
MOST, LONGEST = 10, 260
#: Seconds for one pattern on one wish.
SECONDS = 0.05
#: What a new pattern is tried on; whoever backtracks does so here.
_TRIALS = ("", *(f"{piece * 500}!" for piece in ("a", "ab", "a ", "1", "!?", "é", "foo bar ")))


def open(_settings: CheckSettings) -> Callable[[Subject], Verdict]:  # noqa: A001  the contract's name
    """Patterns come with the subject; there is nothing to read."""
    compiled = functools.lru_cache(1_024)(_compiled)

    def look(subject: Subject) -> Verdict:
        wish = f"{subject.prompt.wish} {subject.prompt.style or ''}"
        texts = {wish, folded(wish)} if subject.circumstances.patterns else set()
        hits = [
            (ruling, rule)
            for rule, pattern, ruling in subject.circumstances.patterns[:MOST]
            if any(_found(compiled(pattern), text) for text in texts)
        ]
        if not hits:
            return Verdict(ruling=Ruling.ALLOW, check="patterns")
        ruling, rule = max(hits, key=lambda hit: hit[0].strictness)
        return Verdict(
            ruling=ruling,
            check="patterns",
            rule=f"guild.{rule}",
            category="guild",
            reason="it goes against a rule of this server",
        )

    return look


def trouble_with(pattern: str) -> str | None:
    """What is wrong with a pattern somebody wrote, in a sentence; None where nothing is."""
    if not 0 < len(pattern) <= LONGEST:
        return f"A pattern has 1 to {LONGEST} characters."
    try:
        compiled = _compiled(pattern)
        if any(_found(compiled, trial) and not trial for trial in _TRIALS):
            return "This pattern is found in every wish, even in an empty one."
    except regex.error as error:
        return f"This is not a regular expression: {error}."
    except TimeoutError:
        return "This pattern takes too long; repeat nothing inside of a repetition."
    return None


def _compiled(pattern: str) -> regex.Pattern[str]:
    return regex.compile(pattern, regex.IGNORECASE)


def _found(pattern: regex.Pattern[str], text: str) -> bool:
    # `concurrent` lets the event loop run meanwhile.
    return pattern.search(text, timeout=SECONDS, concurrent=True) is not None
