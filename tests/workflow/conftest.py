"""Clones in which an engine has run the whole smoke experiment from nothing, and copies of them for tests to edit."""

import os
import time

import pytest
from filelock import FileLock

from workflow.clones import Build, build, copied, dvc, executed, snakemake

COMMANDS = {"snakemake": (snakemake, "--cores", "2"), "dvc": (dvc, "repro")}


@pytest.fixture(scope="session")
def built(tmp_path_factory, measured):
    """Call it with an engine: a clone in which it has run everything. The workers of pytest-xdist share the clones.

    Tests only read there: one that edits or runs a command takes a copy.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "clones"
    folder.mkdir(exist_ok=True)

    def built_by(engine):
        clone, log = folder / engine, folder / f"{engine}.log"
        with FileLock(f"{clone}.lock"):
            if not log.exists():
                assert not clone.exists(), f"{clone} could not be built: see the first error"
                build(clone)
                run, *words = COMMANDS[engine]
                clock = time.monotonic()
                output = run(clone, *words)
                measured(f"smoke from nothing, {' '.join((engine, *words))}", time.monotonic() - clock)
                log.write_text(output, encoding="utf-8")
        return Build(clone, executed(log.read_text(encoding="utf-8")))

    return built_by


@pytest.fixture(scope="session")
def snakemake_build(built):
    """The clone in which Snakemake has run everything: within three minutes, on two cores."""
    return built("snakemake")


@pytest.fixture(scope="session")
def dvc_build(built):
    """The clone in which DVC has run everything, one stage after the other: minutes, so what needs it is marked long."""
    return built("dvc")


@pytest.fixture
def clone(snakemake_build, tmp_path):
    """A copy of the clone in which Snakemake has run everything, for one test."""
    return copied(snakemake_build.folder, tmp_path / "clone")


@pytest.fixture
def dvc_clone(dvc_build, tmp_path):
    """A copy of the clone in which DVC has run everything, for one test."""
    return copied(dvc_build.folder, tmp_path / "dvc_clone")


@pytest.fixture(scope="module")
def shared_clone(snakemake_build, tmp_path_factory):
    """A copy of the clone in which Snakemake has run everything, for the tests of a module that leave it as it was."""
    return copied(snakemake_build.folder, tmp_path_factory.mktemp("shared") / "clone")


@pytest.fixture
def whole(pytestconfig):
    """For a test that takes minutes of Slurm's: skipped in .ci/run."""
    if pytestconfig.getoption("slurm") != "whole":
        pytest.skip("skipped: `make slurm-test` runs it")
