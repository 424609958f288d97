# Every target sets up what it needs in .venv, from requirements.lock, and works from a fresh clone.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/ready

.PHONY: demo test lint bench screenshots lock clean

demo: $(READY)          ## the console on an estate that comes up by itself
	$(BIN)/calmtui demo

test: $(READY)          ## all tests; what needs root or a missing backend is skipped, with its reason
	$(BIN)/pytest -n 2 --dist loadgroup $(ARGS)

lint: $(READY)          ## style, types, import contracts, dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pip check

bench: $(READY)         ## every benchmark, as JSON lines
	@for name in $$(ls bench | sed -n 's/\.py$$//p' | grep -v -e '^__' -e '^report$$'); do $(BIN)/python -m bench $$name || exit 1; done

screenshots: $(READY)   ## the pictures in screenshots/, from the real program on the demo estate
	$(BIN)/python screenshots/take.py

lock: $(READY)          ## resolve all dependencies anew, in one run
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile -q --upgrade pyproject.toml --extra dev --python-version 3.11 --no-emit-index-url --no-header -o requirements.lock

$(READY): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
