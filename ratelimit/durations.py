"""Spans of time as people write them: `90s`, `10m`, `1h30m`, `2d 6h`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)([dhms])")


def seconds(text: str) -> float:
    """The length of a span. ValueError with a sentence where it is none."""
    compact = text.replace(" ", "").lower()
    parts = _PART.findall(compact)
    if not parts or "".join(number + unit for number, unit in parts) != compact:
        raise ValueError(f"{text!r} is no span of time such as 90s, 10m, 1h30m or 2d.")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def words(span: float) -> str:
    """A span with at most two units, rounded: `45 s`, `4 min 30 s`, `2 d 3 h`."""
    if span < 9.95:
        return f"{span:.1f} s".replace(".0 s", " s")
    whole, minutes, hours = (round(span / unit) for unit in (1, 60, 3_600))
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return _two(whole, 60, "min", "s")
    if minutes < 1_440:
        return _two(minutes, 60, "h", "min")
    return _two(hours, 24, "d", "h")


def _two(count: int, of: int, unit: str, smaller: str) -> str:
    much, little = divmod(count, of)
    return f"{much} {unit} {little} {smaller}" if little else f"{much} {unit}"


def _parsed(value: object) -> object:
    return seconds(value) if isinstance(value, str) else value


#: A field of a scenario: written as a span, kept in seconds.
Span = Annotated[float, BeforeValidator(_parsed)]
