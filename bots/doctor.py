"""`python -m bots doctor`: what is configured, what works, what is missing, in plain words."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bots.settings import PREFIX, Settings, SettingsError, load
from data import budget, tokens
from data.store import SAFE_SQLITE, connect, sqlite_version
from generator.engine import EngineError, EngineSettings, open_engine
from moderation import check as checks
from moderation.check import CheckSettings

#: Below this much free space, in bytes, pictures will soon have no room.
LITTLE_SPACE = 1_000_000_000


class Mark(StrEnum):
    WORKS = "[green]✓[/]"
    BROKEN = "[red]✗[/]"
    NOTE = "[yellow]·[/]"

    @classmethod
    def of(cls, works: object) -> Mark:
        return cls.WORKS if works else cls.BROKEN


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    mark: Mark
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
        table.add_row(finding.mark, finding.what, finding.says)
    console.print(table)
    broken = sum(finding.mark is Mark.BROKEN for finding in findings)
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
        _checks,
        _address,
    )
    for probe in probes:
        yield probe(settings)
    yield Finding("platforms", Mark.NOTE, ", ".join(settings.platforms))
    if "x" in settings.platforms:
        yield from _x(settings)
    if "discord" in settings.platforms:
        yield from _discord(settings)
    changed = [name for name in Settings.model_fields if name in settings.model_fields_set]
    shown = ", ".join(f"{PREFIX}{n.upper()}={getattr(settings, n)}" for n in changed)
    yield Finding("set by you", Mark.NOTE, shown or "nothing; the defaults are in force")


#: What X asks of whoever runs a bot, and no program can check.
_X_ASKS = (
    "X has approved this app for replies that an AI makes (developer.x.com, your project)",
    "the account carries the Automated label and names the account that manages it",
    "its bio says that it is a bot, who runs it, and that “stop” is honoured",
    "the bot's own account owns the developer app, or each mention read costs five times as much",
    "the app may read and write, and its keys were made after that was set",
)


def _x(settings: Settings) -> Iterator[Finding]:
    # tweepy, only when asked for
    from bots.platforms._x.credentials import Grant, keys_of

    try:
        keys = keys_of(settings)
        says = f"{keys.said} for account {keys.bot_id}, known as @{settings.handle}"
        yield Finding("X", Mark.WORKS, says)
        origin = keys.origin if isinstance(keys, Grant) else ""
    except SettingsError as error:
        yield Finding("X", Mark.BROKEN, str(error))
        origin = ""
    yield Finding("X", Mark.NOTE, f"at most {settings.x_usd_per_day:g} US dollars a UTC day")
    if origin:
        yield _x_private(settings)
    yield from _x_so_far(settings, origin)
    for asked in _X_ASKS:
        yield Finding("X asks", Mark.NOTE, asked)


#: What whoever runs the bot on Discord does once, and no program can check.
_DISCORD_ASKS = (
    "the application is installed with the scopes bot and applications.commands",
    "it may view channels, send (in threads too), attach files, read history, add reactions",
    "none of the privileged intents is needed; leave all three off",
)


def _discord(settings: Settings) -> Iterator[Finding]:
    # discord.py, only when asked for
    from bots.platforms._discord.connection import tried

    try:
        name = asyncio.run(tried(settings))
    except SettingsError as error:
        yield Finding("Discord", Mark.BROKEN, str(error))
    else:
        says = f"the token is {name}'s" if name else "Discord could not be asked about the token"
        yield Finding("Discord", Mark.WORKS if name else Mark.NOTE, says)
    if settings.discord_mod_channel is None:
        says = f"what is held is told on the desk only; set {PREFIX}DISCORD_MOD_CHANNEL"
        yield Finding("Discord", Mark.NOTE, says)
    for sku, tier in settings.discord_skus:
        yield Finding("Discord", Mark.NOTE, f"who buys {sku} has the tier {tier}")
    for asked in _DISCORD_ASKS:
        yield Finding("Discord asks", Mark.NOTE, asked)


def _x_private(settings: Settings) -> Finding:
    """OAuth 2 tokens lie in the database: whoever reads the file can write as the bot."""
    path = settings.database
    if path.exists() and path.stat().st_mode & 0o077:
        return Finding("X", Mark.BROKEN, f"{path} holds tokens and others may read it: chmod 600")
    return Finding("X", Mark.NOTE, f"its tokens are kept in {path}, which only its owner may read")


def _x_so_far(settings: Settings, origin: str) -> Iterator[Finding]:
    """Its health and its last days' costs, where it has run before."""
    if not settings.database.exists():
        return
    with contextlib.closing(connect(settings.database, read_only=True)) as c:
        if not budget.kept(c):
            return
        stopped, days = budget.tripped(c, "x"), budget.costs(c, "x", 3)
        lost = tokens.lost(c, "x", origin)
    if lost is not None:
        yield Finding("X", Mark.BROKEN, lost)
    if stopped is not None:
        says = f"nothing is posted: {stopped} Mend it, then `python -m bots resume x`"
        yield Finding("X", Mark.BROKEN, says)
    for cost in days:
        each = f", {cost.usd_per_reply:.4f} each" if cost.usd_per_reply else ""
        says = f"{cost.day}: {cost.usd:.3f} US dollars for {cost.replies} pictures{each}"
        yield Finding("X", Mark.NOTE, says)


def _python(_settings: Settings) -> Finding:
    return Finding("Python", Mark.of(sys.version_info >= (3, 11)), platform.python_version())


def _sqlite(_settings: Settings) -> Finding:
    version = ".".join(map(str, sqlite_version()))
    if sqlite_version() >= SAFE_SQLITE:
        return Finding("SQLite", Mark.WORKS, version)
    wanted = ".".join(map(str, SAFE_SQLITE))
    return Finding(
        "SQLite",
        Mark.NOTE,
        f"{version} has the WAL-reset bug when several processes write;"
        f" use a Python built with {wanted} or newer before you run more than one",
    )


def _database(settings: Settings) -> Finding:
    path = settings.database
    if path.exists():
        return Finding("database", Mark.WORKS, f"{path}, {path.stat().st_size / 1e6:.1f} MB")
    folder = _nearest(path.parent)
    if os.access(folder, os.W_OK):
        return Finding("database", Mark.WORKS, f"{path} will be made at the first start")
    return Finding("database", Mark.BROKEN, f"{folder} may not be written; set {PREFIX}DATABASE")


def _space(settings: Settings) -> Finding:
    free = shutil.disk_usage(_nearest(settings.pictures)).free
    says = f"{free / 1e9:.1f} GB free for pictures in {settings.pictures}"
    return Finding("disk", Mark.WORKS if free > LITTLE_SPACE else Mark.NOTE, says)


def _torch(_settings: Settings) -> Finding:
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return Finding("torch", Mark.BROKEN, "not installed; run `make run`, it installs it")
    return Finding("torch", Mark.WORKS, version)


def _model(settings: Settings) -> Finding:
    """Load it and say how long it takes: the only proof that it works."""
    engine = open_engine(
        settings.engine,
        EngineSettings(model=settings.model, device=settings.device, threads=settings.threads),
    )
    try:
        engine.load()
    except EngineError as error:
        return Finding("engine", Mark.BROKEN, str(error))
    engine.close()
    return Finding("engine", Mark.WORKS, f"{engine.name} loads")


def _checks(settings: Settings) -> Finding:
    """Open them; models of checks are loaded with the first picture only."""
    try:
        opened = checks.load(settings.checks, CheckSettings(classifier=settings.classifier))
    except (OSError, ValueError, ImportError) as error:
        return Finding("checks", Mark.BROKEN, str(error))
    if "classifier" in settings.checks and not settings.classifier:
        says = "classifier has no model, so every picture is held: set MURALIST_CLASSIFIER"
        return Finding("checks", Mark.BROKEN, says)
    return Finding("checks", Mark.WORKS, ", ".join(check.name for check in opened))


def _address(settings: Settings) -> Finding:
    try:
        with socket.create_server((settings.host, settings.port)):
            pass
    except OSError as error:
        says = f"{settings.host}:{settings.port} cannot be used ({error.strerror})"
        return Finding(
            "address", Mark.BROKEN, f"{says}; set {PREFIX}PORT, or is it running already?"
        )
    return Finding("address", Mark.WORKS, f"http://{settings.host}:{settings.port}/ is free")


def _nearest(path: Path) -> Path:
    """The first folder on the way up that exists."""
    return path if path.exists() else _nearest(path.parent)
