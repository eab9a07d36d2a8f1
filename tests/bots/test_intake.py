"""Intake: what each kind of mention leads to, decided once."""

from __future__ import annotations

import asyncio
import dataclasses
import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from bots.intake import Intake
from bots.platform import House
from data import jobs, journal, ledger, mentions, outbox
from data.store import Connection, Store
from data.words import (
    Event,
    Job,
    JobState,
    Mention,
    PhotoRef,
    Picture,
    Ruling,
    Say,
    Stage,
    Tier,
    Verdict,
)
from moderation.check import Subject
from tests.bots.conftest import running
from tests.conftest import NOON, a_mention, an_account
from tests.postbox import Postbox

PICTURE = Picture(sha256="0" * 64, media_type="image/png", width=8, height=8, seed=1, engine="test")


def a_photo() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (32, 24), "orange").save(file, "PNG")
    return file.getvalue()


@dataclasses.dataclass
class Desk:
    """Puts mentions through the real intake and looks at what became of them."""

    store: Store
    postbox: Postbox
    clock: Callable[[], float]

    async def hand_in(self, *batch: Mention) -> None:
        heard = self.store.bell.rings
        self.postbox.put(*batch)
        ids = [mention.source_id for mention in batch]
        while not await self.store.read(lambda c: _all_decided(c, ids)):
            heard = await self.store.bell.after(heard, 5)

    async def job(self, source_id: str) -> Job | None:
        return await self.store.read(lambda c: jobs.by_source(c, "sandbox", source_id))

    async def said(self, source_id: str) -> tuple[str, dict[str, Any]] | None:
        def look(c: Connection) -> tuple[str, dict[str, Any]] | None:
            row = c.execute(
                "SELECT o.say, o.facts FROM outbox o JOIN mentions m ON m.id = o.mention_id"
                " WHERE m.source_id = ?",
                (source_id,),
            ).fetchone()
            return tuple(row) if row else None

        return await self.store.read(look)

    async def deliver(self, source_id: str) -> str:
        """Paint and post the job of a mention by hand; its post's id."""

        def act(c: Connection) -> str:
            for job in jobs.claim(c, "me", lambda ready: [waiting.id for waiting in ready], NOON):
                jobs.complete(c, job, [PICTURE], NOON)
            for reply in outbox.take(c, "sandbox", "me", lambda _c, _r: "here", 99, NOON):
                outbox.posted(c, reply, f"reply-to-{reply.source_id}", NOON)
            return f"reply-to-{source_id}"

        return await self.store.write(act)


def _all_decided(c: Connection, ids: list[str]) -> bool:
    marks = ", ".join("?" * len(ids))
    (count,) = c.execute(
        f"SELECT count(*) FROM mentions WHERE decided_at > 0 AND source_id IN ({marks})", ids
    ).fetchone()
    return bool(count == len(ids))


@pytest.fixture
async def desk(intake: Intake, house: House, postbox: Postbox):  # type: ignore[no-untyped-def]
    async with running(lambda: intake.run(postbox)):
        yield Desk(house.store, postbox, house.clock)


def answering(source_id: str, text: str, to: str, who: str = "ada") -> Mention:
    return dataclasses.replace(a_mention(source_id, who, text), in_reply_to=to)


async def test_a_wish_becomes_a_job_with_a_seed_of_its_own(desk: Desk) -> None:
    await desk.hand_in(a_mention("1", text="@muralist a red fox --style ink"))
    job = await desk.job("1")
    assert job is not None
    assert (job.prompt.wish, job.prompt.style, job.state) == ("a red fox", "ink", "available")
    await desk.hand_in(a_mention("2", text="@muralist a red fox --style ink"))
    again = await desk.job("2")
    assert again is not None
    assert again.seed != job.seed


async def test_a_repeated_delivery_is_one_job(desk: Desk, store: Store) -> None:
    for _ in range(3):
        await desk.hand_in(a_mention("1"))
    usage = await store.read(lambda c: ledger.usage(c, an_account(), NOON))
    assert usage.reserved == 1


async def test_what_an_earlier_process_left_undecided_is_taken_up(
    intake: Intake, store: Store, postbox: Postbox
) -> None:
    await store.write(lambda c: mentions.receive(c, "sandbox", [a_mention("1")], "1", NOON))
    async with running(lambda: intake.run(postbox)):
        heard = 0
        while not await store.read(lambda c: jobs.by_source(c, "sandbox", "1")):
            heard = await store.bell.after(heard, 5)


async def test_the_fourth_wish_of_the_day_is_refused_in_order(desk: Desk) -> None:
    await desk.hand_in(*(a_mention(str(n)) for n in range(4)))
    assert [bool(await desk.job(str(n))) for n in range(4)] == [True, True, True, False]
    said = await desk.said("3")
    assert said is not None
    assert said[0] == Say.DAILY_QUOTA


@pytest.mark.parametrize("text", ["@muralist", "@muralist   ", "@muralist \x00\x07"])
async def test_an_empty_mention_is_told_how(desk: Desk, text: str) -> None:
    await desk.hand_in(a_mention("1", text=text))
    assert (await desk.said("1") or ("",))[0] == Say.NO_WISH


async def test_thanks_under_a_picture_are_taken_in_silence(desk: Desk) -> None:
    await desk.hand_in(a_mention("1"))
    post = await desk.deliver("1")
    await desk.hand_in(answering("2", "@muralist thank you!", post))
    assert (await desk.job("2"), await desk.said("2")) == (None, None)


async def test_a_refused_prompt_costs_nothing(desk: Desk, store: Store) -> None:
    await desk.hand_in(a_mention("1", text="@muralist a naked child"))
    assert (await desk.said("1") or ("",))[0] == Say.REFUSED_PROMPT
    usage = await store.read(lambda c: ledger.usage(c, an_account(), NOON))
    assert usage.spoken_for == 0


async def test_ones_own_photo_is_restyled(desk: Desk, postbox: Postbox, house: House) -> None:
    postbox.photos["p"] = a_photo()
    photo = PhotoRef(ref="p", owner="ada")
    await desk.hand_in(dataclasses.replace(a_mention("1", text="@muralist"), photo=photo))
    job = await desk.job("1")
    assert job is not None
    assert job.photo is not None
    assert job.prompt.style == house.settings.default_style
    assert job.prompt.aspect == "4:3"
    with Image.open(house.pictures.path(job.photo)) as image:
        assert image.size == (32, 24)


@pytest.mark.parametrize(
    ("photo", "bytes_", "say"),
    [
        (PhotoRef(ref="p", owner="noor"), a_photo(), Say.NOT_YOUR_PHOTO),
        (PhotoRef(ref="p", owner="ada"), b"not a picture", Say.UNREADABLE_PHOTO),
        (PhotoRef(ref="gone", owner="ada"), b"", Say.UNREADABLE_PHOTO),
    ],
)
async def test_a_photo_that_cannot_be_used_is_one_sentence(
    desk: Desk, postbox: Postbox, photo: PhotoRef, bytes_: bytes, say: Say
) -> None:
    postbox.photos["p"] = bytes_
    await desk.hand_in(dataclasses.replace(a_mention("1", text="@muralist"), photo=photo))
    assert (await desk.said("1") or ("",))[0] == say
    assert await desk.job("1") is None


async def test_again_repeats_the_answered_wish_with_another_seed(desk: Desk) -> None:
    await desk.hand_in(a_mention("1", text="@muralist a red fox --style ink --seed 5"))
    post = await desk.deliver("1")
    await desk.hand_in(answering("2", "@muralist again", post, who="noor"))
    job = await desk.job("2")
    assert job is not None
    assert (job.prompt.wish, job.prompt.style) == ("a red fox", "ink")
    assert job.seed != 5


async def test_again_without_anything_before_is_told_so(desk: Desk) -> None:
    await desk.hand_in(a_mention("1", text="@muralist again"))
    assert (await desk.said("1") or ("",))[0] == Say.NOTHING_TO_REPEAT


async def test_new_words_under_a_picture_keep_its_seed(desk: Desk) -> None:
    await desk.hand_in(a_mention("1", text="@muralist a red fox --seed 5"))
    post = await desk.deliver("1")
    await desk.hand_in(answering("2", "@muralist a green fox", post))
    job = await desk.job("2")
    assert job is not None
    assert (job.prompt.wish, job.seed, job.photo) == ("a green fox", 5, None)


async def test_a_change_under_a_picture_keeps_the_rest(desk: Desk) -> None:
    await desk.hand_in(a_mention("1", text="@muralist a red fox --seed 5 --style ink"))
    post = await desk.deliver("1")
    await desk.hand_in(answering("2", "@muralist now make it green", post))
    job = await desk.job("2")
    assert job is not None
    assert (job.prompt.wish, job.prompt.style, job.seed) == ("a red fox, green", "ink", 5)


async def test_a_style_under_a_picture_restyles_it(desk: Desk, house: House) -> None:
    digest = await asyncio.to_thread(house.pictures.put, a_photo())
    await desk.hand_in(a_mention("1"))
    await desk.deliver("1")
    await desk.store.write(lambda c: c.execute("UPDATE pictures SET sha256 = ?", (digest,)))
    await desk.hand_in(answering("2", "@muralist --style ink", "reply-to-1"))
    job = await desk.job("2")
    assert job is not None
    assert (job.prompt.wish, job.prompt.style, job.photo) == ("a red fox", "ink", digest)


async def test_a_stranger_may_not_redraw_what_began_with_somebodys_photo(
    desk: Desk, postbox: Postbox
) -> None:
    postbox.photos["p"] = a_photo()
    photo = PhotoRef(ref="p", owner="ada")
    await desk.hand_in(dataclasses.replace(a_mention("1"), photo=photo))
    post = await desk.deliver("1")
    for number, text in (("2", "again"), ("3", "--style ink"), ("4", "as a robot")):
        await desk.hand_in(answering(number, f"@muralist {text}", post, who="noor"))
        assert (await desk.said(number) or ("",))[0] == Say.NOT_YOUR_PHOTO


async def test_cancelling_ones_own_waiting_job_gives_the_unit_back(
    desk: Desk, store: Store
) -> None:
    await desk.hand_in(a_mention("1"))
    await desk.hand_in(a_mention("2", text="@muralist cancel"))
    job = await desk.job("1")
    assert job is not None
    assert job.state is JobState.CANCELLED
    assert (await desk.said("2") or ("",))[0] == Say.CANCELLED
    usage = await store.read(lambda c: ledger.usage(c, an_account(), NOON))
    assert usage.spoken_for == 0


async def test_deleting_ones_own_delivered_picture_withdraws_it(desk: Desk) -> None:
    await desk.hand_in(a_mention("1"))
    post = await desk.deliver("1")
    await desk.hand_in(answering("2", "@muralist delete", post))
    said = await desk.said("2")
    assert said is not None
    assert said[0] == Say.WITHDRAWN
    assert post in said[1]


async def test_nobody_cancels_for_somebody_else(desk: Desk) -> None:
    await desk.hand_in(a_mention("1"))
    await desk.hand_in(answering("2", "@muralist stop", "1", who="noor"))
    job = await desk.job("1")
    assert job is not None
    assert job.state is JobState.AVAILABLE
    assert (await desk.said("2") or ("",))[0] == Say.NOTHING_TO_CANCEL


async def test_a_check_in_doubt_holds_the_wish_for_a_person(house: House, postbox: Postbox) -> None:
    def doubt(_stage: Stage, _subject: Subject) -> Verdict:
        return Verdict(ruling=Ruling.HOLD, reason="look at it")

    holding = Intake(house, doubt, ())
    async with running(lambda: holding.run(postbox)):
        await Desk(house.store, postbox, house.clock).hand_in(a_mention("1"))
    (held,) = await house.store.read(lambda c: jobs.held(c, 9))
    assert held.reason == "look at it"


async def test_one_broken_mention_is_answered_and_the_next_goes_on(
    house: House, postbox: Postbox
) -> None:
    def broken(_stage: Stage, subject: Subject) -> Verdict:
        if "bug" in subject.prompt.wish:
            raise RuntimeError("a bug")
        return Verdict(ruling=Ruling.ALLOW)

    intake = Intake(house, broken, ())
    async with running(lambda: intake.run(postbox)):
        desk = Desk(house.store, postbox, house.clock)
        await desk.hand_in(a_mention("1", text="@muralist a bug"), a_mention("2"))
        assert (await desk.said("1") or ("",))[0] == Say.FAILED
        assert await desk.job("2") is not None


async def test_who_waits_for_a_photo_holds_up_only_themselves(desk: Desk) -> None:
    arrived = asyncio.Event()

    async def photo(ref: PhotoRef) -> bytes:
        await arrived.wait()
        return a_photo()

    desk.postbox.photo = photo  # type: ignore[method-assign]
    of_ada = PhotoRef(ref="1", owner="ada")
    desk.postbox.put(dataclasses.replace(a_mention("1"), photo=of_ada))
    desk.postbox.put(a_mention("2"))
    await desk.hand_in(a_mention("3", who="ben"))
    assert await desk.job("2") is None
    arrived.set()
    await desk.hand_in(a_mention("4"))
    found = [await desk.job(source_id) for source_id in "124"]
    assert [job.id for job in found if job] == sorted(job.id for job in found if job)
    assert all(found)


async def test_two_hundred_at_once_are_all_decided_and_journalled(desk: Desk, store: Store) -> None:
    batch = [a_mention(str(n), who=f"guest{n}") for n in range(200)]
    await desk.hand_in(*batch)
    counts = await store.read(jobs.counts)
    assert counts == {JobState.AVAILABLE: 200}
    told = await store.read(lambda c: [line.event for line in journal.story(c, 1)])
    assert told == [Event.MENTION, Event.PROMPT, Event.VERDICT, Event.ADMIT]


async def test_a_paid_account_may_ask_for_more(desk: Desk, store: Store) -> None:
    await store.write(lambda c: ledger.set_tier(c, an_account(), Tier.PRO, NOON))
    await desk.hand_in(*(a_mention(str(n)) for n in range(5)))
    assert await desk.job("4") is not None
