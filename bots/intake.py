"""From a mention to its decision: Mention → Prompt → Verdict → Admit | Refuse → Job.

A mention is written to the durable inbox, with the platform's cursor, before
anything else; each is then decided in one act. A process that dies in between
leaves an undecided mention, and the next one takes it up.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import hashlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import structlog

from bots import grammar, photos
from bots.platform import Delivery, House, Outcome, Platform, PlatformError
from data import bans, cards, cases, consent, jobs, journal, mentions, outbox, verdicts
from data.cards import About
from data.consent import Answer, Request
from data.mentions import Received
from data.store import Connection
from data.words import (
    Account,
    Allowance,
    Circumstances,
    Event,
    Intent,
    Job,
    JobState,
    Ladder,
    Mention,
    PhotoRef,
    Prompt,
    Ruling,
    Say,
    Stage,
    StoreError,
    Verdict,
)
from moderation.check import Subject
from ratelimit.admission import Wish, admit_all
from ratelimit.policy import Policy

#: Looks at one subject of a stage; blocking.
Review = Callable[[Stage, Subject], Verdict]

#: How a refusal is said, by what was looked at.
_REFUSALS = MappingProxyType({Stage.PROMPT: Say.REFUSED_PROMPT, Stage.PHOTO: Say.REFUSED_PHOTO})
NO_LADDER = Ladder(days=30, steps=())

#: Mentions of different accounts that are worked on at the same time.
ABREAST = 32
#: Waits between attempts to fetch a photo, in seconds.
PHOTO_RETRIES = (0.5, 2.0)
#: How often to look whether somebody agreed in another process, in seconds.
POLL = 1.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What a prompt is to start from: a normalised photo, or an earlier job's choices."""

    photo: str | None = None
    prompt: Prompt


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What to say instead of painting."""

    say: Say
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Reviewed:
    """A wish the checks have looked at, and what they said, stage by stage."""

    received: Received
    source: _Source
    verdicts: Mapping[Stage, Verdict]
    allowance: Allowance | None

    @property
    def strictest(self) -> tuple[Stage, Verdict]:
        return max(self.verdicts.items(), key=lambda item: item[1].ruling.strictness)

    @property
    def wish(self) -> Wish:
        verdict = self.strictest[1]
        prompt = self.source.prompt
        return Wish(
            received=self.received,
            prompt=prompt,
            seed=_seed(self.received.mention, prompt),
            photo=self.source.photo,
            hold=verdict.reason if verdict.ruling is Ruling.HOLD else None,
            allowance=self.allowance,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class _Done:
    """There is nothing more to be done with it now: somebody is asked, or it is decided."""


class _Turns:
    """Each account's mentions in their order, the accounts side by side."""

    def __init__(
        self, group: asyncio.TaskGroup, decide: Callable[[Received], Awaitable[None]]
    ) -> None:
        self._group = group
        self._decide = decide
        self._waiting: dict[str, deque[Received]] = {}

    def add(self, batch: Iterable[Received]) -> None:
        for received in batch:
            account = received.mention.account.user_id
            if account in self._waiting:
                self._waiting[account].append(received)
            else:
                self._waiting[account] = deque([received])
                self._group.create_task(self._take(account))

    async def _take(self, account: str) -> None:
        waiting = self._waiting[account]
        while waiting:
            await self._decide(waiting.popleft())
        del self._waiting[account]


class Intake:
    """Decides what the mentions of one or more platforms lead to."""

    def __init__(
        self,
        house: House,
        review: Review,
        policies: Sequence[Policy],
        ladder: Ladder = NO_LADDER,
    ) -> None:
        self._house = house
        self._ladder = ladder
        self._store = house.store
        self._review = review
        self._policies = policies
        self._slots = asyncio.Semaphore(ABREAST)

    async def run(self, platform: Platform) -> None:
        """Take up what an earlier process left undecided, then whatever comes, for ever."""
        name = platform.name
        # Beside the reading: one that waits for a photo must not hold up the next poll.
        async with asyncio.TaskGroup() as deciding:
            turns = _Turns(deciding, functools.partial(self._decide_safely, platform))
            turns.add(await self._store.read(lambda c: mentions.undecided(c, name)))
            if platform.manners.asks_posters:
                deciding.create_task(self._hear_posters(name, turns))
            cursor = await self._store.read(lambda c: mentions.cursor(c, name))
            async for delivery in platform.mentions(cursor):
                turns.add([*delivery.kept, *await self._received(name, delivery)])

    async def _hear_posters(self, name: str, turns: _Turns) -> None:
        """Take up the wishes that waited for whoever posted their photo, for ever."""
        while True:
            heard, now = self._store.bell.rings, self._house.clock()
            if await self._store.read(lambda c: consent.any_goes_on(c, name, now)):  # noqa: B023
                turns.add(await self._store.write(lambda c: consent.going_on(c, name, now)))  # noqa: B023
            await self._store.bell.after(heard, POLL)

    async def _received(self, name: str, delivery: Delivery) -> list[Received]:
        now = self._house.clock()
        return await self._store.write(
            lambda c: mentions.receive(c, name, delivery.mentions, delivery.cursor, now)
        )

    async def _decide_safely(self, platform: Platform, received: Received) -> None:
        try:
            async with self._slots:
                reviewed = await self._decide(platform, received)
            if reviewed is not None:
                # Without a slot: all who wait for the disk share its next flush.
                await self._store.write_together(self._conclude, reviewed)
        except StoreError:
            raise
        except Exception:  # noqa: BLE001  one mention must not stop the others
            structlog.get_logger().exception("mention failed", mention=received.id)
            await self._answer(received, _Answer(say=Say.FAILED))

    async def _decide(self, platform: Platform, received: Received) -> _Reviewed | None:
        """Find out what is wished and let the checks look; None where that was all."""
        mention = received.mention
        prompt = mention.prompt or grammar.parse(
            mention.text,
            handle=self._house.settings.handle,
            replying=mention.in_reply_to is not None,
            has_photo=mention.photo is not None or mention.parent_photo is not None,
        )
        await self._store.write(
            lambda c: journal.note(
                c, received.id, Event.PROMPT, self._house.clock(), **prompt.to_json()
            )
        )
        now = self._house.clock()
        if platform.manners.stop_is_for_good and grammar.says_stop(
            mention.text, handle=self._house.settings.handle
        ):
            await self._store.write(lambda c: _stop(c, received, now))
            return None
        if prompt.intent is Intent.THANKS and mention.photo is None:
            await self._store.write(lambda c: mentions.decide(c, received.id, now))
            return None
        if prompt.intent is Intent.CANCEL:
            await self._store.write(lambda c: _take_back(c, received, now))
            return None
        if prompt.intent in (Intent.REPORT, Intent.APPEAL):
            await self._store.write(lambda c: _open_case(c, received, prompt, now))
            return None
        if ban := await self._store.read(lambda c: _ban_of(c, mention, now)):
            await self._answer(received, ban)
            return None
        source = await self._source(platform, received, prompt)
        if isinstance(source, _Answer):
            await self._answer(received, source)
        if not isinstance(source, _Source):
            return None
        return _Reviewed(
            received=received,
            source=source,
            verdicts=await self._reviewed(mention, source),
            allowance=platform.manners.allowance,
        )

    async def _source(
        self, platform: Platform, received: Received, prompt: Prompt
    ) -> _Source | _Answer | _Done:
        """What the picture starts from: a photo, the post answered, or words alone."""
        mention = received.mention
        if mention.photo is not None:
            source = await self._from_photo(platform, received, mention.photo, prompt)
            if source is not None:
                return source
        earlier = await self._earlier(mention, prompt)
        if earlier is not None and not await self._may_be_redrawn(mention, earlier):
            if mention.parent_photo is None or prompt.intent is Intent.AGAIN:
                return _Answer(say=Say.NOT_YOUR_PHOTO)
            earlier = None  # its photo may still be asked for, of whoever posted it
        if prompt.intent is Intent.AGAIN:
            return _repeated(earlier)
        if earlier is not None and (mention.about is not None or mention.in_reply_to is not None):
            return await self._from_job(mention, earlier, prompt)
        if mention.parent_photo is not None:
            source = await self._from_photo(platform, received, mention.parent_photo, prompt)
            if source is not None:
                return source
        if prompt.intent is Intent.NOTHING or not prompt.wish:
            return _Answer(say=Say.NO_WISH, facts={"handle": self._house.settings.handle})
        return _Source(prompt=prompt)

    async def _earlier(self, mention: Mention, prompt: Prompt) -> Job | None:
        """The job a mention speaks of: the one it answers; for "again", else one's latest."""

        def look(c: Connection) -> Job | None:
            if mention.about is not None:
                return jobs.by_id(c, mention.about)
            if mention.in_reply_to is not None:
                answered = jobs.by_post(c, mention.platform, mention.in_reply_to)
                if answered is not None:
                    return answered
            return jobs.latest(c, mention.account) if prompt.intent is Intent.AGAIN else None

        return await self._store.read(look)

    async def _from_job(self, mention: Mention, job: Job, prompt: Prompt) -> _Source | _Answer:
        """Answering one of our pictures: new words refine it, no words restyle it."""
        if prompt.wish:
            return _Source(photo=job.photo, prompt=_refined(job, prompt))
        pictures = await self._store.read(lambda c: jobs.pictures(c, job.id))
        if not pictures:
            return _Answer(say=Say.NO_WISH, facts={"handle": self._house.settings.handle})
        return _Source(
            photo=pictures[min(mention.picture, len(pictures) - 1)].sha256,
            prompt=self._restyling(dataclasses.replace(prompt, wish=job.prompt.wish)),
        )

    async def _may_be_redrawn(self, mention: Mention, job: Job) -> bool:
        """What began with a photo is its asker's alone, and only while its poster has nothing
        against it."""
        if job.photo is None:
            return True
        own = job.account.user_id == mention.account.user_id
        return own and await self._store.read(lambda c: consent.stands(c, job))

    async def _by_leave(
        self, platform: Platform, received: Received, ref: PhotoRef, prompt: Prompt
    ) -> _Answer | _Done | None:
        """Somebody else posted the photo, and has to agree; None where they have."""
        request = await self._store.read(lambda c: consent.request_of(c, received.id))
        if request is None:
            return await self._ask_poster(platform, received, ref, prompt)
        if request.answer is None:
            return _Done()
        agreed = await self._store.read(lambda c: consent.agreed(c, platform.name, request))
        return None if agreed else _no_consent(request)

    async def _ask_poster(
        self, platform: Platform, received: Received, ref: PhotoRef, prompt: Prompt
    ) -> _Answer | _Done:
        """Have them asked, where they can and may be; first of all the checks read the wish."""
        mention, now, seconds = received.mention, self._house.clock(), platform.manners.asks_posters
        asker, place = mention.account, mention.thread
        if not (seconds and ref.owner and place) or not await self._store.read(
            lambda c: consent.may_be_asked(c, platform.name, ref.owner, asker.user_id, now)
        ):
            return _Answer(say=Say.NOT_YOUR_PHOTO)
        subject = self._subject(mention, self._restyling(prompt), photo=True)
        verdict = await asyncio.to_thread(self._review, Stage.PROMPT, subject)

        def act(c: Connection) -> None:
            if verdict.ruling is Ruling.REFUSE:
                self._note(c, received, {Stage.PROMPT: verdict}, now)
                self._refuse(c, received, Stage.PROMPT, verdict, now)
                return
            # Nobody is called by us to read what a person has to look at first.
            words = verdict.ruling is Ruling.ALLOW
            number = consent.ask(c, received.id, asker, ref.owner, now + seconds, now, words=words)
            answers = mention.in_reply_to
            cards.want(c, About.REQUEST, number, platform.name, str(place), now, answers=answers)

        await self._store.write(act)
        return _Done()

    async def _from_photo(
        self, platform: Platform, received: Received, ref: PhotoRef, prompt: Prompt
    ) -> _Source | _Answer | _Done | None:
        """None where it turns out that there is no photo."""
        if ref.owner != received.mention.account.user_id:
            no = await self._by_leave(platform, received, ref, prompt)
            if no is not None:
                return no
        try:
            raw = await _fetch(platform, ref)
            if raw is None:
                return None
        except PlatformError:
            structlog.get_logger().warning("photo not fetched", ref=ref.ref, exc_info=True)
            return _Answer(say=Say.UNREADABLE_PHOTO)
        photo = await asyncio.to_thread(
            photos.normalise, raw, largest=self._house.settings.photo_bytes
        )
        if isinstance(photo, photos.Trouble):
            return _Answer(say=photo.say, facts=photo.facts)
        digest = await asyncio.to_thread(self._house.pictures.put, photo.data)
        if prompt.aspect is None:
            # Nobody wants the sides of their photo cut off.
            aspect = grammar.shape(Fraction(photo.width, photo.height))
            prompt = dataclasses.replace(prompt, aspect=aspect)
        return _Source(photo=digest, prompt=self._restyling(prompt))

    def _restyling(self, prompt: Prompt) -> Prompt:
        """A wish that starts from an image always has words or a style of its own."""
        if prompt.wish or prompt.style:
            return dataclasses.replace(prompt, intent=Intent.PAINT)
        return dataclasses.replace(
            prompt, intent=Intent.PAINT, style=self._house.settings.default_style
        )

    def _conclude(self, c: Connection, reviewed: Sequence[_Reviewed]) -> Sequence[None]:
        """Admit or refuse what has been looked at, many at once when many come."""
        now = self._house.clock()
        wishes = [one.wish for one in reviewed if self._passes(c, one, now)]
        admit_all(c, wishes, self._policies, now)
        return [None] * len(reviewed)

    def _passes(self, c: Connection, reviewed: _Reviewed, now: float) -> bool:
        """Note what the checks said; False where that, a ban or a poster's no was its answer."""
        received, mention = reviewed.received, reviewed.received.mention
        self._note(c, received, reviewed.verdicts, now)
        stage, verdict = reviewed.strictest
        if verdict.ruling is Ruling.REFUSE:
            self._refuse(c, received, stage, verdict, now)
            return False
        if ban := _ban_of(c, mention, now):
            _say(c, received, ban, now)
            return False
        request = consent.request_of(c, received.id)
        if request is not None and not consent.agreed(c, mention.platform, request):
            _say(c, received, _no_consent(request), now)
            return False
        mentions.come_back(c, mention.account)
        return True

    def _note(
        self, c: Connection, received: Received, reviewed: Mapping[Stage, Verdict], now: float
    ) -> None:
        for stage, verdict in reviewed.items():
            verdicts.note(c, received.id, stage, verdict, now, guild=received.mention.guild)

    def _refuse(
        self, c: Connection, received: Received, stage: Stage, verdict: Verdict, now: float
    ) -> None:
        if verdict.strike:
            account = received.mention.account
            bans.strike(c, account, received.id, verdict.rule, self._ladder, now)
        _say(c, received, _Answer(say=_REFUSALS[stage], facts={"reason": verdict.reason}), now)

    def _subject(self, mention: Mention, prompt: Prompt, *, photo: bool) -> Subject:
        return Subject(
            prompt=prompt,
            photo=photo,
            circumstances=Circumstances(
                account=mention.account,
                named=mention.named,
                guild=mention.guild,
                adults=mention.adults,
            ),
        )

    async def _reviewed(self, mention: Mention, source: _Source) -> dict[Stage, Verdict]:
        """What the checks say of the words, and of the photo where the words may pass."""
        subject = self._subject(mention, source.prompt, photo=source.photo is not None)
        verdict = await asyncio.to_thread(self._review, Stage.PROMPT, subject)
        if source.photo is None or verdict.ruling is Ruling.REFUSE:
            return {Stage.PROMPT: verdict}
        image = await asyncio.to_thread(self._house.pictures.get, source.photo)
        of_photo = await asyncio.to_thread(
            self._review, Stage.PHOTO, dataclasses.replace(subject, image=image)
        )
        return {Stage.PROMPT: verdict, Stage.PHOTO: of_photo}

    async def _answer(self, received: Received, answer: _Answer) -> None:
        now = self._house.clock()
        await self._store.write(lambda c: _say(c, received, answer, now))


def _say(c: Connection, received: Received, answer: _Answer, now: float) -> None:
    """Decide a mention by words alone; nothing where it was decided before."""
    if mentions.decide(c, received.id, now):
        journal.note(c, received.id, Event.REFUSE, now, say=answer.say, **answer.facts)
        outbox.enqueue(c, received.id, answer.say, answer.facts, now)


def _take_back(c: Connection, received: Received, now: float) -> None:
    """ "stop", "delete", "cancel": the asker's own job or picture, and nobody else's."""
    mention = received.mention
    job = (
        jobs.by_post(c, mention.platform, mention.in_reply_to)
        if mention.in_reply_to is not None
        else jobs.latest(c, mention.account)
    )
    if job is None or not _may_take_back(c, job, mention.account):
        answer = _Answer(say=Say.NOTHING_TO_CANCEL)
    elif jobs.cancel(c, job, now) or outbox.recall(c, job.id, now):
        answer = _Answer(say=Say.CANCELLED, facts={"units": job.prompt.count})
    elif (post := outbox.standing_post(c, job.id)) and job.state is JobState.COMPLETED:
        answer = _Answer(say=Say.WITHDRAWN, facts={"withdraw": post})
    else:
        answer = _Answer(say=Say.NOTHING_TO_CANCEL)
    _say(c, received, answer, now)


def _may_take_back(c: Connection, job: Job, account: Account) -> bool:
    """Its asker may, and whose photo it was made from."""
    return job.account.user_id == account.user_id or consent.is_pictured(c, job, account)


def _ban_of(c: Connection, mention: Mention, now: float) -> _Answer | None:
    """What somebody is told from whom nothing is taken now."""
    ban = bans.standing(c, mention.platform, mention.account.user_id, now)
    if ban is None:
        return None
    return _Answer(say=Say.BANNED, facts={"reason": ban.reason, "retry_at": ban.until})


def _open_case(c: Connection, received: Received, prompt: Prompt, now: float) -> None:
    """A report of the picture it answers, or an appeal against what one was refused."""
    mention = received.mention
    about = mentions.answered(c, mention)
    case = None
    if about is not None:
        job = jobs.by_mention(c, about)
        number = job.id if job else None
        open_one = cases.report if prompt.intent is Intent.REPORT else cases.appeal
        case = open_one(c, mention.account, about, mention.text, now, job_id=number)
    if case is None:
        _say(c, received, _Answer(say=Say.NO_CASE), now)
    else:
        _say(c, received, _Answer(say=Say.CASE, facts={"case": case}), now)


def _stop(c: Connection, received: Received, now: float) -> None:
    """They want to be left alone: nothing of theirs is painted or posted any more."""
    account = received.mention.account
    for job in jobs.unanswered(c, account):
        if not jobs.cancel(c, job, now):
            outbox.recall(c, job.id, now)
    mentions.stop(c, account, now)
    _say(c, received, _Answer(say=Say.STOPPED), now)


def _refined(job: Job, prompt: Prompt) -> Prompt:
    """New words under a picture: the same seed; where they only change it, the rest stays."""
    seed = job.seed if prompt.seed is None else prompt.seed
    wish = grammar.refined(job.prompt.wish, prompt.wish)
    if wish is None:
        return dataclasses.replace(prompt, seed=seed)
    return dataclasses.replace(
        prompt,
        wish=wish,
        seed=seed,
        style=prompt.style or job.prompt.style,
        aspect=prompt.aspect or job.prompt.aspect,
    )


def _no_consent(request: Request) -> _Answer:
    silent = request.answer is Answer.EXPIRED
    return _Answer(say=Say.NO_CONSENT, facts={"silent": silent})


def _repeated(earlier: Job | None) -> _Source | _Answer:
    """The earlier wish with a fresh seed."""
    if earlier is None:
        return _Answer(say=Say.NOTHING_TO_REPEAT)
    return _Source(photo=earlier.photo, prompt=dataclasses.replace(earlier.prompt, seed=None))


def _seed(mention: Mention, prompt: Prompt) -> int:
    """The asked-for seed, or one that is always the same for this mention."""
    if prompt.seed is not None:
        return prompt.seed
    digest = hashlib.sha256(f"{mention.platform}:{mention.source_id}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


async def _fetch(platform: Platform, ref: PhotoRef) -> bytes | None:
    for wait in PHOTO_RETRIES:
        try:
            return await platform.photo(ref)
        except PlatformError as error:
            if error.outcome is Outcome.NEVER:
                raise
            await asyncio.sleep(error.retry_after or wait)
    return await platform.photo(ref)
