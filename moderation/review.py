"""Should we? All checks of a stage look; the strictest verdict wins; no verdict means hold."""

from __future__ import annotations

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
    asked = [check for check in checks if stage in check.stages]
    verdicts: list[Verdict] = []
    while len(verdicts) < len(asked):
        verdicts += _look(asked[len(verdicts) :], subject)
    strictest = max(
        verdicts, key=lambda verdict: (verdict.ruling.strictness, verdict.sealed), default=ALLOW
    )
    return dataclasses.replace(strictest, among=tuple(verdicts))


def failed(check: str, reason: str = "the automatic check could not be made") -> Verdict:
    """No verdict: a person looks."""
    return Verdict(
        ruling=Ruling.HOLD, check=check, rule=f"failed.{check}", category="failed", reason=reason
    )


def _look(checks: Sequence[Check], subject: Subject) -> list[Verdict]:
    """What checks say, one after the other in a thread of their own, as far as they are in time.

    With the first that takes too long the thread is left behind, and the answers end.
    """
    answers: SimpleQueue[Verdict | Exception] = SimpleQueue()
    left_behind = threading.Event()

    def look() -> None:
        for check in checks:
            if not left_behind.is_set():
                answers.put(_answer(check, subject))

    # One for all of them: to start a thread beside a busy engine costs more than most looks.
    threading.Thread(target=look, name="checks", daemon=True).start()
    verdicts: list[Verdict] = []
    for check in checks:
        try:
            verdicts.append(_verdict(check, answers.get(timeout=check.seconds)))
        except Empty:
            left_behind.set()
            return [*verdicts, _verdict(check, _late(check))]
    return verdicts


def _answer(check: Check, subject: Subject) -> Verdict | Exception:
    if not check.lanes.acquire(timeout=check.seconds):
        return _late(check)
    try:
        return check.look(subject)
    except Exception as error:  # noqa: BLE001  whatever went wrong, a person decides
        return error
    finally:
        check.lanes.release()


def _late(check: Check) -> TimeoutError:
    return TimeoutError(f"no verdict within {check.seconds} s")


def _verdict(check: Check, answer: Verdict | Exception) -> Verdict:
    if isinstance(answer, Verdict):
        return answer
    log = structlog.get_logger()
    log.error("check failed, held for a moderator", check=check.name, exc_info=answer)
    return failed(check.name)
