"""conf/: every experiment composes, and what may be written in more than one way is read alike."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conf_copy import ROOT, copied, edit, job_files, override
from googlenet.config.schema.classification import PredictCrops, TrainClassifier
from googlenet.config.schema.dataset import Dataset, PrepareDetection
from googlenet.config.schema.detection import ProposeRegions, TrainDetector, TrainMultibox
from googlenet.config.schema.shared import Model
from googlenet.errors import UserError
from googlenet.pipeline.experiment import Job, experiment
from googlenet.pipeline.experiment_files import files, write_configs
from googlenet.storage.files import load_yaml, read_json
from tables import quick

CONF = ROOT / "conf"
EXPERIMENTS = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))


@pytest.fixture
def root(tmp_path):
    return copied(tmp_path)


@pytest.mark.long
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
    assert (train.schedule, train.poly_power, train.epochs, train.bias_rate_factor) == ("poly", 0.5, 60, 2.0)
    assert (train.learning_rate, train.weight_decay, train.batch_size) == (0.01, 0.0002, 32)  # of the replica
    assert (train.aux_weight, model.aux_dropout, model.dropout) == (0.3, 0.7, 0.4)
    assert (model.width, model.input_px, train.sampling.area) == (1.0, 224, (0.08, 1.0))
    assert (len(jobs), len(composed.jobs("train_detector"))) == (7, 6)
    assert len({job.member.init_seed for job in jobs}) == 1  # the seven share their initial weights
    assert len({job.member.order_seed for job in jobs}) == 7
    detector = composed.settings(composed.jobs("train_detector")[0], TrainDetector)
    multibox = composed.settings(composed.jobs("train_multibox")[0], TrainMultibox)
    assert (detector.schedule, detector.drop_every_epochs, detector.drop_factor) == ("steps", 20, 0.1)  # R-CNN's
    assert multibox.schedule == "cosine"
    assert detector.epochs * detector.batches_per_epoch == multibox.epochs * multibox.batches_per_epoch == 50_000
    assert composed.of(PredictCrops).policies == (1, 10, 144)
    assert composed.of(ProposeRegions).superpixel_scale == 2.0


def test_an_experiment_may_name_the_other_recipe_and_change_a_part_of_it(root):
    edit(root, "experiment/ilsvrc2014.yaml", "replica_quick", "replica_full")
    edit(root, "experiment/ilsvrc2014.yaml", r"^train_classifier: \{", "train_classifier: {momentum: 0.8, ")
    train = experiment(root, "ilsvrc2014").settings(Job("train_classifier", "m1"), TrainClassifier)
    assert (train.schedule, train.drop_factor, train.drop_every_epochs) == ("steps", 0.96, 8)
    assert (train.epochs, train.bias_rate_factor, train.momentum) == (250, 2.0, 0.8)


def test_a_wrong_value_of_a_recipe_names_its_file(root):
    edit(root, "recipe/replica_quick.yaml", r"^poly_power: \S+", "poly_power: -1.0")
    with pytest.raises(
        UserError, match=r"^conf/recipe/replica_quick\.yaml: 'train_classifier\.poly_power' must be a number"
    ):
        experiment(root, "ilsvrc2014")


def test_the_small_network_begins_with_hes_weights_and_the_papers_with_the_replicas():
    forms = {
        name: experiment(ROOT, name).of(Model).initialisation for name in ("photos", "ilsvrc2014", "demo", "smoke")
    }
    assert forms == {"photos": "he", "ilsvrc2014": "replica", "demo": "he", "smoke": "he"}


@pytest.mark.parametrize("path", sorted((CONF / "experiment").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_experiment_file_opens_with_its_command(path):
    lines = path.read_text().splitlines()
    assert lines[0] == "# @package _global_" and lines[1].startswith("# snakemake --cores ")
    named = re.search(r"experiment=(\w+)", lines[1])
    assert (named[1] if named else "demo") == path.stem


@pytest.mark.engine
@pytest.mark.parametrize(
    "name", ["2014", "2024_01", *(pytest.param(name, marks=pytest.mark.long) for name in ("true", "1e3", "nan"))]
)
def test_an_experiment_may_be_named_by_a_number(root, name):
    """In params.yaml in quotes; on the command line without, where Snakemake reads a number."""
    (root / "conf/experiment/demo.yaml").rename(root / f"conf/experiment/{name}.yaml")
    words = [Path(sys.executable).with_name("snakemake"), "-n", "--quiet", "--config", f"experiment={name}"]
    words += ["--snakefile", ROOT / "workflow/Snakefile"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(words, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    path = root / f"results/{name}/config/train_classifier/m1.json"
    assert read_json(path)["experiment"] == name
    (root / "params.yaml").write_text(f'experiment: "{name}"\n')
    assert write_configs(experiment(root)) == []  # the same files


def test_a_reference_may_be_a_part_of_a_text(root):
    override(root, '{dataset: {detection: {images: "/data/${dataset.name}/images"}}}')
    made = experiment(root)
    assert made.of(Dataset).detection.images == "/data/digits/images"
    assert made.settings(Job("prepare_detection", "all"), PrepareDetection).source.images == "/data/digits/images"


def test_a_groups_file_may_be_named_by_a_number(root):
    (root / "conf/dataset/digits.yaml").rename(root / "conf/dataset/2014.yaml")
    edit(root, "experiment/demo.yaml", "override /dataset: digits", 'override /dataset: "2014"')
    assert job_files(root)["prepare_detection/all"]["experiment"] == "digits"


def test_the_trunk_of_multibox_is_not_asked_for_where_it_is_left_out(root):
    override(root, "{train_multibox: {init_from: m9, enabled: false}}")
    stages = experiment(root).stages
    assert "train_multibox" not in stages and "merge_proposals" in stages


@pytest.mark.long
def test_a_whole_number_serves_where_a_number_does(root):
    before = job_files(root)
    edit(root, "ensemble/paper.yaml", "width: 1.0", "width: 1")
    edit(root, "train_detector.yaml", r"^learning_rate: 0.001", "learning_rate: 1e-3")
    edit(root, "experiment/demo.yaml", r"drop_factor: 0.7", "drop_factor: 7E-1")
    assert job_files(root) == before
    assert experiment(root).settings(Job("train_classifier", "m1"), TrainClassifier).drop_factor == 0.7


@pytest.mark.parametrize("number", quick(["1e-3", "+1e-3", "1E-3", "1.e-3", ".1e-2", "0.001", "10e-4"], 2))
def test_a_number_may_be_written_in_any_notation(root, number):
    """Also in params.yaml, which Hydra does not read."""
    override(root, f"{{train_classifier: {{learning_rate: {number}}}}}")
    given = experiment(root).settings(Job("train_classifier", "m1"), TrainClassifier)
    edit(root, "train_classifier.yaml", r"^learning_rate: 0.01", f"learning_rate: {number}")
    (root / "params.yaml").write_text("experiment: demo\n")
    assert given == experiment(root).settings(Job("train_classifier", "m1"), TrainClassifier)
    assert given.learning_rate == 0.001


def test_a_date_is_text(root):
    """As Hydra reads conf/. In params.yaml, which DVC reads as well, it stands in quotes."""
    override(root, "{dataset: {name: '2014-08-18'}}")
    assert experiment(root).config_path("prepare_detection", "all") == "data/config/2014-08-18/prepare_detection.json"
    edit(root, "dataset/digits.yaml", r"^name: .*$", "name: 2014-13-45")
    override(root, "{}")
    assert experiment(root).dataset == "2014-13-45"


TABLES = {"members": "ensemble/paper.yaml", "detectors": "ensemble/paper.yaml", "rows": "ablations.yaml"}


@pytest.mark.parametrize("table", quick(list(TABLES), 2))
def test_nothing_depends_on_the_order_of_the_rows(root, table):
    """The rules list their inputs in the order of the jobs: it is the same, and so are the jobs' files."""
    before, listed = job_files(root), job_lists(root)
    path = root / "conf" / TABLES[table]
    content = load_yaml(path)
    rows = content[table]
    content[table] = [*rows[3:], *reversed(rows[:3])]
    path.write_text(f"{path.read_text().splitlines()[0]}\n{yaml.safe_dump(content)}")
    after = job_files(root)
    if table == "rows":  # the page of the ablations lists them as the table does, so that both engines see the edit
        key = "compare_ablations/all"
        assert after[key].pop("rows") != (given := before[key].pop("rows")) and len(given) == len(rows)
    else:
        assert job_lists(root) == listed
    assert after == before


def job_lists(root):
    """The names of every stage's jobs, in order."""
    composed = experiment(root)
    return {stage: [job.name for job in composed.jobs(stage)] for stage in composed.stages}
