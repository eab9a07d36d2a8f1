"""A scenario: who asks for pictures when, what draws them, and what the tiers may have.

Written as TOML, a file each in `ratelimit/scenarios/`. Spans of time are written
`90s`, `10m`, `2d 6h` and counted from the beginning.
"""

from __future__ import annotations

import dataclasses
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from data.words import MuralistError, Terms, Tier
from ratelimit.durations import Span
from ratelimit.tiers import TERMS

FOLDER: Final = Path(__file__).resolve().parent.parent / "scenarios"

#: Those that are in force where nobody has set others (`MURALIST_POLICIES`).
POLICIES: Final = ("rollout", "age", "overload", "burst", "queued", "guild", "total", "daily")

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class ScenarioError(MuralistError):
    """A scenario can't be read; the message is a sentence for each mistake."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Change(_Part):
    """From `at` on there are so many GPUs."""

    at: Span
    count: Annotated[int, Field(ge=0)]


class Gpus(_Part):
    """What draws. A step of a batch takes as long as its pixels, and never less than the floor.

    `overhead` is spent once a batch (text, decoding, encoding). `failures` is the
    share of drawings that come to nothing.
    """

    count: Annotated[int, Field(gt=0)]
    batch: Annotated[int, Field(gt=0)] = 8
    steps: Annotated[int, Field(gt=0)] = 28
    size: Annotated[int, Field(gt=0)] = 1024
    seconds_per_step: Positive = 0.1
    megapixels_per_second: Positive = 6.5
    overhead: Annotated[float, Field(ge=0)] = 0.2
    failures: Share = 0.0
    changes: tuple[Change, ...] = ()

    def seconds(self, pictures: int, steps: int, size: int) -> float:
        """How long a batch takes: roofline, measured on two numbers of one's own GPU."""
        megapixels = pictures * size * size / 1e6
        step = max(self.seconds_per_step, megapixels / self.megapixels_per_second)
        return self.overhead + steps * step

    @property
    def pictures_per_second(self) -> float:
        """All of them together, in full batches at full quality."""
        return self.count * self.batch / self.seconds(self.batch, self.steps, self.size)


class Crowd(_Part):
    """People who ask alike. `wishes_per_hour` is of all together, a number or a curve.

    A curve is a list of [when, wishes an hour], straight between its points and
    nothing outside them. With `at_once` so many are asked for at `begins` instead.
    `swing` is how much more is asked for in the evening than on average (UTC).
    `guilds` spread the people over so many communities. `photos` is the share of wishes
    that restyle a photo, `patience` the share that come again when told when.
    """

    name: str
    tier: Tier = Tier.FREE
    people: Annotated[int, Field(gt=0)]
    wishes_per_hour: float | tuple[tuple[Span, float], ...] = 0.0
    at_once: Annotated[int, Field(ge=0)] = 0
    begins: Span = 0.0
    swing: Share = 0.0
    guilds: Annotated[int, Field(ge=0)] = 0
    photos: Share = 0.2
    patience: Share = 0.5


class Deal(_Part):
    """What a tier may have instead of its own terms, named as in `data.words.Terms`.

    It opens at `opens`, counted from the beginning.
    """

    daily: Annotated[int, Field(ge=0)] | None = None
    burst: Annotated[int, Field(gt=0)] | None = None
    every: Span | None = None
    in_hand: Annotated[int, Field(gt=0)] | None = None
    weight: Positive | None = None
    opens: Span | None = None
    share: Share | None = None
    wait: Span | None = None

    def given(self, began: float) -> dict[str, Any]:
        """What is said here, as fields of `Terms`."""
        fields = self.model_dump(exclude_none=True, exclude={"opens"})
        return fields if self.opens is None else {**fields, "opens_at": began + self.opens}


class Scenario(_Part):
    """`scale` is the share of people, wishes and GPUs that is simulated.

    `policies` are those of `ratelimit/policies/` in force, by default the usual ones. With
    `melting` the controller is at work. What has waited for longer than `expires` is let go.
    """

    title: str
    story: str
    starts: datetime
    lasts: Span
    seed: int = 1
    scale: Positive = 1.0
    policies: tuple[str, ...] = POLICIES
    melting: bool = True
    expires: Span = 6 * 3_600.0
    gpus: Gpus
    crowds: Annotated[tuple[Crowd, ...], Field(min_length=1)]
    tiers: dict[Tier, Deal] = {}

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [crowd.name for crowd in self.crowds]
        if len(set(names)) < len(names):
            raise ValueError("two crowds have the same name")
        return self

    def terms(self, tier: Tier) -> Terms:
        """What a tier may have in this scenario."""
        given = self.tiers[tier].given(self.began) if tier in self.tiers else {}
        return dataclasses.replace(TERMS[tier], **given)

    @property
    def began(self) -> float:
        """Its first moment in UNIX seconds; a time without a zone is UTC."""
        zoned = self.starts if self.starts.tzinfo else self.starts.replace(tzinfo=UTC)
        return zoned.timestamp()

    def scaled(self, factor: float) -> Scenario:
        """As large a share of it: `people`, wishes and GPUs alike, at least one of each."""
        return self.model_copy(
            update={
                "scale": factor,
                "gpus": self.gpus.model_copy(
                    update={
                        "count": _at_least_one(self.gpus.count * factor),
                        "changes": tuple(
                            Change(at=change.at, count=round(change.count * factor))
                            for change in self.gpus.changes
                        ),
                    }
                ),
                "crowds": tuple(_scaled(crowd, factor) for crowd in self.crowds),
            }
        )


def load(name: str) -> Scenario:
    """The scenario of a file, or of that name in the folder. Raises ScenarioError."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
        return Scenario(**fields)
    except FileNotFoundError:
        there = ", ".join(names())
        raise ScenarioError(f"There is no scenario {name!r}. There is: {there}.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ScenarioError(f"{path} could not be read: {error}.") from None
    except ValidationError as error:
        raise ScenarioError("\n".join(_sentence(path, flaw) for flaw in error.errors())) from None


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def _sentence(path: Path, flaw: Any) -> str:
    where = ".".join(str(part) for part in flaw["loc"]) or "the whole"
    return f"{path.name}, {where}: {flaw['msg'].removeprefix('Value error, ')}."


def _scaled(crowd: Crowd, factor: float) -> Crowd:
    curve = crowd.wishes_per_hour
    return crowd.model_copy(
        update={
            "people": _at_least_one(crowd.people * factor),
            "at_once": round(crowd.at_once * factor),
            "wishes_per_hour": curve * factor
            if isinstance(curve, float)
            else tuple((at, rate * factor) for at, rate in curve),
        }
    )


def _at_least_one(count: float) -> int:
    return max(1, round(count))
