# `make run` starts Muralist, `make test` tests it; both install what they need.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test soak-x check doctor model eval-model clean

run: .venv/run.stamp
	$(BIN)/python -m bots

test: .venv/test.stamp
	$(BIN)/python -m pytest

# What a release is judged by on X: 1,000 mentions, 60 kills, bad weather (15 to 20 minutes).
soak-x: .venv/test.stamp
	X_MENTIONS=1000 X_KILLS=60 $(BIN)/python -m pytest -s tests/test_x.py -k weather

check: .venv/check.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(MAKE) test

doctor: .venv/run.stamp
	$(BIN)/python -m bots doctor

# The embedded model, from its data to its folder (hours on a CPU; resumes).
model: .venv/train.stamp
	$(BIN)/python -m generator.training

eval-model: .venv/train.stamp
	$(BIN)/python -m generator.training.data
	$(BIN)/python -m generator.training.evaluate

clean:
	rm -rf .venv

.venv/pyvenv.cfg:
	$(PYTHON) -m venv .venv

.venv/run.stamp: pyproject.toml | .venv/pyvenv.cfg
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/test.stamp: pyproject.toml | .venv/pyvenv.cfg
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

.venv/check.stamp: pyproject.toml | .venv/pyvenv.cfg
	$(BIN)/python -m pip install --quiet --editable '.[test,check]'
	touch $@

.venv/train.stamp: pyproject.toml | .venv/pyvenv.cfg
	$(BIN)/python -m pip install --quiet --editable '.[train]'
	touch $@
