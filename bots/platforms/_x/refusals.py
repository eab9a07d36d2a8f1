"""What a refusal by X means for the reply it was given to, and for all others. Pure.

A 403 says in words whether this reply is unwanted, was posted before, or whether
the account may not write at all. Words we do not know are taken for the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bots.platform import Outcome, PlatformError

_DUPLICATE: Final = ("duplicate content",)
_ACCOUNT: Final = (
    "your account",
    "this account is",
    "app permissions",
    "client app",
    "oauth1-permissions",
    "scope",
    "write access",
    "credits",
    "usage-capped",
)
_UNWANTED: Final = (
    "not been mentioned",
    "otherwise engaged",
    "reply to this conversation is not allowed",
    "not allowed to reply",
    "deleted or not visible",
    "restricted who can reply",
    "who can reply",
    "blocked from",
    "have been blocked",
)
_MEDIA: Final = ("media id", "media_id")


def judged(status: int, body: Mapping[str, Any] | None, *, writing: bool) -> PlatformError:
    """The error that an answer other than success stands for."""
    said = _said(body)
    message = f"X answered {status}: {said[:300] or 'nothing that can be read'}"
    return PlatformError(
        message,
        outcome=_outcome(status, said.casefold(), writing=writing),
        media_lost=status == 400 and _has(said.casefold(), _MEDIA),
    )


def of_names(error: PlatformError) -> bool:
    """Whether a question was refused because X calls its fields otherwise by now."""
    return "X answered 400" in str(error) and "tweet.fields" in str(error)


def _outcome(status: int, said: str, *, writing: bool) -> Outcome:
    if status == 408 or status >= 500 or status < 300:
        return Outcome.UNKNOWN
    if not writing:
        return Outcome.NOT_APPLIED
    if status in (401, 402):
        return Outcome.HALT
    if status == 403:
        return _forbidden(said)
    if status == 400 and _has(said, _MEDIA):
        return Outcome.NOT_APPLIED
    return Outcome.NEVER


def _forbidden(said: str) -> Outcome:
    if _has(said, _DUPLICATE):
        return Outcome.STANDS
    if not _has(said, _ACCOUNT) and _has(said, _UNWANTED):
        return Outcome.NEVER
    return Outcome.HALT


def _has(said: str, words: tuple[str, ...]) -> bool:
    return any(word in said for word in words)


def _said(body: Mapping[str, Any] | None) -> str:
    """All the words of a problem, wherever X put them."""
    if body is None:
        return ""
    errors = body.get("errors")
    problems = [body, *(errors if isinstance(errors, list) else [])]
    words = [
        str(problem[name])
        for problem in problems
        if isinstance(problem, Mapping)
        for name in ("title", "detail", "message", "type", "reason")
        if problem.get(name)
    ]
    return " · ".join(words)
