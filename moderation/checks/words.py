"""Words and what they mean together: `moderation/rules.toml` over `moderation/lexicon/`.

A rule that names one concept is a word list; one that names several is a context:
"child" is harmless, and so is "lingerie".
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.words import Prompt, Ruling, Stage, Verdict
from moderation.check import CheckSettings, Subject
from moderation.lexicon import Lexicon

STAGES = {Stage.PROMPT}

RULES = Path(__file__).parent.parent / "rules.toml"

#: What an asker is told, by category. Nobody is told which word it was.
REASONS: Mapping[str, str] = {
    "minors": "it asks for something this bot does not paint for anybody",
    "sexual": "it asks for nudity or sex, and this place is for everybody",
    "violence": "it asks for cruelty",
    "hate": "it is aimed against people for what they are",
    "likeness": "it shows a real person in a way they did not agree to",
    "self_harm": "it speaks of hurting yourself; if that is close to you, please talk to somebody"
    " you trust, or to a helpline near you",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    id: str
    speaks_of: tuple[frozenset[str], ...]
    everyone: Ruling
    adults: Ruling
    photo: bool = False
    severe: bool = False
    sealed: bool = False
    strike: bool = False

    @property
    def category(self) -> str:
        return self.id.partition(".")[0]

    def applies(self, concepts: Mapping[str, object], subject: Subject) -> bool:
        if self.photo and not subject.photo:
            return False
        return all(not any_of.isdisjoint(concepts) for any_of in self.speaks_of)

    def ruling(self, subject: Subject) -> Ruling:
        """As the guild or tier wants it; what is sealed is not for anybody to change."""
        standard = self.adults if subject.circumstances.adults else self.everyone
        return standard if self.sealed else subject.circumstances.rulings.get(self.id, standard)


def open(_settings: CheckSettings) -> Callable[[Subject], Verdict]:  # noqa: A001  the contract's name
    """Read the lists once. Raises OSError or ValueError: no lists, no start."""
    lexicon = Lexicon()
    rules = read_rules(RULES, lexicon.concepts)
    source = hashlib.sha256(RULES.read_bytes() + lexicon.digest.encode()).hexdigest()

    def look(subject: Subject) -> Verdict:
        return judge(rules, lexicon, source, subject)

    return look


def read_rules(path: Path, concepts: frozenset[str]) -> tuple[Rule, ...]:
    """The rules of a file. Raises ValueError where one speaks of a concept there is not."""
    rules = []
    for entry in tomllib.loads(path.read_text(encoding="utf-8"))["rule"]:
        speaks_of = tuple(frozenset(any_of.split("|")) for any_of in entry.pop("speaks_of"))
        unknown = frozenset().union(*speaks_of) - concepts
        if unknown:
            raise ValueError(f"{path}: rule {entry['id']} speaks of {sorted(unknown)}, no concept.")
        everyone, adults = Ruling(entry.pop("everyone")), Ruling(entry.pop("adults"))
        rules.append(Rule(speaks_of=speaks_of, everyone=everyone, adults=adults, **entry))
    return tuple(rules)


def judge(rules: Sequence[Rule], lexicon: Lexicon, source: str, subject: Subject) -> Verdict:
    """The strictest rule that applies; the first of equals."""
    concepts = concepts_of(lexicon, subject.prompt)
    hits = [rule for rule in rules if rule.applies(concepts, subject)]
    if not hits:
        return Verdict(ruling=Ruling.ALLOW, check="words", source=source)
    rule = max(hits, key=lambda hit: (hit.sealed, hit.ruling(subject).strictness))
    return Verdict(
        ruling=rule.ruling(subject),
        check="words",
        rule=rule.id,
        category=rule.category,
        reason=REASONS.get(rule.category, REASONS["minors"]),
        source=source,
        severe=rule.severe,
        sealed=rule.sealed,
        strike=rule.strike,
    )


def concepts_of(lexicon: Lexicon, prompt: Prompt) -> Mapping[str, tuple[str, ...]]:
    """What wish and style speak of; of the negative only what leaves clothes off.

    People write "--no nudity" to be left alone with it, and "--no clothes" for the contrary.
    """
    concepts = dict(lexicon.find(f"{prompt.wish} , {prompt.style or ''}"))
    for part in (prompt.negative or "").split(","):
        bare = [
            term for term in lexicon.find(f"no {part}").get("bare", ()) if term.startswith("no ")
        ]
        if bare:
            concepts["bare"] = (*concepts.get("bare", ()), *bare)
    return concepts
