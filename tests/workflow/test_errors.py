"""What a person does wrong is told in one line, before any job where that can be known; what was computed stays.

Most errors of configurations and of data are tested where they are raised; here they come through the engines.
"""

import re
from pathlib import Path

import pytest

from data.datasets import class_tree, put, voc_tree, xml
from workflow.changes import SMOKE
from workflow.clones import append, call, digests, editable_files, every, executed, jobs, put_back, replace, snakemake

pytestmark = pytest.mark.engine
NO_GPU = not Path("/dev/nvidiactl").exists()
EVERY_DETECTOR = "d1 d2 d3 d4 d5 d6"
EVERY_MEMBER = "m1 m2 m3 m4 m5 m6 m7"


@pytest.fixture
def changed(shared_clone):
    """A clone whose edits are undone afterwards; no result of it may be lost."""
    before, results = editable_files(shared_clone), digests(shared_clone)
    yield shared_clone
    put_back(shared_clone, before)
    assert digests(shared_clone).items() >= results.items()


def error_of(output: str) -> str:
    """The one error line of an output without a traceback."""
    assert "Traceback" not in output, output
    lines = [line for line in output.splitlines() if line.startswith("error:")]
    assert len(lines) == 1, output
    return lines[0]


def write_params(clone: Path, text: str) -> None:
    """Replace params.yaml."""
    (clone / "params.yaml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "edit, parts",
    [
        (
            lambda clone: replace(clone, SMOKE, "evaluate_detection: {", "evaluate_detection: {nms_io: 0.5, "),
            (SMOKE, "unknown key 'evaluate_detection.nms_io'", "did you mean 'nms_iou'?"),
        ),
        (
            lambda clone: write_params(clone, "experiment: smoke\noverrides: {train_classifier: {epochs: many}}\n"),
            ("params.yaml", "'train_classifier.epochs' must be a whole number", "not 'many'"),
        ),
        (
            lambda clone: write_params(clone, "experiment: smokes\n"),
            ("params.yaml", "no experiment 'smokes'", "did you mean 'smoke'?"),
        ),
        (
            lambda clone: replace(clone, SMOKE, "name: d2, init_from: m3", "name: d2, init_from: m33"),
            ("ensemble.detectors.d2.init_from: no 'm33'", "did you mean 'm3'?"),
        ),
        pytest.param(
            lambda clone: write_params(clone, "experiment: photos\n"),
            ("dataset.classification.root: not set", "give the folder"),
            marks=pytest.mark.long,
        ),
        pytest.param(
            lambda clone: replace(clone, SMOKE, "name: m2, ", "name: m2, weights: no/such.caffemodel, "),
            ("ensemble.members.m2.weights: no file or folder no/such.caffemodel", "fetch the weights"),
            marks=pytest.mark.long,
        ),
        pytest.param(
            lambda clone: write_params(clone, "experiment: smoke\noverrides: {compute: {device: cuda}}\n"),
            ("compute.device: cuda", "no NVIDIA GPU", "set cpu"),
            marks=[pytest.mark.long, pytest.mark.skipif(not NO_GPU, reason="this machine has a GPU")],
        ),
    ],
    ids=["key", "type", "experiment", "member", "no data", "no weights", "no GPU"],
)
def test_told_before_any_job(changed, edit, parts):
    edit(changed)
    output = snakemake(changed, "--cores", "2", code=1)
    line = error_of(output)
    assert all(part in line for part in parts), line
    assert executed(output) == set()
    assert not list(changed.glob(".snakemake/locks/*"))


def test_told_by_dvc_too(changed):
    replace(changed, SMOKE, "evaluate_detection: {", "evaluate_detection: {nms_io: 0.5, ")
    output = call(changed, "dvc", "repro", code=255)
    assert error_of(output).endswith("did you mean 'nms_iou'?")
    assert executed(output) == set()


def use_photos(clone: Path, folder: Path) -> None:
    """Make photographs of one's own the data: class folders and VOC boxes below `folder`."""
    splits = {"classification": class_tree(folder / "classes"), "detection": voc_tree(folder / "boxes")}
    lists = "splits: {train: train, validation: validation, test: test}"
    roots = ", ".join(f"{kind}: {{root: {root}, {lists}}}" for kind, root in splits.items())
    write_params(clone, f"experiment: photos\noverrides: {{dataset: {{{roots}}}}}\n")


@pytest.mark.parametrize(
    "spoil, messages",
    [
        (
            lambda folder: (
                (folder / "classes/train/empty").mkdir(),
                put(folder / "boxes/Annotations/train_0.xml", xml(("cat", 1, 1, 10, 99))),
            ),
            ("classes/train/empty: class folder without images", "train_0.xml: box (1, 1, 10, 99) lies outside"),
        ),
        pytest.param(
            lambda folder: (
                put(folder / "classes/test/dog/0.jpg", "no image"),
                put(folder / "boxes/Annotations/test_1.xml", xml()),
            ),
            ("dog/0.jpg: not an image", "test_1.xml: has no object"),
            marks=pytest.mark.long,
        ),
    ],
    ids=["empty class, box outside", "no image, XML without objects"],
)
def test_bad_data_are_told_by_their_job(changed, tmp_path, spoil, messages):
    use_photos(changed, tmp_path)
    spoil(tmp_path)
    targets = ("stage_prepare_classification", "stage_prepare_detection")
    output = snakemake(changed, "--cores", "2", "--", *targets, code=1)
    lines = sorted(line for line in output.splitlines() if line.startswith("error:"))
    assert len(lines) == 2 and "Traceback" not in output, output
    for line, message in zip(lines, messages, strict=True):
        assert message in line
    for stage in ("prepare_classification", "prepare_detection"):
        failed = rf"{stage} failed after .*; its log, results/photos/logs/{stage}/all.log, ends with:\n"
        assert re.search(failed, output), output
    assert executed(output) == jobs(prepare_classification="all", prepare_detection="all")
    assert not list(changed.glob("data/*ion/photos/manifest.json"))  # what stays is for the next try


def test_the_papers_setting_is_planned_without_its_data_or_a_gpu(changed):
    parts = " ".join(f"p{part}" for part in range(1, 257))
    expected = jobs(
        prepare_classification="all",
        train_classifier=EVERY_MEMBER,
        predict_crops=EVERY_MEMBER,
        evaluate_ensemble="all",
        study_crops="all",
        analyse_units="all",
        prepare_detection="all",
        propose_regions=parts,
        train_multibox="all",
        merge_proposals=parts,
        study_proposals="all",
        train_detector=EVERY_DETECTOR,
        score_regions=EVERY_DETECTOR,
        evaluate_detection="all",
        measure_cost="all",
        make_report="all",
    )
    assert executed(snakemake(changed, "-n", "--config", "experiment=ilsvrc2014")) == expected


@pytest.mark.long
def test_photos_are_planned(changed):
    expected = every(EVERY_MEMBER, EVERY_DETECTOR)
    assert executed(snakemake(changed, "-n", "--config", "experiment=photos")) == expected


def test_imported_weights_are_planned_without_any_training(changed):
    expected = jobs(
        prepare_classification="all",
        import_weights="replica",
        predict_crops="replica",
        evaluate_ensemble="all",
        study_crops="all",
        measure_cost="all",
        make_report="all",
    )
    assert executed(snakemake(changed, "-n", "--config", "experiment=bvlc")) == expected


@pytest.mark.long
def test_dvc_yaml_is_fresh_whatever_the_experiment_and_the_members(changed):
    replace(changed, "conf/ensemble/paper.yaml", r"^( *)- \{name: m7.*$", r"\g<0>\n\1- {name: m8, order_seed: 8}")
    replace(changed, "conf/propose_regions.yaml", r"parts: \d+", "parts: 5")
    write_params(changed, "experiment: bvlc\n")
    call(changed, "python", "workflow/dvc_stages.py", "check")
    append(changed, "dvc.yaml", "# edited by hand\n")
    stale = call(changed, "python", "workflow/dvc_stages.py", "check", code=1)
    assert stale == "error: dvc.yaml: stale; run `make dvc.yaml` and commit it\n"
