"""How people disguise words, and the making of `wishes.jsonl` from the two lists.

The halves share no disguise: what was seen while the checks were written says
nothing of what the held-out half does. Everything is drawn from a fixed seed.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).parent
PUBLISHED = FOLDER / "wishes.jsonl"

#: Disguises of each bad wish, besides plain.
DISGUISES = 7

_BRACKETED = re.compile(r"\[([^\]]+)\]")

Disguise = Callable[[str, random.Random], str]


def _mapped(table: dict[str, str], share: float = 1.0) -> Disguise:
    """Replace letters by their look-alikes, each with the probability `share`, at least one."""

    def disguise(word: str, dice: random.Random) -> str:
        there = [n for n, c in enumerate(word) if c in table]
        chosen = {n for n in there if dice.random() < share} or set(there[:1])
        return "".join(dice.choice(table[c]) if n in chosen else c for n, c in enumerate(word))

    return disguise


def _between(separators: list[str], *, spaces: str = "  ") -> Disguise:
    """One separator between all letters; words stay apart by `spaces`."""

    def disguise(word: str, dice: random.Random) -> str:
        separator = dice.choice(separators)
        return spaces.join(separator.join(part) for part in word.split())

    return disguise


def _inserted(pieces: list[str], share: float) -> Disguise:
    """Something slipped in behind some letters."""

    def disguise(word: str, dice: random.Random) -> str:
        slots = [n for n in range(len(word) - 1) if word[n] != " " and word[n + 1] != " "]
        chosen = {n for n in slots if dice.random() < share} or set(slots[:1])
        return "".join(c + (dice.choice(pieces) if n in chosen else "") for n, c in enumerate(word))

    return disguise


def _stretched(least: int, most: int, share: float) -> Disguise:
    def disguise(word: str, dice: random.Random) -> str:
        letters = [n for n, c in enumerate(word) if c.isalpha()]
        chosen = {n for n in letters if dice.random() < share} or {letters[-1]}
        return "".join(
            c * dice.randint(least, most) if n in chosen else c for n, c in enumerate(word)
        )

    return disguise


def _shifted(capital: int, small: int | None = None) -> Disguise:
    """Letters of another alphabet block that lie in the order of ours."""
    base = small if small is not None else capital

    def disguise(word: str, _dice: random.Random) -> str:
        shift = {c: chr(capital + ord(c) - 65) for c in map(chr, range(65, 91))}
        shift |= {c: chr(base + ord(c) - 97) for c in map(chr, range(97, 123))}
        return "".join(shift.get(c, c) for c in word)

    return disguise


def _full_width(word: str, _dice: random.Random) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in word)


def _mixed_case(word: str, dice: random.Random) -> str:
    return "".join(c.upper() if dice.random() < 0.5 else c for c in word)


def _both(first: Disguise, second: Disguise) -> Disguise:
    return lambda word, dice: second(first(word, dice), dice)


_CYRILLIC = dict(zip("acekopsxyi", ["а", "с", "е", "к", "о", "р", "ѕ", "х", "у", "і"], strict=True))
_GREEK_ARMENIAN = dict(
    zip("aeiknopstuvx", ["α", "ε", "ι", "κ", "η", "ο", "ρ", "ѕ", "τ", "υ", "ν", "χ"], strict=True)
)
_DIGITS = {"a": "4", "e": "3", "i": "1", "o": "0", "s": "5", "t": "7"}
_SIGNS = {"a": "@", "s": "$", "i": "!|", "l": "|1", "e": "€3", "t": "+7", "o": "0", "b": "8"}
_SMALL_CAPITALS = dict(zip("abcdeghijklmnoprtuvwz", "ᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡᴢ", strict=True))
_ACCENTED = {"a": "àáâä", "e": "èéêë", "i": "ìíîï", "o": "òóôö", "u": "ùúûü", "n": "ñ", "c": "ç"}

TUNING: MappingProxyType[str, Disguise] = MappingProxyType(
    {
        "mixed case": _mixed_case,
        "zero-width spaces": _inserted(["\u200b", "\u200c", "\ufeff"], 0.5),
        "cyrillic look-alikes": _mapped(_CYRILLIC, 0.6),
        "full width": _full_width,
        "digits for letters": _mapped(_DIGITS, 0.6),
        "spaced letters": _between([" "], spaces="   "),
        "dotted letters": _between([".", "-"], spaces=" "),
        "stretched": _stretched(3, 6, 0.3),
        "combining marks": _inserted(["\u0301", "\u0336", "\u0308"], 0.6),
    }
)

HELD_OUT: MappingProxyType[str, Disguise] = MappingProxyType(
    {
        "mathematical bold": _shifted(0x1D400, 0x1D41A),
        "mathematical fraktur": _shifted(0x1D56C, 0x1D586),
        "mathematical monospace": _shifted(0x1D670, 0x1D68A),
        "circled": _shifted(0x24B6, 0x24D0),
        "squared": _shifted(0x1F130),
        "regional indicators": _shifted(0x1F1E6),
        "greek and armenian look-alikes": _mapped(_GREEK_ARMENIAN, 0.7),
        "small capitals": _mapped(_SMALL_CAPITALS),
        "accented": _mapped(_ACCENTED, 0.8),
        "signs for letters": _mapped(_SIGNS, 0.6),
        "soft hyphens and direction marks": _inserted(
            ["\u00ad", "\u202e", "\u2060", "\u200e"], 0.5
        ),
        "tag characters": _inserted(["\U000e0061", "\U000e0020"], 0.4),
        "underscores and stars": _between(["_", "*", "/", "~", "|", "·"], spaces=" "),
        "emoji between": _between(["🔥", "❤️", "✨"], spaces=" "),
        "heavy marks": _inserted(["\u0334\u0353\u0301", "\u0489", "\u035c\u0310"], 0.9),
        "stretched digits": _both(_mapped(_DIGITS, 0.5), _stretched(3, 4, 0.2)),
        "spaced signs": _both(_mapped(_SIGNS, 0.4), _between([" ", "."], spaces="   ")),
        "full width with marks": _both(_full_width, _inserted(["\u0332", "\u200d"], 0.4)),
    }
)


def wishes() -> Iterator[dict[str, object]]:
    """Every line of `wishes.jsonl`, in its order."""
    dice = random.Random(7)
    for half, category, language, text in _rows("bad.txt"):
        disguises = TUNING if half == "tuning" else HELD_OUT
        facts = {"half": half, "bad": True, "category": category, "language": language}
        yield {"wish": _BRACKETED.sub(r"\1", text), "disguise": "plain", **facts}
        for name in dice.sample(sorted(disguises), DISGUISES):
            if worn := _worn(text, disguises[name], dice):
                yield {"wish": worn, "disguise": name, **facts}
    for half, language, text in _rows("harmless.txt"):
        yield {"wish": text, "disguise": "plain", "half": half, "bad": False, "language": language}


def _worn(text: str, disguise: Disguise, dice: random.Random) -> str | None:
    """`text` with its bracketed words disguised; None where the disguise changes nothing."""
    worn = _BRACKETED.sub(lambda found: disguise(found[1], dice), text)
    return worn if worn != _BRACKETED.sub(r"\1", text) else None


def _rows(name: str) -> Iterator[list[str]]:
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


if __name__ == "__main__":
    lines = [json.dumps(wish, ensure_ascii=False) for wish in wishes()]
    PUBLISHED.write_text("\n".join(lines) + "\n", encoding="utf-8")
