"""The pulse: how late the event loop comes to what is due. A loop that is late answers late."""

from __future__ import annotations

import asyncio

BEAT = 0.02


class Pulse:
    """Measures the loop's lag, in seconds, all the time."""

    def __init__(self) -> None:
        self.latest = 0.0
        self.worst = 0.0
        self.beats = 0

    async def run(self) -> None:
        """Beat for ever."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + BEAT
            await asyncio.sleep(BEAT)
            self.latest = max(0.0, loop.time() - due)
            self.worst = max(self.worst, self.latest)
            self.beats += 1

    def forget(self) -> float:
        """The worst lag since the last call."""
        worst, self.worst = self.worst, 0.0
        return worst
