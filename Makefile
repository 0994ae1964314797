# make install     the environment only, in .venv
# make quickstart  install, then run the main job on the embedded digits into runs/quickstart
# make test        install with the test tools, then check style, types, layers and run the default suite
# make test-slow   the tests that take minutes
# make docs        the documentation site, into build/site
# make smoke       the subset that is run on every supported Python
# PYTHON=python3.12 picks another interpreter; .venv is built again when it or pyproject.toml changed.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
KEY := $(shell { $(PYTHON) -c 'import sys; print(sys.version, sys.base_prefix)'; pwd; cat pyproject.toml; } | cksum | tr ' ' '-')
INSTALLED := $(VENV)/installed-$(KEY)
INSTALLED_TEST := $(VENV)/installed-test-$(KEY)

.PHONY: install quickstart test lint smoke test-slow docs clean
.DELETE_ON_ERROR:

install: $(INSTALLED)

$(INSTALLED):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
	  { echo "tfxfer needs Python 3.11, 3.12 or 3.13. Received: PYTHON=$(PYTHON). Run: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 2; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(INSTALLED_TEST): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --editable '.[all]'
	@touch $@

quickstart: $(INSTALLED)
	$(BIN)/tfxfer run configs/quickstart.yaml --out runs/quickstart --resume

lint: $(INSTALLED_TEST)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# One file's tests stay in one of two processes, so that they share what the file has trained.
test: lint
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --durations 15

smoke: $(INSTALLED_TEST)
	$(BIN)/python -m pytest -m smoke

test-slow: $(INSTALLED_TEST)
	$(BIN)/python -m pytest -m slow

docs: $(INSTALLED_TEST)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) dist build
