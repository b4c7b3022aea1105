# Every command of the project; `make` alone lists them. Paths are relative, so that the checkout may lie anywhere.

PYTHON ?= python3
# A Python that was asked for is taken or refused; the usual one may be too old and another one at hand.
ifeq ($(origin PYTHON),file)
OTHER_PYTHONS := python3.13 python3.12 python3.11
endif

# How many tests run at once. Half of their time they wait; with many more than there are cores those that measure time fail.
AT_ONCE ?= 3

# Without kept byte code each of the many processes compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE

RUN := .venv/bin/python
SETUP := .venv/.complete

.DEFAULT_GOAL := help
.PHONY: help setup demo run test check api worker migrate conformance bench faults soak format clean

help:
	@awk -F ': .*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

setup: $(SETUP) ## create .venv with everything; the other commands do it when needed
	@:

demo: $(SETUP) ## generate a course from real documents, from nothing to nothing
	@exec $(RUN) -m stack.demo

run: $(SETUP) ## keep the whole service up, with tokens and curl lines to try it
	@exec $(RUN) -m stack.run

test: $(SETUP) ## run all tests on real PostgreSQL and Redis, with coverage
	@$(RUN) -m coverage erase
	@$(RUN) -m coverage run -m pytest -p tests.parallel -n $(AT_ONCE) --dist loadgroup -m 'not alone'
	@$(RUN) -m pytest -m alone
	@# Of all processes' files. One that a test killed leaves half of one: no reason for a warning.
	@$(RUN) -W 'ignore:Data file' -m coverage report

check: $(SETUP) ## check format, lint, types and import rules, then run the tests: what CI runs
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(RUN) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	$(RUN) -m stack.schema_dump --check
	@$(MAKE) --no-print-directory test

api: $(SETUP) ## run the API in the foreground, configured by the environment
	@exec $(RUN) -m app.server

worker: $(SETUP) ## run the workers in the foreground, configured by the environment
	@exec $(RUN) -m tasks.supervision.workers

migrate: $(SETUP) ## bring the database of DATABASE_URL up to date
	@exec $(RUN) -m flask --app wsgi migrate

conformance: $(SETUP) ## hold a running service to its own description; API, TOKEN, COURSE_ID and SLUG as `make run` prints them
	@exec .venv/bin/st --config-file tests/conformance/schemathesis.toml run "$(API)/openapi.json"

bench: $(SETUP) ## measure, and compare
	@exec $(RUN) -m bench

faults: $(SETUP) ## break everything with the shipped settings, and write what was measured into docs/reliability.md
	@FAULTS_SETTINGS=shipped $(RUN) -m pytest -p tests.faults.support.report --timeout 900 tests/faults

soak: $(SETUP) ## load the service and kill something of it every 20 s, for MINUTES=5; fails if anything is lost or left
	@exec $(RUN) -m stack.soak --minutes $(or $(MINUTES),5)

format: $(SETUP) ## format the code and mend what the linter can
	@$(RUN) -m ruff format .
	@$(RUN) -m ruff check --fix .

clean: ## remove .venv and every cache
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(SETUP): requirements.txt requirements-dev.txt
	@$(RUN) -m pip --version >/dev/null 2>&1 || { $(FIND_PYTHON); "$$found" -m venv --clear .venv; }
	@echo "Installing the dependencies into .venv"
	@$(RUN) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore -r requirements-dev.txt
	@touch $(SETUP)

define FIND_PYTHON
found=; lacking=; \
for python in "$(PYTHON)" $(OTHER_PYTHONS); do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || continue; \
	if "$$python" -c 'import ensurepip, venv' 2>/dev/null; then found=$$python; break; fi; \
	lacking=$$python; \
done; \
if [ -z "$$found" ]; then \
	if [ -n "$$lacking" ]; then \
		echo "$$lacking lacks the module venv (Debian and Ubuntu: apt install python3-venv)."; \
	else \
		echo "Python 3.11, 3.12 or 3.13 is needed, and $(PYTHON) is: $$("$(PYTHON)" --version 2>&1)."; \
		echo "Name another one: make setup PYTHON=/path/to/python3"; \
	fi >&2; \
	exit 1; \
fi
endef
