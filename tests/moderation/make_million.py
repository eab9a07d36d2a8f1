"""A store with very many wishes in it, for measuring: see `make bench-desk`.

    python -m tests.moderation.make_million [--jobs N] FOLDER

Writes what the bot would have written, through the same tables and triggers and into the
casebook as the bot enters it, with a
fixed seed: wishes of 20,000 accounts on three platforms, most of them drawn, some
held, failed, refused or taken down.
"""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from sqlite_utils import Database

from data import migrations
from data.enrolment import Enrolled, enrol
from data.store import Connection, connect
from data.words import Account, Mention, Prompt, Ruling, Tier

NOW = 1_774_785_600.0
STEP = 2.0  # seconds between two wishes
CHUNK = 20_000

THINGS = (
    *("fox", "apple", "boat", "robot", "castle", "whale"),
    *("teapot", "comet", "lantern", "heron", "bicycle", "cactus"),
)
COLOURS = ("red", "green", "blue", "yellow", "purple", "orange", "white", "black", "golden")
PLACES = ("on a hill", "in the rain", "at night", "under a bridge", "in a hammock", "on the moon")
MODELS = ("diffusers:muralist", "diffusers:sd-turbo", "diffusers:sdxl-turbo")
RULES = ("words", "likeness", "nsfw", "flood")


def make(c: Connection, jobs: int, *, seed: int = 7) -> None:
    """Fill a migrated store."""
    chance = random.Random(seed)
    for first in range(1, jobs + 1, CHUNK):
        c.execute("BEGIN IMMEDIATE")
        _chunk(c, range(first, min(jobs, first + CHUNK - 1) + 1), jobs, chance)
        c.execute("COMMIT")
    c.execute("PRAGMA optimize")


def _chunk(c: Connection, numbers: range, jobs: int, chance: random.Random) -> None:
    mentions, rows, enrolled, verdicts, pictures, replies = [], [], [], [], [], []
    for n in numbers:
        at = NOW - (jobs - n) * STEP
        mention = _mention(n, at, chance)
        account, state = mention.account, _state(n, chance)
        mentions.append(
            (n, account.platform, mention.source_id, account.user_id, _json(mention), at, at)
        )
        if state in ("held", "refused", "removed"):
            ruling = Ruling.HOLD if state == "held" else Ruling.REFUSE
            verdict = {"ruling": ruling, "rule": chance.choice(RULES), "reason": "made up"}
            verdicts.append((at, n, "verdict", json.dumps(verdict)))
        job_state = {"removed": "completed", "failed": "discarded", "refused": "discarded"}
        reason = None if state in ("completed", "removed") else "made up for measuring"
        prompt = Prompt(wish=mention.text.removeprefix("@muralist "))
        tier = chance.choice(tuple(Tier)[:3])
        asker = (account.platform, mention.source_id, account.user_id, account.handle, tier)
        end = (job_state.get(state, state), reason, at, at + 1, at + 2)
        rows.append((n, n, *asker, json.dumps(prompt.to_json()), n, *end))
        guild = f"guild{n % 300}" if account.platform == "discord" else None
        who = (account.platform, account.user_id, account.handle, tier.value)
        enrolled.append(Enrolled(n, n, *who, guild, end[0], at, prompt.wish))
        if state in ("completed", "removed"):
            pictures.append((n, 0, f"{n:064x}", "image/png", 512, 512, n, chance.choice(MODELS)))
        if state in ("completed", "removed", "refused", "failed"):
            say = {"refused": "refused_picture", "failed": "failed"}.get(state, "picture")
            gone = at + 60 if state == "removed" else None
            told = (account.platform, say, "{}", "Here it is.", "posted")
            replies.append((n, n, *told, at, f"p{n}", at + 3, gone))
    _insert(c, "mentions", mentions)
    _insert(c, "jobs", rows)
    _insert(c, "holds", [(one.job_id, 1, one.at) for one in enrolled if one.state == "held"])
    enrol(c, enrolled)
    _insert(c, "journal", verdicts)
    _insert(c, "pictures", pictures)
    _insert(c, "outbox", replies)
    c.execute(
        "INSERT OR IGNORE INTO accounts (platform, user_id, handle, first_seen)"
        " SELECT platform, user_id, user_id, received_at FROM mentions WHERE id BETWEEN ? AND ?",
        (numbers[0], numbers[-1]),
    )
    c.execute(
        "UPDATE outbox SET withdrawn_at = withdrawn_at WHERE withdrawn_at IS NOT NULL"
        " AND mention_id BETWEEN ? AND ?",
        (numbers[0], numbers[-1]),
    )


def _insert(c: Connection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    columns = _TABLES[table]
    marks = ", ".join("?" * (columns.count(",") + 1))
    c.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)


_TABLES = {
    "mentions": "id, platform, source_id, user_id, payload, received_at, decided_at",
    "journal": "at, mention_id, event, detail",
    "jobs": "id, mention_id, platform, source_id, user_id, handle, tier, prompt, seed, state,"
    " reason, created_at, claimed_at, finished_at",
    "holds": "job_id, needed, held_at",
    "pictures": "job_id, position, sha256, media_type, width, height, seed, engine",
    "outbox": "mention_id, job_id, platform, say, facts, text, state, created_at, post_id,"
    " posted_at, withdrawn_at",
}


def _mention(n: int, at: float, chance: random.Random) -> Mention:
    who = f"user{chance.randrange(20_000)}"
    wish = f"a {chance.choice(COLOURS)} {chance.choice(THINGS)} {chance.choice(PLACES)}"
    rare = f" no. {n}" if n % 1000 == 0 else ""
    platform = chance.choices(("sandbox", "x", "discord"), (50, 30, 20))[0]
    return Mention(
        platform=platform,
        source_id=str(n),
        account=Account(platform=platform, user_id=who, handle=who),
        text=f"@muralist {wish}{rare}",
        created_at=at,
    )


def _json(mention: Mention) -> str:
    payload = mention.to_json()
    if mention.platform == "discord":
        payload["guild"] = f"guild{int(mention.source_id) % 300}"
    return json.dumps(payload)


def _state(n: int, chance: random.Random) -> str:
    if n % 1000 == 1:
        return "held"
    return chance.choices(("completed", "failed", "refused", "removed"), (960, 15, 20, 5))[0]


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Connection]:
    """A fresh, migrated file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(connect(path)) as c:
        c.execute("PRAGMA journal_mode = WAL")
        migrations.apply(Database(c))
        yield c


@click.command()
@click.option("--jobs", default=1_000_000, show_default=True)
@click.argument("folder", type=click.Path(path_type=Path))
def main(jobs: int, folder: Path) -> None:
    """Make FOLDER/muralist.db."""
    began = time.perf_counter()
    with opened(folder / "muralist.db") as c:
        make(c, jobs)
    click.echo(f"{jobs:,} wishes in {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
