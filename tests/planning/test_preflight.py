"""What stops a real run before its first job: data, weights and a GPU that are not there, settings without sense."""

import socket

import pytest

from conf_copy import copied, edit, every_job, override
from googlenet.errors import UserError
from googlenet.pipeline.experiment import Job, experiment
from googlenet.pipeline.experiment_files import write_configs
from googlenet.planning import preflight
from googlenet.storage.files import sha256, write_json
from run_records import made_by


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return copied(tmp_path)


def checked(composed):
    """Check an experiment of which all jobs will run."""
    preflight.check(composed, every_job(composed), local=True)


def test_before_the_first_job_the_world_is_looked_at(root):
    checked(experiment(root))
    with pytest.raises(UserError, match=r"^dataset\.classification\.root: "):
        checked(experiment(root, "photos"))
    override(root, "{sampling: {scale_jitter: {interpolation: cubics}}}")
    with pytest.raises(UserError, match=r"'sampling\.scale_jitter\.interpolation' must be .*'cubic'"):
        experiment(root)


def test_what_exports_need_is_installed(root, monkeypatch):
    monkeypatch.setattr("googlenet.models.export.util.find_spec", lambda name: None if name == "onnx" else name)
    line = r"measure_export\.formats: onnx needs onnx; run `pip install onnx`, or leave it out"
    with pytest.raises(UserError, match=line):
        checked(experiment(root))
    override(root, "{measure_export: {formats: [openvino]}}")
    checked(experiment(root))


def test_real_replicas_need_ray(root, monkeypatch):
    monkeypatch.setattr(
        "googlenet.models.updates.asynchronous_ray.util.find_spec", lambda name: None if name == "ray" else name
    )
    checked(experiment(root))  # its replicas are none
    row = "{name: real, changes: {train_classifier: {update: asynchronous_ray}}}"
    override(root, f"{{ablations: {{seeds: [1, 2], rows: [{row}]}}}}")
    line = "asynchronous_ray needs ray, which is not installed; run `pip install ray`"
    with pytest.raises(UserError, match=line):
        checked(experiment(root))
    preflight.check(experiment(root), {Job("train_classifier", "m1")}, local=False)  # does not train that row
    override(root, "{train_classifier: {update: asynchronous_ray}}")
    with pytest.raises(UserError, match=line):
        preflight.check(experiment(root), {Job("train_structure", "derived_1")}, local=False)


def test_the_module_that_is_analysed_has_one_above_it(root):
    override(root, "{analyse_units: {module: 5b}}")
    with pytest.raises(UserError, match=r"analyse_units\.module: no module '5b' with a module above it"):
        checked(experiment(root))
    override(root, "{analyse_units: {module: 5b}, model: {repeat_modules: [5b]}}")
    checked(experiment(root))
    override(root, "{analyse_units: {module: 5b, enabled: false}}")
    checked(experiment(root))


def test_the_module_that_the_trunk_ends_at_is_one_of_the_members(root):
    override(root, "{train_multibox: {last: 5c}}")
    with pytest.raises(UserError, match=r"^train_multibox\.last: no module '5c'"):
        checked(experiment(root))
    override(root, "{train_multibox: {last: 5c, enabled: false}}")
    checked(experiment(root))
    override(root, "{train_multibox: {last: 5b_2}, model: {repeat_modules: [5b]}}")
    checked(experiment(root))


def of_torchvision(root, member):
    """Make a member torchvision's variant, with a file of weights that is there."""
    (root / "weights.pth").touch()
    row = f"name: {member}, weights: {root}/weights.pth, origin: torchvision}}"
    edit(root, "ensemble/paper.yaml", rf"name: {member}, .*\}}", row)


def test_torchvisions_variant_is_no_trunk(root):
    of_torchvision(root, "m2")
    edit(root, "ensemble/paper.yaml", r"init_from: m2", "init_from: m3")
    edit(root, "train_multibox.yaml", r"^init_from: m1", "init_from: m2")
    with pytest.raises(
        UserError, match=r"^train_multibox\.init_from: m2 is torchvision's network, which cannot be a trunk"
    ):
        checked(experiment(root))


def test_prepared_data_need_no_source(root):
    composed = experiment(root, "photos")
    jobs = {job for job in every_job(composed) if not job.stage.startswith("prepare_")}
    preflight.check(composed, jobs, local=True)


PREPARE = Job("prepare_classification", "all")


def test_a_source_that_will_be_read_is_looked_at_whatever_results_are_there(root):
    composed = experiment(root, "photos")
    write_json(root / "data/classification/photos/manifest.json", {})
    with pytest.raises(UserError, match=r"^dataset\.classification\.root: not set; [^`]*$"):
        preflight.check(composed, {PREPARE}, local=True)


def test_prepared_data_that_dvc_may_have_are_a_way_out(root):
    composed = experiment(root, "photos")
    (root / "dvc.lock").write_text("stages:\n  any:\n    outs:\n    - path: data/classification\n")
    named, unnamed = preflight.missing_sources(composed, every_job(composed))
    assert str(named).startswith("dataset.classification.root: not set; ")
    assert str(named).endswith("; or bring back what dvc.lock lists of data/classification: `make restore`")
    assert str(unnamed).startswith("dataset.detection.root: not set; ") and "restore" not in str(unnamed)


def test_a_job_is_due_until_a_run_of_its_present_file_is_recorded(root):
    composed = experiment(root, "photos")
    write_configs(composed)
    assert preflight.due(composed) == {PREPARE, Job("prepare_detection", "all")}
    ran = made_by(sha256(root / composed.config_path(*PREPARE)))
    write_json(root / "data/runs/photos/prepare_classification/all.json", ran.to_json())
    assert preflight.due(composed) == {Job("prepare_detection", "all")}
    edit(root, "dataset/photos.yaml", "reader: class_folders", "reader: class_folders, min_side_px: 7")
    changed = experiment(root, "photos")
    write_configs(changed)
    assert PREPARE in preflight.due(changed)


def test_a_gpu_that_is_not_there_is_named_where_it_counts(root, monkeypatch):
    override(root, "{compute: {device: cuda}}")
    composed = experiment(root)
    monkeypatch.setattr(preflight.Path, "exists", lambda path: False)
    with pytest.raises(UserError, match=r"compute\.device: cuda .* no NVIDIA GPU; set cpu"):
        checked(composed)
    preflight.check(composed, every_job(composed), local=False)
    preflight.check(composed, [Job("evaluate_detection", "all"), Job("make_report", "all")], local=True)


def imported(root, more="", origin="bvlc", path="weights.caffemodel"):
    """An experiment of one imported member, on the embedded digits."""
    row = f"{{name: replica, weights: {root / path}, origin: {origin}}}"
    override(
        root,
        f"{{ensemble: {{members: [{row}]}}, detection: {{enabled: false}}, train_baseline: {{enabled: false}}{more}}}",
    )
    return experiment(root)


@pytest.mark.parametrize(
    ("make", "origin", "message"),
    [
        (lambda path: None, "bvlc", r"replica\.weights: no file or folder .*weights\.caffemodel; fetch the weights or"),
        (
            lambda path: path.mkdir(),
            "bvlc",
            r"replica\.weights: .* is a folder, which the format caffemodel is not; give the",
        ),
        (
            lambda path: path.touch(),
            "bvlc_raw",
            r"replica\.weights: .* is a file, which the format raw_float32 is not; give",
        ),
    ],
)
def test_weights_that_are_not_there_are_named_before_the_first_job(root, make, origin, message):
    make(root / "weights.caffemodel")
    composed = imported(root, origin=origin)
    with pytest.raises(UserError, match=rf"^ensemble\.members\.{message}"):
        checked(composed)
    write_json(root / "results/demo/import_weights/replica/metrics.json", {})  # of other settings
    with pytest.raises(UserError, match=rf"^ensemble\.members\.{message}"):
        preflight.check(composed, {Job("import_weights", "replica")}, local=True)
    preflight.check(composed, every_job(composed) - {Job("import_weights", "replica")}, local=True)


def test_an_origin_of_unknown_classes_is_named_before_the_first_job(root):
    (root / "weights.caffemodel").touch()
    composed = imported(root, ", origins: {bvlc: {classes: ilsvrc2013}}")
    message = r"classes 'ilsvrc2013' is neither a file of names nor a known order; did you mean 'ils"
    with pytest.raises(UserError, match=rf"^ensemble\.members\.replica\.weights: its origin.*{message}"):
        checked(composed)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (
            "format: bvlc_raw",
            "format' must be caffemodel, raw_float32, torchvision or checkpoint, not 'bvlc_raw', which is the name of 'origins.bvlc_raw', whose format is 'raw_float32'",
        ),
        ("format: caffe", "format' must be caffemodel, raw_float32, torchvision or checkpoint, not 'caffe'; did you"),
        ("channel_order: bgra", "channel_order' must be rgb or bgr, not 'bgra'"),
        ("input_mean: [104.0]", "input_mean' must be a list of three numbers, not [104.0]"),
    ],
)
def test_an_origin_that_makes_no_sense_is_a_wrong_setting(root, keys, words):
    with pytest.raises(UserError) as raised:
        imported(root, f", origins: {{bvlc: {{{keys}}}}}")
    assert str(raised.value).startswith(f"params.yaml: 'origins.bvlc.{words}")


def test_training_without_training_images_is_named_before_the_first_job(root):
    splits = "{dataset: {classification: {reader: class_folders, splits: {train: '', validation: ''}}}"
    override(root, f"{splits}}}")
    with pytest.raises(
        UserError, match=r"^dataset\.classification\.splits\.train: not set, and this experiment trains"
    ):
        checked(experiment(root))


ALONE = """{splits: {train: '', validation: '', test: test}, validation_per_class: 0}"""
IMPORTED = "ensemble: {members: [{name: m1, weights: w.caffemodel, origin: bvlc}]}, train_baseline: {enabled: false}"


@pytest.mark.parametrize(
    ("stage", "line"),
    [
        ("train_ablation", "classification.splits.train: not set, and train_ablation trains; name"),
        ("train_structure", "classification.splits.train: not set, and train_structure trains; name"),
        ("measure_export", "measure_export.formats: onnx_int8 needs validation images, and there are none"),
        ("analyse_units", "analyse_units.split: this data set has no"),
    ],
)
def test_a_data_set_of_test_images_alone_is_not_enough_for_these(root, stage, line):
    override(root, f"{{detection: {{enabled: false}}, dataset: {{classification: {ALONE}}}, {IMPORTED}}}")
    composed = experiment(root)
    with pytest.raises(UserError, match=line):
        preflight.check(composed, {job for job in every_job(composed) if job.stage == stage}, local=True)


def test_an_ablations_micro_batches_are_shared_out_as_well(root):
    row = "{name: halves, changes: {train_classifier: {micro_batches: 2}}}"
    override(
        root,
        "{train_classifier: {micro_batches: 4}, execution: {processes_per_training: 4},"
        f" ablations: {{rows: [{row}]}}}}",
    )
    with pytest.raises(
        UserError, match=r"^execution\.processes_per_training: 4 processes cannot share out the 2 micro"
    ):
        checked(experiment(root))
    override(root, f"{{ablations: {{rows: [{row.replace('2', '1')}]}}}}")
    checked(experiment(root))


def test_a_detector_does_not_start_from_torchvisions_variant(root):
    of_torchvision(root, "m2")
    with pytest.raises(UserError, match=r"^ensemble\.detectors\.d2\.init_from: m2 is torchvision's variant"):
        checked(experiment(root))
    override(root, "{detection: {enabled: false}}")
    checked(experiment(root))


def test_a_wrong_address_of_mlflow_is_named_before_the_first_job(root, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(UserError, match=f"^MLFLOW_TRACKING_URI: {address}: no answer; start or repair that server"):
        checked(experiment(root))
