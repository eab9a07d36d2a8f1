"""What people do: they write, command, click, fill in, edit, delete and buy.

Nothing here waits for the bot. A person who does what Discord would not offer them,
such as a command that is not there or a disabled button, fails the test.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tests.fake_discord.permissions import Permission, named
from tests.fake_discord.shapes import roles, user
from tests.fake_discord.world import (
    Asked,
    Attachment,
    Entitlement,
    Guild,
    Interaction,
    Kind,
    Message,
    Place,
    User,
    Version,
    walk,
)

if TYPE_CHECKING:
    from tests.fake_discord.server import FakeDiscord

Photo = bytes | tuple[str, bytes]

_SUBCOMMANDS = {1, 2}
_BUTTON, _STRING_SELECT, _INPUT, _UPLOAD = 2, 3, 4, 19
_RADIO, _CHECKBOXES, _CHECKBOX, _LABEL, _TEXT = 21, 22, 23, 18, 10


class Channel(Place):
    """A place of a server's, which a test may change; the bot hears of it."""

    __slots__ = ("fake",)
    fake: FakeDiscord

    def forbid(self, *names: str) -> None:
        """Take permissions away from the bot here: `forbid("attach_files")`."""
        self._deny(self.denied | named(*names))

    def allow(self, *names: str) -> None:
        self._deny(self.denied & ~named(*names))

    def _deny(self, denied: Permission) -> None:
        with self.fake.world.lock:
            self.denied = denied
            self.fake.gateway.hear_place(self, "UPDATE")

    def thread(
        self, name: str, *, by: Person | None = None, archived: bool = False, locked: bool = False
    ) -> Channel:
        made = Channel(self.fake.world.new_id(), Kind.THREAD, name, self.guild, self)
        made.archived, made.locked, made.owner = archived, locked, by.user if by else None
        return _added(self.fake, made)

    def post(self, by: Person, title: str, words: str, *, photos: Sequence[Photo] = ()) -> Message:
        """In a forum: a new thread, whose first message has the thread's id."""
        assert self.kind is Kind.FORUM
        thread = self.thread(title, by=by)
        return by.says(thread, words, photos=photos, id_=thread.id)

    def shut(self, *, archived: bool = True, locked: bool = False) -> None:
        with self.fake.world.lock:
            self.archived, self.locked = archived, locked
            self.fake.gateway.hear_place(self, "UPDATE")

    def vanish(self) -> None:
        """Somebody deletes it."""
        with self.fake.world.lock:
            self.gone = True
            self.fake.gateway.hear_place(self, "DELETE")


class Server(Guild):
    __slots__ = ("fake",)
    fake: FakeDiscord

    def channel(self, name: str, *, nsfw: bool = False) -> Channel:
        return self._add(Kind.TEXT, name, nsfw=nsfw)

    def voice(self, name: str) -> Channel:
        return self._add(Kind.VOICE, name)

    def forum(self, name: str, *, nsfw: bool = False) -> Channel:
        return self._add(Kind.FORUM, name, nsfw=nsfw)

    def _add(self, kind: Kind, name: str, *, nsfw: bool = False) -> Channel:
        return _added(self.fake, Channel(self.fake.world.new_id(), kind, name, self, nsfw=nsfw))

    def appoint(self, person: Person, *names: str) -> None:
        """Give somebody a role with these permissions, such as "manage_messages"."""
        with self.fake.world.lock:
            role = self.fake.world.new_id()
            self.appointed[person.id] = (role, named(*names))
            event = {"guild_id": self.id, "role": roles(self)[-1]}
            self.fake.gateway.hear_guild(_anywhere_in(self), "GUILD_ROLE_CREATE", event)

    def time_out_bot(self, seconds: float) -> None:
        with self.fake.world.lock:
            self.timed_out_until = self.fake.clock() + seconds
            me = next(iter(self.fake.shapes.guild(self)["members"]))
            event = {**me, "guild_id": self.id}
            self.fake.gateway.hear_guild(_anywhere_in(self), "GUILD_MEMBER_UPDATE", event)

    def throw_out_bot(self) -> None:
        with self.fake.world.lock:
            event = {"id": self.id}
            self.fake.gateway.hear_guild(_anywhere_in(self), "GUILD_DELETE", event)
            self.here = False


class Person:
    def __init__(self, fake: FakeDiscord, who: User) -> None:
        self._fake = fake
        self._world = fake.world
        self.user = who

    @property
    def id(self) -> str:
        return self.user.id

    @property
    def tag(self) -> str:
        return f"<@{self.id}>"

    # Messages

    def asks(self, place: Place, wish: str, *, owed: bool = True, **how: Any) -> Message:
        """A mention of the bot that is owed a picture."""
        with self._world.lock:
            said = self.says(place, f"{self._fake.tag} {wish}".strip(), **how)
            if owed:
                self._world.owed.append(said)
            return said

    def says(
        self,
        place: Place,
        words: str,
        *,
        photos: Sequence[Photo] = (),
        reply_to: Message | None = None,
        ping: bool = True,
        at: float | None = None,
        webhook: bool = False,
        id_: str | None = None,
    ) -> Message:
        """Anything; an answer pings whom it answers unless `ping` is off."""
        world = self._world
        with world.lock:
            message = Message(
                id=id_ or world.new_id(at),
                place=place,
                author=self.user,
                text=words,
                at=world.clock() if at is None else at,
                pictures=[self._photo(each) for each in photos],
                reference=reply_to,
                reference_id=reply_to.id if reply_to else None,
                pings={reply_to.author.id} if reply_to and ping else set(),
                webhook=world.new_id() if webhook else None,
            )
            world.keep(message)
            self._fake.gateway.hear_message("MESSAGE_CREATE", message)
            return message

    def edits(self, message: Message, words: str) -> None:
        assert message.author is self.user
        with self._world.lock:
            now = self._world.clock()
            message.edits.append(Version(now, message.text, len(message.pictures)))
            message.text, message.edited_at = words, now
            self._fake.gateway.hear_message("MESSAGE_UPDATE", message)

    def deletes(self, message: Message) -> None:
        """Their own, or anybody's as a moderator or the asker of an interaction may."""
        with self._world.lock:
            self._fake.channels.remove(message)
            self._world.wake()

    def reacts(self, message: Message, emoji: str) -> None:
        with self._world.lock:
            message.reactions.setdefault(emoji, []).append(self.id)
            self._fake.gateway.hear_reaction(message, emoji, self.id)

    # Interactions

    def runs(
        self, place: Place, command: str, *, owed: bool = False, **options: Any
    ) -> Interaction:
        """A slash command; `command` is its whole path, such as "mod block"."""
        with self._world.lock:
            data, resolved = self._command(place, command, options, focused=None)
            if resolved:
                data["resolved"] = resolved
            one = self._interact(Asked.COMMAND, place, command, data)
            if owed:
                self._world.owed.append(one)
            return one

    def types(self, place: Place, command: str, option: str, so_far: str) -> Interaction:
        """Half an option, and whatever the bot proposes for it: `choices`."""
        with self._world.lock:
            data, _ = self._command(place, command, {option: so_far}, focused=option)
            return self._interact(Asked.AUTOCOMPLETE, place, command, data)

    def picks(self, message: Message, menu: str, *, owed: bool = False) -> Interaction:
        """An entry of a message's context menu."""
        with self._world.lock:
            command = self._offered(message.place, menu, kind=3)
            data = {
                "id": command["id"],
                "name": command["name"],
                "type": 3,
                "target_id": message.id,
                "resolved": {"messages": {message.id: self._fake.shapes.message(message)}},
            }
            one = self._interact(Asked.COMMAND, message.place, menu, data)
            if owed:
                self._world.owed.append(one)
            return one

    def clicks(self, message: Message, what: str, *, owed: bool = False) -> Interaction:
        """A button, by its label or custom_id, or a part of either that fits one only."""
        with self._world.lock:
            buttons = [each for each in walk(message.components) if each["type"] == _BUTTON]
            button = _one_of(buttons, what)
            assert not button.get("disabled"), f"{what!r} is disabled"
            data = {"component_type": _BUTTON, "custom_id": button["custom_id"], "id": 1}
            one = self._interact(Asked.COMPONENT, message.place, data["custom_id"], data, message)
            if owed:
                self._world.owed.append(one)
            return one

    def chooses(self, message: Message, what: str, *values: str, owed: bool = False) -> Interaction:
        """Entries of a select menu."""
        with self._world.lock:
            menus = [each for each in walk(message.components) if each["type"] == _STRING_SELECT]
            menu = _one_of(menus, what)
            there = {option["value"] for option in menu["options"]}
            assert set(values) <= there, f"{values} are not among {there}"
            data = {
                "component_type": _STRING_SELECT,
                "custom_id": menu["custom_id"],
                "values": list(values),
                "id": 1,
            }
            one = self._interact(Asked.COMPONENT, message.place, menu["custom_id"], data, message)
            if owed:
                self._world.owed.append(one)
            return one

    def fills(self, asked: Interaction, *, owed: bool = False, **values: Any) -> Interaction:
        """Submit the modal that `asked` was answered with; fields by custom_id or label, those
        that are not named keep what they were filled with."""
        with self._world.lock:
            assert asked.modal is not None, f"there is no modal: {asked.ack}"
            resolved: dict[str, Any] = {}
            left = dict(values)
            components = [self._filled(each, left, resolved) for each in asked.modal["components"]]
            assert not left, f"the modal has no {sorted(left)}"
            data = {"custom_id": asked.modal["custom_id"], "components": components}
            if resolved:
                data["resolved"] = {"attachments": resolved}
            one = self._interact(
                Asked.MODAL, asked.place, asked.modal["custom_id"], data, asked.source
            )
            if owed:
                self._world.owed.append(one)
            return one

    # Wares

    def buys(self, sku: str, *, ends_at: float | None = None, quietly: bool = False) -> Entitlement:
        """An entitlement by the SKU's name; `quietly`: the event gets lost."""
        with self._world.lock:
            now = self._world.clock()
            made = Entitlement(self._world.new_id(), self._world.skus[sku], self.user, now, ends_at)
            self._world.entitlements[made.id] = made
            if not quietly:
                self._fake.gateway.hear_of(
                    "ENTITLEMENT_CREATE", self._fake.shapes.entitlement(made)
                )
            return made

    def ends(self, entitlement: Entitlement, at: float, *, quietly: bool = False) -> None:
        """They cancelled: it ends at that time."""
        with self._world.lock:
            entitlement.ends_at = at
            if not quietly:
                shown = self._fake.shapes.entitlement(entitlement)
                self._fake.gateway.hear_of("ENTITLEMENT_UPDATE", shown)

    # How an interaction is put together

    def _interact(
        self,
        kind: Asked,
        place: Place,
        name: str,
        data: dict[str, Any],
        source: Message | None = None,
    ) -> Interaction:
        one = Interaction(
            id=self._world.new_id(),
            kind=kind,
            token=f"aW50ZXJhY3Rpb24{secrets.token_urlsafe(96)}",
            user=self.user,
            place=place,
            name=name,
            at=self._world.clock(),
            payload={},
            source=source,
        )
        one.payload = self._fake.shapes.interaction(one, data)
        if source is not None:
            one.payload["message"] = self._fake.shapes.message(source)
        self._world.interactions[one.id] = one
        self._fake.by_token[one.token] = one
        self._fake.gateway.hear_interaction(one)
        return one

    def _offered(self, place: Place, name: str, kind: int) -> dict[str, Any]:
        """The command as Discord offers it to this person in this place."""
        guild = place.guild
        everywhere = self._world.commands[""]
        here = self._world.commands.get(guild.id, []) if guild else []
        known = [each for each in (*here, *everywhere) if each["type"] == kind]
        found = next((each for each in known if each["name"] == name), None)
        assert found is not None, f"no command {name!r}; there are {[c['name'] for c in known]}"
        context = 0 if guild else (1 if place.kind is Kind.DM else 2)
        contexts = found.get("contexts")
        assert contexts is None or context in contexts, f"{name!r} is not offered in {place.kind!r}"
        installs = found.get("integration_types") or [0]
        assert (0 if place.bot_is_in else 1) in installs, f"{name!r} is not installed by people"
        bits = found.get("default_member_permissions")
        if guild is not None and bits is not None:
            missing = Permission(int(bits)) & ~guild.permissions(self.user)
            assert not missing, f"{name!r} is not offered to {self.user.name}: {missing!r}"
        return found

    def _command(
        self, place: Place, path: str, values: Mapping[str, Any], *, focused: str | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The interaction's data and what it refers to."""
        top, *below = path.split()
        command = self._offered(place, top, kind=1)
        resolved: dict[str, Any] = {}
        node, levels = command, []
        for name in below:
            inside = {each["name"]: each for each in node.get("options") or ()}
            assert name in inside, f"/{path}: no {name!r} among {sorted(inside)}"
            node = inside[name]
            levels.append(node)
        options = node.get("options") or []
        assert not any(each["type"] in _SUBCOMMANDS for each in options), f"/{path} is a group"
        told = self._options(path, options, values, focused, resolved)
        for level in reversed(levels):
            told = [{"name": level["name"], "type": level["type"], "options": told}]
        data = {"id": command["id"], "name": top, "type": 1, "options": told}
        return data, resolved

    def _options(
        self,
        path: str,
        options: Iterable[Mapping[str, Any]],
        values: Mapping[str, Any],
        focused: str | None,
        resolved: dict[str, Any],
    ) -> list[dict[str, Any]]:
        by_name = {each["name"]: each for each in options}
        unknown = values.keys() - by_name.keys()
        assert not unknown, f"/{path} has no {sorted(unknown)}; it has {sorted(by_name)}"
        told = []
        for name, option in by_name.items():
            if name not in values:
                assert focused or not option.get("required"), f"/{path} wants {name!r}"
                continue
            value = self._value(option, values[name], resolved)
            if focused is None:
                _check_value(path, option, value)
            more = {"focused": True} if name == focused else {}
            told.append({"name": name, "type": option["type"], "value": value, **more})
        return told

    def _value(self, option: Mapping[str, Any], value: Any, resolved: dict[str, Any]) -> Any:
        kind = option["type"]
        if kind == 11:
            photo = self._photo(value)
            resolved.setdefault("attachments", {})[photo.id] = self._fake.shapes.attachment(photo)
            return photo.id
        if isinstance(value, Person):
            resolved.setdefault("users", {})[value.id] = user(value.user)
            return value.id
        if isinstance(value, Place):
            shown = {**self._fake.shapes.place(value), "permissions": "0"}
            resolved.setdefault("channels", {})[value.id] = shown
            return value.id
        return value

    def _photo(self, photo: Photo) -> Attachment:
        name, data = photo if isinstance(photo, tuple) else ("photo.png", photo)
        return self._world.attachment(name, data)

    def _filled(
        self, component: Mapping[str, Any], left: dict[str, Any], resolved: dict[str, Any]
    ) -> dict[str, Any]:
        """A modal's row or label with what was typed into it."""
        if component["type"] == _TEXT:
            return {"type": _TEXT, "id": 1, "content": component["content"]}
        if component["type"] == _LABEL:
            inner = {**component["component"], "label": component["label"]}
            return {"type": _LABEL, "id": 1, "component": self._field(inner, left, resolved)}
        fields = [self._field(each, left, resolved) for each in component["components"]]
        return {"type": component["type"], "id": 1, "components": fields}

    def _field(
        self, field: Mapping[str, Any], left: dict[str, Any], resolved: dict[str, Any]
    ) -> dict[str, Any]:
        names = (field["custom_id"], field.get("label") or "")
        named_so = [each for each in left if any(each.lower() == name.lower() for name in names)]
        given = left.pop(named_so[0]) if named_so else None
        told: dict[str, Any] = {"type": field["type"], "id": 1, "custom_id": field["custom_id"]}
        if field["type"] == _INPUT:
            value = field.get("value") or "" if given is None else given
            most = field.get("max_length") or 4000
            assert len(value) <= most, f"{names} takes {most} characters"
            return {**told, "value": value}
        if field["type"] == _UPLOAD:
            photos = [self._photo(each) for each in given or ()]
            resolved |= {each.id: self._fake.shapes.attachment(each) for each in photos}
            return {**told, "values": [each.id for each in photos]}
        if field["type"] == _CHECKBOX:
            return {**told, "value": bool(field.get("default") if given is None else given)}
        if field["type"] == _RADIO:
            return {**told, "value": given or _default(field, None)}
        return {**told, "values": list(given or ()) or _defaults(field)}


def _defaults(field: Mapping[str, Any]) -> list[str]:
    return [each["value"] for each in field.get("options") or () if each.get("default")]


def _default(field: Mapping[str, Any], otherwise: str | None) -> str | None:
    return next(iter(_defaults(field)), otherwise)


def _one_of(components: Sequence[dict[str, Any]], what: str) -> dict[str, Any]:
    """The one of that label, emoji or custom_id, or with that in either."""

    def names(one: Mapping[str, Any]) -> list[str]:
        emoji = (one.get("emoji") or {}).get("name") or ""
        label = one.get("label") or one.get("placeholder") or ""
        return [each.lower() for each in (label, emoji, one.get("custom_id") or "") if each]

    for fits in (lambda name: name == what.lower(), lambda name: what.lower() in name):
        found = [each for each in components if any(fits(name) for name in names(each))]
        if found:
            break
    assert len(found) == 1, f"{what!r} fits {len(found)} of {[names(c) for c in components]}"
    return found[0]


def _check_value(path: str, option: Mapping[str, Any], value: Any) -> None:
    """What Discord's own client would not let anybody send."""
    where = f"/{path} {option['name']}"
    kinds = {3: str, 4: int, 5: bool, 10: (int, float)}
    if option["type"] in kinds:
        assert isinstance(value, kinds[option["type"]]), f"{where}: {value!r}"  # type: ignore[arg-type]
    if option["type"] == 3:
        length = len(value)
        assert option.get("min_length", 0) <= length <= option.get("max_length", 6000), where
    if option["type"] in (4, 10):
        least, most = option.get("min_value", value), option.get("max_value", value)
        assert least <= value <= most, f"{where}: {value} is not in {least}…{most}"
    choices = [each["value"] for each in option.get("choices") or ()]
    assert not choices or value in choices, f"{where}: {value!r} is not among {choices}"


def _added(fake: FakeDiscord, place: Channel) -> Channel:
    place.fake = fake
    fake.world.add_place(place)
    with fake.world.lock:
        fake.gateway.hear_place(place, "CREATE")
    return place


def _anywhere_in(guild: Guild) -> Place:
    """A place by which events of a server find their shard."""
    return Place("0", Kind.TEXT, "", guild)
