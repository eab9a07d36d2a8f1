"""What a request's body may hold: everything else is 50035, or worse (§1, §5, §7).

Stricter than Discord in one thing: fields it would ignore are refused, because a
client that sends them believes in something that is not there.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.fake_discord import refusal
from tests.fake_discord.world import COMPONENTS_V2, EPHEMERAL, walk

LONGEST_TEXT = 2000
LONGEST_ALT = 1024
LONGEST_NONCE = 25
LONGEST_CUSTOM_ID = 100
MOST_FILES = 10
MOST_EMBEDS = 10
LONGEST_EMBEDS = 6000
MOST_ROWS = 5
MOST_IN_A_ROW = 5
MOST_COMPONENTS = 40
MOST_CHOICES = 25

_CREATE = {
    "content",
    "nonce",
    "enforce_nonce",
    "tts",
    "embeds",
    "allowed_mentions",
    "message_reference",
    "components",
    "sticker_ids",
    "attachments",
    "flags",
    "poll",
}
_EDIT = {"content", "embeds", "flags", "allowed_mentions", "components", "attachments", "tts"}
_WEBHOOK = _EDIT | {"username", "avatar_url", "thread_name", "applied_tags", "poll"}
FIELDS = {
    "create": _CREATE,
    "edit": _EDIT,
    "webhook": _WEBHOOK,
    "callback": _EDIT | {"poll"},
}
_KNOWN_FLAGS = (1 << 2) | EPHEMERAL | (1 << 12) | COMPONENTS_V2
_EMBED_LIMITS = {"title": 256, "description": 4096}

_BUTTON, _STRING_SELECT, _TEXT_INPUT = 2, 3, 4
_ROW, _CONTAINER, _LABEL = 1, 17, 18
_SELECTS = {3, 5, 6, 7, 8}
_LINK, _PREMIUM = 5, 6
_V2_ONLY = {9, 10, 11, 12, 13, 14, 17}
_IN_MODALS = {_ROW, 10, _LABEL}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a request. `name` and `alt` are the metadata's, where there is any."""

    name: str
    data: bytes
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Allowed:
    """`allowed_mentions`: who may be pinged."""

    parse: frozenset[str] = frozenset({"users", "roles", "everyone"})
    users: frozenset[str] = frozenset()
    replied_user: bool = True

    def pings(self, text: str, answered: str | None) -> set[str]:
        """Of whom a text names, and the author it answers."""
        found = {
            user
            for user in re.findall(r"<@!?(\d+)>", text)
            if "users" in self.parse or user in self.users
        }
        if "everyone" in self.parse and re.search(r"@(everyone|here)\b", text):
            found.add("everyone")
        if "roles" in self.parse:
            found |= {f"&{role}" for role in re.findall(r"<@&(\d+)>", text)}
        return found | ({answered} if answered and self.replied_user else set())


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as a request wants it; None is: not said."""

    text: str | None = None
    embeds: list[dict[str, Any]] | None = None
    components: list[dict[str, Any]] | None = None
    uploads: Sequence[Upload] = ()
    #: Ids of attachments that stay; None is all of them.
    kept: frozenset[str] | None = None
    flags: int = 0
    allowed: Allowed = field(default_factory=Allowed)
    nonce: str | None = None
    once: bool = False
    reference: Mapping[str, Any] | None = None

    @property
    def empty(self) -> bool:
        return not (self.text or self.embeds or self.components or self.uploads)

    @property
    def readable(self) -> str:
        """All its words, as mentions are looked for and AutoMod reads them."""
        shown = [each["content"] for each in walk(self.components or ()) if each["type"] == 10]
        return "\n".join([self.text or "", *shown])


def draft(
    body: Mapping[str, Any], files: Mapping[int, Upload], form: str, most_bytes: int, skus: set[str]
) -> Draft:
    """Read a message's body. Raises Refusal."""
    for name in body.keys() - FIELDS[form]:
        raise refusal.form(name, f"unknown field in a {form}")
    text = body.get("content")
    if text is not None and not isinstance(text, str):
        raise refusal.form("content", "not a string")
    _longest("content", text, LONGEST_TEXT)
    flags = body.get("flags") or 0
    if flags & ~_KNOWN_FLAGS:
        raise refusal.form("flags", f"{flags} has bits an application may not set")
    nonce = body.get("nonce")
    _longest("nonce", None if nonce is None else str(nonce), LONGEST_NONCE)
    embeds = body.get("embeds")
    _check_embeds(embeds or [])
    components = body.get("components")
    is_v2 = bool(flags & COMPONENTS_V2)
    check_components(components or [], is_v2, skus)
    if is_v2 and (text or embeds):
        raise refusal.form("content", "content and embeds do not go with components v2")
    uploads, kept = _attachments(body.get("attachments"), files, most_bytes)
    return Draft(
        text=None if "content" not in body else text or "",
        embeds=embeds,
        components=components,
        uploads=uploads,
        kept=kept,
        flags=flags,
        allowed=_allowed(body.get("allowed_mentions")),
        nonce=None if nonce is None else str(nonce),
        once=bool(body.get("enforce_nonce")),
        reference=body.get("message_reference"),
    )


def _longest(path: str, text: str | None, most: int, least: int = 0) -> None:
    if text is not None and not least <= len(text) <= most:
        why = f"Must be between {least} and {most} in length: {len(text)}."
        raise refusal.form(path, why, "BASE_TYPE_BAD_LENGTH")


def _attachments(
    described: Sequence[Mapping[str, Any]] | None,
    files: Mapping[int, Upload],
    most_bytes: int,
) -> tuple[list[Upload], frozenset[str] | None]:
    """The files with their descriptions, and the ids of older attachments that stay."""
    uploads, kept = dict(files), set()
    for at, each in enumerate(described or ()):
        path, alt = f"attachments.{at}", each.get("description") or ""
        _longest(f"{path}.description", alt, LONGEST_ALT)
        if isinstance(each.get("id"), int) and each["id"] in files:
            file = files[each["id"]]
            uploads[each["id"]] = Upload(each.get("filename") or file.name, file.data, alt)
        elif isinstance(each.get("id"), str):
            kept.add(each["id"])
        else:
            raise refusal.form(f"{path}.id", f"no such file: {each.get('id')!r}")
    if len(uploads) + len(kept) > MOST_FILES:
        raise refusal.form("attachments", f"at most {MOST_FILES} in length")
    for upload in uploads.values():
        if not upload.data:
            raise refusal.form("files", f"{upload.name} is empty")
        if len(upload.data) > most_bytes:
            raise refusal.too_large()
    in_order = [uploads[number] for number in sorted(uploads)]
    return in_order, None if described is None else frozenset(kept)


def _allowed(given: Mapping[str, Any] | None) -> Allowed:
    if given is None:
        return Allowed()
    parse, users = frozenset(given.get("parse") or ()), given.get("users") or ()
    if parse - {"users", "roles", "everyone"}:
        raise refusal.form("allowed_mentions.parse", f"unknown: {sorted(parse)}")
    if "users" in parse and users:
        raise refusal.form("allowed_mentions", 'parse:["users"] and users exclude each other')
    if len(users) > 100:
        raise refusal.form("allowed_mentions.users", "at most 100")
    named = frozenset(str(each) for each in users)
    return Allowed(parse, named, bool(given.get("replied_user", False)))


def _check_embeds(embeds: Sequence[Mapping[str, Any]]) -> None:
    if len(embeds) > MOST_EMBEDS:
        raise refusal.form("embeds", f"at most {MOST_EMBEDS}")
    whole = 0
    for at, embed in enumerate(embeds):
        path = f"embeds.{at}"
        for name, most in _EMBED_LIMITS.items():
            _longest(f"{path}.{name}", embed.get(name), most)
            whole += len(embed.get(name) or "")
        fields = embed.get("fields") or []
        if len(fields) > 25:
            raise refusal.form(f"{path}.fields", "at most 25")
        for number, each in enumerate(fields):
            _longest(f"{path}.fields.{number}.name", each["name"], 256, 1)
            _longest(f"{path}.fields.{number}.value", each["value"], 1024, 1)
            whole += len(each["name"]) + len(each["value"])
        footer = (embed.get("footer") or {}).get("text")
        _longest(f"{path}.footer.text", footer, 2048)
        whole += len(footer or "")
    if whole > LONGEST_EMBEDS:
        raise refusal.form("embeds", f"{whole} characters in all embeds, at most {LONGEST_EMBEDS}")


def check_components(
    components: Sequence[Mapping[str, Any]], is_v2: bool, skus: Collection[str]
) -> None:
    """Those of a message. Raises Refusal."""
    everything = list(walk(components))
    if is_v2 and len(everything) > MOST_COMPONENTS:
        raise refusal.form("components", f"at most {MOST_COMPONENTS} components")
    if not is_v2 and len(components) > MOST_ROWS:
        raise refusal.form("components", f"at most {MOST_ROWS} rows")
    for at, each in enumerate(components):
        if not is_v2 and (each["type"] != _ROW or each["type"] in _V2_ONLY):
            raise refusal.form(f"components.{at}", f"type {each['type']} wants components v2")
    ids = [each["custom_id"] for each in everything if each.get("custom_id")]
    if len(ids) != len(set(ids)):
        raise refusal.form("components", f"custom ids must differ: {sorted(ids)}")
    for each in everything:
        _check_component(each, skus)


def _check_component(one: Mapping[str, Any], skus: Collection[str]) -> None:
    kind = one["type"]
    if kind == _ROW:
        inside = one.get("components") or []
        selects = sum(each["type"] in _SELECTS for each in inside)
        if not 1 <= len(inside) <= (1 if selects else MOST_IN_A_ROW):
            raise refusal.form("components", f"a row of {len(inside)} components")
    elif kind == _BUTTON:
        _check_button(one, skus)
    elif kind in _SELECTS:
        _longest("components.custom_id", one.get("custom_id"), LONGEST_CUSTOM_ID, 1)
        options = one.get("options") or []
        if kind == _STRING_SELECT and not 1 <= len(options) <= MOST_CHOICES:
            raise refusal.form("components.options", f"{len(options)} options")
        for option in options:
            _longest("components.options.label", option["label"], 100, 1)
            _longest("components.options.value", option["value"], 100, 1)
    elif kind == _TEXT_INPUT:
        _check_input(one)
    elif kind == 10:
        _longest("components.content", one["content"], 4000, 1)


def _check_button(one: Mapping[str, Any], skus: Collection[str]) -> None:
    style = one.get("style")
    has_id, has_url, sku = bool(one.get("custom_id")), bool(one.get("url")), one.get("sku_id")
    if style == _PREMIUM:
        if str(sku) not in skus or has_id or has_url or one.get("label"):
            raise refusal.form("components", f"a premium button with sku {sku!r}")
    elif style == _LINK:
        if has_id or not has_url:
            raise refusal.form("components", "a link button has a url and no custom_id")
    elif style not in (1, 2, 3, 4) or not has_id or has_url:
        raise refusal.form("components", f"a button of style {style} without a custom_id")
    _longest("components.custom_id", one.get("custom_id"), LONGEST_CUSTOM_ID, 1)
    _longest("components.label", one.get("label"), 80)
    if style != _PREMIUM and not (one.get("label") or one.get("emoji")):
        raise refusal.form("components", "a button without label and emoji")


def _check_input(one: Mapping[str, Any]) -> None:
    _longest("components.custom_id", one.get("custom_id"), LONGEST_CUSTOM_ID, 1)
    _longest("components.label", one.get("label"), 45)
    _longest("components.placeholder", one.get("placeholder"), 100)
    most = min(4000, one.get("max_length") or 4000)
    _longest("components.value", one.get("value"), most)


def check_modal(data: Mapping[str, Any]) -> None:
    _longest("data.custom_id", data.get("custom_id") or "", LONGEST_CUSTOM_ID, 1)
    _longest("data.title", data.get("title") or "", 45, 1)
    components = data.get("components") or []
    if not 1 <= len(components) <= 5:
        raise refusal.form("data.components", f"{len(components)} components in a modal")
    for each in components:
        if each["type"] not in _IN_MODALS:
            raise refusal.form("data.components", f"type {each['type']} in a modal")
        if each["type"] == _LABEL:
            _longest("data.components.label", each.get("label"), 45, 1)
            _longest("data.components.description", each.get("description"), 100)
    for each in walk(components):
        _check_component(each, ())


def check_choices(choices: Sequence[Mapping[str, Any]]) -> None:
    if len(choices) > MOST_CHOICES:
        raise refusal.form("data.choices", f"{len(choices)} choices, at most {MOST_CHOICES}")
    for each in choices:
        _longest("data.choices.name", each["name"], 100, 1)
        if isinstance(each["value"], str):
            _longest("data.choices.value", each["value"], 100, 1)


_NAME = re.compile(r"^[-_'\w]{1,32}$")
_COMMAND_FIELDS = {
    "id",
    "name",
    "name_localizations",
    "description",
    "description_localizations",
    "options",
    "default_member_permissions",
    "dm_permission",
    "default_permission",
    "integration_types",
    "contexts",
    "type",
    "nsfw",
    "handler",
}
_LOCALES = """
id da de en-GB en-US es-ES es-419 fr hr it lt hu nl no pl pt-BR ro fi sv-SE vi tr cs el bg
ru uk hi th zh-CN ja zh-TW ko
"""


def check_commands(commands: Sequence[Mapping[str, Any]]) -> None:
    """A whole set, as it is synced: 100 commands, 5 menus of a kind since 2025: 15."""
    for kind, most in ((1, 100), (2, 15), (3, 15)):
        if sum((each.get("type") or 1) == kind for each in commands) > most:
            raise refusal.form("commands", f"more than {most} of type {kind}")
    names = [(each.get("type") or 1, each.get("name")) for each in commands]
    if len(names) != len(set(names)):
        raise refusal.form("commands", "two commands of one name")
    for at, each in enumerate(commands):
        for name in each.keys() - _COMMAND_FIELDS:
            raise refusal.form(f"{at}.{name}", "unknown field in a command")
        _check_command(f"{at}", each, menu=(each.get("type") or 1) != 1)


def _check_command(path: str, one: Mapping[str, Any], *, menu: bool) -> None:
    names = {"": one.get("name") or "", **(one.get("name_localizations") or {})}
    told = {"": one.get("description") or "", **(one.get("description_localizations") or {})}
    for locale in (names.keys() | told.keys()) - {*_LOCALES.split(), ""}:
        raise refusal.form(f"{path}.name_localizations", f"no such locale: {locale}")
    for name in names.values():
        _longest(f"{path}.name", name, 32, 1)
        if not menu and (not _NAME.match(name) or name != name.lower()):
            raise refusal.form(f"{path}.name", f"{name!r} is no name of a command")
    for text in told.values():
        _longest(f"{path}.description", text, 0 if menu else 100, 0 if menu else 1)
    options = one.get("options") or []
    if len(options) > 25:
        raise refusal.form(f"{path}.options", "more than 25")
    required = [bool(each.get("required")) for each in options]
    if required != sorted(required, reverse=True):
        raise refusal.form(f"{path}.options", "required options come first")
    for at, each in enumerate(options):
        _check_command(f"{path}.options.{at}", each, menu=False)
        if each.get("autocomplete") and each.get("choices"):
            raise refusal.form(f"{path}.options.{at}", "choices and autocomplete")
        check_choices(each.get("choices") or [])
