"""The two stages that prepare data: what they leave behind, and how many workers they take."""

from pathlib import Path

import pytest

from data.datasets import class_tree, classification, detection, put, voc_tree
from googlenet.config.schema.dataset import PrepareClassification, PrepareDetection
from googlenet.data import prepare as preparing
from googlenet.data import workers
from googlenet.errors import UserError
from googlenet.metrics.data import read_manifest
from googlenet.stages import prepare_classification, prepare_detection
from stage_jobs import stage_job

MANIFEST = {kind: Path("data", kind, "pets/manifest.json") for kind in ("classification", "detection")}


STAGES = {
    "classification": (prepare_classification, PrepareClassification),
    "detection": (prepare_detection, PrepareDetection),
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    class_tree(tmp_path / "raw", images=4)
    voc_tree(tmp_path / "voc")
    return tmp_path


def run(source, stamp="a stamp", prepare_workers=1, threads=1):
    stage, settings = STAGES[source.kind]
    job = stage_job(f"prepare_{source.kind}", settings(source=source), stamp, threads, prepare_workers=prepare_workers)
    stage.run(job, manifest=MANIFEST[source.kind])
    return read_manifest(MANIFEST[source.kind])


@pytest.mark.parametrize(("source", "reader"), [(classification, "class_folders"), (detection, "voc")])
def test_shards_and_a_stamped_manifest_are_all_that_stays(project, source, reader, capsys):
    manifest = run(source(reader, {"class_folders": "raw"}.get(reader, reader)))
    kind = manifest.kind
    assert manifest.stamp == "a stamp" and kind == source.__name__
    assert sorted(path.name for path in MANIFEST[kind].parent.iterdir()) == [
        "manifest.json", "test-00000.arrow", "train-00000.arrow", "validation-00000.arrow"
    ]  # fmt: skip
    assert not list(project.glob(".googlenet/prepare/**/*.note"))
    assert "warning: " in capsys.readouterr().out  # every split has the same images


def test_a_failed_job_resumes_and_one_of_another_stamp_does_not(project, monkeypatch):
    settings = classification("class_folders", "raw", shard_mb=0.004)
    packed, real = [], workers.pack_shard

    def counted(piece, task, on_image):
        head = real(piece, task, on_image)
        packed.append(not head.kept)
        if len(packed) == 4:
            raise OSError("the disk is gone")
        return head

    monkeypatch.setattr(workers, "pack_shard", counted)
    with pytest.raises(OSError, match="gone"):
        run(settings)
    assert not MANIFEST["classification"].exists()
    run(settings)
    assert packed[:4] == [True] * 4 and packed[4:8] == [False] * 4 and all(packed[8:]) and len(packed) > 8
    packed[:] = [True] * 9
    run(settings)
    assert all(packed)  # nothing is reused from a run that succeeded


def test_the_list_of_bad_images_outlives_the_job_that_they_stop(project):
    put(project / "raw/train/cat/0.jpg", b"x")
    with pytest.raises(UserError, match=r"correct or remove what data/classification/pets/quarantine\.csv lists"):
        run(classification("class_folders", "raw"))
    listed = Path("data/classification/pets/quarantine.csv").read_text().splitlines()
    assert listed == ["split,name,reason", "train,cat/0.jpg,cat/0.jpg: not an image"]


@pytest.mark.parametrize(("wanted", "threads", "taken"), [(1, 4, 1), (4, 2, 2), (3, 3, 3)])
def test_a_job_takes_no_more_workers_than_it_has_threads(project, monkeypatch, wanted, threads, taken):
    seen = []

    def packed(pieces, task, count, *given):
        seen.append(count)
        return iter(())

    monkeypatch.setattr(workers, "pack_all", packed)
    with pytest.raises(KeyError):  # nothing was packed
        run(classification("class_folders", "raw"), prepare_workers=wanted, threads=threads)
    assert seen == [taken]


def test_notes_of_each_kind_and_stamp_have_their_own_folder():
    made = {preparing.state_of(*row) for row in (("a", "x", "1"), ("b", "x", "1"), ("a", "y", "1"), ("a", "x", "2"))}
    assert len(made) == 4
