"""conf/: every experiment composes, and every mistake in it is told in one line."""

import re

import pytest

from conf_copy import ROOT, copied, edit, override
from googlenet import config
from googlenet.errors import UserError

CONF = ROOT / "conf"
EXPERIMENTS = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))


@pytest.fixture
def root(tmp_path):
    return copied(tmp_path)


def told(root, experiment=""):
    """The one line that composing and resolving ends with."""
    with pytest.raises(UserError) as raised:
        list(config.files(config.compose(root, experiment)))
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_composes(experiment):
    settings = config.compose(ROOT, experiment)
    contents = dict(config.files(settings))
    assert len(contents) == sum(len(settings.jobs(stage)) for stage in settings.stages) > 5
    assert not [path for path, content in contents.items() if b"${" in content]


def test_the_papers_setting_is_the_papers():
    settings = config.compose(ROOT, "ilsvrc2014")
    jobs = [settings.resolved(job) for job in settings.jobs("train_classifier")]
    train, model = jobs[0], jobs[0]["model"]
    assert (train["momentum"], train["drop_factor"], train["drop_every_epochs"]) == (0.9, 0.96, 8)
    assert (train["aux_weight"], model["aux_dropout"], model["dropout"]) == (0.3, 0.7, 0.4)
    assert (model["width"], model["input_px"], train["sampling"]["area"]) == (1.0, 224, [0.08, 1.0])
    assert (len(jobs), len(settings.jobs("train_detector"))) == (7, 6)
    assert len({job["member"]["init_seed"] for job in jobs}) == 1  # the seven share their initial weights
    assert len({job["member"]["order_seed"] for job in jobs}) == 7
    assert settings.tree.predict_crops.policies == [1, 10, 144]
    assert settings.tree.propose_regions.superpixel_scale == 2.0


@pytest.mark.parametrize("path", sorted((CONF / "experiment").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_experiment_file_opens_with_its_command(path):
    lines = path.read_text().splitlines()
    assert lines[0] == "# @package _global_" and lines[1].startswith("# snakemake --cores ")
    named = re.search(r"experiment=(\w+)", lines[1])
    assert (named[1] if named else "demo") == path.stem


# Mistakes. Each message names the file, the key, and the nearest right name.

TOP = r"\A(# @package _global_\n)"
IN_EXPERIMENT = [
    ("train_clasifier: {epochs: 3}", "unknown key 'train_clasifier'", "'train_classifier'"),
    ("measure_cost: {repeat: 3}", "unknown key 'measure_cost.repeat'", "'repeats'"),
    (
        "evaluate_ensemble: {resamples: many}",
        "'evaluate_ensemble.resamples' must be a whole number, not 'many'",
        "",
    ),
    ("evaluate_ensemble: {seed: 1.5}", "'evaluate_ensemble.seed' must be a whole number, not 1.5", ""),
    ("evaluate_ensemble: {seed: true}", "'evaluate_ensemble.seed' must be a whole number, not True", ""),
    ("evaluate_ensemble: {seed: }", "'evaluate_ensemble.seed' must be a whole number, not None", ""),
    ("evaluate_ensemble: 7", "'evaluate_ensemble' must be keys, not 7", ""),
    ("compute: {device: gpu}", "'compute.device' must be cpu or cuda, not 'gpu'", ""),
    (
        "evaluate_detection: {nms_iou: 3}",
        "'evaluate_detection.nms_iou' must be above 0, at most 1, not 3",
        "",
    ),
    ("predict_crops: {policies: [1, 11]}", "'predict_crops.policies' must be some of 1, 10, 144", ""),
    ("predict_crops: {per_crop_images: -1}", "'predict_crops.per_crop_images' must be 0 or more, not -1", ""),
    (
        "evaluate_ensemble: {calibration: {binning: equal}}",
        "'evaluate_ensemble.calibration.binning' must be equal_width or equal_mass, not 'equal'",
        "",
    ),
    (
        "study_crops: {budgets: [1, 2.5]}",
        "'study_crops.budgets' must be a list of whole numbers from 1, not [1, 2.5]",
        "",
    ),
    ("analyse_units: {of_member: m9}", "analyse_units.of_member: no 'm9'; known: m1, m2, ", ""),
    ("analyse_units: {clusters: 1}", "'analyse_units.clusters' must be at least 2, not 1", ""),
    ("detection: maybe", "'detection' must be true or false, not 'maybe'", ""),
]


@pytest.mark.parametrize(("line", "said", "near"), IN_EXPERIMENT, ids=[row[0] for row in IN_EXPERIMENT])
def test_mistakes_in_an_experiment_file(root, line, said, near):
    edit(root, "experiment/demo.yaml", TOP, rf"\1{line}\n")
    message = told(root)
    assert message.startswith(f"conf/experiment/demo.yaml: {said}")
    assert f"did you mean {near}?" in message or not near


IN_PROPOSALS = [
    ("{train_multibox: {init_from: m9}}", "train_multibox.init_from: no 'm9'; known: m1, m2, "),
    ("{train_multibox: {head: gird}}", "'train_multibox.head' must be flat or grid, not 'gird'"),
    (
        "{train_multibox: {crop_area: [0.5, 1.5]}}",
        "'train_multibox.crop_area' must be two numbers above 0, up to 1, not [0.5, 1.5]",
    ),
    ("{train_multibox: {crop_aspect: [1.0]}}", "'train_multibox.crop_aspect' must be two numbers above 0"),
    ("{merge_proposals: {multibox_boxes: -1}}", "'merge_proposals.multibox_boxes' must be 0 or more, not -1"),
    (
        "{study_proposals: {compare: {images: 0}}}",
        "'study_proposals.compare.images' must be at least 1, not 0",
    ),
]


@pytest.mark.parametrize(("text", "said"), IN_PROPOSALS, ids=[row[0] for row in IN_PROPOSALS])
def test_mistakes_in_what_is_proposed(root, text, said):
    override(root, text)
    assert told(root).startswith(f"params.yaml: {said}")


def test_the_trunk_of_multibox_is_not_asked_for_where_it_is_left_out(root):
    override(root, "{train_multibox: {init_from: m9}, merge_proposals: {multibox_boxes: 0}}")
    stages = config.compose(root).stages
    assert "train_multibox" not in stages and "merge_proposals" in stages


IN_OVERRIDES = [
    (
        "{train_classifier: {epoch: 8}}",
        "unknown key 'overrides.train_classifier.epoch'; did you mean 'epochs'?",
    ),
    ("{train: 8}", "unknown key 'overrides.train'"),
    ("{model: {width: wide}}", "'overrides.model.width' must be a number, not 'wide'"),
    ("{dataset: digits_tiny}", "'overrides.dataset' must be keys, not 'digits_tiny'"),
    (
        "{train_classifier: {averaging: {dekay: 0.5}}}",
        "unknown key 'overrides.train_classifier.averaging.dekay'",
    ),
    ("[train_classifier]", "'overrides' must be keys"),
]


@pytest.mark.parametrize(("text", "said"), IN_OVERRIDES, ids=[row[0] for row in IN_OVERRIDES])
def test_mistakes_in_params(root, text, said):
    override(root, text)
    assert told(root).startswith(f"params.yaml: {said}")


def test_a_value_that_params_gets_wrong_is_not_blamed_on_the_experiment_alone(root):
    override(root, "{compute: {device: gpu}}")
    assert told(root).startswith("params.yaml: 'compute.device' must be")


IN_GROUPS = [
    ("dataset/digits.yaml", "mirror", "miror: true", "unknown key 'miror'; did you mean 'mirror'?"),
    (
        "dataset/digits.yaml",
        "mirror",
        "classification: {root: 3}",
        "'classification.root' must be a text, not 3",
    ),
    ("model/small.yaml", "width", "widht: 0.5", "unknown key 'widht'; did you mean 'width'?"),
    ("model/small.yaml", "width", "lrn: 1", "'lrn' must be true or false, not 1"),
]


@pytest.mark.parametrize(("file", "old", "line", "said"), IN_GROUPS, ids=[row[2] for row in IN_GROUPS])
def test_mistakes_in_a_groups_file(root, file, old, line, said):
    edit(root, file, rf"^{old}: .*$", line)
    if line.startswith("classification"):
        edit(root, file, r"^classification: \{reader.*$", "")
    assert told(root).startswith(f"conf/{file}: {said}")


IN_TABLES = [
    ("members", "{name: m8, smapling: area}", "ensemble.members.m8.smapling'; did you mean 'sampling'?"),
    (
        "members",
        "{name: m8, sampling: aera}",
        "ensemble.members.m8.sampling: no 'aera'; did you mean 'area'?",
    ),
    (
        "members",
        "{name: m8, weights: a, origin: bvlk}",
        "ensemble.members.m8.origin: no 'bvlk'; did you mean 'bvlc'?",
    ),
    ("members", "{name: m8, weights: 3}", "'ensemble.members.m8.weights' must be a text, not 3"),
    ("members", "{name: m8, width: wide}", "'ensemble.members.m8.width' must be a number, not 'wide'"),
    ("members", "{name: m3}", "ensemble.members has a row {'name': 'm3', "),
    ("members", "{order_seed: 8}", "ensemble.members has a row {'order_seed': 8}; every row needs a name"),
    ("members", "{name: m 8}", "every row needs a name of its own"),
    ("members", "m8", "ensemble.members has a row 'm8'; every row needs a name"),
    ("detectors", "{name: d7, init_from: m9}", "ensemble.detectors.d7.init_from: no 'm9'; known: m1, m2,"),
    ("detectors", "{name: d1}", "ensemble.detectors has a row {'name': 'd1', "),
    ("detectors", "{name: d7, init: m1}", "ensemble.detectors.d7.init'; did you mean 'init_from'?"),
]


@pytest.mark.parametrize(("table", "row", "said"), IN_TABLES, ids=[f"{row[0]} {row[1]}" for row in IN_TABLES])
def test_mistakes_in_the_tables(root, table, row, said):
    edit(root, "ensemble/paper.yaml", rf"^{table}:$", f"{table}:\n  - {row}")
    message = told(root)
    assert said in message and message.startswith("conf/ensemble")


def test_an_empty_table_is_told(root):
    edit(root, "experiment/demo.yaml", TOP, r"\1ensemble: {members: []}\n")
    assert "ensemble.members is empty" in told(root)


def test_an_unknown_experiment_is_told(root):
    said = "no experiment 'demmo' in conf/experiment; did you mean 'demo'?"
    assert said in told(root, "demmo")
    (root / "params.yaml").write_text("experiment: demmo\n")
    message = told(root)
    assert said in message and message.startswith("params.yaml")
    (root / "params.yaml").write_text("experimnt: demo\n")
    assert told(root) == "params.yaml: unknown key 'experimnt'; did you mean 'experiment'?"


def test_an_unknown_groups_file_is_told(root):
    edit(root, "experiment/demo.yaml", "override /dataset: digits$", "override /dataset: digit")
    message = told(root)
    assert message.startswith("conf/experiment/demo.yaml") and "dataset/digit" in message
    assert "digits" in message.replace("dataset/digit'", "")  # the nearest right name


@pytest.mark.parametrize(
    "file",
    ["params.yaml", "conf/experiment/demo.yaml", "conf/train_classifier.yaml", "conf/model/small.yaml"],
)
def test_what_is_not_yaml_names_file_and_line(root, file):
    path = root / file
    path.write_text("# first\nkey: [1, 2\nother: 3\n")
    assert re.search(rf"{file}: line [23] is not YAML", told(root))
    path.write_text("- a list\n")
    assert f"{file}: holds no keys" in told(root)


def test_a_missing_params_file_is_named(root):
    (root / "params.yaml").unlink()
    assert "params.yaml: not found" in told(root)


IN_STAGES = [
    ("train_classifier.yaml", "epochs", "epochs: ten", "train_classifier.epochs"),
    ("train_classifier.yaml", "epochs", "epoch: 10", "train_classifier.epoch"),
    ("compute.yaml", "device", "devise: cpu", "compute.devi"),
]


@pytest.mark.parametrize(("file", "old", "line", "key"), IN_STAGES, ids=[row[2] for row in IN_STAGES])
def test_mistakes_in_a_stages_file_are_no_traceback(root, file, old, line, key):
    edit(root, file, rf"^{old}: .*$", line)
    assert key in told(root, "ilsvrc2014")


def test_a_reference_to_nothing_is_told(root):
    edit(root, "score_regions.yaml", r"train_detector.context_px", "train_detector.contxt_px")
    message = told(root)
    assert message.startswith("conf/score_regions.yaml: ") and "train_detector.contxt_px" in message
