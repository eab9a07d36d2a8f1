"""One request to X and one answer, with nothing in between that would repeat it."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from yarl import URL

from bots.platform import Outcome, PlatformError

#: Seconds a call may take; uploads carry megabytes.
TIMEOUT: Final = aiohttp.ClientTimeout(total=20, sock_connect=8)
UPLOAD_TIMEOUT: Final = aiohttp.ClientTimeout(total=60, sock_connect=8)
#: The longest answer that is read; a page of a hundred posts has a few hundred kilobytes.
LONGEST_ANSWER: Final = 8_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What X said; `body` is None where that is no JSON object."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any] | None

    @property
    def granted(self) -> bool:
        return 200 <= self.status < 300 and self.body is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A request but for its credentials. `url` is percent-encoded as signatures have it."""

    method: str
    url: str
    json: Mapping[str, Any] | None = None
    #: Makes the form: one is used up by being sent.
    form: Callable[[], aiohttp.FormData] | None = None


class Wire:
    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self.url = url

    async def send(self, envelope: Envelope, headers: Mapping[str, str]) -> Answer:
        """Raises PlatformError: NOT_APPLIED where X was not reached, else UNKNOWN."""
        try:
            async with self._session.request(
                envelope.method,
                URL(envelope.url, encoded=True),
                json=envelope.json,
                data=envelope.form() if envelope.form is not None else None,
                headers=headers,
                timeout=UPLOAD_TIMEOUT if envelope.form is not None else TIMEOUT,
                allow_redirects=False,
                middlewares=(once,),
            ) as response:
                raw = await response.content.read(LONGEST_ANSWER)
                while not response.content.at_eof() and len(raw) < LONGEST_ANSWER:
                    raw += await response.content.read(LONGEST_ANSWER)
                return Answer(response.status, response.headers, parsed(raw))
        except aiohttp.ClientConnectorError as error:
            raise PlatformError(
                f"X could not be reached ({type(error).__name__}).", outcome=Outcome.NOT_APPLIED
            ) from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise PlatformError(
                f"X did not answer ({type(error).__name__}).", outcome=Outcome.UNKNOWN
            ) from error


async def once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """aiohttp would send a GET or DELETE whose line was cut again, uncounted and unasked."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientPayloadError(str(error)) from error


def parsed(raw: bytes) -> dict[str, Any] | None:
    """An answer is a JSON object; anything else is none."""
    try:
        body = jsonlib.loads(raw)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
