"""What the doctor tells of X, and what it never tells."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from bots import doctor
from bots.doctor import Finding, Mark
from bots.platforms._x.credentials import Grant, keys_of
from bots.settings import load
from data import store, tokens
from data.tokens import Pair
from tests.fake_x.server import FakeX


@pytest.fixture
def x() -> FakeX:
    """Not started: only its keys are wanted."""
    return FakeX()


@pytest.fixture(autouse=True)
def house(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fine = Finding("engine", Mark.WORKS, "loads")
    monkeypatch.setattr(doctor, "_model", lambda _settings: fine)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("MURALIST_PLATFORMS", "x")
    monkeypatch.setenv("MURALIST_PORT", "0")
    monkeypatch.setenv("MURALIST_DATABASE", str(tmp_path / "muralist.db"))


def given(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        if name not in ("X_API_URL", "X_PHOTO_HOSTS"):
            monkeypatch.setenv(f"MURALIST_{name}", value)


@pytest.mark.parametrize("oauth2", [False, True])
def test_it_says_how_x_is_reached_and_tells_no_secret(
    x: FakeX, oauth2: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given(monkeypatch, x.settings_oauth2() if oauth2 else x.settings())
    assert doctor.examine() == 0
    told = "".join(capsys.readouterr())
    assert ("OAuth 2, confidential client" if oauth2 else "OAuth 1.0a") in told
    assert "for account 1000" in told
    assert [secret for secret in x.canaries() if secret in told] == []


def test_a_broken_chain_and_a_file_others_may_read_are_to_be_mended(
    x: FakeX,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    given(monkeypatch, x.settings_oauth2())
    path = tmp_path / "muralist.db"
    store.migrate(path)
    keys = keys_of(load())
    assert isinstance(keys, Grant)
    pair = Pair(access="a", refresh="r", expires_at=0, lost="It must be authorised again.")
    with contextlib.closing(store.connect(path)) as c:
        tokens.keep(c, "x", keys.origin, pair)
    path.chmod(0o644)
    assert doctor.examine() == 1
    told = capsys.readouterr().out
    assert "authorised again" in told
    assert "chmod 600" in told
