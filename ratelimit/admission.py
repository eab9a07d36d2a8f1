"""May they? One act: read the usage, let the policies decide, then charge and enter the line.

Everything happens in the transaction of the connection it is given, so no two
asks can both see the last free unit, and there is never a charge without a job.
"""

from __future__ import annotations

from collections.abc import Sequence

from data import budget, jobs, journal, ledger, line, mentions, outbox, putoff
from data import usage as usages
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
    Say,
    Usage,
)
from ratelimit import room
from ratelimit.policies import burst
from ratelimit.policy import YES, Policy, terms_of
from ratelimit.tiers import TERMS

#: Up to so many units in a tier's line each wish's estimate is kept, to be measured by; from
#: longer lines the controller takes samples.
SHORT = 32


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
    mention = received.mention
    tier, usage = usages.look(c, mention, TERMS, now)
    ask = Ask(
        account=mention.account,
        tier=tier,
        units=prompt.units,
        asked_at=mention.created_at,
        circle=mention.circle,
        channel=mention.channel,
    )
    decision = judge(ask, usage, policies, now)
    opens_at = 0.0
    if allowance is not None and isinstance(decision, Admit):
        amount = allowance.per_reply + prompt.count * allowance.per_picture
        opening = room.opens_at(c, mention.platform, allowance, amount, now)
        decision, opens_at = (opening, 0.0) if isinstance(opening, Refuse) else (decision, opening)
    if isinstance(decision, Refuse):
        refuse(c, received, decision, ask, now)
        return decision
    job_id = enter(c, received, prompt, seed, photo, ask, usage, now, hold=hold, opens_at=opens_at)
    if allowance is not None:
        budget.reserve(c, job_id, mention.platform, amount, now)
    return decision


def judge(ask: Ask, usage: Usage, policies: Sequence[Policy], now: float) -> Decision:
    """The first refusal, or the admission that leaves the least."""
    least = YES
    for policy in policies:
        decision = policy(ask, usage, now)
        if isinstance(decision, Refuse):
            return decision
        if decision.left is not None and (least.left is None or decision.left < least.left):
            least = decision
    return least


def refuse(c: Connection, received: Received, decision: Refuse, ask: Ask, now: float) -> None:
    """Say why, and when to try again; nothing is charged."""
    facts = {**decision.facts, "retry_at": decision.retry_at}
    journal.note(c, received.id, Event.REFUSE, now, say=decision.say, **facts)
    outbox.enqueue(c, received.id, decision.say, facts, now)
    if decision.say is Say.OVERLOADED:
        putoff.note(c, received, ask.tier, ask.units, decision.retry_at or now, now)


def enter(
    c: Connection,
    received: Received,
    prompt: Prompt,
    seed: int,
    photo: str | None,
    ask: Ask,
    usage: Usage,
    now: float,
    *,
    hold: str | None = None,
    opens_at: float = 0.0,
) -> int:
    """Charge an admitted ask and put it in the line; return its job's number."""
    job_id = jobs.insert(
        c,
        received.id,
        received.mention,
        ask.tier,
        prompt,
        seed,
        photo,
        now,
        state=JobState.HELD if hold else JobState.AVAILABLE,
        reason=hold,
        not_before=opens_at if opens_at > now else 0.0,
        weight=terms_of(ask, usage).weight,
    )
    ledger.reserve(c, job_id, ask.account, ask.units, now, circle=ask.circle, channel=ask.channel)
    ledger.arrive(c, ask.account, burst.arrival(ask, usage, now))
    if usage.temporary:
        putoff.let_in(c, ask.account)
    journal.note(c, received.id, Event.ADMIT, now, job=job_id, units=ask.units, tier=ask.tier)
    if hold:
        journal.note(c, received.id, Event.HOLD, now, reason=hold)
    elif usage.waiting < SHORT and opens_at <= now:
        line.promise(c, job_id, ask.tier, now, alone=not usage.waiting)
    return job_id
