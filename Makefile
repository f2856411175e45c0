# make run:  set up, train on the bundled prices, test, forecast; says where the picture is
# make test: set up, run the tests; make lint: style and types

PYTHON ?= python3
BIN := .venv/bin
FORECAST := configs/forecast/prices_lstm.yaml

.PHONY: run test test-slow lint bench clean

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/.installed-test: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
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
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[baselines]'
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

clean:
	rm -rf .venv runs build dist .mypy_cache .ruff_cache .pytest_cache
