"""Every sentence people read from the bot. Pure; nothing else composes replies.

A reply says one thing, when to try again, and what it cost. It names no account
and holds no link: either would reach people who asked for nothing. What varies is
the wish it answers, so that no two replies need be alike.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from string import Formatter
from types import MappingProxyType
from typing import Any, Final

from bots.languages import ENGLISH, Sentence, catalogue
from data.guilds import Policy
from data.words import Job, JobState, Picture, Progress, Prompt, Say, TemporaryLimit, Ticket

Facts = Mapping[str, Any]

FREE_OF_COST: Final = "This did not cost you anything."

#: A wish is repeated up to so many characters; the whole of it is in the alt text.
LONGEST_ECHO: Final = 120

#: From so many seconds of waiting on, Discord will have closed the answer that stands in.
LATE: Final = 14 * 60

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
    say: Say,
    facts: Facts,
    *,
    now: float,
    limit: int | None = None,
    number: int | None = None,
    language: str | None = None,
) -> str:
    """The reply for `say`; facts that are missing are left out of it.

    A `number` is told last and always, so that no two replies are alike. What a
    `language` (as in "de") has no words for is said in English.

    `now` is in UNIX seconds. `limit` is in characters, wide ones (Chinese, emoji)
    counting twice: the least important sentences go first, then the end of the text.
    """
    abroad = catalogue(language).sayings.get(say)
    spoken = _SAYINGS[say](facts, now) if abroad is None else _abroad(abroad, facts, now, language)
    sentences = [sentence for sentence in spoken if sentence]
    text = " ".join(sentences)
    if number is not None:
        mark = f" No. {number}."
        rest = limit - _width(mark) if limit is not None else None
        return reply_text(say, facts, now=now, limit=rest, language=language) + mark
    if limit is None:
        return text
    while len(sentences) > 1 and _width(text) > limit:
        sentences.pop()
        text = " ".join(sentences)
    return _shortened(text, limit)


def alt_text(prompt: Prompt, *, limit: int = 1000, language: str | None = None) -> str:
    """What a picture shows, for people who can't see it; at most `limit` characters."""
    wish, style = _tame(prompt.wish), _tame(prompt.style or "")
    shown = (wish or "a photo, painted anew") + _in_style(style)
    first = phrase("alt", language).rstrip(".。")
    text = _shortened(f"{first}: {shown}", limit - 1)
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def phrase(key: str, language: str | None = None, **facts: object) -> str:
    """A sentence of `bots/languages`, with its facts."""
    own = catalogue(language).phrases
    return (own[key] if key in own else ENGLISH.phrases[key]).format(**facts)


def command(key: str, language: str | None = None) -> str | None:
    """A name or description of a command, None where the language has none."""
    return catalogue(language).commands.get(key)


def moment(at: float) -> str:
    """A moment as Discord shows it, counted down in the reader's own language."""
    return f"<t:{math.ceil(at)}:R>"


def status(
    ticket: Ticket, progress: Progress | None, language: str | None = None, *, now: float
) -> str:
    """Where a wish stands, with moments as Discord shows them."""
    if ticket.state == JobState.EXECUTING:
        if progress is not None and progress.step:
            return phrase("status.step", language, step=progress.step, steps=progress.steps)
        return phrase("status.drawing", language)
    if ticket.state == JobState.AVAILABLE and ticket.position:
        if ticket.eta is None:
            return phrase("status.line.somewhen", language, position=ticket.position)
        eta = moment(now + ticket.eta)
        line = phrase("status.line", language, position=ticket.position, eta=eta)
        late = ticket.eta > LATE
        return f"{line}. {phrase('status.late', language)}" if late else line
    return phrase(_STATUS.get(ticket.state, "status.received"), language)


def details(job: Job, pictures: Sequence[Picture], language: str | None = None) -> str:
    """How a job's pictures were made, a line each."""
    prompt = job.prompt
    told = {
        "wish": _tame(prompt.wish) or phrase("details.none", language),
        "style": prompt.style,
        "negative": prompt.negative,
        "aspect": prompt.aspect,
        "seeds": ", ".join(str(picture.seed) for picture in pictures),
        "engine": pictures[0].engine if pictures else None,
    }
    lines = [
        phrase(f"details.{name}", language, **{name: value})
        for name, value in told.items()
        if value
    ]
    when = moment(job.created_at)
    return "\n".join(
        [*lines, phrase("details.job", language, job=job.id, when=when, count=len(pictures))]
    )


def policy(policy: Policy, language: str | None = None) -> str:
    """A server's policy, a line each; channels as Discord shows them."""
    channels = " ".join(f"<#{channel}>" for channel in policy.channels)
    none = phrase("none", language)
    lines = [
        phrase("policy.channels", language, channels=channels)
        if channels
        else phrase("policy.everywhere", language),
        phrase(
            "policy.age",
            language,
            yes=phrase("yes" if policy.age_restricted_only else "no", language),
        ),
        phrase("policy.limit", language, limit=policy.member_limit or none),
    ]
    if policy.quiet is not None:
        first, end = policy.quiet
        lines.append(phrase("policy.quiet", language, first=first, end=end))
    channel = f"<#{policy.mod_channel}>" if policy.mod_channel else none
    return "\n".join([*lines, phrase("policy.mod_channel", language, channel=channel)])


def shown(wish: str) -> str:
    """The start of a wish, in quotation marks."""
    return _quoted(wish)


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
    if ticket.state == JobState.HELD and ticket.eta is not None:
        return f"A person will look at it first, in about {_duration(ticket.eta)}"
    return _STATE_LINES.get(ticket.state, "On its way")


_STATUS: Final[Mapping[str, str]] = MappingProxyType(
    {
        JobState.AVAILABLE: "status.received",
        JobState.RETRYABLE: "status.again",
        JobState.HELD: "status.held",
        JobState.COMPLETED: "status.sent",
        JobState.CANCELLED: "status.cancelled",
        JobState.EXPIRED: "status.expired",
        "asking": "status.asking",
    }
)

_STATE_LINES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "received": "Read; one moment",
        "refused": "Not this time; the answer is on its way",
        "answered": "The answer is on its way",
        "asking": "Whoever posted that photo is asked",
        JobState.HELD: "A person will look at it first",
        JobState.COMPLETED: "Painted; the reply is on its way",
        JobState.DISCARDED: "No picture this time; the answer is on its way",
        JobState.CANCELLED: "Taken back",
        JobState.EXPIRED: "Waited too long and was dropped",
    }
)


def _place(ticket: Ticket) -> str:
    parts = [_ordinal(ticket.position)] if ticket.position else []
    parts += [_span(ticket)] if ticket.eta is not None else []
    parts += [f"counts as {_pictures(ticket.units)}"] if ticket.units > 1 else []
    return f": {', '.join(parts)}" if parts else ""


def _span(ticket: Ticket) -> str:
    """ "2–4 min" where it is known how sure the estimate is, else "about 3 min"."""
    shortest, longest = (_duration(s or ticket.eta or 0) for s in (ticket.soonest, ticket.latest))
    if ticket.soonest is None or shortest == longest:
        return f"about {longest}"
    if shortest.count(" ") == longest.count(" ") == 1 and shortest[-2:] == longest[-2:]:
        return f"{shortest.split()[0]}–{longest}"
    return f"{shortest} to {longest}"


def limit_line(limit: TemporaryLimit, when: str, language: str | None = None) -> str:
    """A temporary limit in one line, for everybody to see; `when` it should be over."""
    return phrase(
        "limit.line" if limit.daily is None else "limit.daily",
        language,
        tier=limit.tier,
        quota=limit.daily,
        reason=_reason({"reason": limit.reason}, language),
        when=when,
    )


def _over(when: str) -> str:
    return f"It should be over {when}."


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
    return [
        first,
        _guess(facts),
        _left(facts),
        _price(facts, count),
        _haste(facts),
        _ignored(facts),
        _seeds(facts),
    ]


def _price(facts: Facts, count: int) -> str:
    units = int(facts.get("units") or count)
    return f"It counts as {_pictures(units)}." if units > count else ""


def _haste(facts: Facts) -> str:
    if not facts.get("eased"):
        return ""
    return "It is painted more quickly than usual, because so many are asking."


def _guess(facts: Facts) -> str:
    """Honest about a small model: what it never learnt can only be guessed."""
    if not facts.get("known", True):
        learnt = facts.get("things") or "few"
        return (
            f"I have learnt to paint {learnt} things, and this is not one of them: it is a guess."
        )
    if not facts.get("known_style", True):
        styles, style = _listed(facts.get("styles") or []), _tame(facts.get("style") or "")
        return f"I have learnt the styles {styles}: {style} is a guess."
    return ""


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


def _abroad(
    sentences: Sequence[Sentence], facts: Facts, now: float, language: str | None
) -> list[str]:
    """Sentences of another language; one whose facts are not all known is left out."""
    known = _known(facts, now, language)
    spoken = []
    for sentence in sentences:
        ways = (sentence,) if isinstance(sentence, str) else sentence
        said = (way for way in ways if all(known.get(name) for name in _fields(way)))
        way = next(said, None)
        if way is not None:
            spoken.append(way.format(**known))
    return spoken


def _fields(sentence: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(sentence) if name]


def _known(facts: Facts, now: float, language: str | None) -> dict[str, object]:
    """The facts as other languages use them: told as they are shown, or absent."""
    left, quota, units = facts.get("left"), facts.get("quota"), facts.get("units")
    seeds = [str(seed) for seed in facts.get("seeds") or ()]
    moments = {"when": facts.get("retry_at"), "over": facts.get("until")}
    spans = {name: facts.get(name) for name in ("every", "min_age", "waited")}
    return {
        **{name: facts.get(name) for name in ("tier", "burst", "in_hand", "most", "cap", "case")},
        **{name: _when(facts, at, now) if at else None for name, at in moments.items()},
        **{name: _duration(span) if span else None for name, span in spans.items()},
        "wish": _quoted(facts.get("wish")),
        "things": "" if facts.get("known", True) else facts.get("things"),
        "styles": ", ".join(facts.get("styles") or ()),
        "guessed": "" if facts.get("known_style", True) else _tame(facts.get("style") or ""),
        "last": quota if left == 0 else None,
        "left": left,
        "quota": quota,
        "units": units if units and left else None,
        "eased": "yes" if facts.get("eased") else None,
        "price": units if units and units > len(seeds) > 0 else None,
        "ignored": ", ".join(_tame(str(flag)) for flag in facts.get("ignored") or ()),
        "seeds": ", ".join(seeds),
        "reason": _reason(facts, language),
    }


def _reason(facts: Facts, language: str | None) -> str:
    """Why, as whoever set the limit or the rule wrote it; our own reason is translated."""
    reason = _tame(str(facts.get("reason") or "")).rstrip(".")
    return phrase("crowded", language) if reason == phrase("crowded") else reason


def _when(facts: Facts, retry_at: float, now: float) -> str:
    return moment(retry_at) if facts.get("live_times") else until(retry_at, now)


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
    ways += [f"try again {_when(facts, retry_at, now)}"] if retry_at is not None else []
    return [first, _capital(f"{', or '.join(ways)}.") if ways else "", FREE_OF_COST]


def _refused(what: str, remedy: str) -> Callable[[Facts, float], list[str]]:
    def say(facts: Facts, _now: float) -> list[str]:
        reason = _reason(facts, None)
        return [f"{what}: {reason}." if reason else f"{what}.", remedy, FREE_OF_COST]

    return say


def _no_wish(_facts: Facts, _now: float) -> list[str]:
    return [
        "What shall I paint?",
        "Tag me again and say it in your own words, for example “a red fox on a blue background”.",
    ]


def _no_consent(facts: Facts, _now: float) -> list[str]:
    said = "did not answer" if facts.get("silent") else "does not want it painted"
    return [f"Whoever posted that photo {said}.", "Try one of your own.", FREE_OF_COST]


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
    again = f"There is room again {_when(facts, retry_at, now)}." if retry_at is not None else ""
    return ["I can post no more pictures for now.", again, FREE_OF_COST]


def _burst(facts: Facts, now: float) -> list[str]:
    most, every = facts.get("burst"), facts.get("every")
    pace = ""
    if most and every:
        pace = f": {_pictures(most)} in a row, then one every {_duration(every)}"
    return [f"That is a lot at once for {_tier(facts)}{pace}.", _again(facts, now), FREE_OF_COST]


def _in_hand(facts: Facts, _now: float) -> list[str]:
    have, most = int(facts.get("in_hand") or 0), facts.get("most")
    limit = f", and {_tier(facts)} may have {most}" if most else ""
    return [
        f"You have {_pictures(have)} in line already{limit}.",
        "Ask again when one of them is there, or take one back.",
        FREE_OF_COST,
    ]


def _capped(whose: str) -> Callable[[Facts, float], list[str]]:
    def say(facts: Facts, now: float) -> list[str]:
        cap = facts.get("cap")
        many = "all the pictures" if cap is None else f"all {_pictures(cap)}"
        return [f"{whose} had {many} for today.", _again(facts, now), FREE_OF_COST]

    return say


def _too_new(facts: Facts, now: float) -> list[str]:
    age = facts.get("min_age")
    least = f": I paint for those that are at least {_duration(age)} old" if age else ""
    return [f"Your account is too new for me{least}.", _again(facts, now), FREE_OF_COST]


def _not_open(facts: Facts, now: float) -> list[str]:
    retry_at = facts.get("retry_at")
    if retry_at is not None:
        first = f"I do not paint for {_tier(facts)} yet. That begins {_when(facts, retry_at, now)}."
    else:
        first = f"I open to {_tier(facts)} bit by bit, and your turn has not come yet."
    return [first, FREE_OF_COST]


def _overloaded(facts: Facts, now: float) -> list[str]:
    reason = _reason(facts, None) or "too many are asking"
    quota, end = facts.get("quota"), facts.get("until")
    size = f"may have {_pictures(quota)} a day" if quota is not None else "has to wait"
    return [
        f"For now {_tier(facts)} {size}, because {reason}.",
        _over(_when(facts, end, now)) if end is not None else "",
        FREE_OF_COST,
    ]


def _expired(facts: Facts, _now: float) -> list[str]:
    waited = facts.get("waited")
    how_long = f" {_duration(waited)}" if waited else ""
    return [
        f"Your wish has waited{how_long}, which is too long, so I let it go.",
        FREE_OF_COST,
        "Ask again whenever you like.",
    ]


def _tier(facts: Facts) -> str:
    return f"the {facts['tier']} tier" if facts.get("tier") else "you"


def _again(facts: Facts, now: float) -> str:
    retry_at = facts.get("retry_at")
    return f"Try again {_when(facts, retry_at, now)}." if retry_at is not None else ""


def _banned(facts: Facts, now: float) -> list[str]:
    reason, retry_at = _reason(facts, None), facts.get("retry_at")
    why = f" ({reason})" if reason else ""
    if retry_at is None:
        return [f"I do not take wishes from you any more{why}."]
    return [f"I take wishes from you again {_when(facts, retry_at, now)}{why}."]


def _case(facts: Facts, _now: float) -> list[str]:
    case = facts.get("case")
    number = f" as case {case}" if case else ""
    return [f"Thank you. It is with the moderators{number}; a person will look."]


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
        Say.NO_CONSENT: _no_consent,
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
        Say.BURST: _burst,
        Say.IN_HAND: _in_hand,
        Say.CIRCLE_QUOTA: _capped("Together, the people here have"),
        Say.CHANNEL_QUOTA: _capped("Together, the people in this channel have"),
        Say.TOTAL_QUOTA: _capped("Together, everybody has"),
        Say.TOO_NEW: _too_new,
        Say.NOT_OPEN: _not_open,
        Say.OVERLOADED: _overloaded,
        Say.OPEN_AGAIN: _always(
            "There is room for your wish again.", "Ask once more if you still want it."
        ),
        Say.EXPIRED: _expired,
        Say.NO_ROOM: _no_room,
        Say.STOPPED: _always("I will not answer you again until you ask me to."),
        Say.BANNED: _banned,
        Say.CASE: _case,
        Say.NO_CASE: _always(
            "There is nothing here that I could take to the moderators.",
            "Answer a picture of mine with “report”, or a refusal with “appeal”.",
        ),
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
