"""The vocabulary: what the rooms say to each other.

Frozen values and enums only, no behaviour that needs a database. Every time is
a float of UNIX seconds (UTC); every digest is a lower-case sha256 in hex.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


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


class Intent(StrEnum):
    """What a mention wants of us."""

    PAINT = "paint"
    AGAIN = "again"  #: the same wish with another seed
    CANCEL = "cancel"  #: take back one's own job, or one's own delivered picture
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
    UNREADABLE_PHOTO = "unreadable_photo"
    OVERSIZED_PHOTO = "oversized_photo"
    REFUSED_PROMPT = "refused_prompt"
    REFUSED_PHOTO = "refused_photo"
    REFUSED_PICTURE = "refused_picture"
    DAILY_QUOTA = "daily_quota"
    NO_ROOM = "no_room"  #: the platform's own limits leave no room for another reply
    STOPPED = "stopped"  #: they asked to be left alone
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
    """A photo the platform can fetch, and whose it is."""

    ref: str
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """One delivery of somebody tagging the bot.

    `photo` hangs on the mention itself, `parent_photo` on the post it answers.
    `in_reply_to` and `source_id` are the platform's own ids; `answer_to` is the post
    to answer where that is another than `source_id` (a post that was edited),
    `thread` the conversation, where the platform has such a thing, and `addressed`
    the user ids of others who would hear of an answer.
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

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

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
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A wish in plain words and the flags that came with it.

    `aspect` is "W:H" in small whole numbers, `strength` is in (0, 1],
    `ignored` lists what was written as a flag and not understood.
    """

    intent: Intent = Intent.PAINT
    wish: str = ""
    style: str | None = None
    aspect: str | None = None
    seed: int | None = None
    negative: str | None = None
    count: int = 1
    strength: float | None = None
    ignored: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

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
    """What moderation says of a prompt, photo or picture; `check` is the rule's name."""

    ruling: Ruling
    check: str = ""
    category: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a policy judges: who wants how many units."""

    account: Account
    tier: Tier
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Units of one account on one UTC day."""

    day: str
    reserved: int
    settled: int

    @property
    def spoken_for(self) -> int:
        return self.reserved + self.settled


@dataclass(frozen=True, slots=True, kw_only=True)
class Admit:
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
    is drawn alone, so that a poisoned one takes no other with it.
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

    `state` is a job's state, or `received`, `refused`, `answered` where there is
    no job. `position` is the place in the line, 1 for the next, 0 while it is being
    drawn, None out of the line.
    `eta` is in seconds from now, None while nothing was measured yet.
    """

    state: str
    job_id: int | None = None
    position: int | None = None
    eta: float | None = None
    reason: str | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a platform posts. `key` is the same on every attempt: post it once.

    `asked_at` is when it was asked for, `posting_at` when it was last meant to be
    posted or became unclear, `attempt` the how-manieth try this is.
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
