"""Discord shuts out whoever asks for too much that is refused: these are counted, and heeded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Final

import aiohttp

#: Refusals that count, and over which time, in seconds: 10,000 of them end in a ban.
INVALID: Final = frozenset({401, 403, 429})
WINDOW: Final = 600.0
#: From so many on, only what people wait for is asked, and slowly.
MANY: Final = 500
PAUSE: Final = 30.0


class Caution:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._refused: deque[float] = deque(maxlen=10_000)

    @property
    def invalid(self) -> int:
        """Invalid requests in the last ten minutes."""
        since = self._clock() - WINDOW
        while self._refused and self._refused[0] < since:
            self._refused.popleft()
        return len(self._refused)

    @property
    def high(self) -> bool:
        return self.invalid >= MANY

    def note(self, status: int) -> None:
        if status in INVALID:
            self._refused.append(self._clock())

    def trace(self) -> aiohttp.TraceConfig:
        """Has every answer of a session counted."""

        async def ended(
            _session: aiohttp.ClientSession,
            _context: SimpleNamespace,
            params: aiohttp.TraceRequestEndParams,
        ) -> None:
            self.note(params.response.status)

        config = aiohttp.TraceConfig()
        config.on_request_end.append(ended)
        return config
