"""The world as JSON: what the API answers and the gateway sends (§11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.fake_discord.permissions import EVERYBODY
from tests.fake_discord.world import (
    Attachment,
    Entitlement,
    Guild,
    Interaction,
    Kind,
    Message,
    Place,
    User,
    World,
    walk,
)

Json = dict[str, Any]

_ACTION_ROW = 1
_V2_MEDIA = {11: "media", 12: "items", 13: "file"}


def moment(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()


def user(one: User) -> Json:
    return {
        "id": one.id,
        "username": one.name,
        "discriminator": "0000" if one.bot else "0",
        "global_name": None if one.bot else one.name.capitalize(),
        "avatar": None,
        "bot": one.bot,
        "public_flags": 0,
    }


def member(guild: Guild, one: User, *, of: bool = True) -> Json:
    """`of` is whether the user is in it; in messages it stands beside."""
    role, _ = guild.appointed.get(one.id, ("", None))
    shown = {
        "nick": None,
        "avatar": None,
        "roles": [role] if role else [],
        "joined_at": "2024-01-01T00:00:00+00:00",
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
        "communication_disabled_until": None,
    }
    return {**shown, "user": user(one)} if of else shown


def roles(guild: Guild) -> list[Json]:
    def role(id_: str, name: str, permissions: int, position: int) -> Json:
        return {
            "id": id_,
            "name": name,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "position": position,
            "permissions": str(int(permissions)),
            "managed": False,
            "mentionable": False,
            "flags": 0,
        }

    appointed = enumerate(guild.appointed.values(), start=1)
    return [
        role(guild.id, "@everyone", guild.everybody, 0),
        *(role(id_, f"role {n}", bits, n) for n, (id_, bits) in appointed),
    ]


@dataclass(frozen=True, slots=True)
class Shapes:
    """`hides_referenced`: a message that is answered by a mention comes without its words
    and photos where they are somebody else's and the bot may not read everything (§6)."""

    world: World
    cdn: str
    hides_referenced: bool = True

    def place(self, one: Place) -> Json:
        shown: Json = {"id": one.id, "type": int(one.kind), "name": one.name, "flags": 0}
        last = self.world.last_in(one)
        if one.kind in (Kind.DM, Kind.GROUP_DM):
            recipients = [user(each) for each in one.recipients]
            group = {"owner_id": one.recipients[0].id, "icon": None}
            more = group if one.kind is Kind.GROUP_DM else {}
            return {**shown, **more, "last_message_id": last, "recipients": recipients}
        assert one.guild is not None
        shown |= {
            "guild_id": one.guild.id,
            "parent_id": one.parent.id if one.parent else None,
            "nsfw": one.nsfw,
            "last_message_id": last,
            "rate_limit_per_user": 0,
        }
        if one.is_thread:
            return shown | self._thread(one)
        denied = [{"id": self.world.bot.id, "type": 1, "allow": "0", "deny": str(int(one.denied))}]
        shown |= {
            "position": 0,
            "topic": None,
            "permission_overwrites": denied if one.denied else [],
        }
        if one.kind is Kind.FORUM:
            shown |= {
                "available_tags": [],
                "default_reaction_emoji": None,
                "default_sort_order": None,
                "default_forum_layout": 0,
            }
        if one.kind is Kind.VOICE:
            shown |= {"bitrate": 64_000, "user_limit": 0, "rtc_region": None}
        return shown

    def _thread(self, one: Place) -> Json:
        owner = one.owner or self.world.bot
        return {
            "owner_id": owner.id,
            "message_count": 1,
            "member_count": 2,
            "total_message_sent": 1,
            "applied_tags": [],
            "thread_metadata": {
                "archived": one.archived,
                "auto_archive_duration": 1440,
                "archive_timestamp": moment(self.world.clock()),
                "locked": one.locked,
                "create_timestamp": moment(self.world.clock()),
            },
        }

    def guild(self, one: Guild) -> Json:
        places = [p for p in self.world.places.values() if p.guild is one and not p.gone]
        now = self.world.clock()
        silenced = moment(one.timed_out_until) if now < one.timed_out_until else None
        bot = {**member(one, self.world.bot), "communication_disabled_until": silenced}
        return {
            "id": one.id,
            "name": one.name,
            "icon": None,
            "splash": None,
            "discovery_splash": None,
            "owner_id": "1",
            "afk_channel_id": None,
            "afk_timeout": 300,
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "roles": roles(one),
            "emojis": [],
            "features": [],
            "mfa_level": 0,
            "application_id": None,
            "system_channel_id": None,
            "system_channel_flags": 0,
            "rules_channel_id": None,
            "vanity_url_code": None,
            "description": None,
            "banner": None,
            "premium_tier": one.boosts,
            "preferred_locale": one.locale,
            "public_updates_channel_id": None,
            "nsfw_level": 0,
            "stickers": [],
            "premium_progress_bar_enabled": False,
            "joined_at": "2024-01-01T00:00:00+00:00",
            "large": False,
            "unavailable": False,
            "member_count": 100,
            "voice_states": [],
            "members": [bot],
            "channels": [self.place(p) for p in places if not p.is_thread],
            "threads": [self.place(p) for p in places if p.is_thread and not p.archived],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }

    def attachment(self, one: Attachment, message: Message | None = None) -> Json:
        place = message.place.id if message else self.world.application
        kind = "ephemeral-attachments" if message is None or message.ephemeral_to else "attachments"
        issued = int(self.world.clock())
        signed = f"ex={int(one.until):x}&is={issued:x}&hm={int(one.id) % 0xFFFFFF:x}"
        path = f"/{kind}/{place}/{one.id}/{one.name}"
        shown: Json = {
            "id": one.id,
            "filename": one.name,
            "size": len(one.data),
            "url": f"{self.cdn}{path}?{signed}&",
            "proxy_url": f"{self.cdn}{path}?{signed}&",
            "content_type": one.media_type,
        }
        if one.alt:
            shown["description"] = one.alt
        if one.size:
            shown["width"], shown["height"] = one.size
        return shown

    def message(self, one: Message, *, reads_all: bool = True, told: bool = True) -> Json:
        """`reads_all` as the intent for message content would have it; `told` is whether a
        message that `one` answers is shown as well."""
        readable = reads_all or self._concerns_the_bot(one)
        tagged = [self.world.users[each] for each in sorted(self.world.tags_of(one))]
        shown: Json = {
            "id": one.id,
            "channel_id": one.place.id,
            "type": self._type(one),
            "author": user(one.author),
            "content": one.text if readable else "",
            "timestamp": moment(one.at),
            "edited_timestamp": moment(one.edited_at),
            "tts": False,
            "mention_everyone": "everyone" in one.pings,
            "mentions": [user(each) for each in tagged],
            "mention_roles": [],
            "attachments": [self.attachment(p, one) for p in one.pictures] if readable else [],
            "embeds": one.embeds if readable else [],
            "components": self._components(one) if readable else [],
            "pinned": False,
            "flags": one.flags,
        }
        if one.nonce is not None:
            shown["nonce"] = one.nonce
        if one.place.guild is not None:
            shown["guild_id"] = one.place.guild.id
            if one.webhook is None:
                shown["member"] = member(one.place.guild, one.author, of=False)
        if one.reactions:
            shown["reactions"] = [self._reaction(emoji, by) for emoji, by in one.reactions.items()]
        if one.webhook is not None:
            shown["webhook_id"] = one.webhook
        if one.interaction is not None:
            shown |= self._of_interaction(one.interaction)
        if one.reference_id is not None:
            shown |= self._reference(one, told, reads_all)
        return shown

    def _concerns_the_bot(self, one: Message) -> bool:
        bot = self.world.bot
        return one.author is bot or one.place.kind is Kind.DM or bot.id in self.world.tags_of(one)

    def _type(self, one: Message) -> int:
        if one.reference_id is not None:
            return 19
        return 20 if one.interaction is not None else 0

    def _components(self, one: Message) -> list[Json]:
        """With the links that Discord puts in for `attachment://…`."""
        by_name = {f"attachment://{each.name}": each for each in one.pictures}
        shown = [dict(each) for each in one.components]
        for each in walk(shown):
            media = each.get(_V2_MEDIA.get(each["type"], ""), [])
            for item in media if isinstance(media, list) else [{"media": media}]:
                found = by_name.get(item.get("media", {}).get("url", ""))
                if found is not None:
                    link = self.attachment(found, one)
                    item["media"] |= {"url": link["url"], "proxy_url": link["proxy_url"]}
        return shown

    def _reaction(self, emoji: str, by: list[str]) -> Json:
        return {
            "emoji": {"id": None, "name": emoji},
            "count": len(by),
            "count_details": {"burst": 0, "normal": len(by)},
            "burst_colors": [],
            "me": self.world.bot.id in by,
            "me_burst": False,
        }

    def _of_interaction(self, one: Interaction) -> Json:
        told = {
            "id": one.id,
            "type": int(one.kind),
            "user": user(one.user),
            "authorizing_integration_owners": one.payload["authorizing_integration_owners"],
        }
        return {
            "application_id": self.world.application,
            "webhook_id": self.world.application,
            "interaction_metadata": told,
        }

    def _reference(self, one: Message, told: bool, reads_all: bool) -> Json:
        shown: Json = {
            "message_reference": {
                "type": 0,
                "message_id": one.reference_id,
                "channel_id": one.place.id,
                **({"guild_id": one.place.guild.id} if one.place.guild else {}),
            }
        }
        if told:
            there = one.reference
            shown["referenced_message"] = (
                None
                if there is None or there.deleted
                else self.message(
                    there, reads_all=reads_all or not self.hides_referenced, told=False
                )
            )
        return shown

    def entitlement(self, one: Entitlement) -> Json:
        return {
            "id": one.id,
            "sku_id": one.sku,
            "application_id": self.world.application,
            "user_id": one.user.id,
            "type": 8,
            "deleted": one.deleted,
            "starts_at": moment(one.starts_at),
            "ends_at": moment(one.ends_at),
            "consumed": one.consumed,
        }

    def interaction(self, one: Interaction, data: Json) -> Json:
        """What INTERACTION_CREATE carries. Threads have no `thread: null`, members no objects."""
        place, guild = one.place, one.place.guild
        now = self.world.clock()
        owners = {"0": guild.id if guild else "0"} if place.bot_is_in else {"1": one.user.id}
        shown: Json = {
            "id": one.id,
            "application_id": self.world.application,
            "type": int(one.kind),
            "token": one.token,
            "version": 1,
            "data": data,
            "channel_id": place.id,
            "channel": {
                **self.place(place),
                "permissions": str(int(guild.permissions(one.user) if guild else EVERYBODY)),
            },
            "app_permissions": str(int(place.bot_may(now))),
            "locale": one.user.locale,
            "entitlements": [self.entitlement(e) for e in self.world.entitlements_of(one.user)],
            "entitlement_sku_ids": [],
            "authorizing_integration_owners": owners,
            "context": 0 if guild else (1 if place.kind is Kind.DM else 2),
            "attachment_size_limit": place.file_limit,
        }
        if guild is None:
            return {**shown, "user": user(one.user)}
        who = member(guild, one.user) | {"permissions": str(int(guild.permissions(one.user)))}
        return {
            **shown,
            "guild_id": guild.id,
            "guild": {"id": guild.id, "features": [], "locale": guild.locale},
            "guild_locale": guild.locale,
            "member": who,
        }
