"""The words of the moderators' cards, in English like the rest of their desk. Pure.

Wishes and reasons in them are people's own words: whoever sends a card sees to it that
its network takes nothing in it for more than words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from data.cards import Held
from data.casebook import Row
from data.cases import Case, Kind, Outcome

Button = tuple[str, str]

#: A wish is shown up to so many characters, and what somebody reports.
LONGEST: Final = 350

#: What can be done from a card, by what it is about: word in the button's id, what it says.
_BAN: Final = ("ban", "Ban or time out")
ACTS: Final[Mapping[str, tuple[Button, ...]]] = MappingProxyType(
    {
        "hold": (("approve", "Approve"), ("reject", "Reject"), _BAN),
        Kind.REPORT: (("uphold", "Take down"), ("dismiss", "Dismiss"), _BAN),
        Kind.APPEAL: (("overturn", "They are right"), ("stand", "The refusal was right")),
    }
)
LOOK: Final = ("look", "Look")
STRICTER: Final = frozenset({"reject", "uphold"})
CONSOLE: Final = "Open in console"
#: How long a ban may be, in seconds; 0 is for good.
LENGTHS: Final = (
    (3_600, "1 hour"),
    (86_400, "1 day"),
    (604_800, "1 week"),
    (2_419_200, "4 weeks"),
    (0, "For good"),
)
FINE: Final = "looked at and found fine"
NO_LONGER: Final = "This card is out of date."
SEALED: Final = "This is shown to nobody."

_OUTCOMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "approved": "✅ Approved",
        "rejected": "❌ Rejected",
        "expired": "⌛ Refused, because nobody looked in time",
        "cancelled": "✖️ Taken back",
        Outcome.UPHELD: "✅ Upheld",
        Outcome.DISMISSED: "❌ Dismissed",
        Outcome.OVERTURNED: "↩️ Overturned",
    }
)

#: Makes people's own words harmless where the card is shown.
Escape = Callable[[str], str]


def held(
    hold: Held,
    row: Row | None,
    *,
    names: Mapping[str, str],
    since: str,
    until: str,
    escape: Escape,
) -> str:
    """A wish that waits for a person. `names` are of logins, the moments as they are shown."""
    wish = f"wish {hold.mention_id}"
    if hold.outcome is not None:
        return _over(hold.outcome, wish, hold.ended_by, names, hold.reason, escape)
    lines = [f"🟠 **Held: {wish}**", *_told(row, escape)]
    lines.append(f"Why: {escape(hold.reason or 'a check was in doubt')} (`{hold.rule or 'none'}`)")
    lines.append(f"Held {since}; refused by itself {until}")
    if hold.needed > 1:
        agreed = f", agreed: {_listed(hold.approvals, names)}" if hold.approvals else ""
        lines.append(f"**It needs {hold.needed} moderators**{agreed}")
    if hold.claimed_by is not None:
        lines.append(f"👀 {names[hold.claimed_by]} is looking at it")
    return "\n".join(lines)


def reported(
    case: Case,
    row: Row | None,
    *,
    names: Mapping[str, str],
    since: str,
    link: str | None,
    escape: Escape,
) -> str:
    """A report or an appeal."""
    what = f"case {case.id}, wish {case.mention_id}"
    if case.outcome is not None:
        return _over(case.outcome, what, case.closed_by, names, case.reason, escape)
    first = "🚩 **Reported" if case.kind is Kind.REPORT else "⚖️ **Appeal"
    lines = [f"{first}: {what}**", *_told(row, escape)]
    lines.append(f"{escape(case.account.handle)} says: {_on_one_line(case.words, escape) or '-'}")
    lines.append(f"Since {since}")
    return "\n".join([*lines, *([link] if link else [])])


def buttons(about: Held | Case, *, operator: bool, pictures: bool) -> tuple[Button, ...]:
    """What can be done now. A guild's own moderators can only be stricter than the operator's."""
    if about.outcome is not None:
        return ()
    kind = "hold" if isinstance(about, Held) else about.kind
    allowed = [one for one in ACTS[kind] if operator or one[0] in STRICTER]
    return (*allowed, LOOK) if pictures else tuple(allowed)


def banned(who: str, until: str | None, cancelled: int) -> str:
    ends = f"until {until}" if until else "until somebody lifts it"
    waiting = f"; {cancelled} waiting were cancelled and refunded" if cancelled else ""
    return f"{who} is banned {ends}{waiting}."


def closed(number: int, *, done: bool) -> str:
    return f"Case {number} is closed." if done else f"Case {number} is not open (any more)."


def _told(row: Row | None, escape: Escape) -> list[str]:
    """Who wished for what."""
    if row is None:
        return [f"*{SEALED}*"]
    wish = _on_one_line(row.wish, escape) or "(a photo, in other words)"
    photo = " (from a photo)" if row.photo else ""
    return [f"> {wish}{photo}", f"From {escape(row.handle)} on {row.platform}, tier {row.tier}"]


def _over(
    outcome: str,
    what: str,
    by: str | None,
    names: Mapping[str, str],
    reason: str | None,
    escape: Escape,
) -> str:
    """What is left to read: who asked for what is in the console, for as long as it is kept."""
    who = f" by {names[by]}" if by is not None else ""
    why = f"\n{escape(reason)}" if reason and reason not in (outcome, FINE) else ""
    return f"{_OUTCOMES.get(outcome, outcome)}{who}: {what}{why}"


def _on_one_line(text: str, escape: Escape) -> str:
    """Nobody's words look like a line of ours."""
    line = " ".join(text.split())
    return escape(line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…")


def _listed(logins: Sequence[str], names: Mapping[str, str]) -> str:
    return ", ".join(names[login] for login in logins)
