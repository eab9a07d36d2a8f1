"""The commands as Discord is told them, built on the real library without a connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import discord
import pytest
from discord import AppCommandType

from bots.platform import House, PlatformError
from bots.platforms._discord import connection as lines
from bots.platforms._discord.commands import ASPECTS
from bots.platforms._discord.connection import Client
from bots.platforms.discord import Discord
from bots.settings import Settings, SettingsError
from data.pictures import PictureStore
from data.store import Store
from tests.conftest import Clock, a_house

TOKEN = "not.a.token"


@pytest.fixture
def house(store: Store, picture_store: PictureStore, clock: Clock) -> House:
    return a_house(store, picture_store, clock, Settings(discord_token=TOKEN))  # type: ignore[arg-type]


@pytest.fixture
async def client(house: House) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        whole = Discord(house, session)
        async with Client(whole.caution, whole.listener.furnish) as client:
            await client.setup_hook()
            yield client


async def told(client: Client) -> dict[str, dict[str, Any]]:
    translator = client.tree.translator
    assert translator is not None
    commands = client.tree.get_commands()
    payloads = [await each.get_translated_payload(client.tree, translator) for each in commands]
    return {payload["name"]: payload for payload in payloads}


async def test_all_of_it_is_there_in_four_languages(client: Client) -> None:
    commands = await told(client)
    assert {
        "imagine",
        "draw",
        "restyle",
        "queue",
        "quota",
        "cancel",
        "receipt",
        "help",
        "privacy",
        "report",
        "settings",
        "mod",
    } < set(commands)
    menus = client.tree.get_commands(type=AppCommandType.message)
    assert 1 <= len(menus) <= 5
    for payload in commands.values():
        assert {"de", "es-ES", "ja"} <= set(payload["name_localizations"]), payload["name"]
    imagine = commands["imagine"]
    options = [option["name"] for option in imagine["options"]]
    assert options == commands_of_draw(commands)
    assert options[0] == "prompt"
    assert {"style", "aspect", "count", "seed", "negative", "image", "strength"} < set(options)
    assert [choice["value"] for choice in imagine["options"][2]["choices"]] == list(ASPECTS)
    assert imagine["integration_types"] == [0, 1]
    assert imagine["contexts"] == [0, 1, 2]
    assert commands["settings"]["default_member_permissions"] == (
        discord.Permissions(manage_guild=True).value
    )
    for name in ("settings", "mod"):
        assert (commands[name]["contexts"], commands[name]["integration_types"]) == ([0], [0])


def commands_of_draw(commands: dict[str, dict[str, Any]]) -> list[str]:
    return [option["name"] for option in commands["draw"]["options"]]


async def test_the_hash_of_the_commands_is_theirs_alone(client: Client) -> None:
    payloads = list((await told(client)).values())
    assert lines.digest(1, payloads) == lines.digest(1, payloads[::-1])
    assert lines.digest(1, payloads) != lines.digest(2, payloads)
    changed = [{**payloads[0], "description": "other"}, *payloads[1:]]
    assert lines.digest(1, payloads) != lines.digest(1, changed)


async def test_nothing_of_a_message_is_remembered_and_no_intent_is_privileged(
    client: Client,
) -> None:
    intents = client.intents
    privileged = discord.Intents(message_content=True, members=True, presences=True)
    assert intents.value & privileged.value == 0
    assert intents.guilds
    silent = discord.AllowedMentions.none()
    assert client.allowed_mentions is not None
    assert str(client.allowed_mentions.to_dict()) == str(silent.to_dict())


async def test_without_a_token_the_start_ends_with_a_sentence(
    store: Store, picture_store: PictureStore, clock: Clock
) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(SettingsError, match="MURALIST_DISCORD_TOKEN"):
            Discord(a_house(store, picture_store, clock), session)


async def test_without_a_connection_deliveries_wait(house: House) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(PlatformError, match="no connection"):
            _ = Discord(house, session).connection.client
