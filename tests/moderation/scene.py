"""A desk with something on it: wishes in every state, as moderators meet them."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw
from sqlite_utils import Database

from data import bans, cases, jobs, mentions, migrations, outbox, timeline, verdicts
from data.pictures import PictureStore
from data.store import Connection, connect
from data.words import (
    Account,
    Mention,
    Picture,
    Prompt,
    Ruling,
    Say,
    Stage,
    Verdict,
)
from ratelimit.admission import admit

NASTY = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>"

WISHES = (
    ("mara", "a red fox asleep in a hammock", "done"),
    ("tobi", "my cat as a medieval knight, stained glass", "done"),
    ("lena_k", "a lighthouse in a snow storm --style ink", "held"),
    ("oskar", "the mayor of our town wrestling a crocodile", "held"),
    ("juno", "three ghosts playing chess under a streetlamp", "done"),
    ("pixelpat", "a birthday cake shaped like a submarine", "failed"),
    ("mara", "a portrait of my neighbour in the bath", "refused"),
    ("quentin", "a tiny castle on a whale's back, morning fog", "held"),
    ("ivo", "ein Igel mit Regenschirm, Aquarell", "done"),
    ("s4ndman", "two anglers arguing over a golden herring", "held"),
    ("rosa", "متحف صغير على القمر", "done"),
    ("oskar", "the same again, but angrier", "held"),
    ("nils", "an octopus conducting an orchestra of teapots", "held"),
)


def lay_out(folder: Path) -> dict[str, int]:
    """Fill `folder`; the numbers of some wishes by a word for them."""
    store = PictureStore(folder / "pictures")
    c = connect(folder / "muralist.db")
    c.execute("PRAGMA journal_mode = WAL")
    migrations.apply(Database(c))
    c.execute("BEGIN IMMEDIATE")
    now = time.time()
    known: dict[str, int] = {}
    for n, (who, wish, state) in enumerate(WISHES):
        at = now - (len(WISHES) - n) * 340.0
        known[f"{state} {who}"] = add(c, store, who, wish, state, at, hue=n * 27)
    known["nasty"] = add(c, store, NASTY, f"{NASTY} a teapot", "held", now - 60, hue=200)
    done = known["done juno"]
    cases.report(
        c, _account("rosa"), done, "This is me and I never agreed.", now - 500, job_id=done
    )
    refused = known["refused mara"]
    appeal = "It is a rubber duck in the bath. My neighbour is called Duck."
    cases.appeal(c, _account("mara"), refused, appeal, now - 240)
    bans.ban(c, _account("troll"), now + 86_400, "asks again and again", "discord:42", now - 3_000)
    c.execute("COMMIT")
    c.close()
    return known


def add(
    c: Connection,
    store: PictureStore,
    who: str,
    wish: str,
    state: str,
    at: float,
    *,
    hue: int = 0,
) -> int:
    """One wish on its way to `state`; its number."""
    source = str(timeline.add(c, who, f"@muralist {wish}", at))
    mention = Mention(
        platform="sandbox",
        source_id=source,
        account=_account(who),
        text=f"@muralist {wish}",
        created_at=at,
    )
    (received,) = mentions.receive(c, "sandbox", [mention], None, at)
    if state == "refused":
        _refuse(c, received.id, at)
        return received.id
    admit(c, received, Prompt(wish=wish), 4242 + hue, None, (), at)
    (job,) = jobs.claim(c, "scene", lambda ready: [ready[0].id], at + 1)
    drawn = [_picture(store, hue)]
    if state == "failed":
        jobs.discard(c, job, Say.FAILED, "out of memory, three times", at + 4)
    elif state == "held":
        verdict = Verdict(
            ruling=Ruling.HOLD,
            check="nsfw",
            rule="nsfw.hold" if hue % 2 else "likeness.violent",
            category="nsfw",
            reason="the picture may show too much skin" if hue % 2 else "it may show a real person",
            scores={"nsfw": 0.64},
        )
        verdicts.note(c, received.id, Stage.PICTURE, verdict, at + 4)
        jobs.hold(c, job, verdict.reason, at + 4, drawn)
    else:
        jobs.complete(c, job, drawn, at + 4)
        c.execute(
            "UPDATE outbox SET state = 'posted', post_id = 'gone', posted_at = ?, text = ?"
            " WHERE job_id = ?",
            (at + 5, f"Here is “{wish}”, painted by AI.", job.id),
        )
    return received.id


def _refuse(c: Connection, mention_id: int, at: float) -> None:
    verdict = Verdict(
        ruling=Ruling.REFUSE,
        check="words",
        rule="likeness.undress",
        category="likeness",
        reason="it shows a real person in a way they did not agree to",
    )
    verdicts.note(c, mention_id, Stage.PROMPT, verdict, at)
    mentions.decide(c, mention_id, at)
    outbox.enqueue(c, mention_id, Say.REFUSED_PROMPT, {"reason": verdict.reason}, at)


def _picture(store: PictureStore, hue: int) -> Picture:
    """A landscape of two colours and a sun."""
    image = Image.new("RGB", (256, 256), f"hsl({hue}, 55%, 72%)")
    draw = ImageDraw.Draw(image)
    draw.ellipse((40 + hue % 90, 36, 100 + hue % 90, 96), fill=f"hsl({(hue + 40) % 360}, 85%, 62%)")
    hills: Sequence[tuple[int, int]] = ((0, 190), (70, 120), (140, 180), (200, 140), (256, 200))
    draw.polygon([*hills, (256, 256), (0, 256)], fill=f"hsl({(hue + 160) % 360}, 40%, 38%)")
    out = io.BytesIO()
    image.save(out, "PNG")
    digest = store.put(out.getvalue())
    return Picture(
        sha256=digest,
        media_type="image/png",
        width=256,
        height=256,
        seed=hue,
        engine="diffusers:muralist",
    )


def _account(who: str) -> Account:
    return Account(platform="sandbox", user_id=who, handle=who)
