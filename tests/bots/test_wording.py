"""What the bot says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.wording import FREE_OF_COST, alt_text, reply_text, state_line, until
from data.words import JobState, Progress, Prompt, Say, Ticket
from tests.conftest import NOON

HOUR = 3600
REFUSALS = [
    Say.NOT_YOUR_PHOTO,
    Say.UNREADABLE_PHOTO,
    Say.OVERSIZED_PHOTO,
    Say.REFUSED_PROMPT,
    Say.REFUSED_PHOTO,
    Say.REFUSED_PICTURE,
    Say.DAILY_QUOTA,
    Say.FAILED,
    Say.CANCELLED,
]


def said(say: Say, **facts: Any) -> str:
    return reply_text(say, facts, now=NOON)


@pytest.mark.parametrize("say", Say)
def test_everything_has_a_wording_that_needs_no_facts(say: Say) -> None:
    text = said(say)
    assert text.endswith((".", "?"))
    assert "None" not in text
    assert "!" not in text


@pytest.mark.parametrize("say", REFUSALS)
def test_no_picture_no_price(say: Say) -> None:
    assert FREE_OF_COST in said(say)


def test_a_picture_names_the_wish_and_what_is_left() -> None:
    text = said(
        Say.PICTURE,
        wish="a red fox",
        style="anime",
        seeds=[42],
        left=2,
        quota=3,
        ignored=["--chaos 50", "--tile"],
    )
    assert text == (
        "Here is “a red fox”, in anime style, painted by AI. 2 of 3 pictures left today."
        " I left out --chaos 50 and --tile. Seed 42."
    )


@pytest.mark.parametrize(
    ("facts", "first"),
    [
        ({"wish": "a fox", "seeds": [1, 2]}, "2 takes on “a fox”, painted by AI. Seeds 1 and 2."),
        ({"photo": True, "wish": "", "style": "flat"}, "Redrawn by AI, in flat style."),
        ({"photo": True, "wish": "make it winter"}, "Redrawn for “make it winter”, by AI."),
        ({"wish": "x", "left": 0, "quota": 3}, "That was the last of 3 pictures for today."),
    ],
)
def test_pictures_of_other_kinds(facts: dict[str, Any], first: str) -> None:
    assert said(Say.PICTURE, **facts).endswith(first)


def test_a_reply_calls_nobody() -> None:
    text = said(Say.PICTURE, wish="a portrait of @ada", ignored=["--@bob"], style="@eve")
    assert "@" not in text


def test_a_right_to_left_wish_keeps_its_direction_to_itself() -> None:
    assert "“\u2068ثعلب أحمر\u2069”" in said(Say.PICTURE, wish="ثعلب أحمر")


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        (
            {"quota": 3, "left": 0, "units": 1, "retry_at": NOON + 12 * HOUR},
            "You have had all 3 pictures for today. Try again in 12 h (00:00 UTC).",
        ),
        (
            {"quota": 3, "left": 1, "units": 2, "retry_at": NOON + 12 * HOUR},
            (
                "You asked for 2 pictures and have 1 of 3 left today."
                " Ask for 1 now, or try again in 12 h (00:00 UTC)."
            ),
        ),
        (
            {"quota": 3, "left": 3, "units": 4, "retry_at": None, "tier": "free"},
            "4 pictures at once is more than the 3 a day of the free tier. Ask for 3 now.",
        ),
    ],
)
def test_a_used_up_day_says_when_the_next_begins(facts: dict[str, Any], text: str) -> None:
    assert said(Say.DAILY_QUOTA, **facts) == f"{text} {FREE_OF_COST}"


def test_refusals_give_their_reason() -> None:
    assert said(Say.REFUSED_PROMPT, reason="it asks for blood.").startswith(
        "I will not paint that: it asks for blood. Try other words."
    )
    large = said(Say.OVERSIZED_PHOTO, width=20_000, height=20_000, megapixels=16)
    assert "20,000 × 20,000 pixels, and I take up to 16 megapixels" in large
    assert "9.1 MB; I take up to 8 MB" in said(Say.OVERSIZED_PHOTO, bytes=9.1e6, limit=8e6)
    assert "though I tried 3 times" in said(Say.FAILED, attempts=3, reason="CUDA: bad things")
    assert "CUDA" not in said(Say.FAILED, attempts=3, reason="CUDA: bad things")


@given(wish=st.text(), limit=st.integers(40, 400), say=st.sampled_from(list(Say)))
def test_a_reply_keeps_to_its_limit(wish: str, limit: int, say: Say) -> None:
    facts = {"wish": wish, "reason": wish, "ignored": [wish], "seeds": [1]}
    text = reply_text(say, facts, now=NOON, limit=limit)
    assert text
    assert len(text) <= limit


def test_wide_characters_count_twice() -> None:
    text = reply_text(Say.PICTURE, {"wish": "狐" * 500}, now=NOON, limit=280)
    assert len(text) + text.count("狐") <= 280


@given(wish=st.text(), style=st.none() | st.text(max_size=60), limit=st.integers(30, 1100))
def test_alt_text_is_never_empty_and_never_too_long(
    wish: str, style: str | None, limit: int
) -> None:
    text = alt_text(Prompt(wish=wish, style=style), limit=limit)
    assert text.startswith("AI-generated")
    assert len(text) <= limit


def test_alt_text_says_what_is_to_be_seen() -> None:
    prompt = Prompt(wish="a red fox", style="anime")
    assert alt_text(prompt) == "AI-generated picture: a red fox, in anime style."
    assert "a photo" in alt_text(Prompt(style="flat"))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "now"),
        (1, "in 1 min (12:00 UTC)"),
        (HOUR, "in 1 h (13:00 UTC)"),
        (12_000, "in 3 h 20 min (15:20 UTC)"),
        (24 * HOUR, "in 24 h (12:00 UTC)"),
        (30 * HOUR, "on 30 March (18:00 UTC)"),
    ],
)
def test_until(seconds: float, text: str) -> None:
    assert until(NOON + seconds, NOON) == text


@pytest.mark.parametrize(
    ("ticket", "progress", "line"),
    [
        (Ticket(state="available", position=3, eta=11.2), None, "In line: 3rd, about 12 s"),
        (Ticket(state="available", position=11), None, "In line: 11th"),
        (Ticket(state="available", position=1, eta=125), None, "In line: 1st, about 3 min"),
        (Ticket(state="available", position=22, eta=5400), None, "In line: 22nd, about 1 h 30 min"),
        (Ticket(state="available"), None, "In line"),
        (Ticket(state="executing", position=0), Progress(step=3, steps=8), "Painting: step 3 of 8"),
        (Ticket(state="executing", position=0), Progress(step=0, steps=8), "Painting"),
        (Ticket(state="executing", position=0), None, "Painting"),
        (Ticket(state="held"), None, "A person will look at it first"),
        (Ticket(state="held", eta=700), None, "A person will look at it first, in about 12 min"),
    ],
)
def test_state_line(ticket: Ticket, progress: Progress | None, line: str) -> None:
    assert state_line(ticket, progress) == line


@pytest.mark.parametrize("state", [*JobState, "received", "refused", "answered"])
def test_every_state_has_a_line_of_its_own(state: str) -> None:
    assert state_line(Ticket(state=state)) != "On its way"


def test_a_guess_is_called_a_guess() -> None:
    said = reply_text(Say.PICTURE, {"wish": "a quark", "known": False, "things": 400}, now=0)
    assert "400 things" in said
    assert "guess" in said
    assert "guess" not in reply_text(Say.PICTURE, {"wish": "a fox", "known": True}, now=0)


@pytest.mark.parametrize("known", [True, False])
def test_a_style_the_model_never_learnt_is_called_a_guess(known: bool) -> None:
    facts = {
        "style": "watercolour", "photo": True, "known": True, "styles": ["flat", "ink"],
        "known_style": known,
    }  # fmt: skip
    said = reply_text(Say.PICTURE, facts, now=0)
    assert ("I have learnt the styles flat and ink: watercolour is a guess." in said) != known


def test_who_is_banned_is_told_until_when_in_one_sentence() -> None:
    facts = {"reason": "refused wishes again and again", "retry_at": NOON + 600}
    told = reply_text(Say.BANNED, facts, now=NOON)
    assert told.startswith("I take wishes from you again in 10 min (")
    assert told.count(". ") == 0
    assert "any more (spam)." in reply_text(Say.BANNED, {"reason": "spam"}, now=NOON)


def test_a_case_has_its_number() -> None:
    assert "case 12" in reply_text(Say.CASE, {"case": 12}, now=NOON)
