PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/bash
# Tests start hundreds of processes, and each would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE
.SHELLFLAGS := -o pipefail -c

# Tests that run whole sweeps, scripts and gangs, with Ray and without. One Ray is shared by those that come last, until the end.
RAY_TESTS := tests/benchmarks tests/sweeps/cli/test_run_command.py tests/sweeps/cli/test_executor_option.py \
    tests/sweeps/run/test_script_example.py tests/test_end_to_end.py tests/sweeps/run/test_lost_ray.py tests/test_disturbed.py \
    tests/cluster/executors/test_executors.py tests/cluster/executors/test_new_stage.py
GANG_TESTS := tests/docs/test_contributing.py tests/sweeps/submission \
    $(filter-out $(RAY_TESTS),$(wildcard tests/cluster/executors/test_script_*.py tests/sweeps/run/test_script_*.py))

.PHONY: install demo docs reference pictures test test-lint test-ray test-gangs test-sweeps test-rest lint fuzz bench \
    bench-gpu bench-statistics chaos team load

# Each time: a .venv that is whole and up to date takes a tenth of a second, and one that is broken is made anew.
install:
	@.ci/install $(PYTHON)

demo: install
	$(BIN)/golfsweep demo

# The parts of the pages that are made from the code: the reference of the sweep file, the help text of each command, and schemas.
reference: install
	$(BIN)/python -m docs.generate

# The pages as HTML in build/docs/, with every link inside the project checked.
docs: install
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --conf-dir docs . build/docs
	@echo build/docs/docs/index.html

# The pictures of the README and the pages, of the demo's sweep as it was run here (make demo).
pictures: install
	$(BIN)/python -m docs.generate.pictures

# Four parts, three of them at a time: lint and the tests that start gangs, and those that start Ray, which both wait half of
# their time (one Ray on a machine is enough), those of the sweeps, and all other tests. Each line names its part as soon as it
# is printed. What fails in a part is run once more, alone: a machine that does other work, too, can be late. What fails twice
# fails the target, after the other parts have ended. The last lines name all that failed, whatever else was printed after it.
test: install
	@mkdir -p build && rm -f build/test-*.log
	@$(MAKE) --no-print-directory --jobs=3 --keep-going test-ray test-gangs test-sweeps test-rest; code=$$?; \
	    for log in build/test-*.log; do echo "$$log: $$($(ENDED) $$log | tail -n 1)"; done; \
	    [ $$code != 0 ] || note='passed when run once more: '; \
	    $(FAILURES) build/test-*.log | awk '!seen[$$0]++' | cut -c -200 | tail -n 40 | sed "s/^/$$note/"; exit $$code

NAMED = tee build/$@.log | while IFS= read -r line; do printf '%-6s | %s\n' $(@:test-%=%) "$$line"; done
# How pytest or the last of the linters ended, and what they say of each failure.
ENDED = grep -aE '^=+ .* in [0-9.]+s|^Contracts:|: error:| Error [0-9]'
FAILURES = grep -ahE '^(FAILED|ERROR) |: error:| BROKEN$$'
PYTEST = $(BIN)/python -u -m pytest -o cache_dir=build/$@
TWICE = { $(PYTEST) $(1) || { echo "Once more, what failed:"; $(PYTEST) --last-failed --last-failed-no-failures none $(1); }; } \
    2>&1 | $(NAMED)

test-lint: install
	@mkdir -p build
	@$(MAKE) --no-print-directory lint 2>&1 | $(NAMED)

# These few tests take minutes: a line for each.
test-gangs: test-lint
	@$(call TWICE,-v $(GANG_TESTS))

test-ray: install
	@mkdir -p build
	@$(call TWICE,-v $(RAY_TESTS))

# A line for each file.
test-sweeps: install
	@mkdir -p build
	@$(call TWICE,tests/sweeps $(addprefix --ignore=,$(GANG_TESTS) $(RAY_TESTS)))

test-rest: install
	@mkdir -p build
	@$(call TWICE,--ignore=tests/sweeps $(addprefix --ignore=,$(GANG_TESTS) $(RAY_TESTS)))

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Hostile files of every kind, 10 minutes each (FUZZ_SECONDS for another time); each failure names the attempt to replay.
fuzz: install
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-600} $(BIN)/python -u -m pytest -v --timeout=0 tests/fuzz

# What this machine makes of the work and of forecasts (into the tables of docs/performance.md), of scheduling and of a large
# leaderboard.
bench: install
	$(BIN)/python -m benchmarks.performance
	$(BIN)/python -m benchmarks.policy
	$(BIN)/python -m benchmarks.fill
	$(BIN)/python -m benchmarks.forecast

# False claims and power of the tests across seeds, and of agents that follow `next`, by simulation, in about five minutes.
bench-statistics: install
	$(BIN)/python -m benchmarks.statistics
	$(BIN)/python -m benchmarks.greedy_agent

# What one GPU makes of the contest's sizes, in less than ten minutes; without a GPU a toy.
bench-gpu: install
	$(BIN)/python -m benchmarks.gpu --json bench-gpu.json

# Two people with browsers and an agent on one service, which is killed twice; a few minutes.
team: install
	$(BIN)/python -m benchmarks.team

# 50 readers and 50 followers of a service with 200 sweeps and 100,000 jobs, and 20 updates a second, for ten minutes.
load: install
	$(BIN)/python -m benchmarks.load

# Kills processes, nodes, parts of Ray and the database, loses contents, fills the disk and steps the clock at random, and compares
# what comes out; about an hour.
chaos: install
	$(BIN)/python -m benchmarks.chaos --faults 100
