# Everything is done by `make install`, `make demo` and `make test`; each installs what it lacks.
# No target needs a terminal.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
NPM := npm --prefix server/web
PYTEST := $(BIN)/python -m pytest
# The project's own programs first; the Node wheel lies in .node where this machine has no Node.
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.node/bin:$(PATH)
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH
# Hundreds of processes start in a run; each would compile the project's modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install install-tests demo serve web test test-laws test-database test-clients checks lint format type \
	arch web-check e2e e2e-clients openapi bench campaign lock clean

help: ## What can be made
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1 \2/p' $(MAKEFILE_LIST) | awk '{printf "  %s %-14s", $$1, $$2; $$1 = $$2 = ""; print}'

install: ## Python, packages, PostGIS, Node and the web application, where they are missing
	@docker/install.sh

install-tests:
	@docker/install.sh --tests

demo: install ## Load the demo city and serve it until Ctrl-C
	@exec $(BIN)/onemap demo

serve: install ## Database, server and worker over .onemap, until Ctrl-C
	@exec $(BIN)/onemap up

web: install ## The same, with the web application reloading as it is edited
	@$(BIN)/onemap up & server=$$!; trap 'kill $$server; wait $$server' EXIT; $(NPM) run dev

test: install-tests ## Everything that must hold before a change is handed in
	@$(MAKE) -j2 -Otarget checks
	@$(MAKE) -j3 -Otarget test-laws test-database test-clients

# Three parts that take about as long, on two cores: tests wait for processes that end, and for beats.
# Of the integration tests each has some letters; the first part has whatever the others leave.
test-laws: install-tests
	@$(PYTEST) --ignore tests/e2e --ignore tests/integration/engines --ignore-glob 'tests/integration/test_[e-z]*.py'

test-database: install-tests
	@$(PYTEST) --ignore tests/integration/engines --ignore-glob 'tests/integration/test_[!e-r]*.py' tests/integration

test-clients: install-tests
	@$(PYTEST) --ignore-glob 'tests/integration/test_[!s-z]*.py' tests/e2e tests/integration

checks: lint type arch web-check

lint: | .venv ## Style of the Python code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: | .venv ## Put the Python code into its style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

type: | .venv ## Types of the Python code
	$(BIN)/mypy --strict

arch: | .venv ## Who may import whom
	$(BIN)/lint-imports

web-check: | .venv ## Types, tests and size of the web application
	$(NPM) run check
	$(NPM) run test
	$(NPM) run budget

e2e: install-tests ## The browser tests alone
	@$(PYTEST) tests/e2e

openapi: install ## Write openapi/onemap.openapi.json anew
	@$(BIN)/onemap openapi > openapi/onemap.openapi.json.new
	@mv openapi/onemap.openapi.json.new openapi/onemap.openapi.json

bench: install-tests ## Measurements, one row each; ROW=bbox_500 for one alone
	@$(PYTEST) -s -o python_files='bench_*.py' -o pythonpath=tests/benchmarks tests/benchmarks $(if $(ROW),-k '$(ROW)')

campaign: install-tests ## Property and contract tests at full length
	@$(PYTEST) -s --hypothesis-profile=campaign tests/property tests/conformance \
		tests/integration/test_schemathesis.py tests/integration/test_tile_edits.py \
		tests/integration/test_job_campaign.py

QGIS := /usr/bin/python3 -c 'import qgis.core' 2>/dev/null
e2e-clients: install-tests ## Real clients: GDAL, OWSLib, OpenLayers, and QGIS, which is installed where root runs it
	@$(QGIS) || { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends python3-qgis; }
	@$(PYTEST) tests/integration/test_clients.py tests/integration/test_clients_crs.py \
		tests/integration/test_tile_clients.py tests/e2e/test_openlayers_tilesets.py

COMPILE := $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-header --python-version 3.12
lock: | .venv ## Choose the newest versions of all packages anew
	$(COMPILE) --extra demo pyproject.toml --output-file requirements.lock
	$(COMPILE) --extra demo --group dev pyproject.toml --constraint requirements.lock --output-file requirements-dev.lock
	printf 'uv\neditables\n%s\n' "$$(sed -n 's/^requires = \["\(.*\)"\]/\1/p' pyproject.toml)" | \
		$(COMPILE) --no-annotate --constraint requirements-dev.lock - --output-file requirements-build.lock

.venv:
	@docker/install.sh

clean: ## Remove what was installed and built here; the data in .onemap stay
	rm -rf .venv .node .tools .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	rm -rf server/web/node_modules server/web/dist
