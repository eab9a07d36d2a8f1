"""The real process, `python -m bots`, in a temporary folder on a port of its own."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parent.parent
START_SECONDS = 60
PATIENCE = 90


class Bot:
    """Starts with the scope, is killed at its end; may be killed and started again within."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self._folder = folder
        self._log = folder / "bot.log"
        self.database = folder / "muralist.db"
        self._settings = {
            "DATABASE": str(self.database),
            "PICTURES": str(folder / "pictures"),
            "PORT": "0",
            "THREADS": "1",
            **settings,
        }
        self.address = ""
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start, and wait until it has said its address."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MURALIST_")}
        environment |= {f"MURALIST_{k}": v for k, v in self._settings.items()}
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bots"],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "http://" in line, f"{line!r}\n{self.log()}"
        self.address = line.split()[-1].rstrip("/")

    def kill(self) -> None:
        """SIGKILL: no clean-up of any kind."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM, and wait; the exit status."""
        return self._end(signal.SIGTERM)

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.address + path, timeout=PATIENCE) as answer:
            return json.load(answer)

    def picture(self, path: str) -> bytes:
        with urllib.request.urlopen(self.address + path, timeout=PATIENCE) as answer:
            data: bytes = answer.read()
            return data

    def post(
        self, text: str, *, who: str = "guest", to: int | None = None, photo: bytes | None = None
    ) -> int:
        """Post as somebody; the new post's id."""
        body = {
            "as": who,
            "text": text,
            "in_reply_to": to,
            "photo": base64.b64encode(photo).decode() if photo is not None else None,
        }
        request = urllib.request.Request(
            f"{self.address}/api/posts",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return int(json.load(answer)["id"])

    def wait_for(self, post: int, ready: Callable[[Any], object], seconds: float = PATIENCE) -> Any:
        """Look at a post until it is `ready`."""
        deadline = time.monotonic() + seconds
        while not ready(shown := self.get(f"/api/posts/{post}")):
            assert time.monotonic() < deadline, f"{shown}\n{self.log()}"
            time.sleep(0.05)
        return shown

    def reply_to(self, post: int) -> Any:
        """The one reply to a post, when it has come."""
        (reply,) = self.wait_for(post, lambda shown: shown["replies"])["replies"]
        return reply

    def until_ready(self) -> None:
        """Wait until the model is loaded."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                if self.get("/readyz")["ready"]:
                    return
            except urllib.error.HTTPError as error:
                error.close()
            time.sleep(0.1)
        raise AssertionError(self.log())

    def _end(self, number: signal.Signals) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(number)
        status = process.wait(PATIENCE)
        assert process.stdout is not None
        process.stdout.close()
        return status
