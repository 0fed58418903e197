# The single door: `make` lists what there is.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:

VENV := .venv
BIN := $(VENV)/bin
hash = $(shell cat $(1) | cksum | tr ' ' '-')
INSTALLED := $(VENV)/installed-$(call hash,requirements.txt)
INSTALLED_DEV := $(VENV)/installed-dev-$(call hash,requirements.txt requirements-dask.txt requirements-dev.txt)
WORKERS ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# All that pip says goes to a file; a person at a terminal sees how far it is.
define pip_install
total=$$(cat $(1) | grep -cE '^[A-Za-z0-9]')
if [ -t 2 ]; then terminal=/dev/stderr; else terminal=/dev/null; fi
$(BIN)/python -m pip install --progress-bar off -r $(lastword $(1)) 2>&1 \
  | tee $(VENV)/pip.log \
  | awk -v total="$$total" '/^(Collecting|Processing|Ignoring|Requirement)/ { n++ } \
      /^Installing/ { unpacking = ", unpacking …" } \
      { printf "\r  %d of %d%s ", n, total, unpacking; fflush() } \
      END { print "" }' >"$$terminal" \
  || { grep '^ERROR' $(VENV)/pip.log | tail -n 3 | cut -c 1-300 >&2; exit 1; }
rm -f $(VENV)/installed-*
endef

.PHONY: help install install-dev contract demo test lint serve

help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

install: $(INSTALLED) ## Python packages of the product, into .venv

install-dev: $(INSTALLED_DEV) ## The same, with those for tests, lint and types

contract: $(INSTALLED_DEV) ## NVIDIA's own TensorRT bindings, for tests/contract
	@exec $(BIN)/python -m tests.contract.wheels

demo: $(INSTALLED) ## The demo factory: SEED=n, SERVE=0 to end after the ranking, RESET=1
	@exec $(BIN)/python manage.py demo $(if $(SEED),--seed $(SEED)) \
	  $(if $(filter 0 no false,$(SERVE)),--no-serve) $(if $(RESET),--reset) \
	  $(if $(PORT),--port $(PORT))

serve: $(INSTALLED) ## Everything that runs, on this machine: PORT=n
	@exec $(BIN)/python manage.py serve $(if $(PORT),--port $(PORT))

test: $(INSTALLED_DEV) ## All tests that can run here: PYTEST_ARGS="…", WORKERS=n
	@exec $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(PYTEST_ARGS)

lint: $(INSTALLED_DEV) ## Style, types, import contracts, migrations
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run

$(VENV)/python-found:
	@usable() {
	  "$$1" -c 'import sys, ensurepip, venv
	sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' >/dev/null 2>&1
	}
	found=
	for python in $${PYTHON:-} python3.12 python3.11 python3 python \
	    "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.1[12].*/bin/python; do
	  if usable "$$python"; then found=$$python; break; fi
	done
	if [ -z "$$found" ]; then
	  echo "No Python 3.11 or 3.12 with venv was found. Install one (Debian, Ubuntu:" >&2
	  echo "apt install python3.12-venv; or: pyenv install 3.12), or name it:" >&2
	  echo "make PYTHON=/path/to/python3.12 …" >&2
	  exit 1
	fi
	usable $(BIN)/python || "$$found" -m venv --clear $(VENV)
	touch $@

$(INSTALLED): $(VENV)/python-found
	@echo "Installing the packages of requirements.txt into $(VENV) …" >&2
	$(call pip_install,requirements.txt)
	touch $@

$(INSTALLED_DEV): $(VENV)/python-found
	@echo "Installing the packages of requirements-dev.txt into $(VENV) …" >&2
	$(call pip_install,requirements.txt requirements-dask.txt requirements-dev.txt)
	touch $@ $(INSTALLED)
