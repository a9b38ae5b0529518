"""A job's file: settings and the digest of the code, written and read."""

from dataclasses import replace

import pytest

from googlenet.config.schema.shared import Execution
from googlenet.errors import UserError
from googlenet.pipeline.job_file import JobFile, execution_file, read_execution, read_job_file, write_execution
from googlenet.storage.files import read_json, write_bytes, write_json
from settings import changed, composed, settings_of

FILE = JobFile("train_classifier", "m1", "demo", "c0de" * 16, settings_of("train_classifier", learning_rate=1e-7))
KIND = type(FILE.settings)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m1.json"


@pytest.mark.parametrize("versions", [None, {"torch": "2.16.0"}])
def test_a_file_is_read_as_it_was_written(path, versions):
    file = replace(FILE, versions=versions)
    write_bytes(path, file.to_bytes())
    assert read_job_file(path, KIND) == file


def test_a_file_holds_its_head_beside_the_settings(path):
    write_bytes(path, FILE.to_bytes())
    content = read_json(path)
    assert content.pop("settings") == FILE.settings.model_dump(mode="json")
    assert content == {"stage": "train_classifier", "job": "m1", "experiment": "demo", "code": "c0de" * 16}


SPOILT = {
    "an unknown setting": lambda content: content["settings"].update(speed=1),
    "a setting of another kind": lambda content: content["settings"].update(epochs="many"),
    "a setting is missing": lambda content: content["settings"].pop("epochs"),
    "settings beside the head": lambda content: content.update(content.pop("settings")),
    "an unknown key": lambda content: content.update(member="m1"),
    "no stage": lambda content: content.pop("stage"),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_file_of_another_version_says_what_writes_it_again(path, spoil):
    write_bytes(path, FILE.to_bytes())
    content = read_json(path)
    spoil(content)
    write_json(path, content)
    with pytest.raises(UserError, match=r"m1\.json: not a resolved file of this version; run snakemake, which"):
        read_job_file(path, KIND)


@pytest.mark.parametrize("content", [[], 7, None, {}])
def test_what_is_no_job_file_is_refused(path, content):
    write_json(path, content)
    with pytest.raises(UserError, match=r"m1\.json: not a resolved file of this version"):
        read_job_file(path, KIND)


def test_settings_of_execution_are_written_only_if_they_differ(tmp_path):
    former, present = (changed(composed().of(Execution), commit_limit_gb=limit) for limit in (1, 2))
    write_execution(tmp_path, "demo", former)
    path = tmp_path / execution_file("demo")
    written = path.stat().st_ino
    write_execution(tmp_path, "demo", former)
    assert path.stat().st_ino == written
    write_execution(tmp_path, "demo", present)
    assert read_execution(tmp_path, "demo") == present
