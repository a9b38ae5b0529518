"""Mistakes in an experiment and in params.yaml: one line that names the file, the key, and what it must be or the nearest right name."""

import re

import pytest

from conf_copy import copied, edit, override
from googlenet.config.problems import validated
from googlenet.config.schema.detection import ScoreRegions
from googlenet.config.sources import Layer, Where
from googlenet.errors import UserError
from googlenet.pipeline.experiment import experiment
from googlenet.pipeline.experiment_files import files
from settings import settings_of
from tables import quick


@pytest.fixture
def root(tmp_path):
    return copied(tmp_path)


def error_of(root, name=""):
    """The one line that composing and resolving ends with."""
    with pytest.raises(UserError) as raised:
        list(files(experiment(root, name)))
    assert "\n" not in str(raised.value)
    return str(raised.value)


TOP = r"\A(# @package _global_\n)"
IN_EXPERIMENT = [
    ("train_clasifier: {epochs: 3}", "unknown key 'train_clasifier'", "'train_classifier'"),
    ("measure_cost: {repeat: 3}", "unknown key 'measure_cost.repeat'", "'repeats'"),
    (
        "evaluate_ensemble: {resamples: many}",
        "'evaluate_ensemble.resamples' must be a whole number of at least 1, not 'many'",
        "",
    ),
    (
        "evaluate_ensemble: {seed: 1.5}",
        "'evaluate_ensemble.seed' must be a whole number of at least 0 and below 4294967296, not 1.5",
        "",
    ),
    (
        "evaluate_ensemble: {seed: true}",
        "'evaluate_ensemble.seed' must be a whole number of at least 0 and below 4294967296, not true",
        "",
    ),
    (
        "evaluate_ensemble: {seed: }",
        "'evaluate_ensemble.seed' must be a whole number of at least 0 and below 4294967296, not null",
        "",
    ),
    ("evaluate_ensemble: 7", "'evaluate_ensemble' must be keys, not 7", ""),
    ("evaluate_ensemble: [7]", "'evaluate_ensemble' must be keys, not [7]", ""),
    ("compute: {device: gpu}", "'compute.device' must be cpu or cuda, not 'gpu'", ""),
    (
        "evaluate_detection: {nms_iou: 3}",
        "'evaluate_detection.nms_iou' must be a number above 0 and at most 1, not 3",
        "",
    ),
    ("predict_crops: {policies: [1, 11]}", "'predict_crops.policies[1]' must be 1, 10 or 144, not 11", ""),
    ("predict_crops: {policies: [true]}", "'predict_crops.policies[0]' must be 1, 10 or 144, not true", ""),
    (
        "predict_crops: {policies: []}",
        "'predict_crops.policies' must be a list of at least one entry, each 1, 10 or 144, not []",
        "",
    ),
    (
        "predict_crops: {scales: [256, 288, 320]}",
        "'predict_crops.scales' must be a list of four whole numbers, not",
        "",
    ),
    (
        "predict_crops: {scales: [200, 256, 288, 320]}",
        "'predict_crops.scales' must be four whole numbers of 224 to 2240, none below the one before it, not [200, 256, 288, 320]",
        "",
    ),
    (
        "predict_crops: {per_crop_images: -1}",
        "'predict_crops.per_crop_images' must be a whole number of at least 1, not -1",
        "",
    ),
    (
        "evaluate_ensemble: {calibration: {binning: equal}}",
        "'evaluate_ensemble.calibration.binning' must be equal_width or equal_mass, not 'equal'",
        "",
    ),
    ("study_crops: {budgets: [1, 2.5]}", "'study_crops.budgets[1]' must be a whole number of at least 1, not 2.5", ""),
    (
        "propose_regions: {preset: opencv_fats}",
        "'propose_regions.preset' must be rcnn, opencv_fast or opencv_quality, not 'opencv_fats'",
        "",
    ),
    ("score_regions: {switches: [miror]}", "'score_regions.switches[0]' must be bbox_regression, ", "'mirror'"),
    ("analyse_units: {of_member: m9}", "analyse_units.of_member: no 'm9'; known: m1, m2, ", ""),
    ("analyse_units: {clusters: 1}", "'analyse_units.clusters' must be a whole number of at least 2, not 1", ""),
    ("detection: maybe", "'detection' must be keys, not 'maybe'", ""),
    ("detection: {enabled: maybe}", "'detection.enabled' must be true or false, not 'maybe'", ""),
    ("strict_versions: 1", "'strict_versions' must be true or false, not 1", ""),
]


@pytest.mark.long
@pytest.mark.parametrize(("line", "start", "near"), quick(IN_EXPERIMENT, 6), ids=[row[0] for row in IN_EXPERIMENT])
def test_mistakes_in_an_experiment_file(root, line, start, near):
    path = root / "conf/experiment/demo.yaml"
    given = line.split(":")[0]  # a key that the demo gives would be given twice
    path.write_text(re.sub(rf"^{given}:.*\n( .*\n)*", "", path.read_text(), flags=re.MULTILINE))
    edit(root, "experiment/demo.yaml", TOP, rf"\1{line}\n")
    message = error_of(root)
    assert message.startswith(f"conf/experiment/demo.yaml: {start}")
    assert f"did you mean {near}?" in message or not near


IN_PROPOSALS = [
    ("{train_multibox: {init_from: m9}}", "train_multibox.init_from: no 'm9'; known: m1, m2, "),
    ("{train_multibox: {head: gird}}", "'train_multibox.head' must be flat or grid, not 'gird'"),
    (
        "{train_multibox: {crop_area: [0.5, 1.5]}}",
        "'train_multibox.crop_area' must be two numbers above 0 and up to 1, the lower first, not [0.5, 1.5]",
    ),
    ("{train_multibox: {crop_aspect: [1.0]}}", "'train_multibox.crop_aspect' must be a list of two numbers, not [1.0]"),
    (
        "{train_multibox: {crop_aspect: [2, 1]}}",
        "'train_multibox.crop_aspect' must be two numbers above 0, the lower first, not [2, 1]",
    ),
    (
        "{merge_proposals: {multibox_boxes: -1}}",
        "'merge_proposals.multibox_boxes' must be a whole number of at least 1, not -1",
    ),
    (
        "{study_proposals: {compare: {images: 0}}}",
        "'study_proposals.compare.images' must be a whole number of at least 1, not 0",
    ),
]


@pytest.mark.parametrize(("text", "start"), IN_PROPOSALS, ids=[row[0] for row in IN_PROPOSALS])
def test_mistakes_in_what_is_proposed(root, text, start):
    override(root, text)
    assert error_of(root).startswith(f"params.yaml: {start}")


SWITCHES = "bbox_regression, context_feature, svm or mirror"
IN_SWITCHES = [
    (["miror"], [], f"switches[0]' must be {SWITCHES}, not 'miror'; did you mean 'mirror'?"),
    ([], [["svn"]], f"compare[0][0]' must be {SWITCHES}, not 'svn'; did you mean 'svm'?"),
    ([], [[3]], f"compare[0][0]' must be {SWITCHES}, not 3"),
    ([], ["mirror"], f"compare[0]' must be a list, each entry {SWITCHES}, not 'mirror'"),
    ("mirror", [], f"switches' must be a list, each entry {SWITCHES}, not 'mirror'"),
    (
        ["svm", "context_feature"],
        [],
        "switches' must be a list of at most one of context_feature and svm (each classifies the regions), not ",
    ),
    ([], [["svm", "context_feature"]], "compare[0]' must be a list of at most one of context_feature and svm"),
    ([], [["mirror", "mirror"]], "compare[0]' must be a list that names each switch once, not ['mirror', "),
    (
        ["mirror"],
        [["svm"], ["mirror"]],
        "compare[1]' must be a list that differs from score_regions.switches and from the lists before it, not ",
    ),
    (
        [],
        [["mirror", "svm"], ["svm", "mirror"]],
        "compare[1]' must be a list that differs from score_regions.switches and from the lists before it, not ",
    ),
    (
        [],
        [[]],
        "compare[0]' must be a list that differs from score_regions.switches and from the lists before it, not []",
    ),
]


@pytest.mark.parametrize(("switches", "compare", "words"), IN_SWITCHES, ids=[row[2][:60] for row in IN_SWITCHES])
def test_mistakes_in_the_switches(switches, compare, words):
    given = {"switches": switches, "compare": compare}
    where = Where([Layer("conf/experiment/demo.yaml", {"score_regions": given})])
    values = settings_of("score_regions").model_dump() | given
    with pytest.raises(UserError) as raised:
        validated(ScoreRegions, values, "score_regions", {"score_regions": values}, where)
    assert str(raised.value).startswith(f"conf/experiment/demo.yaml: 'score_regions.{words}")


IN_OVERRIDES = [
    ("{train_classifier: {epoch: 8}}", "unknown key 'train_classifier.epoch'; did you mean 'epochs'?"),
    ("{train: 8}", "unknown key 'train'"),
    ("{model: {width: wide}}", "'model.width' must be a number above 0, not 'wide'"),
    ("{dataset: digits_tiny}", "'dataset' must be keys, not 'digits_tiny'"),
    ("{model: {input_mean: {red: 1}}}", "'model.input_mean' must be a list, not {'red': 1}"),
    ("{train_classifier: {averaging: {dekay: 0.5}}}", "unknown key 'train_classifier.averaging.dekay'"),
    ("[train_classifier]", "'overrides' must be keys"),
    ("{sampling: {wide: {method: area}}}", "lacks the key 'sampling.wide.area'; add it"),
    ("{sampling: {area: {area: [0.5, 2]}}}", "'sampling.area.area' must be two numbers of at most 1, the lower first"),
    ("{origins: {bvlc: {formt: raw}}}", "unknown key 'origins.bvlc.formt'; did you mean 'format'?"),
]


@pytest.mark.parametrize(("text", "start"), IN_OVERRIDES, ids=[row[0] for row in IN_OVERRIDES])
def test_mistakes_in_params(root, text, start):
    override(root, text)
    assert error_of(root).startswith(f"params.yaml: {start}")


def test_the_data_set_in_params_is_not_that_of_another_experiment(root):
    """It would name the folder of its images, which the other one's would replace."""
    override(root, "{dataset: {name: flowers}}")
    assert experiment(root).dataset == experiment(root, "demo").dataset == "flowers"
    with pytest.raises(
        UserError, match=r"^params\.yaml: overrides\.dataset is for demo, not for photos; set experiment: photos"
    ):
        experiment(root, "photos")
    override(root, "{compute: {precision: fp32}}")
    experiment(root, "photos")


def test_a_value_that_params_gets_wrong_is_not_blamed_on_the_experiment_alone(root):
    override(root, "{compute: {device: gpu}}")
    assert error_of(root).startswith("params.yaml: 'compute.device' must be")
