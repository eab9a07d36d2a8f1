"""What a thread shows, as plain values: read in one snapshot, compared to know what changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bots import wording
from bots.timeline.people import BOT_NAME, colour_of, name_of
from data import line, timeline
from data.store import Connection
from data.timeline import Post
from data.words import JobState, Progress, Ticket

PLATFORM = "sandbox"

_IN_LINE = (JobState.AVAILABLE, JobState.RETRYABLE, JobState.HELD, "received")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The posts of some threads, and the tickets of the wishes among them still unanswered."""

    threads: tuple[int, ...]
    posts: tuple[Post, ...]
    tickets: dict[int, Ticket]


@dataclass(frozen=True, slots=True, kw_only=True)
class Easel:
    """The card under a wish until its answer is there."""

    sentence: str
    painting: bool
    waiting: bool
    step: int
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A post in a thread. `asker` is whom the bot answered, "" on people's own posts."""

    post: Post
    name: str
    colour: int
    asker: str
    easel: Easel | None

    @property
    def by_bot(self) -> bool:
        return self.asker != ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A first post and everything below it, each answer under what it answers."""

    id: int
    entries: tuple[Entry, ...]


def tags(text: str, bot: str) -> bool:
    """Whether the visible text tags the bot: its whole handle, in any case of letters."""
    return tag_pattern(bot).search(text) is not None


def tag_pattern(bot: str) -> re.Pattern[str]:
    """Latin letters and digits only: most scripts write no space before or behind a tag."""
    return re.compile(rf"(?<![A-Za-z0-9_])[@＠]{re.escape(bot)}(?![A-Za-z0-9_])", re.IGNORECASE)


def look(c: Connection, threads: Sequence[int], bot: str, now: float) -> Snapshot:
    """Read these threads."""
    posts = tuple(timeline.in_threads(c, threads))
    answered = {post.in_reply_to for post in posts if post.author == bot}
    tickets = {
        post.id: ticket_of(c, post, now)
        for post in posts
        if post.id not in answered and post.author != bot and tags(post.text, bot)
    }
    return Snapshot(threads=tuple(threads), posts=posts, tickets=tickets)


def ticket_of(c: Connection, post: Post, now: float) -> Ticket:
    """Where a wish stands; the moment before the bot has read it counts as received."""
    return line.ticket(c, PLATFORM, str(post.id), now) or Ticket(state="received")


def arranged(
    snapshot: Snapshot, bot: str, progress: Callable[[int], Progress | None]
) -> list[Thread]:
    """The threads of a snapshot, in its order."""
    answers: dict[int | None, list[Post]] = {}
    for post in snapshot.posts:
        answers.setdefault(post.in_reply_to, []).append(post)
    first = {post.id: post for post in answers.get(None, [])}

    threads = []
    for number in snapshot.threads:
        if number in first:
            entries = _in_order(first[number], answers, snapshot.tickets, bot, progress)
            threads.append(Thread(id=number, entries=tuple(entries)))
    return threads


def _in_order(
    first: Post,
    answers: dict[int | None, list[Post]],
    tickets: dict[int, Ticket],
    bot: str,
    progress: Callable[[int], Progress | None],
) -> Iterator[Entry]:
    """Depth first, with a list for a stack: people answer answers longer than Python nests."""
    ahead = [(first, "")]
    while ahead:
        post, asker = ahead.pop()
        by_bot = post.author == bot
        yield Entry(
            post=post,
            name=BOT_NAME if by_bot else name_of(post.author),
            colour=colour_of(post.author),
            asker=asker if by_bot else "",
            easel=_easel(tickets.get(post.id), progress),
        )
        ahead += [(answer, post.author) for answer in reversed(answers.get(post.id, []))]


def _easel(ticket: Ticket | None, progress: Callable[[int], Progress | None]) -> Easel | None:
    if ticket is None:
        return None
    done = progress(ticket.job_id) if ticket.job_id is not None else None
    return Easel(
        sentence=wording.state_line(ticket, done),
        painting=ticket.state == JobState.EXECUTING,
        waiting=ticket.state in _IN_LINE,
        step=done.step if done else 0,
        steps=done.steps if done else 0,
    )
