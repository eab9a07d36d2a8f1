"""The vocabulary: what the rooms say to each other.

Frozen values and enums only, no behaviour that needs a database. Every time is
a float of UNIX seconds (UTC); every digest is a lower-case sha256 in hex.
"""

from __future__ import annotations

import dataclasses
import operator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Self


class Tier(StrEnum):
    """What an account has signed up for; the quota hangs on it."""

    FREE = "free"
    PLUS = "plus"
    PRO = "pro"
    TEAM = "team"
    ENTERPRISE = "enterprise"
    EDU = "edu"


class JobState(StrEnum):
    """Where a job stands. The last four never change again."""

    AVAILABLE = "available"  #: in the line
    EXECUTING = "executing"  #: claimed by a living process
    RETRYABLE = "retryable"  #: failed for a passing reason, back in the line at `not_before`
    HELD = "held"  #: a moderator must look
    COMPLETED = "completed"  #: drawn; its reply is in the outbox or posted
    DISCARDED = "discarded"  #: given up on or refused after admission
    CANCELLED = "cancelled"  #: its asker took it back
    EXPIRED = "expired"  #: too old to be worth drawing


class ChargeState(StrEnum):
    """Units are reserved at admission and end in exactly one of the other two."""

    RESERVED = "reserved"
    SETTLED = "settled"
    RELEASED = "released"


class ReplyState(StrEnum):
    """Where a reply in the outbox stands."""

    PENDING = "pending"  #: to be posted at `not_before`
    PREPARING = "preparing"  #: claimed; pictures are being uploaded, nothing is public yet
    POSTING = "posting"  #: committed before the request; after a crash its outcome is unclear
    UNCLEAR = "unclear"  #: asked for without an answer: to be looked for at `not_before`
    POSTED = "posted"
    UNSAID = "unsaid"  #: decided, and left unsaid because the platform wants silence
    PARKED = "parked"  #: given up on; a person may look


class Event(StrEnum):
    """The arrows of a wish's way, as the journal names them."""

    MENTION = "mention"
    PROMPT = "prompt"
    VERDICT = "verdict"
    ADMIT = "admit"
    REFUSE = "refuse"
    BATCH = "batch"
    PICTURE = "picture"
    RETRY = "retry"
    RESCUE = "rescue"
    DISCARD = "discard"
    CANCEL = "cancel"
    HOLD = "hold"
    REPLY = "reply"
    RECEIPT = "receipt"
    PARK = "park"
    DOUBT = "doubt"
    SILENCE = "silence"
    FORGET = "forget"
    EXPIRE = "expire"
    REPORT = "report"
    REMOVE = "remove"
    CONSENT = "consent"  #: whoever posted the photo was asked, or has answered


class Intent(StrEnum):
    """What a mention wants of us."""

    PAINT = "paint"
    AGAIN = "again"  #: the same wish with another seed
    CANCEL = "cancel"  #: take back one's own job, or one's own delivered picture
    REPORT = "report"  #: a picture of ours is not right
    APPEAL = "appeal"  #: a refusal of ours is not right
    THANKS = "thanks"  #: politeness that asks for nothing and gets no answer
    NOTHING = "nothing"  #: no wish in it


class Say(StrEnum):
    """What a reply says. The sentences are in `bots/wording.py`."""

    PICTURE = "picture"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    NOTHING_TO_CANCEL = "nothing_to_cancel"
    NOTHING_TO_REPEAT = "nothing_to_repeat"
    NO_WISH = "no_wish"
    NOT_YOUR_PHOTO = "not_your_photo"
    NO_CONSENT = "no_consent"  #: whoever posted the photo said no, or nothing
    UNREADABLE_PHOTO = "unreadable_photo"
    OVERSIZED_PHOTO = "oversized_photo"
    REFUSED_PROMPT = "refused_prompt"
    REFUSED_PHOTO = "refused_photo"
    REFUSED_PICTURE = "refused_picture"
    DAILY_QUOTA = "daily_quota"
    BURST = "burst"  #: too many at once
    IN_HAND = "in_hand"  #: too many in the line already
    CIRCLE_QUOTA = "circle_quota"  #: the guild, or the platform, has had its pictures for today
    CHANNEL_QUOTA = "channel_quota"
    TOTAL_QUOTA = "total_quota"  #: everybody together has had the pictures of today
    TOO_NEW = "too_new"  #: the account is too young
    NOT_OPEN = "not_open"  #: the tier, or this share of it, opens later
    OVERLOADED = "overloaded"  #: a temporary limit
    OPEN_AGAIN = "open_again"  #: to those whom a temporary limit put off: it is over
    EXPIRED = "expired"  #: it waited too long to be worth drawing
    NO_ROOM = "no_room"  #: the platform's own limits leave no room for another reply
    STOPPED = "stopped"  #: they asked to be left alone
    BANNED = "banned"  #: nothing is taken from them, for a while or for good
    CASE = "case"  #: a report or appeal is with the moderators
    NO_CASE = "no_case"  #: there is nothing here to report or to appeal against
    FAILED = "failed"


class Ruling(StrEnum):
    """A check's answer, mildest first; the strictest of several wins."""

    ALLOW = "allow"
    SOFTEN = "soften"  #: go on, but let the delivery be discreet (spoiler)
    HOLD = "hold"  #: a moderator decides
    REFUSE = "refuse"

    @property
    def strictness(self) -> int:
        return list(Ruling).index(self)


class Stage(StrEnum):
    """When a check looks."""

    PROMPT = "prompt"
    PHOTO = "photo"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody on a platform: the pair (platform, user_id) is the key, never the handle."""

    platform: str
    user_id: str
    handle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoRef:
    """A photo the platform can fetch, and whose it is: a user id, "" for nobody to be asked."""

    ref: str
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """One delivery of somebody tagging the bot.

    `photo` hangs on the mention itself, `parent_photo` on the post it answers.
    `in_reply_to` and `source_id` are the platform's own ids; `answer_to` is the post
    to answer where that is another than `source_id` (a post that was edited),
    `thread` the conversation, where the platform has such a thing, and `addressed`
    the user ids of others who would hear of an answer. `guild` and `channel` are where
    it was said, on platforms that have such places, `adults` whether the place is kept for
    adults, and `account_since` when the account was made, where the platform tells. `named`
    are user ids of people it tags, where their handles are not in the text.

    Where a form was filled in instead of a text, `prompt` is what it says; `about` is
    the earlier job it is about, and `picture` which of its pictures, the first being 0.
    `language` is the asker's, as in "de". `address` is what the platform itself needs
    to find the way back; nobody else looks into it.
    """

    platform: str
    source_id: str
    account: Account
    text: str
    created_at: float
    in_reply_to: str | None = None
    photo: PhotoRef | None = None
    parent_photo: PhotoRef | None = None
    answer_to: str | None = None
    thread: str | None = None
    addressed: tuple[str, ...] = ()
    guild: str | None = None
    channel: str | None = None
    account_since: float | None = None
    prompt: Prompt | None = None
    about: int | None = None
    picture: int = 0
    language: str | None = None
    address: dict[str, Any] = dataclasses.field(default_factory=dict)
    adults: bool = False
    named: tuple[str, ...] = ()

    @property
    def circle(self) -> str:
        """Whom a wish shares the line with: its guild, or else its whole platform."""
        return f"{self.platform}/{self.guild}" if self.guild else self.platform

    def to_json(self) -> dict[str, Any]:
        # Not all of it by `asdict`: there may be a thousand of them in a second.
        return {
            **dict(zip(_MENTION_FIELDS, _MENTION_VALUES(self), strict=True)),
            "account": dataclasses.asdict(self.account),
            "photo": dataclasses.asdict(self.photo) if self.photo else None,
            "parent_photo": dataclasses.asdict(self.parent_photo) if self.parent_photo else None,
            "prompt": self.prompt.to_json() if self.prompt else None,
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        def photo(value: dict[str, str] | None) -> PhotoRef | None:
            return PhotoRef(**value) if value else None

        return cls(
            **{
                **fields,
                "account": Account(**fields["account"]),
                "photo": photo(fields["photo"]),
                "parent_photo": photo(fields["parent_photo"]),
                "addressed": tuple(fields.get("addressed", ())),
                "named": tuple(fields.get("named", ())),
                "prompt": Prompt.from_json(fields["prompt"]) if fields.get("prompt") else None,
            }
        )


_MENTION_FIELDS = tuple(field.name for field in dataclasses.fields(Mention))
_MENTION_VALUES = operator.attrgetter(*_MENTION_FIELDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A wish in plain words and the flags that came with it.

    `aspect` is "W:H" in small whole numbers, `strength` is in (0, 1],
    `ignored` lists what was written as a flag and not understood. `quality` multiplies
    the drawing steps, and with them the cost.
    """

    intent: Intent = Intent.PAINT
    wish: str = ""
    style: str | None = None
    aspect: str | None = None
    seed: int | None = None
    negative: str | None = None
    count: int = 1
    strength: float | None = None
    quality: int = 1
    ignored: tuple[str, ...] = ()

    @property
    def units(self) -> int:
        """What it costs, in ordinary pictures: pictures × steps × pixels, each by the ordinary."""
        return self.count * self.quality

    def to_json(self) -> dict[str, Any]:
        # By name: `asdict` copies deeply, at twenty times the price.
        return {
            "intent": self.intent,
            "wish": self.wish,
            "style": self.style,
            "aspect": self.aspect,
            "seed": self.seed,
            "negative": self.negative,
            "count": self.count,
            "strength": self.strength,
            "quality": self.quality,
            "ignored": self.ignored,
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        return cls(
            **{
                **fields,
                "intent": Intent(fields["intent"]),
                "ignored": tuple(fields["ignored"]),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What moderation says of a prompt, photo or picture.

    `check` is the check's name, `rule` the rule's id within all checks, `source` the
    sha256 of the data or model it ruled by, `scores` its measurements from 0 to 1.
    `severe`: two moderators have to agree before it goes on. `sealed`: shown to
    nobody afterwards, moderators included. `strike`: counts against the asker.
    `among` is what all checks of the stage said, where several looked.
    """

    ruling: Ruling
    check: str = ""
    category: str = ""
    reason: str = ""
    rule: str = ""
    source: str = ""
    scores: dict[str, float] = dataclasses.field(default_factory=dict)
    severe: bool = False
    sealed: bool = False
    strike: bool = False
    among: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a check may know besides the wish itself; read before it looks.

    `adults` says that the place is kept for adults by its platform. `standards` are
    thresholds and `rulings` the rulings of rules, both by name, where somebody changed
    them for this tier or guild; `patterns` are the guild's own, with their rulings.
    `recent_wishes` are the account's of the last minutes, `recent_photos` the
    fingerprints of everybody's of the last hour with whose they are, `taken_down` those
    of pictures that moderators took down. `opted_out` are people the wish names, or tags
    (`named`, user ids), who do not want to be pictured.
    """

    account: Account | None = None
    named: tuple[str, ...] = ()
    tier: Tier = Tier.FREE
    guild: str | None = None
    adults: bool = False
    standards: dict[str, float] = dataclasses.field(default_factory=dict)
    rulings: dict[str, Ruling] = dataclasses.field(default_factory=dict)
    patterns: tuple[tuple[str, str, Ruling], ...] = ()  #: id, pattern, ruling
    recent_wishes: tuple[str, ...] = ()
    recent_photos: tuple[tuple[str, int], ...] = ()
    taken_down: tuple[int, ...] = ()
    opted_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """How strikes lengthen a time-out: from so many within `days`, so many seconds."""

    days: float
    steps: tuple[tuple[int, float], ...]

    def timeout(self, strikes: int) -> float | None:
        """Seconds for the `strikes`-th strike, None where it is not one too many yet."""
        reached = [seconds for least, seconds in self.steps if strikes >= least]
        return max(reached, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The moderators' promise: seconds until they are reminded of a held wish, and until
    it is refused without them."""

    remind_after: float
    expire_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much work goes into a picture, as shares of the ordinary: of its steps, of its side."""

    steps: float = 1.0
    size: float = 1.0

    @property
    def cost(self) -> float:
        """The share of the ordinary cost: steps × pixels."""
        return self.steps * self.size**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a tier may have. Counts are in units: ordinary pictures.

    `daily` a UTC day; `burst` at once, one coming back `every` so many seconds; `in_hand`
    in the line and on the easel together. `weight` is the tier's share of the engine
    beside the others'. It opens at `opens_at` to a stable `share` of its accounts, of
    those older than `min_age` seconds. `floor` is how far drawing may be cheapened
    when too many ask, `wait` the seconds a wish of the tier should wait at most.
    """

    daily: int
    burst: int
    every: float
    in_hand: int
    weight: float
    opens_at: float = 0.0
    share: float = 1.0
    min_age: float = 0.0
    floor: Effort = Effort()
    wait: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporaryLimit:
    """A limit that ends: on a tier, since and expected until a moment, for a stated reason.

    `daily` is the quota it sets, in units a UTC day; `backlog` the units that may wait in
    the tier's line before new wishes are put off. `by` is who announced it, "melting"
    where the controller did. `lifted_at` is None while it is in force.
    """

    id: int
    tier: Tier
    reason: str
    since: float
    until: float
    by: str
    daily: int | None = None
    backlog: float | None = None
    lifted_at: float | None = None


# Made for every wish while others wait: as a tuple in a third of a dataclass's time.
class Ask(NamedTuple):
    """What a policy judges: who wants how many units, where, and by the event's own time."""

    account: Account
    tier: Tier
    units: int
    asked_at: float = 0.0
    circle: str = ""
    channel: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """So many units a UTC day for many accounts together, and how many are spoken for."""

    daily: int
    spoken_for: int


# A tuple for the same reason.
class Usage(NamedTuple):
    """What the policies may know of an ask. Units of the account on one UTC day first.

    `terms` are the tier's, None for the defaults. `in_hand` are the account's units in line
    and on the easel, `arrival` its theoretical arrival time (see `policies/burst.py`),
    `since` the moment the account was made or first seen. `waiting` are the units in the
    tier's line.
    """

    day: str
    reserved: int
    settled: int
    terms: Terms | None = None
    in_hand: int = 0
    arrival: float = 0.0
    since: float = 0.0
    circle: Cap | None = None
    channel: Cap | None = None
    total: Cap | None = None
    waiting: float = 0.0
    temporary: tuple[TemporaryLimit, ...] = ()

    @property
    def spoken_for(self) -> int:
        return self.reserved + self.settled


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """The honest answer to "what have I left?". Units of a UTC day; it is whole at `refill_at`."""

    tier: Tier
    daily: int
    settled: int
    reserved: int
    left: int
    refill_at: float
    in_hand: int = 0
    most_in_hand: int = 0
    temporary: tuple[TemporaryLimit, ...] = ()


class Admit(NamedTuple):
    """Yes; `left` units remain today after this ask, None where nothing counts them."""

    left: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """No, why, and when it is worth trying again (None: never)."""

    say: Say
    retry_at: float | None
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)


Decision = Admit | Refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An admitted wish. `photo` is the digest of the normalised photo to restyle.

    `crashes` counts the processes that died while drawing it; a job with any
    is drawn alone, so that a poisoned one takes no other with it. `cost` is in ordinary
    pictures, `effort` decided when it was claimed.
    """

    id: int
    mention_id: int
    platform: str
    source_id: str
    account: Account
    tier: Tier
    prompt: Prompt
    seed: int
    photo: str | None
    state: JobState
    reason: str | None
    attempts: int
    crashes: int
    created_at: float
    claimed_at: float | None
    finished_at: float | None
    cost: float = 1.0
    effort: Effort = Effort()


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A finished picture; the bytes lie in the picture store under `sha256`."""

    sha256: str
    media_type: str
    width: int
    height: int
    seed: int
    engine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a drawing has come."""

    step: int
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What the asker may know about a wish before the reply is there.

    `state` is a job's state, or `received`, `asking` (whoever posted the photo), `refused`,
    `answered` where there is no job. `position` is the place in the line, 1 for the next,
    0 while it is being drawn, None out of the line.
    `eta` is in seconds from now, None while nothing was measured yet; it is between
    `soonest` and `latest` nine times of ten. `units` is what the wish costs.
    """

    state: str
    job_id: int | None = None
    position: int | None = None
    eta: float | None = None
    reason: str | None = None
    soonest: float | None = None
    latest: float | None = None
    units: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A row of the outbox: what is to be said to which mention.

    `facts` are what the wording needs. `text` is None until it is rendered,
    which happens once, when the intent to post is committed. `media` are the
    platform's ids of what is uploaded, good until `media_until`. `posting_at` is
    when the last intent was committed or became unclear, `looks` how often it was looked for since,
    `stands` whether the platform said that it is there already.
    """

    id: int
    mention_id: int
    job_id: int | None
    platform: str
    source_id: str
    account: Account
    say: Say
    facts: dict[str, Any]
    text: str | None
    attempts: int
    asked_at: float = 0.0
    answer_to: str | None = None
    thread: str | None = None
    media: tuple[str, ...] = ()
    media_until: float | None = None
    posting_at: float | None = None
    looks: int = 0
    stands: bool = False
    language: str | None = None
    address: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a platform posts. `key` is the same on every attempt: post it once.

    `asked_at` is when it was asked for, `posting_at` when it was last meant to be
    posted or became unclear, `attempt` the how-manieth try this is. `discreet` asks for
    pictures that are covered until somebody wants to see them, where that can be done.
    `language` and `address` are the mention's.
    """

    key: str
    source_id: str
    account: Account
    text: str
    pictures: tuple[tuple[Picture, str], ...] = ()  #: each with its alt text
    job_id: int | None = None
    answer_to: str | None = None
    thread: str | None = None
    asked_at: float = 0.0
    posting_at: float | None = None
    attempt: int = 1
    media: Media | None = None
    say: Say = Say.PICTURE
    discreet: bool = False
    language: str | None = None
    address: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """Pictures the platform holds for a reply to come, by its ids, and for how long."""

    ids: tuple[str, ...] = ()
    until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """So many requests in so many seconds; windows of a day follow the UTC day."""

    name: str
    capacity: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a platform lets us post: its windows, and our money for it.

    Money is in millionths of a US dollar. A reply costs `per_reply` and `per_picture`
    for each picture; `per_day` may be spent a UTC day. A wish that could only be
    answered more than `patience` seconds from now is refused.
    """

    windows: tuple[Window, ...]
    per_day: int
    per_reply: int
    per_picture: int
    patience: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The platform's word that a reply stands."""

    post_id: str


class MuralistError(Exception):
    """Something failed that should not have; the message says what to do."""


class StoreError(MuralistError):
    """The memory could not be opened, read or written."""
