# Two commands matter: `make run` (a demo server) and `make test` (everything it promises).
# Each does its own set-up; a stamp in .venv makes the second time instant.
#
#   make run     serve the demo on ./var      HOST=… PORT=… DATA=… ARGS="…" are passed on
#   make quick   format, lint, types, import contracts, JavaScript, unit tests  (two minutes)
#   make test    quick + real Chromium and Firefox against the real server      (15 minutes)
#   make prove   the promised figures, and the two commands on a bare Debian      (long)
#   make bench   what a call costs the server      ARGS="--seconds 10 fanout-10"
#   make setup   everything that the above need
#   make clean   removes what the above made, but never ./var

SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: setup run quick test prove bench clean checks

BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH):/usr/sbin:/sbin
unexport PYTHONDONTWRITEBYTECODE  # set in many containers; each test process would compile anew

DATA ?= ./var
ARGS ?=
FLAGS := --data $(DATA) $(if $(HOST),--host $(HOST)) $(if $(PORT),--port $(PORT)) $(ARGS)

RUNTIME := .venv/.stamp-runtime
DEVELOP := .venv/.stamp-develop
BROWSERS := .venv/.stamp-browsers

setup: $(RUNTIME) $(DEVELOP) $(BROWSERS)

run: $(RUNTIME)
	exec $(BIN)/telemed-media serve --demo $(FLAGS)

quick: $(DEVELOP) checks
	HYPOTHESIS_PROFILE=quick pytest -n 2 -m "not e2e and not slow and not prove"

test: $(DEVELOP) $(BROWSERS) checks
	pytest -n 2 -m "not e2e and not prove"
	pytest -m "e2e and not prove"

prove: $(DEVELOP) $(BROWSERS)
	pytest -m prove
	HYPOTHESIS_PROFILE=prove SEED=$${SEED:-$$RANDOM$$RANDOM}; export HYPOTHESIS_PROFILE; \
	  echo "properties with --hypothesis-seed=$$SEED"; \
	  pytest -m "not e2e and not prove" --hypothesis-seed=$$SEED tests/sfu tests/signaling tests/clinic_api/scheduling
	python tests/prove/bare.py
	python -m bench --check

bench: $(DEVELOP)
	python -m bench $(ARGS)

checks: $(DEVELOP)
	ruff format --check .
	ruff check .
	mypy
	lint-imports
	npm run --silent check
	npm test --silent

clean:
	rm -rf .venv node_modules build dist *.egg-info tests/artifacts bench/results
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUNTIME): constraints.txt pyproject.toml tools/setup.sh
	tools/setup.sh runtime
	touch $@

$(DEVELOP): constraints.txt pyproject.toml tools/setup.sh $(wildcard package.json package-lock.json)
	tools/setup.sh develop
	touch $@ $(RUNTIME)

$(BROWSERS): tools/setup.sh
	mkdir -p .venv
	tools/setup.sh browsers
	touch $@
