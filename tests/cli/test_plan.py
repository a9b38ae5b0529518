"""The command: a plan of data that are not here, from the rates of a named machine; mistakes are one line."""

import json
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from conf_copy import ROOT, copied
from googlenet.cli import plan
from googlenet.errors import UserError
from googlenet.metrics.runs import RunRecord
from googlenet.planning import perform as planning
from planning.flat_rates import MACHINE

NAMED = "epyc-2core"


def perform(words, root):
    """Plan as the command does with these words, in the folder `root`."""
    given = plan.command.make_context("plan", list(words)).params
    return planning.perform(SimpleNamespace(**given), root)


@pytest.fixture
def root(tmp_path):
    root = copied(tmp_path)
    (root / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    shutil.copytree(ROOT / "machines", root / "machines")
    return root


@pytest.mark.long
def test_ilsvrc_is_planned_without_its_data(root, capsys):
    words = ["--experiment", "ilsvrc2014", "--machine", NAMED, "--cores", "64", "--json", str(root / "plan.json")]
    perform(words, root)
    text = capsys.readouterr().out
    assert text.startswith(f"plan of ilsvrc2014 for {NAMED}: 64 cores of AMD EPYC")
    assert "official counts" in text and "60 epochs" in text and "144 crops an image" in text
    assert "this machine has none" in text  # compute.device: cuda
    assert re.search(r"train_detector needs \d+ GB of memory for 6 jobs side by side.*at most [1-5] at a time", text)
    assert "DVC's cache holds a copy" in text
    made = json.loads((root / "plan.json").read_text())
    stages = {stage["stage"]: stage for stage in made["stages"]}
    assert len(stages["train_classifier"]["jobs"]) == 7 and len(stages["propose_regions"]["jobs"]) == 256
    memory_mb = [sum(job["memory_mb"].values()) for stage in made["stages"] for job in stage["jobs"]]
    assert max(memory_mb) < 10_000  # what grows with the data is read and written in pieces
    assert made["disk_mb"] > 150_000 and made["place"]["disk_free_mb"] is None
    assert made["least_wall_s"] >= max(stage["least_wall_s"] for stage in made["stages"])
    assert sum(size["splits"]["test"] for size in made["data"].values()) == 50000 + 10061


def test_the_demo_is_planned_from_the_same_file(root, capsys):
    made = perform(["--machine", NAMED], root)
    target = made.context.target
    assert (made.context.experiment.name, target.cores, target.gpus) == ("demo", 2, 0)
    assert capsys.readouterr().out.count("\n") > 30


def test_several_nodes_are_simulated_and_the_figures_of_jobs_written(root, capsys):
    words = ["--machine", NAMED, "--nodes", "2", "--deadline", "0.1", "--needs", str(root / "needs.json")]
    made = perform(words, root)
    text = capsys.readouterr().out
    assert "on 2 nodes of 2 cores, simulated job by job, in hours:" in text
    hours = {int(row[0]): float(row[1]) for row in re.findall(r"^ +(\d+) +(\d+\.\d+) +\d+\.\d$", text, re.MULTILINE)}
    assert list(hours) == [1, 2, 4, 8, 16, 32, 64] and hours[1] > hours[2] >= hours[64]
    assert hours[1] * 3600 >= made.least_wall[0] - 20  # in hundredths of an hour
    assert re.search(
        r"no number of nodes takes less than .* h: prepare_classification -> train_classifier m\d -> ", text
    )
    assert re.search(r"cheapest within 0\.1 h: (1 node|2 nodes):|no layout ends within 0\.1 h", text)
    assert set(json.loads((root / "needs.json").read_text())["demo"]) == {stage.stage for stage in made.stages}


@pytest.mark.long
def test_the_papers_experiment_on_gpus_takes_what_its_longest_chain_takes(root, capsys):
    perform(["--experiment", "ilsvrc2014", "--machine", "h200-16core", "--nodes", "8", "--deadline", "1000"], root)
    text = capsys.readouterr().out
    assert "on 8 nodes of 16 cores and 1 GPU," in text and "cheapest within 1000 h: 1 node, 1 GPU:" in text
    hours = [float(row) for row in re.findall(r"^ +\d+ +\d+ +(\d+\.\d+) +\d+\.\d +\d+ %$", text, re.MULTILINE)]
    assert len(hours) == 7 and hours == sorted(hours, reverse=True) and hours[0] > 5 * hours[-1]
    chain_h = float(re.search(r"no number of nodes takes less than (\d+\.\d+) h", text)[1])
    assert chain_h <= hours[-1] < 1.2 * chain_h


@pytest.mark.long
def test_more_cores_take_no_longer_and_no_less_work(root):
    few, many = (perform(["--machine", NAMED, "--cores", cores], root) for cores in ("1", "8"))
    assert few.least_wall[0] == sum(stage.total("cpu_s") for stage in few.stages)
    assert many.least_wall[0] < few.least_wall[0]
    assert many.disk_mb == few.disk_mb


def test_a_plan_without_the_rates_it_needs_is_an_error(root):
    with pytest.raises(UserError, match=rf"^machines/{NAMED}\.yaml: no rate of '.*--experiment smoke --save {NAMED}$"):
        perform(["--experiment", "smoke", "--machine", NAMED], root)
    with pytest.raises(UserError, match=rf"--experiment smoke --save {NAMED} --ablations --exports$"):
        perform(["--experiment", "smoke", "--machine", NAMED, "--exports", "--ablations"], root)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--measured"], r"^--measured: no run of demo has left its run\.json"),
        (["--save", NAMED], rf"^machines/{NAMED}\.yaml: of a machine with .* this one has Abacus, 4 cores, no GPU"),
    ],
)
def test_nothing_is_measured_for_what_cannot_be_written(root, monkeypatch, words, message):
    monkeypatch.setattr(planning.machine, "this_machine", lambda: MACHINE)
    monkeypatch.setattr(planning.Bench, "measure", lambda *_: pytest.fail("measured"))
    with pytest.raises(UserError, match=message):
        perform(words, root)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--experiment", "demmo"], r"no experiment 'demmo' in conf/experiment; did you mean 'demo'\?"),
        (["--machine", "epyc-2cor"], r"no machine 'epyc-2cor' in machines/; did you mean 'epyc-2core'\?"),
        (["--save", "two words"], r"--save: 'two words' is not a valid name"),
        (["--save", "mine", "--machine", NAMED], r"--save: writes what is measured here"),
        (["--machine", NAMED, "--measured"], r"--measured: no run of demo has left its run\.json"),
    ],
)
def test_mistakes_are_one_line(root, words, message):
    with pytest.raises(UserError, match=message) as raised:
        perform(words, root)
    assert "\n" not in str(raised.value)


@pytest.mark.long
def test_the_command_ends_with_the_line_alone(root):
    words = [sys.executable, "-m", "googlenet", "plan", "--machine", "cray"]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and not done.stdout
    assert done.stderr == f"error: --machine: no machine 'cray' in machines/; known: {NAMED}, h200-16core\n"


def test_planned_stands_beside_measured(root, capsys):
    record = RunRecord(
        **dict.fromkeys(("started", "ended", "commit", "config_sha256", "stamp"), ""),
        **{"stage": "train_classifier", "job": "m1", "experiment": "demo", "inputs": {}, "versions": {}},
        **{"threads": 1, "device": "cpu", "duration_s": 100.0, "peak_memory_mb": 1000},
    )
    for member in ("m1", "m2"):
        path = root / f"results/demo/runs/train_classifier/{member}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(record.model_dump_json())
    (root / "results/demo/runs/predict_crops").mkdir()  # none of its jobs has run
    made = perform(["--machine", NAMED, "--measured"], root)
    last = capsys.readouterr().out.splitlines()[-2:]
    (stage,) = [stage for stage in made.stages if stage.stage == "train_classifier"]
    planned = sum(job.wall_s - job.start_s + job.recorded_s for job in stage.jobs[:2])
    assert last[0].split()[:5] == ["train_classifier", "2", f"{planned:.0f}", "200", f"{planned / 200:.2f}"]
