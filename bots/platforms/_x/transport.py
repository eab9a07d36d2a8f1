"""The line to X: tweepy's typed calls on a request of our own.

tweepy's own request has its host built in, waits for limits in ways that end in a
storm, and raises whatever the network raised. Here every request is counted
before it is made, is bounded in time, and ends in exactly one of two ways: X's
answer, or a PlatformError that says whether it may have had its effect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp
import structlog
from tweepy.asynchronous import AsyncClient

from bots.platform import Outcome, PlatformError
from bots.platforms._x import reading, refusals
from bots.platforms._x.credentials import Credentials
from bots.platforms._x.meter import Endpoint, Entry, Meter, Request, endpoint_of, request_of
from bots.platforms._x.wire import Answer, Envelope, Wire


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer as tweepy takes it."""

    body: dict[str, Any]

    async def json(self) -> dict[str, Any]:
        return self.body


class Transport(AsyncClient):  # type: ignore[misc]  # tweepy carries no types
    """One wire for life. Every method raises PlatformError and nothing else."""

    def __init__(self, wire: Wire, credentials: Credentials, meter: Meter) -> None:
        super().__init__(return_type=dict, wait_on_rate_limit=False)
        self._wire = wire
        self._credentials = credentials
        self._meter = meter
        # One request of a kind at a time: a refusal is heard before the next one is made.
        self._turns = {endpoint: asyncio.Lock() for endpoint in Endpoint}
        #: Whether X wants its fields by their new names; it says so itself.
        self._new_names = False

    async def request(
        self,
        method: str,
        route: str,
        params: Mapping[str, object] | None = None,
        json: Mapping[str, Any] | None = None,
        user_auth: bool = True,  # noqa: ARG002, FBT001, FBT002  tweepy's signature
        *,
        form: Callable[[], aiohttp.FormData] | None = None,
    ) -> Heard:
        """Count it, sign it, send it, read it. Raises PlatformError."""
        wanted = {name: str(value) for name, value in (params or {}).items()}
        async with self._turns[endpoint_of(method, route)]:
            while True:
                new = self._new_names
                query = reading.renamed(wanted) if new else wanted
                url = f"{self._wire.url}{route}{_encoded(query)}"
                envelope = Envelope(method=method, url=url, json=json, form=form)
                try:
                    return await self._exchange(request_of(method, route, query, json), envelope)
                except PlatformError as error:
                    if new or "tweet.fields" not in query or not refusals.of_names(error):
                        raise
                self._new_names = True
                structlog.get_logger().info("X wants its fields by their new names")

    async def post(self, route: str, body: Mapping[str, Any]) -> dict[str, Any]:
        heard = await self.request("POST", route, json=body)
        return heard.body

    async def _exchange(self, asked: Request, envelope: Envelope) -> Heard:
        """Once; and once more where X did not take a token that could be renewed."""
        header = await self._credentials.header(envelope.method, envelope.url)
        entry, answer = await self._answered(asked, envelope, header)
        if answer.status == 401 and await self._renewed(entry, answer, header):
            header = await self._credentials.header(envelope.method, envelope.url)
            entry, answer = await self._answered(asked, envelope, header)
        return await self._judged(entry, answer, writing=envelope.method != "GET")

    async def _answered(
        self, asked: Request, envelope: Envelope, header: str
    ) -> tuple[Entry, Answer]:
        entry = await self._meter.enter(asked)
        headers = {"Authorization": header, "User-Agent": self.user_agent}
        return entry, await self._wire.send(envelope, headers)

    async def _renewed(self, entry: Entry, answer: Answer, header: str) -> bool:
        await self._meter.refused(entry, answer)
        return await self._credentials.renewed(header)

    async def _judged(self, entry: Entry, answer: Answer, *, writing: bool) -> Heard:
        """What the meter and the caller are to make of an answer."""
        if answer.granted and answer.body is not None:
            await self._meter.granted(entry, answer.headers, answer.body)
            return Heard(answer.body)
        if answer.status == 429:
            raise await self._meter.too_many(entry, answer.headers)
        error = refusals.judged(answer.status, answer.body, writing=writing)
        if error.outcome is Outcome.STANDS:
            await self._meter.stands(entry)
        elif error.outcome is not Outcome.UNKNOWN:
            await self._meter.refused(entry, answer)
        raise error


def _encoded(query: Mapping[str, str]) -> str:
    """Percent-encoded as the signature has it; empty where there is nothing to say."""
    pairs = (
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(query.items())
    )
    joined = "&".join(pairs)
    return f"?{joined}" if joined else ""
