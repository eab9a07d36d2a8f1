"""The sandbox as a platform: what the bot reads there and what it posts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from bots.platform import Delivery, House, Outcome, PlatformError
from bots.platforms import sandbox
from bots.platforms.sandbox import Sandbox
from bots.timeline import threads
from data import ledger, timeline
from data.words import Account, Mention, PhotoRef, Picture, Receipt, Reply, Tier
from tests.conftest import Clock, an_account

PICTURE = Picture(
    sha256="ab" * 32, media_type="image/png", width=512, height=512, seed=7, engine="test"
)


@pytest.fixture
async def platform(house: House) -> AsyncIterator[Sandbox]:
    async with sandbox.open(house) as opened:
        yield opened


async def write_post(house: House, author: str, text: str, **more: object) -> int:
    number = await house.store.write(
        lambda c: timeline.add(c, author, text, house.clock(), **more)  # type: ignore[arg-type]
    )
    assert number is not None
    return number


async def next_of(platform: Sandbox, cursor: str | None) -> Delivery:
    async with contextlib.aclosing(platform.mentions(cursor)) as deliveries:
        return await asyncio.wait_for(anext(deliveries), 5)


def a_reply(answered: int, key: str = "muralist:1", **more: object) -> Reply:
    fields: dict[str, object] = {
        "key": key,
        "source_id": str(answered),
        "account": an_account(),
        "text": "Here it is.",
    }
    return Reply(**(fields | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "@muralist a red fox",
        "hey @Muralist, a red fox",
        "draw me a fox (@MURALIST)",
        "狐を描いて@muralistお願い",
        "@muralist",
        "@ada @muralist",
    ],
)
def test_a_tag_is_seen(text: str) -> None:
    assert threads.tags(text, "muralist")


@pytest.mark.parametrize(
    "text", ["muralist", "@muralist2 a fox", "me@muralist", "@the_muralist", "@muralists", ""]
)
def test_other_words_are_no_tag(text: str) -> None:
    assert not threads.tags(text, "muralist")


async def test_a_post_that_tags_the_bot_becomes_a_mention(
    platform: Sandbox, house: House, clock: Clock
) -> None:
    await write_post(house, "noor", "just talking")
    wish = await write_post(house, "ada", "@muralist a red fox")

    delivery = await next_of(platform, None)

    assert delivery == Delivery(
        cursor=str(wish),
        mentions=[
            Mention(
                platform="sandbox",
                source_id=str(wish),
                account=an_account("ada"),
                text="@muralist a red fox",
                created_at=clock.now,
            )
        ],
    )


async def test_a_post_that_comes_later_wakes_the_reader(platform: Sandbox, house: House) -> None:
    waiting = asyncio.ensure_future(next_of(platform, None))
    await asyncio.sleep(0)
    wish = await write_post(house, "ada", "@muralist a fox")
    assert (await waiting).mentions[0].source_id == str(wish)


async def test_reading_goes_on_behind_the_cursor(platform: Sandbox, house: House) -> None:
    first = await write_post(house, "ada", "@muralist one")
    second = await write_post(house, "ada", "@muralist two")
    delivery = await next_of(platform, str(first))
    assert [mention.source_id for mention in delivery.mentions] == [str(second)]


async def test_more_posts_than_one_stretch_are_all_read(platform: Sandbox, house: House) -> None:
    count = sandbox.STRETCH + 5
    for number in range(count):
        await write_post(house, f"guest{number}", "@muralist a fox")
    seen: list[str] = []
    async with contextlib.aclosing(platform.mentions(None)) as deliveries:
        async for delivery in deliveries:
            seen += [mention.source_id for mention in delivery.mentions]
            if len(seen) >= count:
                break
    assert seen == [str(number) for number in range(1, count + 1)]


async def test_the_bots_own_posts_are_never_mentions(platform: Sandbox, house: House) -> None:
    wish = await write_post(house, "ada", "@muralist a fox")
    await platform.reply(a_reply(wish, text="Tag @muralist again for another."))
    last = await write_post(house, "noor", "@muralist a cat")
    found = (await next_of(platform, None)).mentions
    assert [mention.source_id for mention in found] == [str(wish), str(last)]


async def test_an_answer_to_the_bot_counts_only_if_it_tags(platform: Sandbox, house: House) -> None:
    wish = await write_post(house, "ada", "@muralist a fox")
    answer = int((await platform.reply(a_reply(wish))).post_id)
    await write_post(house, "ada", "lovely, thanks", in_reply_to=answer)
    again = await write_post(house, "ada", "@muralist again", in_reply_to=answer)
    found = (await next_of(platform, str(answer))).mentions
    assert [(mention.source_id, mention.in_reply_to) for mention in found] == [
        (str(again), str(answer))
    ]


async def test_photos_come_with_their_owner(platform: Sandbox, house: House) -> None:
    digest = await asyncio.to_thread(house.pictures.put, b"a photo")
    photo = await write_post(house, "noor", "my cat", photo=digest)
    await write_post(house, "ada", "@muralist as a watercolour", in_reply_to=photo)
    own = await write_post(house, "ada", "@muralist this one", photo=digest)

    of_another, of_herself = (await next_of(platform, None)).mentions

    assert of_another.photo is None
    assert of_another.parent_photo == PhotoRef(ref=digest, owner="noor")
    assert of_herself.source_id == str(own)
    assert of_herself.photo == PhotoRef(ref=digest, owner="ada")
    assert await platform.photo(PhotoRef(ref=digest, owner="ada")) == b"a photo"


async def test_a_painted_picture_belongs_to_whoever_asked(platform: Sandbox, house: House) -> None:
    wish = await write_post(house, "ada", "@muralist a fox")
    answer = (await platform.reply(a_reply(wish, pictures=((PICTURE, "A fox."),)))).post_id
    await write_post(house, "noor", "@muralist --style clay", in_reply_to=int(answer))
    mention = (await next_of(platform, answer)).mentions[0]
    assert mention.parent_photo == PhotoRef(ref=PICTURE.sha256, owner="ada")


@pytest.mark.parametrize("ref", ["cd" * 32, "../../etc/passwd", ""])
async def test_a_photo_that_is_gone_is_gone_for_good(platform: Sandbox, ref: str) -> None:
    with pytest.raises(PlatformError) as caught:
        await platform.photo(PhotoRef(ref=ref, owner="ada"))
    assert caught.value.outcome is Outcome.NEVER


async def test_a_reply_hangs_under_its_post_with_pictures(platform: Sandbox, house: House) -> None:
    wish = await write_post(house, "ada", "@muralist a fox")
    await platform.reply(a_reply(wish, pictures=((PICTURE, "A fox."),)))
    answers = await house.store.read(lambda c: timeline.replies(c, wish))
    assert [(post.author, post.text, post.pictures) for post in answers] == [
        (
            "muralist",
            "Here it is.",
            ({"sha256": PICTURE.sha256, "alt": "A fox.", "width": 512, "height": 512},),
        )
    ]


async def test_a_second_word_to_a_post_hangs_under_the_same_post(
    platform: Sandbox, house: House
) -> None:
    """Whoever was put off is told later, under the post that was already answered once."""
    wish = await write_post(house, "ada", "@muralist a fox")
    await platform.reply(a_reply(wish))
    later = {"source_id": f"{wish}/again", "answer_to": str(wish)}
    await platform.reply(a_reply(wish, "muralist:2", **later))
    assert len(await house.store.read(lambda c: timeline.replies(c, wish))) == 2


async def test_a_repeated_reply_stands_once_and_can_be_found(
    platform: Sandbox, house: House
) -> None:
    wish = await write_post(house, "ada", "@muralist a fox")
    assert await platform.find(a_reply(wish)) is None
    first = await platform.reply(a_reply(wish))
    assert await platform.reply(a_reply(wish)) == first
    assert await platform.find(a_reply(wish)) == first
    assert len(await house.store.read(lambda c: timeline.replies(c, wish))) == 1


@pytest.mark.parametrize("source_id", ["999", "not a number"])
async def test_a_reply_to_nothing_is_refused_for_good(platform: Sandbox, source_id: str) -> None:
    with pytest.raises(PlatformError) as caught:
        await platform.reply(a_reply(1, source_id=source_id))
    assert caught.value.outcome is Outcome.NEVER


async def test_a_withdrawn_reply_is_no_longer_shown(platform: Sandbox, house: House) -> None:
    wish = await write_post(house, "ada", "@muralist a fox")
    receipt = await platform.reply(a_reply(wish, pictures=((PICTURE, "A fox."),)))
    assert await house.store.read(lambda c: timeline.shows(c, PICTURE.sha256))
    await platform.withdraw(receipt)
    assert await house.store.read(lambda c: timeline.replies(c, wish)) == []
    assert not await house.store.read(lambda c: timeline.shows(c, PICTURE.sha256))


async def test_withdrawing_nonsense_is_refused_for_good(platform: Sandbox) -> None:
    with pytest.raises(PlatformError):
        await platform.withdraw(Receipt(post_id="x"))


async def test_demo_people_keep_a_tier_somebody_gave_them(house: House) -> None:
    kenji = Account(platform="sandbox", user_id="kenji", handle="kenji")
    async with sandbox.open(house):
        assert await house.store.read(lambda c: ledger.tier_of(c, kenji)) is Tier.PLUS
    await house.store.write(lambda c: ledger.set_tier(c, kenji, Tier.TEAM, 0.0))
    async with sandbox.open(house):
        assert await house.store.read(lambda c: ledger.tier_of(c, kenji)) is Tier.TEAM
