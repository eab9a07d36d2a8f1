"""What a card says and offers at this moment, read from the database."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageFilter

from bots import cards as words
from bots import wording
from bots.platform import House
from bots.platforms._discord.address import NAME, parts
from bots.platforms._discord.delivery import escaped
from data import cards, casebook, cases, consent, guilds, journal, mentions, outbox, staff
from data.cards import About, Card, Held
from data.casebook import Row
from data.cases import Case
from data.consent import Answer, Request
from data.store import Connection as Look
from data.words import Mention

#: A veiled picture has so many pixels a side, shown at this size: that there is one, no more.
VEIL, SIZE = 10, 256
TAKE_BACK: Final = "takeback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """`buttons` are (verb, label); `wish` the one a console can open; `calls` who is called.

    `over`: it will not change any more.
    """

    text: str
    buttons: tuple[tuple[str, str], ...] = ()
    wish: int | None = None
    picture: str | None = None
    calls: str | None = None
    over: bool = False

    @property
    def digest(self) -> str:
        told = repr((self.text, self.buttons, self.picture))
        return hashlib.sha256(told.encode()).hexdigest()[:16]


def face(c: Look, house: House, card: Card) -> Face | None:
    """None where there is nothing (any more) to be shown."""
    if card.about is About.REQUEST:
        return _of_request(c, card)
    return _of_hold(c, house, card) if card.about is About.HOLD else _of_case(c, house, card)


def is_operators(c: Look, house: House, card: Card, mention_id: int) -> bool | None:
    """Whether a card lies in the operator's channel, or in its guild's own; None in neither."""
    if card.channel == house.settings.discord_mod_channel:
        return True
    mention = mentions.by_id(c, mention_id)
    if mention is None or mention.guild is None:
        return None
    return False if guilds.policy(c, NAME, mention.guild).mod_channel == card.channel else None


def mention_id_of(c: Look, card: Card, now: float) -> int | None:
    """The wish a card is about."""
    if card.about is About.REQUEST:
        request = consent.request(c, card.number)
        return request.mention_id if request is not None else None
    is_hold = card.about is About.HOLD
    about = cards.held(c, card.number, now) if is_hold else cases.by_id(c, card.number)
    return about.mention_id if about is not None else None


def images(row: Row) -> list[str]:
    """What there is to be looked at: the pictures, and the photo they begin with."""
    return [*row.pictures, *([row.photo] if row.photo is not None else [])]


def veiled(data: bytes) -> bytes:
    """A picture as a few smudges. Blocking."""
    with Image.open(io.BytesIO(data)) as image:
        few = image.convert("RGB").resize((VEIL, VEIL), Image.Resampling.BOX)
    smudged = few.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    smudged.filter(ImageFilter.GaussianBlur(SIZE // VEIL)).save(file, "WEBP", quality=60)
    return file.getvalue()


def _of_hold(c: Look, house: House, card: Card) -> Face | None:
    now = house.clock()
    hold = cards.held(c, card.number, now)
    if hold is None:
        return None
    row = casebook.row(c, hold.mention_id, now)
    text = words.held(
        hold,
        row,
        names=_names(c, [hold.claimed_by, hold.ended_by, *hold.approvals]),
        since=wording.moment(hold.held_at),
        until=wording.moment(hold.held_at + house.expire_after),
        escape=escaped,
    )
    return _moderated(c, house, card, hold, text, row)


def _of_case(c: Look, house: House, card: Card) -> Face | None:
    case = cases.by_id(c, card.number)
    if case is None:
        return None
    row = casebook.row(c, case.mention_id, house.clock())
    text = words.reported(
        case,
        row,
        names=_names(c, [case.closed_by]),
        since=wording.moment(case.opened_at),
        link=_link(c, case) if row else None,
        escape=escaped,
    )
    return _moderated(c, house, card, case, text, row)


def _moderated(
    c: Look, house: House, card: Card, about: Held | Case, text: str, row: Row | None
) -> Face:
    """A card for moderators; the picture in it is veiled, and gone when it is decided."""
    shown = images(row) if row is not None and about.outcome is None else []
    operator = bool(is_operators(c, house, card, about.mention_id))
    return Face(
        text=text,
        buttons=words.buttons(about, operator=operator, pictures=bool(shown)),
        wish=about.mention_id if operator and row is not None else None,
        picture=next(iter(shown), None),
        over=about.outcome is not None,
    )


def _of_request(c: Look, card: Card) -> Face | None:
    """What whoever posted a photo is asked, and what came of it."""
    request = consent.request(c, card.number)
    mention = mentions.by_id(c, request.mention_id) if request is not None else None
    if request is None or mention is None:
        return None
    say, language = wording.phrase, mention.language
    if request.answer is not None:
        verbs = [TAKE_BACK] if request.answer is Answer.AGREED else []
        text = say(f"leave.{_ANSWERED[request.answer]}", language)
    else:
        verbs = ["agree", "refuse", "never"]
        facts = {"owner": f"<@{request.owner}>", "asker": f"<@{request.asker}>"}
        text = say("leave.ask", language, **facts)
        wish = wording.shown(_wished(c, request, mention))
        text += f"\n> {escaped(wish)}" if wish else ""
    return Face(
        text=text,
        buttons=tuple((verb, say(f"leave.button.{verb}", language)) for verb in verbs),
        calls=request.owner,
        over=request.answer is not None,
    )


def _wished(c: Look, request: Request, mention: Mention) -> str:
    """In the words that would be painted; none where a person has to read them first."""
    if not request.words:
        return ""
    prompt = mention.prompt or journal.prompt_of(c, request.mention_id)
    if prompt is None:
        return ""
    style = f" ({prompt.style})" if prompt.style else ""
    return f"{prompt.wish}{style}".strip()


_ANSWERED = {
    Answer.AGREED: "agreed",
    Answer.REFUSED: "refused",
    Answer.EXPIRED: "expired",
    Answer.TAKEN_BACK: "taken_back",
}


def _link(c: Look, case: Case) -> str | None:
    """Where the reported picture stands, if that is on Discord."""
    mention = mentions.by_id(c, case.mention_id)
    post = outbox.post_of(c, case.mention_id)
    if mention is None or mention.platform != NAME or post is None or parts(post) is None:
        return None
    return f"https://discord.com/channels/{mention.guild or '@me'}/{post}"


def _names(c: Look, logins: Iterable[str | None]) -> dict[str, str]:
    """What moderators are called, by login; a tag in a card calls nobody."""
    kind = f"{NAME}:"
    return {
        login: f"<@{login.removeprefix(kind)}>"
        if login.startswith(kind)
        else escaped(staff.name_of(c, login) or login)
        for login in logins
        if login is not None
    }
