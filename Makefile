# `make run` starts Muralist, `make test` tests it; both install what they need.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test check doctor model eval-model clean

run: .venv/run.stamp
	$(BIN)/python -m bots

test: .venv/test.stamp
	$(BIN)/python -m pytest

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
