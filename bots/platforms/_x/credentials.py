"""How a request shows whose it is: four secrets that never change, or a token that does.

An OAuth 2 refresh token works once. So a refresh is noted before it is asked for, the
new pair is stored before it is used, and one refresh at a time is made for everybody.
Where the answer to a refresh is lost, the old token is tried again; if X does not take
it, the chain is broken, and only a person can begin another.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import quote

import aiohttp
import structlog
from oauthlib.oauth1 import Client as Signer

from bots.platform import House, Outcome, PlatformError
from bots.platforms._x import refusals
from bots.platforms._x.meter import NAME, Endpoint, Entry, Meter, Request
from bots.platforms._x.wire import Answer, Envelope, Wire
from bots.settings import Settings, SettingsError, variable
from data import tokens
from data.tokens import Pair

#: A token is renewed so many seconds before it ends.
AHEAD: Final = 600.0
#: What X grants where it does not say, in seconds.
GRANTED: Final = 7_200.0

_OAUTH1: Final = (
    "x_consumer_key",
    "x_consumer_secret",
    "x_access_token",
    "x_access_token_secret",
)
_OAUTH2: Final = ("x_client_id", "x_refresh_token", "x_account")
_RENEWAL: Final = Request(endpoint=Endpoint.TOKENS)


@dataclass(frozen=True, slots=True)
class Keys:
    """The four static secrets of OAuth 1.0a. Never shown."""

    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    access_token_secret: str = field(repr=False)

    @property
    def bot_id(self) -> str:
        """The account's number, which its access token begins with."""
        return self.access_token.partition("-")[0]

    @property
    def said(self) -> str:
        return "four keys (OAuth 1.0a)"


@dataclass(frozen=True, slots=True)
class Grant:
    """What an account has granted an app by OAuth 2, to begin with. Never shown."""

    client_id: str = field(repr=False)
    client_secret: str | None = field(repr=False)
    access_token: str | None = field(repr=False)
    refresh_token: str = field(repr=False)
    bot_id: str

    @property
    def origin(self) -> str:
        """Tells chains of tokens apart without telling anything of them."""
        return hashlib.sha256(f"{self.client_id} {self.refresh_token}".encode()).hexdigest()

    @property
    def said(self) -> str:
        kind = "confidential" if self.client_secret is not None else "public"
        return f"a token that is renewed (OAuth 2, {kind} client)"


def keys_of(settings: Settings) -> Keys | Grant:
    """Raises SettingsError that names what is missing, or what is too much."""
    told = {name: _secret(settings, name) for name in (*_OAUTH1, *_OAUTH2)}
    by_oauth2 = told["x_client_id"] is not None or told["x_refresh_token"] is not None
    if by_oauth2 and any(told[name] is not None for name in _OAUTH1):
        raise SettingsError(
            f"X is given both the keys of OAuth 1.0a ({variable('x_consumer_key')} …) and those of"
            f" OAuth 2 ({variable('x_client_id')} …). Remove one of the two sets."
        )
    missing = [variable(name) for name in (_OAUTH2 if by_oauth2 else _OAUTH1) if not told[name]]
    if missing:
        raise SettingsError(
            f"X needs {', '.join(missing)}. Set them, or take x out of {variable('platforms')};"
            " README.md says where the keys come from."
        )
    return _grant(settings) if by_oauth2 else _keys(settings)


def _keys(settings: Settings) -> Keys:
    keys = Keys(*(_secret(settings, name) or "" for name in _OAUTH1))
    if not keys.bot_id.isdigit() or keys.bot_id == keys.access_token:
        raise SettingsError(
            f"{variable('x_access_token')} must begin with the account's number and a hyphen."
            " It is the access token of the bot's account, not the app's bearer token."
        )
    return keys


def _grant(settings: Settings) -> Grant:
    return Grant(
        client_id=_secret(settings, "x_client_id") or "",
        client_secret=_secret(settings, "x_client_secret"),
        access_token=_secret(settings, "x_user_token"),
        refresh_token=_secret(settings, "x_refresh_token") or "",
        bot_id=settings.x_account or "",
    )


def _secret(settings: Settings, name: str) -> str | None:
    value = getattr(settings, name)
    return value if value is None or isinstance(value, str) else str(value.get_secret_value())


class Credentials(Protocol):
    async def header(self, method: str, url: str) -> str:
        """The Authorization header of a request. Raises PlatformError, nothing being sent."""
        ...

    async def renewed(self, header: str) -> bool:
        """X did not take `header`: whether there is a better one now. Raises PlatformError."""
        ...


class Signature:
    """OAuth 1.0a: each request is signed; bodies are not."""

    def __init__(self, keys: Keys) -> None:
        self._signer = Signer(
            keys.consumer_key, keys.consumer_secret, keys.access_token, keys.access_token_secret
        )

    async def header(self, method: str, url: str) -> str:
        _, headers, _ = self._signer.sign(url, method)
        return str(headers["Authorization"])

    async def renewed(self, header: str) -> bool:  # noqa: ARG002  the protocol's
        return False


class UserToken:
    """OAuth 2: a bearer token of two hours, renewed ahead of its end and when X refuses it."""

    def __init__(self, house: House, grant: Grant, wire: Wire, meter: Meter) -> None:
        self._store = house.store
        self._clock = house.clock
        self._grant = grant
        self._wire = wire
        self._meter = meter
        self._turn = asyncio.Lock()

    async def header(self, method: str, url: str) -> str:  # noqa: ARG002  the protocol's
        pair = await self._current()
        if pair.expires_at - self._clock() <= AHEAD:
            pair = await self._renewal(lambda pair: pair.expires_at - self._clock() <= AHEAD)
        return _bearer(pair)

    async def renewed(self, header: str) -> bool:
        return _bearer(await self._renewal(lambda pair: _bearer(pair) == header)) != header

    async def _current(self) -> Pair:
        """What is stored; else what the settings begin with, of which nobody knows the end."""
        origin = self._grant.origin
        stored = await self._store.read(lambda c: tokens.current(c, NAME, origin))
        if stored is not None:
            return stored
        given = self._grant.access_token
        return Pair(
            access=given or "",
            refresh=self._grant.refresh_token,
            expires_at=float("inf") if given else 0.0,
        )

    async def _renewal(self, is_needed: Callable[[Pair], bool]) -> Pair:
        """One at a time: who waited finds what another has brought."""
        async with self._turn:
            pair = await self._current()
            if not is_needed(pair):
                return pair
            if pair.lost is not None:
                raise PlatformError(pair.lost, outcome=Outcome.HALT)
            begun = replace(pair, renewing_since=self._clock())
            await self._keep(begun)
            new = await self._asked(pair)
            await self._keep(new)
            structlog.get_logger().info("token renewed", platform=NAME)
            return new

    async def _asked(self, pair: Pair) -> Pair:
        """A new pair from X. What fails here fails before the call it was wanted for."""
        entry = await self._meter.enter(_RENEWAL)
        envelope, headers = self._question(pair.refresh)
        now = self._clock()
        try:
            answer = await self._wire.send(envelope, headers)
        except PlatformError as error:
            raise PlatformError(
                f"The token could not be renewed: {error}", outcome=Outcome.NOT_APPLIED
            ) from error
        if not answer.granted:
            raise await self._refusal(pair, entry, answer)
        await self._meter.granted(entry, answer.headers, {})
        return _pair_in(answer, now)

    def _question(self, refresh: str) -> tuple[Envelope, dict[str, str]]:
        """A confidential client shows its secret, a public one says its name (RFC 6749)."""
        grant = self._grant
        fields = {"grant_type": "refresh_token", "refresh_token": refresh}
        headers = {}
        if grant.client_secret is None:
            fields["client_id"] = grant.client_id
        else:
            pair = f"{quote(grant.client_id, safe='')}:{quote(grant.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        envelope = Envelope(
            method="POST",
            url=f"{self._wire.url}/2/oauth2/token",
            form=lambda: aiohttp.FormData(fields),
        )
        return envelope, headers

    async def _refusal(self, pair: Pair, entry: Entry, answer: Answer) -> PlatformError:
        if answer.status == 429:
            return await self._meter.too_many(entry, answer.headers)
        if answer.status not in (400, 401, 403):
            return PlatformError(
                f"The token could not be renewed: X answered {answer.status}.",
                outcome=Outcome.NOT_APPLIED,
            )
        await self._meter.refused(entry, answer)
        said = refusals.judged(answer.status, answer.body, writing=True)
        if answer.status != 400:
            # The app's own credentials are wrong, not the token.
            return PlatformError(f"X refused to renew the token: {said}", outcome=Outcome.HALT)
        why = (
            "an earlier answer with new tokens never arrived, and the old one works only once"
            if pair.renewing_since is not None
            else "X does not take the refresh token"
        )
        lost = (
            f"The account must be authorised again: {why}. Put the new refresh token into"
            f" {variable('x_refresh_token')} and start again. ({said})"
        )
        await self._keep(replace(pair, lost=lost))
        return PlatformError(lost, outcome=Outcome.HALT)

    async def _keep(self, pair: Pair) -> None:
        origin = self._grant.origin
        await self._store.write(lambda c: tokens.keep(c, NAME, origin, pair))


def credentials_for(house: House, keys: Keys | Grant, wire: Wire, meter: Meter) -> Credentials:
    return Signature(keys) if isinstance(keys, Keys) else UserToken(house, keys, wire, meter)


def keep_private(database: Path) -> None:
    """Tokens lie in it: nobody but its owner may read the file, or those beside it. Blocking."""
    for path in (database, *(database.with_name(database.name + end) for end in ("-wal", "-shm"))):
        if path.exists():
            path.chmod(0o600)


def _bearer(pair: Pair) -> str:
    return f"Bearer {pair.access}"


def _pair_in(answer: Answer, now: float) -> Pair:
    body: Mapping[str, object] = answer.body or {}
    lasts = body.get("expires_in")
    return Pair(
        access=str(body["access_token"]),
        refresh=str(body["refresh_token"]),
        expires_at=now + (float(lasts) if isinstance(lasts, int | float) else GRANTED),
    )
