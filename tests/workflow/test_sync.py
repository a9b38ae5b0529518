"""workflow/sync.py in this process: what its commands do beside the engines, with a stand-in for what they run."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest

from workflow.clones import REPO


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
