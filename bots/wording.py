"""Every sentence people read from the bot. Pure; nothing else composes replies.

A reply says one thing, when to try again, and what it cost. It names no account
and holds no link: either would reach people who asked for nothing. What varies is
the wish it answers, so that no two replies need be alike.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from data.words import JobState, Progress, Prompt, Say, Ticket

Facts = Mapping[str, Any]

FREE_OF_COST: Final = "This did not cost you anything."

#: A wish is repeated up to so many characters; the whole of it is in the alt text.
LONGEST_ECHO: Final = 120

_DAY: Final = 86_400
_AT: Final = re.compile(r"[@＠](?=\w)")
_CASHTAG: Final = re.compile(r"[$＄](?=[A-Za-z])")
#: Networks make a link of `name.letters`, with or without an address before it.
_DOMAIN_DOT: Final = re.compile(r"(?<=[^\W_])\.(?=[^\W\d_]{2})")
#: Characters that X counts once; all others count twice. Other networks count every
#: character once, so that what fits by this measure fits there too.
_NARROW: Final = (
    range(0x1100),
    range(0x2000, 0x200E),
    range(0x2010, 0x2020),
    range(0x2032, 0x2038),
)
_FIRST_STRONG, _POP = "\u2068", "\u2069"


def reply_text(
    say: Say, facts: Facts, *, now: float, limit: int | None = None, number: int | None = None
) -> str:
    """The reply for `say`; facts that are missing are left out of it.

    A `number` is told last and always, so that no two replies are alike.

    `now` is in UNIX seconds. `limit` is in characters, wide ones (Chinese, emoji)
    counting twice: the least important sentences go first, then the end of the text.
    """
    sentences = [sentence for sentence in _SAYINGS[say](facts, now) if sentence]
    text = " ".join(sentences)
    if number is not None:
        mark = f" No. {number}."
        rest = limit - _width(mark) if limit is not None else None
        return reply_text(say, facts, now=now, limit=rest) + mark
    if limit is None:
        return text
    while len(sentences) > 1 and _width(text) > limit:
        sentences.pop()
        text = " ".join(sentences)
    return _shortened(text, limit)


def alt_text(prompt: Prompt, *, limit: int = 1000) -> str:
    """What a picture shows, for people who can't see it; at most `limit` characters."""
    wish, style = _tame(prompt.wish), _tame(prompt.style or "")
    shown = (wish or "a photo, painted anew") + _in_style(style)
    text = _shortened(f"AI-generated picture: {shown}", limit - 1)
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def until(retry_at: float, now: float) -> str:
    """When something may be tried again: "in 3 h 20 min (00:00 UTC)". Times in UNIX seconds."""
    seconds = retry_at - now
    if seconds <= 0:
        return "now"
    moment = datetime.fromtimestamp(retry_at, UTC)
    minutes = math.ceil(seconds / 60)
    if seconds > _DAY:
        return f"on {moment.day} {moment:%B} ({moment:%H:%M} UTC)"
    hours, minutes = divmod(minutes, 60)
    parts = ([f"{hours} h"] if hours else []) + ([f"{minutes} min"] if minutes else [])
    return f"in {' '.join(parts)} ({moment:%H:%M} UTC)"


def state_line(ticket: Ticket, progress: Progress | None = None) -> str:
    """Where a wish stands, in a few words: "In line: 3rd, about 12 s"."""
    if ticket.state == JobState.AVAILABLE:
        return f"In line{_place(ticket)}"
    if ticket.state == JobState.RETRYABLE:
        return f"It did not work at once; trying again{_place(ticket)}"
    if ticket.state == JobState.EXECUTING:
        if progress is not None and progress.step:
            return f"Painting: step {progress.step} of {progress.steps}"
        return "Painting"
    return _STATE_LINES.get(ticket.state, "On its way")


_STATE_LINES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "received": "Read; one moment",
        "refused": "Not this time; the answer is on its way",
        "answered": "The answer is on its way",
        JobState.HELD: "A person will look at it first",
        JobState.COMPLETED: "Painted; the reply is on its way",
        JobState.DISCARDED: "No picture this time; the answer is on its way",
        JobState.CANCELLED: "Taken back",
        JobState.EXPIRED: "Waited too long and was dropped",
    }
)


def _place(ticket: Ticket) -> str:
    parts = [_ordinal(ticket.position)] if ticket.position else []
    parts += [f"about {_duration(ticket.eta)}"] if ticket.eta is not None else []
    return f": {', '.join(parts)}" if parts else ""


def _duration(seconds: float) -> str:
    """Rounded up; nobody minds a picture that comes early."""
    whole = max(1, math.ceil(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = math.ceil(whole / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def _picture(facts: Facts, _now: float) -> list[str]:
    count = len(facts.get("seeds") or ()) or facts.get("count") or 1
    wish, style = _quoted(facts.get("wish")), _in_style(_tame(facts.get("style") or ""))
    if facts.get("photo"):
        first = f"Redrawn for {wish}{style}, by AI." if wish else f"Redrawn by AI{style}."
    elif count > 1:
        first = f"{count} takes on {wish or 'your wish'}{style}, painted by AI."
    else:
        first = f"Here is {wish or 'your picture'}{style}, painted by AI."
    return [first, _guess(facts), _left(facts), _ignored(facts), _seeds(facts)]


def _guess(facts: Facts) -> str:
    """Honest about a small model: what it never learnt can only be guessed."""
    if facts.get("known", True):
        return ""
    learnt = facts.get("things") or "few"
    return f"I have learnt to paint {learnt} things, and this is not one of them: it is a guess."


def _left(facts: Facts) -> str:
    left, quota = facts.get("left"), facts.get("quota")
    if left is None or quota is None:
        return ""
    if left == 0:
        return f"That was the last of {quota} pictures for today."
    return f"{left} of {quota} pictures left today."


def _ignored(facts: Facts) -> str:
    ignored = [_tame(str(flag)) for flag in facts.get("ignored") or ()]
    return f"I left out {_listed(ignored)}." if ignored else ""


def _seeds(facts: Facts) -> str:
    seeds = [str(seed) for seed in facts.get("seeds") or ()]
    return f"{'Seeds' if len(seeds) > 1 else 'Seed'} {_listed(seeds)}." if seeds else ""


def _daily_quota(facts: Facts, now: float) -> list[str]:
    quota, left, units = facts.get("quota"), facts.get("left") or 0, facts.get("units") or 1
    retry_at = facts.get("retry_at")
    if quota is None:
        first = "You have had all your pictures for today."
    elif units > quota:
        whose = f"of the {facts['tier']} tier" if facts.get("tier") else "there are for you"
        first = f"{_pictures(units)} at once is more than the {quota} a day {whose}."
    elif left > 0:
        first = f"You asked for {_pictures(units)} and have {left} of {quota} left today."
    else:
        first = f"You have had all {_pictures(quota)} for today."
    ways = [f"ask for {min(units, left)} now"] if left > 0 else []
    ways += [f"try again {until(retry_at, now)}"] if retry_at is not None else []
    return [first, _capital(f"{', or '.join(ways)}.") if ways else "", FREE_OF_COST]


def _refused(what: str, remedy: str) -> Callable[[Facts, float], list[str]]:
    def say(facts: Facts, _now: float) -> list[str]:
        reason = _tame(str(facts.get("reason") or "")).rstrip(".")
        return [f"{what}: {reason}." if reason else f"{what}.", remedy, FREE_OF_COST]

    return say


def _no_wish(_facts: Facts, _now: float) -> list[str]:
    return [
        "What shall I paint?",
        "Tag me again and say it in your own words, for example “a red fox on a blue background”.",
    ]


def _oversized_photo(facts: Facts, _now: float) -> list[str]:
    width, height, megapixels = (facts.get(name) for name in ("width", "height", "megapixels"))
    size, limit = facts.get("bytes"), facts.get("limit")
    if width and height and megapixels:
        first = (
            f"That photo is too large for me: {width:,} × {height:,} pixels,"
            f" and I take up to {megapixels} megapixels."
        )
    elif megapixels:
        first = f"That photo is too large for me; I take up to {megapixels} megapixels."
    elif limit:
        held = f" at {_megabytes(size)}" if size else ""
        first = f"That photo is too large for me{held}; I take up to {_megabytes(limit)}."
    else:
        first = "That photo is too large for me."
    return [first, "Please send a smaller copy.", FREE_OF_COST]


def _no_room(facts: Facts, now: float) -> list[str]:
    retry_at = facts.get("retry_at")
    again = f"There is room again {until(retry_at, now)}." if retry_at is not None else ""
    return ["I can post no more pictures for now.", again, FREE_OF_COST]


def _failed(facts: Facts, _now: float) -> list[str]:
    attempts = facts.get("attempts") or 0
    tried = f", though I tried {attempts} times" if attempts > 1 else ""
    return [
        f"I could not finish this one{tried}. It was not your doing.",
        FREE_OF_COST,
        "Ask again whenever you like.",
    ]


def _cancelled(facts: Facts, _now: float) -> list[str]:
    units = facts.get("units") or 1
    what = "Your picture is" if units == 1 else f"Your {units} pictures are"
    return [f"Cancelled. {what} off the easel.", FREE_OF_COST]


def _always(*sentences: str) -> Callable[[Facts, float], list[str]]:
    return lambda _facts, _now: list(sentences)


_SAYINGS: Final[Mapping[Say, Callable[[Facts, float], list[str]]]] = MappingProxyType(
    {
        Say.PICTURE: _picture,
        Say.CANCELLED: _cancelled,
        Say.WITHDRAWN: _always("I took that picture down."),
        Say.NOTHING_TO_CANCEL: _always(
            "There is nothing of yours to cancel here.",
            "Answer one of your own pictures with “delete” to take it down.",
        ),
        Say.NOTHING_TO_REPEAT: _always(
            "I have not painted anything for you yet that I could do again.",
            "Tag me with what you would like to see.",
        ),
        Say.NO_WISH: _no_wish,
        Say.NOT_YOUR_PHOTO: _always(
            "I only work from photos posted by the person who asks.",
            "Post one of your own and tag me there.",
            FREE_OF_COST,
        ),
        Say.UNREADABLE_PHOTO: _always(
            "I could not open that photo.",
            "Please send it again as a JPEG, PNG, WEBP or GIF.",
            FREE_OF_COST,
        ),
        Say.OVERSIZED_PHOTO: _oversized_photo,
        Say.REFUSED_PROMPT: _refused("I will not paint that", "Try other words."),
        Say.REFUSED_PHOTO: _refused("I will not work from that photo", "Try another one."),
        Say.REFUSED_PICTURE: _refused(
            "I painted it and will not show it", "Asking again, or in other words, may help."
        ),
        Say.DAILY_QUOTA: _daily_quota,
        Say.NO_ROOM: _no_room,
        Say.STOPPED: _always("I will not answer you again until you ask me to."),
        Say.FAILED: _failed,
    }
)


def _quoted(wish: object) -> str:
    """The start of a wish in quotation marks; Arabic or Hebrew keeps its direction to itself."""
    words = _shortened(_tame(str(wish or "")), LONGEST_ECHO)
    if not words:
        return ""
    if any(unicodedata.bidirectional(c) in ("R", "AL") for c in words):
        return f"“{_FIRST_STRONG}{words}{_POP}”"
    return f"“{words}”"


def _in_style(style: str) -> str:
    return f", in {style.removesuffix(' style')} style" if style else ""


def _tame(text: str) -> str:
    """On one line, and without anything a network would take for an account, link or share."""
    return " ".join(_DOMAIN_DOT.sub(". ", _CASHTAG.sub("", _AT.sub("", text))).split())


def _listed(parts: Iterable[str]) -> str:
    *firsts, last = parts
    return f"{', '.join(firsts)} and {last}" if firsts else last


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count} pictures"


def _megabytes(size: float) -> str:
    return f"{size / 1_000_000:.3g} MB"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _width(text: str) -> int:
    return sum(1 if any(ord(c) in narrow for narrow in _NARROW) else 2 for c in text)


def _shortened(text: str, limit: int) -> str:
    """At most `limit` wide, with an ellipsis where something is missing."""
    if _width(text) <= limit:
        return text
    kept: list[str] = []
    room = limit - 2  # the ellipsis is a wide character
    for character in text:
        room -= _width(character)
        if room < 0:
            break
        kept.append(character)
    return f"{''.join(kept).rstrip()}…"
