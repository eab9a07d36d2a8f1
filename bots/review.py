"""The checks with what they may know: circumstances are read before, fingerprints kept after.

Called in threads that may wait. Whatever goes wrong on the way means that a person looks.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import re
from collections.abc import Callable, Coroutine, Sequence
from typing import TypeVar

import structlog

from data import circumstances, journal
from data.store import Connection, Store
from data.words import Circumstances, Job, Ruling, Stage, Verdict
from moderation import fingerprint
from moderation.check import Check, Subject
from moderation.review import failed, review

#: How long reading or writing what a check needs may take, in seconds.
PATIENCE = 10.0

_HANDLE = re.compile(r"\w{2,}")

T = TypeVar("T")


class Review:
    """`review(stage, subject) -> Verdict`, blocking; never raises."""

    def __init__(self, store: Store, checks: Sequence[Check], clock: Callable[[], float]) -> None:
        self._store = store
        self._checks = checks
        self._clock = clock
        self._loop = asyncio.get_running_loop()

    def __call__(
        self, stage: Stage, subject: Subject, job: Job | None = None, *, keep: bool = True
    ) -> Verdict:
        try:
            subject = self._informed(stage, subject, job, keep=keep)
        except Exception:  # noqa: BLE001  whatever went wrong, a person decides
            structlog.get_logger().exception("nothing known for the checks", stage=stage)
            return failed("circumstances")
        return review(self._checks, stage, subject)

    def picture(self, image: bytes, job: Job) -> Verdict:
        """A finished picture of a job."""
        return self(Stage.PICTURE, _subject(image, job), job)

    def sketch(self, image: bytes, job: Job) -> Verdict:
        """What a picture of a job looks like so far; nothing is remembered of it.

        What has to be covered when it is done is not shown before.
        """
        if self._wait(self._store.read(lambda c: journal.softened(c, job.mention_id))):
            return Verdict(ruling=Ruling.SOFTEN)
        return self(Stage.PICTURE, _subject(image, job), job, keep=False)

    def _informed(self, stage: Stage, subject: Subject, job: Job | None, *, keep: bool) -> Subject:
        """With its circumstances, and where there is an image, with its fingerprint."""
        handles = set(_HANDLE.findall(subject.prompt.wish)) if stage is Stage.PROMPT else set()
        now = self._clock()

        def look(c: Connection) -> Circumstances:
            known = circumstances.of_job(c, job) if job is not None else subject.circumstances
            return circumstances.filled_in(c, known, stage, handles, now)

        known = self._wait(self._store.read(look))
        if subject.image is None:
            return dataclasses.replace(subject, circumstances=known)
        bits = fingerprint.of_image(subject.image)
        if keep:
            digest = hashlib.sha256(subject.image).hexdigest()
            self._wait(self._store.write(lambda c: circumstances.keep_fingerprint(c, digest, bits)))
        return dataclasses.replace(subject, circumstances=known, fingerprint=bits)

    def _wait(self, work: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)


def _subject(image: bytes, job: Job) -> Subject:
    return Subject(prompt=job.prompt, image=image, photo=job.photo is not None)
