"""What a model says it knows: things and styles, from two small files in its folder.

Models from elsewhere say nothing, and then nothing is claimed for them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Knowledge:
    """`things` are the words for what is drawn well, the most asked for first."""

    things: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()


def of_model(model: str) -> Knowledge:
    """Read `vocabulary.txt` and the styles in `muralist.json`. Blocking."""
    folder = Path(model)
    return Knowledge(
        things=tuple(_lines(folder / "vocabulary.txt")), styles=_styles(folder / "muralist.json")
    )


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        return []
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _styles(path: Path) -> tuple[str, ...]:
    if not path.is_file():
        return ()
    return tuple(json.loads(path.read_text(encoding="utf-8")).get("styles", ()))
