# Everything runs in .venv, which is made on first use and brought up to date when pyproject.toml
# or constraints.txt changes. Extra flags: make predict ARGS="--format json"

.DEFAULT_GOAL := help
SHELL := /bin/sh

# The first of these that runs, is new enough and can make an environment is used.
PYTHONS ?= python3.13 python3.12 python3.11 python3
USERS ?= 1000
ARGS ?=

BIN := .venv/bin
# An editable install remembers where the checkout is, so the stamps do too: a checkout that has
# moved is installed again.
PLACE := $(shell pwd -P | cksum | tr ' ' '-')
INSTALLED := .venv/.installed-$(PLACE)
INSTALLED_TEST := .venv/.installed-test-$(PLACE)
INSTALLED_BENCHMARK := .venv/.installed-benchmark-$(PLACE)
PIP_INSTALL := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help predict sweep calibrate benchmark test lint typecheck clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

predict: $(INSTALLED) ## predict the stack at USERS (1000) users
	@$(BIN)/capsim predict --users $(USERS) $(ARGS)

sweep: $(INSTALLED) ## sweep the size of the database pool
	@$(BIN)/capsim sweep pool-size $(ARGS)

calibrate: $(INSTALLED) ## fit the model to the observed load tests
	@$(BIN)/capsim calibrate $(ARGS)

benchmark: $(INSTALLED_BENCHMARK) ## measure speed beside its goals: engines, peers, start, growth
	@$(BIN)/python benchmarks/report.py $(ARGS)

test: lint typecheck ## run the linter, the type checker and all tests
	@$(BIN)/python -m pytest -n 2 $(ARGS)

lint: $(INSTALLED_TEST) ## check style and formatting with ruff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

typecheck: $(INSTALLED_TEST) ## check types with mypy
	@$(BIN)/python -m mypy

clean: ## remove the environment, caches and build results
	@rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml constraints.txt $(BIN)/python
	@echo "Installing capsim into .venv ..." >&2
	@$(PIP_INSTALL) --editable '.[fast]' 2>/dev/null \
	    || { echo "numba cannot be installed here: capsim runs without its fast engine" >&2; \
	         $(PIP_INSTALL) --editable .; }
	@touch $@

# After $(INSTALLED), so that a parallel make never runs two installations at once.
$(INSTALLED_TEST): $(INSTALLED)
	@echo "Installing the tools for the tests into .venv ..." >&2
	@$(PIP_INSTALL) --editable '.[notebook,test]'
	@touch $@

$(INSTALLED_BENCHMARK): $(INSTALLED)
	@echo "Installing what capsim is measured against into .venv ..." >&2
	@$(PIP_INSTALL) --editable '.[fast,benchmark]' \
	    || echo "some cannot be installed here: the report says which are missing" >&2
	@touch $@

# An environment that is half made, or whose Python has gone, is made again.
ifneq ($(shell test -x $(BIN)/python && test -x $(BIN)/pip && echo whole),whole)
.PHONY: $(BIN)/python
endif
$(BIN)/python:
	@found=; \
	for python in $(PYTHONS); do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
	    found=$$python; \
	    "$$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || continue; \
	    rm -rf .venv; \
	    "$$python" -m venv .venv && exit 0; \
	    rm -rf .venv; \
	    exit 1; \
	done; \
	if [ -n "$$found" ]; then \
	    echo "capsim: $$found cannot make a virtual environment: install its venv module (Debian, Ubuntu: apt install python3-venv)" >&2; \
	else \
	    echo "capsim: Python 3.11 or newer is needed, and none of these is: $(PYTHONS)" >&2; \
	fi; \
	exit 1
