"""Whether DVC was told to run a stage that has not changed is seen from the command line that runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conf_copy import ROOT
from googlenet.pipeline import dvc_command

ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT / "src")}
ASK = "from googlenet.pipeline.dvc_command import forced; print(forced('report'))"
# A program that is called dvc, as its arguments show, and runs a stage's command through a shell, as DVC does.
DVC = f"import subprocess, sys; subprocess.run(['sh', '-c', '\"$0\" -c \"$1\"; :', sys.executable, {ASK!r}])"


@pytest.mark.parametrize(
    ("words", "forced"),
    [
        ("repro", False),
        ("repro evaluate_ensemble -s", False),
        ("repro --force", True),
        ("repro -fs evaluate_ensemble", True),
        ("exp run --temp -f -S x=1", True),
    ],
)
def test_a_forced_stage_is_known_from_dvcs_command_line(tmp_path, words, forced):
    (tmp_path / "dvc").write_text(DVC)
    called = [sys.executable, str(tmp_path / "dvc"), *words.split()]
    done = subprocess.run(called, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert done.stdout == f"{forced}\n", done.stderr


@pytest.mark.engine
@pytest.mark.parametrize("edited", [False, True])
def test_without_a_command_line_of_dvcs_only_a_stage_without_changes_is_forced(tmp_path, monkeypatch, edited):
    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").write_text("stages: {report: {cmd: cp params.yaml out, deps: [params.yaml], outs: [out]}}\n")
    Path("params.yaml").write_text("a: 1\n")
    for words in ("init --no-scm", "repro"):
        subprocess.run(["dvc", *words.split(), "--quiet"], check=True)
    if edited:
        Path("params.yaml").write_text("a: 2\n")
    assert dvc_command.forced("report") is not edited
