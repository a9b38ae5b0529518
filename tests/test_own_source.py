"""A clone runs its own code, or says at once that it does not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from googlenet.cli.main import main
from googlenet.errors import UserError
from googlenet.pipeline.job import perform
from googlenet.stages import prepare_classification

ROOT = Path(__file__).parents[1]
REMEDY = "run `rm -rf .venv; make env` and `. .venv/bin/activate` here, or `export PYTHONPATH=$PWD/src`"
ASK = "import own_source, googlenet; print(googlenet.__file__)"


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone, below an optional folder, in which only the place of the package counts."""

    def make(folder="."):
        root = tmp_path / folder / "clone"
        (root / "src/googlenet").mkdir(parents=True)
        (root / "src/googlenet/__init__.py").touch()
        (root / "workflow").mkdir()
        shutil.copy(ROOT / "workflow/own_source.py", root / "workflow")
        monkeypatch.chdir(root)
        return root

    return make


def asked(clone, source, ask=ASK, **variables):
    """What a script of a clone's workflow finds, in an environment whose package lies in `source`."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(source), str(clone / "workflow")])} | variables
    words = [sys.executable, "-c", ask]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


def test_the_workflow_stops_at_another_clones_package(clone):
    done = asked(clone(), ROOT / "src")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith(f"error: the package googlenet in use is {ROOT / 'src/googlenet'}, not this clone's")
    assert done.stderr.endswith(f"{REMEDY}\n") and len(done.stderr.splitlines()) == 1


def test_the_workflow_goes_on_with_its_own(clone):
    root = clone()
    assert asked(root, root / "src").stdout == f"{root}/src/googlenet/__init__.py\n"


def test_an_experiment_of_dvcs_in_a_folder_of_its_own_runs_its_own_code(clone):
    root = clone(".dvc/tmp/exps/standalone")
    assert asked(root, ROOT / "src").stdout == f"{root}/src/googlenet/__init__.py\n"


PROGRAMS = str(Path(sys.executable).parent)


@pytest.mark.parametrize(
    ("paths", "added"),
    [("/usr/bin:/bin", True), (f"{PROGRAMS}:/bin", False), (f"/home/me/wrappers:{PROGRAMS}:/bin", False)],
    ids=["not", "activated", "activated, behind the user's own"],
)
def test_an_environment_that_is_not_activated_runs_its_own_programs(clone, paths, added):
    root, ask = clone(), "import own_source, os; print(os.environ['PATH'])"
    expected = f"{PROGRAMS}:{paths}" if added else paths
    assert asked(root, root / "src", ask, PATH=paths).stdout.strip() == expected


def test_the_command_stops_in_another_clone(clone, capsys):
    (clone() / "docs").mkdir()
    os.chdir("docs")
    assert main(["settings", "check"]) == 1
    error = capsys.readouterr().err
    assert "the package googlenet in use is" in error and error.endswith(f"{REMEDY}\n")


def test_a_job_stops_in_another_clone(clone):
    clone()
    with pytest.raises(UserError, match="the package googlenet in use is"):
        perform(prepare_classification.run, [])
