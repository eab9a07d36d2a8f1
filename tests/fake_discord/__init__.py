"""A fake Discord on a loopback socket: REST v10, gateway, CDN; strict, faulty on demand, a judge.

It lives in the test's process, in a thread of its own, is never killed with the bot
and knows nothing of discord.py. Sections named in docstrings are those of the team's
notes on Discord (platform-discord.md).

Starting it and pointing a bot at it::

    from tests.fake_discord.server import FakeDiscord

    with FakeDiscord() as discord:        # or `async with`; the defaults are Discord's own
        discord.api_url                   # http://127.0.0.1:PORT/api/v10  -> Route.BASE
        discord.gateway_url               # ws://127.0.0.1:PORT/gateway    -> DEFAULT_GATEWAY
        discord.cdn_url                   # http://127.0.0.1:PORT          -> Asset.BASE, photo host
        discord.token
        discord.settings()                # DISCORD_TOKEN, DISCORD_API_URL, DISCORD_GATEWAY_URL

The world (`world`), made before the bot comes or while it is there; the bot hears of it::

    studio = discord.guild("studio")                # boosts=0…3; here=False: only user-installed
    art = studio.channel("art")                     # nsfw=…; art.forbid("attach_files"), .allow(…)
    foxes = art.thread("foxes")                     # archived=…, locked=…
    post = studio.forum("gallery").post(ada, "A title", "the first words")
    desk = discord.dm(ada)                          # discord.group_dm(ada, bob)
    studio.appoint(mod, "manage_messages")          # manage_guild, moderate_members, …
    studio.automod.add("badword")                   # what AutoMod refuses in anybody's text
    studio.time_out_bot(60)

People (`people`) do what people do. Nothing here waits; all may be called from any thread::

    ada = discord.person("ada", locale="de")        # the same one on every call
    said = ada.asks(art, "a red fox")               # "@muralist a red fox", and an answer is owed
    said = ada.says(art, "hello", photos=[png], reply_to=message, ping=False)
    wish = ada.runs(art, "imagine", prompt="a red fox", image=png, owed=True)  # "mod block" for
    ada.types(art, "imagine", "style", "wat")       # subcommands; this one is autocomplete
    click = ada.clicks(message, "again")            # by label or custom_id, or a part of either
    modal = ada.fills(click, prompt="other words")  # the modal that `click` was answered with
    menu = ada.picks(message, "Restyle this picture")
    old = discord.left_behind(art, "mu:again:1")    # a message of a version long gone, with buttons
    ada.edits(said, "other words"); ada.deletes(said); ada.reacts(message, "👍")
    ada.buys(sku, ends_at=…)                        # an entitlement, with its event

`Interaction` (wish, click, modal, menu): `ack` (the callback's type, None so far), `latency`
(seconds from its event to its ack), `message` (the one @original means), `messages` (with the
follow-ups), `pictures` (all in them), `shown` (the newest that stands), `text` (of
that), `ephemeral`, `choices`, `modal`,
`expire()` (its token dies now). `Message`: `author`, `place`, `text`, `pictures` (`Attachment`s
with `data`, `alt`, `spoiler`, `media_type`, `size`), `embeds`, `buttons` (label -> custom_id),
`reference`, `nonce`, `pings` (ids of those it pinged), `reactions`, `edits` (what it was, when),
`deleted`, `ephemeral_to`, `link`.

Waiting for the bot, woken by whatever changes; an AssertionError with a summary in time::

    discord.until(lambda: wish.pictures, seconds=30)
    await discord.happens(lambda: wish.pictures)    # for tests with a loop of their own
    discord.until_ready()                           # connected, and its commands are synced

What it records: `exchanges` (every request: endpoint, body, status, code, fault, offence, at),
`requests(Endpoint.X)`, `world.messages`, `world.interactions`, `world.of_the_bot()`,
`world.typing`, `world.commands`, `limits.refused` (429s), `limits.invalid` (401, 403, 429 in ten
minutes), `gateway.presences`, `gateway.identifies`, `gateway.resumes`. `verdict.judge(discord)`
lists what is wrong in the end: lost or doubled pictures, unknown interactions, late acks,
requests no careful client makes, pings nobody asked for; [] is well. `canaries()`: secrets
that must be in no log.

`before` and `after` are called with every request, as it comes and as it has taken effect.

Faults and knobs::

    discord.faults.put(Endpoint.CREATE_MESSAGE, Fault.DROP_AFTER, None, Fault.CLOUDFLARE_429)
    discord.faults.chances = weather(0.1)           # a seeded share of all requests
    discord.gateway.drop(); .drop(resumable=False); .reconnect() (op 7); .invalidate() (op 9)
    discord.gateway.close(4014); .refuse(connections=2); .freeze(); .send("EVENT", {…})
    with discord.gateway.outage(resumable=False): … # nobody is let in, events are lost or kept
    FakeDiscord(ack_seconds=3.0, token_seconds=900, nonce_seconds=180, caps={…}, shards=1,
                per_second=50, photo_seconds=86_400, skus=(…), granted=0, hides_referenced=True)
"""
