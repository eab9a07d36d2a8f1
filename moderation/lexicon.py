"""Which concepts a text speaks of, in whatever disguise: the files of `moderation/lexicon/`.

A concept is a file; a term is a word, a phrase, or a stem that ends in `*`. What
`allowed.txt` names covers what it stands on. Opened once, then pure.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from moderation.reading import Reading, Span, is_solid, read, solid, words

FOLDER = Path(__file__).with_name("lexicon")
ALLOWED = "allowed"

#: Shorter terms are not looked for inside spaced-out letters put together.
LEAST_INSIDE = 4
#: Shorter and longer stems are not looked for.
LEAST_STEM, LONGEST_STEM = 4, 16


_RANGE = re.compile(r"\{(\d+)-(\d+)\}")


@dataclass(frozen=True, slots=True)
class Term:
    concept: str
    text: str


@dataclass(frozen=True, slots=True)
class _Found:
    """A term and the words it covers; terms of solid scripts cover letters instead."""

    term: Term
    start: int
    end: int
    solid: bool = False


@dataclass(slots=True)
class _Node:
    """A step of the way through a phrase."""

    next: dict[str, _Node] = field(default_factory=dict)
    terms: list[Term] = field(default_factory=list)


class Lexicon:
    """`digest` is the sha256 of the files it was made of."""

    def __init__(self, folder: Path = FOLDER) -> None:
        files = sorted(folder.glob("*.txt"))
        if not files:
            raise FileNotFoundError(f"There is no lexicon in {folder}.")
        raw = [path.read_bytes() for path in files]
        self.digest = hashlib.sha256(b"\0".join(raw)).hexdigest()
        self._root = _Node()
        self._stems: dict[str, list[Term]] = {}
        self._inside: dict[str, Term] = {}
        self._solid: list[tuple[str, Term]] = []
        for path, content in zip(files, raw, strict=True):
            for line in content.decode().splitlines():
                for text in _numbered(line) if line and line[0] not in "#@" else ():
                    self._add(Term(path.stem, text))

    @property
    def concepts(self) -> frozenset[str]:
        """Every concept there is."""
        return frozenset(term.concept for term in self._terms(self._root)) | {
            term.concept for _, term in self._solid
        }

    def find(self, text: str) -> Mapping[str, tuple[str, ...]]:
        """The concepts of `text`, each with the terms that speak of it."""
        reading = read(text)
        found = [*self._words(reading), *self._in_runs(reading), *self._in_solid(reading.solid)]
        allowed = [one for one in found if one.term.concept == ALLOWED]
        concepts: dict[str, dict[str, None]] = {}
        for one in found:
            if not any(_covers(cover, one) for cover in allowed):
                concepts.setdefault(one.term.concept, {})[one.term.text] = None
        return MappingProxyType({name: tuple(terms) for name, terms in concepts.items()})

    def _add(self, term: Term) -> None:
        if is_solid(term.text):
            self._solid.append((solid(term.text), term))
            return
        if term.text.endswith("*"):
            (stem,) = words(term.text)
            self._stems.setdefault(stem, []).append(term)
            self._inside[stem] = term
            return
        parts = words(term.text)
        together = "".join(parts)
        self._enter(parts, term)
        if len(parts) > 1:
            self._enter([together], term)
        if len(together) >= LEAST_INSIDE:
            self._inside[together] = term

    def _enter(self, parts: Sequence[str], term: Term) -> None:
        node = self._root
        for part in parts:
            node = node.next.setdefault(part, _Node())
        node.terms.append(term)

    def _words(self, reading: Reading) -> Iterator[_Found]:
        for start in range(len(reading.spans)):
            yield from self._from(reading, self._root, start, start)
            for span in reading.spans[start]:
                yield from self._stemmed(span)

    def _from(self, reading: Reading, node: _Node, start: int, at: int) -> Iterator[_Found]:
        """Every phrase that begins at `start` and has come to `node`."""
        if at >= len(reading.spans):
            return
        for span in reading.spans[at]:
            further = node.next.get(span.form)
            if further is None:
                continue
            for term in further.terms:
                yield _Found(term, start, span.end)
            if further.next:
                yield from self._from(reading, further, start, span.end)

    def _stemmed(self, span: Span) -> Iterator[_Found]:
        for length in range(LEAST_STEM, min(len(span.form), LONGEST_STEM) + 1):
            for term in self._stems.get(span.form[:length], ()):
                yield _Found(term, span.start, span.end)

    def _in_runs(self, reading: Reading) -> Iterator[_Found]:
        """Where all letters stand alone, nobody knows where a word ends.

        Beside a term that is there, a rest that is a term itself is one, however short.
        """
        for run in reading.runs:
            for inside, term in self._inside.items():
                before, there, after = run.form.partition(inside)
                if there:
                    yield _Found(term, run.start, run.end)
                    for rest in (before, after):
                        for beside in self._root.next.get(rest, _Node()).terms:
                            yield _Found(beside, run.start, run.end)

    def _in_solid(self, text: str) -> Iterator[_Found]:
        if not text:
            return
        for inside, term in self._solid:
            at = text.find(inside)
            while at >= 0:
                # 17 is not the end of 117.
                if not (inside[0].isdigit() and text[at - 1 : at].isdigit()):
                    yield _Found(term, at, at + len(inside), solid=True)
                at = text.find(inside, at + 1)

    def _terms(self, node: _Node) -> Iterator[Term]:
        yield from node.terms
        for further in node.next.values():
            yield from self._terms(further)


def _numbered(line: str) -> list[str]:
    """A line for each number of its range, where it has one."""
    found = _RANGE.search(line)
    if found is None:
        return [line]
    return [_RANGE.sub(str(n), line) for n in range(int(found[1]), int(found[2]) + 1)]


def _covers(cover: _Found, one: _Found) -> bool:
    return cover.solid == one.solid and cover.start <= one.start and one.end <= cover.end
