"""What a test asks in the end: was everybody answered once, and was the bot a good guest?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.fake_discord.server import FakeDiscord
from tests.fake_discord.world import Asked, Interaction, Kind, Message

#: So often the very same request may be refused before it is hammering.
MOST_REFUSALS = 3
#: An ack that took longer is late, though Discord would still have taken it (§14, 1).
PROMPT = 1.0


def judge(fake: FakeDiscord, *, prompt: float | None = None) -> list[str]:
    """Everything that is wrong, one line each; [] is well. `prompt` bounds the acks' latency."""
    with fake.world.lock:
        return [
            *_deliveries(fake),
            *_acks(fake, prompt),
            *_offences(fake),
            *_hammering(fake),
            *_pings(fake),
        ]


def deliveries_for(fake: FakeDiscord, wish: Message | Interaction) -> list[Message]:
    """The bot's messages with pictures that answer a wish, wherever the ladder put them.

    Messages that refer to nothing are counted for whom they ping or sit in the direct
    messages of, so that wishes of one person must not be mixed up with them.
    """
    asker = wish.user if isinstance(wish, Interaction) else wish.author
    anchors = {wish.id}
    its_own: set[int] = set()
    if isinstance(wish, Interaction):
        its_own = {id(each) for each in wish.messages}
        anchors |= {each.id for each in wish.messages}
    found = []
    for each in fake.world.of_the_bot():
        if not each.pictures:
            continue
        alone = each.interaction is None and each.reference_id is None
        to_asker = asker.id in each.pings or (
            each.place.kind is Kind.DM and each.place.recipients == (asker,)
        )
        referred = each.interaction is None and each.reference_id in anchors
        if id(each) in its_own or referred or (alone and to_asker):
            found.append(each)
    return found


def undelivered(fake: FakeDiscord) -> list[Message | Interaction]:
    """Wishes whose askers still wait; who was told that the interaction failed does not."""
    with fake.world.lock:
        return [
            each
            for each in fake.world.owed
            if not (isinstance(each, Interaction) and each.ack is None)
            and not deliveries_for(fake, each)
        ]


def latencies(fake: FakeDiscord) -> list[float]:
    """Of all acks, in seconds, the quickest first."""
    found = (each.latency for each in list(fake.world.interactions.values()))
    return sorted(each for each in found if each is not None)


def _deliveries(fake: FakeDiscord) -> Iterator[str]:
    for wish in fake.world.owed:
        found = deliveries_for(fake, wish)
        who = wish.user.name if isinstance(wish, Interaction) else wish.author.name
        failed = isinstance(wish, Interaction) and wish.ack is None
        if not found and not failed:
            yield f"lost: {who}'s wish {wish.id}"
        if len(found) > 1:
            places = [each.place.name or each.place.kind.name for each in found]
            yield f"doubled: {who}'s wish {wish.id} in {places}"


def _acks(fake: FakeDiscord, prompt: float | None) -> Iterator[str]:
    for one in fake.world.interactions.values():
        if one.sent_at is None:
            continue
        if one.late:
            yield f"unknown interaction: {one.name} was acknowledged too late"
        elif one.ack is None and one.kind is not Asked.AUTOCOMPLETE:
            yield f"interaction failed: {one.name} was never acknowledged"
        if prompt is not None and one.latency is not None and one.latency > prompt:
            yield f"slow ack: {one.name} after {one.latency:.2f} s"


def _offences(fake: FakeDiscord) -> Iterator[str]:
    for each in fake.exchanges:
        if each.offence:
            yield f"offence: {each.path}: {each.offence}"


def _hammering(fake: FakeDiscord) -> Iterator[str]:
    refused = Counter(
        (each.endpoint, each.path) for each in fake.exchanges if each.status in (401, 403, 404)
    )
    for (endpoint, path), times in refused.items():
        if times > MOST_REFUSALS:
            yield f"hammered: {endpoint.name if endpoint else path} refused {times} times"


def _pings(fake: FakeDiscord) -> Iterator[str]:
    """Only people who wanted something there are pinged."""
    wanted = {(each.place.id, each.user.id) for each in fake.world.interactions.values()}
    wanted |= {(each.place.id, each.author.id) for each in fake.world.messages.values()}
    for message in fake.world.of_the_bot():
        for one in message.pings - {fake.world.bot.id}:
            if (message.place.id, one) not in wanted:
                yield f"ping: {one} in {message.words[:60]!r}"
