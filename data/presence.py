"""Which processes are alive: each holds an operating-system lock of its own.

The kernel drops the lock when a process ends, however it ends, so there is no
heartbeat to wait for: whatever a dead process had claimed can be taken back the
moment another one looks.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout


class Presence:
    """This process's mark, `id`, and the question whether another's still stands."""

    def __init__(self, folder: Path) -> None:
        self.id = secrets.token_hex(8)
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self._file(self.id), blocking=False)

    def alive(self, owner: str | None) -> bool:
        """Whether the process that marked itself `owner` still runs."""
        if owner == self.id:
            return True
        if owner is None or not self._file(owner).exists():
            return False
        try:
            with FileLock(self._file(owner), blocking=False):
                pass
        except Timeout:
            return True
        self._file(owner).unlink(missing_ok=True)
        return False

    @contextlib.contextmanager
    def held(self) -> Iterator[Presence]:
        with self._lock:
            yield self
        self._file(self.id).unlink(missing_ok=True)

    def _file(self, owner: str) -> Path:
        return self._folder / f"{owner}.lock"
