"""The bot's keys, and whether a request was really made with them.

OAuth 1.0a: the signature is computed again from the request as it arrived (§1.2).
OAuth 2: access tokens of two hours and refresh tokens that work once.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from oauthlib.oauth1.rfc5849 import signature
from oauthlib.oauth1.rfc5849.utils import parse_authorization_header

from tests.fake_x import refusal

ACCESS_SECONDS = 7200
#: How far a signature's timestamp may lie from now. Always real time: the bot signs with it.
TIMESTAMP_SLACK = 300


@dataclass(frozen=True, slots=True)
class Keys:
    """All that must never be seen in a log or a database; each is easy to grep for.

    An access token begins with its account's id (§1.1).
    """

    consumer_key: str = "canary-consumer-key-6hV2pQ"
    consumer_secret: str = "canary-consumer-secret-0xM4tZ&+%"
    access_token: str = "1000-canary-access-token-9bN7sK"
    access_token_secret: str = "canary-access-token-secret-3fJ8wL"
    client_id: str = "canary-client-id-5rT1yD"
    client_secret: str = "canary-client-secret-7cG6uH"
    bearer_token: str = "canary-bearer-token-4vY8nE"

    def canaries(self) -> tuple[str, ...]:
        return tuple(getattr(self, each.name) for each in fields(self))


@dataclass(frozen=True, slots=True)
class Signed:
    """What of a request goes into its signature."""

    method: str
    url: str
    query: str
    authorization: str


class OAuth1:
    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._nonces: set[tuple[str, str]] = set()

    def check(self, request: Signed) -> None:
        """Raises Refusal unless this very request was signed with our keys, once, just now."""
        try:
            given = dict(parse_authorization_header(request.authorization))
            params = signature.collect_parameters(
                uri_query=request.query, headers={"Authorization": request.authorization}
            )
        except ValueError as error:
            raise refusal.unauthorized(f"signature: {error}") from error
        self._check_claims(given)
        base = signature.signature_base_string(
            request.method,
            signature.base_string_uri(request.url),
            signature.normalize_parameters(params),
        )
        right = signature.sign_hmac_sha1_with_client(base, self)
        if right != signature.utils.unescape(given.get("oauth_signature", "")):
            raise refusal.unauthorized("signature: it is wrong")

    @property
    def client_secret(self) -> str:
        return self._keys.consumer_secret

    @property
    def resource_owner_secret(self) -> str:
        return self._keys.access_token_secret

    def _check_claims(self, given: Mapping[str, str]) -> None:
        right = {
            "oauth_consumer_key": self._keys.consumer_key,
            "oauth_token": self._keys.access_token,
            "oauth_signature_method": "HMAC-SHA1",
        }
        for name, value in right.items():
            if signature.utils.unescape(given.get(name, "")) != value:
                raise refusal.unauthorized(f"signature: wrong {name}")
        moment, nonce = given.get("oauth_timestamp", "0"), given.get("oauth_nonce", "")
        if abs(int(moment) - time.time()) > TIMESTAMP_SLACK:
            raise refusal.unauthorized("signature: its timestamp is off")
        if not nonce or (moment, nonce) in self._nonces:
            raise refusal.unauthorized("signature: its nonce was used before")
        self._nonces.add((moment, nonce))


class OAuth2:
    """One user's tokens. A refresh token works once; used again it ends everything."""

    def __init__(self, keys: Keys, clock: Callable[[], float]) -> None:
        self._keys = keys
        self._clock = clock
        self._numbers = itertools.count(1)
        self.scopes = {"tweet.read", "tweet.write", "users.read", "media.write", "offline.access"}
        #: Every token ever given out, for a test to grep for.
        self.given: list[str] = []
        self.revoked = False
        #: Whether the app can keep a secret; one that can't says its name instead.
        self.confidential = True
        self._spent: set[str] = set()
        self._expires_at = 0.0
        self.access, self.refresh = "", ""
        self.renew()

    def renew(self) -> None:
        """A new pair; the old access token is no good any more."""
        number = next(self._numbers)
        self._spent.add(self.refresh)
        self.access = f"canary-oauth2-access-{number}-2kP"
        self.refresh = f"canary-oauth2-refresh-{number}-8dW"
        self._expires_at = self._clock() + ACCESS_SECONDS
        self.given += [self.access, self.refresh]

    def expire(self) -> None:
        """The two hours are over."""
        self._expires_at = self._clock()

    def check(self, bearer: str, scope: str) -> None:
        if self.revoked or bearer != self.access or self._clock() >= self._expires_at:
            raise refusal.unauthorized("")
        if scope not in self.scopes:
            raise refusal.forbidden(
                f"Your client app is missing the scope {scope}.",
                kind=f"{refusal.PROBLEMS}/client-forbidden",
            )

    def exchange(self, refresh: str) -> dict[str, object]:
        """A refresh token for a new pair."""
        if refresh in self._spent:
            self.revoked = True
        if self.revoked or refresh != self.refresh:
            raise refusal.Refusal(
                400,
                "invalid_request",
                "Value passed for the token was invalid.",
                offence="a refresh token that is no good",
            )
        self.renew()
        return {
            "token_type": "bearer",
            "expires_in": ACCESS_SECONDS,
            "access_token": self.access,
            "refresh_token": self.refresh,
            "scope": " ".join(sorted(self.scopes)),
        }

    def is_client(self, name: str, secret: str, told: str) -> bool:
        """By name and secret in the header, or by a name `told` among the fields."""
        if not self.confidential:
            return (name, secret, told) == ("", "", self._keys.client_id)
        return (name, secret) == (self._keys.client_id, self._keys.client_secret)
