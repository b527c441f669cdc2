# The commands of the README. Each does `setup` first where it is due.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# One more than there are cores: tests wait for processes, disks and clocks, too.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

.PHONY: setup demo test check format golden soak bench clean

setup: $(READY)

$(READY): requirements.lock pyproject.toml tests/clients/package-lock.json
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@if command -v npm >/dev/null; then npm ci --silent --no-audit --no-fund --prefix tests/clients; \
		else echo "npm isn't there: the tests with the Node client will be skipped"; fi
	@command -v chromium >/dev/null || echo "Chromium isn't there: the tests of pages in a browser will be skipped"
	touch $(READY)

demo: setup
	$(BIN)/storyboard render examples/keeper/storyboard.yaml

test: export PYTHONDONTWRITEBYTECODE = # its hundreds of processes would compile every module again
test: setup
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

golden: setup
	$(BIN)/storyboard schema > schemas/storyboard.schema.json
	$(BIN)/pytest -q --golden

soak: setup
	$(BIN)/pytest tests/soak
	LAWS=20 $(BIN)/pytest -n $(WORKERS) -m law

bench: setup
	$(BIN)/python tests/bench/bench.py

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
