"""X's pure parts: what refusals mean, what posts say, what headers tell, what may be fetched."""

from __future__ import annotations

import io
import random
from typing import Any

import aiohttp
import pytest
from PIL import Image
from pydantic import SecretStr

from bots import fetch, grammar, wording
from bots.platform import Outcome, PlatformError
from bots.platforms._x import pictures, reading, refusals
from bots.platforms._x.credentials import keys_of
from bots.platforms._x.listening import Cursor
from bots.platforms._x.meter import readings
from bots.platforms._x.reading import Bot, Skip
from bots.settings import Settings, SettingsError
from data.words import Mention, Say
from tests.conftest import NOON
from tests.fake_x import refusal

BOT = Bot("1000", "muralist", "x", {"666"})


def a_post(**fields: Any) -> dict[str, Any]:
    names = [{"start": 0, "end": 9, "username": "Muralist", "id": "1000"}]
    return {
        "id": "500",
        "author_id": "7",
        "text": "@Muralist a red fox",
        "conversation_id": "400",
        "created_at": "2026-03-29T12:00:00.000Z",
        "entities": {"mentions": names},
        "edit_history_tweet_ids": ["500"],
        **fields,
    }


def read(**fields: Any) -> Mention:
    mention = reading.mention_of(a_post(**fields), BOT)
    assert isinstance(mention, Mention)
    return mention


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (refusal.duplicate(), Outcome.STANDS),
        (refusal.not_summoned(careless=True), Outcome.NEVER),
        (refusal.not_visible(), Outcome.NEVER),
        (refusal.restricted(), Outcome.NEVER),
        (refusal.blocked(), Outcome.NEVER),
        (refusal.locked(), Outcome.HALT),
        (refusal.suspended(), Outcome.HALT),
        (refusal.missing_scope(), Outcome.HALT),
        (refusal.no_credits(), Outcome.HALT),
        (refusal.unauthorized("?"), Outcome.HALT),
        (refusal.forbidden("Something nobody has seen."), Outcome.HALT),
        (refusal.invalid("text"), Outcome.NEVER),
        (refusal.bad_media("expired"), Outcome.NOT_APPLIED),
    ],
)
def test_the_table_of_refusals(answer: refusal.Refusal, outcome: Outcome) -> None:
    assert refusals.judged(answer.status, answer.body, writing=True).outcome is outcome


@pytest.mark.parametrize("status", [200, 201, 408, 500, 502, 503])
def test_what_is_no_answer_is_unknown(status: int) -> None:
    assert refusals.judged(status, None, writing=True).outcome is Outcome.UNKNOWN


def test_both_spellings_are_read() -> None:
    old = read(
        referenced_tweets=[{"type": "replied_to", "id": "400"}], note_tweet={"text": "a &amp; b"}
    )
    new = a_post(
        referenced_posts=[{"type": "replied_to", "id": "400"}], note_post={"text": "a &amp; b"}
    )
    new["edit_history_post_ids"] = new.pop("edit_history_tweet_ids")
    assert reading.mention_of(new, BOT) == old
    assert (old.in_reply_to, old.text, old.thread) == ("400", "a & b", "400")


def test_an_edited_post_is_known_by_its_first_id_and_answered_at_its_last() -> None:
    mention = read(id="502", edit_history_tweet_ids=["500", "502"])
    assert (mention.source_id, mention.answer_to) == ("500", "502")


def test_only_ones_own_post_is_looked_into_for_a_photo() -> None:
    parent = [{"type": "replied_to", "id": "400"}]
    assert read(referenced_tweets=parent, in_reply_to_user_id="8").parent_photo is None
    own = read(referenced_tweets=parent, in_reply_to_user_id="7").parent_photo
    assert own is not None
    assert (own.ref, own.owner) == ("400", "7")


@pytest.mark.parametrize(
    "fields",
    [
        {"author_id": "1000"},
        {"author_id": "666"},
        {"author_id": None},
        {"referenced_tweets": [{"type": "retweeted", "id": "1"}]},
        {"display_text_range": [10, 19]},
        {"entities": {}},
        {"entities": {"mentions": [{"start": 0, "username": "muralist_fan", "id": "9"}]}},
    ],
)
def test_what_does_not_ask_us_is_skipped(fields: dict[str, Any]) -> None:
    assert isinstance(reading.mention_of(a_post(**fields), BOT), Skip)


def test_an_answer_to_our_own_picture_needs_no_tag() -> None:
    parent = [{"type": "replied_to", "id": "400"}]
    read(display_text_range=[10, 19], in_reply_to_user_id="1000", referenced_tweets=parent)


def test_pages_that_are_odd_are_empty() -> None:
    for page in ({}, {"data": None}, {"data": [None, {}, {"id": "x"}]}, {"data": {"id": "1"}}):
        assert reading.posts(page) == []


def test_snowflakes_tell_the_time() -> None:
    assert reading.moment(str(reading.snowflake(NOON))) == pytest.approx(NOON, abs=0.001)


def test_the_first_start_begins_now_and_the_overlap_never_reaches_below_it() -> None:
    first = Cursor.read(None, NOON)
    assert first.since == first.floor == reading.snowflake(NOON)
    later = first.after([{"id": str(reading.snowflake(NOON + 3600))}])
    assert later.since == reading.snowflake(NOON + 3000)
    assert Cursor.read(str(later), 0) == later


def test_headers_may_be_missing_or_broken() -> None:
    headers = {
        "x-rate-limit-limit": "100",
        "x-rate-limit-remaining": "0",
        "x-rate-limit-reset": "1774785660",
        "x-user-limit-24hour-limit": "many",
        "x-app-limit-24hour-remaining": "3",
    }
    (told,) = readings(headers)
    assert (told.name, told.remaining, told.resets_at) == ("window", 0, 1774785660)


@pytest.mark.parametrize(
    "address",
    [
        "http://pbs.twimg.com/a.jpg",
        "https://pbs.twimg.com.evil.example/a.jpg",
        "https://evil.example/pbs.twimg.com",
        "https://user@pbs.twimg.com/a.jpg",
        "https://pbs.twimg.com:8443/a.jpg",
        "http://127.0.0.1/a.jpg",
        "file:///etc/passwd",
        "https://[::1/a",
        "",
    ],
)
async def test_only_named_hosts_are_asked(address: str) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(PlatformError) as caught:
            await fetch.photo(session, address, ["pbs.twimg.com"], 1000)
    assert caught.value.outcome is Outcome.NEVER


def test_large_pictures_are_made_to_fit_and_others_left_alone() -> None:
    noise = Image.frombytes("RGB", (600, 600), random.Random(1).randbytes(600 * 600 * 3))
    file = io.BytesIO()
    noise.save(file, "PNG")
    data, media_type = pictures.fitting(file.getvalue(), "image/png", 400_000)
    assert media_type == "image/jpeg"
    assert len(data) <= 400_000
    assert pictures.fitting(b"small", "image/png") == (b"small", "image/png")


def test_missing_keys_are_named() -> None:
    with pytest.raises(SettingsError, match="MURALIST_X_ACCESS_TOKEN_SECRET"):
        keys_of(Settings(x_consumer_key=SecretStr("k"), x_consumer_secret=SecretStr("s")))


@pytest.mark.parametrize("url", ["http://api.x.com", "https://api.x.com/2", "ftp://x"])
def test_keys_never_travel_in_the_clear(url: str) -> None:
    with pytest.raises(ValueError, match="https address"):
        Settings(x_api_url=url)


@pytest.mark.parametrize(
    "text", ["@muralist stop", "@muralist please leave me alone!", "@muralist Don't reply to me"]
)
def test_stop_is_understood(text: str) -> None:
    assert grammar.says_stop(text, handle="muralist")
    assert not grammar.says_stop(f"{text} sign on a road", handle="muralist")


def test_a_reply_has_its_number_and_neither_link_nor_tag_nor_share() -> None:
    wish = "buy $TSLA at shop.example.com with @ada " * 9
    text = wording.reply_text(Say.PICTURE, {"wish": wish}, now=NOON, limit=280, number=1234)
    assert text.endswith(" No. 1234.")
    assert len(text) <= 280
    assert not any(found in text for found in ("$T", "@", "shop.example", "example.com"))
