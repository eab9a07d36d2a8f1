"""What became of a reply whose request had no answer: is it there, or certainly not?

Until that is known nothing is posted again; and once it is, so is what it cost.
"""

from __future__ import annotations

import contextlib
from typing import Any, Final

from bots.platform import House, Outcome, PlatformError
from bots.platforms._x import reading
from bots.platforms._x.meter import Endpoint, Meter, reply_to
from bots.platforms._x.reading import Bot, checked
from bots.platforms._x.transport import Transport
from data.words import Receipt, Reply

#: Our clock and X's may differ by so much, in seconds.
SKEW: Final = 3_600.0
#: Tries of one page of a long look, so that a late page's failure does not cost the early ones.
TRIES: Final = 4
PAGES: Final = 33


class Lookout:
    def __init__(self, house: House, transport: Transport, meter: Meter, bot: Bot) -> None:
        self._clock = house.clock
        self._settle = house.settings.x_settle_seconds
        self._transport = transport
        self._meter = meter
        self._bot = bot

    async def find(self, reply: Reply) -> Receipt | None:
        """Our own timeline first; the search, whose index comes later, is asked as well.

        Whether it is found or certainly absent, the money for it is no longer in doubt.
        """
        began, answered = self._clock(), {reply.source_id, reading.answered(reply)}
        price = reply_to(reading.answered(reply))
        found = await self._in_timeline(reply, answered)
        if found is None:
            found = await self._in_search(reply, answered)
        elif await self._search_is_unanswered(reply):
            with contextlib.suppress(PlatformError):  # it is found: this is for the ledger
                await self._in_search(reply, answered)
        if found is not None:
            await self._meter.found(price)
            return Receipt(post_id=found)
        if reply.posting_at is not None and began - reply.posting_at >= self._settle:
            await self._meter.absent(price)
        return None

    async def _in_timeline(self, reply: Reply, answered: set[str]) -> str | None:
        since, token, found = str(self._since(reply)), None, None
        for _ in range(PAGES):
            page = await self._page_of_timeline(since, token)
            found = found or self._reply_in(page, answered)
            token = reading.next_page(page)
            if token is None:
                return found
            # After a page without an answer all are read, so that their price is known.
            if found is not None and not await self._meter.unanswered(
                Endpoint.TIMELINE, {"since_id": since}
            ):
                return found
        if found is not None:
            return found
        raise PlatformError("The timeline is longer than we read.", outcome=Outcome.NOT_APPLIED)

    async def _page_of_timeline(self, since: str, token: str | None) -> dict[str, Any]:
        for left in reversed(range(TRIES)):
            try:
                page: dict[str, Any] = await self._transport.get_users_tweets(
                    self._bot.id,
                    since_id=since,
                    max_results=100,
                    tweet_fields=["author_id", "referenced_tweets"],
                    user_auth=True,
                    **({"pagination_token": token} if token else {}),
                )
                return page
            except PlatformError as error:
                if left == 0 or error.outcome is Outcome.NOT_YET:
                    raise
        raise AssertionError("the last try returns or raises")

    async def _in_search(self, reply: Reply, answered: set[str]) -> str | None:
        if reply.thread is None:
            return None
        page: dict[str, Any] = await self._transport.search_recent_tweets(
            self._query(reply.thread),
            max_results=100,
            tweet_fields=["author_id", "referenced_tweets"],
            user_auth=True,
        )
        return self._reply_in(page, answered)

    def _query(self, thread: str) -> str:
        return f"conversation_id:{checked(thread)} from:{self._bot.handle}"

    async def _search_is_unanswered(self, reply: Reply) -> bool:
        if reply.thread is None:
            return False
        return await self._meter.unanswered(Endpoint.SEARCH, {"query": self._query(reply.thread)})

    def _reply_in(self, page: dict[str, Any], answered: set[str]) -> str | None:
        return next(
            (
                str(post["id"])
                for post in reading.posts(page)
                if reading.referred(post, "replied_to") in answered
                and str(post.get("author_id", self._bot.id)) == self._bot.id
            ),
            None,
        )

    def _since(self, reply: Reply) -> int:
        """No reply is older than the post it answers, nor than the intent to post it."""
        oldest = int(checked(reply.source_id))
        if reply.posting_at is None or reply.attempt > 1:
            return oldest
        return max(oldest, reading.snowflake(reply.posting_at - SKEW))
