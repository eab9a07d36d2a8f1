"""From X's posts to mentions. Pure, and tolerant: X is renaming its fields.

Both spellings are read, `tweet` and `post`; whatever is missing or odd makes a
post uninteresting, never the page unreadable.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, TypeGuard

from bots.platform import Outcome, PlatformError
from data.words import Account, Mention, PhotoRef, Reply

#: The moment X counts its ids from, in milliseconds.
EPOCH_MS: Final = 1_288_834_974_657

#: What we ask of each post, in the spelling that both of X's descriptions still take.
FIELDS: Final = (
    "attachments",
    "author_id",
    "conversation_id",
    "created_at",
    "display_text_range",
    "edit_history_tweet_ids",
    "entities",
    "in_reply_to_user_id",
    "note_tweet",
    "referenced_tweets",
)

#: What 2.167 gives only as an expansion, by its older name.
_EXPANDED: Final = MappingProxyType(
    {
        "author_id": "author_id",
        "edit_history_tweet_ids": "edit_history_post_ids",
        "in_reply_to_user_id": "in_reply_to_user_id",
        "referenced_tweets": "referenced_posts",
    }
)

_ID: Final = re.compile(r"[0-9]{1,19}")

Post = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bot:
    """Whom the mentions are to name, and whom nobody answers."""

    id: str
    handle: str
    platform: str
    ignored: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a post is not answered."""

    why: str


def snowflake(at: float) -> int:
    """The lowest id of a moment, in UNIX seconds."""
    return max(1, (int(at * 1000) - EPOCH_MS) << 22)


def moment(post_id: str) -> float:
    """When a post was made, by its id."""
    return ((int(post_id) >> 22) + EPOCH_MS) / 1000


def checked(post_id: str) -> str:
    """Ids are decimal numbers as X writes them; anything else never leaves the house."""
    if not _ID.fullmatch(post_id):
        raise PlatformError(f"{post_id[:40]!r} is no id of X.", outcome=Outcome.NEVER)
    return post_id


def answered(reply: Reply) -> str:
    """The post a reply answers: the last version of the one that asked."""
    return reply.answer_to or reply.source_id


def posts(page: Mapping[str, Any]) -> list[Post]:
    """The posts of a page; empty where X leaves the list out."""
    found = page.get("data")
    return [p for p in found if is_post(p)] if isinstance(found, list) else []


def is_post(found: Any) -> TypeGuard[Post]:
    return isinstance(found, Mapping) and str(found.get("id", "")).isdigit()


def renamed(query: Mapping[str, str]) -> dict[str, str]:
    """A question in the spelling of 2.167: some fields have new names, some are expansions."""
    fields = [name for name in query.get("tweet.fields", "").split(",") if name]
    if not fields:
        return dict(query)
    rest = {n: v for n, v in query.items() if n not in ("tweet.fields", "expansions")}
    expanded = [name for name in query.get("expansions", "").split(",") if name]
    expanded += [_EXPANDED[name] for name in fields if name in _EXPANDED]
    plain = [name.replace("note_tweet", "note_post") for name in fields if name not in _EXPANDED]
    rest |= {"post.fields": ",".join(plain)} if plain else {}
    return rest | ({"expansions": ",".join(expanded)} if expanded else {})


def next_page(page: Mapping[str, Any]) -> str | None:
    meta = page.get("meta")
    token = meta.get("next_token") if isinstance(meta, Mapping) else None
    return str(token) if token else None


def mention_of(post: Post, bot: Bot) -> Mention | Skip:
    """The mention a post is, or why it is none."""
    author = str(post.get("author_id") or "")
    parent = referred(post, "replied_to")
    if not author:
        return Skip("no author")
    if author == bot.id or author in bot.ignored:
        return Skip("by the bot or one that is ignored")
    if referred(post, "retweeted") or referred(post, "reposted"):
        return Skip("a retweet")
    to_us = str(post.get("in_reply_to_user_id") or "") == bot.id
    if not (_names_visibly(post, bot) or (parent is not None and to_us)):
        return Skip("named by X, not by the author")
    post_id = str(post["id"])
    key = _first_version(post)
    return Mention(
        platform=bot.platform,
        source_id=key,
        # Asking X for names costs as much as the picture; the number is who they are.
        account=Account(platform=bot.platform, user_id=author, handle=author),
        text=_text(post),
        created_at=_created(post),
        in_reply_to=parent,
        photo=PhotoRef(ref=post_id, owner=author) if _may_show_photo(post) else None,
        # Their own post may hold a photo; that is looked up only if the wish needs it.
        parent_photo=PhotoRef(ref=parent, owner=author)
        if parent is not None and str(post.get("in_reply_to_user_id") or "") == author
        else None,
        answer_to=post_id if post_id != key else None,
        thread=str(post["conversation_id"]) if post.get("conversation_id") else None,
        addressed=_addressed(post, {author, bot.id}),
    )


def referred(post: Post, kind: str) -> str | None:
    """The id of the post this one answers ("replied_to"), quotes or repeats."""
    references = _either(post, "referenced_tweets", "referenced_posts")
    for reference in references if isinstance(references, list) else []:
        if isinstance(reference, Mapping) and reference.get("type") == kind:
            return str(reference.get("id"))
    return None


def photo_in(page: Mapping[str, Any], post_id: str) -> str | None:
    """The address of the first photo of a post, from the answer to a look-up."""
    includes = page.get("includes")
    media = includes.get("media") if isinstance(includes, Mapping) else None
    by_key = {
        str(m.get("media_key")): m
        for m in (media if isinstance(media, list) else [])
        if isinstance(m, Mapping)
    }
    for post in posts(page):
        if str(post["id"]) == post_id:
            for key in _media_keys(post):
                found = by_key.get(key)
                if found is not None and found.get("type") == "photo" and found.get("url"):
                    return str(found["url"])
    return None


def _addressed(post: Post, but: Collection[str]) -> tuple[str, ...]:
    """Whom X tells of an answer besides its author: the one answered, and all who are named."""
    named = [str(found.get("id") or "") for names in _entities(post) for found in names]
    everybody = dict.fromkeys([str(post.get("in_reply_to_user_id") or ""), *named])
    return tuple(each for each in everybody if each and each not in but)


def missing(page: Mapping[str, Any]) -> set[str]:
    """The posts an answer says are not there for us any more; other errors say nothing."""
    errors = page.get("errors")
    return {
        str(error.get("resource_id") or error.get("value"))
        for error in (errors if isinstance(errors, list) else [])
        if isinstance(error, Mapping)
        and str(error.get("type", "")).endswith(
            ("/resource-not-found", "/not-authorized-for-resource")
        )
    }


def _either(post: Post, *names: str) -> Any:
    return next((post[name] for name in names if post.get(name) is not None), None)


def _first_version(post: Post) -> str:
    """An edited post has a new id; the first one is what it is known by."""
    history = _either(post, "edit_history_tweet_ids", "edit_history_post_ids")
    if isinstance(history, list) and history and str(history[0]).isdigit():
        return str(history[0])
    return str(post["id"])


def _text(post: Post) -> str:
    """The whole text: of long posts, `text` is only the beginning."""
    note = _either(post, "note_tweet", "note_post")
    whole = note.get("text") if isinstance(note, Mapping) else None
    return html.unescape(str(whole or post.get("text") or ""))


def _created(post: Post) -> float:
    try:
        return datetime.fromisoformat(str(post["created_at"])).timestamp()
    except (KeyError, ValueError):
        return moment(str(post["id"]))


def _names_visibly(post: Post, bot: Bot) -> bool:
    """Whether the author typed our name: names X puts before a reply are outside the range."""
    shown = post.get("display_text_range")
    start = shown[0] if isinstance(shown, list) and shown else 0
    return any(
        int(found.get("start", 0)) >= int(start)
        for entities in _entities(post)
        for found in entities
        if str(found.get("id", "")) == bot.id
        or str(found.get("username", "")).casefold() == bot.handle.casefold()
    )


def _entities(post: Post) -> list[list[Mapping[str, Any]]]:
    """The names in the text, and those in the whole text of a long post."""
    note = _either(post, "note_tweet", "note_post")
    lists = []
    for holder in (post, note):
        entities = holder.get("entities") if isinstance(holder, Mapping) else None
        found = entities.get("mentions") if isinstance(entities, Mapping) else None
        if isinstance(found, list):
            lists.append([each for each in found if isinstance(each, Mapping)])
    return lists


def _media_keys(post: Post) -> list[str]:
    attachments = post.get("attachments")
    keys = attachments.get("media_keys") if isinstance(attachments, Mapping) else None
    return [str(key) for key in keys] if isinstance(keys, list) else []


def _may_show_photo(post: Post) -> bool:
    """Keys of videos begin with 7 or 13, those of animations with 16; the look-up makes sure."""
    return any(key.split("_")[0] not in ("7", "13", "16") for key in _media_keys(post))
