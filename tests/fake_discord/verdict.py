"""What a test asks in the end: was everybody answered once, and was the bot a good guest?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

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
    return _Pictures(fake).answering(wish)


class _Pictures:
    """The bot's messages with pictures, by what they answer: looked through once for all."""

    def __init__(self, fake: FakeDiscord) -> None:
        self._own: defaultdict[str, list[Message]] = defaultdict(list)
        self._referring: defaultdict[str, list[Message]] = defaultdict(list)
        self._to: defaultdict[str, list[Message]] = defaultdict(list)
        for each in fake.world.of_the_bot():
            if each.pictures:
                self._sort(each)

    def _sort(self, message: Message) -> None:
        if message.interaction is not None:
            self._own[message.interaction.id].append(message)
        elif message.reference_id is not None:
            self._referring[message.reference_id].append(message)
        else:
            direct = message.place.recipients if message.place.kind is Kind.DM else ()
            for user in {*message.pings, *(each.id for each in direct)}:
                self._to[user].append(message)

    def answering(self, wish: Message | Interaction) -> list[Message]:
        if isinstance(wish, Message):
            return [*self._referring[wish.id], *self._to[wish.author.id]]
        anchors = (wish.id, *(each.id for each in wish.messages))
        referring = (message for anchor in anchors for message in self._referring[anchor])
        return [*self._own[wish.id], *referring, *self._to[wish.user.id]]


def undelivered(
    fake: FakeDiscord, wishes: Sequence[Message | Interaction] | None = None
) -> list[Message | Interaction]:
    """Wishes whose askers still wait, of all or of some; who was told that the interaction
    failed does not."""
    with fake.world.lock:
        pictures = _Pictures(fake)
        return [
            each
            for each in (fake.world.owed if wishes is None else wishes)
            if not (isinstance(each, Interaction) and each.ack is None)
            and not pictures.answering(each)
        ]


def latencies(fake: FakeDiscord) -> list[float]:
    """Of all acks, in seconds, the quickest first."""
    found = (each.latency for each in list(fake.world.interactions.values()))
    return sorted(each for each in found if each is not None)


def _deliveries(fake: FakeDiscord) -> Iterator[str]:
    pictures = _Pictures(fake)
    for wish in fake.world.owed:
        found = pictures.answering(wish)
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
