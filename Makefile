# Python of the environment that `make setup` makes, else the one that is active.
PYTHON := $(if $(wildcard .venv/bin/python),.venv/bin/python,python3)

.DEFAULT_GOAL := help
.PHONY: help setup check test bench

help:  ## Show these targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup:  ## Make .venv with layerwise (from this folder), its tests and its tools
	python3 -m venv .venv
	.venv/bin/pip install -c constraints.txt -e '.[test,develop]'

check:  ## Format, lint, types and the fast tests: before each commit
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m pyright --pythonpath "$$(command -v $(PYTHON))"
	$(PYTHON) -m pytest -m "not slow"

test:  ## All tests, as .ci/run and the README do
	$(PYTHON) -m pytest

bench:  ## Speed and memory, one script after the other
	@for script in benchmarks/*.py; do echo "== $$script"; $(PYTHON) $$script || exit 1; done
