"""The doctor: plain words, and an exit status that says whether something must be mended."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bots import doctor
from tests.generator.conftest import write_tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("doctor") / "tiny"
    write_tiny_model(folder)
    return folder


@pytest.fixture(autouse=True)
def healthy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: Path) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("MURALIST_MODEL", str(model))
    monkeypatch.setenv("MURALIST_DATABASE", str(tmp_path / "muralist.db"))
    monkeypatch.setenv("MURALIST_PICTURES", str(tmp_path / "pictures"))
    monkeypatch.setenv("MURALIST_PORT", "0")


def test_a_healthy_house_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.examine() == 0
    said = capsys.readouterr().out
    assert "diffusers:tiny loads" in said
    assert "Everything needed works." in said


def test_a_folder_without_a_model_must_be_mended(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MURALIST_MODEL", str(tmp_path))
    assert doctor.examine() == 1
    assert "holds no model" in capsys.readouterr().out


def test_a_check_without_its_model_must_be_mended(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MURALIST_CHECKS", "words,classifier")
    assert doctor.examine() == 1
    assert "MURALIST_CLASSIFIER" in capsys.readouterr().out


def test_a_taken_port_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("MURALIST_PORT", str(taken.getsockname()[1]))
        assert doctor.examine() == 1
    assert "MURALIST_PORT" in capsys.readouterr().out


def test_a_wrong_setting_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MURALIST_BATCH", "many")
    assert doctor.examine() == 1
    assert "MURALIST_BATCH" in capsys.readouterr().out


def test_discord_without_a_token_must_be_mended(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MURALIST_PLATFORMS", "discord")
    monkeypatch.setenv("MURALIST_DISCORD_SKUS", "12:plus")
    assert doctor.examine() == 1
    said = capsys.readouterr().out
    assert "MURALIST_DISCORD_TOKEN" in said
    assert "privileged" in said
