"""The sandbox timeline as JSON.

POST /api/posts           {"as": "guest1", "text": "@muralist a red fox",
                           "in_reply_to": null, "photo": null}
                          Any handle of letters, digits and underscores may post; a new
                          one is made. "photo" is a file in base64. Answers 201 {"id": 7}.
GET  /api/posts           The newest posts of all threads: {"posts": [...], "before": id|null};
                          ?before=<id> continues further down, ?limit= takes up to 100.
GET  /api/posts/<id>      {"id", "author", "text", "in_reply_to", "created_at",
                           "photo": url|null, "pictures": [{"url", "alt", "width", "height"}],
                           "replies": [{"id", "author", "text", "pictures"}],
                           "state", "position", "eta"}
                          The last three are null on a post that does not tag the bot. "state"
                          is received, available, executing, retryable, held, completed,
                          discarded, cancelled, expired, refused or answered; "position" is
                          the place in the line, 0 while it is being painted; "eta" in seconds.
GET  /api/posts/<id>/job  How the picture came about: prompt, style, seed, engine, state, times,
                          journal.
GET  /api/status          {"queue": {"waiting", "executing", "held"}, "engine", "limits"}
GET  /pictures/<sha256>   A picture or photo that a post shows.
GET  /events              What the page listens to (server-sent events, HTML).

Times are UNIX seconds. What cannot be done is answered with a 4xx status and
{"error": "one sentence"}.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from bots import photos
from bots.platform import House
from bots.timeline import draft, story, threads
from bots.timeline.draft import Draft, Refusal
from data import jobs, timeline
from data.store import Connection
from data.timeline import Post
from data.words import JobState, Ticket

PAGE = 30
LONGEST_PAGE = 100


class Api:
    """The JSON routes. They do what the page does, and the page nothing else."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._bot = house.settings.handle
        # Decoding takes memory in proportion to the photo: two at a time will do.
        self._decoding = asyncio.Semaphore(2)

    def mount(self, app: web.Application) -> None:
        app.router.add_get("/api", self._manual)
        app.router.add_get("/api/posts", self._posts)
        app.router.add_post("/api/posts", self._create)
        app.router.add_get(r"/api/posts/{id:\d{1,18}}", self._post)
        app.router.add_get(r"/api/posts/{id:\d{1,18}}/job", self._job)
        app.router.add_get("/api/status", self._status)

    async def _manual(self, _request: web.Request) -> web.Response:
        return web.Response(text=__doc__)

    async def _create(self, request: web.Request) -> web.Response:
        if not from_here(request):
            return refused(403, "Posts are only taken from this site itself, or from a script.")
        if request.content_type != "application/json":
            return refused(415, "Send the post as JSON, with the Content-Type application/json.")
        most = self._house.settings.photo_bytes
        body = await _read(request, draft.longest_body(most))
        if body is None:
            return refused(413, draft.too_large(most))
        checked = await asyncio.to_thread(draft.read, body, bot=self._bot, photo_bytes=most)
        if isinstance(checked, Refusal):
            return refused(checked.status, checked.sentence)
        post_id = await self._write(checked)
        if post_id is None:
            return refused(404, "There is no such post to reply to.")
        return web.json_response({"id": post_id}, status=201)

    async def _write(self, checked: Draft) -> int | None:
        photo, shown = await self._keep(checked.photo)
        now = self._house.clock()
        return await self._house.store.write(
            lambda c: timeline.add(
                c,
                checked.author,
                checked.text,
                now,
                in_reply_to=checked.in_reply_to,
                photo=photo,
                shown_photo=shown,
            )
        )

    async def _keep(self, photo: bytes | None) -> tuple[str | None, str | None]:
        """Digests of the file as it came, for the bot, and of what may be shown of it.

        A file that is no picture is kept all the same: what to say of it is the
        bot's affair, as it would be on any other network.
        """
        if photo is None:
            return None, None
        raw = await asyncio.to_thread(self._house.pictures.put, photo)
        async with self._decoding:
            normal = await asyncio.to_thread(photos.normalise, photo)
        if isinstance(normal, photos.Trouble):
            return raw, None
        return raw, await asyncio.to_thread(self._house.pictures.put, normal.data)

    async def _posts(self, request: web.Request) -> web.Response:
        limit = min(LONGEST_PAGE, max(1, number(request, "limit") or PAGE))
        before = number(request, "before")
        posts = await self._house.store.read(lambda c: timeline.newest(c, limit, before))
        return web.json_response(
            {
                "posts": [_fields(post) for post in posts],
                "before": posts[-1].id if len(posts) == limit else None,
            }
        )

    async def _post(self, request: web.Request) -> web.Response:
        post_id = int(request.match_info["id"])
        now = self._house.clock()

        def look(c: Connection) -> dict[str, Any] | None:
            post = timeline.by_id(c, post_id)
            if post is None or post.removed:
                return None
            answers = timeline.replies(c, post_id)
            return {
                **_fields(post),
                "replies": [_answer(answer) for answer in answers],
                **_standing(self._ticket(c, post, now)),
            }

        found = await self._house.store.read(look)
        return web.json_response(found) if found else refused(404, "There is no such post.")

    def _ticket(self, c: Connection, post: Post, now: float) -> Ticket | None:
        if post.author == self._bot or not threads.tags(post.text, self._bot):
            return None
        return threads.ticket_of(c, post, now)

    async def _job(self, request: web.Request) -> web.Response:
        post_id = int(request.match_info["id"])
        found = await self._house.store.read(lambda c: story.read(c, post_id, self._bot))
        if found is None:
            return refused(404, "No wish was read in this post.")
        return web.json_response(found.to_json())

    async def _status(self, _request: web.Request) -> web.Response:
        counts = await self._house.store.read(jobs.counts)
        waiting = counts.get(JobState.AVAILABLE, 0) + counts.get(JobState.RETRYABLE, 0)
        return web.json_response(
            {
                "queue": {
                    "waiting": waiting,
                    "executing": counts.get(JobState.EXECUTING, 0),
                    "held": counts.get(JobState.HELD, 0),
                },
                "engine": {"name": self._house.engine(), "ready": self._house.ready()},
                "limits": {
                    "tiers": {
                        tier: {"pictures_per_day": quota}
                        for tier, quota in self._house.quotas.items()
                    }
                },
            }
        )


def from_here(request: web.Request) -> bool:
    """Whether a write comes from our own page or from no page at all.

    Browsers say where a request comes from and don't let pages lie about it;
    scripts say nothing.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


async def _read(request: web.Request, most: int) -> bytes | None:
    """The body, None if it is longer than `most`; what is too long is not kept in memory."""
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > most:
            return None
    return bytes(body)


def refused(status: int, sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=status)


def number(request: web.Request, name: str) -> int | None:
    """A query parameter that should be a post's id; nonsense counts as absent."""
    text = request.query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len("9" * 18) else None


def _fields(post: Post) -> dict[str, Any]:
    return {
        **_answer(post),
        "in_reply_to": post.in_reply_to,
        "created_at": post.created_at,
        "photo": _url(post.shown_photo) if post.shown_photo else None,
    }


def _answer(post: Post) -> dict[str, Any]:
    return {
        "id": post.id,
        "author": post.author,
        "text": post.text,
        "pictures": [
            {
                "url": _url(picture["sha256"]),
                "alt": picture["alt"],
                "width": picture["width"],
                "height": picture["height"],
            }
            for picture in post.pictures
        ],
    }


def _standing(ticket: Ticket | None) -> dict[str, Any]:
    return {
        "state": ticket.state if ticket else None,
        "position": ticket.position if ticket else None,
        "eta": ticket.eta if ticket else None,
    }


def _url(digest: str) -> str:
    return f"/pictures/{digest}"
