"""conf/: every experiment composes, and every mistake in it gives one line."""

import re

import pytest

from conf_copy import ROOT, copied, edit, job_files, override
from googlenet.config.problems import validated
from googlenet.config.schema.classification import PredictCrops, TrainClassifier
from googlenet.config.schema.detection import ProposeRegions, ScoreRegions
from googlenet.config.sources import Layer, Where
from googlenet.errors import UserError
from googlenet.pipeline.experiment import Job, experiment, files
from settings import settings_of

CONF = ROOT / "conf"
EXPERIMENTS = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))


@pytest.fixture
def root(tmp_path):
    return copied(tmp_path)


def error_of(root, name=""):
    """The one line that composing and resolving ends with."""
    with pytest.raises(UserError) as raised:
        list(files(experiment(root, name)))
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_composes(name):
    composed = experiment(ROOT, name)
    contents = dict(files(composed))
    assert len(contents) == sum(len(composed.jobs(stage)) for stage in composed.stages) > 5
    assert not [path for path, content in contents.items() if b"${" in content]


def test_the_papers_setting_is_the_papers():
    composed = experiment(ROOT, "ilsvrc2014")
    jobs = [composed.settings(job, TrainClassifier) for job in composed.jobs("train_classifier")]
    train, model = jobs[0], jobs[0].model
    assert (train.momentum, train.drop_factor, train.drop_every_epochs) == (0.9, 0.96, 8)
    assert (train.aux_weight, model.aux_dropout, model.dropout) == (0.3, 0.7, 0.4)
    assert (model.width, model.input_px, train.sampling.area) == (1.0, 224, (0.08, 1.0))
    assert (len(jobs), len(composed.jobs("train_detector"))) == (7, 6)
    assert len({job.member.init_seed for job in jobs}) == 1  # the seven share their initial weights
    assert len({job.member.order_seed for job in jobs}) == 7
    assert composed.of(PredictCrops).policies == (1, 10, 144)
    assert composed.of(ProposeRegions).superpixel_scale == 2.0


@pytest.mark.parametrize("path", sorted((CONF / "experiment").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_experiment_file_opens_with_its_command(path):
    lines = path.read_text().splitlines()
    assert lines[0] == "# @package _global_" and lines[1].startswith("# snakemake --cores ")
    named = re.search(r"experiment=(\w+)", lines[1])
    assert (named[1] if named else "demo") == path.stem


# Mistakes. Each message names the file, the key, and what it must be or the nearest right name.

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
        "'evaluate_ensemble.seed' must be a whole number of at least 0, not 1.5",
        "",
    ),
    (
        "evaluate_ensemble: {seed: true}",
        "'evaluate_ensemble.seed' must be a whole number of at least 0, not true",
        "",
    ),
    (
        "evaluate_ensemble: {seed: }",
        "'evaluate_ensemble.seed' must be a whole number of at least 0, not null",
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
        "predict_crops: {per_crop_images: -1}",
        "'predict_crops.per_crop_images' must be a whole number of at least 1, not -1",
        "",
    ),
    (
        "evaluate_ensemble: {calibration: {binning: equal}}",
        "'evaluate_ensemble.calibration.binning' must be equal_width or equal_mass, not 'equal'",
        "",
    ),
    (
        "study_crops: {budgets: [1, 2.5]}",
        "'study_crops.budgets[1]' must be a whole number of at least 1, not 2.5",
        "",
    ),
    (
        "propose_regions: {preset: opencv_fats}",
        "'propose_regions.preset' must be rcnn, opencv_fast or opencv_quality, not 'opencv_fats'",
        "",
    ),
    (
        "score_regions: {switches: [miror]}",
        "'score_regions.switches[0]' must be bbox_regression, ",
        "'mirror'",
    ),
    ("analyse_units: {of_member: m9}", "analyse_units.of_member: no 'm9'; known: m1, m2, ", ""),
    (
        "analyse_units: {clusters: 1}",
        "'analyse_units.clusters' must be a whole number of at least 2, not 1",
        "",
    ),
    ("detection: maybe", "'detection' must be keys, not 'maybe'", ""),
    ("detection: {enabled: maybe}", "'detection.enabled' must be true or false, not 'maybe'", ""),
    ("strict_versions: 1", "'strict_versions' must be true or false, not 1", ""),
]


@pytest.mark.parametrize(("line", "start", "near"), IN_EXPERIMENT, ids=[row[0] for row in IN_EXPERIMENT])
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
    (
        "{train_multibox: {crop_aspect: [1.0]}}",
        "'train_multibox.crop_aspect' must be a list of two numbers, not [1.0]",
    ),
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
    (
        [],
        [["svm", "context_feature"]],
        "compare[0]' must be a list of at most one of context_feature and svm",
    ),
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


@pytest.mark.parametrize(
    ("switches", "compare", "words"), IN_SWITCHES, ids=[row[2][:60] for row in IN_SWITCHES]
)
def test_mistakes_in_the_switches(switches, compare, words):
    given = {"switches": switches, "compare": compare}
    where = Where([Layer("conf/experiment/demo.yaml", {"score_regions": given})])
    values = settings_of("score_regions").model_dump() | given
    with pytest.raises(UserError) as raised:
        validated(ScoreRegions, values, "score_regions", {"score_regions": values}, where)
    assert str(raised.value).startswith(f"conf/experiment/demo.yaml: 'score_regions.{words}")


def test_the_trunk_of_multibox_is_not_asked_for_where_it_is_left_out(root):
    override(root, "{train_multibox: {init_from: m9, enabled: false}}")
    stages = experiment(root).stages
    assert "train_multibox" not in stages and "merge_proposals" in stages


IN_OVERRIDES = [
    ("{train_classifier: {epoch: 8}}", "unknown key 'train_classifier.epoch'; did you mean 'epochs'?"),
    ("{train: 8}", "unknown key 'train'"),
    ("{model: {width: wide}}", "'model.width' must be a number above 0, not 'wide'"),
    ("{dataset: digits_tiny}", "'dataset' must be keys, not 'digits_tiny'"),
    ("{model: {input_mean: {red: 1}}}", "'model.input_mean' must be a list, not {'red': 1}"),
    ("{train_classifier: {averaging: {dekay: 0.5}}}", "unknown key 'train_classifier.averaging.dekay'"),
    ("[train_classifier]", "'overrides' must be keys"),
    ("{sampling: {wide: {method: area}}}", "lacks the key 'sampling.wide.area'; add it"),
    (
        "{sampling: {area: {area: [0.5, 2]}}}",
        "'sampling.area.area' must be two numbers of at most 1, the lower first",
    ),
    ("{origins: {bvlc: {formt: raw}}}", "unknown key 'origins.bvlc.formt'; did you mean 'format'?"),
]


@pytest.mark.parametrize(("text", "start"), IN_OVERRIDES, ids=[row[0] for row in IN_OVERRIDES])
def test_mistakes_in_params(root, text, start):
    override(root, text)
    assert error_of(root).startswith(f"params.yaml: {start}")


def test_a_value_that_params_gets_wrong_is_not_blamed_on_the_experiment_alone(root):
    override(root, "{compute: {device: gpu}}")
    assert error_of(root).startswith("params.yaml: 'compute.device' must be")


IN_GROUPS = [
    ("dataset/digits.yaml", "mirror", "miror: true", "unknown key 'dataset.miror'; did you mean 'mirror'?"),
    (
        "dataset/digits.yaml",
        "mirror",
        "classification: {root: 3}",
        "'dataset.classification.root' must be text, not 3",
    ),
    ("model/small.yaml", "width", "widht: 0.5", "unknown key 'model.widht'; did you mean 'width'?"),
    ("model/small.yaml", "width", "lrn: 1", "'model.lrn' must be true or false, not 1"),
]


@pytest.mark.parametrize(("file", "old", "line", "start"), IN_GROUPS, ids=[row[2] for row in IN_GROUPS])
def test_mistakes_in_a_groups_file(root, file, old, line, start):
    edit(root, file, rf"^{old}: .*$", line)
    if line.startswith("classification"):
        edit(root, file, r"^classification: \{reader.*$", "")
    assert error_of(root).startswith(f"conf/{file}: {start}")


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
    ("members", "{name: m8, weights: 3}", "'ensemble.members.m8.weights' must be text, not 3"),
    (
        "members",
        "{name: m8, width: wide}",
        "'ensemble.members.m8.width' must be a number above 0, not 'wide'",
    ),
    ("members", "{name: m3}", "'ensemble.members.m3.name' must be a name that no other row has, not 'm3'"),
    ("members", "{order_seed: 8}", "lacks the key 'ensemble.members[0].name'; add it"),
    ("members", "{name: m 8}", "'ensemble.members.m 8.name' must be a name of letters, digits and _ "),
    ("members", "{name: 8m}", "'ensemble.members.8m.name' must be a name of letters, digits and _ "),
    ("members", "m8", "'ensemble.members[0]' must be keys, not 'm8'"),
    ("detectors", "{name: d7, init_from: m9}", "ensemble.detectors.d7.init_from: no 'm9'; known: m1, m2,"),
    (
        "detectors",
        "{name: d1}",
        "'ensemble.detectors.d1.name' must be a name that no other row has, not 'd1'",
    ),
    ("detectors", "{name: d7, init: m1}", "ensemble.detectors.d7.init'; did you mean 'init_from'?"),
]


@pytest.mark.parametrize(
    ("table", "row", "words"), IN_TABLES, ids=[f"{row[0]} {row[1]}" for row in IN_TABLES]
)
def test_mistakes_in_the_tables(root, table, row, words):
    edit(root, "ensemble/paper.yaml", rf"^{table}:$", f"{table}:\n  - {row}")
    message = error_of(root)
    assert words in message and message.startswith("conf/ensemble/paper.yaml: ")


IN_DEFAULTS = [
    ("width: 1.0,", "width: wide,", "'ensemble.member_defaults.width' must be a number above 0, not 'wide'"),
    ("width: 1.0,", "", "lacks the key 'ensemble.member_defaults.width'; add it"),
    (
        "init_from: m1, order_seed: 0",
        "init: m1",
        "unknown key 'ensemble.detector_defaults.init'; did you mean",
    ),
]


@pytest.mark.parametrize(("old", "new", "start"), IN_DEFAULTS, ids=[row[2] for row in IN_DEFAULTS])
def test_mistakes_in_the_defaults_of_the_tables(root, old, new, start):
    edit(root, "ensemble/paper.yaml", old, new)
    assert error_of(root).startswith(f"conf/ensemble/paper.yaml: {start}")


def test_an_empty_table_is_refused(root):
    edit(root, "experiment/demo.yaml", TOP, r"\1ensemble: {members: []}\n")
    line = "conf/experiment/demo.yaml: 'ensemble.members' must be a list of rows, at least one, not []"
    assert error_of(root) == line


def test_an_unknown_experiment_gives_the_nearest(root):
    words = "no experiment 'demmo' in conf/experiment; did you mean 'demo'?"
    assert words in error_of(root, "demmo")
    (root / "params.yaml").write_text("experiment: demmo\n")
    message = error_of(root)
    assert words in message and message.startswith("params.yaml")
    (root / "params.yaml").write_text("experimnt: demo\n")
    assert error_of(root) == "params.yaml: unknown key 'experimnt'; did you mean 'experiment'?"


def test_an_experiment_may_be_named_by_a_number(root):
    """In params.yaml in quotes; `--config experiment=2014` comes as a number, and goes on as text."""
    (root / "conf/experiment/demo.yaml").rename(root / "conf/experiment/2014.yaml")
    (root / "params.yaml").write_text('experiment: "2014"\n')
    chosen, asked = job_files(root), job_files(root, str(2014))
    assert chosen == asked and chosen["train_classifier/m1"]["experiment"] == "2014"
    assert (
        experiment(root).config_path("train_classifier", "m1")
        == "results/2014/config/train_classifier/m1.json"
    )
    (root / "params.yaml").write_text("experiment: 2014\n")
    quotes = "put text that YAML reads as a number or a boolean in quotes"
    assert error_of(root) == f"params.yaml: 'experiment' must be text, not 2014; {quotes}"


def test_a_groups_file_may_be_named_by_a_number(root):
    (root / "conf/dataset/digits.yaml").rename(root / "conf/dataset/2014.yaml")
    edit(root, "experiment/demo.yaml", "override /dataset: digits", 'override /dataset: "2014"')
    assert job_files(root)["prepare_detection/all"]["experiment"] == "digits"


def test_an_unknown_groups_file_gives_the_nearest(root):
    edit(root, "experiment/demo.yaml", "override /dataset: digits$", "override /dataset: digit")
    assert error_of(root) == "conf/experiment/demo.yaml: no conf/dataset/digit.yaml; did you mean 'digits'?"
    edit(root, "experiment/demo.yaml", "override /dataset: digit$", "override /dataset: digits")
    edit(root, "dataset/digits.yaml", r"\[full, _self_\]", "[fall, _self_]")
    assert error_of(root) == "conf/dataset/digits.yaml: no conf/dataset/fall.yaml; did you mean 'full'?"
    edit(root, "dataset/digits.yaml", r"\[fall, _self_\]", "[full, _self_]")
    edit(root, "config.yaml", "  - compute$", "  - computes")
    assert error_of(root) == "conf/config.yaml: no conf/computes.yaml; did you mean 'compute'?"


@pytest.mark.parametrize(
    "file",
    ["params.yaml", "conf/experiment/demo.yaml", "conf/train_classifier.yaml", "conf/model/small.yaml"],
)
def test_what_is_not_yaml_names_file_and_line(root, file):
    path = root / file
    path.write_text("# first\nkey: [1, 2\nother: 3\n")
    assert re.search(rf"{file}: line [23] is not YAML", error_of(root))
    path.write_text("- a list\n")
    assert f"{file}: holds no keys" in error_of(root)


def test_a_missing_params_file_is_named(root):
    (root / "params.yaml").unlink()
    assert "params.yaml: not found" in error_of(root)


IN_STAGES = [
    ("train_classifier.yaml", "epochs", "epochs: ten", "'train_classifier.epochs' must be a whole number"),
    (
        "train_classifier.yaml",
        "epochs",
        "epoch: 10",
        "unknown key 'train_classifier.epoch'; did you mean 'epochs'?",
    ),
    ("train_classifier.yaml", "momentum", "", "lacks the key 'train_classifier.momentum'; add it"),
    ("compute.yaml", "device", "devise: cpu", "unknown key 'compute.devise'; did you mean 'device'?"),
    ("config.yaml", "about", "abuot: text", "unknown key 'abuot'; did you mean 'about'?"),
]


@pytest.mark.parametrize(("file", "old", "line", "start"), IN_STAGES, ids=[row[3] for row in IN_STAGES])
def test_mistakes_in_a_default_name_its_file(root, file, old, line, start):
    edit(root, file, rf"^{old}: .*$", line)
    assert error_of(root, "ilsvrc2014").startswith(f"conf/{file}: {start}")


def test_a_section_that_is_not_there_is_named(root):
    edit(root, "config.yaml", "  - compute\n", "")
    assert error_of(root) == "conf/config.yaml: lacks the key 'compute'; add it"


REFERENCES = [
    ("score_regions.yaml", r"train_detector.context_px", "train_detector.contxt_px"),
    ("evaluate_ensemble.yaml", r"^seed: 1", "seed: ${member.order_seed}"),  # it has no member
    ("evaluate_ensemble.yaml", r"^seed: 1", "seed: ${members}"),
]


@pytest.mark.parametrize(("file", "old", "new"), REFERENCES, ids=[row[2] for row in REFERENCES])
def test_a_reference_to_nothing_names_file_and_key(root, file, old, new):
    edit(root, file, old, new)
    message = error_of(root)
    assert message.startswith(f"conf/{file}: '{file.removesuffix('.yaml')}.")
    assert "Interpolation key" in message and "; refer to a key that exists" in message


def test_a_whole_number_serves_where_a_number_does(root):
    before = job_files(root)
    edit(root, "ensemble/paper.yaml", "width: 1.0", "width: 1")
    edit(root, "train_detector.yaml", r"^learning_rate: 0.001", "learning_rate: 1e-3")
    edit(root, "experiment/demo.yaml", r"learning_rate: 0.02", "learning_rate: 2E-2")
    assert job_files(root) == before
    assert experiment(root).settings(Job("train_classifier", "m1"), TrainClassifier).learning_rate == 0.02


@pytest.mark.parametrize("number", ["1e-3", "1E-3", "1.e-3", ".1e-2", "0.001", "+1e-3", "10e-4"])
def test_a_number_may_be_written_in_any_notation(root, number):
    """Also in params.yaml, which Hydra does not read."""
    override(root, f"{{train_classifier: {{learning_rate: {number}}}}}")
    given = experiment(root).settings(Job("train_classifier", "m1"), TrainClassifier)
    edit(root, "experiment/demo.yaml", r"^  learning_rate: 0.02", f"  learning_rate: {number}")
    (root / "params.yaml").write_text("experiment: demo\n")
    assert given == experiment(root).settings(Job("train_classifier", "m1"), TrainClassifier)
    assert given.learning_rate == 0.001


def test_nothing_depends_on_the_order_of_the_rows(root):
    before = job_files(root)
    path = root / "conf/ensemble/paper.yaml"
    lines = path.read_text().splitlines()
    for kind in "md":
        rows = [number for number, line in enumerate(lines) if line.startswith(f"  - {{name: {kind}")]
        shuffled = [lines[number] for number in (*rows[3:], *reversed(rows[:3]))]
        for number, line in zip(rows, shuffled, strict=True):
            lines[number] = line
    path.write_text("\n".join(lines))
    assert "- {name: m4" in path.read_text().split("members:\n")[1].splitlines()[0]
    assert job_files(root) == before
