# One command runs the app, one passes the tests; each does all its own set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test fuzz check bench dist format clean

run: $(VENV)/.desktop assets  ## Set everything up and open the window; without a display, serve and say where
	@tools/run

test: $(VENV)/.dev $(VENV)/.desktop assets  ## Set everything up, real clients and browser included, and run all tests
	@tools/system_packages test
	$(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile

fuzz: $(VENV)/.dev assets  ## Hunt for packages that break a reader and requests that break the API, for as long as it takes
	$(BIN)/python -m pytest tests/api/v1/test_against_document.py --hypothesis-profile=hunt --timeout=0
	$(BIN)/python -m pytest tests/plugin_contract/test_mutations.py --hypothesis-profile=hunt --timeout=0

check: $(VENV)/.dev  ## Lint, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev assets  ## Measure against floors of the same run
	$(BIN)/python -m tests.bench

dist: $(VENV)/.dev assets  ## Build wheel and sdist into dist/
	$(BIN)/python -m build

format: $(VENV)/.dev  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: assets
assets: $(VENV)/.base
	@$(BIN)/python -m tools.fetch_assets

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.desktop: pyproject.toml | $(VENV)/.base
	@tools/system_packages window
	$(BIN)/python -m pip install --quiet --editable '.[desktop]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/.base
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

clean:  ## Remove everything that set-up made
	rm -rf $(VENV) .cache static/vendor dist
