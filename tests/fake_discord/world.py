"""What Discord remembers: servers, channels, people, messages, interactions, purchases.

`World.lock` guards everything; `World.changed` wakes whoever waits for the bot. Ids
are snowflakes, strings like everywhere in the API, and grow with time.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from PIL import Image

from tests.fake_discord.permissions import EVERYBODY, NOTHING, OUTSIDE, Permission

#: Milliseconds from 1970 to 2015, where snowflakes begin.
EPOCH_MS = 1_420_070_400_000
MIB = 2**20
#: Bytes one attachment may have, by the server's boost level; elsewhere it is the first.
FILE_LIMITS = (10 * MIB, 10 * MIB, 50 * MIB, 100 * MIB)

LOADING = 1 << 7
EPHEMERAL = 1 << 6
COMPONENTS_V2 = 1 << 15
_TAG = re.compile(r"<@(\d+)>")


class Kind(IntEnum):
    """Types of channels."""

    TEXT = 0
    DM = 1
    VOICE = 2
    GROUP_DM = 3
    THREAD = 11
    FORUM = 15


class Asked(IntEnum):
    """Types of interactions."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


class Ack(IntEnum):
    """Types of an interaction's callback."""

    MESSAGE = 4
    DEFER = 5
    DEFER_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


@dataclass(eq=False, slots=True)
class User:
    id: str
    name: str
    bot: bool = False
    locale: str = "en-US"
    #: Whether messages the bot sends them directly are refused.
    closed_dms: bool = False


@dataclass(eq=False, slots=True)
class Guild:
    """A server. `here` is whether the bot is a member, or only used there by people."""

    id: str
    name: str
    boosts: int = 0
    here: bool = True
    locale: str = "en-US"
    #: Bytes of one attachment; None is what the boosts give.
    file_limit: int | None = None
    automod: set[str] = field(default_factory=set)
    #: Until when the bot may say nothing.
    timed_out_until: float = 0.0
    #: What everybody may do.
    everybody: Permission = EVERYBODY
    #: What somebody may do besides, by user id: each has a role of its own.
    appointed: dict[str, tuple[str, Permission]] = field(default_factory=dict)

    def permissions(self, user: User) -> Permission:
        _, more = self.appointed.get(user.id, ("", NOTHING))
        return self.everybody | more


@dataclass(eq=False, slots=True)
class Place:
    """Where one can write: a channel, a thread, a direct message. `denied` is the bot's."""

    id: str
    kind: Kind
    name: str
    guild: Guild | None = None
    parent: Place | None = None
    nsfw: bool = False
    denied: Permission = NOTHING
    archived: bool = False
    locked: bool = False
    gone: bool = False
    owner: User | None = None
    recipients: tuple[User, ...] = ()

    @property
    def is_thread(self) -> bool:
        return self.kind is Kind.THREAD

    @property
    def bot_is_in(self) -> bool:
        """Whether the bot itself is there, and not only its interactions."""
        return self.guild.here if self.guild else self.kind is Kind.DM

    @property
    def file_limit(self) -> int:
        if self.guild is None:
            return FILE_LIMITS[0]
        return self.guild.file_limit or FILE_LIMITS[self.guild.boosts]

    def bot_may(self, now: float) -> Permission:
        """What the bot may do here."""
        if self.guild is None:
            return EVERYBODY
        if not self.guild.here:
            return OUTSIDE
        silenced = now < self.guild.timed_out_until
        allowed = (
            Permission.VIEW_CHANNEL | Permission.READ_MESSAGE_HISTORY
            if silenced
            else self.guild.everybody
        )
        from_above = self.parent.denied if self.parent else NOTHING
        return allowed & ~self.denied & ~from_above


@dataclass(eq=False, slots=True)
class Attachment:
    id: str
    name: str
    data: bytes
    media_type: str
    size: tuple[int, int] | None
    alt: str = ""
    #: It is served no longer than this.
    until: float = 0.0

    @property
    def spoiler(self) -> bool:
        return self.name.startswith("SPOILER_")


@dataclass(frozen=True, slots=True)
class Version:
    """What a message was until it was edited."""

    at: float
    text: str
    pictures: int


@dataclass(eq=False, slots=True)
class Message:
    id: str
    place: Place
    author: User
    text: str
    at: float
    pictures: list[Attachment] = field(default_factory=list)
    embeds: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    flags: int = 0
    reference: Message | None = None
    #: The id it refers to, also where that is gone.
    reference_id: str | None = None
    nonce: str | None = None
    #: Ids of users it pinged; "everyone" and "&role" are among them when they were.
    pings: set[str] = field(default_factory=set)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    edits: list[Version] = field(default_factory=list)
    edited_at: float | None = None
    deleted: bool = False
    deleted_at: float | None = None
    #: The only one who sees it.
    ephemeral_to: User | None = None
    interaction: Interaction | None = None
    #: Somebody else than a person or the bot: a webhook's id.
    webhook: str | None = None

    @property
    def loading(self) -> bool:
        return bool(self.flags & LOADING)

    @property
    def link(self) -> str:
        guild = self.place.guild.id if self.place.guild else "@me"
        return f"https://discord.com/channels/{guild}/{self.place.id}/{self.id}"

    @property
    def buttons(self) -> dict[str, str]:
        """Label (or emoji) to custom_id, of those that can be clicked."""
        return {
            each.get("label") or (each.get("emoji") or {}).get("name") or each["custom_id"]: each[
                "custom_id"
            ]
            for each in walk(self.components)
            if each["type"] == 2 and "custom_id" in each and not each.get("disabled")
        }

    @property
    def words(self) -> str:
        """Everything readable: the text, the embeds' and the text displays'."""
        parts = [self.text]
        for embed in self.embeds:
            parts += [embed.get("title", ""), embed.get("description", "")]
            parts += [f"{each['name']} {each['value']}" for each in embed.get("fields", [])]
            parts.append((embed.get("footer") or {}).get("text", ""))
        parts += [each["content"] for each in walk(self.components) if each["type"] == 10]
        return "\n".join(part for part in parts if part)


@dataclass(eq=False, slots=True)
class Interaction:
    """Somebody's command, click, modal or half-typed option, and what came of it."""

    id: str
    kind: Asked
    token: str
    user: User
    place: Place
    name: str
    at: float
    #: What the gateway sends.
    payload: dict[str, Any]
    #: The message that was clicked or picked.
    source: Message | None = None
    #: When it left the gateway, and when its callback came; both on the fake's clock.
    sent_at: float | None = None
    acked_at: float | None = None
    ack: Ack | None = None
    ephemeral: bool = False
    #: The message @original means, and all that came of it.
    message: Message | None = None
    messages: list[Message] = field(default_factory=list)
    choices: list[dict[str, Any]] | None = None
    modal: dict[str, Any] | None = None
    follow_ups: int = 0
    expired: bool = False
    late: bool = False

    def expire(self) -> None:
        """Its token dies now."""
        self.expired = True

    @property
    def latency(self) -> float | None:
        if self.acked_at is None or self.sent_at is None:
            return None
        return self.acked_at - self.sent_at

    @property
    def pictures(self) -> list[Attachment]:
        return [picture for each in self.messages if not each.deleted for picture in each.pictures]

    @property
    def shown(self) -> Message | None:
        """What there is to read by now: the newest that was not taken away."""
        standing = [each for each in self.messages if not each.deleted]
        return standing[-1] if standing else self.message

    @property
    def text(self) -> str:
        return self.shown.words if self.shown else ""

    @property
    def answered(self) -> bool:
        """Whether there is something to read or see by now."""
        if self.choices is not None or self.modal is not None:
            return True
        return any(not each.loading and not each.deleted for each in self.messages)


@dataclass(eq=False, slots=True)
class Entitlement:
    id: str
    sku: str
    user: User
    starts_at: float
    ends_at: float | None
    deleted: bool = False
    consumed: bool = False


class World:
    def __init__(self, clock: Callable[[], float], *, bot: str, photo_seconds: float) -> None:
        self.clock = clock
        self.photo_seconds = photo_seconds
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self._last_id = 0
        self.guilds: dict[str, Guild] = {}
        self.places: dict[str, Place] = {}
        self.users: dict[str, User] = {}
        self.messages: dict[str, Message] = {}
        self._in_place: dict[str, list[Message]] = {}
        self.interactions: dict[str, Interaction] = {}
        self.entitlements: dict[str, Entitlement] = {}
        self.attachments: dict[str, Attachment] = {}
        self.skus: dict[str, str] = {}
        #: Commands as they were synced last, by server; "" is everywhere.
        self.commands: dict[str, list[dict[str, Any]]] = {"": []}
        #: Mentions and interactions whose askers are owed a picture.
        self.owed: list[Message | Interaction] = []
        #: Moments and places of typing.
        self.typing: list[tuple[float, str]] = []
        self.application = self.new_id()
        self.bot = self.user(bot, bot=True)

    # Making it

    def new_id(self, at: float | None = None) -> str:
        """A snowflake; ids made now always grow, one `at` another time takes a free one."""
        with self.lock:
            lowest = (int((self.clock() if at is None else at) * 1000) - EPOCH_MS) << 22
            if at is None:
                self._last_id = max(lowest, self._last_id + 1)
                return str(self._last_id)
            while str(lowest) in self.messages:
                lowest += 1
            return str(lowest)

    def user(self, name: str, *, bot: bool = False, locale: str | None = None) -> User:
        """The one of that name, who is made when new."""
        with self.lock:
            for known in self.users.values():
                if known.name == name:
                    known.locale = locale or known.locale
                    return known
            user = User(self.new_id(), name, bot, locale or "en-US")
            self.users[user.id] = user
            return user

    def add_place(self, place: Place) -> Place:
        with self.lock:
            self.places[place.id] = place
            self._in_place[place.id] = []
            return place

    def keep(self, message: Message) -> Message:
        with self.lock:
            self.messages[message.id] = message
            self._in_place[message.place.id].append(message)
            for picture in message.pictures:
                self.attachments[picture.id] = picture
            return message

    def attachment(self, name: str, data: bytes, alt: str = "") -> Attachment:
        """A file as Discord keeps it: looked at, whatever its sender called it."""
        media_type, size = sniffed(data)
        made = Attachment(
            id=self.new_id(),
            name=name,
            data=data,
            media_type=media_type,
            size=size,
            alt=alt,
            until=self.clock() + self.photo_seconds,
        )
        with self.lock:
            self.attachments[made.id] = made
        return made

    def wake(self) -> None:
        """Something happened that a test may be waiting for."""
        with self.changed:
            self.changed.notify_all()

    # Asking it

    def in_place(self, place: Place) -> list[Message]:
        """Visible to everybody there, the oldest first."""
        with self.lock:
            return sorted(
                (m for m in self._in_place[place.id] if not m.deleted and not m.ephemeral_to),
                key=lambda message: int(message.id),
            )

    def last_in(self, place: Place) -> str | None:
        """The id of the newest message there, which may be gone by now."""
        with self.lock:
            ids = (int(m.id) for m in self._in_place.get(place.id, ()) if not m.ephemeral_to)
            newest = max(ids, default=None)
            return None if newest is None else str(newest)

    def of_the_bot(self) -> list[Message]:
        """Everything it ever said, ephemeral and deleted as well."""
        with self.lock:
            return [each for each in self.messages.values() if each.author is self.bot]

    def answers_to(self, said: Message) -> list[Message]:
        """The bot's messages that refer to one, deleted ones as well."""
        return [each for each in self.of_the_bot() if each.reference_id == said.id]

    def dm(self, user: User) -> Place:
        """The one between somebody and the bot."""
        with self.lock:
            for place in self.places.values():
                if place.kind is Kind.DM and place.recipients == (user,):
                    return place
            return self.add_place(Place(self.new_id(), Kind.DM, "", recipients=(user,)))

    def entitlements_of(self, user: User) -> list[Entitlement]:
        now = self.clock()
        with self.lock:
            return [
                each
                for each in self.entitlements.values()
                if each.user is user
                and not each.deleted
                and (each.ends_at is None or now < each.ends_at)
            ]

    def tags_of(self, message: Message) -> set[str]:
        """Ids of those a person's message tags, by name or by answering with a ping."""
        tagged = {*_TAG.findall(message.text), *message.pings}
        return {each for each in tagged if each in self.users}


def sniffed(data: bytes) -> tuple[str, tuple[int, int] | None]:
    """Media type, and width and height of an image."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return Image.MIME.get(image.format or "", "application/octet-stream"), image.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return "application/octet-stream", None


def walk(components: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every component, however deep."""
    for each in components:
        yield dict(each)
        yield from walk(each.get("components") or ())
        for name in ("accessory", "component"):
            if isinstance(each.get(name), Mapping):
                yield from walk([each[name]])
