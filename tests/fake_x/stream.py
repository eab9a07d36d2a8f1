"""The Activity stream: who is subscribed to what, and the lines that are open.

A line tells of explicit mentions made while it stands, never of protected people's,
each under an id of its own, and gives a sign of life when nothing happens.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from tests.fake_x import refusal
from tests.fake_x.bill import Price
from tests.fake_x.world import Post, World

MENTION = "post.mention.create"


class Stream:
    def __init__(self, world: World, shown: Callable[[Post], Mapping[str, Any]]) -> None:
        self._world = world
        self._shown = shown
        self.subscriptions: list[dict[str, Any]] = []
        #: Seconds between a new line's signs of life; None gives none, as a dead line does.
        self.heartbeat: float | None = 0.05
        #: How often each event is told, and whether it is more than an id and a text.
        self.times = 1
        self.whole = True
        #: Sent before the next event: what a client must survive.
        self.rubbish = b""
        self.lines = 0
        self._cut = 0

    def cut(self) -> None:
        """Every line that is open ends."""
        self._cut += 1

    def subscribe(self, kind: str, user: str) -> dict[str, Any]:
        if any(s["filter"]["user_id"] == user for s in self.subscriptions):
            raise refusal.invalid("that subscription exists")
        moment = "2026-03-29T12:00:00.000Z"
        made = {
            "subscription_id": str(len(self.subscriptions) + 1),
            "event_type": kind,
            "filter": {"user_id": user},
            "created_at": moment,
            "updated_at": moment,
        }
        self.subscriptions.append(made)
        return made

    async def tell(self, response: web.StreamResponse) -> None:
        """One line, until it is cut."""
        cut, told, quiet = self._cut, len(self._world.posts), 0.0
        heartbeat = self.heartbeat
        self.lines += 1
        while cut == self._cut:
            posts = list(self._world.posts.values())
            for post in posts[told:]:
                if self._is_told(post):
                    await self._send(response, post)
            told, quiet = len(posts), quiet + 0.01
            if heartbeat is not None and quiet >= heartbeat:
                quiet = 0.0
                await response.write(b"\r\n")
            await asyncio.sleep(0.01)

    async def _send(self, response: web.StreamResponse, post: Post) -> None:
        shown = dict(self._shown(post))
        payload = shown if self.whole else {"id": post.id, "text": shown["text"]}
        data = {
            "event_type": MENTION,
            "event_uuid": f"event-{post.id}",
            "filter": {"user_id": self._world.bot.id},
            "payload": payload,
        }
        rubbish, self.rubbish = self.rubbish, b""
        await response.write(rubbish)
        for _ in range(self.times):
            await response.write(json.dumps({"data": data}).encode() + b"\r\n")
        self._world.bill.write(f"event {post.id}", Price.EVENT)

    def _is_told(self, post: Post) -> bool:
        if post.author is self._world.bot or post.author.protected:
            return False
        subscribed = any(
            s["event_type"] == MENTION and s["filter"]["user_id"] == self._world.bot.id
            for s in self.subscriptions
        )
        return subscribed and post.tags(self._world.bot.username)
