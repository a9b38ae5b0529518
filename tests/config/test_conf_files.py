"""Mistakes in the files of conf/ but the experiment's: groups, tables, defaults, references, files that are not there."""

import re

import pytest
from hydra.errors import ConfigCompositionException
from omegaconf.errors import OmegaConfBaseException

from conf_copy import copied, edit
from googlenet.errors import UserError
from googlenet.pipeline.experiment import experiment
from googlenet.pipeline.experiment_files import files
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


def test_editors_files_are_not_read(root):
    for folder in ("", "dataset", "recipe", "experiment"):
        (root / "conf" / folder / ".r.yaml.swp").write_bytes(b"b0VIM \xff")
        (root / "conf" / folder / ".#digits.yaml").symlink_to("somebody@somewhere.1:2")
    assert list(files(experiment(root)))
    assert error_of(root, ".#digits").startswith("params.yaml or --config: no experiment '.#digits'")


IN_GROUPS = [
    ("dataset/digits.yaml", "mirror", "miror: true", "unknown key 'dataset.miror'; did you mean 'mirror'?"),
    ("dataset/digits.yaml", "mirror", "classification: {root: 3}", "'dataset.classification.root' must be text, not 3"),
    ("model/small.yaml", "width", "widht: 0.5", "unknown key 'model.widht'; did you mean 'width'?"),
    ("model/small.yaml", "width", "lrn: 1", "'model.lrn' must be true or false, not 1"),
]


@pytest.mark.parametrize(("file", "old", "line", "start"), quick(IN_GROUPS, 2), ids=[row[2] for row in IN_GROUPS])
def test_mistakes_in_a_groups_file(root, file, old, line, start):
    edit(root, file, rf"^{old}: .*$", line)
    if line.startswith("classification"):
        edit(root, file, r"^classification: \{reader.*$", "")
    assert error_of(root).startswith(f"conf/{file}: {start}")


IN_TABLES = [
    ("members", "{name: m8, smapling: area}", "ensemble.members.m8.smapling'; did you mean 'sampling'?"),
    ("members", "{name: m8, sampling: aera}", "ensemble.members.m8.sampling: no 'aera'; did you mean 'area'?"),
    ("members", "{name: m8, weights: a, origin: bvlk}", "ensemble.members.m8.origin: no 'bvlk'; did you mean 'bvlc'?"),
    (
        "members",
        "{name: m8, weights: a, origin: raw_float32}",
        "ensemble.members.m8.origin: 'raw_float32' is a format or a network, the one of bvlc_raw;",
    ),
    (
        "members",
        "{name: m8, weights: a, origin: torchvision_bn}",
        "is a format or a network, the one of torchvision and torchvision_tuned and torchvision_own;",
    ),
    ("members", "{name: m8, weights: 3}", "'ensemble.members.m8.weights' must be text, not 3"),
    ("members", "{name: m8, width: wide}", "'ensemble.members.m8.width' must be a number above 0, not 'wide'"),
    ("members", "{name: m3}", "'ensemble.members.m3.name' must be a name that no other row has, not 'm3'"),
    ("members", "{order_seed: 8}", "lacks the key 'ensemble.members[0].name'; add it"),
    ("members", "{name: m 8}", "'ensemble.members.m 8.name' must be a name of letters, digits and _ "),
    ("members", "{name: 8m}", "'ensemble.members.8m.name' must be a name of letters, digits and _ "),
    ("members", "m8", "'ensemble.members[0]' must be keys, not 'm8'"),
    ("detectors", "{name: d7, init_from: m9}", "ensemble.detectors.d7.init_from: no 'm9'; known: m1, m2,"),
    ("detectors", "{name: d1}", "'ensemble.detectors.d1.name' must be a name that no other row has, not 'd1'"),
    ("detectors", "{name: d7, init: m1}", "ensemble.detectors.d7.init'; did you mean 'init_from'?"),
]


@pytest.mark.long
@pytest.mark.parametrize(
    ("table", "row", "words"), quick(IN_TABLES, 4), ids=[f"{row[0]} {row[1]}" for row in IN_TABLES]
)
def test_mistakes_in_the_tables(root, table, row, words):
    edit(root, "ensemble/paper.yaml", rf"^{table}:$", f"{table}:\n  - {row}")
    message = error_of(root)
    assert words in message and message.startswith("conf/ensemble/paper.yaml: ")


IN_DEFAULTS = [
    ("width: 1.0,", "width: wide,", "'ensemble.member_defaults.width' must be a number above 0, not 'wide'"),
    ("width: 1.0,", "", "lacks the key 'ensemble.member_defaults.width'; add it"),
    ("init_from: m1, order_seed: 0", "init: m1", "unknown key 'ensemble.detector_defaults.init'; did you mean"),
]


@pytest.mark.parametrize(("old", "new", "start"), quick(IN_DEFAULTS, 1), ids=[row[2] for row in IN_DEFAULTS])
def test_mistakes_in_the_defaults_of_the_tables(root, old, new, start):
    edit(root, "ensemble/paper.yaml", old, new)
    assert error_of(root).startswith(f"conf/ensemble/paper.yaml: {start}")


def test_an_empty_table_is_refused(root):
    edit(root, "experiment/demo.yaml", r"^about:", "ensemble: {members: []}\nabout:")
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


def test_an_unknown_groups_file_gives_the_nearest(root):
    edit(root, "experiment/demo.yaml", "override /dataset: digits$", "override /dataset: digit")
    assert error_of(root) == "conf/experiment/demo.yaml: no conf/dataset/digit.yaml; did you mean 'digits'?"
    edit(root, "experiment/demo.yaml", "override /dataset: digit$", "override /dataset: digits")
    edit(root, "dataset/digits.yaml", r"\[full, _self_\]", "[fall, _self_]")
    assert error_of(root) == "conf/dataset/digits.yaml: no conf/dataset/fall.yaml; did you mean 'full'?"
    edit(root, "dataset/digits.yaml", r"\[fall, _self_\]", "[full, _self_]")
    edit(root, "config.yaml", "  - compute$", "  - computes")
    assert error_of(root) == "conf/config.yaml: no conf/computes.yaml; did you mean 'compute'?"


CHOICES = [
    ("experiment/demo.yaml", "override /dataset: digits$", "override /dataset: digits.yaml", "'digits.yaml'"),
    ("experiment/demo.yaml", "override /dataset: digits$", "override /dataset: own/digits", "'own/digits'"),
    ("dataset/digits.yaml", r"\[full, ", "[/dataset/full, ", "'/dataset/full'"),
    ("dataset/digits.yaml", r"\[full, ", "[full.yaml, ", "'full.yaml'"),
    ("dataset/digits.yaml", r"\[full, ", "[full@_here_, ", "'full@_here_'"),
    ("dataset/digits.yaml", r"\[full, ", "[full, {optional recipe: x}, ", "{'optional recipe': 'x'}"),
]


@pytest.mark.parametrize(("file", "old", "new", "named"), CHOICES, ids=[row[3] for row in CHOICES])
def test_a_choice_that_only_hydra_reads_names_its_file(root, file, old, new, named):
    (root / "conf/dataset/own").mkdir()
    (root / "conf/dataset/own/digits.yaml").write_text((root / "conf/dataset/digits.yaml").read_text())
    edit(root, file, old, new)
    remedy = "name a file directly in conf/dataset, without .yaml"
    assert error_of(root) == f"conf/{file}: 'defaults' names {named}; {remedy}"


@pytest.mark.parametrize(
    "file", ["params.yaml", "conf/experiment/demo.yaml", "conf/train_classifier.yaml", "conf/model/small.yaml"]
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
    ("train_classifier.yaml", "epochs", "epoch: 10", "unknown key 'train_classifier.epoch'; did you mean 'epochs'?"),
    ("train_classifier.yaml", "momentum", "", "lacks the key 'train_classifier.momentum'; add it"),
    ("compute.yaml", "device", "devise: cpu", "unknown key 'compute.devise'; did you mean 'device'?"),
    ("config.yaml", "about", "abuot: text", "unknown key 'abuot'; did you mean 'about'?"),
]


@pytest.mark.parametrize(("file", "old", "line", "start"), quick(IN_STAGES, 2), ids=[row[3] for row in IN_STAGES])
def test_mistakes_in_a_default_name_its_file(root, file, old, line, start):
    edit(root, file, rf"^{old}: .*$", line)
    assert error_of(root, "bvlc").startswith(f"conf/{file}: {start}")


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


UNCLOSED = [
    ("experiment/demo.yaml", r"^about: .*$", "about: 'a ${ b'", "about"),
    ("dataset/digits.yaml", r"^name: .*$", "name: '${b'", "dataset.name"),
    ("evaluate_ensemble.yaml", r"^seed: 1", "seed: '${b'", "evaluate_ensemble.seed"),
]


@pytest.mark.parametrize(("file", "old", "new", "key"), UNCLOSED, ids=[row[0] for row in UNCLOSED])
def test_a_reference_that_is_not_closed_names_file_and_key(root, file, old, new, key):
    edit(root, file, old, new)
    message = error_of(root)
    assert message.startswith(f"conf/{file}: '{key}': no viable alternative at input '${{")
    assert message.endswith("; close the reference with }, or write \\${ for the characters")


def test_an_error_of_hydra_without_text_has_that_of_its_cause(root, monkeypatch):
    def fail(*words, **options):
        raise ConfigCompositionException from cause

    monkeypatch.setattr("hydra.compose", fail)
    cause = OmegaConfBaseException("why\nfull_key: about")
    assert error_of(root) == "conf/experiment/demo.yaml: why"
    cause = None
    assert error_of(root) == "conf/experiment/demo.yaml: ConfigCompositionException"
