# The commands of this project; `make` alone lists them. Everything that a target needs, it makes first.

.DEFAULT_GOAL := help
SHELL := bash
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
# The first interpreter that runs and is new enough; name another with `make setup PYTHON=…`.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
# Further arguments of most targets: make test ARGS="tests/unit -k lookup".
ARGS ?=

.PHONY: help setup gen lock fmt check test test-faults test-faults-long test-model demo up bench bench-quick bench-long bench-scale eval clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv with the locked packages (needs Python 3.11 or later and pip); done when nothing changed
	@[ -n "$(PYTHON)" ] || { echo "No Python 3.11 or later found: install it, or run make setup PYTHON=/path/to/python3"; exit 1; } >&2
	@$(PYTHON) tools/environment.py

gen: setup ## write the gRPC code of clients/python from proto/
	@$(BIN)/python tools/protos.py

lock: setup ## lock what the two pyproject.toml ask for in requirements/ (ARGS=--upgrade for newer versions)
	@$(BIN)/python tools/locks.py $(ARGS)

fmt: setup ## format Python and proto, and mend what ruff can mend
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .
	@$(BIN)/buf format --write proto

check: setup ## format, lint, types, walls, contract, generated code, locks: all that needs no test
	@$(BIN)/python tools/check.py

test: setup ## run every test but those of faults and of the model, two at a time: real etcd, sandbox and gRPC
	@timeout --foreground --signal=INT --kill-after=30 840 $(BIN)/pytest -n 2 --dist worksteal --ignore=tests/model --ignore=tests/faults --durations=10 $(ARGS)

test-faults: setup ## kill, pause and cut what runs, by seeded schedules, and judge what was seen (ARGS="--seed 2")
	@timeout --foreground --signal=INT --kill-after=30 540 $(BIN)/pytest tests/faults --durations=5 $(ARGS)

test-faults-long: setup ## the same for hundreds of schedules (ARGS="--schedules 1000 --seed 3")
	@$(BIN)/pytest tests/faults --schedules 300 --durations=5 $(ARGS)

test-model: setup ## run the end-to-end scenario on the small real model, fetched the first time
	@$(BIN)/pytest tests/model --durations=10 $(ARGS)

demo: setup ## watch objects learn eight methods from a real model
	@$(BIN)/python -m demo $(ARGS)

up: setup ## run etcd, the model and the three services here until Ctrl-C
	@$(BIN)/batctl up $(ARGS)

bench: setup ## measure the hit path beside its peers, several rounds: a table, and build/bench.json
	@PYTHONPATH=tests $(BIN)/python -m bench $(ARGS)

bench-quick: setup ## the same within a minute, without peers (ARGS="--only durable-unary-64 --rounds 2")
	@PYTHONPATH=tests $(BIN)/python -m bench --quick $(ARGS)

bench-long: setup ## load the suite for half an hour: does memory or the database grow?
	@PYTHONPATH=tests $(BIN)/python -m bench --long 31 $(ARGS)

bench-scale: setup ## measure 100,000 objects beside 100: sends, lists, changes, memory, start-up (ARGS="--objects 10000")
	@PYTHONPATH=tests $(BIN)/python -m bench.scale $(ARGS)

eval: setup ## judge the methods that a model writes by hidden calls (ARGS="--url http://HOST:PORT --halves open --limit 5")
	@PYTHONPATH=tests $(BIN)/python -m eval $(ARGS)

clean: ## remove the environment, caches and everything built
	@rm -rf .venv build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
