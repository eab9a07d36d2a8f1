"""A post as it arrives from outside: checked field by field, refused with one sentence.

Blocking (a photo in base64 is large): call `read` from a thread.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

#: Room for a wish of 10,000 characters and the tags around it.
LONGEST_TEXT = 12_000
LONGEST_HANDLE = 32

_HANDLE = re.compile(rf"@?([A-Za-z0-9_]{{1,{LONGEST_HANDLE}}})")
#: Control characters but for tab and line feed, and surrogates without a partner,
#: which no database or terminal takes.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A post that may be written."""

    author: str
    text: str
    in_reply_to: int | None
    photo: bytes | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why it may not, and with which HTTP status to say so."""

    status: int
    sentence: str


class _DraftError(Exception):
    def __init__(self, sentence: str, status: int = 422) -> None:
        super().__init__(sentence)
        self.refusal = Refusal(status, sentence)


def read(body: bytes, *, bot: str, photo_bytes: int) -> Draft | Refusal:
    """The draft in a request's body; `photo_bytes` is the largest photo taken."""
    try:
        fields = _object(body)
        draft = Draft(
            author=_author(fields.get("as"), bot),
            text=_text(fields.get("text", "")),
            in_reply_to=_post_id(fields.get("in_reply_to")),
            photo=_photo(fields.get("photo"), photo_bytes),
        )
        if not draft.text and draft.photo is None:
            raise _DraftError("A post needs some words or a photo.")
    except _DraftError as error:
        return error.refusal
    return draft


def longest_body(photo_bytes: int) -> int:
    """What a post with the largest photo comes to: base64 in lines, and words escaped in full."""
    return photo_bytes * 4 // 3 * 33 // 32 + 12 * LONGEST_TEXT


def too_large(photo_bytes: int) -> str:
    most = f"{photo_bytes / 1_000_000:g} MB"
    return f"The photo is too large: {most} is the most a post can carry."


def _object(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise _DraftError("The post must be a JSON object, encoded as UTF-8.", 400) from None
    if not isinstance(fields, dict):
        raise _DraftError('The post must be a JSON object like {"as": "ada", "text": "…"}.', 400)
    return fields


def _author(value: object, bot: str) -> str:
    found = _HANDLE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise _DraftError(
            '"as" must name who posts: 1 to '
            f"{LONGEST_HANDLE} letters, digits or underscores from A to Z."
        )
    handle = found[1].lower()
    if handle == bot.lower():
        raise _DraftError(f"@{bot} is the bot itself; post as somebody else.", 403)
    return handle


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _DraftError('"text" must be a string.')
    text = _UNPRINTABLE.sub("", value.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if len(text) > LONGEST_TEXT:
        raise _DraftError(
            f"A post holds at most {LONGEST_TEXT:,} characters; this one has {len(text):,}.", 413
        )
    return text


def _post_id(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value) if len(value) < len(str(2**63)) else -1
    if isinstance(value, bool) or not isinstance(value, int):
        raise _DraftError('"in_reply_to" must be the id of a post, or null.')
    if not 0 < value < 2**63:
        raise _DraftError("There is no such post to reply to.", 404)
    return value


def _photo(value: object, most: int) -> bytes | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise _DraftError('"photo" must be a file in base64, or null.')
    try:
        photo = base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        raise _DraftError("The photo is not valid base64.") from None
    if len(photo) > most:
        raise _DraftError(too_large(most), 413)
    return photo or None
