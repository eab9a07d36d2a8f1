"""Log lines of ours and of others come out in one place and one shape."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bots import logs


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in logs._NOISY}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def test_json_lines() -> None:
    stream = io.StringIO()
    logs.set_up("info", "json", stream)
    structlog.get_logger().info("painted", job=7, wish="狐")
    structlog.get_logger().debug("too quiet")
    logging.getLogger("somebody").warning("said %s", "this")
    logging.getLogger("tweepy").info("bearer token")
    ours, theirs = map(json.loads, stream.getvalue().splitlines())
    assert (ours["event"], ours["job"], ours["wish"], ours["level"]) == ("painted", 7, "狐", "info")
    assert (theirs["event"], theirs["logger"]) == ("said this", "somebody")


def test_tokens_stay_out_of_debug_logs_and_tracebacks() -> None:
    stream = io.StringIO()
    logs.set_up("debug", "console", stream)
    logging.getLogger("tweepy").debug("planted-token")
    token = "-".join(["planted", "token"])
    try:
        raise ValueError(len(token))
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "failed" in stream.getvalue()
    assert "Traceback" in stream.getvalue()
    assert "planted-token" not in stream.getvalue()
