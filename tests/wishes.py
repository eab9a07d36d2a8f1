"""Wishes at every stage of their way, for tests of what may be done with them."""

from __future__ import annotations

from data import jobs, mentions, outbox, verdicts
from data.store import Connection
from data.words import Mention, Picture, Ruling, Stage, Verdict
from ratelimit.admission import admit
from tests.conftest import NOON, a_mention, a_prompt, an_account

DOUBT = Verdict(
    ruling=Ruling.HOLD, check="words", rule="violence.close", category="violence", reason="doubt"
)
SEVERE = Verdict(ruling=Ruling.HOLD, check="words", rule="violence.cruel", severe=True)
WRONG = Verdict(ruling=Ruling.REFUSE, check="words", rule="sexual.bare", strike=True)
SEALED = Verdict(ruling=Ruling.REFUSE, check="words", rule="minors.sexual", sealed=True)
PICTURE = Picture(sha256="ab" * 32, media_type="image/png", width=8, height=8, seed=1, engine="e")


def wish(
    c: Connection, number: str, who: str = "ada", verdict: Verdict | None = DOUBT, **facts: object
) -> int:
    """Somebody's wish, held where the verdict says so; the mention's number."""
    mention = Mention(**{**a_mention(number, who).to_json(), "account": an_account(who), **facts})
    (received,) = mentions.receive(c, "sandbox", [mention], None, NOON)
    if verdict is not None:
        verdicts.note(c, received.id, Stage.PROMPT, verdict, NOON)
    held = verdict is not None and verdict.ruling is Ruling.HOLD
    if verdict is None or held:
        hold = verdict.reason or "doubt" if verdict is not None else None
        admit(c, received, a_prompt(), 7, None, (), NOON, hold=hold)
    return received.id


def drawn(c: Connection, number: str, who: str = "ada", *, held: bool = False) -> int:
    """A wish whose picture is there, held or on its way to its asker; the job's number."""
    wish(c, number, who, None)
    (job,) = jobs.claim(c, "me", lambda ready: [ready[-1].id], NOON)
    if held:
        verdicts.note(c, job.mention_id, Stage.PICTURE, DOUBT, NOON)
        assert jobs.hold(c, job, "doubt", NOON, [PICTURE])
    else:
        assert jobs.complete(c, job, [PICTURE], NOON)
    return job.id


def posted(c: Connection, number: str, who: str = "ada") -> int:
    """A wish whose picture stands; the job's number."""
    job_id = drawn(c, number, who)
    for reply in outbox.take(c, "sandbox", "me", lambda _c, _r: "here", 9, NOON):
        outbox.posted(c, reply, f"post-{number}", NOON)
    return job_id
