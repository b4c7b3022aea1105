# Every command of the project; `make` alone lists them. Paths are relative, so that the checkout may lie anywhere.

PYTHON ?= python3
# A PYTHON that was named is used or rejected. The usual one may be too old while another one is at hand.
ifeq ($(origin PYTHON),file)
OTHER_PYTHONS := python3.13 python3.12 python3.11
endif

# How many tests run at once on 2 cores: more than half of their time they wait, and those that wait longest do so in one
# process (`tests/parallel.py`). With many more those that measure time fail.
AT_ONCE ?= 3

# Without kept byte code each of the many processes compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE

RUN := .venv/bin/python
SETUP := .venv/.complete
PIP_INSTALL := $(RUN) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore
PYTEST_AT_ONCE := $(RUN) -m pytest -p tests.parallel -n $(AT_ONCE) --dist loadgroup --ignore tests/alone
LOCK := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --only-binary :all: --generate-hashes \
	--custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade)

GENERATED_CLIENTS := tests/acceptance/clients/generated

.DEFAULT_GOAL := help
.PHONY: help setup demo run test check coverage lint schema-check matrix image cutover-test api worker console migrate conformance clients pictures bench \
	faults soak lock format clean

help:
	@awk -F ': .*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(SETUP) ## create .venv with everything; the other commands do it when needed
	@:

demo: $(SETUP) ## generate a course from real documents, from nothing to nothing
	@exec $(RUN) -m stack.demo

run: $(SETUP) ## keep the whole service up, with curl lines and a link to the console
	@exec $(RUN) -m stack.run

test: $(SETUP) ## run the tests, without the slow ones, on real PostgreSQL and Redis
	@$(PYTEST_AT_ONCE) -m 'not slow and not clients'
	@$(RUN) -m pytest tests/alone -m 'not slow'

check: lint schema-check ## check format, lint, types, import rules and the schema, then run all tests: what CI runs
	@$(PYTEST_AT_ONCE) --hypothesis-profile thorough -m 'not clients'
	@$(RUN) -m pytest tests/alone

coverage: $(SETUP) ## run the tests of `make check` with what they cover: half as long again
	@$(RUN) -m coverage erase
	@$(subst -m pytest,-m coverage run -m pytest,$(PYTEST_AT_ONCE)) -m 'not clients'
	@# A process that a test killed leaves half a file. That needs no warning.
	@$(RUN) -W 'ignore:Data file' -m coverage report

lint: $(SETUP) ## check format, lint, types and import rules
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(RUN) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'

schema-check: $(SETUP)
	$(RUN) -m stack.schema_dump --check

matrix: $(SETUP) ## run unit and integration tests on each of PYTHONS="3.11 3.12 3.13" and POSTGRES="15 16 17 18"
	@exec $(RUN) -m stack.matrix --processes $(AT_ONCE) $(if $(PYTHONS),--python $(PYTHONS)) $(if $(POSTGRES),--postgres $(POSTGRES))

image: $(SETUP) ## build the image and generate a course with it; BASE=debootstrap makes the base image, too
	@exec $(RUN) -m stack.image $(if $(BASE),--base $(BASE)) $(if $(BUILD_OPTIONS),-- $(BUILD_OPTIONS))

cutover-test: $(SETUP) ## run docs/cutover.md and docs/rollback.md as they are written, under load
	@exec $(RUN) -m pytest tests/acceptance/cutover

api: $(SETUP) ## run the API in the foreground, configured by the environment
	@exec .venv/bin/coursegen api

worker: $(SETUP) ## run the workers in the foreground, configured by the environment
	@exec .venv/bin/coursegen worker

console: $(SETUP) ## run the operators' console in the foreground, configured by the environment
	@exec .venv/bin/coursegen console

migrate: $(SETUP) ## bring the database of DATABASE_URL up to date
	@exec .venv/bin/coursegen migrate

conformance: $(SETUP) ## hold a running service to its own description; API, TOKEN, COURSE_ID and SLUG as `make run` sets them
	@exec .venv/bin/st --config-file tests/conformance/schemathesis.toml run "$(API)/openapi.json"

clients: $(SETUP) ## generate, compile and use clients of four generators; test the examples, and proxies that compress
	@$(RUN) -m pytest tests/acceptance/clients

pictures: $(SETUP) ## take the console's pictures in docs/images anew
	@PICTURES=1 $(RUN) -m pytest -q tests/integration/console/browser/test_pictures.py

bench: $(SETUP) ## measure, and compare
	@exec $(RUN) -m bench

faults: $(SETUP) ## break everything with the shipped settings, and write what was measured into docs/reliability.md
	@FAULTS_SETTINGS=shipped $(RUN) -m pytest -p tests.faults.support.report --timeout 900 tests/faults

soak: $(SETUP) ## load the service and kill something of it every 20 s, for MINUTES=5; fails if anything is lost or left
	@exec $(RUN) -m stack.soak --minutes $(or $(MINUTES),5)

lock: $(SETUP) ## resolve the dependencies of pyproject.toml into the locks; UPGRADE=1 raises every version
	@$(LOCK) --group build pyproject.toml --output-file requirements.lock
	@$(LOCK) --group dev --constraint requirements.lock pyproject.toml --output-file requirements-dev.lock
	@$(LOCK) --group otel --constraint requirements-dev.lock --output-file requirements-otel.lock
	@$(LOCK) $(GENERATED_CLIENTS)/requirements.in --output-file $(GENERATED_CLIENTS)/requirements.lock

format: $(SETUP) ## format the code and fix what the linter can
	@$(RUN) -m ruff format .
	@$(RUN) -m ruff check --fix .

clean: ## remove .venv and every cache
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(SETUP): requirements-dev.lock requirements-otel.lock pyproject.toml
	@$(RUN) -m pip --version >/dev/null 2>&1 || { $(FIND_PYTHON); "$$found" -m venv --clear .venv; }
	@echo "Installing the dependencies into .venv"
	@$(PIP_INSTALL) --require-hashes --only-binary :all: -r requirements-dev.lock
	@rm -rf .venv/otel && $(PIP_INSTALL) --require-hashes --only-binary :all: --target .venv/otel -r requirements-otel.lock
	@$(PIP_INSTALL) --no-index --no-deps --no-build-isolation --editable .
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
