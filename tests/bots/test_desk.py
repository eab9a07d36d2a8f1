"""What the desk needs done by itself, and what checks are told: on a real store."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable

import pytest
from PIL import Image

from bots import desk as tending
from bots.intake import Intake
from bots.platform import House, Outcome, PlatformError
from bots.review import Review
from data import bans, desk, jobs, journal, ledger, outbox, standards
from data.store import Connection
from data.words import (
    Circumstances,
    Desk,
    Event,
    Job,
    JobState,
    Ladder,
    Picture,
    Prompt,
    Ruling,
    Say,
    Stage,
    Verdict,
)
from moderation import check as checks
from moderation.check import Check, Subject
from tests.bots.conftest import running
from tests.conftest import NOON, a_mention, an_account
from tests.postbox import Postbox
from tests.wishes import wish

TIMES = Desk(remind_after=60, expire_after=600)


def a_picture(colour: str = "orange") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (32, 32), colour).save(file, "PNG")
    return file.getvalue()


async def decided(house: House, number: int) -> None:
    """Wait until so many mentions are decided."""
    while await house.store.read(_undecided_or_missing(number)):
        await house.store.bell.after(house.store.bell.rings, 1)


def _undecided_or_missing(number: int) -> Callable[[Connection], bool]:
    sql = "SELECT count(decided_at) < ? FROM mentions"
    return lambda c: bool(c.execute(sql, (number,)).fetchone()[0])


async def said(house: House) -> list[str]:
    sql = "SELECT say FROM outbox ORDER BY id"
    rows = await house.store.read(lambda c: c.execute(sql).fetchall())
    return [row["say"] for row in rows]


@pytest.fixture
async def words(house: House) -> Review:
    """The checks that need no model, as they are wired."""
    opened = checks.load(["words", "patterns", "flood", "consent"])
    return Review(house.store, opened, house.clock)


@pytest.fixture
def intake(house: House, words: Review) -> Intake:
    return Intake(house, words, (), Ladder(days=30, steps=((2, 600.0),)))


async def hand_in(house: House, intake: Intake, postbox: Postbox, *texts: str) -> None:
    async with running(lambda: intake.run(postbox)):
        for number, text in enumerate(texts, start=1):
            postbox.put(a_mention(str(number), text=f"@muralist {text}"))
            await decided(house, number)


async def test_refused_twice_is_a_time_out_and_costs_nothing(
    house: House, intake: Intake, postbox: Postbox
) -> None:
    await hand_in(house, intake, postbox, "a red fox", "hentai", "porn", "a red fox", "cancel")
    assert await said(house) == [
        Say.REFUSED_PROMPT,
        Say.REFUSED_PROMPT,
        Say.BANNED,
        Say.NOTHING_TO_CANCEL,
    ]
    (first,) = await house.store.read(lambda c: [jobs.by_id(c, 1)])
    assert first is not None
    assert first.state is JobState.CANCELLED, "a time-out cancels what waits"
    usage = await house.store.read(lambda c: ledger.usage(c, an_account(), NOON))
    assert usage.spoken_for == 0


async def test_every_verdict_is_in_the_journal_with_its_source(
    house: House, intake: Intake, postbox: Postbox
) -> None:
    await hand_in(house, intake, postbox, "a nаked woman")
    story = await house.store.read(lambda c: journal.story(c, 1))
    (verdict,) = [line.detail for line in story if line.event is Event.VERDICT]
    assert (verdict["by"], verdict["rule"], verdict["stage"]) == ("words", "sexual.bare", "prompt")
    assert [one["check"] for one in verdict["checks"]] == ["words", "patterns", "flood", "consent"]
    assert len(verdict["checks"][0]["source"]) == 64


async def test_reports_and_appeals_get_a_number(
    house: House, intake: Intake, postbox: Postbox
) -> None:
    async with running(lambda: intake.run(postbox)):
        postbox.put(a_mention("1", text="@muralist porn"))
        await decided(house, 1)
        appeal = {**a_mention("2", text="@muralist appeal: it is a cake").to_json()}
        appeal |= {"in_reply_to": "1", "account": an_account()}
        postbox.put(type(a_mention())(**appeal))
        await decided(house, 2)
        stranger = {**appeal, "source_id": "3", "account": an_account("bob")}
        postbox.put(type(a_mention())(**stranger))
        await decided(house, 3)
    assert await said(house) == [Say.REFUSED_PROMPT, Say.CASE, Say.NO_CASE]


async def test_checks_know_the_account_its_guild_and_its_line(house: House) -> None:
    seen: list[Circumstances] = []

    def look(subject: Subject) -> Verdict:
        seen.append(subject.circumstances)
        return Verdict(ruling=Ruling.ALLOW, check="test")

    check = Check(name="test", stages=frozenset(Stage), look=look)
    review = Review(house.store, [check], house.clock)

    def change(c: Connection) -> None:
        standards.set_threshold(c, "guild:7", "nsfw.hold", 0.1, "bo", "", NOON)
        standards.set_ruling(c, "adults", "sexual.bare", Ruling.ALLOW, "bo", "", NOON)
        standards.add_pattern(c, "7", "coin", Ruling.HOLD, "bo", "", NOON)

    await house.store.write(change)
    known = Circumstances(account=an_account(), guild="7", adults=True)
    subject = Subject(prompt=Prompt(wish="a fox"), circumstances=known)
    await asyncio.to_thread(review, Stage.PROMPT, subject)
    assert seen[0].standards == {"nsfw.hold": 0.1}
    assert seen[0].rulings == {"sexual.bare": Ruling.ALLOW}
    assert seen[0].patterns == (("1", "coin", Ruling.HOLD),)


def stuck(_subject: Subject) -> Verdict:
    threading.Event().wait(1)
    return Verdict(ruling=Ruling.ALLOW)


def raising(_subject: Subject) -> Verdict:
    raise RuntimeError("the classifier broke")


@pytest.mark.parametrize("look", [stuck, raising])
@pytest.mark.parametrize("image", [a_picture(), b"no picture"], ids=["picture", "no picture"])
async def test_no_verdict_on_a_picture_holds_it(
    house: House, look: Callable[[Subject], Verdict], image: bytes
) -> None:
    check = Check(name="test", stages=frozenset({Stage.PICTURE}), look=look, seconds=0.05)
    review = Review(house.store, [check], house.clock)
    job = await house.store.write(_a_job)
    verdict = await asyncio.to_thread(review.picture, image, job)
    assert verdict.ruling is Ruling.HOLD
    assert verdict.rule.startswith("failed.")


async def test_without_a_store_to_ask_a_person_looks(house: House, words: Review) -> None:
    await house.store.close()
    verdict = await asyncio.to_thread(words, Stage.PROMPT, _subject())
    assert (verdict.ruling, verdict.rule) == (Ruling.HOLD, "failed.circumstances")


async def test_what_waits_too_long_is_refused_and_told(house: House, clock: object) -> None:
    await house.store.write(lambda c: _held(c))
    assert await tending.look_round(house, TIMES) == 0
    house.clock.now += 60  # type: ignore[attr-defined]
    assert await tending.look_round(house, TIMES) == 0
    house.clock.now += 600  # type: ignore[attr-defined]
    assert await tending.look_round(house, TIMES) == 1
    assert await said(house) == [Say.REFUSED_PROMPT]


async def test_a_removal_is_tried_until_it_is_done(house: House, postbox: Postbox) -> None:
    job_id = await house.store.write(_posted)
    await house.store.write(lambda c: desk.remove(c, job_id, "bo", "not nice", NOON))
    real, failures = postbox.withdraw, [PlatformError("busy", outcome=Outcome.NOT_APPLIED)]

    async def withdraw(receipt: object) -> None:
        if failures:
            raise failures.pop()
        await real(receipt)  # type: ignore[arg-type]

    postbox.withdraw = withdraw  # type: ignore[method-assign]
    assert await tending.take_down(house, postbox) == 0
    assert await tending.take_down(house, postbox) == 0, "not before its time"
    house.clock.now += 5  # type: ignore[attr-defined]
    assert await tending.take_down(house, postbox) == 1
    assert postbox.withdrawn == ["post"]
    assert await house.store.read(lambda c: outbox.standing_post(c, job_id)) is None


async def test_a_ban_that_comes_while_checks_look_is_kept_to(
    house: House, postbox: Postbox
) -> None:
    at_work, go_on = threading.Event(), threading.Event()

    def look(_stage: Stage, _subject: Subject) -> Verdict:
        at_work.set()
        go_on.wait(5)
        return Verdict(ruling=Ruling.ALLOW)

    intake = Intake(house, look, ())
    async with running(lambda: intake.run(postbox)):
        postbox.put(a_mention("1"))
        await asyncio.to_thread(at_work.wait, 5)
        await house.store.write(lambda c: bans.ban(c, an_account(), None, "spam", "bo", NOON))
        go_on.set()
        await decided(house, 1)
    assert await said(house) == [Say.BANNED]


def _subject() -> Subject:
    return Subject(prompt=Prompt(wish="a fox"), circumstances=Circumstances(account=an_account()))


def _held(c: Connection) -> Job:
    wish(c, "1")
    (job,) = jobs.held(c, 1)
    return job


def _a_job(c: Connection) -> Job:
    return _held(c)


def _posted(c: Connection) -> int:
    job = _held(c)
    desk.approve(c, job.id, "bo", "", NOON)
    (claimed,) = jobs.claim(c, "me", lambda ready: [ready[0].id], NOON)
    shown = Picture(sha256="ab" * 32, media_type="image/png", width=8, height=8, seed=1, engine="e")
    jobs.complete(c, claimed, [shown], NOON)
    (reply,) = outbox.take(c, "sandbox", "me", lambda _c, _r: "here", 9, NOON)
    outbox.posted(c, reply, "post", NOON)
    return job.id
