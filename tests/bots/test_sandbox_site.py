"""The sandbox's network from outside: JSON, pages, pictures and live events."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web as aioweb
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image

from bots import web
from bots.platform import House
from bots.platforms import sandbox
from bots.platforms.sandbox import Sandbox
from bots.pulse import Pulse
from bots.timeline import draft
from bots.timeline.suggestions import suggest, with_article
from data import jobs, mentions
from data.words import JobState, Picture, Prompt, Reply, Tier
from ratelimit.tiers import DAILY
from tests.conftest import Clock, a_mention, an_account

Client = TestClient[aioweb.Request, aioweb.Application]

FAR = 10**18 - 1
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}"


def an_image(kind: str = "PNG", size: tuple[int, int] = (12, 8)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "tomato").save(file, kind)
    return file.getvalue()


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture
async def platform(house: House) -> AsyncIterator[Sandbox]:
    async with sandbox.open(house) as opened:
        yield opened


@pytest.fixture
async def client(platform: Sandbox) -> AsyncIterator[Client]:
    app = web.build([platform], lambda: True, Pulse(), "127.0.0.1")
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def posted(client: Client, **fields: Any) -> int:
    answer = await client.post("/api/posts", json={"as": "ada", "text": "@muralist a fox"} | fields)
    assert answer.status == 201, await answer.text()
    return int((await answer.json())["id"])


async def shown(client: Client, post_id: int) -> dict[str, Any]:
    answer = await client.get(f"/api/posts/{post_id}")
    assert answer.status == 200
    fields: dict[str, Any] = await answer.json()
    return fields


async def painted(platform: Sandbox, house: House, post_id: int, alt: str = "A fox.") -> Picture:
    """The fake bot: a picture as the reply to a post."""
    digest = await asyncio.to_thread(house.pictures.put, an_image(size=(32, 32)))
    picture = Picture(
        sha256=digest, media_type="image/png", width=32, height=32, seed=1, engine="test"
    )
    await platform.reply(
        Reply(
            key=f"muralist:{post_id}",
            source_id=str(post_id),
            account=an_account(),
            text="Here it is.",
            pictures=((picture, alt),),
        )
    )
    return picture


async def admitted(house: House, post_id: int) -> int:
    """The bot's part up to the line, without its intake."""
    mention = a_mention(str(post_id))

    def act(c: Any) -> int:
        received = mentions.receive(c, "sandbox", [mention], None, house.clock())[0]
        mentions.decide(c, received.id, house.clock())
        return jobs.insert(
            c,
            received.id,
            mention,
            Tier.FREE,
            Prompt(wish="a fox", style="clay"),
            42,
            None,
            house.clock(),
        )

    return await house.store.write(act)


# ---------------------------------------------------------------------- JSON


async def test_a_post_is_written_and_shown(client: Client, clock: Clock) -> None:
    post_id = await posted(client, **{"as": "@Guest_1", "text": "hello  there"})
    assert await shown(client, post_id) == {
        "id": post_id,
        "author": "guest_1",
        "text": "hello  there",
        "in_reply_to": None,
        "created_at": clock.now,
        "photo": None,
        "pictures": [],
        "replies": [],
        "state": None,
        "position": None,
        "eta": None,
    }


async def test_a_wish_is_received_then_in_the_line_then_answered(
    client: Client, platform: Sandbox, house: House
) -> None:
    post_id = await posted(client)
    assert (await shown(client, post_id))["state"] == "received"
    await admitted(house, post_id)
    fields = await shown(client, post_id)
    assert (fields["state"], fields["position"]) == ("available", 1)

    picture = await painted(platform, house, post_id)
    assert (await shown(client, post_id))["replies"] == [
        {
            "id": post_id + 1,
            "author": "muralist",
            "text": "Here it is.",
            "pictures": [
                {
                    "url": f"/pictures/{picture.sha256}",
                    "alt": "A fox.",
                    "width": 32,
                    "height": 32,
                }
            ],
        }
    ]


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"as": None}, 422, "who posts"),
        ({"as": ""}, 422, "who posts"),
        ({"as": "x" * 33}, 422, "who posts"),
        ({"as": "a b"}, 422, "who posts"),
        ({"as": "<b>"}, 422, "who posts"),
        ({"as": 7}, 422, "who posts"),
        ({"as": "Muralist"}, 403, "the bot itself"),
        ({"text": ""}, 422, "some words or a photo"),
        ({"text": " \x00\x07 "}, 422, "some words or a photo"),
        ({"text": ["a"]}, 422, "must be a string"),
        ({"text": None}, 422, "must be a string"),
        ({"text": "x" * (draft.LONGEST_TEXT + 1)}, 413, "12,000 characters"),
        ({"in_reply_to": 999}, 404, "no such post"),
        ({"in_reply_to": -1}, 404, "no such post"),
        ({"in_reply_to": 2**70}, 404, "no such post"),
        ({"in_reply_to": "9" * 50}, 404, "no such post"),
        ({"in_reply_to": True}, 422, "id of a post"),
        ({"in_reply_to": "x"}, 422, "id of a post"),
        ({"photo": 5}, 422, "base64"),
        ({"photo": "not base64!"}, 422, "base64"),
        ({"photo": "äöü"}, 422, "base64"),
        ({"photo": in_base64(b"x" * 8_000_001)}, 413, "8 MB"),
        ({"photo": "A" * 13_000_000}, 413, "8 MB"),
    ],
)
async def test_what_cannot_be_posted_is_refused_with_one_sentence(
    client: Client, fields: dict[str, Any], status: int, said: str
) -> None:
    body = io.BytesIO(json.dumps({"as": "ada", "text": "hello"} | fields).encode())
    answer = await client.post(
        "/api/posts", data=body, headers={"Content-Type": "application/json"}
    )
    error = (await answer.json())["error"]
    assert (answer.status, said in error) == (status, True), error
    assert error.endswith((".", "null."))
    assert "\n" not in error


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b'"a"', b"NaN"])
async def test_a_body_that_is_no_json_object_is_refused(client: Client, body: bytes) -> None:
    answer = await client.post(
        "/api/posts", data=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status == 400
    assert "JSON object" in (await answer.json())["error"]


async def test_a_form_is_refused(client: Client) -> None:
    answer = await client.post("/api/posts", data={"as": "ada", "text": "hello"})
    assert (answer.status, "JSON" in (await answer.json())["error"]) == (415, True)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({}, 201),
    ],
)
async def test_other_sites_cannot_post(
    client: Client, headers: dict[str, str], status: int
) -> None:
    answer = await client.post("/api/posts", json={"as": "ada", "text": "x"}, headers=headers)
    assert answer.status == status


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("@muralist a\x00 fox\x1b[31m", "@muralist a fox[31m"),
        ("@muralist one\r\ntwo\rthree", "@muralist one\ntwo\nthree"),
        ("@muralist \ud83d half an emoji", "@muralist  half an emoji"),
        ("@muralist 🦊🦊🦊", "@muralist 🦊🦊🦊"),
        ("@muralist ثعلب أحمر", "@muralist ثعلب أحمر"),
        ("@muralist " + "fox " * 2_500, ("@muralist " + "fox " * 2_500).strip()),
        ("@muralist " + EVIL, "@muralist " + EVIL),
    ],
)
async def test_strange_words_are_kept_as_words(client: Client, sent: str, kept: str) -> None:
    fields = await shown(client, await posted(client, text=sent))
    assert (fields["text"], fields["state"]) == (kept, "received")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_a_photo_is_shown_and_its_file_kept_for_the_bot(
    client: Client, house: House, platform: Sandbox, kind: str
) -> None:
    file = an_image(kind, (300, 200))
    post_id = await posted(client, text="", photo=in_base64(file))
    photo = (await shown(client, post_id))["photo"]
    answer = await client.get(photo)
    assert answer.status == 200
    assert Image.open(io.BytesIO(await answer.read())).size == (300, 200)


@pytest.mark.parametrize(
    "file", [b"just text, named .png", an_image("JPEG", (64, 64))[:200], b"<svg onload='x'/>"]
)
async def test_a_file_that_is_no_picture_is_the_bots_affair(client: Client, file: bytes) -> None:
    post_id = await posted(client, photo=in_base64(file))
    assert (await shown(client, post_id))["photo"] is None
    page = await (await client.get("/")).text()
    assert "A file is attached that cannot be shown as a picture." in page


async def test_the_list_of_posts_goes_on_page_by_page(client: Client) -> None:
    numbers = [await posted(client, text=f"post {n}") for n in range(5)]
    first = await (await client.get("/api/posts?limit=3")).json()
    rest = await (await client.get(f"/api/posts?limit=3&before={first['before']}")).json()
    assert [post["id"] for post in first["posts"] + rest["posts"]] == numbers[::-1]
    assert rest["before"] is None


@pytest.mark.parametrize("query", ["before=x", "before=-1", f"before={FAR}0000", "limit=0"])
async def test_a_nonsense_query_is_harmless(client: Client, query: str) -> None:
    await posted(client)
    assert (await client.get(f"/api/posts?{query}")).status == 200
    assert (await client.get(f"/?{query}")).status == 200


@pytest.mark.parametrize("path", ["/api/posts/999", f"/api/posts/{FAR}", "/api/posts/999/job"])
async def test_what_is_not_there_is_said_in_json(client: Client, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status, "error" in await answer.json()) == (404, True)


async def test_the_status_tells_queue_engine_and_limits(client: Client, house: House) -> None:
    await admitted(house, await posted(client))
    assert await (await client.get("/api/status")).json() == {
        "queue": {"waiting": 1, "executing": 0, "held": 0},
        "engine": {"name": "test", "ready": True},
        "limits": {"tiers": {tier: {"pictures_per_day": n} for tier, n in DAILY.items()}},
    }


async def test_a_job_tells_its_story_under_the_wish_and_under_the_answer(
    client: Client, platform: Sandbox, house: House
) -> None:
    post_id = await posted(client)
    assert (await client.get(f"/api/posts/{post_id}/job")).status == 404
    await admitted(house, post_id)
    await painted(platform, house, post_id)
    story = await (await client.get(f"/api/posts/{post_id}/job")).json()
    assert (story["style"], story["seed"], story["state"]) == ("clay", 42, JobState.AVAILABLE)
    assert [line["event"] for line in story["journal"]] == ["mention"]
    assert await (await client.get(f"/api/posts/{post_id + 1}/job")).json() == story
    details = await (await client.get(f"/posts/{post_id + 1}/details")).text()
    assert "clay" in details


async def test_the_api_explains_itself(client: Client) -> None:
    manual = await client.get("/api")
    assert manual.content_type == "text/plain"
    assert "POST /api/posts" in await manual.text()


# ------------------------------------------------------------------ pictures


async def test_a_picture_may_be_kept_for_ever(
    client: Client, platform: Sandbox, house: House
) -> None:
    picture = await painted(platform, house, await posted(client))
    answer = await client.get(f"/pictures/{picture.sha256}")
    assert await answer.read() == an_image(size=(32, 32))
    assert answer.headers["Content-Type"] == "image/png"
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "digest",
    ["0" * 64, "A" * 64, "x", "..%2f..%2fetc%2fpasswd", "%2e%2e%2fx", "a" * 63 + "/", "%00" * 64],
)
async def test_nothing_but_shown_pictures_is_served(client: Client, digest: str) -> None:
    assert (await client.get(f"/pictures/{digest}")).status == 404


async def test_a_kept_file_no_post_shows_is_not_served(client: Client, house: House) -> None:
    """The raw upload may carry where it was taken; only its cleaned form is shown."""
    secret = await asyncio.to_thread(house.pictures.put, an_image())
    text = await asyncio.to_thread(house.pictures.put, b"<script>alert(1)</script>")
    await posted(client, photo=in_base64(b"<script>alert(1)</script>"))
    assert (await client.get(f"/pictures/{secret}")).status == 404
    assert (await client.get(f"/pictures/{text}")).status == 404


# --------------------------------------------------------------------- pages


async def test_an_empty_wall_invites(client: Client) -> None:
    page = await (await client.get("/")).text()
    assert "The wall is still empty" in page
    assert 'data-wish="a red apple' in page


async def test_words_of_strangers_are_shown_and_never_run(
    client: Client, platform: Sandbox, house: House
) -> None:
    post_id = await posted(client, text="@muralist " + EVIL)
    await painted(platform, house, post_id, alt=EVIL)
    await admitted(house, await posted(client, text="@muralist " + EVIL))
    for path in ("/", "/threads", f"/posts/{post_id + 2}/details"):
        html = await (await client.get(path)).text()
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "&lt;script&gt;alert(1)" in html


async def test_pages_allow_nothing_inline_and_nothing_from_elsewhere(client: Client) -> None:
    await posted(client)
    answer = await client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    page = await answer.text()
    assert "style=" not in page
    assert "http://" not in page
    assert "https://" not in page
    assert " onclick" not in page


async def test_older_threads_are_a_link_away(client: Client) -> None:
    numbers = [await posted(client, text=f"post {n}") for n in range(15)]
    page = await (await client.get("/")).text()
    assert f'href="/?before={numbers[3]}"' in page
    below = await (await client.get(f"/threads?before={numbers[3]}")).text()
    assert below.count('class="thread"') == 3
    assert "older" not in below


async def test_an_answer_stands_below_what_it_answers(
    client: Client, platform: Sandbox, house: House
) -> None:
    first = await posted(client)
    other = await posted(client, text="@muralist a cat", in_reply_to=first)
    await painted(platform, house, first)
    html = await (await client.get("/threads")).text()
    order = [html.index(f'id="{name}"') for name in (f"post-{first}", f"post-{other}")]
    assert order == sorted(order)
    assert f'id="easel-{other}"' in html
    assert f'id="easel-{first}"' not in html


# -------------------------------------------------------------------- events


async def heard(stream: aiohttp.ClientResponse, kind: str, words: str) -> str:
    """The next event of this kind that says these words."""
    lines: list[str] = []
    event = ""
    while True:
        line = (await asyncio.wait_for(stream.content.readline(), 5)).decode().rstrip("\r\n")
        if line.startswith("event: "):
            event, lines = line.removeprefix("event: "), []
        elif line.startswith("data: "):
            lines.append(line.removeprefix("data: "))
        elif not line and event == kind and words in "\n".join(lines):
            return "\n".join(lines)


async def test_what_happens_arrives_by_itself(
    client: Client, platform: Sandbox, house: House
) -> None:
    async with client.get("/events") as stream:
        await heard(stream, "state", "nobody waiting")
        post_id = await posted(client)
        await heard(stream, "threads", f'id="easel-{post_id}"')
        await admitted(house, post_id)
        await heard(stream, "state", "1 waiting")
        picture = await painted(platform, house, post_id)
        html = await heard(stream, "threads", picture.sha256)
        assert f'id="easel-{post_id}"' not in html


async def test_only_what_changed_is_sent_again(client: Client) -> None:
    quiet = await posted(client, text="quiet")
    async with client.get("/events") as stream:
        await heard(stream, "threads", f'id="thread-{quiet}"')
        busy = await posted(client, text="busy")
        html = await heard(stream, "threads", f'id="thread-{busy}"')
        assert f'id="thread-{quiet}"' not in html


async def test_leaving_the_page_is_no_error(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    stream = await client.get("/events")
    await heard(stream, "state", "waiting")
    stream.close()
    for number in range(3):
        await posted(client, text=f"after {number}")
        await asyncio.sleep(0.25)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


# --------------------------------------------------------------- suggestions


@pytest.mark.parametrize(
    ("thing", "told"),
    [
        ("fox", "a fox"),
        ("owl", "an owl"),
        ("umbrella", "an umbrella"),
        ("unicorn", "a unicorn"),
        ("cherries", "cherries"),
        ("octopus", "an octopus"),
        ("T-Rex", "a T-Rex"),
    ],
)
def test_suggestions_speak_english(thing: str, told: str) -> None:
    assert with_article(thing) == told


def test_suggestions_change_and_need_nothing() -> None:
    things = [f"thing{n}" for n in range(40)]
    assert suggest(things, ["clay"], turn=1) != suggest(things, ["clay"], turn=2)
    assert suggest([], [], turn=1) == []
    assert len(suggest(["fox"], [], turn=1)) == 1
