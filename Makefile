# `make run` starts Muralist, `make test` tests it; both install what they need.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test soak-x soak-discord bench-promises bench-desk fuzz-words check doctor model eval-model bench-limits clean

run: .venv/run.stamp
	$(BIN)/python -m bots

test: .venv/test.stamp
	$(BIN)/python -m pytest -n auto --dist worksteal

# What a release is judged by on X: 1,000 mentions, 60 kills, bad weather (about ten minutes).
soak-x: .venv/test.stamp
	X_MENTIONS=1000 X_KILLS=60 $(BIN)/python -m pytest -s tests/test_x.py -k weather

# The same on Discord: every boundary, 200 jobs killed at each moment, 1,000 interactions at
# once, 500 deliveries into narrow buckets, 5,000 jobs (half an hour).
soak-discord: .venv/test.stamp
	DISCORD_STRIDE=1 DISCORD_JOBS=200 DISCORD_TOKENS=200 DISCORD_TOKEN_SECONDS=8 \
	DISCORD_DELIVERIES=500 DISCORD_SOAK=5000 DISCORD_BURST=1000 DISCORD_PROMPT=1 \
	$(BIN)/python -m pytest -s tests/test_discord.py tests/test_discord_process.py

# What is promised in seconds (the loop's lag, a moderator's word, an idle queue), on a machine
# with nothing else to do: the suite runs the same tests and only writes the figures down.
bench-promises: .venv/test.stamp
	QUIET=1 $(BIN)/python -m pytest -s tests/test_process.py tests/test_x_process.py \
	tests/test_moderation_process.py tests/test_moderation_browser.py -k 'two_hundred or idle or word_decides or two_keys'

# The moderators' desk over a million wishes (WISHES=…): every list, filter, search and page.
bench-desk: .venv/test.stamp
	$(BIN)/python -m tests.moderation.bench_desk $(or $(WISHES),1000000)

# 100,000 odd texts through the word checks (two minutes).
fuzz-words: .venv/test.stamp
	FUZZ=100000 $(BIN)/python -m pytest -q tests/moderation/test_words.py -k raises

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
	$(BIN)/python -m generator.training.photographs
	$(BIN)/python -m generator.training.evaluate

# The limiter and the line beside their rivals, in one run (10 to 15 minutes; QUICK=1 for one).
bench-limits: .venv/bench.stamp
	$(BIN)/python -m tests.bench.limits $(if $(QUICK),--quick)

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

.venv/bench.stamp: pyproject.toml | .venv/pyvenv.cfg
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	touch $@
