"""What is recorded of a job: its parameters, the digests of its inputs, and where."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from googlenet.config.schema.base import Settings, StageSettings
from googlenet.pipeline import job
from googlenet.pipeline.job_command import digest_of
from googlenet.pipeline.job_file import JobFile, run_record
from googlenet.storage.files import sha256


def test_parameters_leave_out_the_names_of_the_job():
    class Row(Settings):
        name: str
        width: float

    class OfRow(StageSettings):
        member: Row
        a: Row

    row = Row(name="m3", width=1.25)
    file = JobFile("s", "m3", "demo", "c0de", OfRow(member=row, a=row))
    parameters = {"member": {"width": 1.25}, "a": {"name": "m3", "width": 1.25}}
    assert job.parameters_of(file) == parameters
    assert job.parameters_of(replace(file, versions={"torch": "2"})) == parameters | {"versions": {"torch": "2"}}


def test_digest_of_a_list_is_that_of_its_files_in_whatever_order(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_text("97")
    b.write_text("98")
    assert digest_of(a) == sha256(a)
    assert len({digest_of(paths) for paths in ([], [a], [b], [a, b])}) == 4
    before = digest_of([a, b])
    assert digest_of([b, a]) == before
    others = [a.rename(tmp_path / "c"), b.rename(tmp_path / "d")]
    assert digest_of(others) == before  # by content, not by name
    content = [path.read_bytes() for path in others]
    for path, swapped in zip(others, reversed(content), strict=True):
        path.write_bytes(swapped)
    assert digest_of(others) != before


def test_the_commit_is_of_the_code_and_data_may_be_a_link(tmp_path):
    def git(*words):
        person = ["-c", "user.name=A Person", "-c", "user.email=person@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *person, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert job.commit(tmp_path) == ""
    for path in (tmp_path / "data/README.md", tmp_path / "code.py"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("as committed\n")
    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message", "a state")
    head = git("rev-parse", "HEAD")
    (tmp_path / "data").rename(tmp_path / "disk")
    (tmp_path / "data").symlink_to("disk")
    assert git("status", "--porcelain", "--untracked-files=no") and job.commit(tmp_path) == head
    (tmp_path / "code.py").write_text("edited\n")
    assert job.commit(tmp_path) == f"{head}+dirty"


@pytest.mark.parametrize(
    ("config", "name", "record"),
    [
        ("results/demo/config/train_classifier/m1.json", "m1", "results/demo/runs/train_classifier/m1.json"),
        ("results/demo/config/make_report/all.json", "all", "results/demo/runs/make_report/all.json"),
        ("results/config/config/make_report/all.json", "all", "results/config/runs/make_report/all.json"),
        ("data/config/config/prepare_detection.json", "all", "data/runs/config/prepare_detection/all.json"),
        ("data/config/digits/prepare_detection.json", "all", "data/runs/digits/prepare_detection/all.json"),
    ],
)
def test_where_a_record_lies(config, name, record):
    stage_name = Path(record).parent.name
    assert run_record(Path(config), stage_name, name) == Path(record)
