"""Which jobs are drawn together. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Sequence

from data.words import Job, JobState


def choose(ready: Sequence[Job], *, largest: int, key: Callable[[Job], Hashable]) -> list[int]:
    """Pick the next batch from the line: the ids of jobs, in the order of the line.

    The head always goes, so nobody starves. Behind it go the jobs with its `key`, as
    long as no more than `largest` pictures come together; one that asks for too
    many is passed over, not waited for. A head of more than `largest` pictures goes
    alone. So does a suspect: the cause of a crash or failure shows only alone.
    """
    head = ready[0]
    chosen = [head]
    pictures = head.prompt.count
    if not _suspect(head):
        # Looked at one by one: those behind a full batch need not be read at all.
        for job in itertools.islice(ready, 1, None):
            has_room = pictures + job.prompt.count <= largest
            if has_room and not _suspect(job) and key(job) == key(head):
                chosen.append(job)
                pictures += job.prompt.count
            if pictures >= largest:
                break
    return [job.id for job in chosen]


def _suspect(job: Job) -> bool:
    return job.crashes > 0 or job.state is JobState.RETRYABLE
