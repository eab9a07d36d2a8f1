"""JSON columns, written and read several times for every wish: by orjson, and so for little."""

from __future__ import annotations

import json
from typing import Any

import orjson


def write(value: object) -> str:
    """The JSON text of a value; halves of characters, which UTF-8 has no words for, are escaped."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        return json.dumps(value)


def read(text: str) -> Any:
    return orjson.loads(text)
