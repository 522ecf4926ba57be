# Each target works alone on a fresh clone with only Python 3.11 to 3.13, git and make.
.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup run ui test lint format benchmark compare daily growth clean

help: ## Show what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(READY) ## Create the environment from the hash-pinned lock

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else f"Python 3.11, 3.12 or 3.13 is needed, found {sys.version.split()[0]}: call make with PYTHON=/path/to/python3.11")'
	@echo "Creating the environment in $(VENV): about 160 packages, three to five minutes the first time."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --require-hashes \
		--no-deps --no-compile -r requirements.lock | awk '/^(Collecting|Downloading|Installing|Successfully)/ { if ($$1 == "Collecting") { n++; if (n % 20 == 0) print "  " n " packages found"; } else if ($$1 == "Installing") print "  installing all of them"; fflush() }'
	@echo "  compiling all of them"
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || echo "  some files were not compiled, which only costs time"
	@$(BIN)/python -m pip --disable-pip-version-check check
	@$(BIN)/python -c 'import dagster, dbt.version, duckdb, polars' || { echo "The environment is not whole: see the messages above, then run make setup again."; exit 1; }
	@touch $(READY)
	@echo "The environment is ready."

run: $(READY) ## Write the sample company into an empty home and refresh everything
	@$(BIN)/python -m orchestration.refresh --sample-when-empty

ui: $(READY) ## Open Dagster on loopback (READ_ONLY=1 refuses every change)
	@$(BIN)/python -m orchestration.ui $(if $(READ_ONLY),--read-only)

test: lint ## Set up, lint, and run all tests
	@$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(READY) ## Check style, types and SQL
	@echo "Checking Python style, types and SQL style."
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory --jobs 2 types sql

.PHONY: types sql
types: $(READY)
	@$(BIN)/mypy

sql: $(READY)
	@$(BIN)/python -m dbt_project.lint_sql lint --processes 2 dbt_project/models dbt_project/macros dbt_project/tests

format: $(READY) ## Rewrite Python and SQL in the house style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/python -m dbt_project.lint_sql fix --processes 2 dbt_project/models

benchmark: $(READY) ## Measure against hand-written floors, as ratios in one run
	@$(BIN)/python -m benchmarks.run

compare: $(READY) ## Answer the same questions in seven ways, and draw what they cost
	@$(BIN)/python -m benchmarks.side_by_side

daily: $(READY) ## Measure a day's refresh beside the build of everything, and compare with a rebuild
	@$(BIN)/python -m benchmarks.daily --check

growth: $(READY) ## Measure full builds and days at growing sizes
	@$(BIN)/python -m benchmarks.growth docs/benchmarks/growth.jsonl

clean: ## Remove the environment, caches, and ./data when it holds only the sample company
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis dbt_project/target dbt_project/logs logs
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@if [ ! -d data ]; then :; \
	elif [ ! -e data/.sample_company ]; then echo "data/ is kept: it does not hold the sample company."; \
	elif ls -d data/landing/*/* | grep -qv '/sample_[^/]*$$'; then echo "data/ is kept: more than the sample company was delivered to it."; \
	else rm -rf data; fi
