"""What a job's tests share: a folder with its files, and a run that no store keeps."""

from contextlib import contextmanager
from pathlib import Path

import pytest

from googlenet.pipeline import job
from googlenet.storage.files import write_json
from pipeline.adding_up import Unrecorded, settings, write_file, written_execution


@pytest.fixture
def job_root(machine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("GOOGLENET_EXPERIMENT", raising=False)
    written_execution()
    write_file(settings())
    write_json("data/manifest.json", {"pictures": 3})
    for name in ("a", "b"):
        Path("data", name).write_text(str(ord(name)))
    return tmp_path


@pytest.fixture
def unrecorded(job_root, monkeypatch):
    run = Unrecorded()

    @contextmanager
    def job_run(*given):
        run.given = given
        yield run

    monkeypatch.setattr(job, "job_run", job_run)
    return run
