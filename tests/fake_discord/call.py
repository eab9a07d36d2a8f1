"""One request as its handler sees it, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fake_discord.endpoints import Endpoint
from tests.fake_discord.faults import Fault
from tests.fake_discord.rules import Upload


@dataclass(slots=True)
class Exchange:
    """One request, and what became of it. `status` 0 is none: the line was cut."""

    at: float
    endpoint: Endpoint | None
    path: str
    query: Mapping[str, str]
    body: Any = None
    #: Whether it brings files, and how many bytes each has.
    multipart: bool = False
    files: tuple[int, ...] = ()
    status: int = 0
    #: Discord's own code of a refusal, its sentence, and why only a careless client asks.
    code: int | None = None
    refused: str = ""
    offence: str = ""
    fault: Fault | None = None


@dataclass(slots=True)
class Call:
    endpoint: Endpoint
    ids: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    at: float
    files: dict[int, Upload] = field(default_factory=dict)

    @property
    def major(self) -> str:
        """What a bucket is counted by."""
        for name in ("channel", "token", "guild"):
            if name in self.ids:
                return self.ids[name]
        return ""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: Any = None


Handler = Callable[[Call], Reply]
