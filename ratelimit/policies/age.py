"""Accounts younger than so many seconds wait until they are old enough.

Their age is what the platform tells, or else since when we have known them.
"""

from __future__ import annotations

from data.words import Ask, Decision, Refuse, Say, Usage
from ratelimit.policy import YES, terms_of


def decide(ask: Ask, usage: Usage, now: float) -> Decision:
    least = terms_of(ask, usage).min_age
    if now - usage.since >= least:
        return YES
    return Refuse(say=Say.TOO_NEW, retry_at=usage.since + least, facts={"min_age": least})
