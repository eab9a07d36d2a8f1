"""The console over real sockets and a real store: who may come in, and what comes out."""

from __future__ import annotations

import contextlib
import functools
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientResponse, DummyCookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from data import (
    again,
    audit,
    bans,
    casebook,
    cases,
    desk,
    jobs,
    ledger,
    migrations,
    staff,
    terms,
    verdicts,
)
from data.audit import Act
from data.casebook import Filter
from data.pictures import PictureStore
from data.staff import Role
from data.store import Connection, Store
from data.words import Account, JobState, Ladder, Ruling, Stage, Terms, Tier, Verdict
from moderation.console import pages
from moderation.console import replay as replay_module
from moderation.console.door import DoorSettings, csrf_of, digest_of
from moderation.console.oauth import DiscordLogin
from moderation.console.pages import ROOT
from moderation.console.replay import Line, replay_line
from moderation.console.site import ConsoleSettings, first_key, open_console
from moderation.console.wishes import carry_out
from tests.conftest import NOON, Clock
from tests.moderation import scene

HTML = {"Accept": "text/html"}
FORMULA = '=HYPERLINK("http://evil.example","a fox")'


@dataclass
class Desk:
    """A running console, and somebody's browser in front of it."""

    client: TestClient[web.Request, web.Application]
    store: Store
    pictures: PictureStore
    clock: Clock
    cookie: str = ""

    async def sign_in(self, role: Role = Role.ADMIN, name: str = "bo") -> None:
        now = self.clock()
        self.cookie = f"cookie of {name} at {now}"
        await self.store.write(
            lambda c: staff.sign_in(c, name, name.title(), role, digest_of(self.cookie), now)
        )

    async def get(self, path: str, **headers: str) -> ClientResponse:
        return await self.client.get(
            ROOT + path, headers={**HTML, **headers}, cookies=self._cookies(), allow_redirects=False
        )

    async def page(self, path: str) -> str:
        answer = await self.get(path)
        assert answer.status == 200, await answer.text()
        return await answer.text()

    async def post(self, path: str, csrf: str | None = None, **form: Any) -> ClientResponse:
        token = csrf_of(self.cookie) if csrf is None else csrf
        return await self.client.post(
            ROOT + path,
            data={"csrf": token, **form},
            cookies=self._cookies(),
            allow_redirects=False,
        )

    async def did(self, path: str, **form: Any) -> str:
        """The word an act came back with."""
        answer = await self.post(path, **form)
        assert answer.status == 303, await answer.text()
        return answer.headers["Location"].partition("said=")[2]

    async def wish(self, state: str, who: str = "ada", words: str = "a red fox") -> int:
        now = self.clock()
        return await self.store.write(
            lambda c: scene.add(c, self.pictures, who, words, state, now - 60)
        )

    async def trail(self) -> list[tuple[str, str]]:
        entries = await self.store.read(lambda c: audit.trail(c, 50))
        return [(entry.by, entry.act) for entry in reversed(entries)]

    def _cookies(self) -> dict[str, str]:
        return {"muralist-desk": self.cookie} if self.cookie else {}


@contextlib.asynccontextmanager
async def running(
    store: Store, pictures: PictureStore, clock: Clock, door: DoorSettings | None = None
) -> AsyncIterator[Desk]:
    settings = ConsoleSettings(
        door=door or DoorSettings(),
        ladder=Ladder(days=30, steps=()),
        terms={tier: Terms(daily=3, burst=3, every=10, in_hand=3, weight=1) for tier in Tier},
    )
    async with open_console(store, pictures, clock, settings) as console:
        app = web.Application()
        app.add_subapp(ROOT, console)
        # Nothing is kept between requests: each says which cookie it carries.
        async with TestClient(TestServer(app), cookie_jar=DummyCookieJar()) as client:
            yield Desk(client=client, store=store, pictures=pictures, clock=clock)


@pytest.fixture(autouse=True)
def _templates_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are the same for every test."""
    monkeypatch.setattr(pages, "_templates", templates)


templates = functools.cache(pages._templates)


@pytest.fixture
async def at(store: Store, picture_store: PictureStore, clock: Clock) -> AsyncIterator[Desk]:
    async with running(store, picture_store, clock) as desk:
        yield desk


# -------------------------------------------------------------------------- the door


async def test_the_first_key_is_made_once_and_opens(at: Desk) -> None:
    key = await first_key(at.store, at.clock)
    assert key is not None
    assert await first_key(at.store, at.clock) is None
    answer = await at.post("/login/key", key=key, next=f"{ROOT}/audit")
    assert (answer.status, answer.headers["Location"]) == (303, f"{ROOT}/audit")
    cookie = answer.cookies["muralist-desk"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    at.cookie = cookie.value
    assert "Key holder" in await at.page("/audit")
    kept = await at.store.read(lambda c: c.execute("SELECT digest FROM staff_keys").fetchall())
    assert key not in str([tuple(row) for row in kept])


async def test_nobody_comes_in_without_a_session(at: Desk) -> None:
    for path in ("", "/review", "/wishes/1", "/all.csv", "/events", "/audit"):
        answer = await at.get(path)
        assert answer.status == 303, path
        assert answer.headers["Location"].startswith(f"{ROOT}/login"), path
    assert (await at.get("/wishes/1/pictures/0", Accept="image/*")).status == 401
    assert (await at.post("/wishes/1/approve")).status == 401


async def test_a_wrong_key_is_refused_and_the_eleventh_is_not_even_tried(at: Desk) -> None:
    key = await first_key(at.store, at.clock)
    for _ in range(10):
        assert (await at.post("/login/key", key="guess")).status == 403
    answer = await at.post("/login/key", key=key)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "300")
    at.clock.now += 301
    assert (await at.post("/login/key", key=key)).status == 303


async def test_a_way_on_that_leads_elsewhere_is_not_followed(at: Desk) -> None:
    key = await first_key(at.store, at.clock)
    for there in ("https://evil.example/", "//evil.example", "/moderationx", "/"):
        answer = await at.post("/login/key", key=key, next=there)
        assert answer.headers["Location"] == ROOT


async def test_a_tampered_cookie_is_nobody(at: Desk) -> None:
    await at.sign_in()
    await at.page("/review")
    at.cookie += "x"
    assert (await at.get("/review")).status == 303


async def test_a_session_ends_when_idle_and_when_signed_out(at: Desk) -> None:
    await at.sign_in()
    at.clock.now += staff.IDLE + 1
    assert (await at.get("/review")).status == 303
    await at.sign_in()
    answer = await at.post("/logout")
    assert answer.headers["Location"] == f"{ROOT}/login"
    assert (await at.get("/review")).status == 303


@pytest.mark.parametrize("token", ["", "wrong", csrf_of("another's cookie"), "ünï"])
async def test_a_form_that_is_not_ours_changes_nothing(at: Desk, token: str) -> None:
    await at.sign_in()
    wish = await at.wish("held")
    assert (await at.post(f"/wishes/{wish}/approve", csrf=token)).status == 403
    answer = await at.client.post(
        f"{ROOT}/wishes/{wish}/approve",
        data={"csrf": csrf_of(at.cookie)},
        cookies={"muralist-desk": at.cookie},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status == 403
    assert (await at.store.read(jobs.counts))[JobState.HELD] == 1


async def test_who_is_removed_is_out_with_the_next_click(at: Desk) -> None:
    await at.sign_in(Role.MODERATOR, "mo")
    mo = at.cookie
    await at.sign_in(Role.ADMIN, "ada")
    people = await at.store.read(staff.everybody)
    (number,) = [person.id for person in people if person.login == "mo"]
    assert await at.did(f"/team/{number}/remove") == "removed"
    at.cookie = mo
    assert (await at.get("/review")).status == 303
    assert (await at.post("/wishes/1/approve")).status == 401
    await at.sign_in(Role.ADMIN, "mo")
    assert (await at.get("/review")).status == 303, "not by a new session either"


async def test_viewers_look_moderators_decide_admins_change_the_house(at: Desk) -> None:
    wish = await at.wish("held")
    await at.sign_in(Role.VIEWER, "vi")
    assert "Approve" not in await at.page(f"/wishes/{wish}")
    for path in (f"/wishes/{wish}/approve", "/accounts/sandbox/ada/ban", "/many"):
        assert (await at.post(path, length="3600")).status == 403, path
    assert (await at.get("/all.csv")).status == 403
    await at.sign_in(Role.MODERATOR, "mo")
    assert (await at.post("/accounts/sandbox/ada/tier", tier="pro")).status == 403
    assert (await at.post("/policy/rule", rule="hate.named", scope="everyone")).status == 403


# ------------------------------------------------------------------- Discord's word


class FakeDiscord:
    """Discord's three addresses, and what it would say."""

    def __init__(self) -> None:
        self.roles: list[str] = ["7"]
        self.status = 200
        self.asked = 0
        self.verifiers: list[str] = []

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/api/v10/oauth2/token", self._token)
        app.router.add_get("/api/v10/users/@me/guilds/{guild}/member", self._member)
        async with TestServer(app) as server:
            yield str(server.make_url("")).rstrip("/")

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.verifiers.append(str(form["code_verifier"]))
        good = form["code"] == "good" and request.headers["Authorization"].startswith("Basic ")
        return web.json_response({"access_token": "secret-token"}, status=200 if good else 400)

    async def _member(self, request: web.Request) -> web.Response:
        self.asked += 1
        assert request.headers["Authorization"] == "Bearer secret-token"
        user = {"id": "4711", "username": "mo", "global_name": "Mo"}
        return web.json_response({"user": user, "roles": self.roles}, status=self.status)


@pytest.fixture
async def discord() -> FakeDiscord:
    return FakeDiscord()


@pytest.fixture
async def by_discord(
    store: Store, picture_store: PictureStore, clock: Clock, discord: FakeDiscord
) -> AsyncIterator[Desk]:
    async with discord.serving() as url:
        login = DiscordLogin(
            url=url,
            client_id="id",
            client_secret="hush",
            guild="1",
            roles={"7": Role.MODERATOR, "8": Role.ADMIN},
        )
        door = DoorSettings(discord=login, recheck=600, url="https://desk.example.org")
        async with running(store, picture_store, clock, door) as desk:
            yield desk


async def by_way_of_discord(at: Desk, code: str = "good", state: str | None = None) -> Any:
    """To Discord and back; the answer to the way back."""
    there = await at.get("/login/discord?next=%2Fmoderation%2Fheld")
    kept = there.cookies["__Host-muralist-desk-way"]
    assert kept["secure"]
    sent = dict(re.findall(r"[?&]([^=&]+)=([^&]*)", there.headers["Location"]))
    return await at.client.get(
        f"{ROOT}/login/back",
        params={"code": code, "state": sent["state"] if state is None else state},
        cookies={"__Host-muralist-desk-way": kept.value},
        headers=HTML,
        allow_redirects=False,
    )


class SecureDesk(Desk):
    def _cookies(self) -> dict[str, str]:
        return {"__Host-muralist-desk": self.cookie}


def carrying(at: Desk, answer: ClientResponse) -> Desk:
    cookie = answer.cookies["__Host-muralist-desk"].value
    return SecureDesk(at.client, at.store, at.pictures, at.clock, cookie)


async def test_a_role_at_discord_opens_and_its_token_lies_sealed(
    by_discord: Desk, discord: FakeDiscord
) -> None:
    answer = await by_way_of_discord(by_discord)
    assert (answer.status, answer.headers["Location"]) == (303, f"{ROOT}/held")
    mo = carrying(by_discord, answer)
    assert "moderator" in await mo.page("/held")
    assert len(discord.verifiers[0]) >= 43
    row = await mo.store.read(lambda c: tuple(c.execute("SELECT * FROM staff_sessions").fetchone()))
    assert "secret-token" not in str(row)
    assert mo.cookie not in str(row)


@pytest.mark.parametrize(
    ("code", "state", "roles"),
    [("good", "forged", ["7"]), ("bad", None, ["7"]), ("good", None, [])],
)
async def test_forged_state_bad_code_and_no_role_stay_outside(
    by_discord: Desk, discord: FakeDiscord, code: str, state: str | None, roles: list[str]
) -> None:
    discord.roles = roles
    answer = await by_way_of_discord(by_discord, code, state)
    assert answer.status == 403
    assert "__Host-muralist-desk" not in answer.cookies


async def test_a_role_lost_at_discord_is_noticed_before_the_next_act(
    by_discord: Desk, discord: FakeDiscord
) -> None:
    mo = carrying(by_discord, await by_way_of_discord(by_discord))
    wish = await mo.wish("held")
    discord.roles = []
    mo.clock.now += 61
    await mo.page("/held")  # looking is good for ten minutes
    assert (await mo.post(f"/wishes/{wish}/approve")).status == 401
    assert (await mo.get("/held")).status == 303
    assert ("discord:4711", Act.TURN_AWAY) in await mo.trail()


async def test_a_new_role_counts_and_no_answer_lets_nobody_in(
    by_discord: Desk, discord: FakeDiscord
) -> None:
    mo = carrying(by_discord, await by_way_of_discord(by_discord))
    discord.roles = ["7", "8"]
    mo.clock.now += 601
    assert "admin" in await mo.page("/team")
    discord.status = 502
    mo.clock.now += 601
    assert (await mo.get("/held")).status == 503
    discord.status = 200
    await mo.page("/held")


# -------------------------------------------------------------------------- the lists


async def test_the_address_holds_the_filters(at: Desk) -> None:
    await at.sign_in()
    await at.wish("held", "ada", "a red fox")
    await at.wish("failed", "bob", "a green boat")
    await at.wish("done", "ada", "a blue whale")
    shown = await at.page("/all?platform=sandbox&account=sandbox%3Aada&q=fox")
    assert ("red fox" in shown, "green boat" in shown, "blue whale" in shown) == (
        True,
        False,
        False,
    )
    assert "green boat" in await at.page("/failed")
    assert "green boat" not in await at.page("/all?until=2026-03-01")
    for bad in ("since=yesterday", "account=ada", "from=x"):
        answer = await at.get(f"/all?{bad}")
        assert answer.status == 400, bad


@pytest.mark.parametrize("as_", ["rows", "cards"])
async def test_whatever_platforms_say_is_text(at: Desk, as_: str) -> None:
    await at.sign_in()
    wish = await at.wish("held", scene.NASTY, scene.NASTY)
    address = f"/accounts/sandbox/{scene.NASTY.replace('/', '%2F')}"
    account = Account(platform="sandbox", user_id=scene.NASTY, handle=scene.NASTY)

    def say(c: Connection) -> None:
        cases.report(c, account, wish, scene.NASTY, NOON)
        bans.ban(c, account, None, scene.NASTY, scene.NASTY, NOON)
        desk.write_note(c, scene.NASTY, scene.NASTY, NOON, wish=wish)

    await at.store.write(say)
    shown = (f"/all?as={as_}", f"/wishes/{wish}", "/cases", "/audit", f"/all?q={scene.NASTY}")
    for path in (*shown, address):
        text = await at.page(path)
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path
        assert text.count("onerror=alert(1)&gt;") >= 1, path


async def test_searching_takes_any_string(at: Desk) -> None:
    await at.sign_in()
    await at.wish("held", "ada", 'a "red" fox')
    hostile = ['"', "*", "fox*", '"red', "a OR", "NEAR(", "fox AND NOT", "x:y", "(", "^fox", "\\"]
    hostile += [
        "'; DROP TABLE jobs; --",
        "fox\x00",
        "🦊",
        "-fox",
        "{a b}: c",
        "fox +",
        '""',
        "a" * 999,
    ]
    for words in hostile:
        answer = await at.client.get(
            f"{ROOT}/all",
            params={"q": words},
            cookies={"muralist-desk": at.cookie},
            headers=HTML,
        )
        assert answer.status == 200, words
    assert "fox" in await at.page("/all?q=fo*")


async def test_a_spreadsheet_gets_no_formula_and_the_export_is_in_the_books(at: Desk) -> None:
    await at.sign_in()
    await at.wish("done", "ada", FORMULA)
    table = await at.page("/all.csv?platform=sandbox")
    assert f"\"'{FORMULA[:10]}" in table
    lines = (await at.page("/all.ndjson")).splitlines()
    assert json.loads(lines[0])["wish"] == FORMULA
    assert (await at.trail())[-2:] == [("bo", Act.EXPORT)] * 2


async def test_pictures_are_found_by_place_and_never_by_path(at: Desk) -> None:
    await at.sign_in()
    wish = await at.wish("held")
    answer = await at.get(f"/wishes/{wish}/pictures/0")
    assert (answer.status, answer.content_type) == (200, "image/png")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (await at.trail())[-1] == ("bo", Act.VIEW)
    assert (await at.get(f"/wishes/{wish}/pictures/0/veiled")).status == 200
    assert (await at.trail())[-1] == ("bo", Act.VIEW), "the veil is not looked through"
    for place in ("1", "photo", "..%2f..%2fmuralist.db", "0%2f..%2f..", "%00", "٣"):
        assert (await at.get(f"/wishes/{wish}/pictures/{place}")).status == 404, place
    for path in ("/static/..%2fdoor.py", "/static/%2e%2e/door.py", "/static//etc/passwd"):
        assert (await at.get(path)).status in (403, 404), path


async def test_what_is_sealed_is_shown_to_nobody(at: Desk) -> None:
    await at.sign_in()
    wish = await at.wish("held", words="unspeakable")
    await at.store.write(lambda c: c.execute("UPDATE hits SET sealed = 1"))
    assert "unspeakable" not in await at.page("/all")
    assert (await at.get(f"/wishes/{wish}")).status == 404
    for which in ("0", "0/veiled"):
        assert (await at.get(f"/wishes/{wish}/pictures/{which}")).status == 403


# --------------------------------------------------------------------------- the acts


async def test_approved_goes_out_and_rejected_is_refunded_with_its_reason(at: Desk) -> None:
    await at.sign_in()
    good, bad = await at.wish("held", "ada"), await at.wish("held", "bob")
    assert await at.did(f"/wishes/{good}/approve") == "approved"
    assert await at.did(f"/wishes/{bad}/reject", reason="x", own="not  this\none") == "rejected"
    assert await at.did(f"/wishes/{bad}/reject", reason="x") == "late"
    row = await at.store.read(lambda c: casebook.row(c, bad, NOON))
    assert row is not None
    assert (row.state, row.reason) == ("refused", "not this one")
    bob = Account(platform="sandbox", user_id="bob", handle="bob")
    usage = await at.store.read(lambda c: ledger.usage(c, bob, NOON))
    assert usage.spoken_for == 0


async def test_severe_ones_need_two(at: Desk) -> None:
    wish = await at.wish("held")
    await at.store.write(lambda c: c.execute("UPDATE holds SET needed = 2"))
    await at.sign_in(Role.MODERATOR, "mo")
    assert await at.did(f"/wishes/{wish}/approve") == "second"
    assert await at.did(f"/wishes/{wish}/approve") == "second"
    await at.sign_in(Role.MODERATOR, "bo")
    assert "1 did so far" in await at.page(f"/wishes/{wish}")
    assert await at.did(f"/wishes/{wish}/approve") == "approved"


async def test_a_ban_cancels_what_waits_and_can_be_lifted(at: Desk) -> None:
    await at.sign_in()
    await at.wish("held", "ada")
    assert await at.did("/accounts/sandbox/ada/ban", length="3600", reason="spam") == "banned"
    assert JobState.HELD not in await at.store.read(jobs.counts)
    assert "Timed out until" in await at.page("/accounts/sandbox/ada")
    assert await at.did("/accounts/sandbox/ada/lift", own="sorry") == "unbanned"
    assert await at.did("/accounts/sandbox/ada/tier", tier="pro") == "tier"
    assert "pro" in await at.page("/accounts/sandbox/ada")
    assert (await at.post("/accounts/sandbox/ada/ban", length="7")).status == 400
    assert (await at.post("/accounts/sandbox/nobody/ban", length="3600")).status == 404


async def test_drawn_again_for_nothing_as_often_as_wanted(at: Desk) -> None:
    await at.sign_in()
    wish = await at.wish("failed", "ada", "a red fox")
    assert await at.did(f"/wishes/{wish}/again") == "again"
    assert await at.did(f"/wishes/{wish}/again") == "again"
    job = await at.store.read(lambda c: jobs.by_id(c, 3))
    assert job is not None
    assert (job.prompt.wish, job.state) == ("a red fox", JobState.AVAILABLE)
    assert job.source_id.endswith("/again/2")
    usage = await at.store.read(lambda c: ledger.usage(c, job.account, NOON))
    assert usage.spoken_for == 0


async def test_many_at_once_are_counted_wait_and_can_be_undone(at: Desk) -> None:
    await at.sign_in()
    wishes = [await at.wish("held", f"user{n}") for n in range(3)]
    done = await at.wish("done", "user9")
    shown = await at.post("/many", act="reject", wish=str(done), back="", whole=f"{ROOT}/all")
    text = await shown.text()
    assert "Reject 3 wishes?" in text
    assert "1 of those you chose cannot be" in text
    chosen = ",".join(map(str, wishes))
    await at.client.post(
        f"{ROOT}/many/plan",
        data=[("csrf", csrf_of(at.cookie)), ("act", "reject"), ("reason", "spam")]
        + [("wish", number) for number in chosen.split(",")],
        cookies={"muralist-desk": at.cookie},
    )
    assert "Undo" in await at.page("/review")
    assert await at.did("/many/1/undo") == "undone"
    at.clock.now += again.UNDO + 1
    await at.store.write(lambda c: None)
    assert (await at.store.read(jobs.counts))[JobState.HELD] == 3


def test_many_at_once_happen_when_nobody_objects(
    connection: Connection, picture_store: PictureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        scene.add(connection, picture_store, f"user{n}", "a fox", "held", NOON)
    mo = staff.sign_in(connection, "mo", "Mo", Role.MODERATOR, "digest", NOON)
    assert mo is not None
    monkeypatch.setattr(again, "PIECE", 3)
    again.plan(connection, mo.id, "approve", "", (1, 2, 3, 4), NOON)
    assert not carry_out(connection, NOON + 1)
    assert carry_out(connection, NOON + again.UNDO)
    assert jobs.counts(connection) == {}
    assert not again.undo(connection, 1, mo.id, NOON + 20), "too late, and one is left"
    assert carry_out(connection, NOON + 20)
    assert not carry_out(connection, NOON + 60)


async def test_a_case_is_closed_with_its_outcome(at: Desk) -> None:
    await at.sign_in()
    wish = await at.wish("refused", "ada", "a rubber duck")
    ada = Account(platform="sandbox", user_id="ada", handle="ada")
    case = await at.store.write(lambda c: cases.appeal(c, ada, wish, "It is a duck.", NOON))
    assert "It is a duck." in await at.page("/cases")
    assert "rubber duck" in await at.page("/reported")
    assert await at.did(f"/cases/{case}/close", outcome="overturned", own="a duck") == "resolved"
    assert await at.did(f"/cases/{case}/close", outcome="upheld") == "late"
    assert "rubber duck" not in await at.page("/reported")


async def test_a_wish_that_became_no_job_has_its_notes_and_cases(at: Desk) -> None:
    await at.sign_in()
    wish = await at.wish("refused", words="a rubber duck")
    ada = Account(platform="sandbox", user_id="ada", handle="ada")
    await at.store.write(lambda c: cases.appeal(c, ada, wish, "It is a duck.", NOON))
    assert await at.did(f"/wishes/{wish}/note", text="ducks again") == "noted"
    assert await at.did(f"/wishes/{wish}/note", text=" ") == ""
    page = await at.page(f"/wishes/{wish}")
    assert "ducks again" in page
    assert "It is a duck." in page
    entries = await at.store.read(lambda c: audit.trail(c, 1))
    assert (entries[0].act, entries[0].subject) == (Act.NOTE, f"wish {wish}")


async def test_a_rule_is_replayed_before_it_is_in_force(at: Desk) -> None:
    await at.sign_in()
    for n, words in enumerate(("a crypto coin", "a red fox", "crypto giveaway")):
        await at.wish("done", f"user{n}", words)
    await at.store.write(lambda c: c.execute("UPDATE casebook SET guild = '7'"))
    form = {"pattern": r"\bcrypto\b", "ruling": "refuse", "scope": "guild:7"}
    answer = await at.post("/policy/try", **form)
    assert "<b>2 more</b>" in await answer.text()
    assert await at.did("/policy/rule", **form, own="scams") == "rule"
    assert "crypto" in await at.page("/policy")
    assert await at.did("/policy/patterns/1/remove") == "rule"
    for bad in ({"pattern": "("}, {"scope": "galaxy"}, {"rule": "nonsense", "pattern": ""}):
        answer = await at.post("/policy/try", **{**form, **bad})
        assert answer.status == 400, bad
    assert await at.did("/policy/line", name="nsfw.hold", scope="tier:pro", value="0.7") == "rule"
    assert "0.7, for tier:pro" in await at.page("/policy")


async def test_a_line_is_replayed_on_the_scores_that_were_kept(at: Desk) -> None:
    await at.sign_in()
    sexual = "it came out as something not everybody wants to see"

    async def scored(score: float, *others: float, ruling: Ruling = Ruling.ALLOW) -> int:
        wish = await at.wish(
            "held" if ruling is Ruling.HOLD else "done", f"u{score}", f"no {score}"
        )
        for each in (score, *others):
            verdict = Verdict(ruling=ruling, check="nsfw", reason=sexual, scores={"nsfw": each})
            await at.store.write(
                lambda c: verdicts.note(c, wish, Stage.PICTURE, verdict, at.clock())  # noqa: B023
            )
        return wish

    await scored(0.05)
    await scored(0.1, 0.35)  # two pictures: the wish counts once, by the higher
    fine, bad = await scored(0.31), await scored(0.45)
    harmless = await scored(0.64, ruling=Ruling.HOLD)
    await at.store.write(
        lambda c: c.execute("UPDATE casebook SET state = 'removed' WHERE id = ?", (bad,))
    )
    for wish in (harmless, fine):
        await at.store.write(lambda c: verdicts.overturn(c, wish, NOON))  # noqa: B023
    form = {"name": "nsfw.hold", "scope": "everyone"}
    told = await (await at.post("/policy/try", **form, value="0.3")).text()
    assert "last <b>5</b> wishes" in told
    assert "held <b>3 more</b>, 0 of them appealed and overturned, 1 taken down later" in told
    told = await (await at.post("/policy/try", **form, value="0.7")).text()
    assert "<b>0 more</b>, and <b>1 fewer</b>, 1 of them found harmless" in told
    told = await (await at.post("/policy/try", **{**form, "scope": "adults"}, value="0.3")).text()
    assert "<b>0 more</b>" in told
    for wrong in ({"value": "much"}, {"value": ""}, {"name": "flood.words", "value": "3"}):
        assert (await at.post("/policy/try", **{**form, **wrong})).status == 400, wrong


async def test_a_replay_reads_so_far_and_no_farther(
    at: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(9):
        wish = await at.wish("done", f"u{n}")
        verdict = Verdict(ruling=Ruling.ALLOW, check="nsfw", scores={"nsfw": 0.1})
        await at.store.write(lambda c: verdicts.note(c, wish, Stage.PICTURE, verdict, NOON))  # noqa: B023
    line = Line(scope="everyone", name="nsfw.hold", value=0.0)
    assert (await replay_line(at.store, line, 0.0)).more == 9
    monkeypatch.setattr(replay_module, "REACH", 4)
    assert (await replay_line(at.store, line, 0.0)).more == 9
    monkeypatch.setattr(replay_module, "FARTHEST", 8)
    assert 0 < (await replay_line(at.store, line, 0.0)).more < 9


async def test_the_line_tells_and_pages_hear_of_it(at: Desk) -> None:
    await at.sign_in()
    await at.wish("held")
    page = await at.page("/line")
    assert "held for you" in page
    assert "1 wishes in the last" in page
    events = await at.client.get(
        f"{ROOT}/events?view=held&query={ROOT}/held&newest=0",
        cookies={"muralist-desk": at.cookie},
    )
    heard = b""
    while b"event: new" not in heard:
        heard += await events.content.readany()
    assert b'<span class="count">1</span>' in heard
    at.clock.now += staff.LONGEST + 1
    await at.store.write(lambda c: None)
    while b"event: over" not in heard:
        heard += await events.content.readany()
    events.close()


# ----------------------------------------------------------------------- the casebook


def plan(connection: Connection, sql: str, values: list[object]) -> str:
    rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
    return " | ".join(row["detail"] for row in rows)


@pytest.mark.parametrize(
    ("shown", "index"),
    [
        (Filter(), "SCAN casebook"),
        (Filter(view="held"), "casebook_state"),
        (Filter(view="review"), "casebook_review"),
        (Filter(view="reported"), "casebook_reported"),
        (Filter(facets={"platform": "x"}), "casebook_platform"),
        (Filter(facets={"rule": "nsfw"}), "casebook_rule"),
        (Filter(account=("x", "1")), "casebook_account"),
        (Filter(words="fox"), "casebook_words VIRTUAL TABLE"),
    ],
)
def test_a_list_walks_one_index_and_sorts_nothing(
    connection: Connection, shown: Filter, index: str
) -> None:
    for oldest_first in (False, True):
        sql, values = casebook._source(connection, shown, 100, oldest_first=oldest_first)
        told = plan(connection, sql, values)
        assert index in told or "INTEGER PRIMARY KEY" in told, told
        assert "TEMP B-TREE" not in told, told


@pytest.mark.parametrize(
    ("scan", "piece", "looking", "expected"),
    [(5, 5, 60.0, 3), (10, 5, 60.0, 2), (10, 5, -1.0, 3)],
    ids=["one piece", "two pieces", "no time for a second piece"],
)
def test_a_short_look_says_where_to_look_further(
    connection: Connection,
    picture_store: PictureStore,
    monkeypatch: pytest.MonkeyPatch,
    scan: int,
    piece: int,
    looking: float,
    expected: int,
) -> None:
    for name, value in (("SCAN", scan), ("PIECE", piece), ("LOOKING", looking)):
        monkeypatch.setattr(casebook, name, value)
    for n in range(12):
        state = "failed" if n == 0 else "done"
        scene.add(connection, picture_store, f"u{n}", "a fox", state, NOON + n)
    shown = Filter(words="fox", facets={"state": "failed"})
    found: list[casebook.Row] = []
    cursor, looks = None, 0
    while True:
        stretch = casebook.stretch(connection, shown, 50, NOON, cursor=cursor)
        found += stretch.rows
        looks += 1
        if stretch.next is None:
            break
        assert stretch.bounded
        cursor = stretch.next
    assert [row.id for row in found] == [1]
    assert looks == expected


def test_counters_are_what_counting_finds(
    connection: Connection, picture_store: PictureStore
) -> None:
    for n, state in enumerate(("held", "done", "failed", "refused", "held", "done")):
        scene.add(connection, picture_store, f"u{n}", "a fox", state, NOON)
    desk.approve(connection, 1, "mo", "fine", NOON)
    desk.reject(connection, 4, "mo", "no", NOON)
    counted = connection.execute("SELECT state, count(*) AS n FROM casebook GROUP BY state")
    truth = {row["state"]: row["n"] for row in counted}
    told = casebook.counts(connection)
    assert {view: told[view] for view in ("held", "failed", "refused")} == {
        view: truth.get(view, 0) for view in ("held", "failed", "refused")
    }
    assert dict(casebook.choices(connection, "state")) == truth


def test_a_casebook_for_wishes_that_were_there_before_it(
    connection: Connection, picture_store: PictureStore
) -> None:
    for n, state in enumerate(("held", "done", "failed", "refused")):
        scene.add(connection, picture_store, f"u{n}", "a fox", state, NOON)
    rows = "SELECT id, platform, user_id, tier, model, rule, state FROM casebook ORDER BY id"
    before = [tuple(row) for row in connection.execute(rows)]
    connection.execute("DELETE FROM casebook")
    connection.execute("DELETE FROM casebook_words")
    for statement in migrations.statements("m010_casebook"):
        if statement.startswith("INSERT INTO casebook"):
            connection.execute(statement)
    assert [tuple(row) for row in connection.execute(rows)] == before
    assert casebook.count(connection, Filter(words="fox")) == 4


async def test_tiers_and_temporary_limits_are_changed_at_the_desk(at: Desk) -> None:
    await at.sign_in()
    assert await at.did("/limits/tiers/free", daily="5", weight="", own="a quiet week") == "limits"
    plus = {"tier": "plus", "daily": "10", "length": "86400", "reason": "so many <came>"}
    assert await at.did("/limits/announce", **plus) == "limits"
    page = await at.page("/limits")
    assert "10 a day, because so many &lt;came&gt;" in page
    assert "10 a day, because so many" in await at.page("/line")

    def look(c: Connection) -> tuple[int, list[Tier]]:
        default = Terms(daily=3, burst=3, every=10, in_hand=3, weight=1)
        limited = [limit.tier for limit in terms.in_force(c)]
        return terms.of_tier(c, Tier.FREE, default).daily, limited

    assert await at.store.read(look) == (5, [Tier.PLUS])
    assert await at.did("/limits/plus/lift") == "limits"
    assert await at.did("/limits/plus/lift") == "late"
    assert await at.store.read(look) == (5, [])
    acts = [act for _, act in await at.trail()]
    assert acts[-3:] == [Act.TIER, Act.LIMIT, Act.LIMIT]


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/limits/tiers/free", {"daily": "many"}),
        ("/limits/tiers/free", {"weight": "0"}),
        ("/limits/tiers/free", {"wait": "nan"}),
        ("/limits/announce", {"tier": "free", "daily": "3", "length": "86400", "reason": " "}),
        ("/limits/announce", {"tier": "free", "daily": "-1", "length": "86400", "reason": "so"}),
        ("/limits/announce", {"tier": "king", "daily": "3", "length": "86400", "reason": "so"}),
    ],
)
async def test_nonsense_changes_no_limit(at: Desk, path: str, form: dict[str, str]) -> None:
    await at.sign_in()
    assert (await at.post(path, **form)).status == 400
    assert await at.store.read(lambda c: (terms.in_force(c), terms.changes(c))) == ([], [])


async def test_only_admins_change_limits(at: Desk) -> None:
    await at.sign_in(Role.MODERATOR)
    assert (await at.post("/limits/free/lift")).status == 403
    assert "Announce" not in await at.page("/limits")
