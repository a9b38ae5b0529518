"""What will run is checked before anything is deleted, and a job that fails costs nothing: with Snakemake and with DVC."""

import hashlib
from pathlib import Path

import pytest

from data.datasets import class_tree, put
from workflow.clones import build, call, executed, jobs, snakemake

pytestmark = [pytest.mark.engine, pytest.mark.long]
TARGET = ("--cores", "1", "--", "stage_train_baseline")
BOTH = jobs(prepare_classification="all", train_baseline="all")


def choose(clone: Path, root: Path, bad: float = 0.1) -> None:
    """Class folders as the data of a small baseline; bad: the share of bad files from which the preparation stops."""
    source = f"reader: class_folders, root: {root}, max_bad_fraction: {bad}"
    splits = "splits: {train: train, validation: validation, test: test}"
    data = f"{{name: mine, mirror: false, classification: {{{source}, {splits}}}}}"
    text = f"experiment: smoke\noverrides: {{train_baseline: {{side_px: 8}}, dataset: {data}}}\n"
    (clone / "params.yaml").write_text(text)


def results(clone: Path) -> dict[str, str]:
    """SHA-256 of every result: what lies in data/ and results/, but for configurations, logs and notes of failures."""
    found = [*(clone / "data/classification/mine").glob("*"), *(clone / "results/smoke").glob("train_*/**/*")]
    kept = [path for path in found if path.is_file() and path.name != "quarantine.csv"]
    return {str(path.relative_to(clone)): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}


@pytest.fixture
def images(tmp_path) -> Path:
    """Class folders, with an image that is none."""
    root = class_tree(tmp_path / "images", 6)
    put(root / "train/cat/none.jpg", b"no image")
    return root


@pytest.fixture
def made(tmp_path, images) -> Path:
    """A clone with these data prepared, and the baseline trained on them."""
    clone = build(tmp_path / "clone")
    choose(clone, images)
    assert executed(snakemake(clone, *TARGET)) == BOTH
    return clone


def test_a_mistyped_folder_and_a_failing_job_cost_nothing(made, images):
    before = results(made)
    missing = f"dataset.classification.root: no folder {images}s; fetch the data set or correct the path"
    choose(made, f"{images}s")
    planned = snakemake(made, "-n", *TARGET)
    assert executed(planned) == BOTH and f"warning: a run would stop: {missing}" in planned
    stopped = snakemake(made, *TARGET, code=1)
    assert f"error: {missing}" in stopped and not executed(stopped) and results(made) == before
    choose(made, images)
    assert "Nothing to be done" in snakemake(made, "-n", *TARGET)

    choose(made, images, bad=0.0)
    failed = snakemake(made, *TARGET, code=1)
    assert executed(failed) == jobs(prepare_classification="all") and "cat/none.jpg: not an image" in failed
    assert results(made) == before
    assert executed(snakemake(made, "-n", *TARGET)) == BOTH
    choose(made, images)
    assert "Nothing to be done" in snakemake(made, "-n", *TARGET)


def test_dvc_removes_nothing_before_what_will_run_is_checked(made, images):
    former = put(made / "results/smoke/train_classifier/m9/weights.safetensors", b"of a member without a row")
    before = results(made)
    choose(made, f"{images}s")
    stopped = call(made, "dvc", "repro", "train_baseline", code=255)
    assert f"error: dataset.classification.root: no folder {images}s" in stopped
    assert not executed(stopped) and results(made) == before
    choose(made, images)
    assert not executed(call(made, "dvc", "repro", "train_baseline"))
    assert not former.exists()

    choose(made, images, bad=0.0)
    before = results(made)
    failed = call(made, "dvc", "repro", "train_baseline", code=255)
    assert executed(failed) == jobs(prepare_classification="all") and results(made) == before
    choose(made, images)
    assert not executed(call(made, "dvc", "repro", "train_baseline"))
    assert call(made, "dvc", "status", "train_baseline").strip() == "Data and pipelines are up to date."
