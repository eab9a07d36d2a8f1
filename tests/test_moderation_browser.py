"""A moderator's shift: a real browser, the real process, a desk with something on it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect

from tests.conftest import Promise
from tests.moderation import scene
from tests.process import Bot
from tests.test_browser import LOUD, PATIENCE, browser  # noqa: F401  the same kind of browser

#: From a moderator's word to the reply, in seconds.
PROMISE = 2.0

pytestmark = pytest.mark.browser


@dataclass
class Shift:
    """The running bot, what lies on its desk, and the key to it."""

    bot: Bot
    wishes: dict[str, int]
    key: str

    @property
    def address(self) -> str:
        return f"{self.bot.address}/moderation"

    def wish(self, name: str) -> str:
        return f"{self.address}/wishes/{self.wishes[name]}"


@pytest.fixture(scope="module")
def shift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shift]:
    folder: Path = tmp_path_factory.mktemp("desk")
    wishes = scene.lay_out(folder)
    with Bot(folder) as bot:
        assert bot.process is not None
        assert bot.process.stdout is not None
        told = bot.process.stdout.readline()
        assert "shown only this once" in told
        yield Shift(bot, wishes, told.split()[-1])


@pytest.fixture(scope="module")
def page(browser: Browser, shift: Shift) -> Iterator[Page]:  # noqa: F811
    """One moderator's browser, signed in; its console must stay silent the whole shift."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    said: list[str] = []
    page.on("console", lambda one: said.append(one.text) if one.type in LOUD else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(f"somebody's script: {dialog.message}"))
    page.goto(shift.address)
    assert_accessible(page)
    page.get_by_label("Key").fill(shift.key)
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", name="Needs review")).to_be_visible()
    yield page
    context.close()
    assert said == []


Scheme = Literal["light", "dark"]


def assert_accessible(page: Page, *schemes: Scheme) -> None:
    """No violation that axe knows; in other schemes than the light one only colours differ."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    every: tuple[Scheme, ...] = ("light", *schemes)
    for scheme in every:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        only = {"runOnly": ["color-contrast"]} if scheme == "dark" else {}
        found = page.evaluate("options => axe.run(options)", {"reporter": "no-passes", **only})[
            "violations"
        ]
        told = [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found]
        assert told == [], f"{page.url} {scheme}"
    page.emulate_media(color_scheme="light")


SCREENS = {
    "/review": True,
    "/all?as=cards&tier=free&q=a": True,
    "{held oskar}": True,
    "{done juno}": False,
    "/accounts/sandbox/troll": True,
    "/cases": False,
    "/line": True,
    "/policy": True,
    "/audit": True,
    "/team": True,
}


def test_every_screen_is_for_everybody_and_fits_a_phone(page: Page, shift: Shift) -> None:
    for path, dark in SCREENS.items():
        name = path.strip("{}")
        answer = page.goto(shift.wish(name) if name in shift.wishes else shift.address + path)
        assert answer is not None
        assert answer.ok, path
        assert_accessible(page, *(("dark",) if dark else ()))
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        page.set_viewport_size({"width": 1280, "height": 860})


def test_two_keys_look_and_approve_and_the_reply_is_there(
    page: Page, shift: Shift, promise: Promise
) -> None:
    page.goto(shift.address)
    page.keyboard.press("j")
    first = page.locator("li.wish.at")
    expect(first).to_contain_text("lighthouse")
    page.keyboard.press("v")
    expect(first.locator("img.real")).to_be_visible()
    began = time.monotonic()
    page.keyboard.press("a")
    shift.bot.wait_for(3, lambda post: post["replies"])
    promise("approve_key_to_posted", time.monotonic() - began, PROMISE)
    expect(page.get_by_text("Approved. It goes out now.")).to_be_visible()
    page.goto(f"{shift.address}/audit")
    expect(page.locator(".books tr", has_text="view").first).to_contain_text("key")
    expect(page.locator(".books tr", has_text="approve").first).to_contain_text("job 3")


def test_taken_down_here_is_gone_there(page: Page, shift: Shift) -> None:
    page.goto(shift.wish("held lena_k"))
    page.get_by_text("Take the reply down…").click()
    page.get_by_role("button", name="Take down").click()
    expect(page.get_by_text("The platform removes it now.")).to_be_visible()
    shift.bot.wait_for(3, lambda post: not post["replies"])
    page.goto(f"{shift.address}/removed")
    expect(page.locator("li.wish")).to_contain_text("lighthouse")


def test_r_and_enter_reject_with_the_fitting_reason(page: Page, shift: Shift) -> None:
    page.goto(f"{shift.address}/held")
    row = page.locator("li.wish", has_text="octopus")
    for _ in range(page.locator("li.wish").count()):
        page.keyboard.press("j")
        if row.evaluate("row => row.classList.contains('at')"):
            break
    page.keyboard.press("r")
    expect(page.locator("#reject input:checked")).to_have_value(
        "it shows a real person who did not ask for it"
    )
    page.keyboard.press("Enter")
    expect(page.get_by_text("Rejected.")).to_be_visible()
    expect(page.locator("li.wish", has_text="octopus")).to_have_count(0)


def test_search_and_filters_need_no_reload_and_fit_in_an_address(page: Page, shift: Shift) -> None:
    page.goto(f"{shift.address}/all")
    page.evaluate("window.sameOne = true")
    page.keyboard.press("/")
    page.keyboard.type("hammock")
    page.keyboard.press("Enter")
    expect(page.locator("li.wish")).to_have_count(1)
    without = page.get_by_role("link", name="Without “hammock”")
    without.click()
    expect(without).to_have_count(0)
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("State").select_option("failed")
    expect(page.locator("li.wish")).to_have_count(1)
    expect(page).to_have_url(re.compile("state=failed"))
    assert page.evaluate("window.sameOne")
    page.goto(page.url)
    expect(page.locator("li.wish")).to_contain_text("submarine")


def test_many_are_counted_before_and_undone_after(page: Page, shift: Shift) -> None:
    page.goto(f"{shift.address}/held")
    before = page.locator("li.wish").count()
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("#chosen")).to_have_text("2")
    page.get_by_role("button", name="Reject…").click()
    expect(page.get_by_role("heading", name="Reject 2 wishes?")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Reject 2").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Taken back. Nothing of it happened.")).to_be_visible()
    expect(page.locator("li.wish")).to_have_count(before)


def test_b_times_out_and_it_can_be_lifted(page: Page, shift: Shift) -> None:
    page.goto(shift.wish("held quentin"))
    page.keyboard.press("b")
    expect(page.locator("#ban")).to_contain_text("@quentin")
    assert_accessible(page)
    page.get_by_label("1 hour").check()
    page.get_by_role("button", name="Ban", exact=True).click()
    expect(page.get_by_text("What was queued is cancelled")).to_be_visible()
    page.get_by_role("link", name="@quentin").first.click()
    page.get_by_placeholder("Why, in a few words").fill("a mistake")
    page.get_by_role("button", name="Lift it").click()
    expect(page.get_by_text("Lifted.")).to_be_visible()


def test_notes_tiers_and_drawing_again(page: Page, shift: Shift) -> None:
    page.goto(f"{shift.address}/accounts/sandbox/pixelpat")
    page.locator("select[name=tier]").select_option("pro")
    page.get_by_role("button", name="Change").click()
    expect(page.locator(".facts")).to_contain_text("pro")
    page.get_by_role("link", name="submarine").click()
    expect(page.locator("h1")).to_contain_text("submarine")
    page.get_by_label("A note for other moderators").fill("out of memory again?")
    page.get_by_role("button", name="Note it").click()
    expect(page.locator(".note")).to_contain_text("Key holder")
    page.get_by_role("button", name="Draw again").click()
    expect(page.get_by_text("It is drawn again, for nothing.")).to_be_visible()


def test_an_appeal_is_heard(page: Page, shift: Shift) -> None:
    page.goto(f"{shift.address}/cases")
    appeal = page.locator("article.filed", has_text="rubber duck")
    appeal.get_by_label("Why").fill("it is a duck")
    appeal.get_by_role("button", name="They are right").click()
    expect(page.get_by_text("The case is closed.")).to_be_visible()
    expect(page.locator("article.filed.closed", has_text="rubber duck")).to_contain_text(
        "overturned"
    )


def test_a_rule_is_replayed_and_put_in_force(page: Page, shift: Shift) -> None:
    page.goto(f"{shift.address}/policy")
    page.get_by_label("or pattern").fill(r"\bcastle\b")
    page.locator("#try").get_by_role("button", name="Replay").click()
    expect(page.locator(".verdict")).to_contain_text("would have blocked 1 more")
    assert_accessible(page)
    page.locator("select[name=rule]").select_option("violence.close")
    page.get_by_label("or pattern").fill("")
    page.locator("#try select[name=ruling]").select_option("refuse")
    page.locator("#try").get_by_role("button", name="Replay").click()
    expect(page.locator(".verdict")).to_contain_text("0 more")
    page.get_by_role("button", name="Put it in force").click()
    expect(page.get_by_text("refuse, for everyone")).to_be_visible()


def test_a_line_is_replayed_on_scores_and_drawn(page: Page, shift: Shift) -> None:
    page.goto(f"{shift.address}/policy")
    form = page.locator("#try-line")
    form.get_by_label("or line").select_option("nsfw.hold")
    form.get_by_label("at").fill("0.9")
    form.get_by_role("button", name="Replay scores").click()
    expect(page.locator(".verdict")).to_contain_text("fewer")
    assert_accessible(page, "dark")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1280, "height": 860})
    page.get_by_role("button", name="Put it in force").click()
    expect(page.get_by_text("0.9, for everyone")).to_be_visible()


def test_a_note_on_a_wish_that_became_nothing(page: Page, shift: Shift) -> None:
    page.goto(shift.wish("refused mara"))
    page.get_by_label("A note for other moderators").fill("asked before")
    page.get_by_role("button", name="Note it").click()
    expect(page.locator(".note")).to_contain_text("asked before")
    assert_accessible(page)


def test_what_happens_elsewhere_is_told_without_a_jump(page: Page, shift: Shift) -> None:
    page.goto(f"{shift.address}/all")
    shown = page.locator("li.wish").count()
    shift.bot.post("@muralist a green apple", who="noor")
    expect(page.locator("#new")).to_have_text("1 new")
    assert page.locator("li.wish").count() == shown
    page.locator("#new").click()
    expect(page.locator("li.wish").first).to_contain_text("green apple")


def test_it_can_be_taken_home_and_left(page: Page, shift: Shift) -> None:
    page.goto(f"{shift.address}/all")
    page.get_by_text("Export", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert "hammock" in download.value.path().read_text(encoding="utf-8")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Key")).to_be_visible()
