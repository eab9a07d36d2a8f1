"""A newcomer's first minutes: a real browser, the real process, the embedded model."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.process import Bot

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
]
#: Until something is there, in milliseconds: the model may still be loading, the machine busy.
PATIENCE = 60_000

pytestmark = pytest.mark.browser


def executable() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = executable()
    if path is None:
        message = f"no browser found (looked for {', '.join(BROWSERS)})"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(f"BROWSER TESTS SKIPPED: {message}")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    with Bot(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture
def page(browser: Browser, bot: Bot) -> Iterator[Page]:
    """The sandbox in a fresh context; its console must stay silent."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in LOUD else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(bot.address)
    yield page
    context.close()
    assert said == []


LOUD = ("error", "warning")


def wish(page: Page, words: str) -> None:
    """Write into the composer and post with the keyboard."""
    field = page.get_by_label("Your wish")
    field.fill(words)
    field.press("Control+Enter")


def be(page: Page, handle: str) -> None:
    """Post as another of the demo people."""
    page.locator(f"label:has(input[value={handle}])").click()


def painted(page: Page) -> Locator:
    return page.locator("article.by-bot .picture img")


def test_tag_the_bot_and_the_picture_comes_back_as_a_reply(page: Page) -> None:
    wish(page, "@muralist a red apple on a blue background")
    picture = painted(page).first
    expect(picture).to_be_visible()
    expect(picture).to_have_attribute(
        "alt", "AI-generated picture: a red apple on a blue background."
    )
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") >= 128
    expect(page.locator("article.by-bot").first).to_contain_text("2 of 3 pictures left today")


def test_restyle_an_attached_photo(page: Page, tmp_path: Path) -> None:
    photo = Image.new("RGB", (320, 320), "white")
    ImageDraw.Draw(photo).ellipse((60, 60, 260, 260), fill="red")
    photo.save(tmp_path / "ball.png")
    be(page, "noor")
    page.locator("input[name=photo]").first.set_input_files(tmp_path / "ball.png")
    wish(page, "@muralist --style ink")
    reply = page.locator("article.by-bot", has_text="Redrawn")
    expect(reply.locator(".picture img")).to_be_visible()
    expect(reply).to_contain_text("in ink style")


def test_the_story_of_a_picture_is_behind_a_button(page: Page) -> None:
    be(page, "kenji")
    wish(page, "@muralist a green apple --seed 42")
    reply = page.locator("article.by-bot", has_text="green apple")
    expect(reply.locator(".picture img")).to_be_visible()
    reply.get_by_role("button", name="Details").click()
    details = page.locator("#details")
    expect(details).to_be_visible()
    expect(details).to_contain_text("42")
    page.keyboard.press("Escape")
    expect(details).to_be_hidden()


def test_again_and_markup_in_a_wish(page: Page) -> None:
    be(page, "kenji")
    wish(page, "@muralist <b onmouseover=alert(1)>a yellow star</b>")
    reply = page.locator("article.by-bot", has_text="yellow star")
    expect(reply.locator(".picture img")).to_be_visible()
    before = painted(page).count()
    reply.get_by_role("button", name="Again").click()
    expect(painted(page)).to_have_count(before + 1)
    assert page.locator("b[onmouseover]").count() == 0


def test_the_fourth_wish_is_refused_with_the_time_to_try_again(page: Page) -> None:
    be(page, "ada")
    for colour in ("red", "green", "blue", "yellow"):
        wish(page, f"@muralist a {colour} apple")
        expect(page.locator("article", has_text=f"a {colour} apple").first).to_be_visible()
    refusal = page.locator("article.by-bot", has_text="did not cost you anything").first
    expect(refusal).to_be_visible()
    expect(refusal).to_contain_text("00:00 UTC")


def test_a_phone_has_no_sideways_scrolling(browser: Browser, bot: Bot) -> None:
    for scheme in ("light", "dark"):
        context = browser.new_context(
            viewport={"width": 390, "height": 844}, color_scheme=scheme, has_touch=True
        )
        page = context.new_page()
        page.goto(bot.address)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390
        context.close()
