"""What stops a real run before its first job: data, weights and a GPU that are not there, settings without sense."""

import socket

import pytest

from conf_copy import copied, edit, override
from googlenet.errors import UserError
from googlenet.pipeline.experiment import experiment
from googlenet.planning import preflight
from googlenet.storage.files import write_json


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return copied(tmp_path)


def test_before_the_first_job_the_world_is_looked_at(root):
    preflight.check(experiment(root), local=True)
    with pytest.raises(UserError, match=r"^dataset\.classification\.root: "):
        preflight.check(experiment(root, "photos"), local=True)
    override(root, "{sampling: {scale_jitter: {interpolation: cubics}}}")
    with pytest.raises(UserError, match=r"'sampling\.scale_jitter\.interpolation' must be .*'cubic'"):
        experiment(root)


def test_the_module_that_is_analysed_has_one_above_it(root):
    override(root, "{analyse_units: {module: 5b}}")
    with pytest.raises(UserError, match=r"analyse_units\.module: no module '5b' with a module above it"):
        preflight.check(experiment(root), local=True)
    override(root, "{analyse_units: {module: 5b}, model: {repeat_modules: [5b]}}")
    preflight.check(experiment(root), local=True)
    override(root, "{analyse_units: {module: 5b, enabled: false}}")
    preflight.check(experiment(root), local=True)


def test_the_module_that_the_trunk_ends_at_is_one_of_the_members(root):
    override(root, "{train_multibox: {last: 5c}}")
    with pytest.raises(UserError, match=r"^train_multibox\.last: no module '5c'"):
        preflight.check(experiment(root), local=True)
    override(root, "{train_multibox: {last: 5c, enabled: false}}")
    preflight.check(experiment(root), local=True)
    override(root, "{train_multibox: {last: 5b_2}, model: {repeat_modules: [5b]}}")
    preflight.check(experiment(root), local=True)


def of_torchvision(root, member):
    """Make a member torchvision's variant, with a file of weights that is there."""
    (root / "weights.pth").touch()
    row = f"name: {member}, weights: {root}/weights.pth, origin: torchvision}}"
    edit(root, "ensemble/paper.yaml", rf"name: {member}, .*\}}", row)


def test_torchvisions_variant_is_no_trunk(root):
    of_torchvision(root, "m2")
    edit(root, "ensemble/paper.yaml", r"init_from: m2", "init_from: m3")
    edit(root, "train_multibox.yaml", r"^init_from: m1", "init_from: m2")
    with pytest.raises(UserError, match=r"^train_multibox\.init_from: m2 is torchvision's network, which is no trunk"):
        preflight.check(experiment(root), local=True)


def test_prepared_data_need_no_source(root):
    for kind in ("classification", "detection"):
        write_json(root / "data" / kind / "photos" / "manifest.json", {})
    preflight.check(experiment(root, "photos"), local=True)


def test_a_gpu_that_is_not_there_is_named_where_it_counts(root, monkeypatch):
    override(root, "{compute: {device: cuda}}")
    composed = experiment(root)
    monkeypatch.setattr(preflight.Path, "exists", lambda path: path.name == "manifest.json")
    with pytest.raises(UserError, match=r"compute\.device: cuda .* no NVIDIA GPU; set cpu"):
        preflight.check(composed, local=True)
    preflight.check(composed, local=False)


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
        preflight.check(composed, local=True)
    write_json(root / "results/demo/import_weights/replica/metrics.json", {})  # imported already
    preflight.check(composed, local=True)


def test_an_origin_of_unknown_classes_is_named_before_the_first_job(root):
    (root / "weights.caffemodel").touch()
    composed = imported(root, ", origins: {bvlc: {classes: ilsvrc2013}}")
    message = r"classes 'ilsvrc2013' is neither a file of names nor a known order; did you mean 'ils"
    with pytest.raises(UserError, match=rf"^ensemble\.members\.replica\.weights: its origin.*{message}"):
        preflight.check(composed, local=True)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
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
        preflight.check(experiment(root), local=True)


def test_a_detector_does_not_start_from_torchvisions_variant(root):
    of_torchvision(root, "m2")
    with pytest.raises(UserError, match=r"^ensemble\.detectors\.d2\.init_from: m2 is torchvision's variant"):
        preflight.check(experiment(root), local=True)
    override(root, "{detection: {enabled: false}}")
    preflight.check(experiment(root), local=True)


def test_a_wrong_address_of_mlflow_is_named_before_the_first_job(root, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(UserError, match=f"^MLFLOW_TRACKING_URI: {address}: no answer; start or mend that server"):
        preflight.check(experiment(root), local=True)
