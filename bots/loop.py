"""The event loop the bot lives on."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")


def run(living: Coroutine[None, None, T]) -> T:
    """As `asyncio.run`, on a loop that costs less CPU a message, where this system has one."""
    try:
        import uvloop
    except ImportError:
        factory = None
    else:
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(living)
