"""Two clones in which the whole smoke experiment has run from nothing, one by each engine, and copies of them."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from filelock import FileLock

from workflow.clones import Build, build, copied, dvc, executed, snakemake

COMMANDS = {"snakemake": (snakemake, "--cores", "2"), "dvc": (dvc, "repro")}


@pytest.fixture(scope="session")
def built(tmp_path_factory, measured):
    """The two builds, by engine. Tests only read them: who runs a command there or edits takes a copy.

    The workers of pytest-xdist share them: the first that comes here builds both at once, since a run of smoke leaves
    half of two cores idle.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "clones"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            folder.mkdir()
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(lambda engine: run_from_nothing(folder, engine, measured), COMMANDS))
    outputs = {engine: folder / f"{engine}.log" for engine in COMMANDS}
    assert all(path.exists() for path in outputs.values()), "the clones could not be built: see the first error"
    return {engine: Build(folder / engine, executed(path.read_text())) for engine, path in outputs.items()}


def run_from_nothing(folder, engine, measured):
    """Build a clone and run everything; what the engine printed is written beside it when all went well."""
    run, *words = COMMANDS[engine]
    clone = build(folder / engine)
    clock = time.monotonic()
    output = run(clone, *words)
    measured(f"smoke from nothing, {' '.join((engine, *words))}, beside the other", time.monotonic() - clock)
    (folder / f"{engine}.log").write_text(output, encoding="utf-8")


@pytest.fixture
def clone(built, tmp_path):
    """A copy of the clone in which Snakemake has run everything, for one test."""
    return copied(built["snakemake"].folder, tmp_path / "clone")


@pytest.fixture
def dvc_clone(built, tmp_path):
    """A copy of the clone in which DVC has run everything, for one test."""
    return copied(built["dvc"].folder, tmp_path / "dvc_clone")


@pytest.fixture(scope="module")
def shared_clone(built, tmp_path_factory):
    """A copy of the clone in which Snakemake has run everything, for the tests of a module that leave it as it was."""
    return copied(built["snakemake"].folder, tmp_path_factory.mktemp("shared") / "clone")
