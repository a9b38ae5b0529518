"""workflow/sync.py in this process: what its commands do beside the engines, with a stand-in for what they run."""

import errno
import importlib
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from conf_copy import copied
from workflow.clones import REPO, call, commit


@pytest.fixture
def sync(monkeypatch, tmp_path):
    """The script as a module, in an empty folder."""
    monkeypatch.syspath_prepend(REPO / "workflow")
    monkeypatch.chdir(tmp_path)
    return importlib.import_module("sync")


def test_the_size_of_results_counts_no_file_that_another_run_removes_meanwhile(sync, tmp_path, monkeypatch):
    folder = tmp_path / "results/demo/train_classifier"
    folder.mkdir(parents=True)
    for name in ("stays", "goes"):
        (folder / name).write_bytes(b"x" * 1000)
    (folder / "gone").symlink_to("nowhere")  # a listed name without a file
    stat = Path.stat

    def last_look(path, **given):
        found = stat(path, **given)
        if path.name == "goes":
            path.unlink()
        return found

    monkeypatch.setattr(Path, "stat", last_look)
    assert sync.size_gb(SimpleNamespace(root=tmp_path, name="demo")) == 2e-6


def test_a_file_that_cannot_be_written_is_one_line(sync, monkeypatch):
    def full():
        raise OSError(errno.ENOSPC, "No space left on device", ".googlenet/modules.json")

    monkeypatch.setattr(sync, "resolve", full)
    monkeypatch.setattr(sys, "argv", ["sync.py", "resolve"])
    with pytest.raises(SystemExit, match=r"^error: \.googlenet/modules\.json: No space left on device; .* free some"):
        sync.main()


@pytest.mark.parametrize("former", ["committed", "staged", ""])
def test_a_rejected_commit_leaves_gits_index_as_it_was(sync, tmp_path, monkeypatch, former):
    """After an edit during the commit; DVC adds dvc.lock to the index (core.autostage)."""
    lock = tmp_path / "dvc.lock"
    call(tmp_path, "git", "init", "--quiet")
    if former:
        lock.write_text("former\n")
        commit(tmp_path)
    if former == "staged":
        lock.write_text("staged\n")
        call(tmp_path, "git", "add", "dvc.lock")
    before = call(tmp_path, "git", "status", "--porcelain"), call(tmp_path, "git", "ls-files", "--stage")

    def record(*_):
        lock.write_text("of edited settings\n")
        call(tmp_path, "git", "add", "dvc.lock")

    monkeypatch.setattr(sync, "commit", record)
    monkeypatch.setattr(sync.kept, "sources", lambda _: "edited" if record_was_made() else "")
    monkeypatch.setattr(sync, "up_to_date", lambda _: not record_was_made())

    def record_was_made():
        return lock.is_file() and lock.read_text() == "of edited settings\n"

    assert not sync.commit_if_current(SimpleNamespace(root=tmp_path), "all")
    assert (call(tmp_path, "git", "status", "--porcelain"), call(tmp_path, "git", "ls-files", "--stage")) == before


@pytest.mark.engine
def test_a_folder_of_the_workflow_that_is_unusable_is_one_line(tmp_path):
    """Here a file is in the folder's place: root, who may run the tests, can write everywhere."""
    copied(tmp_path)
    (tmp_path / ".googlenet").mkdir()
    (tmp_path / ".googlenet/execution").write_text("")
    words = ["snakemake", "-n", "--snakefile", str(REPO / "workflow/Snakefile"), "--directory", str(tmp_path)]
    done = subprocess.run(words, cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"error: {tmp_path}/.googlenet/execution: File exists; correct the path" in done.stderr


@pytest.mark.parametrize("told", ["error: conf/dataset: no file; restore it", "SyntaxError in file workflow/Snakefile"])
def test_what_snakemake_rejects_is_told_when_dvcs_stages_are_written(sync, told):
    """Its other lines are left out if it gives an error of ours."""
    dvc_stages = importlib.import_module("dvc_stages")
    said = told if told.startswith("Syntax") else f"Building DAG of jobs...\n{told}"
    words = [sys.executable, "-c", f"import sys; sys.exit({said!r})"]
    with pytest.raises(SystemExit) as ended:
        dvc_stages.output_of(words)
    assert ended.value.code == told
