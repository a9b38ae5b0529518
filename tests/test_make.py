"""The Makefile and .ci/run stop, or recover, where something that they start from is incomplete."""

import os
import shlex
import shutil
import subprocess
import sys

import pytest

from conf_copy import ROOT, copied


def put_script(path, line):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(("has_pip", "is_made"), [(False, True), (True, False)])
def test_an_environment_without_pip_is_made_again(tmp_path, has_pip, is_made):
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    put_script(tmp_path / "python", 'echo "$@" >> log')
    for name in ("python", "uv"):
        put_script(tmp_path / ".venv/bin" / name, f"exit {int(not has_pip)}")
    done = subprocess.run(["make", "env", "PYTHON=./python"], cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode == 0) == has_pip
    assert ("-m venv --clear .venv" in (tmp_path / "log").read_text()) == is_made


@pytest.mark.parametrize("block", ["make demo\n", ""], ids=["one line", "no line"])
def test_ci_stops_if_the_readme_has_no_test_command(tmp_path, block):
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/run", tmp_path / ".ci")
    (tmp_path / "README.md").write_text(f"## Quick start\n\n```sh\n{block}```\n")
    done = subprocess.run(["bash", ".ci/run"], cwd=tmp_path, capture_output=True, text=True, check=False)
    line = "error: README.md: no test command in Quick start; restore the second line of its block\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", line)


@pytest.mark.parametrize(("minutes", "skipped"), [(0, 1), (45, 0)])
def test_long_tests_begun_too_late_are_skipped_and_listed(tmp_path, minutes, skipped):
    shutil.copy(ROOT / "tests/conftest.py", tmp_path)
    shutil.copy(ROOT / "tests/remembered.py", tmp_path)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nmarkers = long\npythonpath = . {ROOT / 'src'}\n")
    (tmp_path / "test_two.py").write_text(
        "import pytest\n\n@pytest.mark.long\ndef test_long(): pass\n\ndef test_other(): pass\n"
    )
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", f"--long-within={minutes}"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    said = f"skipped: long, and the {minutes} minutes of --long-within are over"
    assert done.stdout.count(said) == skipped
    assert f"{2 - skipped} passed" in done.stdout


@pytest.fixture
def made(tmp_path):
    """A folder whose environment is complete and whose Snakemake does nothing."""
    copied(tmp_path)
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    programs = tmp_path / ".venv/bin"
    put_script(programs / "snakemake", "exit 0")
    put_script(programs / "python", f'PYTHONPATH={shlex.quote(str(ROOT / "src"))} exec {sys.executable} "$@"')
    (tmp_path / ".venv/ready").touch()
    return tmp_path


def test_the_demo_names_the_report_of_its_experiment(made):
    for age_s, name in enumerate(("other", "demo")):  # the former is the newest
        report = made / f"results/{name}/make_report/report.html"
        report.parent.mkdir(parents=True)
        report.touch()
        os.utime(report, (1e9 - age_s, 1e9 - age_s))
    words = ["make", "--silent", "demo"]
    done = subprocess.run(words, cwd=made, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "The report: results/demo/make_report/report.html"


def test_the_number_of_cores_is_the_machines_whatever_omp_may_use(made):
    put_script(made / "bin/nproc", "echo ${OMP_NUM_THREADS:-64}${OMP_THREAD_LIMIT}")
    environment = {name: value for name, value in os.environ.items() if name != "CORES"}
    environment |= {"PATH": f"{made / 'bin'}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1", "OMP_THREAD_LIMIT": "2"}
    words = ["make", "--dry-run", "demo"]
    done = subprocess.run(words, cwd=made, env=environment, capture_output=True, text=True, check=True)
    assert "snakemake --cores 64\n" in done.stdout
