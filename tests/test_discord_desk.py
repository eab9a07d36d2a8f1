"""The moderators' channel, and asking whoever posted a photo: at the wire of a fake Discord."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from data import audit, desk, staff
from data.staff import Role
from data.store import connect
from tests.discord_bot import Bot, Nursery, Plan
from tests.fake_discord.call import Exchange
from tests.fake_discord.endpoints import Endpoint
from tests.fake_discord.limits import wide
from tests.fake_discord.people import Person
from tests.fake_discord.server import FakeDiscord
from tests.fake_discord.verdict import judge
from tests.fake_discord.world import Interaction, Message, Place, walk

CONSOLE = "https://desk.example.org"
PLAN = Plan(batch=1, moderated=True)


def photo(colour: str = "orange") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(file, "PNG")
    return file.getvalue()


class Stage:
    """A bot whose wishes are checked, its moderators' channel, and three who sit there."""

    def __init__(self, discord: FakeDiscord, nursery: Nursery, folder: Path) -> None:
        self.discord = discord
        self.studio = discord.guild("studio")
        self.art = self.studio.channel("art")
        self.desk = self.studio.channel("desk")
        self.mo, self.cy = discord.person("mo"), discord.person("cy")
        for one in (self.mo, self.cy):
            self.studio.appoint(one, "manage_messages", "manage_guild")
        self.bot = Bot(
            nursery,
            discord,
            folder,
            PLAN,
            discord_mod_channel=self.desk.id,
            moderation_url=CONSOLE,
        )
        self._names = 0

    def somebody(self) -> Person:
        self._names += 1
        return self.discord.person(f"somebody{self._names}")

    def until(self, ready: Callable[[], object], seconds: float = 15) -> None:
        try:
            self.discord.until(ready, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.bot.log()[-3000:]}") from error

    def cards(self, words: str, place: Place | None = None) -> list[Message]:
        found = self.discord.world.in_place(place or self.desk)
        return [message for message in found if words in message.words]

    def card(self, words: str, place: Place | None = None) -> Message:
        """The one card with these words, when it has come."""
        self.until(lambda: self.cards(words, place))
        (card,) = self.cards(words, place)
        return card

    def asked(self, who: Person, wish: str) -> Interaction:
        return who.runs(self.art, "imagine", prompt=wish)

    def told(self, asked: Interaction) -> str:
        """What somebody was told, for their eyes only."""
        self.until(lambda: asked.answered)
        assert asked.shown is not None
        assert asked.shown.ephemeral_to is asked.user, asked.text
        return asked.text

    def row(self, sql: str) -> tuple[object, ...]:
        """The first row, when it has come: what was posted is written down a moment later."""
        self.until(lambda: self.bot.rows(sql))
        return tuple(self.bot.rows(sql)[0])

    def state(self, wish: str) -> str:
        return str(self.row(f"SELECT state FROM jobs WHERE prompt LIKE '%{wish}%'")[0])


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as open_:
        yield open_


@pytest.fixture(scope="module")
def stage(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with FakeDiscord(caps=wide(), per_second=1000, hides_referenced=False) as discord:
        opened = Stage(discord, nursery, tmp_path_factory.mktemp("stage"))
        with opened.bot:
            yield opened


def open_card(stage: Stage, wish: str) -> tuple[Interaction, Message]:
    asked = stage.asked(stage.somebody(), wish)
    return asked, stage.card(wish.split()[-1])


# ------------------------------------------------------------------------- moderators


def test_a_held_wish_has_one_card_with_all_a_moderator_needs(stage: Stage) -> None:
    asked, card = open_card(stage, "a suspicious badger")
    for words in ("it may be cruel", "test.suspicious", asked.user.name, "<t:", "tier free"):
        assert words in card.words
    assert list(card.buttons) == ["Approve", "Reject", "Ban or time out"]
    (link,) = [each["url"] for each in walk(card.components) if each.get("url")]
    (mention,) = stage.row("SELECT mention_id FROM jobs WHERE prompt LIKE '%badger%'")
    assert link == f"{CONSOLE}/moderation/wishes/{mention}"
    assert card.pings == set()
    stage.until(lambda: "person" in asked.text)


def test_approved_from_its_card_it_is_posted_and_the_card_says_by_whom(
    stage: Stage, record_property: Callable[[str, object], None]
) -> None:
    asked, card = open_card(stage, "a racy walrus")
    assert asked.pictures == []
    began = time.monotonic()
    click = stage.mo.clicks(card, "approve")
    stage.until(lambda: asked.pictures)
    record_property("approve to posted, seconds", round(time.monotonic() - began, 3))
    assert "approved" in stage.told(click)
    stage.until(lambda: "Approved" in card.words)
    assert stage.mo.tag in card.words
    assert "walrus" not in card.words
    assert (card.buttons, card.pictures, card.pings) == ({}, [], set())


def test_the_picture_is_veiled_and_looking_at_it_is_in_the_books(stage: Stage) -> None:
    _, card = open_card(stage, "a racy heron")
    (veiled,) = card.pictures
    assert veiled.spoiler
    assert veiled.name == "SPOILER_veiled.webp"
    look = stage.mo.clicks(card, "look")
    stage.until(lambda: look.pictures)
    assert look.message is not None
    assert look.message.ephemeral_to is stage.mo.user
    assert look.pictures[0].data != veiled.data
    with contextlib.closing(connect(stage.bot.settings.database, read_only=True)) as c:
        entry = audit.trail(c, 1)[0]
    assert (entry.by, entry.act) == (f"discord:{stage.mo.id}", audit.Act.VIEW)
    assert stage.told(stage.mo.clicks(card, "approve"))


def test_a_photo_that_is_doubted_can_be_looked_at(stage: Stage) -> None:
    who = stage.somebody()
    who.runs(stage.art, "imagine", prompt="a suspicious dormouse", image=photo("teal"))
    card = stage.card("dormouse")
    assert "(from a photo)" in card.words
    assert [each.spoiler for each in card.pictures] == [True]
    look = stage.mo.clicks(card, "look")
    stage.until(lambda: look.pictures)
    assert stage.told(stage.mo.clicks(card, "approve"))


def test_rejected_with_a_reason_its_asker_reads_and_nothing_is_charged(stage: Stage) -> None:
    asked, card = open_card(stage, "a suspicious otter")
    form = stage.mo.clicks(card, "reject")
    stage.until(lambda: form.modal)
    assert "rejected" in stage.told(stage.mo.fills(form, words="not  that\none"))
    stage.until(lambda: any("not that one" in each.words for each in asked.messages))
    stage.until(lambda: "Rejected" in card.words)
    assert (stage.state("otter"), card.buttons) == ("discarded", {})
    charged = f"SELECT state FROM charges WHERE user_id = '{asked.user.id}'"
    assert stage.row(charged) == ("released",)


def test_a_ban_from_the_card_cancels_and_refunds_what_they_have_waiting(stage: Stage) -> None:
    who = stage.somebody()
    with stage.bot.held():
        stage.asked(stage.somebody(), "a red fox")
        stage.until(lambda: stage.bot.rows("SELECT 1 FROM jobs WHERE state = 'executing'"))
        stage.asked(who, "a plain mole")
        stage.asked(who, "a suspicious mole")
        card = stage.card("mole")
        form = stage.mo.clicks(card, "ban")
        stage.until(lambda: form.modal)
        said = stage.told(stage.mo.fills(form, length=["3600"], words="again and again"))
        assert "2 waiting were cancelled" in said
        stage.until(lambda: "Taken back" in card.words)
        sql = f"SELECT DISTINCT j.state, c.state FROM jobs j JOIN charges c ON c.job_id = j.id WHERE j.user_id = '{who.id}'"  # noqa: E501
        assert stage.row(sql) == ("cancelled", "released")
    again = stage.asked(who, "a red fox")
    stage.until(lambda: any("again and again" in each.words for each in again.messages))


def test_who_has_no_role_is_told_so_and_nothing_happens(stage: Stage) -> None:
    _, card = open_card(stage, "a suspicious stoat")
    nobody = stage.somebody()
    for verb in ("approve", "reject", "ban"):
        assert "moderators' channel only" in stage.told(nobody.clicks(card, verb))
    stage.bot.act(
        "INSERT INTO staff (login, name, role, since, seen_at, removed_at)"
        f" VALUES ('discord:{stage.cy.id}', 'Cy', 'moderator', 0, 0, 1)"
    )
    assert "moderators' channel only" in stage.told(stage.cy.clicks(card, "approve"))
    assert "moderators' channel only" in stage.told(stage.cy.runs(stage.desk, "mod held"))
    stage.bot.act("DELETE FROM staff")
    assert stage.state("stoat") == "held"


def test_two_clicks_are_one_decision(stage: Stage) -> None:
    _, card = open_card(stage, "a suspicious weasel")
    one, two = stage.mo.clicks(card, "approve"), stage.mo.clicks(card, "approve")
    told = {stage.told(one), stage.told(two)}
    assert len(told) == 2
    assert any("not held" in words for words in told)
    with contextlib.closing(connect(stage.bot.settings.database, read_only=True)) as c:
        (job,) = c.execute("SELECT id FROM jobs WHERE prompt LIKE '%weasel%'").fetchone()
        acts = [entry.act for entry in audit.trail(c, 9, subject=audit.of_job(job))]
    assert acts == [audit.Act.APPROVE]


def test_what_is_severe_needs_two_of_them(stage: Stage) -> None:
    _, card = open_card(stage, "a severe lynx")
    assert "needs 2 moderators" in card.words
    assert "second moderator" in stage.told(stage.mo.clicks(card, "approve")).lower()
    stage.until(lambda: f"agreed: {stage.mo.tag}" in card.words)
    assert "already" in stage.told(stage.mo.clicks(card, "approve"))
    assert stage.state("lynx") == "held"
    assert "approved" in stage.told(stage.cy.clicks(card, "approve"))
    stage.until(lambda: stage.cy.tag in card.words)


def test_a_decision_made_elsewhere_is_on_the_card(stage: Stage) -> None:
    """As the console and the terminal make it: another connection, another process."""
    _, card = open_card(stage, "a suspicious ferret")
    with contextlib.closing(connect(stage.bot.settings.database)) as c:
        now = time.time()
        c.execute("BEGIN IMMEDIATE")
        staff.sign_in(c, "key", "Key *holder*", Role.MODERATOR, "d", now)
        (job,) = c.execute("SELECT id FROM jobs WHERE prompt LIKE '%ferret%'").fetchone()
        desk.reject(c, job, "key", "not here", now)
        c.execute("COMMIT")
    stage.until(lambda: "Rejected" in card.words)
    assert "Key \\*holder\\*" in card.words
    assert card.buttons == {}


def test_a_report_has_a_card_and_upholding_it_takes_the_picture_down(stage: Stage) -> None:
    asked = stage.asked(stage.somebody(), "a lime newt")
    stage.until(lambda: asked.pictures)
    assert asked.message is not None
    form = stage.somebody().clicks(asked.message, "report")
    stage.until(lambda: form.modal)
    stage.somebody().fills(form, words="not *nice* @everyone")
    card = stage.card("newt")
    assert asked.message.link in card.words
    assert "not \\*nice\\*" in card.words
    assert card.pings == set()
    assert list(card.buttons) == ["Take down", "Dismiss", "Ban or time out", "Look"]
    assert "closed" in stage.told(stage.mo.clicks(card, "take down"))
    stage.until(lambda: asked.message is not None and asked.message.deleted)
    stage.until(lambda: "Upheld" in card.words)


def test_an_appeal_is_heard_from_its_card(stage: Stage) -> None:
    who = stage.somebody()
    said = who.asks(stage.art, "a forbidden toad", owed=False)
    stage.until(lambda: stage.discord.world.answers_to(said))
    (no,) = stage.discord.world.answers_to(said)
    who.asks(stage.art, "appeal, it is a toad", reply_to=no, owed=False)
    card = stage.card("Appeal")
    assert list(card.buttons) == ["They are right", "The refusal was right"]
    assert "closed" in stage.told(stage.mo.clicks(card, "they are right"))
    stage.until(lambda: "Overturned" in card.words)
    assert stage.row("SELECT overturned_at IS NOT NULL FROM hits WHERE rule = 'test.no'") == (1,)


def test_cards_work_after_a_restart_and_weeks_later(stage: Stage) -> None:
    _, card = open_card(stage, "a suspicious marten")
    stage.bot.kill()
    stage.bot.start()
    stage.discord.until_ready()
    stage.bot.act("UPDATE cards SET made_at = made_at - 3e6, posting_at = posting_at - 3e6")
    assert "approved" in stage.told(stage.mo.clicks(card, "approve"))
    stage.until(lambda: "Approved" in card.words)
    assert "not held" in stage.told(_click_on_what_was(stage, card, "approve"))


def _click_on_what_was(stage: Stage, card: Message, verb: str) -> Interaction:
    """Somebody's client shows the buttons for a moment longer."""
    (number,) = stage.row(f"SELECT id FROM cards WHERE message = '{card.id}'")
    left = stage.discord.left_behind(stage.desk, f"mc:{verb}:{number}")
    return stage.mo.clicks(left, f"mc:{verb}:{number}")


def test_a_closed_channel_is_not_hammered_and_a_card_that_was_deleted_is_let_go(
    stage: Stage,
) -> None:
    def refused() -> int:
        sent = stage.discord.requests(Endpoint.CREATE_MESSAGE)
        return sum(each.status == 403 and stage.desk.id in each.path for each in sent)

    stage.desk.forbid("send_messages")
    stage.asked(stage.somebody(), "a suspicious polecat")
    stage.until(refused)
    stage.asked(stage.somebody(), "a red fox")
    stage.until(
        lambda: (
            stage.row(
                "SELECT min(not_before - posting_at) >= 60 FROM cards"
                " WHERE message IS NULL AND over_at IS NULL"
            )
            == (1,)
        )
    )
    assert refused() == 1
    stage.desk.allow("send_messages")
    stage.bot.act("UPDATE cards SET not_before = 0")
    card = stage.card("polecat")
    stage.mo.deletes(card)
    job = stage.row("SELECT id FROM jobs WHERE prompt LIKE '%polecat%'")[0]
    assert "approved" in stage.told(stage.mo.runs(stage.desk, "mod approve", job=job))
    open_ones = "SELECT count(*) FROM cards WHERE over_at IS NULL AND message = "
    stage.until(lambda: stage.row(f"{open_ones}'{card.id}'") == (0,))
    edits = [e for e in stage.discord.requests(Endpoint.EDIT_MESSAGE) if card.id in e.path]
    assert [each.status for each in edits] == [404]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_while_posting_a_card_there_is_one(
    nursery: Nursery, tmp_path: Path, moment: str
) -> None:
    """The request that posts it is the last: as it comes, or as it has taken effect; and the
    library's own key is of no help any more."""
    with FakeDiscord(caps=wide(), per_second=1000, nonce_seconds=0) as discord:
        stage = Stage(discord, nursery, tmp_path)
        with stage.bot:

            def kill(exchange: Exchange) -> None:
                if exchange.endpoint is Endpoint.CREATE_MESSAGE and stage.desk.id in exchange.path:
                    discord.before = discord.after = lambda _exchange: None
                    os.kill(stage.bot.pid, signal.SIGKILL)

            setattr(discord, moment, kill)
            stage.asked(stage.somebody(), "a suspicious badger")
            assert stage.bot.wait() == -signal.SIGKILL
            stage.bot.start()
            discord.until_ready()
            card = stage.card("badger")
            stage.until(lambda: stage.row("SELECT message FROM cards")[0] == card.id)
            stage.asked(stage.somebody(), "a suspicious otter")
            assert stage.card("otter")
            assert len(stage.cards("badger")) == 1
            assert "approved" in stage.told(stage.mo.clicks(card, "approve"))


def test_a_guilds_own_moderators_can_only_be_stricter(stage: Stage) -> None:
    guild = stage.discord.guild("elsewhere")
    hall, own = guild.channel("hall"), guild.channel("own desk")
    guild.appoint(stage.cy, "manage_messages", "manage_guild")
    assert stage.told(stage.cy.runs(hall, "settings", mod_channel=own))
    stage.somebody().runs(hall, "imagine", prompt="a suspicious vole")
    stage.somebody().runs(hall, "imagine", prompt="a suspicious shrew", private=True)
    card, first = stage.card("vole", own), stage.card("vole")
    assert list(card.buttons) == ["Reject"]
    assert not [each for each in walk(card.components) if each.get("url")]
    assert stage.card("shrew")
    assert not stage.cards("shrew", own)
    (number,) = stage.row(f"SELECT id FROM cards WHERE message = '{card.id}'")
    forged = stage.discord.left_behind(own, f"mc:approve:{number}", f"mc:ban:{number}")
    for verb in ("approve", "ban"):
        assert "moderators' channel only" in stage.told(stage.cy.clicks(forged, verb))
    form = stage.cy.clicks(card, "reject")
    stage.until(lambda: form.modal)
    assert "rejected" in stage.told(stage.cy.fills(form))
    stage.until(lambda: "Rejected" in card.words and "Rejected" in first.words)


# ------------------------------------------------------- whose photo it is


def begun(stage: Stage, colour: str) -> tuple[Person, Person, Message, Interaction, Message]:
    """Bob's photo, which ada wants painted: who, whose, the photo, the wish, the question."""
    ada, bob = stage.somebody(), stage.somebody()
    posted = bob.says(stage.art, "my dog", photos=[photo(colour)])
    wish = ada.picks(posted, "Make variations")
    stage.until(lambda: [m for m in stage.discord.world.answers_to(posted) if m.buttons])
    (question,) = stage.discord.world.answers_to(posted)
    return ada, bob, posted, wish, question


def test_somebody_elses_photo_is_painted_when_they_agree(stage: Stage) -> None:
    ada, bob, posted, wish, question = begun(stage, "red")
    assert question.pings == {bob.id}
    assert ada.tag in question.words
    stage.until(lambda: "has to agree" in wish.text)
    jobs = stage.row("SELECT count(*) FROM jobs")
    assert "Only whoever posted" in stage.told(ada.clicks(question, "yes"))
    assert stage.row("SELECT count(*) FROM jobs") == jobs
    assert "agreed" in stage.told(bob.clicks(question, "yes"))
    stage.until(lambda: wish.pictures)
    stage.until(lambda: list(question.buttons) == ["Take it back"])
    assert posted.deleted is False


def test_answering_their_photo_asks_them_too_and_no_is_no(stage: Stage) -> None:
    ada, bob = stage.somebody(), stage.somebody()
    posted = bob.says(stage.art, "my cat", photos=[photo("blue")])
    said = ada.asks(stage.art, "as a knight", reply_to=posted, owed=False)
    stage.until(lambda: [m for m in stage.discord.world.answers_to(posted) if m.buttons])
    (question,) = stage.discord.world.answers_to(posted)
    assert "as a knight" in question.words
    assert stage.told(bob.clicks(question, "no"))
    stage.until(lambda: stage.discord.world.answers_to(said))
    (answer,) = stage.discord.world.answers_to(said)
    assert "does not want" in answer.words
    assert "cost" in answer.words
    pressed = ada.asks(stage.art, "as a queen", reply_to=posted, owed=False)
    stage.until(lambda: stage.discord.world.answers_to(pressed))
    assert len(stage.discord.world.answers_to(posted)) == 1, "they are not asked again"
    assert "settled" in stage.told(_pressed_late(stage, question, bob, "agree"))


def _pressed_late(stage: Stage, question: Message, who: Person, verb: str) -> Interaction:
    (number,) = stage.row(f"SELECT id FROM cards WHERE message = '{question.id}'")
    left = stage.discord.left_behind(stage.art, f"mc:{verb}:{number}")
    return who.clicks(left, f"mc:{verb}:{number}")


def test_who_never_wants_to_be_asked_is_not_and_may_change_their_mind(stage: Stage) -> None:
    _, bob, posted, wish, question = begun(stage, "green")
    assert "Nobody's wish" in stage.told(bob.clicks(question, "never"))
    stage.until(lambda: any("does not want" in each.words for each in wish.messages))
    other = stage.somebody().picks(posted, "Make variations")
    stage.until(lambda: any("posted by the person" in each.words for each in other.messages))
    assert len(stage.discord.world.answers_to(posted)) == 1
    assert "again" in stage.told(bob.runs(stage.art, "privacy optin"))
    stage.somebody().picks(posted, "Make variations")
    stage.until(lambda: len(stage.discord.world.answers_to(posted)) == 2)


def test_an_opt_out_is_read_where_somebody_is_named_or_tagged(stage: Stage) -> None:
    bob, ada = stage.somebody(), stage.somebody()
    assert "Nobody's wish" in stage.told(bob.runs(stage.art, "privacy optout"))
    by_name = stage.asked(ada, f"{bob.user.name} as a clown")
    by_tag = stage.asked(ada, f"{bob.tag} as a clown")
    said = ada.asks(stage.art, f"{bob.tag} as a clown", owed=False)
    for wish in (by_name, by_tag):
        stage.until(lambda: any("does not want to be" in m.words for m in wish.messages))  # noqa: B023
    stage.until(lambda: stage.discord.world.answers_to(said))
    assert "does not want to be" in stage.discord.world.answers_to(said)[0].words
    own = stage.asked(bob, f"{bob.user.name} as a king")
    stage.until(lambda: own.pictures)


def test_nobody_waits_for_ever_and_waiting_costs_nothing(stage: Stage) -> None:
    ada, bob, _, wish, question = begun(stage, "black")
    stage.bot.act("UPDATE photo_requests SET until = 0 WHERE answer IS NULL")
    stage.until(lambda: any("did not answer" in each.words for each in wish.messages))
    stage.until(lambda: "did not answer" in question.words)
    assert question.buttons == {}
    assert stage.row(f"SELECT count(*) FROM charges WHERE user_id = '{ada.id}'") == (0,)
    assert "settled" in stage.told(_pressed_late(stage, question, bob, "agree"))


def test_a_wish_that_waits_for_a_poster_outlives_a_kill(stage: Stage) -> None:
    _, bob, posted, wish, question = begun(stage, "purple")
    stage.bot.kill()
    stage.bot.start()
    stage.discord.until_ready()
    assert len(stage.discord.world.answers_to(posted)) == 1
    assert "agreed" in stage.told(bob.clicks(question, "yes"))
    stage.until(lambda: wish.pictures)


def test_the_poster_takes_it_back_and_everything_made_from_it_goes(stage: Stage) -> None:
    ada, bob, _, wish, question = begun(stage, "yellow")
    bob.clicks(question, "yes")
    stage.until(lambda: wish.pictures and "Take it back" in question.buttons)
    assert wish.message is not None
    again = ada.clicks(wish.message, "again")
    stage.until(lambda: again.pictures)
    assert "taken down" in stage.told(bob.clicks(question, "take it back"))
    for made in (wish, again):
        stage.until(lambda: made.message is not None and made.message.deleted)  # noqa: B023
    left = stage.discord.left_behind(stage.art, wish_button(stage, ada))
    no = ada.clicks(left, "mu:again")
    stage.until(lambda: any("posted by the person" in each.words for each in no.messages))


def wish_button(stage: Stage, who: Person) -> str:
    (job,) = stage.row(f"SELECT min(id) FROM jobs WHERE user_id = '{who.id}'")
    return f"mu:again:{job}"


def test_the_delete_button_is_the_posters_as_well(stage: Stage) -> None:
    _, bob, _, wish, question = begun(stage, "white")
    bob.clicks(question, "yes")
    stage.until(lambda: wish.pictures)
    assert wish.message is not None
    assert "Only" in stage.told(stage.somebody().clicks(wish.message, "delete"))
    assert "took that picture down" in stage.told(bob.clicks(wish.message, "delete"))
    stage.until(lambda: wish.message is not None and wish.message.deleted)


def test_who_deletes_the_photo_does_not_agree_and_who_deletes_the_wish_is_told_nothing(
    stage: Stage,
) -> None:
    _, bob, posted, wish, _ = begun(stage, "pink")
    bob.deletes(posted)
    stage.until(lambda: any("does not want" in each.words for each in wish.messages))
    ada, carl = stage.somebody(), stage.somebody()
    posted = carl.says(stage.art, "my hat", photos=[photo("brown")])
    said = ada.asks(stage.art, "in ink", reply_to=posted, owed=False)
    stage.until(lambda: [m for m in stage.discord.world.answers_to(posted) if m.buttons])
    (question,) = stage.discord.world.answers_to(posted)
    ada.deletes(said)
    stage.until(lambda: question.buttons == {})
    assert stage.discord.world.answers_to(said) == []


def test_where_nobody_can_be_asked_it_is_declined_at_once(stage: Stage) -> None:
    """Photos of machines, and places in which the bot is no member."""
    bob = stage.somebody()
    outside = stage.discord.guild("outside", here=False).channel("hall")
    machine = bob.says(stage.art, "a feed", photos=[photo("gray")], webhook=True)
    for posted in (machine, bob.says(outside, "my dog", photos=[photo("olive")])):
        wish = stage.somebody().picks(posted, "Make variations")
        stage.until(lambda: any("posted by the person" in m.words for m in wish.messages))  # noqa: B023
        assert stage.discord.world.answers_to(posted) == []


def test_what_checks_refuse_is_not_put_to_anybody(stage: Stage) -> None:
    ada, bob = stage.somebody(), stage.somebody()
    posted = bob.says(stage.art, "my dog", photos=[photo("navy")])
    said = ada.asks(stage.art, "as something forbidden", reply_to=posted, owed=False)
    stage.until(lambda: stage.discord.world.answers_to(said))
    assert stage.discord.world.answers_to(posted) == []
    doubted = ada.asks(stage.art, "as something suspicious", reply_to=posted, owed=False)
    stage.until(lambda: stage.discord.world.answers_to(posted))
    (question,) = stage.discord.world.answers_to(posted)
    assert "suspicious" not in question.words
    assert "agreed" in stage.told(bob.clicks(question, "yes"))
    assert stage.card("as something suspicious")
    assert stage.discord.world.answers_to(doubted) == []


def test_all_the_while_nobody_was_called_in_vain(stage: Stage) -> None:
    assert judge(stage.discord) == []
    assert not [
        line
        for line in stage.bot.log().splitlines()
        if "Traceback" in line and '"logger": "discord.' not in line
    ]
