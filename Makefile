PYTHON ?= python3
BIN := .venv/bin
OLDEST := .venv-oldest

.DEFAULT_GOAL := all
.PHONY: all help dev demo lint format test oldest golden docs bench clean

all: lint test  ## lint and test

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/.made: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

dev: $(BIN)/.made  ## make .venv with tokman and what its development needs

demo: $(BIN)/.made  ## ingest sample_logs/ and show the report and the recommendations
	@rm -rf .tokman/demo
	@$(BIN)/tokman ingest sample_logs --ledger .tokman/demo || test $$? -eq 1  # two lines are torn
	@$(BIN)/tokman report --by workflow --ledger .tokman/demo
	@$(BIN)/tokman recommend --ledger .tokman/demo

lint: $(BIN)/.made  ## style, types, import levels, generated documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cog --check -I tests -r README.md

format: $(BIN)/.made  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: $(BIN)/.made  ## every test
	$(BIN)/pytest -n auto

$(OLDEST)/.made: pyproject.toml
	rm -rf $(OLDEST)
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet "uv>=0.9,<1"
	$(OLDEST)/bin/uv pip install --quiet --python $(OLDEST)/bin/python \
		--resolution lowest-direct --editable . --group dev
	@touch $@

oldest: $(OLDEST)/.made  ## all but the longest tests, with the oldest versions that pyproject.toml allows
	$(OLDEST)/bin/pytest -n auto -p no:cacheprovider -k "not killed and not neither_order"

golden: $(BIN)/.made  ## write the goldens anew; review their diff
	$(BIN)/pytest -n auto --update-golden

docs: $(BIN)/.made  ## write the generated parts of README.md anew
	$(BIN)/cog -I tests -r README.md

bench: $(BIN)/.made  ## speed and memory against named rivals, results checked
	$(BIN)/python -m tests.bench

clean:  ## remove .venv and what the tools leave behind
	rm -rf .venv .venv-oldest .bench .tokman dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
