"""What people buy on Discord, and the tier it gives them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import discord

from bots.platform import House
from bots.platforms._discord.address import NAME
from bots.platforms._discord.connection import Client
from data import entitlements
from data.entitlements import Entitlement
from data.words import Account, Tier


async def note(house: House, told: Sequence[discord.Entitlement], *, ended: bool = False) -> None:
    """Write down what Discord told of purchases; nothing where nothing is sold."""
    known = list(_known(house, told, ended=ended))
    if known:
        now = house.clock()
        await house.store.write(lambda c: entitlements.note(c, known, now))


async def reconcile(house: House, client: Client) -> None:
    """Ask Discord for all there is: an event may have been missed."""
    skus = [discord.Object(int(sku)) for sku, _ in house.settings.discord_skus]
    if not skus:
        return
    told = [each async for each in client.entitlements(limit=None, skus=skus, exclude_ended=True)]
    known, now = list(_known(house, told)), house.clock()
    await house.store.write(lambda c: entitlements.reconcile(c, NAME, known, now))


async def expire(house: House) -> None:
    """Take back what has ended."""
    now = house.clock()
    if await house.store.read(lambda c: entitlements.due(c, now)):
        await house.store.write(lambda c: entitlements.expire(c, now))


def _known(
    house: House, told: Iterable[discord.Entitlement], *, ended: bool = False
) -> Iterable[Entitlement]:
    tiers: dict[str, Tier] = dict(house.settings.discord_skus)
    for one in told:
        tier = tiers.get(str(one.sku_id))
        if tier is None or one.user_id is None:
            continue
        user = str(one.user_id)
        yield Entitlement(
            id=str(one.id),
            account=Account(platform=NAME, user_id=user, handle=user),
            tier=tier,
            ends_at=one.ends_at.timestamp() if one.ends_at else None,
            ended=ended or one.deleted,
        )
