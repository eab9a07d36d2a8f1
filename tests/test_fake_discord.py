"""The fake Discord itself: what an unmodified discord.py makes of it, and how strict it is."""

from __future__ import annotations

import asyncio
import io
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord
import pytest
import yarl
from discord import app_commands
from PIL import Image

from tests.conftest import Clock
from tests.fake_discord.endpoints import Endpoint
from tests.fake_discord.faults import Fault
from tests.fake_discord.limits import Cap, wide
from tests.fake_discord.people import Channel, Server
from tests.fake_discord.permissions import Permission
from tests.fake_discord.server import FakeDiscord
from tests.fake_discord.verdict import judge, undelivered
from tests.fake_discord.world import Ack, Message


def png(color: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 6), color).save(file, "PNG")
    return file.getvalue()


def a_file(color: str = "red", alt: str = "a red fox") -> discord.File:
    return discord.File(io.BytesIO(png(color)), "fox.png", description=alt)


@pytest.fixture
def fake() -> Iterator[FakeDiscord]:
    with FakeDiscord(
        caps=wide(), skus=("plus",), ack_seconds=60, held_seconds=0.2, slow_seconds=0.05
    ) as running:
        yield running


@pytest.fixture
def studio(fake: FakeDiscord) -> Server:
    return fake.guild("studio")


@pytest.fixture
def art(studio: Server) -> Channel:
    return studio.channel("art")


@pytest.fixture
def redirected(fake: FakeDiscord, monkeypatch: pytest.MonkeyPatch) -> None:
    """discord.py, untouched, looks for Discord here (§11)."""
    monkeypatch.setattr(discord.http.Route, "BASE", fake.api_url)
    monkeypatch.setattr(
        discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(fake.gateway_url)
    )
    monkeypatch.setattr(discord.asset.Asset, "BASE", fake.cdn_url)
    logging.getLogger("discord").setLevel(logging.CRITICAL)


class Again(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"mu:again:(?P<job>\d+)"):
    """A button whose state is in its custom_id."""

    def __init__(self, job: int) -> None:
        super().__init__(discord.ui.Button(label="Again", custom_id=f"mu:again:{job}"))
        self.job = job

    @classmethod
    async def from_custom_id(cls, interaction: Any, item: Any, match: re.Match[str], /) -> Again:
        return cls(int(match["job"]))

    async def callback(self, interaction: Any) -> None:
        await interaction.response.send_message(f"job {self.job} again", ephemeral=True)


class Words(discord.ui.Modal, title="Other words"):
    wish: Any = discord.ui.TextInput(label="Wish", custom_id="wish", default="a red fox")

    async def on_submit(self, interaction: Any) -> None:
        await interaction.response.send_message(f"heard {self.wish.value}")


Deed = Callable[[Any], Awaitable[object]]


class Client(discord.AutoShardedClient):
    """Does with every /imagine what the test wants; keeps what it hears."""

    def __init__(self, deed: Deed | None, **options: Any) -> None:
        intents = options.pop("intents", discord.Intents.default())
        super().__init__(intents=intents, guild_ready_timeout=0.01, **options)
        self.deed = deed
        self.tree = app_commands.CommandTree(self)
        self.heard: list[discord.Message] = []
        self.events: list[str] = []
        self.failures: list[BaseException] = []

    async def setup_hook(self) -> None:
        imagine: app_commands.Command[Any, ..., Any] = app_commands.Command(
            name="imagine", description="Paint", callback=self._imagine
        )
        imagine.allowed_installs = app_commands.AppInstallationType(guild=True, user=True)
        imagine.allowed_contexts = app_commands.AppCommandContext(
            guild=True, dm_channel=True, private_channel=True
        )
        imagine.autocomplete("style")(self._styles)
        self.tree.add_command(imagine)
        self.tree.add_command(app_commands.ContextMenu(name="Restyle", callback=self._restyle))
        self.add_dynamic_items(Again)
        await self.tree.sync()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """discord.py's own waits five seconds between two."""

    async def _imagine(
        self,
        interaction: discord.Interaction,
        prompt: app_commands.Range[str, 1, 400],
        style: str | None = None,
        image: discord.Attachment | None = None,
    ) -> None:
        assert self.deed is not None
        try:
            await self.deed(interaction)
        except (discord.HTTPException, discord.InteractionResponded) as error:
            self.failures.append(error)

    async def _styles(self, interaction: Any, so_far: str) -> list[app_commands.Choice[str]]:
        names = ("watercolour", "ink")
        return [app_commands.Choice(name=n, value=n) for n in names if n.startswith(so_far)]

    async def _restyle(self, interaction: discord.Interaction, message: discord.Message) -> None:
        (photo,) = message.attachments
        size = len(await photo.read())
        await interaction.response.send_message(f"{size} bytes from {message.author.name}")

    async def on_message(self, message: discord.Message) -> None:
        if message.author != self.user:
            self.heard.append(message)

    async def on_shard_resumed(self, shard: int) -> None:
        self.events.append("resumed")

    async def on_entitlement_create(self, entitlement: discord.Entitlement) -> None:
        self.events.append(f"entitled {entitlement.user_id}")


@asynccontextmanager
async def running(fake: FakeDiscord, deed: Deed | None = None, **how: Any) -> AsyncIterator[Client]:
    async with Client(deed, **how) as client:
        task = asyncio.create_task(client.start(fake.token))
        await fake.happens(lambda: task.done() or fake.gateway.connected == fake.gateway.shards)
        await fake.happens(lambda: task.done() or client.is_ready())
        if task.done():
            await task
        yield client
        await client.close()
        await task


def code_of(client: Client) -> tuple[int, int]:
    (failure,) = client.failures
    assert isinstance(failure, discord.HTTPException)
    return failure.status, failure.code


# Interactions


async def deliver(interaction: discord.Interaction) -> None:
    await interaction.response.defer()
    await interaction.edit_original_response(content="drawing")
    await interaction.edit_original_response(content="done", attachments=[a_file()])


async def test_a_deferred_command_ends_as_one_message_with_one_picture(
    fake: FakeDiscord, art: Channel, redirected: None
) -> None:
    async with running(fake, deliver):
        wish = fake.person("ada").runs(art, "imagine", prompt="a red fox", owed=True)
        await fake.happens(lambda: wish.pictures)
    (message,) = wish.messages
    (picture,) = message.pictures
    assert (wish.ack, wish.text, message.place) == (Ack.DEFER, "done", art)
    assert (picture.alt, picture.media_type, picture.size) == ("a red fox", "image/png", (8, 6))
    assert [version.text for version in message.edits] == ["", "drawing"]
    assert wish.latency is not None
    assert judge(fake) == []
    assert any("slow ack" in line for line in judge(fake, prompt=0))


async def test_a_lost_answer_doubles_a_follow_up_but_no_edit(
    fake: FakeDiscord, art: Channel, redirected: None
) -> None:
    """discord.py repeats both by itself; only the PATCH may be repeated (§1)."""

    async def both(interaction: discord.Interaction) -> None:
        await interaction.response.defer()
        if interaction.namespace.prompt == "edit":
            await interaction.edit_original_response(attachments=[a_file()])
        else:
            await interaction.followup.send(file=a_file())

    fake.faults.put(Endpoint.EDIT_ANSWER, Fault.JSON_503_AFTER)
    fake.faults.put(Endpoint.FOLLOW_UP, Fault.JSON_503_AFTER)
    async with running(fake, both):
        edit = fake.person("ada").runs(art, "imagine", prompt="edit", owed=True)
        follow = fake.person("bob").runs(art, "imagine", prompt="follow", owed=True)
        await fake.happens(lambda: len(follow.messages) == 2 and len(edit.messages[0].edits) == 2)
    assert [len(m.pictures) for m in (*edit.messages, *follow.messages)] == [1, 1, 1]
    assert [line.partition(":")[0] for line in judge(fake)] == ["doubled"]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("late", (404, 10062)),
        ("twice", (400, 40060)),
        ("old", (401, 50027)),
        ("gone", (404, 10008)),
    ],
)
async def test_acks_and_tokens_do_not_wait_for_ever(
    studio: Server, redirected: None, fake: FakeDiscord, case: str, expected: tuple[int, int]
) -> None:
    # A busy machine is late as well, where nobody wants it to be.
    fake.answers.ack_seconds = 0.3 if case == "late" else 60
    fake.answers.token_seconds = 0.6 if case == "old" else 900

    async def late(interaction: discord.Interaction) -> None:
        if case == "late":
            await asyncio.sleep(0.4)
        await interaction.response.defer()
        if case == "twice":
            interaction.response._response_type = None
            await interaction.response.defer()
        if case == "gone":
            await fake.happens(lambda: wish.message is not None and wish.message.deleted)
        if case == "old":
            await asyncio.sleep(0.7)
        await interaction.edit_original_response(content="drawing")

    ada, art = fake.person("ada"), studio.channel("art")
    async with running(fake, late) as client:
        wish = ada.runs(art, "imagine", prompt="a red fox")
        if case == "gone":
            await fake.happens(lambda: wish.message)
            assert wish.message is not None
            ada.deletes(wish.message)
        await fake.happens(lambda: client.failures)
        assert code_of(client) == expected
    assert any("unknown interaction" in line for line in judge(fake)) == (case == "late")


async def test_autocomplete_buttons_modals_and_menus(
    fake: FakeDiscord, art: Channel, redirected: None
) -> None:
    async def offer(interaction: discord.Interaction) -> None:
        if interaction.namespace.prompt == "modal":
            await interaction.response.send_modal(Words())
            return
        view = discord.ui.View(timeout=None)
        view.add_item(Again(7))
        await interaction.response.send_message("here", view=view)

    ada = fake.person("ada")
    async with running(fake, offer):
        half = ada.types(art, "imagine", "style", "wa")
        wish = ada.runs(art, "imagine", prompt="a red fox")
        form = ada.runs(art, "imagine", prompt="modal")
        photo = ada.says(art, "look", photos=[("dog.png", png("blue"))])
        menu = ada.picks(photo, "Restyle")
        await fake.happens(lambda: half.answered and wish.message and form.modal and menu.message)
        assert wish.message is not None
        click = ada.clicks(wish.message, "again")
        filled = ada.fills(form, wish="a blue fox")
        unknown = ada.clicks(fake.left_behind(art, "old:button"), "old")
        await fake.happens(lambda: click.message and filled.message)
    assert half.choices is not None
    assert [choice["name"] for choice in half.choices] == ["watercolour"]
    assert (click.text, click.ephemeral) == ("job 7 again", True)
    assert click.message not in fake.world.in_place(art)
    assert filled.text == "heard a blue fox"
    assert menu.text == f"{len(png('blue'))} bytes from ada"
    assert unknown.ack is None
    with pytest.raises(AssertionError, match="no command"):
        ada.runs(art, "nothing")
    with pytest.raises(AssertionError, match="wants 'prompt'"):
        ada.runs(art, "imagine")


async def test_outside_its_servers_it_may_be_kept_quiet(
    fake: FakeDiscord, redirected: None
) -> None:
    async def talk(interaction: discord.Interaction) -> None:
        await interaction.response.defer()
        for n in range(7):
            await interaction.followup.send(f"{n}")

    elsewhere = fake.guild("elsewhere", here=False)
    hall = elsewhere.channel("hall")
    elsewhere.everybody &= ~Permission.USE_EXTERNAL_APPS
    ada = fake.person("ada")
    fake.guild("home")
    async with running(fake, talk) as client:
        wish = ada.runs(hall, "imagine", prompt="a red fox")
        await fake.happens(lambda: client.failures)
        assert code_of(client) == (400, 40094)
        channel = client.get_partial_messageable(int(hall.id))
        with pytest.raises(discord.Forbidden) as refused:
            await channel.send("hello")
    assert refused.value.code == 50001
    assert wish.payload["authorizing_integration_owners"] == {"1": ada.id}
    assert len(wish.messages) == 6
    assert all(each.ephemeral_to is ada.user for each in wish.messages)


# Messages


async def test_words_reach_the_bot_only_where_it_is_concerned(
    fake: FakeDiscord, art: Channel, redirected: None
) -> None:
    ada, bob = fake.person("ada"), fake.person("bob")
    async with running(fake) as client:
        photo = bob.says(art, "my dog", photos=[png()])
        ada.asks(art, "in ink", reply_to=photo, owed=False)
        ada.says(fake.dm(ada), "a red fox", photos=[png()])
        ada.says(art.thread("foxes"), fake.tag)
        await fake.happens(lambda: len(client.heard) == 4)
        overheard, asked, direct, threaded = client.heard
    assert (overheard.content, overheard.attachments) == ("", [])
    assert client.user in asked.mentions
    assert asked.content == f"{fake.tag} in ink"
    assert asked.reference is not None
    hidden = asked.reference.resolved
    assert isinstance(hidden, discord.Message)
    assert (hidden.content, hidden.attachments) == ("", [])
    assert (direct.content, len(direct.attachments), direct.guild) == ("a red fox", 1, None)
    assert isinstance(threaded.channel, discord.Thread)


async def test_a_nonce_is_one_message_and_an_answer_pings_whom_it_may(
    fake: FakeDiscord, art: Channel, redirected: None
) -> None:
    ada = fake.person("ada")
    async with running(fake, allowed_mentions=discord.AllowedMentions.none()) as client:
        asked = ada.asks(art, "a red fox")
        await fake.happens(lambda: client.heard)
        (heard,) = client.heard
        to_ada = discord.AllowedMentions(users=[heard.author], replied_user=False)
        text = f"{ada.tag} @everyone <@{fake.person('bob').id}>"
        for _ in range(2):
            await heard.reply(text, file=a_file(), nonce="job-1", allowed_mentions=to_ada)
        (answer,) = fake.world.answers_to(asked)
        assert (answer.pings, answer.reference) == ({ada.id}, asked)
        assert judge(fake) == []
        ada.deletes(answer)
        with pytest.raises(discord.NotFound) as gone:
            await heard.reply("again", nonce="job-1")
        assert gone.value.code == 10008
        ada.deletes(asked)
        with pytest.raises(discord.HTTPException) as no_reference:
            await heard.reply("too late")
        assert no_reference.value.code == 50035
        loose = heard.to_reference(fail_if_not_exists=False)
        await heard.channel.send("still", reference=loose)
        await heard.channel.send("a promise", nonce="job-2")
    assert [len(m.pictures) for m in fake.world.of_the_bot()] == [1, 0, 0]


async def test_a_closed_file_uploads_nothing_and_is_noticed(
    fake: FakeDiscord, art: Channel, redirected: None
) -> None:
    """A discord.File is used up by its first sending (§1)."""
    async with running(fake) as client:
        channel = client.get_partial_messageable(int(art.id))
        file = a_file()
        await channel.send(file=file)
        with pytest.raises((discord.HTTPException, ValueError)):
            await channel.send(file=file)


async def test_permissions_are_told_and_kept(
    fake: FakeDiscord, studio: Server, art: Channel, redirected: None
) -> None:
    async with running(fake, deliver) as client:
        channel = client.get_channel(int(art.id))
        assert isinstance(channel, discord.TextChannel)
        me = channel.guild.me
        assert channel.permissions_for(me).attach_files
        art.forbid("attach_files")
        await fake.happens(lambda: not channel.permissions_for(me).attach_files)
        for forbidden, code in (("attach_files", 50013), ("send_messages", 50013)):
            art.forbid(forbidden)
            with pytest.raises(discord.Forbidden) as refused:
                await channel.send(file=a_file())
            assert refused.value.code == code
        art.forbid("view_channel")
        with pytest.raises(discord.Forbidden) as refused:
            await channel.send("hello")
        assert refused.value.code == 50001
        studio.time_out_bot(60)
        await fake.happens(lambda: me.is_timed_out())
        wish = fake.person("ada").runs(art, "imagine", prompt="a red fox")
        await fake.happens(lambda: client.failures)
        assert code_of(client) == (403, 50013)
        assert int(wish.payload["app_permissions"]) & (1 << 15) == 0


async def test_history_comes_in_order_and_without_what_it_may_not_read(
    fake: FakeDiscord, art: Channel, redirected: None
) -> None:
    ada = fake.person("ada")
    said = [ada.says(art, f"{n}" if n % 2 else f"{fake.tag} {n}") for n in range(5)]
    async with running(fake) as client:
        channel = client.get_partial_messageable(int(art.id))
        after = discord.Object(int(said[1].id))
        found = [m async for m in channel.history(after=after, limit=2, oldest_first=True)]
        newest = [m async for m in channel.history(limit=1)]
    assert [str(m.id) for m in found] == [said[2].id, said[3].id]
    assert [m.content for m in found] == [said[2].text, ""]
    assert [str(m.id) for m in newest] == [said[4].id]


async def test_automod_and_limits_of_files(
    fake: FakeDiscord, studio: Server, art: Channel, redirected: None
) -> None:
    studio.automod.add("badword")
    studio.file_limit = 100
    async with running(fake) as client:
        channel = client.get_partial_messageable(int(art.id))
        with pytest.raises(discord.HTTPException) as blocked:
            await channel.send("a BADWORD")
        big = discord.File(io.BytesIO(b"x" * 101), "big.bin")
        with pytest.raises(discord.HTTPException) as large:
            await channel.send(file=big)
    assert (blocked.value.code, large.value.status, large.value.code) == (200000, 413, 40005)


# The gateway


async def test_a_cut_line_is_resumed_and_what_was_said_meanwhile_replayed(
    fake: FakeDiscord, art: Channel, redirected: None
) -> None:
    ada = fake.person("ada")
    async with running(fake) as client:
        for n, cut in enumerate((fake.gateway.drop, fake.gateway.reconnect), start=1):
            cut()
            ada.asks(art, f"{n}")
            await fake.happens(lambda: len(client.heard) == n and len(client.events) == n)  # noqa: B023
    assert [m.content[-1] for m in client.heard] == ["1", "2"]
    assert len(fake.gateway.identifies) == 1


async def test_a_session_that_is_over_loses_what_was_said(
    fake: FakeDiscord, art: Channel, redirected: None
) -> None:
    ada = fake.person("ada")
    async with running(fake) as client:
        with fake.gateway.outage(resumable=False):
            ada.asks(art, "lost")
        fake.gateway.invalidate()
        await fake.happens(lambda: fake.gateway.connected and len(fake.gateway.identifies) > 1)
        ada.asks(art, "heard")
        await fake.happens(lambda: client.heard)
    assert [m.content for m in client.heard] == [f"{fake.tag} heard"]


async def test_servers_are_told_apart_by_shard(redirected: None, fake: FakeDiscord) -> None:
    fake.gateway.shards = 2
    shards: list[int] = []
    while set(shards) != {0, 1}:  # as their ids' milliseconds have it
        await asyncio.sleep(0.001)
        shards.append((int(fake.guild(f"guild{len(shards)}").id) >> 22) % 2)
    async with running(fake) as client:
        await fake.happens(lambda: len(client.guilds) == len(shards))
        assert {guild.shard_id for guild in client.guilds} == {0, 1}
        for guild in fake.world.guilds.values():
            assert isinstance(guild, Server)
            fake.person("ada").asks(guild.channel("art"), guild.name)
        await fake.happens(lambda: len(client.heard) == len(shards))


async def test_it_does_not_let_everybody_in(fake: FakeDiscord, redirected: None) -> None:
    with pytest.raises(discord.LoginFailure):
        async with Client(None) as client:
            await client.start("wrong")
    intents = discord.Intents.default()
    intents.message_content = True
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with running(fake, intents=intents):
            pass
    assert fake.gateway.closed == [4014]


async def test_wares(fake: FakeDiscord, art: Channel, redirected: None) -> None:
    ada = fake.person("ada")

    async def show(interaction: discord.Interaction) -> None:
        view = discord.ui.View()
        view.add_item(discord.ui.Button(sku_id=int(fake.world.skus["plus"])))
        owned = [each.sku_id for each in interaction.entitlements]
        await interaction.response.send_message(str(owned), view=view)

    async with running(fake, show) as client:
        ada.buys("plus", ends_at=fake.clock() + 60)
        old = ada.buys("plus", quietly=True)
        ada.ends(old, fake.clock() - 1, quietly=True)
        await fake.happens(lambda: client.events)
        wish = ada.runs(art, "imagine", prompt="a red fox")
        await fake.happens(lambda: wish.message)
        current = [e async for e in client.entitlements(exclude_ended=True)]
        everything = [e async for e in client.entitlements(exclude_ended=False)]
        (sku,) = await client.fetch_skus()
    assert client.events == [f"entitled {ada.id}"]
    assert wish.text == f"[{sku.id}]"
    assert (len(current), len(everything)) == (1, 2)


# Strictness, without discord.py


@asynccontextmanager
async def a_session(fake: FakeDiscord) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bot {fake.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        yield session


BUTTON = {"type": 2, "style": 2, "label": "x"}
BAD_MESSAGES: dict[str, dict[str, Any]] = {
    "long": {"content": "x" * 2001},
    "unknown field": {"content": "x", "ephemeral": True},
    "long nonce": {"content": "x", "nonce": "x" * 26},
    "custom id": {"components": [{"type": 1, "components": [{**BUTTON, "custom_id": "x" * 101}]}]},
    "same id": {
        "components": [{"type": 1, "components": [{**BUTTON, "custom_id": "x"}] * 2}],
    },
    "wide row": {
        "components": [
            {"type": 1, "components": [{**BUTTON, "custom_id": f"{n}"} for n in range(6)]}
        ]
    },
    "bare button": {"components": [{"type": 2, "custom_id": "x"}]},
    "premium": {"components": [{"type": 1, "components": [{"type": 2, "style": 6, "sku_id": 1}]}]},
    "v2 with content": {"content": "x", "flags": 1 << 15},
    "mentions": {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
    "embeds": {"embeds": [{"description": "x" * 4096}, {"description": "x" * 4096}]},
    "flags": {"content": "x", "flags": 1 << 7},
    "no file": {"content": "x", "attachments": [{"id": 0, "filename": "x.png"}]},
}


async def test_what_no_careful_client_sends_is_refused_and_remembered(
    fake: FakeDiscord, art: Channel
) -> None:
    url = f"{fake.api_url}/channels/{art.id}/messages"
    async with a_session(fake) as session:
        for name, body in BAD_MESSAGES.items():
            async with session.post(url, json=body) as answer:
                assert (answer.status, (await answer.json())["code"]) == (400, 50035), name
                assert answer.headers["Content-Type"] == "application/json"
        async with session.post(url, json={"content": ""}) as answer:
            assert (await answer.json())["code"] == 50006
        async with session.get(f"{fake.api_url}/nowhere") as answer:
            assert answer.status == 404
        async with session.get(url, headers={"Authorization": "Bot x"}) as answer:
            assert answer.status == 401
    assert len([line for line in judge(fake) if line.startswith("offence")]) == (
        len(BAD_MESSAGES) + 3
    )
    assert fake.world.of_the_bot() == []


async def test_files_are_kept_described_and_served_for_a_while(
    fake: FakeDiscord, art: Channel
) -> None:
    form = aiohttp.FormData(quote_fields=False)
    told = '{"attachments": [{"id": 0, "filename": "SPOILER_fox.png", "description": "a fox"}]}'
    form.add_field("payload_json", told)
    form.add_field("files[0]", png(), filename="x", content_type="application/octet-stream")
    async with a_session(fake) as session:
        async with session.post(f"{fake.api_url}/channels/{art.id}/messages", data=form) as answer:
            (shown,) = (await answer.json())["attachments"]
        (message,) = fake.world.of_the_bot()
        assert (message.pictures[0].spoiler, message.pictures[0].alt) == (True, "a fox")
        async with session.get(shown["url"]) as answer:
            assert await answer.read() == png()
        async with session.get(shown["url"].partition("?")[0]) as answer:
            assert answer.status == 404
        fake.person("mod").deletes(message)
        async with session.get(shown["url"]) as answer:
            assert answer.status == 404


async def test_buckets_tell_and_refuse(fake: FakeDiscord, art: Channel, redirected: None) -> None:
    fake.limits.caps = {Endpoint.CREATE_MESSAGE: Cap(5, 0.2, "create")}
    async with running(fake) as client:
        channel = client.get_partial_messageable(int(art.id))
        await asyncio.gather(*(channel.send(f"{n}") for n in range(12)))
    assert fake.limits.refused == []
    url = f"{fake.api_url}/channels/{art.id}/messages"
    fake.limits._clock = Clock(fake.clock() + 10)  # it stands: one window, however slow we are
    async with a_session(fake) as session:
        statuses = []
        for n in range(6):
            async with session.post(url, json={"content": f"{n}"}) as answer:
                statuses.append(answer.status)
                body, headers = await answer.json(), answer.headers
    assert statuses == [200] * 5 + [429]
    assert 0 < body["retry_after"] < 0.21
    assert (headers["X-RateLimit-Remaining"], headers["X-RateLimit-Scope"]) == ("0", "user")
    assert headers["Via"]
    assert len(fake.limits.refused) == 1


async def test_the_global_limit_spares_interactions_and_too_much_is_banned(
    fake: FakeDiscord, art: Channel
) -> None:
    fake.limits.per_second, fake.limits.most_invalid = 50, 3
    fake.limits._clock = Clock(fake.clock() + 10)
    url = f"{fake.api_url}/channels/{art.id}"
    async with a_session(fake) as session:
        answers = [await session.get(url) for _ in range(52)]
        assert [a.status for a in answers[-3:]] == [200, 429, 429]
        assert (await answers[-1].json())["global"] is True
        async with session.post(f"{fake.api_url}/webhooks/1/nobody", json={}) as answer:
            assert (await answer.json())["code"] == 10015
        await session.get(url)
        async with session.get(url) as answer:
            assert (answer.status, "Via" in answer.headers) == (429, False)


async def test_faults_strike_in_order_before_or_after_acceptance(
    fake: FakeDiscord, art: Channel
) -> None:
    faults = (Fault.DROP, Fault.DROP_AFTER, Fault.CLOUDFLARE_429, Fault.TIMEOUT, Fault.HTML_502)
    fake.faults.put(Endpoint.CREATE_MESSAGE, *faults, Fault.BLOCKED, None)
    seen: list[object] = []
    async with a_session(fake) as session:
        for n in range(7):
            url = f"{fake.api_url}/channels/{art.id}/messages"
            try:
                async with session.post(url, json={"content": f"{n}"}) as answer:
                    seen.append(answer.status)
            except aiohttp.ClientError as error:
                seen.append(type(error))
    cut = aiohttp.ServerDisconnectedError
    assert seen == [cut, cut, 429, cut, 502, 400, 200]
    assert [m.text for m in fake.world.of_the_bot()] == ["1", "6"]


def test_the_judge_sees_what_is_lost_and_what_came_twice(fake: FakeDiscord, art: Channel) -> None:
    lost = fake.person("ada").asks(art, "a red fox")
    twice = fake.person("bob").asks(art, "a red fox")
    for _ in range(2):
        fake.world.keep(
            Message(
                id=fake.world.new_id(),
                place=art,
                author=fake.world.bot,
                text="here",
                at=fake.clock(),
                pictures=[fake.world.attachment("fox.png", png())],
                reference=twice,
                reference_id=twice.id,
                pings={fake.person("carl").id},
            )
        )
    assert undelivered(fake) == [lost]
    kinds = [line.partition(":")[0] for line in judge(fake)]
    assert kinds == ["lost", "doubled", "ping", "ping"]
