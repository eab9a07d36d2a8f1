"""The judge is judged: careless clients are convicted, a careful one is acquitted."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.conftest import NOON, Clock
from tests.fake_x import descriptions, questions, refusal, text
from tests.fake_x.caller import Caller, Heard, NoAnswer, an_image
from tests.fake_x.endpoints import Endpoint
from tests.fake_x.faults import Fault, FaultScript, weather
from tests.fake_x.limits import Cap, Family, Limits, widened
from tests.fake_x.server import FakeX
from tests.fake_x.verdict import judge, unanswered
from tests.fake_x.world import Draft, Lags, Span, Trouble, World

CREATE, MENTIONS = Endpoint.CREATE, Endpoint.MENTIONS


@pytest.fixture
async def x(clock: Clock) -> AsyncIterator[FakeX]:
    async with FakeX(clock=clock, held_seconds=0.2, slow_seconds=0.05) as fake:
        yield fake


@pytest.fixture
async def caller(x: FakeX) -> AsyncIterator[Caller]:
    async with Caller(x, seconds=1.0) as one:
        yield one


def convictions(x: FakeX) -> set[str]:
    """The kinds of what is wrong: the words before the first colon."""
    return {sentence.partition(":")[0] for sentence in judge(x)}


# Whole clients


class Careful:
    """Looks before it repeats, remembers whom it answered, waits as long as it is told to."""

    def __init__(self, caller: Caller, clock: Clock) -> None:
        self._caller = caller
        self._clock = clock

    async def live(self) -> None:
        seen: set[str] = set()
        asked = {"tweet.fields": "author_id,edit_history_tweet_ids", "max_results": "5"}
        while True:
            page = await self.insist(functools.partial(self._caller.mentions, **asked))
            for post in page.body.get("data", []):
                if (key := post["edit_history_tweet_ids"][0]) not in seen:
                    seen.add(key)
                    await self.answer(post["id"])
            if "next_token" not in page.body["meta"]:
                return
            asked["pagination_token"] = page.body["meta"]["next_token"]

    async def answer(self, mention: str) -> None:
        media = await self.picture()
        while True:
            try:
                heard = await self._caller.reply(mention, f"A red fox, {mention}.", media)
            except NoAnswer:
                if await self.stands(mention):
                    return
                continue
            if heard.status == 201 or (heard.status >= 500 and await self.stands(mention)):
                return
            if heard.status == 400:
                media = await self.picture()
            self.wait(heard)

    async def picture(self) -> str:
        """An image with its text; a new one where the first has expired by then."""
        while True:
            media = (await self.insist(lambda: self._caller.upload(an_image()))).id
            described = await self.insist(
                functools.partial(self._caller.describe, media, "A red fox.")
            )
            if described.status == 200:
                return media

    async def stands(self, mention: str) -> bool:
        self._clock.now += 60
        asked = {"since_id": mention, "max_results": "100", "tweet.fields": "referenced_tweets"}
        page = await self.insist(lambda: self._caller.timeline(**asked))
        referred = [ref for post in page.body.get("data", []) for ref in post["referenced_tweets"]]
        return {"type": "replied_to", "id": mention} in referred

    async def insist(self, call: Callable[[], Awaitable[Heard]]) -> Heard:
        """For calls that may be repeated freely."""
        while True:
            try:
                heard = await call()
            except NoAnswer:
                continue
            if heard.status <= 400:
                return heard
            self.wait(heard)

    def wait(self, heard: Heard) -> None:
        if heard.status == 429:
            resets = [
                int(heard.headers[f"{family}-reset"])
                for family in Family
                if heard.headers.get(f"{family}-remaining") == "0"
            ]
            self._clock.now = max([*resets, self._clock.now + (60 if not resets else 0)])


@pytest.mark.parametrize("guarded", [True, False])
async def test_a_careful_client_is_acquitted_whatever_goes_wrong(
    x: FakeX, caller: Caller, clock: Clock, guarded: bool
) -> None:
    x.world.guards_duplicates = guarded
    x.world.lags = Lags(timeline=(1, 50))
    x.faults.chances = {
        endpoint: {fault: chance for fault, chance in chances.items() if fault is not Fault.SLOW}
        for endpoint, chances in weather(0.3).items()
    }
    for number in range(30):
        x.world.ask(f"ada{number}", "a red fox")
    await Careful(caller, clock).live()
    assert judge(x) == []
    assert sum(x.faults.struck.values()) > 20
    assert any(fault.after for _, fault in x.faults.struck)


async def test_a_naive_retry_doubles(x: FakeX, caller: Caller) -> None:
    """No look-up: what was accepted before the line was cut is posted again."""
    mention = x.world.ask("ada", "a red fox").id
    x.faults.put(CREATE, Fault.DROP_AFTER)
    for attempt in range(2):
        media = await caller.picture()
        try:
            await caller.reply(mention, f"A red fox, attempt {attempt}.", media)
        except NoAnswer:
            continue
    assert convictions(x) == {"doubled"}


@pytest.mark.parametrize(
    "fault",
    [
        Fault.DROP_AFTER,
        Fault.TIMEOUT_AFTER,
        Fault.JSON_503_AFTER,
        Fault.HTML_503_AFTER,
        Fault.EMPTY_503_AFTER,
    ],
)
async def test_the_same_text_again_meets_the_second_guard(
    x: FakeX, caller: Caller, fault: Fault
) -> None:
    mention = x.world.ask("ada", "a red fox").id
    media = await caller.picture()
    x.faults.put(CREATE, fault)
    with contextlib.suppress(NoAnswer):
        assert (await caller.reply(mention, "A red fox.", media)).status == 503
    again = await caller.reply(mention, "A red fox.", media)
    assert again.status == 403
    assert "duplicate content" in again.body["detail"]
    assert judge(x) == []


async def test_without_the_second_guard_a_repeat_doubles(x: FakeX, caller: Caller) -> None:
    x.world.guards_duplicates = False
    mention = x.world.ask("ada", "a red fox").id
    media = await caller.picture()
    x.faults.put(CREATE, Fault.DROP_AFTER)
    for _ in range(2):
        with contextlib.suppress(NoAnswer):
            await caller.reply(mention, "A red fox.", media)
    assert convictions(x) == {"doubled"}


async def test_no_dedupe_of_an_edited_mention_doubles(x: FakeX, caller: Caller) -> None:
    first = x.world.ask("ada", "a red fox")
    second = x.world.edit(first.id, "@muralist a red fox, please")
    for version in (first.id, second.id):
        await caller.reply(version, f"A fox for {version}.", await caller.picture())
    assert convictions(x) == {"doubled"}


async def test_a_mention_forgotten_is_lost(x: FakeX) -> None:
    mention = x.world.ask("ada", "a red fox")
    assert convictions(x) == {"lost"}
    assert unanswered(x.world) == [mention.id]


async def test_a_mention_deleted_before_it_was_answered_is_nobody_s_fault(x: FakeX) -> None:
    x.world.delete(x.world.ask("ada", "a red fox").id)
    assert judge(x) == []


async def test_a_reply_needs_a_picture(x: FakeX, caller: Caller) -> None:
    await caller.reply(x.world.ask("ada", "a red fox").id, "A red fox.")
    assert convictions(x) == {"no picture"}


async def test_a_picture_needs_an_alt_text_and_the_label(x: FakeX, caller: Caller) -> None:
    media = (await caller.upload(an_image())).id
    mention = x.world.ask("ada", "a red fox").id
    await caller.reply(mention, "A red fox.", media, made_with_ai=False)
    assert convictions(x) == {"no alt text", "not labelled as made with AI"}


async def test_a_reply_to_the_parent_is_refused_and_convicted(x: FakeX, caller: Caller) -> None:
    parent = x.world.post("bob", "My garden")
    x.world.ask("ada", "this as a fresco", reply_to=parent.id)
    heard = await caller.reply(parent.id, "A fresco.", await caller.picture())
    assert heard.status == 403
    assert "not been mentioned" in heard.body["detail"]
    assert convictions(x) == {"lost", "offence"}


async def test_a_post_nobody_asked_for_is_a_stray(x: FakeX, caller: Caller) -> None:
    quoted = x.world.post("ada", "@muralist hello", quote=None)
    await caller.reply(quoted.id, "Hello!", await caller.picture())
    assert convictions(x) == {"stray"}


async def test_a_link_or_a_handle_in_a_reply_is_convicted(x: FakeX, caller: Caller) -> None:
    mention = x.world.ask("ada", "a red fox").id
    await caller.reply(mention, "See muralist.art, @bob!", await caller.picture())
    assert convictions(x) == {"a link in " + reply_id(x), "a handle in " + reply_id(x)}
    assert x.world.bill.by_kind()["post"] == 200


def reply_id(x: FakeX) -> str:
    return x.world.of_the_bot()[0].id


# What is refused


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda post, x: x.world.delete(post.id), "deleted or not visible"),
        (lambda post, x: setattr(post.author, "protected", True), "deleted or not visible"),
        (lambda post, x: setattr(post.author, "suspended", True), "deleted or not visible"),
        (lambda post, x: post.author.blocks.add(x.world.bot.id), "blocked"),
        (lambda post, x: setattr(post, "replies_from", "following"), "restricts"),
        (lambda post, x: setattr(x.world, "trouble", Trouble.LOCKED), "temporarily locked"),
        (lambda post, x: setattr(x.world, "trouble", Trouble.SUSPENDED), "suspended"),
        (lambda post, x: setattr(x.world, "trouble", Trouble.SCOPE), "permissions"),
        (lambda post, x: setattr(x.world, "trouble", Trouble.CREDITS), "credits"),
    ],
)
async def test_a_reply_is_refused_for_a_reason_that_is_no_offence(
    x: FakeX, caller: Caller, change: Callable[[object, FakeX], None], why: str
) -> None:
    mention = x.world.ask("ada", "a red fox")
    media = await caller.picture()
    change(mention, x)
    heard = await caller.reply(mention.id, "A red fox.", media)
    assert heard.status in (402, 403)
    assert why in heard.body["detail"]
    assert "offence" not in convictions(x)


async def test_media_expires_and_belongs_to_one_reply(
    x: FakeX, caller: Caller, clock: Clock
) -> None:
    first, second = x.world.ask("ada", "a fox"), x.world.ask("bob", "a fox")
    media = await caller.picture()
    assert (await caller.reply(first.id, "A fox.", media)).status == 201
    assert (await caller.reply(second.id, "Another fox.", media)).status == 400
    fresh = await caller.picture()
    clock.now += 86_400
    assert (await caller.reply(second.id, "Another fox.", fresh)).status == 400
    assert (await caller.reply(second.id, "Another fox.", "123")).status == 400
    assert sum("offence" in sentence for sentence in judge(x)) == 3


@pytest.mark.parametrize(
    "body",
    [
        {"text": "Hi", "colour": "red"},
        {"text": "Hi", "reply": {"in_reply_to_tweet_id": 5}},
        {"text": "Hi", "reply": {}},
        {"text": "Hi", "media": {"media_ids": []}},
        {"text": ""},
        {"text": "x" * 281},
        {"text": "壁" * 141},
        {"text": 7},
        [],
    ],
)
async def test_a_malformed_post_is_refused(x: FakeX, caller: Caller, body: object) -> None:
    assert (await caller.call("POST", "/2/tweets", json=body)).status == 400
    assert convictions(x) == {"offence"}


@pytest.mark.parametrize(
    "query",
    [
        {"colour": "red"},
        {"since_id": "0"},
        {"since_id": "abc"},
        {"max_results": "101"},
        {"max_results": "4"},
        {"start_time": "2026-03-29"},
        {"tweet.fields": "author_id", "post.fields": "id"},
    ],
)
async def test_a_malformed_query_is_refused(
    x: FakeX, caller: Caller, query: dict[str, str]
) -> None:
    assert (await caller.mentions(**query)).status == 400
    assert convictions(x) == {"offence"}


async def test_an_upload_is_looked_at(x: FakeX, caller: Caller) -> None:
    assert (await caller.upload(an_image(), media_type="image/jpeg")).status == 400
    assert (await caller.upload(an_image(), media_category="tweet_mural")).status == 400
    assert (await caller.upload(b"not an image")).status == 400
    assert (await caller.upload(an_image(form="TIFF"))).status == 400
    assert (await caller.upload(an_image() + b"\0" * 5 * 2**20)).status == 400
    assert len(judge(x)) == 5


async def test_the_old_metadata_body_and_a_long_alt_text_are_refused(
    x: FakeX, caller: Caller
) -> None:
    media = (await caller.upload(an_image())).id
    old = {"media_id": media, "alt_text": {"text": "A fox."}}
    assert (await caller.call("POST", "/2/media/metadata", json=old)).status == 400
    assert (await caller.describe(media, "x" * 1001)).status == 400
    assert (await caller.describe(media, "x" * 1000)).status == 200


async def test_an_unknown_endpoint_is_an_offence(x: FakeX, caller: Caller) -> None:
    assert (await caller.call("GET", "/1.1/statuses/update.json")).status == 404
    assert convictions(x) == {"offence"}


# Credentials


async def test_a_wrong_signature_is_refused(x: FakeX) -> None:
    async with Caller(x, secret="wrong") as caller:
        assert (await caller.mentions()).status == 401
    assert convictions(x) == {"offence"}


async def test_awkward_query_characters_are_signed_right(x: FakeX, caller: Caller) -> None:
    query = {"query": "from:muralist", "start_time": "2026-03-29T12:00:00+02:00"}
    assert (await caller.call("GET", "/2/tweets/search/recent", query)).status == 200
    odd = {"query": "a+b&c=d:e%20 #é;🎨"}
    assert (await caller.call("GET", "/2/tweets/search/recent", odd)).status == 400


async def test_a_bearer_token_expires_and_its_refresh_token_works_once(
    x: FakeX, caller: Caller
) -> None:
    first = x.oauth2.access
    assert (await caller.call("GET", "/2/users/me", bearer=first)).status == 200
    x.oauth2.expire()
    assert (await caller.call("GET", "/2/users/me", bearer=first)).status == 401
    spent = x.oauth2.refresh
    pair = x.oauth2.exchange(spent)
    assert (await caller.call("GET", "/2/users/me", bearer=str(pair["access_token"]))).status == 200
    with pytest.raises(refusal.Refusal):
        x.oauth2.exchange(spent)
    assert (await caller.call("GET", "/2/users/me", bearer=x.oauth2.access)).status == 401


async def test_without_its_scope_media_is_forbidden(x: FakeX, caller: Caller) -> None:
    x.oauth2.scopes.remove("media.write")
    path = "/2/media/metadata"
    assert (await caller.call("POST", path, json={}, bearer=x.oauth2.access)).status == 403


def test_the_canaries_can_be_told_from_anything_else() -> None:
    x = FakeX()
    assert len(set(x.canaries())) == len(x.canaries()) >= 8
    assert all("canary" in one for one in x.canaries())


# Reading


async def test_pages_cover_everything_once_and_the_newest_first(x: FakeX, caller: Caller) -> None:
    asked = [x.world.ask("ada", f"fox {number}").id for number in range(12)]
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = (await caller.mentions(max_results="5", **token)).body
        found += [post["id"] for post in page["data"]]
        if "next_token" not in page["meta"]:
            break
        token = {"pagination_token": page["meta"]["next_token"]}
    assert found == asked[::-1]
    assert (await caller.mentions(since_id=asked[-1])).body == {"meta": {"result_count": 0}}


async def test_both_spellings_are_answered_in_kind(x: FakeX, caller: Caller) -> None:
    parent = x.world.post("bob", "My garden", photos=[x.world.photo("bob", b"", size=(8, 8))])
    x.world.ask("ada", "this as a fresco", reply_to=parent.id)
    old = await caller.mentions(
        **{"tweet.fields": "author_id,referenced_tweets,display_text_range,entities"}
    )
    (post,) = old.body["data"]
    assert post["text"] == "@bob @muralist this as a fresco"
    assert post["display_text_range"] == [5, 31]
    assert [m["username"] for m in post["entities"]["mentions"]] == ["bob", "muralist"]
    assert post["referenced_tweets"] == [{"type": "replied_to", "id": parent.id}]
    new = await caller.mentions(
        **{"post.fields": "created_at", "expansions": "author_id,referenced_posts"}
    )
    (post,) = new.body["data"]
    assert post["referenced_posts"] == [{"type": "replied_to", "id": parent.id}]
    assert "edit_history_tweet_ids" not in post
    assert [each["id"] for each in new.body["includes"]["posts"]] == [parent.id]


async def test_a_photo_of_a_parent_can_be_fetched(x: FakeX, caller: Caller) -> None:
    image = an_image()
    parent = x.world.post("bob", "Garden", photos=[x.world.photo("bob", image, size=(8, 8))])
    expansions = "attachments.media_keys,author_id"
    query = {"ids": f"{parent.id},77", "expansions": expansions, "media.fields": "url,type"}
    heard = (await caller.call("GET", "/2/tweets", query)).body
    assert heard["includes"]["media"][0]["url"].startswith(f"{x.url}/media/")
    assert [error["resource_id"] for error in heard["errors"]] == ["77"]
    assert x.world.bill.by_kind() == {"read": 15}


async def test_long_texts_come_as_a_note(x: FakeX, caller: Caller) -> None:
    x.world.ask("ada", "a fox " * 100)
    (post,) = (await caller.mentions(**{"tweet.fields": "note_tweet"})).body["data"]
    assert len(post["text"]) == 280
    assert post["note_tweet"]["text"].endswith("a fox ")


async def test_texts_are_given_out_as_html_has_them(x: FakeX, caller: Caller) -> None:
    x.world.post("ada", "a fox & a hare for @muralist")
    (post,) = (await caller.mentions(**{"tweet.fields": "entities"})).body["data"]
    (named,) = post["entities"]["mentions"]
    assert post["text"] == "a fox &amp; a hare for @muralist"
    assert post["text"][named["start"] : named["end"]] == "@muralist"


async def test_to_try_to_answer_an_answer_to_our_picture_is_fair(x: FakeX, caller: Caller) -> None:
    mention = x.world.ask("ada", "a red fox")
    picture = await caller.reply(mention.id, "A red fox.", await caller.picture())
    thanks = x.world.post("ada", "bluer, please", reply_to=picture.id)
    assert thanks.text == "@muralist bluer, please"
    answer = await caller.reply(thanks.id, "A blue fox.", await caller.picture())
    assert answer.status == 403
    assert judge(x) == []
    x.world.implicit_summons = True
    assert (await caller.reply(thanks.id, "A blue fox.", await caller.picture())).status == 201


def test_late_posts_arrive_out_of_order() -> None:
    clock = Clock()
    world = World(clock)
    late = world.post("ada", "@muralist a fox", mention_lag=30)
    clock.now += 1
    early = world.post("bob", "@muralist a fox")
    assert world.mentions_of(world.bot, Span()) == [early]
    clock.now += 30
    assert world.mentions_of(world.bot, Span()) == [early, late]


def test_only_what_can_be_seen_is_shown() -> None:
    world = World(Clock())
    seen = world.post("ada", "@muralist a fox")
    world.post(world.person("eve", protected=True).username, "@muralist a fox")
    world.delete(world.post("ada", "@muralist another").id)
    edited = world.edit(world.post("ada", "@muralist a fx").id, "@muralist a fox!")
    assert world.mentions_of(world.bot, Span()) == [edited, seen]
    assert edited.history[0] != edited.id


def test_the_mention_timeline_ends_after_800() -> None:
    world = World(Clock())
    first = world.post("ada", "@muralist the first")
    for number in range(800):
        world.post("ada", f"@muralist {number}")
    found = world.mentions_of(world.bot, Span())
    assert len(found) == 800
    assert first not in found


def test_the_index_and_the_timeline_lag() -> None:
    clock = Clock()
    world = World(clock, lags=Lags(timeline=(5, 5), index=(60, 60)))
    mention = world.ask("ada", "a fox")
    reply = world.create(Draft("A fox.", mention.id))

    def seen() -> tuple[bool, bool]:
        found = world.search(Span(), conversation=mention.id, author="muralist")
        return reply in world.timeline_of(world.bot, Span()), reply in found

    assert seen() == (False, False)
    clock.now += 5
    assert seen() == (True, False)
    clock.now += 55
    assert seen() == (True, True)


def test_ids_are_snowflakes_of_their_time() -> None:
    world = World(Clock())
    first, second = world.post("ada", "one"), world.post("ada", "two")
    past = world.post("ada", "before", at=NOON - 60)
    assert int(first.id) < int(second.id)
    assert (int(past.id) >> 22) + 1_288_834_974_657 == (NOON - 60) * 1000


# The bill


async def test_an_answered_mention_costs_sixteen_mills(x: FakeX, caller: Caller) -> None:
    mention = x.world.ask("ada", "a red fox").id
    await caller.mentions()
    await caller.mentions()
    await caller.reply(mention, "A red fox.", await caller.picture())
    assert x.world.bill.by_kind() == {"read": 1, "metadata": 5, "post": 10}
    assert x.world.bill.cents == 1.6


def test_the_next_utc_day_is_charged_again() -> None:
    clock = Clock()
    bill = World(clock).bill
    for price in (1, 1, 5):
        bill.read("post 1", price)
    assert bill.mills == 5
    clock.now += 86_400
    bill.read("post 1", 1)
    assert bill.mills == 6


# Limits and faults


async def test_a_429_names_its_reset_and_a_request_before_it_is_convicted(
    x: FakeX, caller: Caller, clock: Clock
) -> None:
    for _ in range(300):
        x.limits.take(MENTIONS)
    heard = await caller.mentions()
    assert heard.status == 429
    assert heard.headers["x-rate-limit-remaining"] == "0"
    clock.now += 0.5
    await caller.mentions()
    assert judge(x) == []
    clock.now += 0.6
    await caller.mentions()
    assert convictions(x) == {"in a pause"}
    clock.now = int(heard.headers["x-rate-limit-reset"])
    assert (await caller.mentions()).status == 200
    assert len(judge(x)) == 1


async def test_a_24_hour_cap_has_a_window_reset_in_the_past(x: FakeX, caller: Caller) -> None:
    x.faults.put(CREATE, Fault.DAY_429)
    headers = (await caller.reply(x.world.ask("ada", "a fox").id, "A fox.")).headers
    assert int(headers["x-rate-limit-reset"]) < x.clock()
    assert headers["x-rate-limit-remaining"] != "0"
    assert headers["x-app-limit-24hour-remaining"] == "0"
    assert int(headers["x-app-limit-24hour-reset"]) > x.clock()


async def test_a_bare_429_is_waited_out_for_a_minute_and_longer_each_time(
    x: FakeX, caller: Caller, clock: Clock
) -> None:
    x.faults.put(MENTIONS, Fault.BARE_429, Fault.BARE_429)
    for wait in (60, 120):
        heard = await caller.mentions()
        assert heard.status == 429
        assert not any(name.startswith("x-") for name in heard.headers)
        clock.now += wait
    assert (await caller.mentions()).status == 200
    assert judge(x) == []
    x.faults.put(MENTIONS, Fault.BARE_429)
    await caller.mentions()
    clock.now += 59
    await caller.mentions()
    assert convictions(x) == {"in a pause"}


def test_a_window_begins_with_its_first_request() -> None:
    clock = Clock()
    limits = Limits(clock, {MENTIONS: {Family.WINDOW: Cap(2, 900)}})
    assert [limits.take(MENTIONS).allowed for _ in range(3)] == [True, True, False]
    clock.now += 900
    taken = limits.take(MENTIONS)
    assert taken.allowed
    assert taken.headers == {
        "x-rate-limit-limit": "2",
        "x-rate-limit-remaining": "1",
        "x-rate-limit-reset": str(int(NOON) + 1800),
    }


def test_widened_limits_keep_their_families() -> None:
    assert widened(10)[CREATE][Family.APP_DAY].limit == 100_000


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.UNAUTHORIZED, 401),
        (Fault.JSON_503, 503),
        (Fault.HTML_503, None),
        (Fault.HTML_200, None),
        (Fault.EMPTY_503, None),
        (Fault.DROP, None),
        (Fault.TIMEOUT, None),
        (Fault.SLOW, 200),
    ],
)
async def test_a_fault_before_acceptance_changes_nothing(
    x: FakeX, caller: Caller, fault: Fault, status: int | None
) -> None:
    x.faults.put(MENTIONS, fault)
    if status is None:
        with pytest.raises(NoAnswer):
            await caller.mentions()
    else:
        assert (await caller.mentions()).status == status
    assert (await caller.mentions()).status == 200
    assert judge(x) == []


async def test_media_can_be_born_expired(x: FakeX, caller: Caller) -> None:
    x.faults.put(Endpoint.UPLOAD, Fault.EXPIRED)
    media = (await caller.upload(an_image())).id
    assert (await caller.describe(media, "A fox.")).status == 400
    assert judge(x) == []


def test_the_script_is_the_same_on_every_run() -> None:
    def course() -> list[Fault | None]:
        script = FaultScript(7, weather(0.2))
        return [script.next(CREATE) for _ in range(500)]

    first = course()
    assert first == course()
    assert 60 < sum(fault is not None for fault in first) < 140


# Texts, and X's own descriptions


@pytest.mark.parametrize(
    ("words", "length"),
    [
        ("A red fox.", 10),
        ("é", 1),
        ("壁画", 4),
        ("🎨", 2),
        ("👩‍🎨", 2),
        ("👍🏽", 2),
        ("🇩🇪", 2),
        ("❤️", 2),
        ("see https://example.org/a/very/long/address/indeed", 27),
        ("see example.org", 27),
    ],
)
def test_texts_are_weighed_like_x_weighs_them(words: str, length: int) -> None:
    assert text.weighted_length(words) == length


def test_requests_are_valid_under_both_of_x_s_descriptions() -> None:
    known = descriptions.load()
    if not known:
        pytest.skip(descriptions.ABSENT)
    assert [one.version for one in known] == list(descriptions.VERSIONS)
    old, new = known
    assert old.against_query(MENTIONS, {"tweet.fields": "author_id,note_tweet"}) == []
    assert new.against_query(MENTIONS, {"tweet.fields": "author_id"})
    assert new.against_query(MENTIONS, {"post.fields": "author_id"})
    assert new.against_query(MENTIONS, {"post.fields": "note_post"}) == []
    assert new.against_query(Endpoint.LOOKUP, {})
    for one in known:
        assert one.against_body(CREATE, {"text": "A fox.", "made_with_ai": True}) == []
        assert one.against_body(CREATE, {"text": "A fox.", "colour": "red"})
    upload = {"media": "", "media_category": "tweet_image", "media_type": "image/png"}
    assert old.against_body(Endpoint.UPLOAD, upload) == []
    assert new.against_body(Endpoint.UPLOAD, upload)
    with pytest.raises(refusal.Refusal):
        questions.check_body(Endpoint.UPLOAD, upload, known)
