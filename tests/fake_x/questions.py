"""The fake's own rules for what may be asked: nothing unknown, nothing out of range.

They hold where X's descriptions are not at hand, and say more than those do:
`since_id=0` is refused (§4), and the two spellings are not mixed (§0 fact 9).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.fake_x import refusal
from tests.fake_x.descriptions import Description
from tests.fake_x.endpoints import Endpoint
from tests.fake_x.world import Draft, Span

_ID = re.compile(r"[0-9]{1,19}")
_MEDIA_KEY = re.compile(r"[0-9]+_[0-9]+")

_FIELDS = {
    "tweet.fields",
    "post.fields",
    "expansions",
    "media.fields",
    "user.fields",
    "poll.fields",
    "place.fields",
}
_PAGED = _FIELDS | {
    "since_id",
    "until_id",
    "start_time",
    "end_time",
    "max_results",
    "pagination_token",
}
_QUERIES: Mapping[Endpoint, set[str]] = {
    Endpoint.ME: {"user.fields", "expansions", "tweet.fields", "post.fields"},
    Endpoint.MENTIONS: _PAGED,
    Endpoint.TIMELINE: _PAGED | {"exclude"},
    Endpoint.LOOKUP: _FIELDS | {"ids"},
    Endpoint.SEARCH: _PAGED | {"query", "next_token", "sort_order"},
    Endpoint.MEDIA: {"media_keys", "media.fields"},
    Endpoint.STREAM: {"backfill_minutes", "start_time", "end_time"},
    Endpoint.SUBSCRIPTIONS: {"max_results", "pagination_token"},
}
#: The most an empty `max_results` gives, and the least it may say.
DEFAULT_RESULTS = {Endpoint.MENTIONS: 10, Endpoint.TIMELINE: 10, Endpoint.SEARCH: 10}
_LEAST_RESULTS = {Endpoint.SEARCH: 10}
MOST_RESULTS = 100
MOST_IDS = 100

_CREATE = {"text", "reply", "media", "made_with_ai", "reply_settings"}
_REPLY = {"in_reply_to_tweet_id", "exclude_reply_user_ids", "auto_populate_reply_metadata"}
_METADATA = {"alt_text", "sensitive_media_warning"}
UPLOAD_PARTS = {"media", "media_category"}

_SEARCH_TERM = re.compile(r"(conversation_id|from):(\w+)|is:reply")


@dataclass(frozen=True, slots=True)
class Paging:
    span: Span
    most: int


def dialect(query: Mapping[str, str]) -> str | None:
    """ "2.166" or "2.167" by the spellings used; None where none tells."""
    values = [
        value for name in ("expansions", "tweet.fields") for value in query.get(name, "").split(",")
    ]
    new = "post.fields" in query or bool(
        {"edit_history_post_ids", "referenced_posts"} & set(values)
    )
    old = "tweet.fields" in query or any(
        value.startswith("referenced_tweets") or value == "edit_history_tweet_ids"
        for value in values
    )
    if new and old:
        raise refusal.invalid("two dialects in one query")
    return "2.167" if new else "2.166" if old else None


def check_query(
    endpoint: Endpoint,
    query: Mapping[str, str],
    repeated: bool,
    known: Sequence[Description],
    only: str | None = None,
) -> None:
    """Raises Refusal. Valid under the description whose spelling it uses, or under all of them.

    `only` is the one spelling X takes; to try the other first is no offence.
    """
    if repeated:
        raise refusal.invalid("a parameter is given twice")
    unknown = set(query) - _QUERIES.get(endpoint, set())
    if unknown:
        raise refusal.invalid(f"unknown parameters {sorted(unknown)}")
    speaks = dialect(query)
    judges = [one for one in known if speaks in (None, one.version)]
    wrong = [one.against_query(endpoint, query) for one in judges]
    if lines := [line for lines in wrong for line in lines]:
        raise refusal.invalid("; ".join(lines))
    if only is not None and speaks not in (None, only):
        raise refusal.unknown_parameter("post.fields" if speaks == "2.167" else "tweet.fields")


def check_body(endpoint: Endpoint, body: object, known: Sequence[Description]) -> None:
    """Raises Refusal unless the body is valid under every description at hand."""
    wrong = [line for one in known for line in one.against_body(endpoint, body)]
    if wrong:
        raise refusal.invalid("; ".join(wrong))


def paging(endpoint: Endpoint, query: Mapping[str, str]) -> Paging:
    most = _number(query, "max_results", DEFAULT_RESULTS[endpoint])
    if not _LEAST_RESULTS.get(endpoint, 5) <= most <= MOST_RESULTS:
        raise refusal.invalid(f"max_results is {most}")
    until = _post_id(query, "until_id")
    token = query.get("pagination_token") or query.get("next_token")
    if token is not None:
        page_end = _from_token(token)
        until = page_end if until is None else min(until, page_end)
    return Paging(
        span=Span(
            _post_id(query, "since_id"),
            until,
            _moment(query, "start_time"),
            _moment(query, "end_time"),
        ),
        most=most,
    )


def token_after(post_id: str) -> str:
    """The token of the page after this post."""
    number, digits = int(post_id), ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return f"p{digits}"


def ids(query: Mapping[str, str]) -> list[str]:
    found = query.get("ids", "").split(",")
    if not 1 <= len(found) <= MOST_IDS or not all(_ID.fullmatch(each) for each in found):
        raise refusal.invalid("ids are 1 to 100 numbers")
    return found


def media_keys(query: Mapping[str, str]) -> list[str]:
    found = query.get("media_keys", "").split(",")
    if not 1 <= len(found) <= MOST_IDS or not all(_MEDIA_KEY.fullmatch(each) for each in found):
        raise refusal.invalid("media_keys are 1 to 100 keys")
    return found


def search_terms(query: Mapping[str, str]) -> dict[str, str]:
    """The two operators a look-up needs; anything else is refused, a real X knows more."""
    terms: dict[str, str] = {}
    for term in query.get("query", "").split():
        found = _SEARCH_TERM.fullmatch(term)
        if found is None:
            raise refusal.invalid(f"query term {term!r}")
        if found[1]:
            terms[found[1]] = found[2]
    if not terms:
        raise refusal.invalid("an empty query")
    return terms


def draft(body: object) -> Draft:
    """The body of a post to be made (§6)."""
    given = _object(body, _CREATE, "post")
    reply = _object(given.get("reply", {}), _REPLY, "reply")
    media = _object(given.get("media", {}), {"media_ids"}, "media")
    if "reply" in given and "in_reply_to_tweet_id" not in reply:
        raise refusal.invalid("a reply to nothing")
    media_ids = media.get("media_ids", [])
    if "media" in given and (not isinstance(media_ids, list) or not media_ids):
        raise refusal.invalid("media without ids")
    parent = reply.get("in_reply_to_tweet_id")
    for each in [*media_ids, *([parent] if parent is not None else [])]:
        if not isinstance(each, str) or not _ID.fullmatch(each):
            raise refusal.invalid(f"{each!r} is no id")
    words, labelled = given.get("text", ""), given.get("made_with_ai", False)
    if not isinstance(words, str) or not isinstance(labelled, bool):
        raise refusal.invalid("wrong types")
    return Draft(words, parent, tuple(media_ids), labelled)


def alt_text(body: object) -> tuple[str, str]:
    """The media id and the text of a metadata request; the old body is refused (§5)."""
    given = _object(body, {"id", "metadata"}, "metadata request")
    metadata = _object(given.get("metadata", {}), _METADATA, "metadata")
    alt = _object(metadata.get("alt_text", {}), {"text"}, "alt_text").get("text")
    media_id = given.get("id")
    if not isinstance(media_id, str) or not _ID.fullmatch(media_id) or not isinstance(alt, str):
        raise refusal.invalid("it needs a media id and an alt text")
    return media_id, alt


def subscription(body: object) -> tuple[str, str]:
    """What is to be told of, and about whom."""
    given = _object(body, {"event_type", "filter", "tag", "webhook_id"}, "subscription")
    about = _object(given.get("filter", {}), {"user_id", "keyword", "direction"}, "filter")
    kind, user = given.get("event_type"), about.get("user_id")
    if not isinstance(kind, str) or not isinstance(user, str) or not _ID.fullmatch(user):
        raise refusal.invalid("it needs an event type and a user")
    return kind, user


def _object(value: object, known: set[str], what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise refusal.invalid(f"{what} is not an object")
    if unknown := set(value) - known:
        raise refusal.invalid(f"unknown keys in {what}: {sorted(unknown)}")
    return value


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    value = query.get(name, str(default))
    if not value.isdigit():
        raise refusal.invalid(f"{name} is {value!r}")
    return int(value)


def _post_id(query: Mapping[str, str], name: str) -> int | None:
    if name not in query:
        return None
    if not _ID.fullmatch(query[name]) or int(query[name]) == 0:
        raise refusal.invalid(f"{name} is {query[name]!r}")
    return int(query[name])


def _moment(query: Mapping[str, str], name: str) -> float | None:
    if name not in query:
        return None
    try:
        moment = dt.datetime.fromisoformat(query[name])
    except ValueError as error:
        raise refusal.invalid(f"{name} is {query[name]!r}") from error
    if moment.tzinfo is None:
        raise refusal.invalid(f"{name} has no zone")
    return moment.timestamp()


def _from_token(token: str) -> int:
    try:
        return int(token.removeprefix("p"), 36)
    except ValueError as error:
        raise refusal.invalid(f"token {token!r}") from error
