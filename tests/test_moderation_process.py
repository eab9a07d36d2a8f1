"""Moderation in the real process: nothing unseen is posted, decisions are quick and survive."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from click.testing import CliRunner

from data.store import connect
from moderation.__main__ import main
from tests.conftest import Promise
from tests.process import Bot

#: From a moderator's word to the reply, in seconds.
PROMISE = 2.0


def desk(bot: Bot, *words: str) -> str:
    result = CliRunner().invoke(main, ["--database", str(bot.database), "--by", "bo", *words])
    assert result.exit_code == 0, result.output
    return result.output


def look(bot: Bot, sql: str) -> list[tuple[object, ...]]:
    with contextlib.closing(connect(bot.database, read_only=True)) as c:
        return [tuple(row) for row in c.execute(sql)]


def held(bot: Bot, post: int) -> bool:
    return bool(bot.wait_for(post, lambda shown: shown["state"] == "held"))


def test_without_its_model_all_is_held_and_a_word_decides(tmp_path: Path, promise: Promise) -> None:
    settings = {"CHECKS": "words,classifier", "CLASSIFIER": str(tmp_path / "no-model")}
    with Bot(tmp_path, **settings) as bot:
        fox = bot.post("@muralist a red fox", who="ada")
        assert held(bot, fox)  # first, and so job 1
        apple = bot.post("@muralist a red apple", who="bob")
        assert held(bot, apple)
        assert look(bot, "SELECT count(*) FROM outbox") == [(0,)], "nothing is said or shown"
        assert "failed.classifier" in desk(bot, "list")

        assert "1 waiting were cancelled" in desk(bot, "ban", "sandbox", "bob", "spam")
        bot.kill()
        bot.start()
        assert held(bot, fox)
        assert bot.get(f"/api/posts/{apple}")["state"] == "cancelled"
        assert look(bot, "SELECT state FROM charges WHERE user_id = 'bob'") == [("released",)]

        again = bot.post("@muralist a red fox", who="bob")
        assert "not take wishes from you" in bot.reply_to(again)["text"]

        began = time.monotonic()
        desk(bot, "approve", "1")
        reply = bot.reply_to(fox)
        promise("approve_to_posted", time.monotonic() - began, PROMISE)
        assert reply["pictures"]

        desk(bot, "remove", "1", "8")
        bot.wait_for(fox, lambda shown: not shown["replies"])
        assert "rows hold" in desk(bot, "verify-audit")
        acts = [act for (act,) in look(bot, "SELECT act FROM audit ORDER BY id")]
        assert acts == ["ban", "approve", "remove"]
