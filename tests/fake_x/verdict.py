"""The judgement: every mention answered once, with a picture, inside X's rules (§11)."""

from __future__ import annotations

import io
from collections.abc import Iterator

from PIL import Image

from tests.fake_x import text
from tests.fake_x.server import Exchange, FakeX
from tests.fake_x.world import Post, World


def judge(x: FakeX) -> list[str]:
    """Everything that is wrong, as sentences; an empty list acquits."""
    return [*_answers(x.world), *_strays(x.world), *_conduct(x)]


def unanswered(world: World) -> list[str]:
    """The mentions that are owed an answer and have none, in the order they were made."""
    return [owed for owed in list(world.asked) if not standing(world, owed)]


def standing(world: World, mention: str) -> list[Post]:
    """The replies to a mention that are still there."""
    return [reply for reply in world.replies_to(mention) if not reply.deleted]


def _answers(world: World) -> Iterator[str]:
    for mention in world.asked:
        replies = standing(world, mention)
        gone = world.posts[world.posts[mention].history[-1]].deleted
        if not replies and not gone:
            yield f"lost: {mention} has no reply"
        if len(replies) > 1:
            yield f"doubled: {mention} has {len(replies)} replies"
        for reply in replies:
            yield from _flaws(world, reply)


def _flaws(world: World, reply: Post) -> Iterator[str]:
    """What a reply lacks, or has too much of (§6, §10)."""
    pictures = [world.media[media] for media in reply.media]
    if not pictures:
        yield f"no picture: {reply.id}"
    for picture in pictures:
        if not _can_be_seen(picture.data):
            yield f"no valid picture: {reply.id}"
        if not picture.alt.strip():
            yield f"no alt text: {reply.id}"
    if not reply.made_with_ai:
        yield f"not labelled as made with AI: {reply.id}"
    if not reply.said.strip():
        yield f"no text, so no guard against doubles: {reply.id}"
    if found := text.links(reply.said):
        yield f"a link in {reply.id}: {found}"
    if found := [h.username for h in text.handles(reply.said)]:
        yield f"a handle in {reply.id}: {found}"


def _strays(world: World) -> Iterator[str]:
    """Posts that answer nobody who asked."""
    owed = {world.posts[mention].history[0] for mention in world.asked}
    for post in world.of_the_bot():
        answered = world.posts[post.replied_to].history[0] if post.replied_to else None
        if answered not in owed and not post.deleted:
            yield f"stray: {post.id} {post.said[:40]!r}"


def _conduct(x: FakeX) -> Iterator[str]:
    for exchange in x.exchanges:
        if exchange.offence:
            yield f"offence: {_named(exchange)}: {exchange.offence}"
        if exchange.in_pause:
            yield f"in a pause: {_named(exchange)}"


def _named(exchange: Exchange) -> str:
    return f"{exchange.endpoint} at {exchange.at:.3f}"


def _can_be_seen(data: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except (OSError, SyntaxError):
        return False
    return True
