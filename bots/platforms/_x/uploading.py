"""Pictures on their way to X: uploaded, described, and known again after a crash.

Nothing here is public. An upload is noted as soon as its id is known; an alt text,
which costs, is set once: where a request to set it had no answer, X is asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import aiohttp
import structlog

from bots.platform import House, Outcome, PlatformError
from bots.platforms._x import pictures, reading
from bots.platforms._x.meter import NAME, Meter, alt_text_of
from bots.platforms._x.reading import checked
from bots.platforms._x.transport import Transport
from data import uploads
from data.uploads import Upload
from data.words import Media, Picture, Reply

#: Uploaded pictures that X will forget sooner than this are uploaded again, in seconds.
FRESH: Final = 120.0
#: What X keeps an upload for where it does not say.
KEPT: Final = 3_600.0
#: The longest alt text.
ALT_LIMIT: Final = 1000
#: Replies tried without alt text only after so many attempts to set it.
ALT_ATTEMPTS: Final = 7
_MEDIA_KEY: Final = re.compile(r"[0-9]+_[0-9]+")


class Uploads:
    def __init__(self, house: House, transport: Transport, meter: Meter) -> None:
        self._house = house
        self._transport = transport
        self._meter = meter

    async def media(self, reply: Reply) -> Media:
        """A reply's pictures on X, with their alt texts; what is there already is kept."""
        async with self.forgotten_if_lost(reply):
            media = [
                await self._described(await self._uploaded(reply, place), reply)
                for place in range(len(reply.pictures))
            ]
        return Media(
            ids=tuple(each.media_id for each in media),
            until=min((each.until for each in media), default=None),
        )

    @contextlib.asynccontextmanager
    async def forgotten_if_lost(self, reply: Reply) -> AsyncIterator[None]:
        """Uploads that X turns out to have lost are made anew."""
        try:
            yield
        except PlatformError as error:
            if error.media_lost:
                await self._forget(reply)
            raise

    async def _forget(self, reply: Reply) -> None:
        await self._house.store.write(lambda c: uploads.forget(c, NAME, reply.key))

    async def _uploaded(self, reply: Reply, place: int) -> Upload:
        """One picture on X, by its id; noted before anything is done with it."""
        until = self._house.clock() + FRESH
        store = self._house.store
        kept = await store.read(lambda c: uploads.find(c, NAME, reply.key, place, until))
        if kept is not None:
            return kept
        picture, _ = reply.pictures[place]
        now, media = self._house.clock(), await self._sent(picture)
        lasts, key = media.get("expires_after_secs"), media.get("media_key")
        upload = Upload(
            platform=NAME,
            reply=reply.key,
            place=place,
            media_id=str(media["id"]),
            media_key=key if isinstance(key, str) and _MEDIA_KEY.fullmatch(key) else None,
            until=now + (float(lasts) if isinstance(lasts, int | float) else KEPT),
        )
        await store.write(lambda c: uploads.keep(c, upload, now))
        return upload

    async def _sent(self, picture: Picture) -> Mapping[str, Any]:
        """What X says of a picture it was sent."""
        data = await asyncio.to_thread(self._house.pictures.get, picture.sha256)
        data, media_type = await asyncio.to_thread(pictures.fitting, data, picture.media_type)

        def form() -> aiohttp.FormData:
            made = aiohttp.FormData()
            name = f"picture.{media_type.split('/')[1]}"
            made.add_field("media", data, filename=name, content_type=media_type)
            made.add_field("media_category", "tweet_image")
            return made

        heard = await self._transport.request("POST", "/2/media/upload", form=form)
        media = heard.body.get("data")
        if not reading.is_post(media):
            raise PlatformError("X took the picture and gave no id.", outcome=Outcome.NOT_APPLIED)
        return media

    async def _described(self, upload: Upload, reply: Reply) -> Upload:
        """Set the alt text. It is tried again, and does not keep a picture back for ever."""
        try:
            if not await self._is_described(upload, reply):
                alt = reply.pictures[upload.place][1][:ALT_LIMIT]
                body = {"id": checked(upload.media_id), "metadata": {"alt_text": {"text": alt}}}
                await self._transport.post("/2/media/metadata", body)
        except PlatformError as error:
            passing = error.outcome in (Outcome.NOT_YET, Outcome.HALT)
            if passing or error.media_lost or reply.attempt < ALT_ATTEMPTS:
                raise
            structlog.get_logger().warning("posted without alt text", error=str(error))
        return upload

    async def _is_described(self, upload: Upload, reply: Reply) -> bool:
        """What was paid for is done. Where a request had no answer, X is asked what came of it.

        A picture of which X does not say is left behind, with its doubt, for a new one.
        """
        price = alt_text_of(upload.media_id)
        charged = await self._meter.charged(price)
        if charged is not None:
            return charged
        alt = await self._alt_of(upload)
        if alt is None:
            await self._forget(reply)
            raise PlatformError(
                "X does not say whether the alt text is set.", outcome=Outcome.NOT_APPLIED
            )
        await (self._meter.found(price) if alt else self._meter.absent(price))
        return bool(alt)

    async def _alt_of(self, upload: Upload) -> str | None:
        """The alt text X has for an upload, empty for none; None where it does not tell."""
        if upload.media_key is None:
            return None
        heard = await self._transport.request(
            "GET", "/2/media", {"media_keys": upload.media_key, "media.fields": "alt_text"}
        )
        found = heard.body.get("data")
        for media in found if isinstance(found, list) else []:
            if isinstance(media, Mapping) and media.get("media_key") == upload.media_key:
                return str(media.get("alt_text") or "")
        return None
