# make run:  set up, train on the bundled prices, test, forecast; says where the picture is
# make test: set up, run the tests; make lint: style and types

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt
# What runs is compiled at its first import, a minute less than all of it; tests, which take a warning for an
# error, have everything compiled before, by all cores.
COMPILE := $(BIN)/python -W ignore -m compileall -qq -j 0 .venv/lib || true
FORECAST := configs/forecast/prices_lstm.yaml

.PHONY: run test test-slow lint bench clean

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(INSTALL) -e .
	touch $@

.venv/.installed-test: .venv/.installed
	$(INSTALL) -e '.[test]'
	$(COMPILE)
	touch $@

run: .venv/.installed
	$(BIN)/tsrnn fit --config $(FORECAST)
	$(BIN)/tsrnn test runs/latest
	$(BIN)/tsrnn forecast runs/latest --horizon 20 --levels 80 95

test: .venv/.installed-test
	$(BIN)/pytest -m "not slow" -n 2 --dist loadfile

lint: .venv/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test-slow: .venv/.installed-test
	$(BIN)/pytest -m slow

bench: .venv/.installed-test
	$(INSTALL) -e '.[baselines]'
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

clean:
	rm -rf .venv runs build dist .mypy_cache .ruff_cache .pytest_cache
