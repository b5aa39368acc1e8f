# Every target sets up what it needs; a second run needs no network.
# The Python of the machine, found before .venv comes first on PATH.
PYTHON := $(or $(PYTHON),$(shell command -v python3))
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export UV_COMPILE_BYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo airflow test quick test-long check docs lock clean compose-env test-compose

help: ## Show the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: ## Install the locked environment, Java and the Delta JARs
	@$(PYTHON) scripts/bootstrap.py

setup-dev:
	@$(PYTHON) scripts/bootstrap.py --dev

demo: setup ## Run a night of MovieLens 100K through Airflow and show its recommendations
	@$(PYTHON) scripts/fetch_demo_data.py
	@exec $(BIN)/nightjar demo

airflow: setup ## Serve the Airflow web UI with the nightly DAGs
	@exec $(BIN)/nightjar airflow

test: check ## Lint, types, import boundaries, documents and the whole test suite
	@$(BIN)/python -m pytest -m "not long and not compose" -n 2 --dist loadgroup

quick: check ## The checks, and the tests that need neither Spark nor Airflow: two minutes, for every step
	@$(BIN)/python -m pytest -m "not spark and not airflow and not long and not compose" -n 2 --dist loadgroup

test-long: setup-dev ## The tests that take minutes
	@$(BIN)/python -m pytest -m long

check: setup-dev ## Lint, types, import boundaries, lock file, reference pages
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check -q .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python scripts/check_lock.py
	@$(BIN)/nightjar docs --check

compose-env: ## Check the container engine, and write .env with generated secrets for `docker compose up`
	@$(PYTHON) scripts/compose_env.py

test-compose: setup-dev ## Nights in containers, each restarted in the middle of one: takes most of an hour
	@$(BIN)/python -m pytest -m compose tests/compose

docs: setup-dev ## Write the reference pages and the domain schema from the code
	@$(BIN)/nightjar docs

lock: ## Write uv.lock again, from the public index only
	@env -u UV_DEFAULT_INDEX -u UV_INDEX -u UV_INDEX_URL uv lock
	@$(PYTHON) scripts/check_lock.py

clean: ## Remove the environment and everything written
	@rm -rf .venv .tools .nightjar
