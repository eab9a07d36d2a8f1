"""The application itself: who it is, its commands, its wares, the servers it is in."""

from __future__ import annotations

import copy
import itertools
from typing import TYPE_CHECKING, Any

from tests.fake_discord import refusal, rules
from tests.fake_discord.call import Call, Handler, Reply
from tests.fake_discord.endpoints import Endpoint
from tests.fake_discord.shapes import Shapes, member, user
from tests.fake_discord.world import Guild, World

if TYPE_CHECKING:
    from tests.fake_discord.server import FakeDiscord

_COMMAND = {
    "default_member_permissions": None,
    "dm_permission": True,
    "nsfw": False,
    "contexts": None,
    "integration_types": [0],
    "name_localizations": None,
    "description_localizations": None,
}


class Application:
    def __init__(self, fake: FakeDiscord) -> None:
        self._fake = fake
        self._world: World = fake.world
        #: How often commands were synced.
        self.syncs = 0

    @property
    def _shapes(self) -> Shapes:
        return self._fake.shapes

    def handlers(self) -> dict[Endpoint, Handler]:
        return {
            Endpoint.ME: lambda _: Reply(200, {**user(self._world.bot), "flags": 0}),
            Endpoint.USER: self._user,
            Endpoint.APPLICATION: lambda _: Reply(200, self._self()),
            Endpoint.OWN_APPLICATION: lambda _: Reply(200, self._self()),
            Endpoint.GATEWAY: lambda _: Reply(200, {"url": self._fake.gateway_url}),
            Endpoint.GATEWAY_BOT: self._gateway_bot,
            Endpoint.COMMANDS: self._commands,
            Endpoint.SYNC: self._sync,
            Endpoint.GUILD_COMMANDS: self._commands,
            Endpoint.GUILD_SYNC: self._sync,
            Endpoint.EMOJIS: lambda _: Reply(200, {"items": []}),
            Endpoint.SKUS: self._skus,
            Endpoint.ENTITLEMENTS: self._entitlements,
            Endpoint.ENTITLEMENT: self._entitlement,
            Endpoint.CONSUME: self._consume,
            Endpoint.GUILD: lambda call: Reply(200, self._shapes.guild(self._guild(call))),
            Endpoint.GUILD_CHANNELS: self._channels,
            Endpoint.GUILD_THREADS: self._threads,
            Endpoint.MEMBER: self._member,
        }

    def _self(self) -> dict[str, Any]:
        return {
            "id": self._world.application,
            "name": self._world.bot.name,
            "icon": None,
            "description": "paints",
            "summary": "",
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": "0" * 64,
            "flags": 0,
            "owner": user(self._world.user("owner")),
            "team": None,
            "integration_types_config": {"0": {}, "1": {}},
        }

    def _user(self, call: Call) -> Reply:
        found = self._world.users.get(call.ids["user"])
        if found is None:
            raise refusal.unknown_user()
        return Reply(200, user(found))

    def _gateway_bot(self, call: Call) -> Reply:
        limit = {"total": 1000, "remaining": 999, "reset_after": 1000, "max_concurrency": 1}
        return Reply(
            200,
            {
                "url": self._fake.gateway_url,
                "shards": self._fake.gateway.shards,
                "session_start_limit": limit,
            },
        )

    # Commands

    def _mine(self, call: Call) -> None:
        if call.ids["app"] != self._world.application:
            raise refusal.Refusal(403, 20012, "You are not authorized", offence="another's app")

    def _commands(self, call: Call) -> Reply:
        self._mine(call)
        return Reply(200, self._world.commands.get(call.ids.get("guild", ""), []))

    def _sync(self, call: Call) -> Reply:
        self._mine(call)
        guild = call.ids.get("guild", "")
        if guild:
            self._guild(call)
        rules.check_commands(call.body)
        old = {(c["type"], c["name"]): c["id"] for c in self._world.commands.get(guild, [])}
        version = self._world.new_id()
        synced = []
        for each in copy.deepcopy(call.body):
            kind = each.get("type") or 1
            bits = each.get("default_member_permissions")
            synced.append(
                {
                    **_COMMAND,
                    **each,
                    "description": each.get("description") or "",
                    "default_member_permissions": None if bits is None else str(bits),
                    "type": kind,
                    "id": old.get((kind, each["name"])) or self._world.new_id(),
                    "application_id": self._world.application,
                    "version": version,
                    **({"guild_id": guild} if guild else {}),
                }
            )
        self._world.commands[guild] = synced
        self.syncs += 1
        return Reply(200, synced)

    # Wares

    def _skus(self, call: Call) -> Reply:
        return Reply(
            200,
            [
                {
                    "id": id_,
                    "type": 5,
                    "application_id": self._world.application,
                    "name": name,
                    "slug": name,
                    "flags": 1 << 8,
                }
                for name, id_ in self._world.skus.items()
            ],
        )

    def _entitlements(self, call: Call) -> Reply:
        self._mine(call)
        asked, now = call.query, self._world.clock()
        most = int(asked.get("limit", "100"))
        wares = set(asked["sku_ids"].split(",")) if "sku_ids" in asked else None
        found = (
            each
            for each in sorted(self._world.entitlements.values(), key=lambda one: int(one.id))
            if int(asked.get("after", "0")) < int(each.id) < int(asked.get("before", 1 << 63))
            and asked.get("user_id", each.user.id) == each.user.id
            and (wares is None or each.sku in wares)
            and not (asked.get("exclude_deleted", "1") == "1" and each.deleted)
            and not (asked.get("exclude_ended") == "1" and each.ends_at and each.ends_at < now)
        )
        page = itertools.islice(found, most)
        return Reply(200, [self._shapes.entitlement(each) for each in page])

    def _entitlement(self, call: Call) -> Reply:
        found = self._world.entitlements.get(call.ids["entitlement"])
        if found is None:
            raise refusal.unknown_entitlement()
        return Reply(200, self._shapes.entitlement(found))

    def _consume(self, call: Call) -> Reply:
        found = self._world.entitlements.get(call.ids["entitlement"])
        if found is None:
            raise refusal.unknown_entitlement()
        found.consumed = True
        return Reply(204)

    # Servers

    def _guild(self, call: Call) -> Guild:
        guild = self._world.guilds.get(call.ids["guild"])
        if guild is None:
            raise refusal.unknown_guild()
        if not guild.here:
            raise refusal.missing_access()
        return guild

    def _channels(self, call: Call) -> Reply:
        guild = self._guild(call)
        places = [p for p in self._world.places.values() if p.guild is guild and not p.is_thread]
        return Reply(200, [self._shapes.place(each) for each in places if not each.gone])

    def _threads(self, call: Call) -> Reply:
        guild = self._guild(call)
        threads = [p for p in self._world.places.values() if p.guild is guild and p.is_thread]
        open_ones = [self._shapes.place(each) for each in threads if not each.archived]
        return Reply(200, {"threads": open_ones, "members": []})

    def _member(self, call: Call) -> Reply:
        guild, found = self._guild(call), self._world.users.get(call.ids["user"])
        if found is None:
            raise refusal.Refusal(404, 10007, "Unknown Member")
        return Reply(200, member(guild, found))
