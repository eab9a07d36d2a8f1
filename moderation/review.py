"""Should we? All checks of a stage look; the strictest verdict wins; no verdict means hold."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from data.words import Ruling, Stage, Verdict
from moderation.check import Check, Subject

ALLOW = Verdict(ruling=Ruling.ALLOW)


def review(checks: Sequence[Check], stage: Stage, subject: Subject) -> Verdict:
    """The strictest verdict of the stage's checks on `subject`. Blocking; never raises."""
    verdicts = [_look(check, subject) for check in checks if check.stage is stage]
    return max(verdicts, key=lambda verdict: verdict.ruling.strictness, default=ALLOW)


def _look(check: Check, subject: Subject) -> Verdict:
    try:
        return check.look(subject)
    except Exception:  # noqa: BLE001  whatever went wrong, a person decides
        structlog.get_logger().exception("check failed, held for a moderator", check=check.name)
        return Verdict(
            ruling=Ruling.HOLD,
            check=check.name,
            category="check failed",
            reason="the automatic check could not be made",
        )
