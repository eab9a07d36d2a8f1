"""The routes of Discord's API that the fake serves, each under one name."""

from __future__ import annotations

from enum import Enum


class Endpoint(Enum):
    """Method and path below `/api/v10`. Fault scripts, limits and the log speak of these."""

    ME = "GET", "/users/@me"
    USER = "GET", "/users/{user}"
    APPLICATION = "GET", "/oauth2/applications/@me"
    OWN_APPLICATION = "GET", "/applications/@me"
    GATEWAY = "GET", "/gateway"
    GATEWAY_BOT = "GET", "/gateway/bot"
    COMMANDS = "GET", "/applications/{app}/commands"
    SYNC = "PUT", "/applications/{app}/commands"
    GUILD_COMMANDS = "GET", "/applications/{app}/guilds/{guild}/commands"
    GUILD_SYNC = "PUT", "/applications/{app}/guilds/{guild}/commands"
    EMOJIS = "GET", "/applications/{app}/emojis"
    SKUS = "GET", "/applications/{app}/skus"
    ENTITLEMENTS = "GET", "/applications/{app}/entitlements"
    ENTITLEMENT = "GET", "/applications/{app}/entitlements/{entitlement}"
    CONSUME = "POST", "/applications/{app}/entitlements/{entitlement}/consume"

    CALLBACK = "POST", "/interactions/{interaction}/{token}/callback"
    FOLLOW_UP = "POST", "/webhooks/{app}/{token}"
    GET_ANSWER = "GET", "/webhooks/{app}/{token}/messages/{message}"
    EDIT_ANSWER = "PATCH", "/webhooks/{app}/{token}/messages/{message}"
    DELETE_ANSWER = "DELETE", "/webhooks/{app}/{token}/messages/{message}"

    CHANNEL = "GET", "/channels/{channel}"
    OPEN_DM = "POST", "/users/@me/channels"
    TYPING = "POST", "/channels/{channel}/typing"
    HISTORY = "GET", "/channels/{channel}/messages"
    CREATE_MESSAGE = "POST", "/channels/{channel}/messages"
    GET_MESSAGE = "GET", "/channels/{channel}/messages/{message}"
    EDIT_MESSAGE = "PATCH", "/channels/{channel}/messages/{message}"
    DELETE_MESSAGE = "DELETE", "/channels/{channel}/messages/{message}"
    REACT = "PUT", "/channels/{channel}/messages/{message}/reactions/{emoji}/@me"
    UNREACT = "DELETE", "/channels/{channel}/messages/{message}/reactions/{emoji}/@me"
    JOIN_THREAD = "PUT", "/channels/{channel}/thread-members/@me"

    GUILD = "GET", "/guilds/{guild}"
    GUILD_CHANNELS = "GET", "/guilds/{guild}/channels"
    GUILD_THREADS = "GET", "/guilds/{guild}/threads/active"
    MEMBER = "GET", "/guilds/{guild}/members/{user}"

    #: Not of the API, but of the CDN.
    FILE = "GET", "/attachments/{channel}/{attachment}/{name}"

    @property
    def method(self) -> str:
        return self.value[0]

    @property
    def path(self) -> str:
        return self.value[1]

    @property
    def by_token(self) -> bool:
        """Interaction endpoints: an interaction's token opens them, no limit of the bot's holds."""
        return "{token}" in self.path
