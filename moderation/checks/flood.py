"""The same again and again: one wish by one account, one photo by many, or what was taken down.

That many people wish for the same thing is what the bot is for; that ten send the
same photo of somebody within an hour is not.
"""

from __future__ import annotations

from collections.abc import Callable

from data.words import Ruling, Stage, Verdict
from moderation import standards
from moderation.check import CheckSettings, Subject
from moderation.fingerprint import distance
from moderation.reading import words

STAGES = {Stage.PROMPT, Stage.PHOTO, Stage.PICTURE}


def open(settings: CheckSettings) -> Callable[[Subject], Verdict]:  # noqa: A001  the contract's name
    """Raises what reading the standards raises."""
    known = standards.read(settings.standards)

    def look(subject: Subject) -> Verdict:
        if subject.image is None:
            return _words(known, subject)
        return _taken_down(known, subject) or _photo(known, subject) or _ALLOW

    return look


_ALLOW = Verdict(ruling=Ruling.ALLOW, check="flood")


def _words(known: standards.Standards, subject: Subject) -> Verdict:
    wish = words(subject.prompt.wish)
    same = sum(words(earlier) == wish for earlier in subject.circumstances.recent_wishes)
    if not wish or same + 1 <= known.of(subject, "flood.words"):
        return _ALLOW
    return Verdict(
        ruling=Ruling.REFUSE,
        check="flood",
        rule="flood.words",
        category="flood",
        reason="it is the same wish again and again",
        scores={"same": float(same + 1)},
    )


def _taken_down(known: standards.Standards, subject: Subject) -> Verdict | None:
    near = [distance(subject.fingerprint, other) for other in subject.circumstances.taken_down]
    if not near or min(near) > known.of(subject, "flood.distance"):
        return None
    return _held(
        "flood.taken_down", "it looks like one that was taken down", distance=float(min(near))
    )


def _photo(known: standards.Standards, subject: Subject) -> Verdict | None:
    largest = known.of(subject, "flood.distance")
    accounts = {
        account
        for account, other in subject.circumstances.recent_photos
        if distance(subject.fingerprint, other) <= largest
    }
    if len(accounts) < known.of(subject, "flood.photo"):
        return None
    return _held(
        "flood.photo", "many people sent this photo at once", accounts=float(len(accounts))
    )


def _held(rule: str, reason: str, **scores: float) -> Verdict:
    return Verdict(
        ruling=Ruling.HOLD,
        check="flood",
        rule=rule,
        category="flood",
        reason=reason,
        scores=scores,
    )
