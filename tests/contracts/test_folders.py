"""Every file in an extension folder keeps its folder's contract."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

from data import ledger
from data.words import Admit, Ask, Prompt, Refuse, Stage, Tier, Usage, Verdict
from generator.engine import EngineSettings, open_engine
from moderation.check import CheckSettings, Subject
from tests.conftest import NOON, an_account

ROOT = Path(__file__).parent.parent.parent


def names(folder: str) -> list[str]:
    return sorted(path.stem for path in (ROOT / folder).glob("[a-z]*.py"))


@pytest.mark.parametrize("name", names("ratelimit/policies"))
def test_a_policy_is_pure_and_answers_every_tier(name: str) -> None:
    decide = importlib.import_module(f"ratelimit.policies.{name}").decide
    usage = Usage(day=ledger.day_of(NOON), reserved=0, settled=0)
    for tier in Tier:
        ask = Ask(account=an_account(), tier=tier, units=1)
        assert isinstance(decide(ask, usage, NOON), Admit | Refuse)
        assert decide(ask, usage, NOON) == decide(ask, usage, NOON)


@pytest.mark.parametrize("name", names("moderation/checks"))
def test_a_check_has_a_stage_and_rules_on_a_harmless_wish(name: str) -> None:
    module = importlib.import_module(f"moderation.checks.{name}")
    assert set(module.STAGES) <= set(Stage)
    look = module.open(CheckSettings())
    if Stage.PROMPT in module.STAGES:
        assert isinstance(look(Subject(prompt=Prompt(wish="a red fox"))), Verdict)


@pytest.mark.parametrize("name", names("bots/platforms"))
def test_a_platform_can_be_opened_by_its_files_name(name: str) -> None:
    module = importlib.import_module(f"bots.platforms.{name}")
    assert list(inspect.signature(module.open).parameters) == ["house"]


@pytest.mark.parametrize("name", names("generator/engines"))
def test_an_engine_can_be_opened_without_loading_anything(name: str) -> None:
    engine = open_engine(name, EngineSettings(model="nowhere"))
    assert engine.name.startswith(name)


@pytest.mark.parametrize(
    "folder",
    ["ratelimit/policies", "moderation/checks", "bots/platforms", "generator/engines"],
)
def test_each_folder_holds_something_and_its_recipe(folder: str) -> None:
    assert names(folder)
    recipe = (ROOT / folder / "__init__.py").read_text(encoding="utf-8")
    assert "To add one" in recipe
