"""What X charges, in mills: thousandths of a US dollar (§2).

Reads are charged once per resource and UTC day, at the dearest price that day;
empty answers and failures cost nothing. Whether `includes` are charged is not
stated anywhere: here they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

DAY = 86_400


class Price(IntEnum):
    """In mills."""

    OWNED_READ = 1
    POST_READ = 5
    USER_READ = 10
    POST = 15
    POST_WITH_LINK = 200
    SUMMONED_REPLY = 10
    METADATA = 5
    DELETE = 10
    EVENT = 5


@dataclass(frozen=True, slots=True)
class Charge:
    at: float
    what: str
    mills: int


class Bill:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.charges: list[Charge] = []
        self._read: dict[tuple[int, str], int] = {}

    @property
    def mills(self) -> int:
        return sum(charge.mills for charge in self.charges)

    @property
    def cents(self) -> float:
        return self.mills / 10

    def by_kind(self) -> dict[str, int]:
        """Mills by what they were for: the first word of each charge."""
        sums: dict[str, int] = {}
        for charge in self.charges:
            kind = charge.what.split()[0]
            sums[kind] = sums.get(kind, 0) + charge.mills
        return sums

    def read(self, resource: str, price: int) -> None:
        """A resource was given out; `resource` is "post 123" or "user 4"."""
        key = (int(self._clock() // DAY), resource)
        due = price - self._read.get(key, 0)
        if due > 0:
            self._read[key] = price
            self._charge(f"read {resource}", due)

    def write(self, what: str, price: int) -> None:
        """Something was done; writes are charged every time."""
        self._charge(what, price)

    def _charge(self, what: str, mills: int) -> None:
        self.charges.append(Charge(self._clock(), what, mills))
