"""The worker: one coroutine that takes jobs from the line and hands pictures to the outbox.

The engine draws in a thread of its own and waits for nobody: while it draws one
batch, the pictures of the batch before are encoded, kept, reviewed and committed,
and posting them is the outbox's work. A batch that fails is drawn again job by
job before any of them is blamed. A process that dies leaves its jobs `executing`;
`jobs.rescue` puts them back at the next start.
"""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import structlog
from PIL import Image

from data import jobs, lanes, verdicts
from data.pictures import PictureStore
from data.store import Act, Connection, Store
from data.words import (
    Job,
    MuralistError,
    Picture,
    Progress,
    Ruling,
    Say,
    Stage,
    StoreError,
    Verdict,
)
from generator import styles
from generator.batcher import choose
from generator.engine import Drawing, Engine, EngineError, EngineLostError, Order, Sketching

T = TypeVar("T")

#: Looks at the bytes of a finished picture; called in a thread that may wait.
Review = Callable[[bytes, Job], Verdict]

#: Other processes write to the same file without ringing our bell, and retries fall due.
POLL_SECONDS = 1.0

#: Between attempts to write a result while the database can't be written.
PATIENCE_SECONDS = 1.0

#: A failed job's first wait; each further one is four times as long.
BACKOFF_SECONDS = 5.0

#: Between two looks whether the way is free again.
GIVE_WAY_SECONDS = 0.01

#: The longer side of a sketch, in pixels.
SKETCH_PIXELS = 160

#: At most so often is a watcher told that a drawing has come further.
TELL_SECONDS = 0.2

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A job whose pictures are drawn."""

    job: Job
    drawings: Sequence[Drawing]
    engine: str


@dataclass(frozen=True, slots=True)
class _Kept:
    """A job whose pictures are in the picture store, and the strictest verdict on them."""

    job: Job
    pictures: Sequence[Picture]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class _Failed:
    job: Job
    error: Exception


class Worker:
    """`owner` marks our claims, as in `data.presence`; `attempts` counts tries of one job."""

    def __init__(
        self,
        store: Store,
        pictures: PictureStore,
        engine: Engine,
        *,
        owner: str,
        clock: Callable[[], float],
        review: Review,
        attempts: int = 3,
        default_style: str = styles.DEFAULT_STYLE,
        on_progress: Callable[[], None] | None = None,
        on_ready: Callable[[], object] | None = None,
        glance: Review | None = None,
        give_way: Callable[[], bool] | None = None,
    ) -> None:
        self._store = store
        self._pictures = pictures
        self._engine = engine
        self._owner = owner
        self._clock = clock
        self._review = review
        self._attempts = attempts
        self._default_style = default_style
        self._on_progress = on_progress or (lambda: None)
        self._on_ready = on_ready or (lambda: None)
        self._glance = glance
        self._give_way = give_way or (lambda: False)
        self._loop = asyncio.get_running_loop()
        self._easel = ThreadPoolExecutor(1, "easel")
        #: Tells the engine's thread to drop what it draws.
        self._halt = threading.Event()
        self._drawing: frozenset[int] = frozenset()
        self._progress: Progress | None = None
        self._sketches: Mapping[int, bytes] = {}
        #: Somebody has asked for sketches of what is on the easel.
        self._sketch = threading.Event()
        self._told = 0.0
        self._ready = False

    @property
    def ready(self) -> bool:
        """Whether the model is loaded."""
        return self._ready

    def progress(self, job_id: int) -> Progress | None:
        """How far the batch with this job has come; None while it isn't being drawn."""
        return self._progress if job_id in self._drawing else None

    def sketch(self, job_id: int) -> bytes | None:
        """What a job's first picture looked like a while ago, as a small WebP.

        It has passed `glance`. Asking has the next one made, where the engine can: for what
        is drawn at once, or watched by nobody, none is.
        """
        if job_id in self._drawing:
            self._sketch.set()
        return self._sketches.get(job_id)

    async def run(self, stop: asyncio.Event) -> None:
        """Load the model and draw until `stop`; the batch in hand is then still finished.

        Raises EngineError where the model can't be loaded, and EngineLostError,
        in a group, where only a new process can go on.
        """
        try:
            await self._at_easel(self._engine.load)
            self._on_ready()
            self._ready = True
            await self._work_and_tidy(stop)
            await self._at_easel(self._engine.close)
        finally:
            self._ready = False
            self._halt.set()
            # Waiting for the thread would stop the event loop until the drawing ends.
            self._easel.shutdown(wait=False)

    async def _work_and_tidy(self, stop: asyncio.Event) -> None:
        """Work, and give back what is claimed and not drawn, unless the engine broke on it."""
        try:
            await self._work_until(stop)
        except asyncio.CancelledError:
            await self._give_back()
            raise
        await self._give_back()

    async def _work_until(self, stop: asyncio.Event) -> None:
        over = asyncio.Event()
        async with asyncio.TaskGroup() as crew:
            crew.create_task(self._watch_for_cancellations(over), name="watch for cancellations")
            ringing = crew.create_task(self._ring_at(stop), name="ring at stop")
            try:
                await self._work(stop, crew)
            finally:
                ringing.cancel()
                over.set()
                self._store.bell.ring()

    async def _work(self, stop: asyncio.Event, crew: asyncio.TaskGroup) -> None:
        finishing: asyncio.Task[None] | None = None
        while batch := await self._next_batch(stop):
            outcomes = await self._draw(batch)
            if finishing is not None:
                # One batch behind and no further, or pictures would pile up in memory.
                await finishing
            finishing = crew.create_task(self._finish(outcomes), name="finish a batch")

    async def _next_batch(self, stop: asyncio.Event) -> list[Job]:
        """Wait for work and claim it; empty at `stop`."""
        while not stop.is_set():
            heard = self._store.bell.rings
            # Looking comes first: a claim is a write and rings the bell we wait for.
            if not await self._store.read(lambda c: jobs.waiting(c, self._clock())):
                await self._store.bell.after(heard, POLL_SECONDS)
            elif not stop.is_set() and (batch := await self._claim()) and not stop.is_set():
                return batch
        return []

    async def _claim(self) -> list[Job]:
        largest = self._engine.largest_batch

        def act(c: Connection) -> list[Job]:
            def pick(ready: Sequence[Job]) -> list[int]:
                return choose(ready, largest=largest, key=self._key)

            # A batch may reach as far ahead of the line's order as it can hold.
            reach = max(lanes.REACH, largest)
            return jobs.claim(c, self._owner, pick, self._clock(), reach=reach)

        return await self._write(act)

    def _key(self, job: Job) -> object:
        """What a job's pictures need the whole pass to be; engines don't look into the photo."""
        return self._engine.fits(self._order(job, 0, b"" if job.photo else None))

    def _order(self, job: Job, n: int, photo: bytes | None) -> Order:
        """The `n`-th picture of a job."""
        prompt = job.prompt
        return Order(
            text=styles.text_for(
                prompt, restyle=job.photo is not None, default_style=self._default_style
            ),
            negative=styles.negative_for(prompt),
            seed=job.seed + n,
            photo=photo,
            strength=prompt.strength,
            aspect=prompt.aspect,
            effort=job.effort.steps * prompt.quality,
            scale=job.effort.size,
        )

    async def _draw(self, batch: Sequence[Job]) -> list[_Drawn | _Failed]:
        """Draw a batch together, or else each job alone; nothing for cancelled ones."""
        self._halt.clear()
        self._drawing = frozenset(job.id for job in batch)
        self._sketch.clear()
        drawn = await self._outcome(self._at_easel(lambda: self._paint(batch)))
        self._drawing, self._progress, self._sketches = frozenset(), None, {}
        if not isinstance(drawn, Exception):
            return list(drawn)
        log.warning("drawing failed", jobs=[job.id for job in batch], error=repr(drawn))
        if len(batch) == 1:
            return [_Failed(batch[0], drawn)]
        return [outcome for job in batch for outcome in await self._draw([job])]

    def _paint(self, batch: Sequence[Job]) -> list[_Drawn]:
        """The engine's turn, in its thread. Empty where the drawing was stopped."""
        orders = [order for job in batch for order in self._orders(job)]

        def on_step(step: int, steps: int) -> bool:
            if self._sketch.is_set():
                self._sketch.clear()
                self._make_sketches(batch)
            return self._on_step(step, steps)

        drawings = self._engine.draw(orders, on_step)
        if drawings is None:
            return []
        rest = iter(drawings)
        name = self._engine.name
        return [_Drawn(job, [next(rest) for _ in range(job.prompt.count)], name) for job in batch]

    def _orders(self, job: Job) -> list[Order]:
        photo = self._pictures.get(job.photo) if job.photo else None
        return [self._order(job, n, photo) for n in range(job.prompt.count)]

    def _make_sketches(self, batch: Sequence[Job]) -> None:
        """Called in the engine's thread. No drawing fails because nobody could look at it."""
        if self._glance is None or not isinstance(self._engine, Sketching):
            return
        sketches: dict[int, bytes] = {}
        try:
            seen, first = self._engine.sketch(), 0
            for job in batch:
                file = _small(seen[first]) if first in seen else None
                if file is not None and self._glance(file, job).ruling is Ruling.ALLOW:
                    sketches[job.id] = file
                first += job.prompt.count
        except Exception as error:  # noqa: BLE001  see above
            log.warning("no sketch", jobs=[job.id for job in batch], error=repr(error))
        self._loop.call_soon_threadsafe(self._show, sketches)

    def _show(self, sketches: Mapping[int, bytes]) -> None:
        self._sketches = {n: file for n, file in sketches.items() if n in self._drawing}

    def _on_step(self, step: int, steps: int) -> bool:
        """Called in the engine's thread; between two steps it lets others have the processor."""
        while self._give_way() and not self._halt.is_set():
            time.sleep(GIVE_WAY_SECONDS)
        self._loop.call_soon_threadsafe(self._come_to, Progress(step=step, steps=steps))
        return not self._halt.is_set()

    def _come_to(self, progress: Progress) -> None:
        if not self._drawing:
            return  # the last steps of a drawing may be told after its end
        self._progress = progress
        if self._loop.time() - self._told >= TELL_SECONDS:
            self._told = self._loop.time()
            self._on_progress()

    async def _finish(self, outcomes: Sequence[_Drawn | _Failed]) -> None:
        """Keep and review the pictures, then write all that came of a batch in one act."""
        results = [await self._keep_or_fail(outcome) for outcome in outcomes]

        def act(c: Connection) -> None:
            for result in results:
                self._settle(c, result, self._clock())

        if results:
            await self._write(act)

    async def _keep_or_fail(self, outcome: _Drawn | _Failed) -> _Kept | _Failed:
        if isinstance(outcome, _Failed):
            return outcome
        kept = await self._outcome(asyncio.to_thread(self._keep, outcome))
        if isinstance(kept, Exception):
            log.warning("keeping failed", job=outcome.job.id, error=repr(kept))
            return _Failed(outcome.job, kept)
        return kept

    def _keep(self, drawn: _Drawn) -> _Kept:
        """Encode, store and review a job's pictures, in a thread that may wait."""
        files = [drawing.encode() for drawing in drawn.drawings]
        pictures = [
            Picture(
                sha256=self._pictures.put(file),
                media_type=drawing.media_type,
                width=drawing.image.width,
                height=drawing.image.height,
                seed=drawing.seed,
                engine=drawn.engine,
            )
            for file, drawing in zip(files, drawn.drawings, strict=True)
        ]
        verdicts = [self._review(file, drawn.job) for file in files]
        return _Kept(
            drawn.job, pictures, max(verdicts, key=lambda verdict: verdict.ruling.strictness)
        )

    def _settle(self, c: Connection, result: _Kept | _Failed, now: float) -> None:
        if isinstance(result, _Failed):
            self._settle_failure(c, result, now)
            return
        job, verdict = result.job, result.verdict
        if verdict.check:
            shown = [picture.sha256 for picture in result.pictures]
            verdicts.note(c, job.mention_id, Stage.PICTURE, verdict, now, pictures=shown)
        if verdict.ruling is Ruling.REFUSE:
            jobs.discard(
                c, job, Say.REFUSED_PICTURE, verdict.reason, now, category=verdict.category
            )
        elif verdict.ruling is Ruling.HOLD:
            jobs.hold(c, job, verdict.reason, now, result.pictures)
        else:
            jobs.complete(c, job, result.pictures, now)

    def _settle_failure(self, c: Connection, failed: _Failed, now: float) -> None:
        job, reason = failed.job, _in_words(failed.error)
        for_good = isinstance(failed.error, EngineError) and not failed.error.transient
        if for_good or job.attempts >= self._attempts:
            jobs.discard(c, job, Say.FAILED, reason, now, attempts=job.attempts)
        else:
            wait = BACKOFF_SECONDS * 4.0 ** (job.attempts - 1)
            jobs.retry(c, job, reason, now + wait, now)

    async def _watch_for_cancellations(self, over: asyncio.Event) -> None:
        """Stop the engine once nobody waits for any picture of its batch."""
        heard = self._store.bell.rings
        while not over.is_set():
            heard = await self._store.bell.after(heard, POLL_SECONDS)
            drawing = self._drawing
            if drawing and drawing == await self._cancelled(drawing) and drawing == self._drawing:
                self._halt.set()

    async def _cancelled(self, job_ids: frozenset[int]) -> set[int]:
        return await self._store.read(lambda c: jobs.cancelled_among(c, job_ids))

    async def _ring_at(self, stop: asyncio.Event) -> None:
        """Whoever sleeps until the bell shall notice `stop` at once."""
        await stop.wait()
        self._store.bell.ring()

    async def _give_back(self) -> None:
        await self._store.write(lambda c: jobs.release_claim(c, self._owner, self._clock()))

    async def _at_easel(self, work: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._easel, work)

    async def _outcome(self, work: Awaitable[T]) -> T | Exception:
        """What became of `work` on one batch: whatever is wrong with it, the line goes on."""
        try:
            return await work
        except EngineLostError:
            raise
        except Exception as error:  # noqa: BLE001  the one place: it is journaled with its job
            return error

    async def _write(self, act: Act[T]) -> T:
        """Write for sure: a full disk may have room again in a moment, a drawing is dear."""
        while True:
            try:
                return await self._store.write(act)
            except StoreError as error:
                log.error("the database cannot be written", error=str(error))
                await asyncio.sleep(PATIENCE_SECONDS)


def _small(image: Image.Image) -> bytes:
    sketch = image.convert("RGB")
    sketch.thumbnail((SKETCH_PIXELS, SKETCH_PIXELS))
    file = io.BytesIO()
    sketch.save(file, "WEBP", quality=60)
    return file.getvalue()


def _in_words(error: Exception) -> str:
    """Our own errors are sentences; others need their names to make sense."""
    return str(error) if isinstance(error, MuralistError) else f"{type(error).__name__}: {error}"
