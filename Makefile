# Everything is made from here; `make` alone says what there is.
PYTHON ?= python3
BROKER ?= valkey
DATA ?= .demo
KEEP ?=
SAGAS ?= 1000
bin := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo test quick faults check dev up bench bench-peers explore lock clean

help: ## say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12
	@echo "variables   PYTHON=$(PYTHON)  BROKER=valkey|redis|rabbitmq|none  KEEP=1 leaves the demo up  DATA=$(DATA)"

demo: .venv/ready-run ## start everything, submit orders that meet every path, show what came of them
	$(bin)/concerto demo --broker $(BROKER) --data $(DATA) $(if $(KEEP),--keep)

test: .venv/ready-dev ## run every test (some at a time, those of a whole stack one by one)
	$(bin)/python -m pytest -q -n 4 --dist loadfile --ignore tests/browser --ignore tests/system --durations=10
	$(bin)/python -m pytest -q tests/browser --durations=10
	$(bin)/python -m pytest -q tests/system --durations=20

quick: .venv/ready-dev ## run the tests that need nothing but Python
	$(bin)/python -m pytest -q tests/core tests/stories tests/messages tests/deploy tests/docs \
		tests/test_tidy.py

faults: .venv/ready-dev ## kill every process once during 1,000 orders; 20 last units for 100 each
	CONCERTO_FAULT_ORDERS=1000 CONCERTO_LAST_UNITS=20 $(bin)/python -m pytest -v \
		tests/system/test_faults.py tests/system/test_last_unit.py

check: .venv/ready-dev ## ruff, mypy, import rules, dependencies
	$(bin)/ruff check --no-cache
	$(bin)/ruff format --check
	$(bin)/mypy
	$(bin)/lint-imports --no-cache
	$(bin)/deptry . --no-ansi

bench: .venv/ready-dev ## measure sagas a second, latency and processor time beside plain Celery
	$(bin)/concerto bench --broker $(BROKER)

explore: .venv/ready-run ## walk the whole state space of every saga
	$(bin)/concerto explore

up: .venv/ready-run ## start the embedded stack in the foreground
	$(bin)/concerto up --broker $(BROKER)

dev: .venv/ready-dev ## start the stack, and again whenever the code changes
	$(bin)/python -m deploy.local.reload

lock: .venv/bin/uv ## lock the requirements anew, with hashes
	echo uv | $(lock) - -o requirements/uv.txt
	$(lock) --extra build --extra tracing pyproject.toml -o requirements/run.txt
	$(lock) --extra build --extra dev --extra files --extra tracing pyproject.toml -o requirements/dev.txt

bench-peers: .venv/ready-run ## measure five trivial steps on other systems beside ours
	$(bin)/python -m deploy.bench.peers --sagas $(SAGAS)

clean: ## remove the environment and the demo's data
	rm -rf .venv .bootstrap $(DATA)

lock := $(bin)/uv pip compile --system-certs --universal --generate-hashes --no-header --no-annotate \
	--python-version 3.11 --quiet --upgrade
install := $(bin)/uv pip install --system-certs --python $(bin)/python --compile-bytecode --quiet

# A Python without ensurepip (Debian splits it off) takes virtualenv from PyPI instead.
.venv/bin/python:
	@echo "making the environment with $(PYTHON) …"
	@$(PYTHON) -m venv .venv >/dev/null 2>&1 || { rm -rf .venv; \
		$(PYTHON) -m pip install --quiet --target .bootstrap virtualenv && \
		PYTHONPATH=.bootstrap $(PYTHON) -m virtualenv --quiet .venv; }

.venv/bin/uv: .venv/bin/python requirements/uv.txt
	@$(bin)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements/uv.txt
	@touch $@

.venv/ready-run: .venv/bin/uv requirements/run.txt pyproject.toml
	@echo "installing what it needs …"
	@$(install) --require-hashes -r requirements/run.txt
	@$(install) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/ready-dev: .venv/ready-run requirements/dev.txt
	@$(install) --require-hashes -r requirements/dev.txt
	@touch $@
