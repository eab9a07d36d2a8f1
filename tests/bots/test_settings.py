"""Settings that make sense are read, and all others are refused with the remedy."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from bots.settings import ROOT, Settings, SettingsError, files_in, load, table, variable


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("MURALIST_")]:
        monkeypatch.delenv(name)


def refusal(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load(None)
    return str(caught.value)


def test_nothing_needs_to_be_set() -> None:
    settings = load(None)
    assert settings.platforms == ("sandbox",)
    assert settings.model == str(ROOT / "generator/model")
    assert settings.database == ROOT / "data/var/muralist.db"
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.steps is None


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        load(None).port = 1


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "MURALIST_PORT": "0",
        "MURALIST_HANDLE": "@painter",
        "MURALIST_LOG": "DEBUG",
        "muralist_checks": " words , words,",
        "MURALIST_DATABASE": "elsewhere/m.db",
        "MURALIST_PICTURES": "/srv/pictures",
        "MURALIST_STEPS": "",
        "MURALIST_STRENGTH": "0.6",
        "MURALIST_MODEL": "stabilityai/sd-turbo",
    }.items():
        monkeypatch.setenv(name, value)
    settings = load(None)
    assert settings.port == 0
    assert settings.handle == "painter"
    assert settings.log == "debug"
    assert settings.checks == ("words",)
    assert settings.database == ROOT / "elsewhere/m.db"
    assert settings.pictures == Path("/srv/pictures")
    assert settings.steps is None
    assert settings.strength == 0.6
    assert settings.model == "stabilityai/sd-turbo"


def test_a_model_folder_becomes_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MURALIST_MODEL", "generator/engines")
    assert load(None).model == str(ROOT / "generator/engines")


def test_the_env_file_is_read_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    file.write_text("MURALIST_PORT=1\nMURALIST_BATCH=2\nOTHER=x\n", encoding="utf-8")
    monkeypatch.setenv("MURALIST_PORT", "3")
    settings = load(file)
    assert (settings.port, settings.batch) == (3, 2)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PORT", "eighty", "whole number from 0 to 65535"),
        ("PORT", "65536", "to get 8080"),
        ("PLATFORMS", "sandbox,sandbx", "no bots/platforms/sandbx.py"),
        ("PLATFORMS", ",", "at least one"),
        ("ENGINE", "diffuser", "Did you mean diffusers?"),
        ("POLICIES", "weekly", "There is: age, burst, daily"),
        ("CHECKS", "../words", "There is: classifier"),
        ("HANDLE", "two words", "underscores"),
        ("MODEL", "./nowhere", "no folder"),
        ("MODEL", "a/b/c", "hub id"),
        ("DEVICE", "gpu", "auto, cpu, cuda or mps"),
        ("STRENGTH", "0", "above 0, at most 1"),
        ("STRENGTH", "nan", "above 0, at most 1"),
        ("GUIDANCE", "inf", "from 0 to 30"),
        ("STEPS", "2.5", "from 1 to 150"),
        ("LOG_FORMAT", "xml", "console or json"),
        ("HOST", "http://x", "without a port"),
    ],
)
def test_nonsense_is_refused_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    sentence = refusal(monkeypatch, **{f"MURALIST_{name}": value})
    assert sentence.startswith(f"MURALIST_{name} is “{value}”. ")
    assert told in sentence
    assert "\n" not in sentence
    assert "Change it in the environment or in .env" in sentence


def test_each_mistake_has_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = refusal(monkeypatch, MURALIST_PORT="x", MURALIST_BATCH="0").splitlines()
    assert [line.split()[0] for line in lines] == ["MURALIST_BATCH", "MURALIST_PORT"]


def test_unknown_variables_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "Did you mean MURALIST_PORT?" in refusal(monkeypatch, MURALIST_PROT="1")
    monkeypatch.delenv("MURALIST_PROT")
    file = tmp_path / ".env"
    file.write_text("MURALIST_ZZZ=1\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"no setting MURALIST_ZZZ\. Remove it"):
        load(file)


def test_an_unreadable_env_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"MURALIST_HANDLE=\xff\xfe\n")
    with pytest.raises(SettingsError, match="could not be read"):
        load(file)


def test_folders_are_read_without_importing_what_is_in_them() -> None:
    before = set(sys.modules)
    assert "diffusers" in files_in("generator/engines")
    assert "__init__" not in files_in("ratelimit/policies")
    assert set(sys.modules) == before


def test_every_setting_is_explained() -> None:
    lines = table().splitlines()
    assert len(lines) == 2 + len(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        assert field.description
        assert field.description.endswith(".")
        assert any(line.startswith(f"| `{variable(name)}` |") for line in lines)
    assert str(ROOT) not in table()
