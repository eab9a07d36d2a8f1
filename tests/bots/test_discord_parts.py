"""The pure parts of the Discord platform: the ladder, the forms, the files, the refusals."""

from __future__ import annotations

import dataclasses
import io

import aiohttp
import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bots.platform import Outcome, PlatformError
from bots.platforms._discord import buttons, files, reading, refusals
from bots.platforms._discord.address import (
    MARGIN,
    NONCE,
    Address,
    Rung,
    moment_of,
    nonce,
    parts,
    post,
    rungs,
    snowflake,
)
from bots.platforms._discord.caution import MANY, WINDOW, Caution
from bots.platforms._discord.refusals import OtherWayError
from data.words import Intent
from tests.conftest import NOON, Clock

ASKED = Address(
    user="1",
    channel="2",
    guild="3",
    message="4",
    interaction="5",
    application="6",
    token="t",
    expires=NOON + 900,
)
ids = st.none() | st.integers(1, 2**63).map(str)
addresses = st.builds(
    Address,
    user=st.just("1"),
    channel=ids,
    guild=ids,
    message=ids,
    interaction=ids,
    token=st.none() | st.just("t"),
    expires=st.floats(NOON - 1000, NOON + 1000),
    hidden=st.booleans(),
    present=st.booleans(),
)


def test_the_ladder_from_the_top_to_the_bottom() -> None:
    assert rungs(ASKED, pictures=True, now=NOON) == (
        Rung.ORIGINAL,
        Rung.EDIT,
        Rung.CHANNEL,
        Rung.DIRECT,
    )
    assert rungs(ASKED, pictures=False, now=NOON)[0] is Rung.WHISPER
    later = ASKED.expires - MARGIN
    assert rungs(ASKED, pictures=True, now=later) == (Rung.EDIT, Rung.CHANNEL, Rung.DIRECT)
    message = dataclasses.replace(ASKED, interaction=None, token=None)
    assert rungs(message, pictures=True, now=NOON) == (Rung.CHANNEL, Rung.DIRECT)


@given(addresses, st.booleans(), st.floats(NOON - 2000, NOON + 2000))
def test_what_was_hidden_stays_hidden_and_there_is_always_a_way(
    address: Address, pictures: bool, now: float
) -> None:
    ways = rungs(address, pictures=pictures, now=now)
    assert ways[-1] is Rung.DIRECT
    assert len(set(ways)) == len(ways)
    public = {Rung.EDIT, Rung.CHANNEL}
    assert not (public & set(ways) and (address.hidden or not address.present))
    assert (address.token_at(now) is not None) == (ways[0] in (Rung.ORIGINAL, Rung.WHISPER))
    assert not (pictures and Rung.WHISPER in ways)


@given(addresses)
def test_an_address_survives_the_database(address: Address) -> None:
    assert Address.from_json({**address.to_json(), "of tomorrow": 1}) == address


def test_an_address_of_a_forgotten_mention_is_none() -> None:
    with pytest.raises(TypeError):
        Address.from_json({})


@given(st.text(), st.text())
def test_a_nonce_is_short_and_the_same_each_time(key: str, what: str) -> None:
    assert nonce(key, what) == nonce(key, what) != nonce(key, what + "!")
    assert len(nonce(key, what)) == NONCE


@given(st.floats(NOON, NOON + 1e9))
def test_snowflakes_tell_the_time(moment: float) -> None:
    assert moment - 0.002 < moment_of(snowflake(moment)) <= moment


def test_a_post_is_a_channel_and_a_message() -> None:
    assert parts(post(12, 34)) == (12, 34)
    assert parts("muralist:1") is None


@pytest.mark.parametrize(
    ("text", "chosen", "expected"),
    [
        ("a red fox --ar 16:9", {}, {"wish": "a red fox", "aspect": "16:9"}),
        ("a fox --style ink", {"style": "flat", "seed": 0}, {"style": "flat", "seed": 0}),
        ("again", {}, {"wish": "again", "intent": Intent.PAINT}),
        ("delete", {"count": 2}, {"wish": "delete", "count": 2}),
    ],
)
def test_the_words_of_a_form_are_a_wish(
    text: str, chosen: dict[str, object], expected: dict[str, object]
) -> None:
    prompt = reading.prompt_of(text, "muralist", **chosen)
    assert {name: getattr(prompt, name) for name in expected} == expected


def test_what_is_typed_into_a_form_is_found_however_it_is_wrapped() -> None:
    typed = {"type": 4, "custom_id": "words", "value": "a blue fox"}
    assert reading.typed_in([{"type": 1, "components": [typed]}]) == "a blue fox"
    assert reading.typed_in([{"type": 10}, {"type": 18, "component": typed}]) == "a blue fox"
    assert reading.typed_in([]) == ""


@pytest.mark.parametrize(
    ("custom_id", "ours"),
    [
        ("mu:again:17", True),
        ("mu:upscale:17:3", True),
        ("ms:style:17:0", True),
        ("mu:from_tomorrow:17", False),
        ("mu:again:", False),
        ("other", False),
    ],
)
def test_buttons_are_known_by_their_ids(custom_id: str, ours: bool) -> None:
    assert buttons.is_ours(custom_id) is ours


def a_picture(side: int = 256) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((side, side), 90).convert("RGB").save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("largest", [10_000_000, 40_000, 2_000])
def test_a_picture_fits_its_place(largest: int) -> None:
    data, media_type = files.fitting(a_picture(), "image/png", largest)
    assert len(data) <= largest
    with Image.open(io.BytesIO(data)) as image:
        assert image.get_format_mimetype() == media_type
    assert files.name(7, 1, media_type) in ("muralist-7-1.png", "muralist-7-1.webp")


def test_several_files_share_what_one_request_may_weigh() -> None:
    assert files.share(100 * 2**20, 4) * 4 < files.REQUEST
    assert files.share(10 * 2**20, 1) < 10 * 2**20


def test_enlarging_stops_at_the_longest_side() -> None:
    with Image.open(io.BytesIO(files.enlarged(a_picture(64), 2, 100))) as image:
        assert image.size == (100, 100)


class Answer:
    def __init__(self, status: int) -> None:
        self.status = status
        self.reason = ""


def refused(status: int, code: int) -> discord.HTTPException:
    return discord.HTTPException(Answer(status), {"code": code, "message": ""})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (refused(500, 0), Outcome.UNKNOWN),
        (aiohttp.ServerDisconnectedError(), Outcome.UNKNOWN),
        (TimeoutError(), Outcome.UNKNOWN),
        (discord.RateLimited(40.0), Outcome.NOT_YET),
        (refused(429, 0), Outcome.NOT_YET),
        (refused(401, 0), Outcome.NOT_YET),
        (refused(401, 50027), None),
        (refused(404, 10015), None),
        (refused(403, 50013), None),
        (refused(400, 50035), None),
    ],
)
def test_only_what_discord_refused_lets_another_way_be_tried(
    error: Exception, outcome: Outcome | None
) -> None:
    judged = refusals.judged(error)
    if outcome is None:
        assert isinstance(judged, OtherWayError)
    else:
        assert isinstance(judged, PlatformError)
        assert judged.outcome is outcome


def test_refusals_are_counted_for_ten_minutes() -> None:
    clock = Clock()
    caution = Caution(clock)
    for status in [200, 404, 500, *[403] * MANY]:
        caution.note(status)
    assert caution.high
    clock.now += WINDOW + 1
    caution.note(429)
    assert (caution.invalid, caution.high) == (1, False)
