"""The two stages that prepare data: what they leave behind, and how many workers they take."""

from pathlib import Path

import pytest

from data.rooms import class_tree, classification, detection, put, voc_tree
from googlenet.data import prepare as preparing
from googlenet.data import workers
from googlenet.errors import UserError
from googlenet.files import read_json
from googlenet.job import Job
from googlenet.stages import prepare_classification, prepare_detection

MANIFEST = {kind: Path("data", kind, "pets/manifest.json") for kind in ("classification", "detection")}


class Silent:
    """A run that tracks nothing."""

    def metrics(self, values, step):
        """Take numbers."""

    def artifact(self, path):
        """Take a file."""


@pytest.fixture
def house(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    class_tree(tmp_path / "raw", pictures=4)
    voc_tree(tmp_path / "voc")
    return tmp_path


def run(kind, settings, stamp="a stamp", prepare_workers=1, threads=1):
    stage = prepare_classification if kind == "classification" else prepare_detection
    job = Job({"source": settings}, stamp, {"prepare_workers": prepare_workers}, Silent(), threads=threads)
    stage.run(job, manifest=MANIFEST[kind])
    return read_json(MANIFEST[kind])


@pytest.mark.parametrize("kind", ["classification", "detection"])
def test_shards_and_manifest_with_its_stamp_are_all_that_stays(house, kind, capsys):
    settings = {
        "classification": classification("class_folders", "raw"),
        "detection": detection("voc", "voc"),
    }
    manifest = run(kind, settings[kind])
    assert manifest["stamp"] == "a stamp" and manifest["kind"] == kind
    assert sorted(path.name for path in MANIFEST[kind].parent.iterdir()) == [
        "manifest.json", "test-00000.arrow", "train-00000.arrow", "validation-00000.arrow"
    ]  # fmt: skip
    assert not list(house.glob(".googlenet/prepare/**/*.note"))
    assert "warning: " in capsys.readouterr().out  # the rooms have the same pictures in each split


def test_a_job_that_ended_goes_on_and_another_stamp_does_not(house, monkeypatch):
    settings = classification("class_folders", "raw", shard_mb=0.004)
    packed, real = [], workers.pack

    def counted(piece, task, told):
        head = real(piece, task, told)
        packed.append("kept" not in head)
        if len(packed) == 4:
            raise OSError("the disk is gone")
        return head

    monkeypatch.setattr(workers, "pack", counted)
    with pytest.raises(OSError, match="gone"):
        run("classification", settings)
    assert not MANIFEST["classification"].exists()
    run("classification", settings)
    assert packed[:4] == [True] * 4 and packed[4:8] == [False] * 4 and all(packed[8:]) and len(packed) > 8
    packed[:] = [True] * 9
    run("classification", settings)
    assert all(packed)  # nothing is taken from a run that ended well


def test_the_list_of_bad_pictures_outlives_the_job_that_they_stop(house):
    put(house / "raw/train/cat/0.jpg", b"x")
    with pytest.raises(
        UserError, match=r"mend or remove what data/classification/pets/quarantine\.csv lists"
    ):
        run("classification", classification("class_folders", "raw"))
    listed = Path("data/classification/pets/quarantine.csv").read_text().splitlines()
    assert listed == ["split,name,reason", "train,cat/0.jpg,cat/0.jpg: not a picture"]


@pytest.mark.parametrize(("wanted", "threads", "taken"), [(1, 4, 1), (4, 2, 2), (3, 3, 3)])
def test_a_job_takes_no_more_workers_than_it_has_threads(house, monkeypatch, wanted, threads, taken):
    seen = []

    def packed(pieces, task, count, *given):
        seen.append(count)
        return iter(())

    monkeypatch.setattr(workers, "packed", packed)
    with pytest.raises(KeyError):  # nothing was packed
        run("classification", classification("class_folders", "raw"), prepare_workers=wanted, threads=threads)
    assert seen == [taken]


def test_notes_of_each_kind_and_stamp_lie_apart():
    made = {
        preparing.state_of(*row)
        for row in (("a", "x", "1"), ("b", "x", "1"), ("a", "y", "1"), ("a", "x", "2"))
    }
    assert len(made) == 4
