"""Presence by operating-system locks; pictures by digest."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from data.pictures import PictureStore
from data.presence import Presence

HOLD = """
import pathlib, sys
from data.presence import Presence
with Presence(pathlib.Path(sys.argv[1])).held() as presence:
    print(presence.id, flush=True)
    sys.stdin.read()
"""


def test_a_process_is_alive_until_it_is_killed(tmp_path: Path) -> None:
    mine = Presence(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        cwd=Path(__file__).parent.parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        owner = other.stdout.readline().strip()
        assert mine.alive(owner)
        other.kill()
        other.wait()
        assert not mine.alive(owner)
    assert not mine.alive("nobody")
    assert not mine.alive(None)


def test_one_is_alive_to_oneself(tmp_path: Path) -> None:
    with Presence(tmp_path).held() as mine:
        assert mine.alive(mine.id)
        assert Presence(tmp_path).alive(mine.id)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_is_kept_once_under_its_digest(picture_store: PictureStore) -> None:
    digest = picture_store.put(b"paint")
    assert digest == hashlib.sha256(b"paint").hexdigest()
    assert picture_store.put(b"paint") == digest
    assert picture_store.get(digest) == b"paint"
    assert len(list(picture_store.path(digest).parent.iterdir())) == 1


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_only_a_digest_names_a_picture(picture_store: PictureStore, name: str) -> None:
    with pytest.raises(ValueError, match="digest"):
        picture_store.path(name)
