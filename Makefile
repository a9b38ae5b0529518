# One line each: `make help`.
PYTHON ?= python3
# Of the machine: nproc would obey OMP's variables, which jobs set for themselves.
CORES ?= $(shell env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc 2>/dev/null || sysctl -n hw.ncpu)
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

# A file of tests runs in one process, so that its tests share their fixtures; the engines' builds come first.
# A process that crashes ends the run: waiting for the tests of its replacement can last for ever.
PYTEST := python -m pytest -n $(CORES) --dist loadfile --no-loadscope-reorder --max-worker-restart 0
MARKS := not long

.DEFAULT_GOAL := help
# EXPERIMENT=, MACHINE= and ARGS= say more: make plan EXPERIMENT=ilsvrc2014 MACHINE=epyc-2core ARGS='--cores 64'
.PHONY: help env demo plan unit test check docs fuzz faults slurm-test agreement ui sync restore pull verify lock format

help: ## this list
	@grep -hE '^[a-z./-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 24

env: .venv/ready ## build .venv from requirements.lock (Python 3.11 to 3.13)

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else f"error: Python {v[0]}.{v[1]}; needs 3.11 to 3.13: make PYTHON=python3.12 ...")'
	@# An environment without pip is one whose making was interrupted.
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@# uv, from the lock like all else, installs three times as fast as pip; where it cannot reach an index, pip does it.
	awk '/^uv==/{p=1} p{print} p&&!/\\$$/{exit}' requirements.lock > .venv/uv.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	touch $@

demo: env ## everything from nothing to a report: as cloned, with the embedded data
	snakemake --cores $(CORES)
	@python -c 'from pathlib import Path; from googlenet.pipeline.experiment import current; print("The report: results", current(Path.cwd()).name, "make_report/report.html", sep="/")'

plan: env ## before a run: disk, memory, passes and hours of every stage on this machine (EXPERIMENT=, MACHINE=, ARGS=)
	googlenet plan $(if $(EXPERIMENT),--experiment $(EXPERIMENT)) $(if $(MACHINE),--machine $(MACHINE)) $(ARGS)

unit: env ## the fast tests that run no engine, on all cores
	$(PYTEST) -m "not engine and not long"

test: env ## those, and the smoke experiment from nothing under both engines (all tests: MARKS=)
	$(PYTEST) -m "$(MARKS)"

check: env ## ruff, snakefmt, mypy, and whether dvc.yaml and docs/configuration.md are fresh
	ruff check .
	ruff format --check .
	snakefmt --check workflow
	mypy
	python workflow/dvc_stages.py check
	googlenet settings check

format: env ## let ruff and snakefmt format
	ruff check --fix .
	ruff format .
	snakefmt workflow

fuzz: env ## ten thousand changed inputs of all formats that are read: none may crash, hang or start anything (SEED=1: others)
	python -m pytest tests/fuzz --fuzz=280 --fuzz-seed=$(or $(SEED),0)

faults: env ## kill the smoke experiment at 20 moments and once in every stage: it must end in the same bits
	python -m pytest tests/workflow/test_faults.py --faults=20

slurm-test: env ## smoke on a real Slurm with two simulated nodes, and on a stand-in for Kubernetes: whole, and with jobs that end early (root; may install Debian's packages)
	python -m pytest tests/workflow/test_slurm.py tests/workflow/test_kubernetes.py --slurm=whole -rs

agreement: env ## every edit of the table under both engines; writes docs/agreement.md (AFTER='an edit': continue after it)
	python -m pytest tests/workflow/test_agreement.py --agreement $(if $(AFTER),--after "$(AFTER)")

ui: env ## MLflow's pages, on this machine alone or those of your server; prints their addresses
	@python workflow/compare.py
	case "$$MLFLOW_TRACKING_URI" in http*) exit;; esac; \
		MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false mlflow ui --host 127.0.0.1 --workers 1 \
		--backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///$$PWD/mlflow/mlflow.db}"

docs: env ## the documentation as a site, in build/docs; warnings are errors
	python -m sphinx -W --keep-going -q -d build/doctrees -c docs . build/docs
	@echo "The site: build/docs/index.html"

dvc.yaml: env ## write dvc.yaml from the Snakefile
	python workflow/dvc_stages.py write
.PHONY: dvc.yaml

docs/configuration.md: env ## write the reference of settings from their schema
	googlenet settings write
.PHONY: docs/configuration.md

sync: env ## record the present results in DVC, if Snakemake has nothing to do
	python workflow/sync.py commit

restore: env ## after git checkout: bring back the results that dvc.lock names
	python workflow/sync.py restore

pull: env ## after git clone: dvc pull, then restore
	dvc pull || { echo 'error: not all came; `make verify WHAT=--remote` names what is missing or damaged' >&2; exit 1; }
	python workflow/sync.py restore

verify: env ## is every file of DVC's cache sound? WHAT="--remote --repair": the remote's too, and repair
	python workflow/verify.py $(WHAT)

lock: env ## renew requirements.lock (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--extra dev --extra docs --extra export pyproject.toml -o requirements.lock
