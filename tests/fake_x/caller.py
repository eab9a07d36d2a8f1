"""A client for testing the fake itself: it signs and sends what it is told, and judges nothing."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp
from oauthlib.oauth1 import Client
from PIL import Image
from yarl import URL

from tests.fake_x.server import FakeX


class NoAnswer(Exception):  # noqa: N818  what a caller is left with
    """The line was cut, nothing came in time, or what came is no JSON."""


@dataclass(frozen=True, slots=True)
class Heard:
    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.body["data"]["id"])


class Caller:
    def __init__(self, x: FakeX, *, secret: str | None = None, seconds: float = 5.0) -> None:
        self._x = x
        keys = x.keys
        self._signer = Client(
            keys.consumer_key,
            keys.consumer_secret if secret is None else secret,
            keys.access_token,
            keys.access_token_secret,
        )
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds))
        # aiohttp would send a question again by itself, with the signature it used already.
        self._session._retry_connection = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        json: object = None,
        data: aiohttp.FormData | None = None,
        bearer: str | None = None,
    ) -> Heard:
        """Send it signed, or with a bearer token. Raises NoAnswer."""
        encoded = "&".join(f"{k}={quote(v, safe='')}" for k, v in (query or {}).items())
        url = f"{self._x.url}{path}" + (f"?{encoded}" if encoded else "")
        if bearer is None:
            _, headers, _ = self._signer.sign(url, method)
        else:
            headers = {"Authorization": f"Bearer {bearer}"}
        try:
            async with self._session.request(
                method, URL(url, encoded=True), json=json, data=data, headers=headers
            ) as answer:
                bare = answer.status == 429 and not answer.headers.get("x-rate-limit-limit")
                body = None if bare else await answer.json()
                return Heard(answer.status, body, dict(answer.headers))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NoAnswer(str(error)) from error

    async def mentions(self, **query: str) -> Heard:
        return await self.call("GET", f"/2/users/{self._x.world.bot.id}/mentions", query)

    async def timeline(self, **query: str) -> Heard:
        return await self.call("GET", f"/2/users/{self._x.world.bot.id}/tweets", query)

    async def upload(self, image: bytes, **more: str) -> Heard:
        form = aiohttp.FormData()
        form.add_field(
            "media", io.BytesIO(image), filename="picture.jpg", content_type="image/jpeg"
        )
        for name, value in {"media_category": "tweet_image", **more}.items():
            form.add_field(name, value)
        return await self.call("POST", "/2/media/upload", data=form)

    async def describe(self, media_id: str, alt: str) -> Heard:
        body = {"id": media_id, "metadata": {"alt_text": {"text": alt}}}
        return await self.call("POST", "/2/media/metadata", json=body)

    async def picture(self, alt: str = "A red fox.") -> str:
        """An image, uploaded and described; its media id."""
        media_id = (await self.upload(an_image())).id
        await self.describe(media_id, alt)
        return media_id

    async def reply(self, to: str, text: str, *media: str, **more: object) -> Heard:
        body: dict[str, object] = {
            "text": text,
            "reply": {"in_reply_to_tweet_id": to},
            "made_with_ai": True,
            **({"media": {"media_ids": list(media)}} if media else {}),
            **more,
        }
        return await self.call("POST", "/2/tweets", json=body)


def an_image(size: tuple[int, int] = (8, 8), form: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "red").save(file, form)
    return file.getvalue()
