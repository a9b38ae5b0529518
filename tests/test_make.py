"""The Makefile and .ci/run stop, or recover, where something that they start from is incomplete."""

import shutil
import subprocess
import sys

import pytest

from conf_copy import ROOT


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
