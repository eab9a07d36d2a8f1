"""What is said in other languages has the same facts, fits Discord, and is never silence."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from bots import wording
from bots.languages import ENGLISH, catalogue, spoken
from data.guilds import Policy
from data.words import Job, JobState, Picture, Progress, Prompt, Say, TemporaryLimit, Ticket, Tier
from ratelimit import control
from tests.conftest import NOON, an_account

LANGUAGES = spoken()
PICTURE = Picture(sha256="0" * 64, media_type="image/png", width=8, height=8, seed=7, engine="test")


#: What the policies tell, for whoever is refused.
LIMITS = {
    "tier": "free",
    "reason": "set by hand",
    "retry_at": NOON + 60,
    "until": NOON + 60,
    "live_times": True,
    "burst": 3,
    "every": 20.0,
    "in_hand": 2,
    "most": 2,
    "cap": 100,
    "min_age": 86_400.0,
    "waited": 4_000.0,
    "case": 7,
}


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_has_the_facts_of_the_english_one(language: str) -> None:
    own = catalogue(language)
    assert set(own.phrases) == set(ENGLISH.phrases)
    assert set(own.commands) == set(ENGLISH.commands)
    for key, phrase in own.phrases.items():
        assert fields(phrase) == fields(ENGLISH.phrases[key]), key


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_names_and_descriptions_are_as_discord_wants_them(language: str) -> None:
    own = catalogue(language).commands
    described = {key for key in own if f"{key}.description" in own or key.endswith(".name")}
    for key, text in own.items():
        if key in described and not key.startswith("menu."):
            assert re.fullmatch(r"[-_'\w]{1,32}", text), key
            assert text == text.lower(), key
        else:
            assert 1 <= len(text) <= (32 if key.startswith("menu.") else 100), key
    tops = [own[key] for key in described if "." not in key]
    assert len(set(tops)) == len(tops)
    options = [text for key, text in own.items() if re.fullmatch(r"imagine\..*\.name", key)]
    assert len(set(options)) == len(options)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("say", list(Say))
def test_every_reply_says_something_without_and_with_its_facts(say: Say, language: str) -> None:
    facts = {
        "wish": "a {strange} fox",
        "reason": "it is rude",
        "quota": 3,
        "left": 1,
        "units": 2,
        "retry_at": NOON + 60,
        "live_times": True,
        "ignored": ["--x"],
        "seeds": [7],
        "known": False,
        "things": 400,
        **LIMITS,
    }
    assert wording.reply_text(say, {}, now=NOON, language=language)
    full = wording.reply_text(say, facts, now=NOON, language=language)
    assert "None" not in full
    assert len(wording.reply_text(say, facts, now=NOON, limit=80, language=language)) <= 80


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("say", list(Say))
def test_every_reply_has_sentences_of_its_own(say: Say, language: str) -> None:
    """All that English has; and moments in them count down for the reader."""
    assert say in catalogue(language).sayings
    english = wording.reply_text(say, LIMITS, now=NOON)
    told = wording.reply_text(say, LIMITS, now=NOON, language=language)
    assert told != english
    assert ("<t:" in told) == ("<t:" in english), told
    assert "UTC" not in told + english


def test_our_own_reason_is_told_in_the_readers_language() -> None:
    assert ENGLISH.phrases["crowded"] == control.REASON
    facts = {**LIMITS, "reason": control.REASON}
    assert "mehr Leute" in wording.reply_text(Say.OVERLOADED, facts, now=NOON, language="de")
    assert "by hand" in wording.reply_text(Say.OVERLOADED, LIMITS, now=NOON, language="de")


def test_the_last_picture_of_the_day_is_told_as_such() -> None:
    facts = {"wish": "a fox", "quota": 3, "left": 0}
    told = wording.reply_text(Say.PICTURE, facts, now=NOON, language="de")
    assert "letzte von 3" in told
    assert "übrig" not in told


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_what_was_painted_more_quickly_is_told_as_such(language: str) -> None:
    plain, eased = (
        wording.reply_text(
            Say.PICTURE, {"wish": "a fox", "eased": eased}, now=NOON, language=language
        )
        for eased in (False, True)
    )
    assert len(eased) > len(plain)
    assert "yes" not in eased


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
@pytest.mark.parametrize("known", [True, False])
def test_a_style_that_was_never_learnt_is_told_as_a_guess(language: str, known: bool) -> None:
    facts = {"wish": "a fox", "style": "cubist", "styles": ["flat", "ink"], "known_style": known}
    told = wording.reply_text(Say.PICTURE, facts, now=NOON, language=language)
    assert ("flat" in told) != known


@pytest.mark.parametrize("daily", [None, 1])
def test_a_temporary_limit_is_told_in_every_language(daily: int | None) -> None:
    limit = TemporaryLimit(
        id=1,
        tier=Tier.FREE,
        reason=control.REASON,
        since=NOON,
        until=NOON + 60,
        by="mod",
        daily=daily,
    )
    told = [
        wording.limit_line(limit, wording.moment(NOON + 60), each) for each in ("en", *LANGUAGES)
    ]
    assert len({*told}) == len(told)
    assert all("free" in line and "<t:" in line for line in told)
    assert not any(control.REASON in line for line in told[1:])


def test_a_language_nobody_speaks_is_english() -> None:
    assert wording.phrase("already", "tlh") == wording.phrase("already")
    assert wording.reply_text(Say.FAILED, {}, now=NOON, language="tlh") == wording.reply_text(
        Say.FAILED, {}, now=NOON
    )


def test_moments_are_told_in_the_readers_own_time_where_the_platform_can() -> None:
    facts = {"quota": 3, "left": 0, "retry_at": NOON + 0.5}
    live = wording.reply_text(Say.DAILY_QUOTA, {**facts, "live_times": True}, now=NOON)
    assert f"<t:{int(NOON) + 1}:R>" in live
    assert "<t:" not in wording.reply_text(Say.DAILY_QUOTA, facts, now=NOON)


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
@pytest.mark.parametrize("state", [*JobState, "received", "refused"])
def test_every_state_has_its_line(state: str, language: str) -> None:
    ticket = Ticket(state=state, job_id=1, position=3, eta=1_000.0)
    told = wording.status(ticket, Progress(step=1, steps=4), language, now=NOON)
    assert told
    late = wording.phrase("status.late", language) in told
    assert late == (state == JobState.AVAILABLE)


def test_details_and_policies_are_a_line_each() -> None:
    job = Job(
        id=3,
        mention_id=1,
        platform="discord",
        source_id="1",
        account=an_account(),
        tier=Tier.FREE,
        prompt=Prompt(wish="a fox", style="ink"),
        seed=7,
        photo=None,
        state=JobState.COMPLETED,
        reason=None,
        attempts=1,
        crashes=0,
        created_at=NOON,
        claimed_at=NOON,
        finished_at=NOON,
    )
    told = wording.details(job, [PICTURE], "en").splitlines()
    assert told[:2] == ["Wish: a fox", "Style: ink"]
    assert "Without" not in "".join(told)
    policy = Policy(channels=("5",), quiet=(22, 6), member_limit=3, mod_channel="6")
    shown = wording.policy(policy, "en")
    assert "<#5>" in shown
    assert "22:00 to 6:00" in shown
