"""The one place that fetches what a stranger's post points to: only named hosts, bounded.

An address is judged before anything is asked: exact host, https, no redirects, no
credentials, no compression, and no more bytes than a photo may have.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

import aiohttp
from yarl import URL

from bots.platform import Outcome, PlatformError

TIMEOUT = aiohttp.ClientTimeout(total=20, sock_connect=8)


async def photo(
    session: aiohttp.ClientSession, address: str, hosts: Collection[str], largest: int
) -> bytes:
    """At most one byte more than `largest`, so that too much can be told. Raises PlatformError."""
    url = _judged(address, hosts)
    try:
        async with session.get(
            url,
            allow_redirects=False,
            timeout=TIMEOUT,
            headers={"Accept-Encoding": "identity"},
        ) as response:
            if response.status != 200 or "Content-Encoding" in response.headers:
                gone = 400 <= response.status < 500 and response.status != 429
                raise PlatformError(
                    f"The photo could not be fetched ({response.status}).",
                    outcome=Outcome.NEVER if gone else Outcome.NOT_APPLIED,
                )
            data = b""
            while len(data) <= largest and (
                chunk := await response.content.read(largest + 1 - len(data))
            ):
                data += chunk
            return data
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise PlatformError(
            f"The photo could not be fetched ({type(error).__name__}).",
            outcome=Outcome.NOT_APPLIED,
        ) from error


def _judged(address: str, hosts: Collection[str]) -> URL:
    """The address, if it may be asked. Raises PlatformError."""
    try:
        url = URL(address)
        named = url.host is not None and url.user is None and _named(url) in hosts
    except ValueError:
        named = False
    if not named or (url.scheme != "https" and not (url.scheme == "http" and _is_here(url))):
        raise PlatformError("The photo lies at no host we fetch from.", outcome=Outcome.NEVER)
    return url


def _named(url: URL) -> str:
    """The host as settings name it: with its port only where that is unusual."""
    return f"{url.host}" if url.is_default_port() else f"{url.host}:{url.port}"


def _is_here(url: URL) -> bool:
    """Whether a named host is this very machine, where only tests put photos."""
    try:
        return ipaddress.ip_address(url.host or "").is_loopback
    except ValueError:
        return url.host == "localhost"
