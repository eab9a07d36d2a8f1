"""How a text can be read by somebody who wants to see through its disguise.

Each word is read in several ways: as it stands, with the letters that its digits
and signs look like, without the stretching, and together with the pieces that
spaces or punctuation cut it into. `disarm` undoes the Unicode part. Pure and fast:
about 100 µs for a wish; what is beyond `LONGEST` characters is not read.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from disarm import strip_obfuscation

LONGEST = 2_000

#: Spaced-out letters are put together from so many on.
LEAST_SPACED = 3
#: Cut-up words are put together from pieces of at most so many letters.
LONGEST_PIECE = 3
#: Letters and pieces beyond which a word is no word in disguise.
LONGEST_JOINED = 64
#: Stretched places of one word that are read both as one letter and as two.
MOST_STRETCHED = 5

#: What stands for letters in a disguise. The bar would be folded to an l at once; its
#: stand-in lets it be an i, or nothing, as well.
_BAR = "¤"
_SIGNS = "@$!+€£§" + _BAR
_LEET = str.maketrans("0345678@$+€£§", "oeasgtbasteLs".lower())
_EITHER = re.compile(rf"[1!{_BAR}]")
#: Places of one word that are read both as an i and as an l; further ones are an i.
MOST_EITHER = 3
_WORD = re.compile(rf"[^\W_{re.escape(_SIGNS)}]+|[{re.escape(_SIGNS)}]+")
_CHUNK = re.compile(r"(\s*)(\S+)")
_STRETCHED = re.compile(r"(.)\1\1+")
_REGIONAL = range(0x1F1E6, 0x1F200)
#: Scripts written without spaces: their terms match wherever they stand.
_SOLID = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Span:
    """`form` is one way to read what stands from word `start` up to word `end`."""

    start: int
    end: int
    form: str


@dataclass(frozen=True, slots=True)
class Reading:
    """All ways to read a text.

    `spans` are words by where they start. `runs` are spaced-out letters put together,
    in which a term may stand without an edge. `solid` is the text for scripts that
    are written without spaces.
    """

    spans: tuple[tuple[Span, ...], ...]
    runs: tuple[Span, ...]
    solid: str


def read(text: str) -> Reading:
    """Every reading of `text`. Any text at all is fine."""
    text = text[:LONGEST]
    chunks = [_Chunk(gap, pieces) for gap, pieces in _chunks(text)]
    spans: list[list[Span]] = []
    starts: list[int] = []
    for chunk in chunks:
        starts.append(len(spans))
        spans.extend([] for _ in chunk.words)
        _read_chunk(chunk.words, starts[-1], spans)
    starts.append(len(spans))
    runs = list(_runs(chunks, starts, spans))
    _read_pieces(chunks, starts, spans)
    return Reading(spans=tuple(map(tuple, spans)), runs=tuple(runs), solid=solid(text))


def folded(text: str) -> str:
    """`text` in small plain letters, look-alikes resolved."""
    plain = "".join(map(_letter, text))
    return strip_obfuscation(strip_obfuscation(plain).casefold()).casefold()


def words(text: str) -> list[str]:
    """The words of a term as they stand in a `Reading`."""
    return [word for word in _WORD.findall(folded(text)) if word[0] not in _SIGNS]


def solid(text: str) -> str:
    """`text` without spaces, marks and signs, for scripts that do without spaces."""
    if not _SOLID.search(unicodedata.normalize("NFKC", text)):
        return ""
    plain = unicodedata.normalize("NFKC", text).casefold()
    letters = "".join(c for c in plain if unicodedata.category(c)[0] in "LN" or c == "ー")
    return _STRETCHED.sub(r"\1", letters)


def is_solid(text: str) -> bool:
    return bool(_SOLID.search(text))


def unstretched(word: str) -> Iterator[str]:
    """A word in which a letter stands three times or more, with one or two instead."""
    places = list(_STRETCHED.finditer(word))
    if not places:
        return
    for counts in itertools.product((1, 2), repeat=min(len(places), MOST_STRETCHED)):
        rest = iter(counts)
        yield _STRETCHED.sub(lambda found: found[1] * next(rest, 1), word)  # noqa: B023


@dataclass(frozen=True, slots=True)
class _Chunk:
    """What stands between two gaps: the gap's width before it, and its words and signs."""

    gap: int
    words: Sequence[str]


def _chunks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Folded piece by piece: the folding of the whole would close the gaps."""
    for gap, piece in _CHUNK.findall(text):
        found = _WORD.findall(folded(piece))
        if found:
            yield len(gap), found


def _letter(c: str) -> str:
    """What `disarm` leaves: enclosing marks, and letters that flags are made of."""
    if ord(c) in _REGIONAL:
        return chr(ord(c) - _REGIONAL.start + ord("a"))
    if c == "|":
        return _BAR
    return "" if c > "\u0488" and unicodedata.category(c) == "Me" else c


def _read_chunk(pieces: Sequence[str], at: int, spans: list[list[Span]]) -> None:
    """The words of a chunk alone, and the chunk as one word without its punctuation."""
    for n, piece in enumerate(pieces):
        for form in _forms(piece):
            spans[at + n].append(Span(at + n, at + n + 1, form))
    if 1 < len(pieces) <= LONGEST_JOINED:
        end = at + len(pieces)
        letters = "".join(piece for piece in pieces if piece[0] not in _SIGNS)
        for form in {*_forms(letters), *_forms("".join(pieces))}:
            spans[at].append(Span(at, end, form))


def _forms(word: str) -> set[str]:
    """A word as it stands, with its digits and signs as letters, and unstretched."""
    forms = {word}
    if not word.isalpha() and len(word) <= LONGEST_JOINED:
        leet = word.translate(_LEET)
        for letters in itertools.product("il", repeat=min(len(_EITHER.findall(leet)), MOST_EITHER)):
            rest = iter(letters)
            forms.add(_EITHER.sub(lambda _found: next(rest, "i"), leet))  # noqa: B023
    return forms | {short for form in forms for short in unstretched(form)}


def _runs(
    chunks: Sequence[_Chunk], starts: Sequence[int], spans: list[list[Span]]
) -> Iterator[Span]:
    """Letters that stand alone, put together: as words where the gaps differ, and as a whole."""
    singles = [len("".join(chunk.words)) == 1 for chunk in chunks]
    first = 0
    for alone, group in itertools.groupby(singles):
        size = len(list(group))
        if alone and size >= LEAST_SPACED:
            yield from _run(chunks, range(first, first + size), starts, spans)
        first += size


def _run(
    chunks: Sequence[_Chunk], run: range, starts: Sequence[int], spans: list[list[Span]]
) -> Iterator[Span]:
    usual = min(chunks[n].gap for n in run[1:])
    edges = [run.start, *(n for n in run[1:] if chunks[n].gap > usual), run.stop]
    for start, end in itertools.pairwise(edges):
        for form in _forms("".join("".join(chunks[n].words) for n in range(start, end))):
            spans[starts[start]].append(Span(starts[start], starts[end], form))
    whole = "".join("".join(chunks[n].words) for n in run)
    for form in _forms(whole):
        yield Span(starts[run.start], starts[run.stop], form)


def _read_pieces(chunks: Sequence[_Chunk], starts: Sequence[int], spans: list[list[Span]]) -> None:
    """Two or three short pieces that stand side by side, read as one word: "na ked"."""
    whole = ["".join(chunk.words) for chunk in chunks]
    for n, word in enumerate(whole):
        for size in (2, 3):
            group = whole[n : n + size]
            if len(group) == size and _cut_up(word, group):
                spans[starts[n]].append(Span(starts[n], starts[n + size], "".join(group)))


def _cut_up(first: str, group: Sequence[str]) -> bool:
    """Whether no piece is a word people join others with, and all are short."""
    return first.isalpha() and all(
        1 < len(piece) <= LONGEST_PIECE and piece not in _SHORT_WORDS for piece in group
    )


#: Short words of their own; a term is never put together from them.
_SHORT_WORDS = frozenset(
    (  # noqa: SIM905  one a line would be four hundred lines
        "a ad ago ah ai air all am an and ant any ape are arm art as at ate au aux awe axe bad"
        " bag bar bat bay be bed bee big bin bit bob bow box boy bud bug bun bus but buy by cab"
        " can cap car cat con cow cry cub cup cut dad das day de del den der des di die dig dim"
        " dip do dog dot dry du due dug dye ear eat egg ego ein el elf elk en end era et eve eye"
        " fan far fat few fig fin fit fix fly fog for fox fry fun fur gap gas gel get gin go god"
        " got gum gun guy gym had ham has hat hay he hen her hey hi him hip his hit hop hot how"
        " hub hug hut i ice icy if il im in ink inn ion is it its ivy jam jar jaw jet job jog joy"
        " jug key kid kin kit la lab lap las law lay le led leg les let lid lie lip lit lo log los"
        " lot low mad man map mat may me men met mid mit mix mob mop mud mug my nap net new no nod"
        " nor not now nut oak oar odd of off oil old on one or ore our out owl own pad pal pan par"
        " paw pay pea pen pet pie pig pin pit pod pop por pot pub put que rag ram ran rat raw ray"
        " red rib rid rim rip rob rod row rub rug run sad sat saw say sea see set she shy sin sip"
        " sir sit six ski sky so son sow spa spy sun tab tag tan tap tar tax tea ten the tie tin"
        " tip to toe ton too top toy try tub two un una und up us use van vet via von vow war was"
        " wax way we web wet who why wig win wok won yes yet you zoo zu"
    ).split()
)
