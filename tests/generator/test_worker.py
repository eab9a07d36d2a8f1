"""The worker with a real store and an engine that paints plain colours."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import threading
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from data import jobs, journal, lanes, ledger, mentions
from data.pictures import PictureStore
from data.store import Connection, Store, open_store
from data.words import (
    Account,
    Effort,
    Event,
    Job,
    JobState,
    Mention,
    Progress,
    Prompt,
    Ruling,
    Say,
    StoreError,
    Tier,
    Verdict,
)
from generator.engine import Drawing, EngineError, EngineLostError, OnStep, Order
from generator.worker import BACKOFF_SECONDS, Review, Worker

NOON = 1_800_000_000.0
STEPS = 3


@dataclass
class PaintPot:
    """An engine: the picture's colour is the digest of its text and seed."""

    name: str = "paintpot:1"
    largest_batch: int = 4
    batches: list[list[Order]] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)
    closed: bool = False
    #: What a text makes it raise.
    faults: dict[str, Exception] = field(default_factory=dict)
    #: Cleared, it waits before each step.
    may_go_on: threading.Event = field(default_factory=threading.Event)
    at_work: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.may_go_on.set()

    def load(self) -> None:
        self.threads.add(threading.current_thread().name)
        if "load" in self.faults:
            raise self.faults["load"]

    def fits(self, order: Order) -> Hashable:
        return order.aspect, order.photo is not None

    def draw(self, orders: Sequence[Order], on_step: OnStep) -> list[Drawing] | None:
        self.threads.add(threading.current_thread().name)
        self.batches.append(list(orders))
        for step in range(1, STEPS + 1):
            self.at_work.set()
            assert self.may_go_on.wait(10), "nobody let the engine go on"
            for order in orders:
                if order.text in self.faults:
                    raise self.faults[order.text]
            if not on_step(step, STEPS):
                return None
        return [Drawing(image=self.picture(order), seed=order.seed) for order in orders]

    def close(self) -> None:
        self.closed = True

    @staticmethod
    def picture(order: Order) -> Image.Image:
        red, green, blue = hashlib.sha256(f"{order.text} {order.seed}".encode()).digest()[:3]
        return Image.new("RGB", (8, 6), (red, green, blue))


class Sketchbook(PaintPot):
    """Shows what it is drawing, unless that fails."""

    def sketch(self) -> dict[int, Image.Image]:
        if "sketch" in self.faults:
            raise self.faults["sketch"]
        return {n: self.picture(order) for n, order in enumerate(self.batches[-1])}


@dataclass
class Studio:
    """A worker and all it works with."""

    store: Store
    pictures: PictureStore
    engine: PaintPot
    now: float = NOON
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    #: Takes the place of `verdicts`.
    judge: Review | None = None
    reviewers: set[str] = field(default_factory=set)
    told: int = 0
    asked: int = 0

    def clock(self) -> float:
        return self.now

    def worker(self, **settings: Any) -> Worker:
        return Worker(
            self.store,
            self.pictures,
            self.engine,
            owner="me",
            clock=self.clock,
            review=self.review,
            on_progress=self.tell,
            **settings,
        )

    def review(self, picture: bytes, job: Job) -> Verdict:
        self.reviewers.add(threading.current_thread().name)
        assert picture.startswith(b"\x89PNG")
        if self.judge is not None:
            return self.judge(picture, job)
        return self.verdicts.get(job.prompt.wish, Verdict(ruling=Ruling.ALLOW))

    def tell(self) -> None:
        self.told += 1

    async def ask(self, wish: str, *, photo: str | None = None, **flags: Any) -> int:
        """Put a wish in the line, as an admission does."""
        self.asked += 1
        account = Account(platform="sandbox", user_id="1", handle="ada")
        mention = Mention(
            platform="sandbox",
            source_id=str(self.asked),
            account=account,
            text=wish,
            created_at=self.now,
        )
        prompt = Prompt(wish=wish, **flags)

        def act(c: Connection) -> int:
            received = mentions.receive(c, "sandbox", [mention], None, self.now)[0]
            job = jobs.insert(c, received.id, mention, Tier.FREE, prompt, 100, photo, self.now)
            ledger.reserve(c, job, account, prompt.count, self.now)
            return job

        return await self.store.write(act)

    async def job(self, number: int) -> Job:
        job = await self.store.read(lambda c: jobs.by_id(c, number))
        assert job is not None
        return job

    async def until(self, number: int, *states: JobState) -> Job:
        """The job, once it is in one of `states`."""
        async with asyncio.timeout(10):
            while True:
                heard = self.store.bell.rings
                job = await self.job(number)
                if job.state in states:
                    return job
                await self.store.bell.after(heard, 1)

    async def row(self, sql: str, *values: object) -> Any:
        return await self.store.read(lambda c: c.execute(sql, values).fetchone())

    async def charge(self, number: int) -> str:
        return str((await self.row("SELECT state FROM charges WHERE job_id = ?", number))[0])

    async def said(self, number: int) -> str | None:
        row = await self.row("SELECT say FROM outbox WHERE job_id = ?", number)
        return row[0] if row else None

    async def nudge(self) -> None:
        """Make the bell ring, as any commit does."""
        await self.store.write(lambda c: None)


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    async with open_store(tmp_path / "muralist.db") as store:
        yield Studio(store, PictureStore(tmp_path / "pictures"), PaintPot())


@contextlib.asynccontextmanager
async def working(worker: Worker) -> AsyncIterator[asyncio.Task[None]]:
    """The worker at work, stopped in good order at the end."""
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    try:
        yield running
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await running


async def in_thread(wait: Callable[[], object]) -> None:
    await asyncio.to_thread(wait)


async def test_a_wish_becomes_a_picture_in_the_outbox(studio: Studio) -> None:
    number = await studio.ask("a fox", style="ink", negative="text", strength=0.5)
    async with working(studio.worker()):
        job = await studio.until(number, JobState.COMPLETED)
    order = Order(text="a fox, ink style", seed=100, negative="text", strength=0.5)
    assert studio.engine.batches == [[order]]
    (picture,) = await studio.store.read(lambda c: jobs.pictures(c, number))
    assert (picture.width, picture.height, picture.seed) == (8, 6, 100)
    assert (picture.media_type, picture.engine) == ("image/png", "paintpot:1")
    with Image.open(studio.pictures.path(picture.sha256)) as file:
        assert file.getpixel((0, 0)) == PaintPot.picture(order).getpixel((0, 0))
    assert await studio.said(number) == Say.PICTURE
    assert await studio.charge(number) == "reserved"  # settled by the receipt
    story = await studio.store.read(lambda c: journal.story(c, job.mention_id))
    assert [line.event for line in story] == [Event.MENTION, Event.BATCH, Event.PICTURE]


async def test_while_it_melts_less_work_goes_into_what_is_claimed(studio: Studio) -> None:
    less = Effort(steps=0.5, size=0.75)
    number = await studio.ask("a fox", quality=2)
    await studio.store.write(lambda c: lanes.ease(c, Tier.FREE, less))
    async with working(studio.worker()):
        job = await studio.until(number, JobState.COMPLETED)
    ((order,),) = studio.engine.batches
    assert (order.effort, order.scale) == (1.0, 0.75)
    assert job.effort == less


async def test_nothing_slow_happens_on_the_event_loop(studio: Studio) -> None:
    number = await studio.ask("a fox")
    async with working(studio.worker()):
        await studio.until(number, JobState.COMPLETED)
    assert len(studio.engine.threads) == 1  # loading and drawing share it
    assert threading.current_thread().name not in studio.engine.threads | studio.reviewers
    assert studio.engine.closed


async def test_a_wish_that_comes_later_wakes_the_worker(studio: Studio) -> None:
    async with working(studio.worker()):
        await studio.nudge()
        number = await studio.ask("a fox")
        await studio.until(number, JobState.COMPLETED)


async def test_jobs_that_fit_share_a_pass(studio: Studio) -> None:
    wishes = [await studio.ask(wish, count=2) for wish in ("a", "b")]
    wide = await studio.ask("c", aspect="16:9")
    async with working(studio.worker()):
        for number in (*wishes, wide):
            await studio.until(number, JobState.COMPLETED)
    assert [[(order.text, order.seed) for order in batch] for batch in studio.engine.batches] == [
        [("a", 100), ("a", 101), ("b", 100), ("b", 101)],
        [("c", 100)],
    ]
    both = await studio.store.read(lambda c: jobs.pictures(c, wishes[1]))
    assert [picture.seed for picture in both] == [100, 101]


async def test_a_photo_goes_to_the_engine(studio: Studio) -> None:
    photo = studio.pictures.put(b"photo bytes")
    number = await studio.ask("", photo=photo)
    async with working(studio.worker(default_style="neon")):
        await studio.until(number, JobState.COMPLETED)
    ((order,),) = studio.engine.batches
    assert (order.photo, order.text) == (b"photo bytes", "neon style")


@pytest.mark.parametrize(
    ("ruling", "state", "said", "charge"),
    [
        (Ruling.SOFTEN, JobState.COMPLETED, Say.PICTURE, "reserved"),
        (Ruling.HOLD, JobState.HELD, None, "reserved"),
        (Ruling.REFUSE, JobState.DISCARDED, Say.REFUSED_PICTURE, "released"),
    ],
)
async def test_a_review_decides(
    studio: Studio, ruling: Ruling, state: JobState, said: Say | None, charge: str
) -> None:
    studio.verdicts["a fox"] = Verdict(ruling=ruling, check="likeness", reason="looks like me")
    doubtful, fine = await studio.ask("a fox", count=2), await studio.ask("a cow")
    async with working(studio.worker()):
        job = await studio.until(doubtful, state)
        await studio.until(fine, JobState.COMPLETED)
    assert await studio.said(doubtful) == said
    assert await studio.charge(doubtful) == charge
    story = await studio.store.read(lambda c: journal.story(c, job.mention_id))
    (verdict,) = [line.detail for line in story if line.event is Event.VERDICT]
    assert (verdict["by"], verdict["ruling"], len(verdict["pictures"])) == ("likeness", ruling, 2)


async def test_the_strictest_verdict_of_several_pictures_counts(studio: Studio) -> None:
    rulings = iter([Ruling.ALLOW, Ruling.REFUSE, Ruling.SOFTEN])
    studio.judge = lambda _picture, _job: Verdict(ruling=next(rulings))
    number = await studio.ask("a fox", count=3)
    async with working(studio.worker()):
        await studio.until(number, JobState.DISCARDED)


async def test_a_failing_batch_is_drawn_job_by_job_and_only_the_cause_is_blamed(
    studio: Studio,
) -> None:
    studio.engine.faults["bad"] = ValueError("cannot draw that")
    good, bad, fine = [await studio.ask(wish) for wish in ("good", "bad", "fine")]
    async with working(studio.worker()):
        await studio.until(good, JobState.COMPLETED)
        await studio.until(fine, JobState.COMPLETED)
        job = await studio.until(bad, JobState.RETRYABLE)
    assert job.reason == "ValueError: cannot draw that"
    assert [len(batch) for batch in studio.engine.batches] == [3, 1, 1, 1]


async def test_a_passing_failure_is_tried_again_later_and_alone(studio: Studio) -> None:
    studio.engine.faults["bad"] = EngineError("no memory", transient=True)
    bad = await studio.ask("bad")
    async with working(studio.worker()):
        await studio.until(bad, JobState.RETRYABLE)
        studio.engine.faults.clear()
        studio.now += BACKOFF_SECONDS - 1
        other = await studio.ask("other")
        await studio.until(other, JobState.COMPLETED)
        assert (await studio.job(bad)).state is JobState.RETRYABLE
        studio.now += 1
        third = await studio.ask("third")
        job = await studio.until(bad, JobState.COMPLETED)
        await studio.until(third, JobState.COMPLETED)
    assert job.attempts == 2
    assert [[order.text for order in batch] for batch in studio.engine.batches] == [
        ["bad"],
        ["other"],
        ["bad"],
        ["third"],
    ]


async def test_after_so_many_attempts_it_is_given_up_and_costs_nothing(studio: Studio) -> None:
    studio.engine.faults["bad"] = ValueError("cannot draw that")
    bad = await studio.ask("bad")
    async with working(studio.worker(attempts=2)):
        await studio.until(bad, JobState.RETRYABLE)
        studio.now += 3600
        await studio.nudge()
        job = await studio.until(bad, JobState.DISCARDED)
    assert (job.attempts, job.reason) == (2, "ValueError: cannot draw that")
    assert await studio.said(bad) == Say.FAILED
    assert await studio.charge(bad) == "released"


async def test_what_will_never_work_is_not_tried_again(studio: Studio) -> None:
    studio.engine.faults["bad"] = EngineError("It can only draw from words.")
    bad = await studio.ask("bad")
    async with working(studio.worker()):
        job = await studio.until(bad, JobState.DISCARDED)
    assert (job.attempts, job.reason) == (1, "It can only draw from words.")


async def test_a_missing_photo_or_a_broken_review_fails_its_own_job_only(studio: Studio) -> None:
    def review(_picture: bytes, job: Job) -> Verdict:
        if job.prompt.wish == "odd":
            raise LookupError("no list")
        return Verdict(ruling=Ruling.ALLOW)

    studio.judge = review
    lost = await studio.ask("lost", photo="0" * 64)
    odd, fine = await studio.ask("odd"), await studio.ask("fine")
    async with working(studio.worker(attempts=1)):
        await studio.until(fine, JobState.COMPLETED)
        assert (await studio.until(odd, JobState.DISCARDED)).reason == "LookupError: no list"
        await studio.until(lost, JobState.DISCARDED)


async def test_progress_can_be_watched_while_drawing(studio: Studio) -> None:
    studio.engine.may_go_on.clear()
    number = await studio.ask("a fox")
    worker = studio.worker()
    seen: list[Progress | None] = []
    worker._on_progress = lambda: seen.append(worker.progress(number))
    assert not worker.ready
    async with working(worker):
        await in_thread(studio.engine.at_work.wait)
        assert worker.ready
        assert worker.progress(number) is None
        studio.engine.may_go_on.set()
        await studio.until(number, JobState.COMPLETED)
        assert worker.progress(number) is None
    # Further steps follow too soon to be told.
    assert seen == [Progress(step=1, steps=STEPS)]


async def test_progress_is_of_the_jobs_on_the_easel_only(studio: Studio) -> None:
    worker = studio.worker()
    worker._drawing = frozenset({1, 2})
    worker._come_to(Progress(step=1, steps=STEPS))
    worker._come_to(Progress(step=2, steps=STEPS))
    assert worker.progress(1) == worker.progress(2) == Progress(step=2, steps=STEPS)
    assert worker.progress(3) is None
    assert studio.told == 1
    worker._drawing, worker._progress = frozenset(), None
    worker._come_to(Progress(step=3, steps=STEPS))
    assert worker._progress is None


async def test_between_two_steps_it_gives_way_to_who_is_in_a_hurry(studio: Studio) -> None:
    looks = iter([True, True, False, True, False])
    asked: list[str] = []

    def give_way() -> bool:
        asked.append(threading.current_thread().name)
        return next(looks, False)

    number = await studio.ask("a fox")
    async with working(studio.worker(give_way=give_way)):
        await studio.until(number, JobState.COMPLETED)
    assert len(asked) == 3 + 2 + 1
    assert set(asked) == studio.engine.threads


async def test_a_sketch_is_made_where_one_is_asked_for_and_the_checks_allow_it(
    studio: Studio,
) -> None:
    studio.engine = engine = Sketchbook()
    engine.may_go_on.clear()
    glances: list[str] = []

    def glance(sketch: bytes, job: Job) -> Verdict:
        assert sketch[8:12] == b"WEBP"
        glances.append(job.prompt.wish)
        if len(glances) <= 2:
            engine.may_go_on.clear()  # not to the end before the test has looked
        return Verdict(ruling=Ruling.ALLOW if job.prompt.wish == "fine" else Ruling.SOFTEN)

    delicate, fine = await studio.ask("delicate", count=2), await studio.ask("fine")
    worker = studio.worker(glance=glance)
    async with working(worker):
        await in_thread(engine.at_work.wait)
        assert worker.sketch(fine) is None
        engine.at_work.clear()
        engine.may_go_on.set()
        await in_thread(engine.at_work.wait)
        assert worker.sketch(fine) is not None
        assert worker.sketch(delicate) is None
        engine.may_go_on.set()
        await studio.until(fine, JobState.COMPLETED)
        assert worker.sketch(fine) is None
    assert glances[:2] == ["delicate", "fine"]


async def test_no_drawing_fails_for_want_of_a_sketch(studio: Studio) -> None:
    studio.engine = engine = Sketchbook()
    engine.faults["sketch"] = RuntimeError("no memory for that")
    engine.may_go_on.clear()
    number = await studio.ask("a fox")
    worker = studio.worker(glance=lambda _sketch, _job: Verdict(ruling=Ruling.ALLOW))
    async with working(worker):
        await in_thread(engine.at_work.wait)
        assert worker.sketch(number) is None
        engine.may_go_on.set()
        await studio.until(number, JobState.COMPLETED)


async def test_while_nobody_asks_for_a_sketch_none_is_made(studio: Studio) -> None:
    studio.engine = Sketchbook()
    glanced: list[bytes] = []

    def glance(sketch: bytes, _job: Job) -> Verdict:
        glanced.append(sketch)
        return Verdict(ruling=Ruling.ALLOW)

    number = await studio.ask("a fox")
    async with working(studio.worker(glance=glance)):
        await studio.until(number, JobState.COMPLETED)
    assert glanced == []


async def test_the_engine_draws_on_while_the_last_batch_is_finished(studio: Studio) -> None:
    first_is_reviewed = threading.Event()

    def review(_picture: bytes, job: Job) -> Verdict:
        if job.prompt.wish == "first":
            assert first_is_reviewed.wait(10)
        return Verdict(ruling=Ruling.ALLOW)

    studio.judge = review
    first, second = await studio.ask("first"), await studio.ask("second", aspect="1:2")
    async with working(studio.worker()):
        await studio.until(second, JobState.EXECUTING)
        assert (await studio.job(first)).state is JobState.EXECUTING
        first_is_reviewed.set()
        await studio.until(first, JobState.COMPLETED)
        await studio.until(second, JobState.COMPLETED)


async def _cancel(studio: Studio, number: int) -> None:
    job = await studio.job(number)
    assert await studio.store.write(lambda c: jobs.cancel(c, job, studio.now))


async def test_a_drawing_nobody_wants_any_more_is_stopped(studio: Studio) -> None:
    studio.engine.may_go_on.clear()
    one, other = await studio.ask("one"), await studio.ask("other")
    worker = studio.worker()
    async with working(worker):
        await in_thread(studio.engine.at_work.wait)
        await _cancel(studio, one)
        await _cancel(studio, other)
        await in_thread(lambda: worker._halt.wait(10))
        studio.engine.may_go_on.set()
        later = await studio.ask("later")
        await studio.until(later, JobState.COMPLETED)
    assert [len(batch) for batch in studio.engine.batches] == [2, 1]
    assert (await studio.job(one)).state is JobState.CANCELLED
    assert await studio.said(one) is None
    assert await studio.charge(one) == "released"


async def test_one_of_a_batch_is_cancelled_and_the_others_get_their_pictures(
    studio: Studio,
) -> None:
    studio.engine.may_go_on.clear()
    one, other = await studio.ask("one"), await studio.ask("other")
    async with working(studio.worker()):
        await in_thread(studio.engine.at_work.wait)
        await _cancel(studio, one)
        studio.engine.may_go_on.set()
        await studio.until(other, JobState.COMPLETED)
    assert (await studio.job(one)).state is JobState.CANCELLED
    assert await studio.said(one) is None


async def test_at_stop_the_batch_in_hand_is_finished_and_no_other_begun(studio: Studio) -> None:
    studio.engine.may_go_on.clear()
    now, later = await studio.ask("now"), await studio.ask("later", aspect="1:2")
    stop = asyncio.Event()
    running = asyncio.create_task(studio.worker().run(stop))
    await in_thread(studio.engine.at_work.wait)
    stop.set()
    studio.engine.may_go_on.set()
    async with asyncio.timeout(10):
        await running
    assert (await studio.job(now)).state is JobState.COMPLETED
    job = await studio.job(later)
    assert (job.state, job.attempts) == (JobState.AVAILABLE, 0)


async def test_an_idle_worker_stops_at_once(studio: Studio) -> None:
    stop = asyncio.Event()
    worker = studio.worker()
    running = asyncio.create_task(worker.run(stop))
    await studio.until(await studio.ask("a fox"), JobState.COMPLETED)
    loop = asyncio.get_running_loop()
    stopped_at = loop.time()
    stop.set()
    await running
    assert loop.time() - stopped_at < 0.5


async def test_when_it_is_torn_away_its_jobs_go_back_unharmed(studio: Studio) -> None:
    studio.engine.may_go_on.clear()
    number = await studio.ask("a fox")
    running = asyncio.create_task(studio.worker().run(asyncio.Event()))
    await in_thread(studio.engine.at_work.wait)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    studio.engine.may_go_on.set()
    job = await studio.job(number)
    assert (job.state, job.attempts, job.crashes) == (JobState.AVAILABLE, 0, 0)


async def test_a_model_that_cannot_be_loaded_ends_the_worker(studio: Studio) -> None:
    studio.engine.faults["load"] = EngineError("There is no model at nowhere.")
    number = await studio.ask("a fox")
    with pytest.raises(EngineError, match="no model at nowhere"):
        await studio.worker().run(asyncio.Event())
    assert (await studio.job(number)).state is JobState.AVAILABLE


async def test_a_lost_device_ends_the_worker_and_makes_suspects(studio: Studio) -> None:
    studio.engine.faults["a fox"] = EngineLostError("The device failed.")
    number = await studio.ask("a fox")
    with pytest.raises(ExceptionGroup) as failure:
        await studio.worker().run(asyncio.Event())
    assert failure.group_contains(EngineLostError)
    assert (await studio.job(number)).state is JobState.EXECUTING
    await studio.store.write(lambda c: jobs.rescue(c, lambda _owner: False, studio.now))
    job = await studio.job(number)
    assert (job.state, job.crashes) == (JobState.AVAILABLE, 1)


async def test_a_drawing_outlives_a_full_disk(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.worker.PATIENCE_SECONDS", 0.0)
    number = await studio.ask("a fox")
    write, failures = studio.store.write, iter([False, True, True])

    async def failing(act: Callable[[Connection], Any]) -> Any:
        if next(failures, False):
            raise StoreError("database or disk is full")
        return await write(act)

    monkeypatch.setattr(studio.store, "write", failing)
    async with working(studio.worker()):
        await studio.until(number, JobState.COMPLETED)
    assert len(studio.engine.batches) == 1
