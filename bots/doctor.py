"""`python -m bots doctor`: what is configured, what works, what is missing, in plain words."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bots.settings import PREFIX, Settings, SettingsError, load
from data.store import SAFE_SQLITE, sqlite_version
from generator.engine import EngineError, EngineSettings, open_engine

#: Below this much free space, in bytes, pictures will soon have no room.
LITTLE_SPACE = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """`good` is True (works), False (must be mended) or None (worth knowing)."""

    what: str
    good: bool | None
    says: str


def examine() -> int:
    """Print all findings; the exit status, 1 where something must be mended."""
    console = Console()
    try:
        settings = load()
    except SettingsError as error:
        console.print(f"[red]✗[/] {error}")
        return 1
    findings = list(_findings(settings))
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        table.add_row(_mark(finding.good), finding.what, finding.says)
    console.print(table)
    broken = sum(finding.good is False for finding in findings)
    console.print("\nEverything needed works." if not broken else f"\n{broken} to mend.")
    return 1 if broken else 0


def _findings(settings: Settings) -> Iterator[Finding]:
    probes: tuple[Callable[[Settings], Finding], ...] = (
        _python,
        _sqlite,
        _database,
        _space,
        _torch,
        _model,
        _address,
    )
    for probe in probes:
        yield probe(settings)
    yield Finding("platforms", None, ", ".join(settings.platforms))
    changed = [name for name in Settings.model_fields if name in settings.model_fields_set]
    shown = ", ".join(f"{PREFIX}{n.upper()}={getattr(settings, n)}" for n in changed)
    yield Finding("set by you", None, shown or "nothing; the defaults are in force")


def _python(_settings: Settings) -> Finding:
    return Finding("Python", sys.version_info >= (3, 11), platform.python_version())


def _sqlite(_settings: Settings) -> Finding:
    version = ".".join(map(str, sqlite_version()))
    if sqlite_version() >= SAFE_SQLITE:
        return Finding("SQLite", True, version)
    wanted = ".".join(map(str, SAFE_SQLITE))
    return Finding(
        "SQLite",
        None,
        f"{version} has the WAL-reset bug when several processes write;"
        f" use a Python built with {wanted} or newer before you run more than one",
    )


def _database(settings: Settings) -> Finding:
    path = settings.database
    if path.exists():
        return Finding("database", True, f"{path}, {path.stat().st_size / 1e6:.1f} MB")
    folder = _nearest(path.parent)
    if os.access(folder, os.W_OK):
        return Finding("database", True, f"{path} will be made at the first start")
    return Finding("database", False, f"{folder} may not be written; set {PREFIX}DATABASE")


def _space(settings: Settings) -> Finding:
    free = shutil.disk_usage(_nearest(settings.pictures)).free
    says = f"{free / 1e9:.1f} GB free for pictures in {settings.pictures}"
    return Finding("disk", True if free > LITTLE_SPACE else None, says)


def _torch(_settings: Settings) -> Finding:
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return Finding("torch", False, "not installed; run `make run`, it installs it")
    return Finding("torch", True, version)


def _model(settings: Settings) -> Finding:
    """Load it and say how long it takes: the only proof that it works."""
    engine = open_engine(
        settings.engine,
        EngineSettings(model=settings.model, device=settings.device, threads=settings.threads),
    )
    try:
        engine.load()
    except EngineError as error:
        return Finding("engine", False, str(error))
    engine.close()
    return Finding("engine", True, f"{engine.name} loads")


def _address(settings: Settings) -> Finding:
    try:
        with socket.create_server((settings.host, settings.port)):
            pass
    except OSError as error:
        says = f"{settings.host}:{settings.port} cannot be used ({error.strerror})"
        return Finding("address", False, f"{says}; set {PREFIX}PORT, or is it running already?")
    return Finding("address", True, f"http://{settings.host}:{settings.port}/ is free")


def _nearest(path: Path) -> Path:
    """The first folder on the way up that exists."""
    return path if path.exists() else _nearest(path.parent)


def _mark(good: bool | None) -> str:  # noqa: FBT001
    return {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]·[/]"}[good]
