"""The calls the fake knows, by the names the limits, the faults and the log use."""

from __future__ import annotations

from enum import StrEnum


class Endpoint(StrEnum):
    ME = "GET /2/users/me"
    MENTIONS = "GET /2/users/{id}/mentions"
    TIMELINE = "GET /2/users/{id}/tweets"
    LOOKUP = "GET /2/tweets"
    SEARCH = "GET /2/tweets/search/recent"
    CREATE = "POST /2/tweets"
    DELETE = "DELETE /2/tweets/{id}"
    UPLOAD = "POST /2/media/upload"
    METADATA = "POST /2/media/metadata"
    MEDIA = "GET /2/media"
    STREAM = "GET /2/activity/stream"
    SUBSCRIPTIONS = "GET /2/activity/subscriptions"
    SUBSCRIBE = "POST /2/activity/subscriptions"
    TOKEN = "POST /2/oauth2/token"
    PHOTO = "GET /media/{name}"
    NOWHERE = "ANY /{anything}"  #: what X does not have

    @property
    def method(self) -> str:
        return self.value.split()[0]

    @property
    def path(self) -> str:
        return self.value.split()[1]
