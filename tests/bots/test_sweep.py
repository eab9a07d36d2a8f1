"""What people delete on a platform is forgotten here, words and pictures."""

from __future__ import annotations

from bots.platform import House, Manners
from bots.sweep import sweep
from data import jobs, mentions
from data.pictures import PictureStore
from data.store import Connection, Store
from data.words import Picture
from ratelimit import policy
from ratelimit.admission import admit
from tests.conftest import NOON, a_mention, a_prompt
from tests.postbox import Postbox


async def test_the_words_and_pictures_of_a_deleted_post_are_gone(
    house: House, postbox: Postbox, store: Store, picture_store: PictureStore
) -> None:
    mine, shared = picture_store.put(b"mine"), picture_store.put(b"shared")

    def paint(c: Connection) -> None:
        for n, digests in (("1", [mine, shared]), ("2", [shared])):
            mention = a_mention(n, f"guest{n}", text="@muralist a very secret fox")
            (received,) = mentions.receive(c, "sandbox", [mention], n, NOON)
            admit(c, received, a_prompt("a very secret fox"), 7, None, policy.load(["daily"]), NOON)
            (job,) = jobs.claim(c, "me", lambda ready: [job.id for job in ready], NOON)
            jobs.complete(c, job, [_picture(digest) for digest in digests], NOON)

    await store.write(paint)
    postbox.manners = Manners(sweep_days=1)
    assert await sweep(house, postbox) == 0
    postbox.deleted = {"1"}
    assert await sweep(house, postbox) == 1
    assert await sweep(house, postbox) == 0
    told = await store.read(lambda c: _everything(c, 1))
    assert "secret" not in told
    assert "secret" in await store.read(lambda c: _everything(c, 2))
    assert not picture_store.path(mine).exists()
    assert picture_store.path(shared).exists()


def _picture(digest: str) -> Picture:
    return Picture(sha256=digest, media_type="image/png", width=8, height=8, seed=1, engine="test")


def _everything(c: Connection, mention: int) -> str:
    rows = [tuple(r) for r in c.execute("SELECT * FROM queue_log WHERE mention = ?", (mention,))]
    lines = c.execute("SELECT detail FROM journal WHERE mention_id = ?", (mention,))
    return f"{rows} {[row['detail'] for row in lines]}"
