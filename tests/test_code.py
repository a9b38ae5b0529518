"""The code digest: what changes a result changes it, a comment does not, and what is left out is named here."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from googlenet import code
from googlenet.config import PER

TRAIN = "googlenet.stages.train_classifier"
# Modules that cannot change a result: how jobs are found, checked, run, told and recorded.
LEFT_OUT = {
    "code",
    "config",
    "config_checks",
    "errors",
    "faults",
    "files",
    "job",
    "processes",
    "resume",
    "versions",
}
LEFT_OUT |= {"tracking", "tracking.__main__"}
LEFT_OUT |= {f"tracking.{name}" for name in ("delivery", "job_run", "journal", "runs", "store")}


SEEN: dict[tuple, object] = {}


def by_content(function):
    """The real function, run again for a module whenever a file of its stem has changed."""

    def remembered(module):
        path = code.path_of(module)
        files = sorted(path.parent.glob(f"{path.stem}.*")) if path else []
        key = (function.__name__, module, *(file.read_bytes() for file in files))
        if key not in SEEN:
            SEEN[key] = function.__wrapped__(module)
        return SEEN[key]

    return remembered


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package that the digests are taken of."""
    copy = tmp_path / "googlenet"
    shutil.copytree(code.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code, "PACKAGE", copy)
    for function in (code.read, code.tree_of, code.module_digest):
        monkeypatch.setattr(code, function.__name__, by_content(function))
    return copy


def digests():
    return {stage: code.code_digest(f"googlenet.stages.{stage}") for stage in PER}


def changed(edit):
    """The stages whose digest an edit changes."""
    before = digests()
    edit()
    after = digests()
    return {stage for stage in PER if before[stage] != after[stage]}


def replace(path: Path, old: str, new: str):
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path.name}: no {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_copy_has_the_packages_own_digests(package):
    copied = digests()
    assert len(set(copied.values())) == len(PER)
    said = "import json; from googlenet.code import code_digest; from googlenet.config import PER;"
    said += "print(json.dumps({stage: code_digest(f'googlenet.stages.{stage}') for stage in PER}))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, env=environment, check=True)
    assert json.loads(done.stdout) == copied


def test_comments_docstrings_and_blank_lines_leave_it(package):
    def edit():
        for path in package.rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            path.write_text(
                "# a comment\n\n" + text.replace('"""', '"""More words. ', 1) + "\n# the end\n", "utf-8"
            )

    assert changed(edit) == set()


def test_a_functions_docstring_leaves_it(package):
    path = package / "models" / "training.py"
    assert (
        changed(
            lambda: replace(path, '"""Give every parameter group one learning rate."""', '"""Other words."""')
        )
        == set()
    )
    assert changed(lambda: replace(path, '    """Other words."""\n', "")) == set()


def test_an_errors_text_leaves_it_and_its_condition_does_not(package):
    path = package / "classification" / "train.py"
    assert changed(lambda: replace(path, "is more than the", "exceeds the")) == set()
    assert changed(lambda: replace(path, "if steps == 0:", "if steps <= 0:")) == {
        "train_classifier",
        "train_ablation",
    }


def test_line_breaks_and_quotes_leave_it(package):
    path, old = package / "models" / "table_1.py", 'AUX_HEADS = ("4a", "4d")'
    assert changed(lambda: replace(path, old, "AUX_HEADS = (\n    '4a',\n    '4d',\n)")) == set()


TRAINING = {"train_classifier", "train_ablation", "train_detector", "train_multibox"}
REPORTING = {"make_report", "compare_ablations"}
WITH_NETWORKS = TRAINING | {
    "import_weights",
    "predict_crops",
    "analyse_units",
    "fit_region_heads",
    "score_regions",
    "measure_cost",
    "merge_proposals",
}
WITH_SUPPRESSION = {"evaluate_detection", "train_multibox", "merge_proposals", "study_proposals"}


@pytest.mark.parametrize(
    ("file", "old", "new", "stages"),
    [
        (
            "models/training.py",
            "+ 1) / (step + 10))\n        else",
            "+ 1) / (step + 9))\n        else",
            TRAINING,
        ),
        ("stages/score_regions.py", '"images": len(test), ', "", {"score_regions"}),
        ("detection/nms.py", "<= iou_threshold", "< iou_threshold", WITH_SUPPRESSION),
        ("report/words.py", "def ", "NEW = 1\n\n\ndef ", REPORTING),
    ],
)
def test_a_real_edit_changes_the_stages_that_reach_it(package, file, old, new, stages):
    assert changed(lambda: replace(package / file, old, new)) == stages


def test_the_network_changes_the_stages_that_run_it(package):
    path = package / "models" / "inception.py"
    stages = changed(lambda: replace(path, "alpha: float = 1e-4", "alpha: float = 2e-4"))
    # Those that count errors may reach it through the module that predicts.
    assert WITH_NETWORKS <= stages <= WITH_NETWORKS | {"train_baseline", "evaluate_ensemble"}


def test_an_import_that_only_a_function_makes_is_followed(package):
    def edit():
        replace(package / "data" / "compositions.py", "def ", "NEW = 1\n\n\ndef ")

    assert changed(edit) == {"prepare_classification", "prepare_detection"}


@pytest.mark.parametrize(
    ("resource", "stages"),
    [
        ("paper.yaml", {"make_report"}),
        ("report/page.html.j2", REPORTING),
        ("report/page.css", REPORTING),
    ],
)
def test_a_resource_beside_a_module_counts(package, resource, stages):
    def edit():
        with open(package / resource, "a") as file:
            file.write("\n")

    assert changed(edit) == stages


def test_a_module_more_changes_only_who_imports_it(package):
    (package / "classification" / "new.py").write_text("X = 1\n")
    assert changed(lambda: (package / "classification" / "new.py").write_text("X = 2\n")) == set()

    def edit():
        path = package / "classification" / "ensemble.py"
        path.write_text(
            path.read_text().replace(
                "import numpy as np\n", "import numpy as np\nfrom googlenet.classification import new\n", 1
            )
        )

    assert changed(edit) == {"evaluate_ensemble"}
    assert changed(lambda: (package / "classification" / "new.py").write_text("X = 3\n")) == {
        "evaluate_ensemble"
    }


def test_what_is_left_out_is_plumbing(package):
    assert {f"googlenet.{name}" for name in LEFT_OUT} == code.PLUMBING

    def edit():
        for name in LEFT_OUT:
            with open(code.path_of(f"googlenet.{name}"), "a") as file:
                file.write("\nNEW = 1\n")

    assert changed(edit) == set()


def test_a_stage_reaches_what_it_uses_and_no_more():
    reached = {stage: code.reached(f"googlenet.stages.{stage}") for stage in PER}
    assert {"googlenet.models.googlenet", "googlenet.data.store", "googlenet.checkpoint", TRAIN} < reached[
        "train_classifier"
    ]
    for stage, names in reached.items():
        rooms = {name.split(".")[1] for name in names if name.count(".")}
        assert ("report" in rooms) == (stage in REPORTING), stage
        assert {name for name in names if ".stages." in name} == {f"googlenet.stages.{stage}"}
        assert not names & code.PLUMBING
    assert not any(name.startswith("googlenet.detection") for name in reached["train_classifier"])
    assert not any(name.startswith("googlenet.classification") for name in reached["train_detector"])
    assert not any(name.startswith("googlenet.models") for name in reached["evaluate_detection"])


def test_only_modules_of_ours_are_followed():
    assert code.path_of("torch.nn") is None and code.path_of("googlenet.trained.Description") is None
    assert code.path_of("googlenet.trained") == code.PACKAGE / "trained.py"
    assert code.path_of("googlenet.data") == code.PACKAGE / "data" / "__init__.py"
    with pytest.raises(ModuleNotFoundError, match=r"no module googlenet\.absent"):
        code.code_digest("googlenet.absent")
