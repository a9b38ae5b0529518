"""The resolved configurations: an edit changes the files of the jobs that it touches, and of no others."""

import pytest

from conf_copy import copied, edit, job_files, override
from googlenet.pipeline.experiment import experiment
from googlenet.pipeline.experiment_files import files, remove_former_jobs, write_configs
from googlenet.pipeline.registry import ROWS, STAGES
from googlenet.storage.files import write_json

MEMBERS = [f"m{i}" for i in range(1, 8)]
DETECTORS = [f"d{i}" for i in range(1, 7)]


def every(stage, names=MEMBERS):
    return {f"{stage}/{name}" for name in names}


TRAINED = every("train_classifier")
TUNED, SCORED = every("train_detector", DETECTORS), every("score_regions", DETECTORS)
REFERENCE = every("train_ablation", [f"reference_{seed}" for seed in range(3, 8)])


def variants(row, shared=0):
    """A row's jobs of its own: its seven seeds but for the one that a member has."""
    return every("train_ablation", [f"{row}_{seed}" for seed in range(1, 8) if seed != shared])


IN_AREA = (
    "no_auxiliary_heads",
    "one_auxiliary_head",
    "fully_connected",
    "no_dropout",
    "no_lrn",
    "batch_norm",
    "naive_inception",
)
AREA = REFERENCE.union(*map(variants, IN_AREA))
JITTER = variants("scale_jitter", 5)
VARIANTS = AREA | JITTER | variants("photometric", 3) | variants("random_interpolation", 4) | variants("crop_256", 6)
STRUCTURES = every(
    "train_structure",
    [f"{row}_{seed}" for row in ("googlenet", "derived", "random_1", "random_2", "random_3") for seed in (1, 2, 3)],
)
DERIVED = {"derive_structure/all"}
COMPUTED = (
    TRAINED
    | VARIANTS
    | STRUCTURES
    | DERIVED
    | every("predict_crops")
    | TUNED
    | SCORED
    | {"measure_cost/all", "train_baseline/all", "analyse_units/all", "train_multibox/all"}
    | every("merge_proposals", ["p1", "p2"])
)
PARTS, MERGED = every("propose_regions", ["p1", "p2"]), every("merge_proposals", ["p1", "p2"])
STUDY = {"study_proposals/all"}

# File, what is replaced, by what, the jobs whose files change.
EDITS = {
    "a comment": ("train_classifier.yaml", r"^epochs: (\S+)", r"# one more\nepochs: \1 # why", set()),
    "white space": ("model/small.yaml", r"^width: +", "\nwidth:    ", set()),
    "the order of keys": ("train_classifier.yaml", r"^(epochs: .*)\n(batch_size: .*)$", r"\2\n\1", set()),
    "another notation": ("train_classifier.yaml", r"^momentum: 0.9$", "momentum: 9.0e-1", set()),
    "execution": ("execution.yaml", r"^decoded_cache_mb: \S+", "decoded_cache_mb: 7", set()),
    "more of execution": ("execution.yaml", r"^loader_workers: \S+", "loader_workers: 3", set()),
    "an experiment's execution": ("experiment/demo.yaml", r"^about:", "execution: {commit_limit_gb: 1}\nabout:", set()),
    "another experiment": ("experiment/photos.yaml", r"^about: .*$", "about: other", set()),
    "a default that the experiment overrides": ("train_classifier.yaml", r"^epochs: .*$", "epochs: 77", set()),
    "a key of training": ("train_classifier.yaml", r"^momentum: .*$", "momentum: 0.8", TRAINED | VARIANTS | STRUCTURES),
    "one sampling": ("sampling.yaml", r"scales: \[256, 352\]", "scales: [256, 384]", {"train_classifier/m5", "study_crops/all"} | JITTER),
    "a shared sampling": ("sampling.yaml", r"aspect: \[0.75,", "aspect: [0.8,", every("train_classifier", ["m1", "m2", "m7"]) | AREA | STRUCTURES | {"study_crops/all"}),
    "one member's key": ("ensemble/paper.yaml", r"width: 1.25", "width: 1.5", {"train_classifier/m7"}),
    "one detector's key": ("ensemble/paper.yaml", r"name: d2, init_from: m2", "name: d2, init_from: m7", {"train_detector/d2"}),
    "the crop size": ("model/small.yaml", r"^input_px: .*$", "input_px: 56", TRAINED | VARIANTS | STRUCTURES | DERIVED | {"measure_cost/all", "study_crops/all"}),
    "mirroring": ("dataset/digits.yaml", r"^mirror: .*$", "mirror: true", TRAINED | VARIANTS | STRUCTURES | every("predict_crops") | TUNED | {"train_multibox/all"}),
    "policies": ("predict_crops.yaml", r"^policies: \S+ \S+ \S+", "policies: [1, 10]", every("predict_crops")),
    "test scales": (
        "predict_crops.yaml", r"^scales: [^#]*", "scales: [224, 224, 256, 256] ",
        every("predict_crops") | {"study_crops/all", "make_report/all", "measure_export/all"},
    ),
    "the data": ("dataset/full.yaml", r"^    seed: 2", "    seed: 3", {"prepare_detection/all"}),
    "proposals": ("propose_regions.yaml", r"^sigma: .*$", "sigma: 0.7", PARTS | STUDY),
    "MultiBox": ("train_multibox.yaml", r"^momentum: .*$", "momentum: 0.8", {"train_multibox/all"}),
    "the merging of proposals": ("merge_proposals.yaml", r"^duplicate_iou: \S+", "duplicate_iou: 0.8", MERGED),
    "the boxes of MultiBox": ("experiment/demo.yaml", r"multibox_boxes: \d+", "multibox_boxes: 9", MERGED | STUDY),
    "the study of proposals": ("study_proposals.yaml", r"^resamples: \S+", "resamples: 9", STUDY),
    "context": ("train_detector.yaml", r"^context_px: \S+", "context_px: 12", TUNED | SCORED),
    "evaluation": ("evaluate_ensemble.yaml", r"^resamples: .*$", "resamples: 9", {"evaluate_ensemble/all"}),
    "crops": ("study_crops.yaml", r"^random_subsets: \S+", "random_subsets: 9", {"study_crops/all"}),
    "detection's evaluation": ("evaluate_detection.yaml", r"^nms_iou: .*$", "nms_iou: 0.4", {"evaluate_detection/all"}),
    "the head of the report": ("experiment/demo.yaml", r"^about: .*$", "about: other", {"make_report/all", "compare_ablations/all", "measure_export/all", "compare_structures/all"}),
    "the analysis of units": ("analyse_units.yaml", r"^clusters: .*$", "clusters: 5", {"analyse_units/all"}),
    "the cost": ("measure_cost.yaml", r"^repeats: .*$", "repeats: 1", {"measure_cost/all"}),
    "a switch that needs no fit": ("score_regions.yaml", r"^switches: \[\]", "switches: [mirror]", SCORED | {"evaluate_detection/all"}),
    "a switch compared": ("score_regions.yaml", r"^compare: \[\]", "compare: [[mirror]]", SCORED | {"evaluate_detection/all"}),
    "hard negatives": ("train_detector.yaml", r"  enabled: false", "  enabled: true", TUNED),
    "the baseline": ("train_baseline.yaml", r"^side_px: .*$", "side_px: 16", {"train_baseline/all"}),
    "the precision": ("compute.yaml", r"^precision: \S+", "precision: fp32", COMPUTED),
}  # fmt: skip


@pytest.fixture
def root(tmp_path):
    return copied(tmp_path)


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    return job_files(copied(tmp_path_factory.mktemp("before")))


# One of each kind: no content, one job, jobs that share a section, most jobs. The others take half a minute.
QUICK = (
    "a comment",
    "one sampling",
    "one detector's key",
    "the merging of proposals",
    "evaluation",
    "the precision",
)
MARKED = [pytest.param(*edit, id=name, marks=() if name in QUICK else pytest.mark.long) for name, edit in EDITS.items()]


@pytest.mark.long
@pytest.mark.parametrize(("file", "pattern", "new", "jobs"), MARKED)
def test_an_edit_changes_the_files_of_its_jobs(root, before, file, pattern, new, jobs):
    edit(root, file, pattern, new)
    after = job_files(root)
    assert after.keys() == before.keys()
    assert {job for job in after if after[job] != before[job]} == jobs


def test_an_override_is_an_edit(root, before):
    override(root, "{sampling: {crop_256: {scales: [256, 260]}}, evaluate_detection: {seed: 9}}")
    after = job_files(root)
    assert {job for job in after if after[job] != before[job]} == {
        "train_classifier/m6",
        "study_crops/all",
        "evaluate_detection/all",
        *variants("crop_256", 6),
    }
    assert after["evaluate_detection/all"]["seed"] == 9


def test_an_eighth_member_adds_its_own_files_and_its_sampling_to_the_study(root, before):
    edit(root, "ensemble/paper.yaml", r"^members:$", "members:\n  - {name: m99, sampling: scale_jitter}")
    after = job_files(root)
    assert after.keys() - before.keys() == {"train_classifier/m99", "predict_crops/m99"}
    assert {job for job in before if after[job] != before[job]} == {"study_crops/all"}
    assert after["study_crops/all"]["samplings"].keys() - before["study_crops/all"]["samplings"].keys() == {"m99"}
    assert after["train_classifier/m99"]["member"]["sampling"] == "scale_jitter"
    assert after["train_classifier/m99"]["sampling"]["scales"] == [256, 352]


def test_a_member_with_weights_is_imported_and_not_trained(root, before):
    edit(root, "ensemble/paper.yaml", r"name: m2, .*\}", "name: m2, weights: theirs.caffemodel}")
    after = job_files(root)
    assert before.keys() - after.keys() == {"train_classifier/m2"}
    # The ablations no longer find their second reference among the members.
    assert after.keys() - before.keys() == {"import_weights/m2", "train_ablation/reference_2"}
    assert {job for job in after if job in before and after[job] != before[job]} == {
        "compare_ablations/all",
        "study_crops/all",
    }
    assert after["study_crops/all"]["samplings"].keys() == set(MEMBERS) - {"m2"}
    brought = after["import_weights/m2"]
    assert brought["member"] == {"name": "m2", "weights": "theirs.caffemodel", "origin": "bvlc", "width": 1.0}
    assert (brought["origin"]["format"], brought["origin"]["channel_order"]) == ("caffemodel", "bgr")
    assert before["train_classifier/m2"]["member"].keys() & {"weights", "origin"} == set()


def test_where_all_are_imported_nothing_is_trained(root):
    override(
        root,
        "{ensemble: {members: [{name: a, weights: x}, {name: b, weights: y, origin: torchvision}]},"
        " detection: {enabled: false}}",
    )
    jobs = set(job_files(root))
    assert {"import_weights/a", "import_weights/b", "predict_crops/a", "predict_crops/b"} < jobs
    assert not [job for job in jobs if job.startswith("train_classifier")]


def test_a_file_holds_its_row_and_no_reference(before):
    m7, d3, p2 = before["train_classifier/m7"], before["train_detector/d3"], before["propose_regions/p2"]
    assert (m7["member"]["name"], m7["member"]["width"], m7["job"]) == ("m7", 1.25, "m7")
    assert (d3["detector"]["init_from"], d3["stage"], d3["experiment"]) == ("m3", "train_detector", "demo")
    assert (p2["part"], p2["parts"]) == ({"name": "p2", "index": 1}, 2)
    assert before["score_regions/d1"]["context_px"] == d3["context_px"]
    codes = {job: content["code"] for job, content in before.items()}
    assert len({codes[f"train_classifier/{m}"] for m in MEMBERS}) == 1
    other_network = [job for job in codes if job.startswith("train_ablation/batch_norm_")]
    assert len({codes[job] for job in other_network}) == 1 and len(other_network) == 7
    alike = {code for job, code in codes.items() if job not in other_network}
    assert codes[other_network[0]] not in alike
    assert len(alike) == len(STAGES) - 2  # no member is imported, no head fitted


def test_data_belong_to_the_data_set_and_results_to_the_experiment(root):
    paths = {str(path.relative_to(root)) for path, _ in files(experiment(root))}
    assert {"data/config/digits/prepare_classification.json", "data/config/digits/prepare_detection.json"} < paths
    assert {"results/demo/config/train_classifier/m1.json", "results/demo/config/make_report/all.json"} < paths
    path = experiment(root, "photos").config_path("prepare_detection", "all")
    assert path.startswith("data/config/photos/")


@pytest.mark.long
def test_files_are_written_when_their_content_changes(root):
    def write():
        return [str(path.relative_to(root)) for path in write_configs(experiment(root))]

    def contents():
        return {path: path.read_bytes() for top in ("data", "results") for path in (root / top).rglob("*.json")}

    assert (
        len(write()) == len(contents()) == 41 + len(VARIANTS) + 2 + len(STRUCTURES) + 2
    )  # comparisons, the exports, the derivation
    first = contents()
    assert write() == []
    edit(root, "ensemble/paper.yaml", r"width: 1.25", "width: 1.5")
    assert write() == ["results/demo/config/train_classifier/m7.json"]
    edit(root, "ensemble/paper.yaml", r"width: 1.5", "width: 1.25")
    assert write() == ["results/demo/config/train_classifier/m7.json"] and contents() == first
    edit(root, "ensemble/paper.yaml", r"^  - \{name: m7.*\n", "")
    assert write() == ["results/demo/config/study_crops/all.json"]
    gone = {str(path.relative_to(root)) for path in first.keys() - contents().keys()}
    assert gone == {f"results/demo/config/{stage}/m7.json" for stage in ("train_classifier", "predict_crops")}
    others = root / "results" / "other" / "config" / "train_classifier" / "m9.json"
    write_json(others, {})
    write()
    assert others.exists()  # of another experiment


def test_stages_can_be_left_out(root):
    off = "{enabled: false}"
    override(root, f"{{detection: {off}, train_baseline: {off}, analyse_units: {off}, study_crops: {off}}}")
    jobs = job_files(root)
    left_out = {"train_baseline", "import_weights", "study_crops", "analyse_units", "prepare_detection"}
    left_out |= {row.name for row in ROWS if row.group == "detection"}
    assert {job.split("/")[0] for job in jobs} == STAGES.keys() - left_out
    assert jobs["predict_crops/m1"]["keep_crops"] is False


@pytest.mark.long
def test_heads_are_fitted_where_a_switch_needs_them(root):
    assert not [job for job in job_files(root) if job.startswith("fit_region_heads/")]
    override(root, "{score_regions: {switches: [mirror], compare: [[svm], [mirror, bbox_regression]]}}")
    jobs = job_files(root)
    fitted = {job: content["heads"] for job, content in jobs.items() if job.startswith("fit_region_heads/")}
    assert fitted == {job: ["bbox_regression", "svm"] for job in every("fit_region_heads", DETECTORS)}
    override(root, "{score_regions: {compare: [[svm, mirror], [bbox_regression]]}}")
    again = job_files(root)
    assert all(again[job] == jobs[job] for job in fitted)  # nothing else is fitted


def test_former_jobs_are_removed_with_their_records(root):
    composed, results = experiment(root), root / "results" / "demo"
    kept = ["train_classifier/m1", "propose_regions/p2", "train_detector/d1", "evaluate_ensemble"]
    former = ["predict_crops/m99", "propose_regions/p3", "train_classifier/m99"]
    for job in kept + former:
        write_json(results / job / "metrics.json", {})
        write_json(results / "runs" / f"{job}.json", {})
    (results / "train_classifier" / "note.txt").write_text("mine")
    removed = remove_former_jobs(composed)
    assert sorted(str(path.relative_to(results)) for path in removed) == former
    for job in kept:
        assert (results / job / "metrics.json").exists() and (results / "runs" / f"{job}.json").exists()
    for job in former:
        assert not (results / job).exists() and not (results / "runs" / f"{job}.json").exists()
    assert (results / "train_classifier" / "note.txt").exists()
    assert remove_former_jobs(composed) == []


def test_jobs_of_a_stage_that_is_left_out_are_former(root):
    results = root / "results" / "demo"
    write_json(results / "train_detector" / "d1" / "metrics.json", {})
    write_json(results / "evaluate_detection" / "metrics.json", {})
    override(root, "{detection: {enabled: false}}")
    composed = experiment(root)
    assert [path.name for path in remove_former_jobs(composed)] == ["d1", "evaluate_detection"]
    assert list((results / "evaluate_detection").iterdir()) == []  # DVC wants the folder itself
    assert remove_former_jobs(composed) == []
