"""The twenty behaviours by which people judge a bot like this one, in the notes' own order.

One bot serves them all, with a paintbrush for a model, on one fake Discord; only what
needs a restart or a world of its own brings one. Whatever is asked here is asked by
somebody of that test alone.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from data import putoff, terms
from data.store import Connection
from data.words import Tier
from ratelimit import control
from tests.discord_bot import Bot, Nursery, Plan
from tests.fake_discord.endpoints import Endpoint
from tests.fake_discord.faults import Fault
from tests.fake_discord.limits import Cap, usual, wide
from tests.fake_discord.people import Channel, Person
from tests.fake_discord.permissions import Permission
from tests.fake_discord.server import FakeDiscord
from tests.fake_discord.verdict import judge, undelivered
from tests.fake_discord.world import Interaction, Message, Place

Record = Callable[[str, object], None]


def photo(kind: str = "PNG", size: tuple[int, int] = (64, 48), **how: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "orange").save(file, kind, **how)
    return file.getvalue()


class Stage:
    """A fake Discord with a bot on it, and the few things every test does."""

    def __init__(self, discord: FakeDiscord, nursery: Nursery, folder: Path) -> None:
        self.discord = discord
        self.studio = discord.guild("studio")
        self.art = self.studio.channel("art")
        self.desk = self.studio.channel("desk")
        self.mod = discord.person("mod")
        self.studio.appoint(self.mod, "manage_messages", "manage_guild")
        skus = tuple((id_, "plus") for id_ in discord.world.skus.values())
        self.bot = Bot(
            nursery,
            discord,
            folder,
            Plan(batch=1),
            discord_mod_channel=self.desk.id,
            discord_skus=skus,
        )
        self._names = itertools.count()

    def somebody(self, *, locale: str = "en-US") -> Person:
        """Nobody has met them before."""
        return self.discord.person(f"somebody{next(self._names)}", locale=locale)

    def until(self, ready: Callable[[], object], seconds: float = 30) -> None:
        self.discord.until(ready, seconds)

    def served(self, wish: Interaction) -> Message:
        """The message with the pictures, when it has come."""
        self.until(lambda: wish.pictures)
        assert wish.message is not None
        return wish.message

    def painted(self, who: Person, prompt: str = "a red fox", **options: object) -> Message:
        place = options.pop("place", self.art)
        assert isinstance(place, Place)
        return self.served(who.runs(place, "imagine", prompt=prompt, owed=True, **options))

    def replied(self, said: Message) -> Message:
        """The bot's one answer to a message, when it has come."""
        self.until(lambda: self.discord.world.answers_to(said))
        (answer,) = self.discord.world.answers_to(said)
        return answer

    def told(self, asked: Interaction) -> str:
        """What somebody was told, for their eyes only."""
        self.until(lambda: asked.answered)
        assert asked.shown is not None
        assert asked.shown.ephemeral_to is asked.user, asked.text
        return asked.text

    def place_of(self, waiting: Interaction) -> int:
        """Their number in the line, as they were told it last."""
        found = re.search(r"number (\d+)", waiting.text)
        return int(found[1]) if found else 0

    @contextlib.contextmanager
    def busy(self) -> Iterator[Interaction]:
        """Somebody's picture is on the easel and stays there; whoever comes now is in line."""
        with self.bot.held():
            first = self.somebody().runs(self.art, "imagine", prompt="a red fox", owed=True)
            while not self.bot.rows("SELECT 1 FROM jobs WHERE state = 'executing'"):
                time.sleep(0.02)
            yield first

    def files(self) -> set[Path]:
        return {path for path in (self.bot.folder / "pictures").rglob("*") if path.is_file()}

    def jobs(self) -> int:
        return int(self.bot.rows("SELECT count(*) FROM jobs")[0][0])


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as open_:
        yield open_


@pytest.fixture(scope="module")
def stage(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with FakeDiscord(caps=wide(), per_second=1000, ack_seconds=60, skus=("plus",)) as discord:
        opened = Stage(discord, nursery, tmp_path_factory.mktemp("stage"))
        with opened.bot:
            yield opened


@pytest.fixture
def ada(stage: Stage) -> Person:
    """With room for more than three pictures a day."""
    person = stage.somebody()
    person.buys("plus")
    return person


def test_01_acknowledged_at_once_many_together_and_before_anything_is_drawn(
    stage: Stage, record_property: Record
) -> None:
    """How soon is told here, and judged for a thousand in tests/test_discord_process.py."""
    with stage.bot.held():
        wishes = [
            stage.somebody().runs(stage.art, "imagine", prompt="a red fox") for _ in range(60)
        ]
        stage.until(lambda: all(wish.ack for wish in wishes))
    record_property("slowest_ack_seconds", max(wish.latency or 0.0 for wish in wishes))
    stage.until(lambda: all(wish.pictures for wish in wishes))


def test_02_the_place_in_line_is_told_seldom_and_the_picture_wins(
    stage: Stage, ada: Person, record_property: Record
) -> None:
    """How seldom is for tests/bots/test_discord_status.py, which has a clock to turn."""
    stage.served(ada.runs(stage.art, "imagine", prompt="a red fox"))  # now a pace is known
    with stage.busy() as first:
        wish = ada.runs(stage.art, "imagine", prompt="a blue fox")
        stage.until(lambda: wish.message and "number 1" in wish.text)
        assert wish.message is not None
        told = wish.message
        assert list(told.buttons) == ["Cancel"]
        stage.until(lambda: "step" in first.text)
        stage.until(lambda: [v for v in told.edits if "<t:" in v.text or "<t:" in told.text])
    stage.served(wish)
    stage.served(first)
    for one in (wish, first):
        assert one.message is not None
        moments = [version.at for version in one.message.edits]
        gaps = [b - a for a, b in itertools.pairwise(moments[:-1])]
        record_property("seconds_between_edits", gaps)
        assert len(one.message.pictures) == 1


def test_02_a_slow_picture_is_seen_while_it_comes(stage: Stage, ada: Person) -> None:
    """As covered as it will be; gone with the wish, and when the picture is there."""
    with stage.bot.shown(), stage.bot.held():
        wish = ada.runs(stage.art, "imagine", prompt="a red fox", spoiler=True, owed=True)
        stage.until(lambda: wish.pictures)
        (sketch,) = wish.pictures
    assert (sketch.name, sketch.media_type) == ("SPOILER_sketch.webp", "image/webp")
    assert "so far" in sketch.alt
    stage.until(lambda: "painted by AI" in wish.text)
    (picture,) = wish.pictures
    assert picture.media_type == "image/png"
    with stage.bot.shown(), stage.bot.held():
        again = ada.runs(stage.art, "imagine", prompt="a blue fox")
        stage.until(lambda: again.pictures)
        assert again.message is not None
        ada.clicks(again.message, "cancel")
        stage.until(lambda: "cost" in again.text)
        assert again.pictures == []


def test_03_killed_while_drawing_the_picture_comes_once_in_the_same_message(
    stage: Stage, ada: Person
) -> None:
    with stage.bot.held():
        wish = ada.runs(stage.art, "imagine", prompt="a red fox", owed=True)
        mention = ada.asks(stage.art, "a blue fox")
        stage.until(lambda: wish.ack)
        while not stage.bot.rows("SELECT 1 FROM jobs WHERE state = 'executing'"):
            time.sleep(0.02)
        stage.bot.kill()
    stage.bot.start()
    message = stage.served(wish)
    answer = stage.replied(mention)
    assert [message] == wish.messages
    assert (len(message.pictures), len(answer.pictures)) == (1, 1)


def test_04_when_the_token_is_gone_another_way_is_found_and_the_asker_called(
    stage: Stage, ada: Person
) -> None:
    with stage.bot.held():
        wish = ada.runs(stage.art, "imagine", prompt="a red fox", owed=True)
        stage.until(lambda: wish.ack)
        wish.expire()
    message = stage.served(wish)
    assert message.place is stage.art
    stage.until(lambda: [m for m in stage.discord.world.of_the_bot() if ada.id in m.pings])


def test_04_a_long_wait_is_told_at_once(stage: Stage, ada: Person) -> None:
    stage.painted(stage.somebody())
    stage.bot.act("UPDATE jobs SET claimed_at = claimed_at - 40000 WHERE state = 'completed'")
    with stage.busy():
        wish = ada.runs(stage.art, "imagine", prompt="a red fox")
        stage.until(lambda: "call you" in wish.text)
        assert "<t:" in wish.text
    stage.served(wish)
    stage.bot.act("UPDATE jobs SET claimed_at = finished_at - 0.1 WHERE state = 'completed'")


def test_05_buttons_work_after_a_restart_and_old_ones_say_why_not(
    stage: Stage, ada: Person
) -> None:
    message = stage.painted(ada)
    assert {"Again", "Vary", "Edit", "Restyle", "Details", "Delete", "Report"} <= set(
        message.buttons
    )
    stage.bot.kill()
    stage.bot.start()
    stage.discord.until_ready()
    again = ada.clicks(message, "again", owed=True)
    form = ada.clicks(message, "edit")
    stage.until(lambda: form.modal)
    edited = ada.fills(form, words="a green fox", owed=True)
    vary = ada.clicks(message, "vary", owed=True)
    ids = ("mu:again:999999", "mu:dance:1", "v0:again", "mu:again:x")
    left = stage.discord.left_behind(stage.art, *ids)
    old = [ada.clicks(left, custom_id) for custom_id in ids]
    for wish in (again, edited, vary):
        assert len(stage.served(wish).pictures) == 1
    assert "green fox" in edited.text
    for click in old:
        assert "too old" in stage.told(click)


def test_05_larger_restyle_and_details(stage: Stage, ada: Person) -> None:
    message = stage.painted(ada, prompt="a red fox", seed=7)
    larger, details = ada.clicks(message, "larger"), ada.clicks(message, "details")
    restyle = ada.clicks(message, "restyle")
    assert "7" in stage.told(details)
    stage.until(lambda: larger.pictures)
    assert (larger.pictures[0].size or (0, 0))[0] > (message.pictures[0].size or (0, 0))[0]
    stage.until(lambda: restyle.message)
    assert restyle.message is not None
    chosen = ada.chooses(restyle.message, "ms:", _first_choice(restyle.message), owed=True)
    assert stage.served(chosen)


def _first_choice(message: Message) -> str:
    return str(message.components[0]["components"][0]["options"][0]["value"])


def test_06_only_its_asker_and_moderators_take_it_away_and_two_clicks_are_one(
    stage: Stage, ada: Person
) -> None:
    bob = stage.somebody()
    message = stage.painted(ada)
    jobs = stage.jobs()
    no = bob.clicks(message, "delete")
    assert ada.tag in stage.told(no)
    assert not message.deleted
    with stage.bot.held():
        # Either may be the first; the other is told so.
        one, two = ada.clicks(message, "again"), ada.clicks(message, "again")
        stage.until(lambda: one.ack and two.ack)
    stage.until(lambda: one.pictures or two.pictures)
    assert stage.jobs() == jobs + 1
    assert len(one.pictures) + len(two.pictures) == 1
    with stage.busy():
        waiting = ada.runs(stage.art, "imagine", prompt="a red fox")
        stage.until(lambda: waiting.message and waiting.message.buttons)
        assert waiting.message is not None
        not_yours = bob.clicks(waiting.message, "cancel")
        assert ada.tag in stage.told(not_yours)
        yours = stage.mod.clicks(waiting.message, "cancel")
        stage.until(lambda: yours.ack)
    taken = stage.mod.clicks(message, "delete")
    stage.told(taken)
    stage.until(lambda: message.deleted)


def test_07_what_is_cancelled_or_refused_costs_nothing(stage: Stage) -> None:
    ada = stage.somebody()
    before = stage.told(ada.runs(stage.art, "quota"))
    assert "<t:" in before
    with stage.busy():
        jobs = stage.jobs()
        wish = ada.runs(stage.art, "imagine", prompt="a red fox", count=3)
        stage.until(lambda: stage.jobs() > jobs)
        assert stage.told(ada.runs(stage.art, "quota")) != before
        cancelled = ada.runs(stage.art, "cancel")
        assert "cost" in stage.told(cancelled)
    refused = ada.runs(stage.art, "imagine", prompt="x", image=b"this is no picture")
    assert "cost" in stage.told(refused)
    assert stage.told(ada.runs(stage.art, "quota")) == before
    assert wish.pictures == []


def test_08_the_quota_is_told_with_what_a_plan_would_give(stage: Stage) -> None:
    ada = stage.somebody()
    assert "free" in stage.told(ada.runs(stage.art, "quota")).lower()
    stage.painted(ada, count=3)
    refused = ada.runs(stage.art, "imagine", prompt="a red fox")
    stage.until(lambda: any(each.ephemeral_to for each in refused.messages))
    words = refused.messages[-1]
    assert "<t:" in words.words
    (row,) = words.components
    assert row["components"][0]["sku_id"] == stage.discord.world.skus["plus"]
    ada.buys("plus", ends_at=time.time() + 3600)
    stage.until(lambda: "plus" in _quota(stage, ada))
    assert stage.painted(ada, count=4)


def test_08_who_pays_is_ahead_and_sees_it(stage: Stage, ada: Person) -> None:
    """Their places in line are told, and the pictures come in that order."""
    with stage.busy():
        others = [
            stage.somebody().runs(stage.art, "imagine", prompt=f"a red fox number {n}")
            for n in range(3)
        ]
        stage.until(lambda: all(stage.place_of(each) for each in others))
        paid = ada.runs(stage.art, "imagine", prompt="a blue fox")
        stage.until(lambda: 0 < stage.place_of(paid) < stage.place_of(others[-1]))
    messages = [stage.served(each) for each in (paid, *others)]
    came = [message.edited_at or 0.0 for message in messages]
    assert came[0] < came[-1]


def test_08_a_purchase_counts_at_once_though_discord_never_told_of_it(stage: Stage) -> None:
    bob = stage.somebody()
    assert "free" in _quota(stage, bob)
    bob.buys("plus", quietly=True)
    assert "plus" in _quota(stage, bob)


def test_08_who_was_put_off_is_told_until_when_and_when_it_is_over(stage: Stage) -> None:
    """Where they asked: in the channel, or for their eyes only. Nobody gets a direct message."""
    ada, bob, eve = stage.somebody(), stage.somebody(locale="de"), stage.somebody()
    stage.bot.does(_limit)
    said = ada.asks(stage.art, "a red fox", owed=False)
    asked = bob.runs(stage.art, "imagine", prompt="a red fox")
    late = eve.runs(stage.art, "imagine", prompt="a red fox")
    refused = stage.replied(said)
    stage.until(lambda: asked.messages[-1].ephemeral_to and late.messages[-1].ephemeral_to)
    assert "free tier" in refused.text
    assert "<t:" in refused.text
    assert "mehr Leute" in asked.messages[-1].text
    assert "mehr Leute" in stage.told(bob.runs(stage.art, "quota"))
    assert "free tier: at most 0 a day" in stage.told(eve.runs(stage.art, "queue"))
    late.expire()
    stage.bot.does(lambda c: terms.lift(c, Tier.FREE, "mod", "over", time.time(), melting=False))
    stage.bot.does(lambda c: putoff.tell(c, Tier.FREE, ["discord"], 50, time.time()))
    stage.until(lambda: len(stage.discord.world.answers_to(said)) == 2)
    assert "room for your wish" in stage.discord.world.answers_to(said)[-1].text
    stage.until(lambda: "wieder Platz" in asked.messages[-1].text)
    assert asked.messages[-1].ephemeral_to is bob.user
    stage.until(lambda: stage.bot.rows("SELECT 1 FROM outbox WHERE say = 'open_again'"))
    waiting = "SELECT 1 FROM outbox WHERE say = 'open_again' AND state IN ('pending', 'posting')"
    stage.until(lambda: not stage.bot.rows(waiting))
    assert stage.discord.world.in_place(stage.discord.dm(eve)) == []


def _limit(c: Connection) -> None:
    now = time.time()
    terms.announce(c, Tier.FREE, control.REASON, now + 600, "mod", now, daily=0)


def _quota(stage: Stage, who: Person) -> str:
    return stage.told(who.runs(stage.art, "quota")).lower()


def test_09_a_photo_is_restyled_wherever_it_is(stage: Stage, ada: Person) -> None:
    option = ada.runs(stage.art, "restyle", photo=photo("JPEG"), style="ink", owed=True)
    mention = ada.asks(stage.art, "in ink", photos=[photo("WEBP")])
    posted = ada.says(stage.art, "my dog", photos=[photo("GIF")])
    answer = ada.asks(stage.art, "in ink", reply_to=posted)
    menu = ada.picks(posted, "Make variations", owed=True)
    two = ada.picks(ada.says(stage.art, "both", photos=[photo(), photo()]), "Restyle this picture")
    none = ada.picks(ada.says(stage.art, "no photo"), "Restyle this picture")
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = ada.runs(
        stage.art, "restyle", photo=photo("JPEG", (64, 32), exif=exif), style="ink", owed=True
    )
    for wish in (option, menu, turned):
        assert stage.served(wish)
    for said in (mention, answer):
        assert stage.replied(said).pictures
    assert "2" in stage.told(two)
    assert stage.told(none)
    refused = ada.runs(stage.art, "restyle", photo=("a.txt", b"no picture at all"), style="ink")
    assert "photo" in stage.told(refused) or "picture" in refused.text
    ada.deletes(posted)  # it was fetched at once


def test_09_whatever_the_file_is_it_is_a_picture_or_a_reason(stage: Stage, ada: Person) -> None:
    """The first frame of an animation, a photo that is huge, one that nobody here can open."""
    frames = [Image.new("RGB", (64, 48), color) for color in ("orange", "blue")]
    moving = io.BytesIO()
    frames[0].save(moving, "GIF", save_all=True, append_images=frames[1:], duration=100)
    huge = photo("PNG", (9_000, 9_000))
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)
    for data in (moving.getvalue(), photo("WEBP"), photo("JPEG", (4_000, 3_000))):
        wish = ada.runs(stage.art, "restyle", photo=data, style="ink", owed=True)
        assert stage.served(wish)
    for data, why in ((huge, "too large"), (heic, "JPEG, PNG, WEBP or GIF")):
        refused = ada.runs(stage.art, "restyle", photo=data, style="ink")
        assert why in stage.told(refused)
        assert "cost" in refused.text


def test_10_other_words_count_until_the_picture_is_begun(stage: Stage, ada: Person) -> None:
    bob, tag = stage.somebody(), stage.discord.tag
    with stage.busy():
        said = ada.asks(stage.art, "a red fix")
        stage.until(lambda: stage.bot.rows(_waiting("a red fix")))
        for words in ("a red fox", "a blue fox"):
            ada.edits(said, f"{tag} {words}")
            stage.until(lambda: stage.bot.rows(_waiting(words)))  # noqa: B023
        untagged = bob.says(stage.art, "a green fox")
        bob.edits(untagged, f"{tag} a green fox")
        stage.until(lambda: stage.bot.rows(_waiting("a green fox")))
    answer = stage.replied(said)
    assert "a blue fox" in answer.text
    assert "49 of 50" in answer.text
    assert "a green fox" in stage.replied(untagged).text
    ada.edits(said, f"{tag} a yellow fox")
    stage.painted(stage.somebody())
    assert stage.discord.world.answers_to(said) == [answer]


def _waiting(words: str) -> str:
    return f"SELECT 1 FROM jobs WHERE state = 'available' AND prompt LIKE '%{words}%'"


def test_10_only_a_real_mention_is_answered_and_at_once(
    stage: Stage, ada: Person, record_property: Record
) -> None:
    world, tag = stage.discord.world, stage.discord.tag
    picture = stage.painted(ada)
    silent = [
        ada.says(stage.art, "nice", reply_to=picture),
        ada.says(stage.art, "@everyone a red fox"),
        ada.says(stage.art, f"{tag} a red fox", webhook=True),
    ]
    thread = stage.art.thread("foxes")
    post = stage.studio.forum("gallery").post(ada, "A fox", f"{tag} a red fox")
    asked = [
        ada.asks(stage.art, "a red fox"),
        ada.asks(thread, "a red fox"),
        ada.asks(stage.studio.voice("talk"), "a red fox"),
        ada.asks(stage.discord.dm(ada), "a red fox"),
        post,
    ]
    direct = stage.somebody()
    untagged = direct.says(stage.discord.dm(direct), "a red fox")
    empty = ada.says(stage.art, tag)
    for said in (*asked, untagged):
        answer = stage.replied(said)
        assert answer.pictures, said.place.kind
        assert answer.place is said.place
    assert not stage.replied(empty).pictures
    typing = {place for _, place in world.typing}
    assert {said.place.id for said in asked} <= typing
    first = next(at for at, place in world.typing if place == thread.id)
    record_property("typing_after_seconds", first - asked[1].at)
    assert [world.answers_to(said) for said in silent] == [[], [], []]


def test_11_a_deleted_wish_is_no_error_and_not_painted(stage: Stage, ada: Person) -> None:
    jobs = stage.jobs()
    with stage.busy():
        said = ada.asks(stage.art, "a red fox", owed=False)
        slash = ada.runs(stage.art, "imagine", prompt="a red fox")
        stage.until(lambda: slash.ack and stage.jobs() == jobs + 3)
        ada.deletes(said)
        assert slash.message is not None
        ada.deletes(slash.message)
        stage.until(lambda: stage.bot.rows(_CANCELLED)[0][0] >= 2)
    last = stage.painted(stage.somebody())
    assert last
    assert stage.discord.world.answers_to(said) == []
    assert slash.pictures == []


_CANCELLED = (
    "SELECT count(*) FROM jobs WHERE state = 'cancelled' AND finished_at > unixepoch() - 20"
)


@pytest.mark.parametrize(
    "lacking", ["attach_files", "send_messages", "timeout", "locked", "send_messages_in_threads"]
)
def test_12_what_it_may_not_do_is_told_before_anything_is_drawn(
    stage: Stage, ada: Person, lacking: str
) -> None:
    guild = stage.discord.guild(f"strict {lacking}")
    place: Channel = guild.channel("art")
    if lacking == "timeout":
        guild.time_out_bot(3600)
    elif lacking == "locked":
        place = place.thread("old", locked=True)
    elif lacking == "send_messages_in_threads":
        place.forbid(lacking)
        place = place.thread("new")
    else:
        place.forbid(lacking)
    jobs = stage.jobs()
    ada.asks(place, "a red fox", owed=False)
    stage.until(lambda: stage.discord.world.in_place(stage.discord.dm(ada)))
    (told,) = stage.discord.world.in_place(stage.discord.dm(ada))
    assert "permission" in told.text.lower()
    if lacking == "attach_files":
        wish = ada.runs(place, "imagine", prompt="a red fox")
        assert "attach files" in stage.told(wish).lower()
    assert stage.jobs() == jobs


def test_12_without_links_and_in_a_sleeping_thread_the_picture_comes_all_the_same(
    stage: Stage, ada: Person
) -> None:
    """It sends files and embeds nothing; a thread that is only archived wakes up."""
    guild = stage.discord.guild("plain")
    art = guild.channel("art")
    art.forbid("embed_links")
    asleep = art.thread("old", archived=True)
    for place in (art, asleep):
        assert stage.replied(ada.asks(place, "a red fox")).pictures
        assert stage.painted(ada, place=place).embeds == []


def test_13_pictures_are_described_covered_fitted_and_nobody_else_is_called(
    stage: Stage, ada: Person
) -> None:
    bob = stage.somebody()
    wish = f"*bold* @everyone {bob.tag} a red fox"
    message = stage.painted(ada, prompt=wish, spoiler=True)
    (picture,) = message.pictures
    assert "red fox" in picture.alt
    assert picture.spoiler
    assert "fox" not in picture.name
    assert "\\*bold\\*" in message.text or "*bold*" not in message.text
    assert message.pings <= {ada.id}
    answer = stage.replied(ada.asks(stage.art, f"@everyone {bob.tag} a red fox"))
    assert answer.pings <= {ada.id}
    stage.studio.file_limit = 2000
    small = stage.painted(ada, prompt="a blue fox")
    stage.studio.file_limit = None
    assert len(small.pictures[0].data) <= 2000


def test_13_a_server_may_want_age_restricted_channels_only(stage: Stage, ada: Person) -> None:
    guild = stage.discord.guild("adults")
    hall, red = guild.channel("hall"), guild.channel("red", nsfw=True)
    guild.appoint(stage.mod, "manage_guild")
    assert stage.told(stage.mod.runs(hall, "settings", age_restricted_only=True))
    assert "age" in stage.told(ada.runs(hall, "imagine", prompt="a red fox"))
    assert stage.painted(ada, place=red)
    with pytest.raises(AssertionError, match="not offered"):
        ada.runs(hall, "settings")


def test_14_a_report_reaches_the_moderators_who_can_take_it_down(stage: Stage, ada: Person) -> None:
    bob = stage.somebody()
    message = stage.painted(ada)
    stored = stage.files()
    form = bob.clicks(message, "report")
    stage.until(lambda: form.modal)
    thanked = bob.fills(form, words="not *nice*")
    assert stage.told(thanked)
    stage.until(lambda: stage.discord.world.in_place(stage.desk))
    report = stage.discord.world.in_place(stage.desk)[-1]
    assert message.link in report.words
    assert "not" in report.words
    menu = bob.picks(message, "Report")
    assert stage.told(menu)
    taken = stage.mod.clicks(message, "delete")
    stage.told(taken)
    stage.until(lambda: message.deleted)
    stage.until(lambda: stage.files() < stored)


def test_15_answers_are_in_the_askers_language(stage: Stage) -> None:
    heard = {}
    for locale in ("en-US", "de", "es-ES", "ja"):
        person = stage.somebody(locale=locale)
        heard[locale] = stage.told(person.runs(stage.art, "help"))
        person.runs(stage.art, "quota")
        message = stage.painted(person)
        assert message.buttons
    assert len(set(heard.values())) == 4
    (imagine,) = [c for c in stage.discord.world.commands[""] if c["name"] == "imagine"]
    assert {"de", "es-ES", "ja"} <= set(imagine["name_localizations"])
    export = stage.somebody().runs(stage.art, "privacy export")
    stage.until(lambda: export.answered)


def test_15_my_data_can_be_had_and_deleted(stage: Stage, ada: Person) -> None:
    message = stage.painted(ada, prompt="a most private fox")
    export = ada.runs(stage.art, "privacy export")
    stage.until(lambda: export.message and export.message.pictures)
    assert b"most private fox" in export.pictures[0].data
    gone = ada.runs(stage.art, "privacy delete")
    stage.until(lambda: message.deleted and gone.answered)
    again = ada.runs(stage.art, "privacy export")
    stage.until(lambda: again.answered)
    assert not any(b"most private fox" in p.data for p in again.pictures)
    stage.told(ada.runs(stage.art, "privacy leave"))
    left = ada.asks(stage.art, "a red fox", owed=False)
    last = stage.painted(stage.somebody())
    assert last
    assert stage.discord.world.answers_to(left) == []


def test_16_it_serves_people_where_it_is_no_member(stage: Stage, ada: Person) -> None:
    bob = stage.somebody()
    quiet = stage.discord.guild("quiet", here=False)
    quiet.everybody &= ~Permission.USE_EXTERNAL_APPS
    hall = quiet.channel("hall")
    forced = ada.runs(hall, "imagine", prompt="a red fox", owed=True)
    group = ada.runs(stage.discord.group_dm(ada, bob), "imagine", prompt="a red fox", owed=True)
    direct = ada.runs(stage.discord.dm(ada), "draw", prompt="a red fox", owed=True)
    for wish in (forced, group, direct):
        assert len(stage.served(wish).pictures) == 1
    assert forced.message is not None
    assert forced.message.ephemeral_to is ada.user
    assert group.message is not None
    assert group.message.ephemeral_to is None
    private = ada.runs(stage.art, "imagine", prompt="a red fox", private=True, owed=True)
    assert stage.served(private).ephemeral_to is ada.user


def test_17_several_pictures_are_one_message_in_their_order(stage: Stage, ada: Person) -> None:
    message = stage.painted(ada, count=4, seed=1000)
    colors = [_color(picture.data) for picture in message.pictures]
    assert len(colors) == len(set(colors)) == 4
    assert [color[0] for color in colors] == [(1000 + n) % 256 for n in range(4)]
    picked = ada.clicks(message, "3")
    stage.until(lambda: picked.pictures)
    assert _color(picked.pictures[0].data) == colors[2]


def _color(data: bytes) -> tuple[int, ...]:
    with Image.open(io.BytesIO(data)) as image:
        found = image.convert("RGB").getpixel((0, 0))
        assert isinstance(found, tuple)
        return tuple(int(each) for each in found)


def test_18_what_was_said_in_an_outage_is_answered_once(stage: Stage, ada: Person) -> None:
    before = ada.asks(stage.art, "a red fox")
    stage.replied(before)
    with stage.discord.gateway.outage(resumable=False):
        missed = ada.asks(stage.art, "a blue fox")
        direct = ada.asks(stage.discord.dm(ada), "a green fox", owed=False)
    with_resume = stage.somebody()
    stage.discord.until_ready()
    assert len(stage.replied(missed).pictures) == 1
    with stage.discord.gateway.outage():
        resumed = with_resume.asks(stage.art, "a blue fox")
    assert len(stage.replied(resumed).pictures) == 1
    stage.painted(stage.somebody())
    for said in (before, missed, resumed):
        assert len(stage.discord.world.answers_to(said)) == 1
    assert len(stage.discord.world.answers_to(direct)) <= 1
    assert stage.discord.gateway.identifies
    per_hour = [at for at, _ in stage.discord.gateway.presences]
    assert len(per_hour) <= 8


def test_19_told_to_stop_it_keeps_what_it_is_asked_and_ends_in_time(
    stage: Stage, ada: Person, record_property: Record
) -> None:
    with stage.busy() as first:
        began = time.monotonic()
        stage.bot.signal(signal.SIGTERM)
        late = ada.runs(stage.art, "imagine", prompt="a late fox", owed=True)
        # Told at once; or by an edit, where it was taken in an instant before.
        stage.until(lambda: "restarting" in late.text)
    assert stage.bot.wait() == 0
    record_property("ended_after_seconds", time.monotonic() - began)
    stage.bot.start()
    stage.discord.until_ready()
    assert stage.served(first)
    stage.until(lambda: not undelivered(stage.discord))


def test_20_no_storms(nursery: Nursery, tmp_path: Path) -> None:
    """Buckets are heeded, and what Discord forbids is not asked for again and again."""
    caps = {**usual(), Endpoint.CREATE_MESSAGE: Cap(5, 0.5, "create")}
    with FakeDiscord(caps=caps, storm_seconds=0.3, shards=2) as discord:
        art = discord.guild("studio").channel("art")
        closed = discord.guild("closed").channel("art")
        with Bot(nursery, discord, tmp_path, Plan(batch=16)) as bot:
            with bot.held():
                for number in range(12):
                    discord.person(f"guest{number}").asks(art, "a red fox")
                    discord.person(f"late{number}").asks(closed, "a red fox", owed=False)
                discord.until(lambda: bot.rows("SELECT count(*) FROM jobs")[0][0] == 24)
                closed.forbid("view_channel")
            discord.until(lambda: not undelivered(discord))
            discord.faults.put(Endpoint.CREATE_MESSAGE, Fault.RATE_LIMITED)
            discord.person("last").asks(art, "a red fox")
            discord.until(lambda: not undelivered(discord))
            direct = [discord.dm(discord.person(f"late{number}")) for number in range(12)]
            discord.until(lambda: all(discord.world.in_place(place) for place in direct))
        assert discord.limits.refused == []
        assert discord.limits.invalid <= 26
        assert judge(discord) == []


def test_all_the_while_nobody_was_lost_doubled_or_called_in_vain(stage: Stage) -> None:
    """What the judge saw of all the tests above."""
    stage.until(lambda: not undelivered(stage.discord))
    assert judge(stage.discord) == []
    log = stage.bot.log()
    raised = [line for line in log.splitlines() if "Traceback" in line]
    assert [line for line in raised if '"logger": "discord.' not in line] == []
    assert not [secret for secret in stage.discord.canaries() if secret in log]
