"""What X remembers and allows: people, posts, media, and the rules for a bot's replies.

Pure state over an injected clock; no sockets and no JSON. Every method may be
called from any thread. Ids are snowflakes, as strings. Posts become visible to
the mention timeline, to the author's timeline and to the search index each at a
time of its own (§4, §7).
"""

from __future__ import annotations

import itertools
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tests.fake_x import refusal, text
from tests.fake_x.bill import Bill, Price

EPOCH_MS = 1_288_834_974_657
MEDIA_SECONDS = 86_400
#: The newest mentions that can be read at all (§3).
MENTIONS_KEPT = 800
LONGEST_ALT = 1000
MOST_IMAGES = 4
#: How long the same text by the same author is a duplicate, in seconds (a guess).
DUPLICATE_SECONDS = 86_400


class Trouble(StrEnum):
    """What may befall the bot's own account or app (§8)."""

    LOCKED = "locked"
    SUSPENDED = "suspended"
    SCOPE = "missing scope"
    CREDITS = "no credits"


@dataclass(slots=True)
class Person:
    id: str
    username: str
    protected: bool = False
    suspended: bool = False
    automated: bool = False
    blocks: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Lags:
    """How late a post appears, each drawn evenly from its range, in seconds."""

    mentions: tuple[float, float] = (0.0, 0.0)
    timeline: tuple[float, float] = (0.0, 0.0)
    index: tuple[float, float] = (0.0, 0.0)


@dataclass(slots=True)
class Media:
    id: str
    owner: str
    format: str
    width: int
    height: int
    data: bytes
    #: What its owner was told, and the truth.
    lasts_until: float
    expires_at: float
    alt: str = ""
    #: Posts it is attached to, deleted ones as well.
    used_in: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        return f"3_{self.id}"


@dataclass(slots=True)
class Post:
    id: str
    author: Person
    #: As X gives it out: the names a reply begins with come before `display_start`.
    text: str
    created_at: float
    conversation: str
    display_start: int = 0
    replied_to: str | None = None
    quoted: str | None = None
    retweeted: str | None = None
    media: tuple[str, ...] = ()
    #: The ids of all its versions, this one last.
    history: tuple[str, ...] = ()
    superseded: bool = False
    deleted: bool = False
    replies_from: str = "everyone"
    made_with_ai: bool = False
    #: Every name in the text in lower case, those X put before it as well.
    named: frozenset[str] = frozenset()
    in_mentions_at: float = 0.0
    in_timeline_at: float = 0.0
    in_index_at: float = 0.0

    @property
    def said(self) -> str:
        """What people see of it."""
        return self.text[self.display_start :]

    def tags(self, username: str) -> bool:
        """Whether the name is in the text people see."""
        names = {found.username.lower() for found in text.handles(self.said)}
        return username.lower() in names


@dataclass(frozen=True, slots=True)
class Draft:
    """A post as the API takes it."""

    text: str
    reply_to: str | None = None
    media: tuple[str, ...] = ()
    made_with_ai: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """Which posts: ids and times, both ends exclusive; None is open."""

    since_id: int | None = None
    until_id: int | None = None
    start: float | None = None
    end: float | None = None

    def holds(self, post: Post) -> bool:
        number = int(post.id)
        return (
            (self.since_id is None or number > self.since_id)
            and (self.until_id is None or number < self.until_id)
            and (self.start is None or post.created_at >= self.start)
            and (self.end is None or post.created_at < self.end)
        )


class World:
    def __init__(
        self,
        clock: Callable[[], float],
        *,
        bot: str = "muralist",
        bot_id: str = "1000",
        lags: Lags | None = None,
        seed: int = 0,
        media_seconds: float = MEDIA_SECONDS,
    ) -> None:
        self.clock = clock
        self.lags = lags or Lags()
        self.media_seconds = media_seconds
        self.trouble: Trouble | None = None
        #: Whether the same text again is refused; a careful bot does not need it (§7).
        self.guards_duplicates = True
        #: Whether a name X itself put before a reply summons the bot (open, §11).
        self.implicit_summons = False
        self.bill = Bill(clock)
        self.lock = threading.RLock()
        self.people: dict[str, Person] = {}
        self.posts: dict[str, Post] = {}
        self.media: dict[str, Media] = {}
        #: Ids of the mentions the bot owes an answer, in the order they were made.
        self.asked: list[str] = []
        self._own: list[Post] = []
        #: The bot's replies, by the first version of what they answer.
        self._answers: defaultdict[str, list[Post]] = defaultdict(list)
        self._chance = random.Random(seed)
        self._last_id = 0
        self.bot = self.people[bot_id] = Person(bot_id, bot, automated=True)

    # What a test does in it

    def person(self, username: str, *, protected: bool = False, automated: bool = False) -> Person:
        """Somebody by that name: the same one on every call."""
        with self.lock:
            for known in self.people.values():
                if known.username.lower() == username.lower():
                    return known
            one = Person(self.new_id(), username, protected, automated=automated)
            self.people[one.id] = one
            return one

    def ask(self, who: str, wish: str, **how: object) -> Post:
        """A post the bot owes an answer: somebody tags it and wishes for something."""
        with self.lock:
            post = self.post(who, f"@{self.bot.username} {wish}", **how)  # type: ignore[arg-type]
            self.asked.append(post.id)
            return post

    def post(
        self,
        who: str,
        words: str,
        *,
        reply_to: str | None = None,
        quote: str | None = None,
        photos: Sequence[str] = (),
        at: float | None = None,
        mention_lag: float | None = None,
        replies_from: str = "everyone",
    ) -> Post:
        """Anybody posts anything; X puts the names of those answered before a reply.

        `at` backdates it; `mention_lag` says when the mention timeline has it.
        """
        with self.lock:
            post = self._compose(self.person(who), words, reply_to, at)
            post.quoted, post.media, post.replies_from = quote, tuple(photos), replies_from
            if mention_lag is not None:
                post.in_mentions_at = self.clock() + mention_lag
            return self._keep(post)

    def retweet(self, who: str, post_id: str) -> Post:
        with self.lock:
            original = self.posts[post_id]
            words = f"RT @{original.author.username}: {original.text}"
            post = self._compose(self.person(who), words, None)
            post.retweeted = post_id
            return self._keep(post)

    def edit(self, post_id: str, words: str) -> Post:
        """A new version under a new id, with the old ids before it in its history."""
        with self.lock:
            old = self.posts[post_id]
            old.superseded = True
            new = self._compose(old.author, words, old.replied_to)
            new.conversation, new.media, new.quoted = old.conversation, old.media, old.quoted
            new.history = (*old.history, new.id)
            return self._keep(new)

    def delete(self, post_id: str) -> None:
        """Its author, or X, takes a post away with all its versions."""
        with self.lock:
            for version in self.posts[post_id].history:
                self.posts[version].deleted = True

    def photo(self, who: str, data: bytes, *, size: tuple[int, int], form: str = "JPEG") -> str:
        """Somebody's photo, to be named in `post(photos=…)`."""
        return self.keep_media(self.person(who), data, size=size, form=form).id

    # What the API reads

    def mentions_of(self, person: Person, span: Span) -> list[Post]:
        """The newest first; only the newest 800 exist (§3, §4)."""
        now = self.clock()
        with self.lock:
            found = [
                post
                for post in self._newest_first()
                if post.in_mentions_at <= now
                and post.author is not person
                and self.shows(post)
                and person.username.lower() in post.named
            ]
        return [post for post in found[:MENTIONS_KEPT] if span.holds(post)]

    def timeline_of(self, person: Person, span: Span) -> list[Post]:
        now = self.clock()
        with self.lock:
            return [
                post
                for post in self._newest_first()
                if post.author is person
                and post.in_timeline_at <= now
                and self.shows(post)
                and span.holds(post)
            ]

    def search(self, span: Span, *, conversation: str | None, author: str | None) -> list[Post]:
        now = self.clock()
        with self.lock:
            return [
                post
                for post in self._newest_first()
                if post.in_index_at <= now
                and (conversation is None or post.conversation == conversation)
                and (author is None or post.author.username.lower() == author.lower())
                and self.shows(post)
                and span.holds(post)
            ]

    def shows(self, post: Post) -> bool:
        """Whether the bot, which follows nobody, is shown this version of the post."""
        hidden = post.author.protected and post.author is not self.bot
        return not (post.deleted or post.superseded or post.author.suspended or hidden)

    # What the API does

    def keep_media(self, owner: Person, data: bytes, *, size: tuple[int, int], form: str) -> Media:
        with self.lock:
            media = Media(
                id=self.new_id(),
                owner=owner.id,
                format=form,
                width=size[0],
                height=size[1],
                data=data,
                lasts_until=self.clock() + self.media_seconds,
                expires_at=self.clock() + self.media_seconds,
            )
            self.media[media.id] = media
            return media

    def describe(self, media_id: str, alt: str) -> Media:
        """Set the alternative text of one of the bot's images."""
        self.raise_trouble()
        if len(alt) > LONGEST_ALT:
            raise refusal.invalid(f"the alt text has {len(alt)} characters")
        with self.lock:
            media = self._own_media(media_id)
            media.alt = alt
            self.bill.write(f"metadata {media_id}", Price.METADATA)
            return media

    def create(self, draft: Draft) -> Post:
        """The bot posts. Raises Refusal; the rules are those of §0, §2, §5, §6 and §8."""
        self.raise_trouble()
        with self.lock:
            _check_text(draft)
            parent = self._answerable(draft.reply_to) if draft.reply_to is not None else None
            media = [self._attachable(media_id, draft) for media_id in draft.media]
            if len(set(draft.media)) != len(draft.media):
                raise refusal.bad_media("the same id twice")
            if self.guards_duplicates and self._said_before(draft.text):
                raise refusal.duplicate()
            post = self._compose(self.bot, draft.text, draft.reply_to)
            post.media, post.made_with_ai = draft.media, draft.made_with_ai
            for one in media:
                one.used_in.append(post.id)
            self.bill.write(f"post {post.id}", _price(draft, parent))
            return self._keep(post)

    def remove(self, post_id: str) -> None:
        """The bot deletes a post of its own."""
        self.raise_trouble()
        with self.lock:
            post = self.posts.get(post_id)
            if post is None or post.deleted:
                raise refusal.no_such(f"tweet with id: [{post_id}]")
            if post.author is not self.bot:
                raise refusal.forbidden(
                    "You are not authorized to delete this Tweet.", offence="not its own post"
                )
            self.delete(post_id)
            self.bill.write(f"delete {post_id}", Price.DELETE)

    def raise_trouble(self) -> None:
        """What stops every write while the account is in trouble."""
        refusals = {
            Trouble.LOCKED: refusal.locked,
            Trouble.SUSPENDED: refusal.suspended,
            Trouble.SCOPE: refusal.missing_scope,
            Trouble.CREDITS: refusal.no_credits,
        }
        if self.trouble is not None:
            raise refusals[self.trouble]()

    def new_id(self, at: float | None = None) -> str:
        """A snowflake: its time in milliseconds from bit 22 on. One of the past may collide
        with none: ids made now always grow, those made for `at` fill what is free."""
        with self.lock:
            lowest = (int((self.clock() if at is None else at) * 1000) - EPOCH_MS) << 22
            if at is None:
                self._last_id = max(lowest, self._last_id + 1)
                return str(self._last_id)
            taken = (n for n in itertools.count(lowest) if str(n) not in self.posts)
            return str(next(taken))

    def replies_to(self, post_id: str) -> list[Post]:
        """The bot's answers to any version of a post, deleted ones as well."""
        with self.lock:
            return list(self._answers[self.posts[post_id].history[0]])

    def of_the_bot(self) -> list[Post]:
        with self.lock:
            return list(self._own)

    def _newest_first(self) -> Iterator[Post]:
        return iter(sorted(self.posts.values(), key=lambda post: int(post.id), reverse=True))

    def _compose(
        self, author: Person, words: str, reply_to: str | None, at: float | None = None
    ) -> Post:
        now, new = self.clock(), self.new_id(at)
        answered = self.posts[reply_to] if reply_to is not None else None
        prefix = "".join(f"@{name} " for name in self._answered(author, answered))
        return Post(
            id=new,
            author=author,
            text=prefix + words,
            created_at=now if at is None else at,
            conversation=answered.conversation if answered else new,
            display_start=len(prefix),
            replied_to=reply_to,
            history=(new,),
            named=frozenset(h.username.lower() for h in text.handles(prefix + words)),
            in_mentions_at=now + self._chance.uniform(*self.lags.mentions),
            in_timeline_at=now + self._chance.uniform(*self.lags.timeline),
            in_index_at=now + self._chance.uniform(*self.lags.index),
        )

    def _answered(self, author: Person, parent: Post | None) -> Iterator[str]:
        """Whose names X puts before a reply: the parent's author, then whom that one named."""
        if parent is None:
            return
        names = [parent.author.username, *(h.username for h in text.handles(parent.text))]
        seen = {author.username.lower()} if parent.author is not author else set()
        for name in names:
            known = any(one.username.lower() == name.lower() for one in self.people.values())
            if known and name.lower() not in seen:
                seen.add(name.lower())
                yield name

    def _keep(self, post: Post) -> Post:
        self.posts[post.id] = post
        if post.author is self.bot:
            self._own.append(post)
            if post.replied_to is not None:
                self._answers[self.posts[post.replied_to].history[0]].append(post)
        return post

    def _answerable(self, post_id: str) -> Post:
        """The post to reply to. Raises Refusal (§0 fact 2, §8).

        Whether an answer to the bot's own picture summons it nobody knows (§4): to try is fair.
        """
        parent = self.posts.get(post_id)
        if parent is None or parent.deleted or parent.author.suspended or parent.author.protected:
            raise refusal.not_visible()
        if self.bot.id in parent.author.blocks:
            raise refusal.blocked()
        if parent.author is self.bot:
            return parent
        if not self._summons(parent):
            answered = self.posts.get(parent.replied_to or "")
            to_the_bot = answered is not None and answered.author is self.bot
            raise refusal.not_summoned(careless=not to_the_bot)
        if parent.replies_from == "following":
            raise refusal.restricted()
        return parent

    def _summons(self, post: Post) -> bool:
        quoted = self.posts.get(post.quoted) if post.quoted else None
        implicit = self.implicit_summons and self.bot.username.lower() in post.named
        by_name = post.tags(self.bot.username) and post.retweeted is None
        return by_name or implicit or (quoted is not None and quoted.author is self.bot)

    def _own_media(self, media_id: str) -> Media:
        media = self.media.get(media_id)
        if media is None or media.owner != self.bot.id:
            raise refusal.bad_media(f"no such media {media_id}")
        if media.expires_at <= self.clock():
            expired = refusal.bad_media(f"media {media_id} has expired")
            if self.clock() < media.lasts_until:
                expired.offence = ""
            raise expired
        return media

    def _attachable(self, media_id: str, draft: Draft) -> Media:
        """An image of the bot's, alive, and in no living reply to somebody else."""
        media = self._own_media(media_id)
        users = (self.posts[used] for used in media.used_in)
        if any(not post.deleted and post.replied_to != draft.reply_to for post in users):
            raise refusal.bad_media(f"media {media_id} is in another reply already")
        return media

    def _said_before(self, words: str) -> bool:
        recent = self.clock() - DUPLICATE_SECONDS
        return any(
            post.said == words and post.created_at > recent and not post.deleted
            for post in self.of_the_bot()
        )


def _check_text(draft: Draft) -> None:
    """At most 280 weighted characters and one cashtag, and never nothing at all (§6)."""
    if not draft.text.strip() and not draft.media:
        raise refusal.invalid("neither text nor media")
    if (length := text.weighted_length(draft.text)) > text.LONGEST:
        raise refusal.invalid(f"the text has {length} weighted characters")
    if len(text.cashtags(draft.text)) > 1:
        raise refusal.forbidden("Too many cashtags.", offence="more than one cashtag")
    if len(draft.media) > MOST_IMAGES:
        raise refusal.bad_media("more than four")


def _price(draft: Draft, parent: Post | None) -> Price:
    if text.links(draft.text):
        return Price.POST_WITH_LINK
    return Price.SUMMONED_REPLY if parent is not None else Price.POST
