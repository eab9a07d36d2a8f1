"""May they? One act: read the usage, let the policies decide, then charge and enter the line.

Everything happens in the transaction of the connection it is given, so no two
asks can both see the last free unit, and there is never a charge without a job.
"""

from __future__ import annotations

from collections.abc import Sequence

from data import budget, jobs, journal, ledger, mentions, outbox
from data.mentions import Received
from data.store import Connection
from data.words import (
    Admit,
    Allowance,
    Ask,
    Decision,
    Event,
    JobState,
    Prompt,
    Refuse,
    Usage,
)
from ratelimit import room
from ratelimit.policy import Policy


def admit(
    c: Connection,
    received: Received,
    prompt: Prompt,
    seed: int,
    photo: str | None,
    policies: Sequence[Policy],
    now: float,
    *,
    hold: str | None = None,
    allowance: Allowance | None = None,
) -> Decision | None:
    """Decide a mention: charge it and put it in the line, or refuse it and say why.

    With `hold` (the reason) an admitted wish waits for a moderator instead. With an
    `allowance` a place for the reply is kept free, and the wish is not drawn before
    the reply can be posted.
    None where the mention was decided before: nothing is done twice.
    """
    if not mentions.decide(c, received.id, now):
        return None
    account = received.mention.account
    tier = ledger.tier_of(c, account)
    ask = Ask(account=account, tier=tier, units=prompt.count)
    decision = judge(ask, ledger.usage(c, account, now), policies, now)
    amount = allowance.per_reply + ask.units * allowance.per_picture if allowance else 0
    opens_at = 0.0
    if allowance is not None and isinstance(decision, Admit):
        opening = room.opens_at(c, account.platform, allowance, amount, now)
        decision, opens_at = (opening, 0.0) if isinstance(opening, Refuse) else (decision, opening)
    if isinstance(decision, Refuse):
        facts = {**decision.facts, "retry_at": decision.retry_at}
        journal.note(c, received.id, Event.REFUSE, now, say=decision.say, **facts)
        outbox.enqueue(c, received.id, decision.say, facts, now)
        return decision
    job_id = jobs.insert(
        c,
        received.id,
        received.mention,
        tier,
        prompt,
        seed,
        photo,
        now,
        state=JobState.HELD if hold else JobState.AVAILABLE,
        reason=hold,
        not_before=opens_at if opens_at > now else 0.0,
    )
    ledger.reserve(c, job_id, account, ask.units, now)
    if allowance is not None:
        budget.reserve(c, job_id, account.platform, amount, now)
    journal.note(c, received.id, Event.ADMIT, now, job=job_id, units=ask.units, tier=tier)
    if hold:
        journal.note(c, received.id, Event.HOLD, now, reason=hold)
    return decision


def judge(ask: Ask, usage: Usage, policies: Sequence[Policy], now: float) -> Decision:
    """The first refusal, or the admission that leaves the least."""
    decisions = [policy(ask, usage, now) for policy in policies]
    for decision in decisions:
        if isinstance(decision, Refuse):
            return decision
    admissions = [decision for decision in decisions if isinstance(decision, Admit)]
    return min(admissions, key=_left, default=Admit(left=None))


def _left(admission: Admit) -> float:
    return float("inf") if admission.left is None else admission.left
