"""JSON columns, written and read several times for every wish: by orjson, and so for little."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import orjson


def write(value: object) -> str:
    """The JSON text of a value, dataclasses in it as objects.

    Halves of characters, which UTF-8 has no words for, are escaped.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        return json.dumps(value, default=dataclasses.asdict)


def read(text: str) -> Any:
    return orjson.loads(text)
