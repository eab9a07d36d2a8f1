"""One request after another in one place.

discord.py keeps two counts of a bucket that it meets with several requests at once for
the first time, and then asks for more than there is.
"""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class Turns:
    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, place: str | None) -> asyncio.Lock:
        """The lock of a channel, or of whoever is written to directly; nothing is kept of it."""
        lock = self._locks.get(place or "")
        if lock is None:
            self._locks[place or ""] = lock = asyncio.Lock()
        return lock
