"""The line to X: tweepy's typed calls on a request of our own.

tweepy's own request has its host built in, waits for limits in ways that end in a
storm, and raises whatever the network raised. Here every request is counted
before it is made, is bounded in time, and ends in exactly one of two ways: X's
answer, or a PlatformError that says whether it may have had its effect.
"""

from __future__ import annotations

import asyncio
import json as jsonlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from oauthlib.oauth1 import Client as Signer
from tweepy.asynchronous import AsyncClient
from yarl import URL

from bots.platform import Outcome, PlatformError
from bots.platforms._x import refusals
from bots.platforms._x.meter import Endpoint, Meter, Request, request_of
from bots.settings import Settings, SettingsError, variable

#: Seconds a call may take; uploads carry megabytes.
TIMEOUT: Final = aiohttp.ClientTimeout(total=20, sock_connect=8)
UPLOAD_TIMEOUT: Final = aiohttp.ClientTimeout(total=60, sock_connect=8)
#: The longest answer that is read; a page of a hundred posts has a few hundred kilobytes.
LONGEST_ANSWER: Final = 8_000_000

_KEYS: Final = (
    "x_consumer_key",
    "x_consumer_secret",
    "x_access_token",
    "x_access_token_secret",
)


@dataclass(frozen=True, slots=True)
class Keys:
    """The four static secrets of OAuth 1.0a. Never shown."""

    consumer_key: str
    consumer_secret: str
    access_token: str
    access_token_secret: str

    def __repr__(self) -> str:
        return "Keys(…)"

    @property
    def bot_id(self) -> str:
        """The account's number, which its access token begins with."""
        return self.access_token.partition("-")[0]


def keys_of(settings: Settings) -> Keys:
    """Raises SettingsError that names what is missing."""
    values = [getattr(settings, name) for name in _KEYS]
    missing = [variable(name) for name, value in zip(_KEYS, values, strict=True) if value is None]
    if missing:
        raise SettingsError(
            f"X needs {', '.join(missing)}. Set them, or take x out of {variable('platforms')};"
            " README.md says where the keys come from."
        )
    keys = Keys(*(value.get_secret_value() for value in values))
    if not keys.bot_id.isdigit() or keys.bot_id == keys.access_token:
        raise SettingsError(
            f"{variable('x_access_token')} must begin with the account's number and a hyphen."
            " It is the access token of the bot's account, not the app's bearer token."
        )
    return keys


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer as tweepy takes it."""

    body: dict[str, Any]

    async def json(self) -> dict[str, Any]:
        return self.body


class Transport(AsyncClient):  # type: ignore[misc]  # tweepy carries no types
    """One session for life. Every method raises PlatformError and nothing else."""

    def __init__(self, keys: Keys, url: str, session: aiohttp.ClientSession, meter: Meter) -> None:
        super().__init__(return_type=dict, wait_on_rate_limit=False)
        self.session = session
        self._url = url
        self._meter = meter
        # One request of a kind at a time: a refusal is heard before the next one is made.
        self._turns = {endpoint: asyncio.Lock() for endpoint in Endpoint}
        self._signer = Signer(
            keys.consumer_key,
            keys.consumer_secret,
            keys.access_token,
            keys.access_token_secret,
        )

    async def request(
        self,
        method: str,
        route: str,
        params: Mapping[str, object] | None = None,
        json: Mapping[str, Any] | None = None,
        user_auth: bool = True,  # noqa: ARG002, FBT001, FBT002  tweepy's signature
        *,
        form: aiohttp.FormData | None = None,
    ) -> Heard:
        """Count it, sign it, send it, read it. Raises PlatformError."""
        asked = request_of(method, route, json)
        async with self._turns[asked.endpoint]:
            return await self._exchange(asked, method, route, params or {}, json, form)

    async def _exchange(
        self,
        asked: Request,
        method: str,
        route: str,
        params: Mapping[str, object],
        json: Mapping[str, Any] | None,
        form: aiohttp.FormData | None,
    ) -> Heard:
        await self._meter.enter(asked)
        status, headers, raw = await self._send(method, route, params, json, form)
        body = _parsed(raw)
        if 200 <= status < 300 and body is not None:
            await self._meter.granted(asked, headers, body)
            return Heard(body)
        if status == 429:
            raise await self._meter.too_many(asked, headers)
        error = refusals.judged(status, body, writing=method != "GET")
        if error.outcome is Outcome.STANDS and asked.price is not None:
            await self._meter.found(asked.price.thing)
        elif error.outcome is not Outcome.UNKNOWN:
            await self._meter.refused(asked, headers)
        raise error

    async def post(self, route: str, body: Mapping[str, Any]) -> dict[str, Any]:
        heard = await self.request("POST", route, json=body)
        return heard.body

    async def _send(
        self,
        method: str,
        route: str,
        params: Mapping[str, object],
        json: Mapping[str, Any] | None,
        form: aiohttp.FormData | None,
    ) -> tuple[int, Mapping[str, str], bytes]:
        url, headers = self._signed(method, route, params)
        try:
            async with self.session.request(
                method,
                URL(url, encoded=True),
                json=json,
                data=form,
                headers=headers,
                timeout=UPLOAD_TIMEOUT if form is not None else TIMEOUT,
                allow_redirects=False,
            ) as response:
                raw = await response.content.read(LONGEST_ANSWER)
                while not response.content.at_eof() and len(raw) < LONGEST_ANSWER:
                    raw += await response.content.read(LONGEST_ANSWER)
                return response.status, response.headers, raw
        except aiohttp.ClientConnectorError as error:
            raise PlatformError(
                f"X could not be reached ({type(error).__name__}).", outcome=Outcome.NOT_APPLIED
            ) from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise PlatformError(
                f"X did not answer ({type(error).__name__}).", outcome=Outcome.UNKNOWN
            ) from error

    def _signed(
        self, method: str, route: str, params: Mapping[str, object]
    ) -> tuple[str, dict[str, str]]:
        """The address, percent-encoded as the signature has it. Bodies are not signed."""
        query = "&".join(
            f"{quote(name, safe='')}={quote(str(value), safe='')}"
            for name, value in sorted(params.items())
        )
        url = f"{self._url}{route}" + (f"?{query}" if query else "")
        headers: dict[str, str]
        url, headers, _ = self._signer.sign(url, method, headers={"User-Agent": self.user_agent})
        return url, headers


def _parsed(raw: bytes) -> dict[str, Any] | None:
    """An answer is a JSON object; anything else is none."""
    try:
        body = jsonlib.loads(raw)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
