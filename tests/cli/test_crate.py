"""`googlenet crate`: a crate whose entities are all there, and whose bytes follow from the folder alone."""

import hashlib
import json

import pytest

from googlenet.cli.main import main
from googlenet.storage.files import write_bytes, write_json
from report import sample
from settings import changed


@pytest.fixture
def finished(tmp_path):
    """The results of a small experiment: records, settings, and what two of its jobs wrote."""
    folder = tmp_path / "results" / "demo"
    last = changed(sample.runs()[-1], stage="make_report", job="all", ended="2025-01-01T11:00:00Z")
    for run in (*sample.runs(), last):
        write_json(folder / "runs" / run.stage / f"{run.job}.json", run.to_json())
        write_json(folder / "config" / run.stage / f"{run.job}.json", {})
    for name in (
        "make_report/report.html",
        "train_classifier/m1/weights.safetensors",
        "train_classifier/m1/metrics.json",
    ):
        write_bytes(folder / name, name.encode())
    return folder


def described(folder):
    """The entities of the crate, by their id."""
    content = json.loads((folder / "ro-crate-metadata.json").read_text())
    assert content["@context"] == "https://w3id.org/ro/crate/1.1/context"
    ids = [entity["@id"] for entity in content["@graph"]]
    assert len(set(ids)) == len(ids)
    return {entity["@id"]: entity for entity in content["@graph"]}


def references(value):
    """Every {"@id": ...} in an entity's values."""
    if isinstance(value, list):
        return [name for each in value for name in references(each)]
    return [value["@id"]] if isinstance(value, dict) else []


def test_the_crate_is_as_the_specification_says(finished, capsys):
    assert main(["crate", str(finished)]) == 0
    assert capsys.readouterr().out.startswith(f"{finished}/ro-crate-metadata.json: ")
    entities = described(finished)
    descriptor, root = entities["ro-crate-metadata.json"], entities["./"]
    assert descriptor["@type"] == "CreativeWork" and descriptor["about"] == {"@id": "./"}
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert root["@type"] == "Dataset" and {"name", "description", "datePublished", "license"} <= root.keys()
    assert root["datePublished"] == "2025-01-01T11:00:00Z" and root["name"] == "Results of the experiment demo"
    # Every file is a part of the root, and everything that an entity refers to is there.
    files = {path.relative_to(finished).as_posix() for path in finished.rglob("*") if path.is_file()}
    assert set(references(root["hasPart"])) == files - {"ro-crate-metadata.json"}
    outside = {"https://w3id.org/ro/crate/1.1"}
    for entity in entities.values():
        assert set(references([*entity.values()])) <= entities.keys() | outside


def test_a_file_and_a_job_are_described(finished):
    assert main(["crate", str(finished)]) == 0
    entities = described(finished)
    content = b"train_classifier/m1/weights.safetensors"
    weights = entities["train_classifier/m1/weights.safetensors"]
    assert weights["contentSize"] == str(len(content)) and weights["sha256"] == hashlib.sha256(content).hexdigest()
    job = entities["#train_classifier/m1"]
    assert references(job["result"]) == ["train_classifier/m1/metrics.json", weights["@id"]]
    assert references(job["object"]) == ["config/train_classifier/m1.json", "runs/train_classifier/m1.json"]
    record = next(run for run in sample.runs() if run.job == "m1")
    assert (job["startTime"], job["endTime"]) == (record.started, record.ended)
    software = entities[job["instrument"]["@id"]]
    assert software["version"] == record.commit and "torch 2.15.0" in software["softwareRequirements"]


def test_jobs_of_other_targets_are_described(finished):
    record = changed(sample.runs()[-1], stage="compare_ablations", job="all")
    write_json(finished / "ablations/runs/compare_ablations/all.json", record.to_json())
    write_json(finished / "ablations/config/compare_ablations/all.json", {})
    write_bytes(finished / "ablations/compare_ablations/ablations.html", b"page")
    assert main(["crate", str(finished)]) == 0
    job = described(finished)["#compare_ablations/all"]
    assert references(job["result"]) == ["ablations/compare_ablations/ablations.html"]
    assert len(references(job["object"])) == 2


def test_twice_the_same_bytes(finished):
    assert main(["crate", str(finished)]) == 0
    first = (finished / "ro-crate-metadata.json").read_bytes()
    assert main(["crate", str(finished)]) == 0 and (finished / "ro-crate-metadata.json").read_bytes() == first


def test_an_unfinished_run_is_one_line(finished, tmp_path, capsys):
    (finished / "runs/make_report/all.json").unlink()
    for folder in (finished, tmp_path / "nothing"):
        assert main(["crate", str(folder)]) == 1
        assert capsys.readouterr().err == (
            f"error: {folder}: no finished run; give the results of an experiment, such as results/demo\n"
        )
