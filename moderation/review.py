"""Should we? All checks of a stage look; the strictest verdict wins; no verdict means hold."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Sequence
from queue import Empty, SimpleQueue

import structlog

from data.words import Ruling, Stage, Verdict
from moderation.check import Check, Subject

ALLOW = Verdict(ruling=Ruling.ALLOW)


def review(checks: Sequence[Check], stage: Stage, subject: Subject) -> Verdict:
    """The strictest verdict of the stage's checks on `subject`. Blocking; never raises.

    What each of them said is in `among`. A sealed verdict outweighs all others.
    """
    verdicts = tuple(_look(check, subject) for check in checks if stage in check.stages)
    strictest = max(
        verdicts, key=lambda verdict: (verdict.ruling.strictness, verdict.sealed), default=ALLOW
    )
    return dataclasses.replace(strictest, among=verdicts)


def failed(check: str, reason: str = "the automatic check could not be made") -> Verdict:
    """No verdict: a person looks."""
    return Verdict(
        ruling=Ruling.HOLD, check=check, rule=f"failed.{check}", category="failed", reason=reason
    )


def _look(check: Check, subject: Subject) -> Verdict:
    """In a thread of its own, which is left behind where it takes too long."""
    answers: SimpleQueue[Verdict | Exception] = SimpleQueue()

    def look() -> None:
        try:
            answers.put(check.look(subject))
        except Exception as error:  # noqa: BLE001  whatever went wrong, a person decides
            answers.put(error)
        finally:
            check.lanes.release()

    answer: Verdict | Exception = TimeoutError(f"no verdict within {check.seconds} s")
    if check.lanes.acquire(timeout=check.seconds):
        threading.Thread(target=look, name=f"check-{check.name}", daemon=True).start()
        with contextlib.suppress(Empty):
            answer = answers.get(timeout=check.seconds)
    if isinstance(answer, Verdict):
        return answer
    log = structlog.get_logger()
    log.error("check failed, held for a moderator", check=check.name, exc_info=answer)
    return failed(check.name)
