PYTHON ?= python3
BIN := .venv/bin

GANG_TESTS := tests/test_end_to_end.py tests/cluster/executors/test_executors.py

.PHONY: install demo test test-gangs test-rest lint bench chaos

install: .venv/installed

# torch comes first and pinned: an unpinned one would bring gigabytes of CUDA packages to a machine without a GPU.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: install
	$(BIN)/golfsweep run examples/demo.toml

# Side by side: what starts Ray and gangs waits half of its time, and one Ray on a machine is enough.
test: install lint
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target test-gangs test-rest

test-gangs: install
	$(BIN)/python -m pytest $(GANG_TESTS)

test-rest: install
	$(BIN)/python -m pytest $(addprefix --ignore=,$(GANG_TESTS))

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What this machine makes of the work (into the README's table), of scheduling and of a large leaderboard.
bench: install
	$(BIN)/python -m benchmarks.readme
	$(BIN)/python -m benchmarks.policy
	$(BIN)/python -m benchmarks.fill

# Kills drivers, workers, gangs, nodes and the database at random, and compares what comes out; about an hour.
chaos: install
	$(BIN)/python -m benchmarks.chaos --kills 50 --nodes 2 --postgresql
