"""Is there room for the reply? A place in the platform's windows, and the money for it.

Both are kept free before anything is drawn, so nothing is drawn that could not be
posted. Where the windows are full, the wish waits in the line until there is room;
where that is too far away, it is refused. In the transaction of the connection it
is given, like everything that admits.
"""

from __future__ import annotations

import math

from data import budget
from data.store import Connection
from data.words import Allowance, Refuse, Say, Window


def opens_at(
    c: Connection, platform: str, allowance: Allowance, amount: int, now: float
) -> float | Refuse:
    """The moment from which a reply that costs `amount` can be posted, now or later."""
    places, money = budget.reserved(c, platform)
    moments = [_next_place(c, platform, window, places, now) for window in allowance.windows]
    moments.append(_next_money(c, platform, allowance, money + amount, now))
    earliest = max(moments)
    if earliest - now > allowance.patience:
        return Refuse(say=Say.NO_ROOM, retry_at=earliest if math.isfinite(earliest) else None)
    return earliest


def _next_place(c: Connection, platform: str, window: Window, places: int, now: float) -> float:
    """When the window, or the one after it, has a place behind all that are kept free."""
    use = budget.use(c, platform, budget.REPLIES, window, now)
    capacity = budget.capacity(c, platform, budget.REPLIES, window)
    whole_windows = (use.used + places) // max(1, capacity)
    if whole_windows == 0:
        return now
    return use.resets_at + (whole_windows - 1) * window.seconds


def _next_money(
    c: Connection, platform: str, allowance: Allowance, wanted: int, now: float
) -> float:
    """When today's money, or that of a day to come, suffices for all that is reserved."""
    missing = budget.spent(c, platform, now) + wanted - allowance.per_day
    if missing <= 0:
        return now
    if wanted > allowance.per_day or not allowance.per_day:
        return math.inf
    return budget.day_ends(now)
