"""Channels, threads and direct messages as the bot's own token may use them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tests.fake_discord import refusal
from tests.fake_discord.call import Call, Handler, Reply
from tests.fake_discord.endpoints import Endpoint
from tests.fake_discord.permissions import NOTHING, Permission
from tests.fake_discord.rules import Draft, draft
from tests.fake_discord.shapes import Shapes
from tests.fake_discord.world import LOADING, Guild, Kind, Message, Place, Version, World

if TYPE_CHECKING:
    from tests.fake_discord.server import FakeDiscord

MOST_IN_HISTORY = 100
_VIEW = Permission.VIEW_CHANNEL


class Channels:
    def __init__(self, fake: FakeDiscord, nonce_seconds: float) -> None:
        self._fake = fake
        self._world: World = fake.world
        self._nonce_seconds = nonce_seconds
        self._by_nonce: dict[tuple[str, str], Message] = {}

    @property
    def _shapes(self) -> Shapes:
        return self._fake.shapes

    def handlers(self) -> dict[Endpoint, Handler]:
        return {
            Endpoint.CHANNEL: lambda call: Reply(200, self._shapes.place(self._place(call))),
            Endpoint.OPEN_DM: self._open_dm,
            Endpoint.TYPING: self._typing,
            Endpoint.HISTORY: self._history,
            Endpoint.CREATE_MESSAGE: self._create,
            Endpoint.GET_MESSAGE: self._get,
            Endpoint.EDIT_MESSAGE: self._edit,
            Endpoint.DELETE_MESSAGE: self._delete,
            Endpoint.REACT: self._react,
            Endpoint.UNREACT: self._unreact,
            Endpoint.JOIN_THREAD: self._join,
        }

    # What interactions use as well

    def check_words(self, guild: Guild | None, text: str) -> None:
        if guild is not None and any(word in text.lower() for word in guild.automod):
            raise refusal.blocked_by_automod()

    def compose(self, place: Place, wanted: Draft, flags: int = 0) -> Message:
        """A new message of the bot's, not kept yet."""
        world = self._world
        return Message(
            id=world.new_id(),
            place=place,
            author=world.bot,
            text=wanted.text or "",
            at=world.clock(),
            pictures=[world.attachment(u.name, u.data, u.alt) for u in wanted.uploads],
            embeds=self._embeds(place, wanted),
            components=_numbered(wanted.components or []),
            flags=wanted.flags | flags,
            nonce=wanted.nonce,
        )

    def rewrite(self, message: Message, wanted: Draft) -> None:
        """Edit in place; the first edit of a message that was only promised is its birth."""
        was = Version(self._world.clock(), message.text, len(message.pictures))
        new = [self._world.attachment(u.name, u.data, u.alt) for u in wanted.uploads]
        if wanted.kept is not None:
            for picture in message.pictures:
                if picture.id not in wanted.kept:
                    picture.until = 0.0
            message.pictures = [p for p in message.pictures if p.id in wanted.kept]
        message.pictures = [*message.pictures, *new]
        if wanted.text is not None:
            message.text = wanted.text
        if wanted.embeds is not None:
            message.embeds = self._embeds(message.place, wanted)
        if wanted.components is not None:
            message.components = _numbered(wanted.components)
        if message.loading:
            message.flags = message.flags & ~LOADING | wanted.flags
            message.pings = wanted.allowed.pings(wanted.readable, None)
        else:
            message.edited_at = self._world.clock()
        message.edits.append(was)

    def remove(self, message: Message) -> None:
        message.deleted, message.deleted_at = True, self._world.clock()
        for picture in message.pictures:
            picture.until = 0.0
        self._fake.gateway.hear_deletion(message)

    def _embeds(self, place: Place, wanted: Draft) -> list[dict[str, object]]:
        """Without the permission they are left out without a word."""
        may = Permission.EMBED_LINKS in place.bot_may(self._world.clock())
        return list(wanted.embeds or []) if may else []

    # The calls

    def _place(self, call: Call, needs: Permission = NOTHING) -> Place:
        """The channel, if the bot can see it and may do what it is about to."""
        place = self._world.places.get(call.ids["channel"])
        if place is None or place.gone:
            raise refusal.unknown_channel()
        allowed = place.bot_may(self._world.clock())
        if not place.bot_is_in or _VIEW not in allowed:
            raise refusal.missing_access()
        if needs & ~allowed:
            raise refusal.missing_permissions()
        return place

    def _message(self, call: Call, place: Place) -> Message:
        found = self._world.messages.get(call.ids["message"])
        hidden = found is None or found.deleted or found.ephemeral_to is not None
        if found is None or hidden or found.place is not place:
            raise refusal.unknown_message()
        return found

    def _open_dm(self, call: Call) -> Reply:
        user = self._world.users.get(str(call.body.get("recipient_id")))
        if user is None or user.bot:
            raise refusal.unknown_user()
        return Reply(200, self._shapes.place(self._world.dm(user)))

    def _typing(self, call: Call) -> Reply:
        place = self._place(call, _to_write(self._world.places.get(call.ids["channel"])))
        self._world.typing.append((call.at, place.id))
        return Reply(204)

    def _history(self, call: Call) -> Reply:
        place = self._place(call)
        if Permission.READ_MESSAGE_HISTORY not in place.bot_may(self._world.clock()):
            return Reply(200, [])
        most = int(call.query.get("limit", "50"))
        if not 1 <= most <= MOST_IN_HISTORY:
            raise refusal.form("limit", f"{most} is not between 1 and {MOST_IN_HISTORY}")
        found = _page(self._world.in_place(place), call.query, most)
        return Reply(200, [self._shapes.message(each, reads_all=False) for each in found])

    def _create(self, call: Call) -> Reply:
        place = self._place(call, _to_write(self._world.places.get(call.ids["channel"])))
        if place.is_thread and place.locked:
            raise refusal.archived()
        wanted = draft(call.body, call.files, "create", place.file_limit, self._fake.sku_ids)
        if wanted.uploads:
            self._place(call, Permission.ATTACH_FILES)
        if wanted.empty:
            raise refusal.empty_message()
        if (twin := self._twin(place, wanted)) is not None:
            return Reply(200, self._shapes.message(twin))
        if place.kind is Kind.DM and place.recipients[0].closed_dms:
            raise refusal.closed_dms()
        self.check_words(place.guild, wanted.readable)
        message = self.compose(place, wanted)
        self._refer(message, wanted)
        place.archived = False
        self._world.keep(message)
        if wanted.nonce is not None:
            self._by_nonce[place.id, wanted.nonce] = message
        self._fake.gateway.hear_message("MESSAGE_CREATE", message)
        return Reply(200, self._shapes.message(message))

    def _twin(self, place: Place, wanted: Draft) -> Message | None:
        """What was posted under the same nonce in the past few minutes (§1)."""
        if wanted.nonce is None or not wanted.once:
            return None
        found = self._by_nonce.get((place.id, wanted.nonce))
        if found is None or self._world.clock() - found.at > self._nonce_seconds:
            return None
        if found.deleted:
            raise refusal.unknown_message()
        return found

    def _refer(self, message: Message, wanted: Draft) -> None:
        """Answer another message, and ping whom the message pings."""
        answered = None
        if wanted.reference is not None:
            place = message.place
            if Permission.READ_MESSAGE_HISTORY not in place.bot_may(self._world.clock()):
                raise refusal.no_history()
            wanted_id = str(wanted.reference.get("message_id"))
            found = self._world.messages.get(wanted_id)
            there = found is not None and not found.deleted and found.place is place
            if not there and wanted.reference.get("fail_if_not_exists", True):
                unknown = refusal.form(
                    "message_reference", "Unknown message", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE"
                )
                unknown.offence = ""
                raise unknown
            if there and found is not None:
                message.reference, message.reference_id = found, found.id
                answered = found.author.id
        message.pings = wanted.allowed.pings(wanted.readable, answered)
        if Permission.MENTION_EVERYONE not in message.place.bot_may(self._world.clock()):
            message.pings.discard("everyone")

    def _get(self, call: Call) -> Reply:
        place = self._place(call, Permission.READ_MESSAGE_HISTORY)
        return Reply(200, self._shapes.message(self._message(call, place), reads_all=False))

    def _edit(self, call: Call) -> Reply:
        place = self._place(call)
        message = self._message(call, place)
        if message.author is not self._world.bot:
            raise refusal.not_its_own()
        wanted = draft(call.body, call.files, "edit", place.file_limit, self._fake.sku_ids)
        if wanted.uploads:
            self._place(call, Permission.ATTACH_FILES)
        if place.is_thread and (place.archived or place.locked):
            raise refusal.archived()
        self.check_words(place.guild, wanted.readable)
        self.rewrite(message, wanted)
        self._fake.gateway.hear_message("MESSAGE_UPDATE", message)
        return Reply(200, self._shapes.message(message))

    def _delete(self, call: Call) -> Reply:
        place = self._place(call)
        message = self._message(call, place)
        if message.author is not self._world.bot:
            self._place(call, Permission.MANAGE_MESSAGES)
        self.remove(message)
        return Reply(204)

    def _react(self, call: Call) -> Reply:
        place = self._place(call, Permission.READ_MESSAGE_HISTORY)
        message, emoji = self._message(call, place), unquote(call.ids["emoji"])
        if re.match(r"^[\w\s]+$", emoji):
            raise refusal.Refusal(400, 10014, "Unknown Emoji", offence=f"no emoji: {emoji!r}")
        if emoji not in message.reactions:
            self._place(call, Permission.ADD_REACTIONS)
        by = message.reactions.setdefault(emoji, [])
        if self._world.bot.id not in by:
            by.append(self._world.bot.id)
            self._fake.gateway.hear_reaction(message, emoji, self._world.bot.id)
        return Reply(204)

    def _unreact(self, call: Call) -> Reply:
        message, emoji = self._message(call, self._place(call)), unquote(call.ids["emoji"])
        by = message.reactions.get(emoji, [])
        if self._world.bot.id in by:
            by.remove(self._world.bot.id)
        if not by:
            message.reactions.pop(emoji, None)
        return Reply(204)

    def _join(self, call: Call) -> Reply:
        self._place(call)
        return Reply(204)


def _to_write(place: Place | None) -> Permission:
    thread = place is not None and place.is_thread
    return Permission.SEND_MESSAGES_IN_THREADS if thread else Permission.SEND_MESSAGES


def _page(messages: list[Message], asked: Mapping[str, str], most: int) -> list[Message]:
    """The newest first, whatever was asked for; `after` begins with the oldest behind it."""
    if "after" in asked:
        behind = [each for each in messages if int(each.id) > int(asked["after"])]
        return behind[:most][::-1]
    if "around" in asked:
        middle = int(asked["around"])
        near = sorted(messages, key=lambda each: abs(int(each.id) - middle))[:most]
        return sorted(near, key=lambda each: int(each.id), reverse=True)
    if "before" in asked:
        messages = [each for each in messages if int(each.id) < int(asked["before"])]
    return messages[::-1][:most]


def _numbered(components: list[dict[str, object]]) -> list[dict[str, object]]:
    """Discord gives every component a number where the sender gave none."""
    return [{"id": number, **each} for number, each in enumerate(components, start=1)]
