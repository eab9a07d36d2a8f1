"""May they? One act: read the usage, let the policies decide, then charge and enter the line.

Everything happens in the transaction of the connection it is given, so no two
asks can both see the last free unit, and there is never a charge without a job.
Wishes that come at the same time are decided one after the other, but read and
written together: what they cost is mostly the number of statements.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from data import budget, jobs, journal, ledger, line, mentions, outbox, putoff
from data.jobs import Entry
from data.ledger import Charge
from data.mentions import Received
from data.store import Connection
from data.usage import Book
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


class Wish(NamedTuple):
    """A mention that asks for a picture, and all that is needed to decide it.

    With `hold` (the reason) an admitted wish waits for a moderator instead. With an
    `allowance` a place for the reply is kept free, and the wish is not drawn before
    the reply can be posted.
    """

    received: Received
    prompt: Prompt
    seed: int
    photo: str | None = None
    hold: str | None = None
    allowance: Allowance | None = None


class _Admitted(NamedTuple):
    """A wish that may enter, not before `opens_at`; `amount` is set aside for its reply."""

    wish: Wish
    ask: Ask
    usage: Usage
    arrival: float
    opens_at: float
    amount: int


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
    """Decide one mention by itself, as `admit_all` does."""
    wish = Wish(received, prompt, seed, photo, hold, allowance)
    return admit_all(c, [wish], policies, now)[0]


def admit_all(
    c: Connection, wishes: Sequence[Wish], policies: Sequence[Policy], now: float
) -> list[Decision | None]:
    """Decide wishes in their order: charge each and put it in the line, or refuse it and say why.

    None for a mention that was decided before: nothing is done twice.
    """
    # Room for a reply is looked for in the database, so such a wish is written before the next.
    runs = itertools.groupby(wishes, lambda wish: wish.allowance and wish.received.id)
    return [one for _, run in runs for one in _decide(c, list(run), policies, now)]


def _decide(
    c: Connection, wishes: Sequence[Wish], policies: Sequence[Policy], now: float
) -> list[Decision | None]:
    undecided = mentions.decide_all(c, [wish.received.id for wish in wishes], now)
    book = Book(c, [wish.received.mention for wish in wishes], TERMS, now)
    decisions: list[Decision | None] = []
    admitted: list[_Admitted] = []
    for wish in wishes:
        if wish.received.id not in undecided:
            decisions.append(None)
            continue
        undecided.remove(wish.received.id)
        mention = wish.received.mention
        tier, usage = book.look(mention)
        circle, channel = mention.circle, mention.channel
        ask = Ask(mention.account, tier, wish.prompt.units, mention.created_at, circle, channel)
        decision, opens_at, amount = judge(ask, usage, policies, now), 0.0, 0
        if wish.allowance is not None and isinstance(decision, Admit):
            amount = wish.allowance.per_reply + wish.prompt.count * wish.allowance.per_picture
            opening = room.opens_at(c, mention.platform, wish.allowance, amount, now)
            if isinstance(opening, Refuse):
                decision = opening
            else:
                opens_at = opening
        if isinstance(decision, Refuse):
            refuse(c, wish.received, decision, ask, now)
        else:
            arrival = burst.arrival(ask, usage, now)
            book.grant(mention, tier, ask.units, arrival, waits=wish.hold is None)
            admitted.append(_Admitted(wish, ask, usage, arrival, opens_at, amount))
        decisions.append(decision)
    if admitted:
        _enter(c, admitted, now)
    return decisions


def judge(ask: Ask, usage: Usage, policies: Sequence[Policy], now: float) -> Decision:
    """The first refusal, or the admission that leaves the least."""
    least = YES
    for policy in policies:
        decision = policy(ask, usage, now)
        if decision is YES:
            continue
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


def _enter(c: Connection, admitted: Sequence[_Admitted], now: float) -> None:
    """Charge admitted wishes and put them in the line."""
    numbers = jobs.insert_all(c, [_entry(one, now) for one in admitted], now)
    charges, told = [], []
    for number, (wish, ask, _, arrival, _, _) in zip(numbers, admitted, strict=True):
        charges.append(Charge(number, ask.account, ask.units, ask.circle, ask.channel, arrival))
        told.append((wish.received.id, {"job": number, "units": ask.units, "tier": ask.tier}))
    ledger.reserve_all(c, charges, now)
    journal.note_all(c, Event.ADMIT, told, now)
    estimated, alone = [], set[int]()
    for number, (wish, ask, usage, _, opens_at, amount) in zip(numbers, admitted, strict=True):
        if usage.temporary:
            putoff.let_in(c, ask.account)
        if wish.hold:
            journal.note(c, wish.received.id, Event.HOLD, now, reason=wish.hold)
        elif usage.waiting < SHORT and opens_at <= now:
            estimated.append((number, ask.tier))
            if not usage.waiting:
                alone.add(number)
        if wish.allowance is not None:
            budget.reserve(c, number, wish.received.mention.platform, amount, now)
    line.promise(c, estimated, now, alone=alone)


def _entry(one: _Admitted, now: float) -> Entry:
    wish, ask, usage, _, opens_at, _ = one
    return Entry(
        wish.received.id,
        wish.received.mention,
        ask.tier,
        wish.prompt,
        wish.seed,
        wish.photo,
        wish.hold,
        JobState.HELD if wish.hold else JobState.AVAILABLE,
        opens_at if opens_at > now else 0.0,
        terms_of(ask, usage).weight,
    )
