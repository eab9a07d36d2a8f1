"""What people write, and what the bot reads in it."""

from __future__ import annotations

import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots import grammar
from bots.grammar import LARGEST_SEED, LONGEST_WISH, clean, parse
from data.words import Intent, Prompt


def read(text: str, *, replying: bool = False, has_photo: bool = False) -> Prompt:
    return parse(text, handle="muralist", replying=replying, has_photo=has_photo)


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("@muralist a red fox", "a red fox"),
        ("a red fox", "a red fox"),
        ("@Muralist a red fox", "a red fox"),
        ("＠muralist a red fox", "a red fox"),
        ("@a @b @muralist a fox", "a fox"),
        ("@muralist, a fox", "a fox"),
        ("hey @muralist draw a fox", "a fox"),
        ("a fox please @muralist", "a fox"),
        ("@muralist @ada as a knight", "ada as a knight"),
        ("@muralist a portrait of @ada at cat@home", "a portrait of ada at cat@home"),
        ("@muralistic a fox", "muralistic a fox"),
        ("@muralist https://t.co/Ab1 a fox t.co/xyz", "a fox"),
        ("@muralist\na\tfox\u2028runs", "a fox runs"),
    ],
)
def test_handles_and_links_are_taken_out(text: str, wish: str) -> None:
    assert read(text).wish == wish


def test_in_an_answer_leading_handles_are_addresses() -> None:
    assert read("@muralist @bob make it blue", replying=True).wish == "make it blue"


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("please draw me a fox", "a fox"),
        ("Can you please paint a cat for me? Thanks!", "a cat"),
        ("can you paint a cat for me please!", "a cat"),
        ("imagine dragons", "dragons"),
        ("/imagine prompt: a fox", "a fox"),
        ("draw me a picture of a fox, please!", "a fox"),
        ("make me a cake", "a cake"),
        ("I'd like a fox", "a fox"),
        ('draw "a fox"', "a fox"),
        ("Hello there! Draw a fox", "a fox"),
        ("hello kitty", "hello kitty"),
        ("make it winter", "make it winter"),
        ("paint it black", "paint it black"),
        ("paint-splattered wall", "paint-splattered wall"),
        ("show jumping horse", "show jumping horse"),
        ("yo-yo", "yo-yo"),
        ("a fox in anime style", "a fox in anime style"),
        ("a stop sign", "a stop sign"),
        ("a thank you card", "a thank you card"),
    ],
)
def test_politeness_is_trimmed_and_wishes_are_not(text: str, wish: str) -> None:
    assert read(text).wish == wish


def test_all_flags_at_once() -> None:
    """The line of the issue, with the dashes a phone makes of it."""
    prompt = read("a fox —ar 16:9 –seed 42 --style=anime --no text --n 2 --strength 0.6")
    assert prompt == Prompt(
        wish="a fox",
        aspect="16:9",
        seed=42,
        style="anime",
        negative="text",
        count=2,
        strength=0.6,
    )


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ('--style "oil on canvas" x', "style", "oil on canvas"),
        ("--style “oil on canvas” x", "style", "oil on canvas"),
        ("x --style Pixel Art", "style", "pixel art"),
        ("x --style anime style", "style", "anime"),
        ("x --style: ink", "style", "ink"),
        ("x --STYLE ink", "style", "ink"),
        ("x --style ink --style flat", "style", "flat"),
        ("x --ar 1920x1080", "aspect", "16:9"),
        ("x --ar 4:2", "aspect", "2:1"),
        ("x --aspect portrait", "aspect", "2:3"),
        ("x --ar 1000:1", "aspect", "3:1"),
        ("x --ar 1:1000", "aspect", "1:3"),
        ("x --seed 0", "seed", 0),
        ("x --seed ٤٢", "seed", 42),
        ("x --seed " + "9" * 5000, "seed", LARGEST_SEED),
        ("x --n 0", "count", 1),
        ("x --n 9", "count", 4),
        ("x --n2", "count", 2),
        ("x --strength 60%", "strength", 0.6),
        ("x --strength 0,5", "strength", 0.5),
        ("x --no text, blurry hands --n 2", "negative", "text, blurry hands"),
        ("--no text, frames x", "negative", "text, frames"),
        ("x --no text --no 'a frame'", "negative", "text, a frame"),
    ],
)
def test_flags_are_read_liberally(text: str, field: str, value: object) -> None:
    prompt = read(text)
    assert getattr(prompt, field) == value
    assert prompt.wish == "x"


@pytest.mark.parametrize(
    ("text", "ignored"),
    [
        ("x --chaos 50", ("--chaos 50",)),
        ("x —chaos 50", ("--chaos 50",)),
        ("--tile x", ("--tile",)),
        ("x --ar banana", ("--ar banana",)),
        ("x --ar 0:9", ("--ar 0:9",)),
        ("x --seed -5", ("--seed -5",)),
        ("x --seed", ("--seed",)),
        ("x --seed --n 2", ("--seed",)),
        ("x --strength 0", ("--strength 0",)),
        ("x --strength nan", ("--strength nan",)),
        ("x --n two", ("--n two",)),
        ("x --n 9", ("--n above 4",)),
        ("x --ar 9:1", ("--ar beyond 3:1",)),
        ("x --tile --tile", ("--tile",)),
    ],
)
def test_what_was_not_understood_is_told(text: str, ignored: tuple[str, ...]) -> None:
    prompt = read(text)
    assert prompt.ignored == ignored
    assert prompt.wish == "x"


def test_dashes_in_prose_are_no_flags() -> None:
    wish = "a fox - red—and bold —brave, well-known"
    assert read(wish) == Prompt(wish=wish)


@pytest.mark.parametrize(
    "text",
    ["again", "Another one please!", "@muralist one more", "re-roll", "do it again?", "encore"],
)
def test_again(text: str) -> None:
    prompt = read(text)
    assert (prompt.intent, prompt.wish) == (Intent.AGAIN, "")


@pytest.mark.parametrize(
    "text", ["stop", "please stop!", "Delete this.", "cancel my job", "@muralist, remove", "删除"]
)
def test_cancel(text: str) -> None:
    prompt = read(text, has_photo=True)
    assert (prompt.intent, prompt.wish) == (Intent.CANCEL, "")


@pytest.mark.parametrize("text", ["again but at night", "a bus stop", "draw a cancel button"])
def test_orders_count_only_alone(text: str) -> None:
    assert read(text).intent is Intent.PAINT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@muralist",
        "@muralist https://t.co/x",
        "   \x00\t",
        "!!!",
        "\u200d\u200b",
        "hi",
        "please draw me",
        "restyle this",
        "draw this photo please",
    ],
)
def test_nothing_to_draw_is_a_restyle_where_there_is_a_photo(text: str) -> None:
    assert read(text).intent is Intent.NOTHING
    with_photo = read(text, has_photo=True)
    assert (with_photo.intent, with_photo.wish, with_photo.style) == (Intent.PAINT, "", None)


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("🦊", "fox face"),
        ("draw 🦊!", "fox face"),
        ("🦊🌊 👩🏽\u200d🚀", "fox face, water wave, woman rocket"),
        ("🔥🔥🔥", "fire"),
        ("❤️", "heart"),
        ("🖤", "black heart"),
        ("🇩🇪", "flag"),
        ("a 🦊 in snow", "a 🦊 in snow"),
    ],
)
def test_emoji_alone_are_put_into_words(text: str, wish: str) -> None:
    assert read(text).wish == wish


@pytest.mark.parametrize(
    "wish",
    [
        "ein roter Fuchs auf blauem Grund",
        "un zorro rojo sobre fondo azul",
        "un renard roux très élégant",
        "czerwony lis w śniegu",
        "красная лиса на снегу",
        "μια κόκκινη αλεπού",
        "ثعلب أحمر على خلفية زرقاء",
        "שועל אדום על רקע כחול",
        "नीली पृष्ठभूमि पर लाल लोमड़ी",
        "青い背景の赤い狐",
        "蓝色背景上的红狐狸",
        "파란 배경의 빨간 여우",
        "روباه قرمز می\u200cدود",
    ],
)
def test_every_language_comes_through(wish: str) -> None:
    assert read(f"@muralist {wish} --seed 7") == Prompt(wish=clean(wish), seed=7)


def test_hidden_and_reordering_characters_are_removed() -> None:
    hidden = "\u202ea\u00ad red\u2066 \ufefffox\u2069\x00\x07\U000e0041\ud800"
    assert read(hidden).wish == "a red fox"
    assert read("\x1b[31ma red fox\x1b[0m").wish == "a red fox"


def test_html_is_only_words() -> None:
    assert read("<b>a fox</b><script>alert(1)</script>").wish == "a fox alert(1)"
    assert read("3 < 4 foxes").wish == "3 < 4 foxes"


def test_text_is_composed() -> None:
    assert read("cafe\u0301").wish == "café"


def test_a_very_long_wish_is_cut_at_a_word_and_told() -> None:
    prompt = read("@muralist " + "fox " * 2500 + "--seed 3")
    assert len(prompt.wish) <= LONGEST_WISH
    assert prompt.wish.endswith("fox")
    assert prompt.seed == 3
    assert prompt.ignored == ("what came after 1,000 characters",)
    assert len(read("狐" * 10_000).wish) == LONGEST_WISH


@pytest.mark.parametrize(
    "text",
    [
        "@" * 20_000,
        "please " * 3000,
        "—n " * 7000,
        "--style '" * 2500,
        "<a" * 10_000,
        "🦊" * 20_000,
    ],
)
def test_a_hostile_text_is_read_all_the_same(text: str) -> None:
    assert isinstance(read(text), Prompt)


FRAGMENTS = st.sampled_from(
    [
        "@muralist",
        "@ada",
        "--ar",
        "--seed",
        "--no",
        "--n",
        "—style",
        "16:9",
        "42",
        "anime",
        "please",
        "draw",
        "stop",
        "again",
        "a",
        "fox,",
        "me",
        "thanks",
        "<b>",
        "https://t.co/x",
        *"\"'“”<>-—:=,",
        "🦊",
        "ثعلب",
        "é",
        "狐",
        "\x00",
        "\u202e",
    ]
)
TEXTS = st.text() | st.lists(FRAGMENTS | st.text(max_size=4), max_size=12).map(" ".join)


@given(text=TEXTS, replying=st.booleans(), has_photo=st.booleans())
def test_any_text_gives_a_sane_prompt(text: str, replying: bool, has_photo: bool) -> None:
    prompt = read(text, replying=replying, has_photo=has_photo)
    for told in (prompt.wish, prompt.style or "", prompt.negative or "", *prompt.ignored):
        assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in told)
        assert unicodedata.is_normalized("NFC", told)
    assert len(prompt.wish) <= LONGEST_WISH
    assert 1 <= prompt.count <= 4
    assert prompt.seed is None or 0 <= prompt.seed <= LARGEST_SEED
    assert prompt.strength is None or 0 < prompt.strength <= 1
    assert (prompt.intent is Intent.PAINT) or not prompt.wish
    assert Prompt.from_json(prompt.to_json()) == prompt


PLAIN = st.text(string.ascii_lowercase + " 狐ثé🦊,.", max_size=60)


@given(text=TEXTS | PLAIN)
def test_a_wish_read_twice_is_the_same_wish(text: str) -> None:
    once = read(text).wish
    twice = read(once).wish
    assert read(twice).wish == twice
    assert len(twice) <= len(once) or not once


@pytest.mark.parametrize("text", ["@muralist thanks!", "@muralist Thank you so much ❤️", "merci"])
def test_thanks_ask_for_nothing(text: str) -> None:
    assert read(text).intent is Intent.THANKS


def test_a_thank_you_card_is_a_wish() -> None:
    assert read("@muralist a thank you card").intent is Intent.PAINT


@pytest.mark.parametrize(
    ("words", "wish"),
    [
        ("make it green", "a fox, green"),
        ("but now paint it in the rain", "a fox, in the rain"),
        ("on a hill", "a fox on a hill"),
        ("as a robot", "a fox as a robot"),
        ("a green cat", None),
        ("make me a cat", None),
        ("onion soup", None),
    ],
)
def test_words_about_a_picture_change_its_wish(words: str, wish: str | None) -> None:
    assert grammar.refined("a fox", words) == wish


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("@muralist report", Intent.REPORT),
        ("@muralist Report this picture: it shows me", Intent.REPORT),
        ("@muralist report it because it is cruel!", Intent.REPORT),
        ("@muralist appeal", Intent.APPEAL),
        ("@muralist I appeal: it is a cake", Intent.APPEAL),
        ("@muralist a weather report", Intent.PAINT),
        ("@muralist report card of a wizard", Intent.PAINT),
        ("@muralist an appealing fox", Intent.PAINT),
    ],
)
def test_complaints_are_heard_in_answers_only(text: str, intent: Intent) -> None:
    assert read(text, replying=True).intent is intent
    assert read(text).intent is Intent.PAINT
