"""Posts and people as JSON, in the spelling the question was asked in (§0 fact 9, §4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tests.fake_x import questions, text
from tests.fake_x.refusal import PROBLEMS
from tests.fake_x.world import Person, Post, World

#: What 2.167 calls otherwise.
_NEW_NAMES = MappingProxyType(
    {
        "edit_history_tweet_ids": "edit_history_post_ids",
        "note_tweet": "note_post",
        "referenced_tweets": "referenced_posts",
        "tweets": "posts",
    }
)
#: A text longer than this is given out shortened, the whole of it as a note.
SHORTENED = 280


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a query asked for beside the default fields."""

    new: bool
    fields: frozenset[str]
    expansions: frozenset[str]
    user_fields: frozenset[str]

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Wanted:
        new = questions.dialect(query) == "2.167"
        return cls(
            new=new,
            fields=_listed(query, "post.fields" if new else "tweet.fields"),
            expansions=_listed(query, "expansions"),
            user_fields=_listed(query, "user.fields"),
        )


@dataclass(slots=True)
class Answer:
    """A body, and what in it is to be paid for."""

    body: dict[str, Any]
    posts: Sequence[Post] = ()
    others: Sequence[Post] = ()
    people: Sequence[Person] = ()


class Answers:
    """`media_url` is where a photo of that id can be fetched."""

    def __init__(self, world: World, media_url: str) -> None:
        self._world = world
        self._media_url = media_url

    def page(self, found: Sequence[Post], most: int, wanted: Wanted) -> Answer:
        """The first of what was found; `next_token` where there is more."""
        shown = found[:most]
        meta: dict[str, Any] = {"result_count": len(shown)}
        if shown:
            meta |= {"newest_id": shown[0].id, "oldest_id": shown[-1].id}
        if len(found) > most:
            meta["next_token"] = questions.token_after(shown[-1].id)
        answer = self.posts(shown, wanted)
        answer.body["meta"] = meta
        return answer

    def posts(self, found: Sequence[Post], wanted: Wanted) -> Answer:
        """An empty list is no list at all (§1.3)."""
        body: dict[str, Any] = {"data": [self.post(p, wanted) for p in found]} if found else {}
        others = self._others(found, wanted)
        people = self._people(found, wanted)
        if includes := self._includes(found, others, people, wanted):
            body["includes"] = includes
        return Answer(body, found, others, people)

    def post(self, post: Post, wanted: Wanted) -> dict[str, Any]:
        """The fields asked for. In 2.167 the author, the history and what it refers to
        come with `expansions`, no longer with fields."""
        shown: dict[str, Any] = {"id": post.id, "text": _escaped(self._shortened(post))}
        history = "edit_history_post_ids" if wanted.new else "edit_history_tweet_ids"
        if not wanted.new or history in wanted.expansions:
            shown[history] = list(post.history)
        asked = wanted.expansions if wanted.new else wanted.fields | wanted.expansions
        if "author_id" in asked:
            shown["author_id"] = post.author.id
        refers = self._refers_to(post)
        if refers and wanted.new and "referenced_posts" in asked:
            shown["referenced_posts"] = refers
        if refers and not wanted.new and self._wants_references(wanted):
            shown["referenced_tweets"] = refers
        if post.replied_to is not None and "in_reply_to_user_id" in asked:
            shown["in_reply_to_user_id"] = self._world.posts[post.replied_to].author.id
        return shown | self._plain_fields(post, wanted)

    def person(self, person: Person, wanted: Wanted) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": person.id,
            "name": person.username.title(),
            "username": person.username,
        }
        return shown | (
            {"protected": person.protected} if "protected" in wanted.user_fields else {}
        )

    def missing(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Partial errors, beside what was found (§1.3)."""
        return [self._missing(each) for each in ids]

    def _missing(self, post_id: str) -> dict[str, Any]:
        post = self._world.posts.get(post_id)
        hidden = post is not None and not post.deleted and post.author.protected
        title, kind = (
            ("Authorization Error", "not-authorized-for-resource")
            if hidden
            else ("Not Found Error", "resource-not-found")
        )
        return {
            "value": post_id,
            "resource_id": post_id,
            "resource_type": "tweet",
            "parameter": "ids",
            "title": title,
            "detail": f"Could not find tweet with ids: [{post_id}].",
            "type": f"{PROBLEMS}/{kind}",
        }

    def _plain_fields(self, post: Post, wanted: Wanted) -> dict[str, Any]:
        shown = _escaped(self._shortened(post))
        fields: dict[str, Any] = {
            "conversation_id": post.conversation,
            "created_at": _timestamp(post.created_at),
            "lang": "en",
            "display_text_range": [post.display_start, len(shown)],
            "possibly_sensitive": False,
        }
        if entities := self._entities(shown):
            fields["entities"] = entities
        if post.media:
            fields["attachments"] = {"media_keys": [self._world.media[m].key for m in post.media]}
        if len(post.said) > SHORTENED:
            whole = _escaped(post.text)
            note = {"text": whole, "entities": self._entities(whole)}
            fields["note_post" if wanted.new else "note_tweet"] = note
        return {name: value for name, value in fields.items() if name in wanted.fields}

    def _entities(self, words: str) -> dict[str, Any]:
        """The names of people there are, and where they stand in the text as it is given out."""
        known = {one.username.lower(): one for one in list(self._world.people.values())}
        mentions = [
            {"start": h.start, "end": h.end, "username": one.username, "id": one.id}
            for h in text.handles(words)
            if (one := known.get(h.username.lower())) is not None
        ]
        return {"mentions": mentions} if mentions else {}

    def _refers_to(self, post: Post) -> list[dict[str, str]]:
        kinds = (
            ("retweeted", post.retweeted),
            ("quoted", post.quoted),
            ("replied_to", post.replied_to),
        )
        return [{"type": kind, "id": found} for kind, found in kinds if found is not None]

    def _wants_references(self, wanted: Wanted) -> bool:
        return "referenced_tweets" in wanted.fields or any(
            name.startswith("referenced_tweets") for name in wanted.expansions
        )

    def _others(self, found: Sequence[Post], wanted: Wanted) -> list[Post]:
        """The posts referred to, where they are wanted and can be seen."""
        name = "referenced_posts" if wanted.new else "referenced_tweets"
        if not any(each.startswith(name) for each in wanted.expansions):
            return []
        numbers = dict.fromkeys(ref["id"] for post in found for ref in self._refers_to(post))
        posts = (self._world.posts[number] for number in numbers)
        return [post for post in posts if self._world.shows(post)]

    def _people(self, found: Sequence[Post], wanted: Wanted) -> list[Person]:
        if "author_id" not in wanted.expansions:
            return []
        return list({post.author.id: post.author for post in found}.values())

    def _includes(
        self,
        found: Sequence[Post],
        others: Sequence[Post],
        people: Sequence[Person],
        wanted: Wanted,
    ) -> dict[str, Any]:
        deep = "referenced_tweets.id.attachments.media_keys" in wanted.expansions
        holders = (*found, *(others if deep else ()))
        keys = dict.fromkeys(m for post in holders for m in post.media)
        with_media = deep or "attachments.media_keys" in wanted.expansions
        includes = {
            "media": [self._media(media) for media in keys] if with_media else [],
            "posts" if wanted.new else "tweets": [self.post(post, wanted) for post in others],
            "users": [self.person(one, wanted) for one in people],
        }
        return {name: value for name, value in includes.items() if value}

    def _media(self, media_id: str) -> dict[str, Any]:
        media = self._world.media[media_id]
        return {
            "media_key": media.key,
            "type": "photo",
            "width": media.width,
            "height": media.height,
            "url": f"{self._media_url}/{media.id}.jpg",
        }

    def _shortened(self, post: Post) -> str:
        if len(post.said) <= SHORTENED:
            return post.text
        return post.text[: post.display_start + SHORTENED - 1] + "…"


def renamed(value: Any) -> Any:
    """An answer with every name in the new spelling, whatever was asked for."""
    if isinstance(value, Mapping):
        return {_NEW_NAMES.get(name, name): renamed(inner) for name, inner in value.items()}
    return [renamed(inner) for inner in value] if isinstance(value, list) else value


def _escaped(words: str) -> str:
    """X gives out `&`, `<` and `>` as HTML has them."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _listed(query: Mapping[str, str], name: str) -> frozenset[str]:
    return frozenset(filter(None, query.get(name, "").split(",")))


def _timestamp(at: float) -> str:
    moment = dt.datetime.fromtimestamp(at, dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
