"""The code digest: what changes a result changes it, a comment does not, and what is left out is named here."""

import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from googlenet.config.schema.base import selections
from googlenet.pipeline import code, served
from googlenet.pipeline.experiment import Job
from googlenet.pipeline.registry import ROWS, SETTINGS, STAGES
from settings import composed

TRAIN = "googlenet.stages.train_classifier"


SEEN: dict[tuple, object] = {}


def by_content(function):
    """The real function, run again for a module whenever a file of its stem has changed."""

    def remembered(module):
        path = code.path_of(module)
        files = sorted(filter(Path.is_file, path.parent.glob(f"{path.stem}.*"))) if path else []
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
    yield copy
    code.code_digest.cache_clear()  # else the copy's digests would stay for the tests that follow


def selected(stage):
    """The modules that the settings of a stage's first job in the demo select; none of a stage that it leaves out."""
    demo = composed("demo")
    jobs = demo.jobs(stage) if stage in demo.stages else []
    return tuple(sorted(set(selections(demo.settings(Job(*jobs[0]), SETTINGS[stage]))))) if jobs else ()


SELECTED = {stage: selected(stage) for stage in STAGES}


def digests():
    code.code_digest.cache_clear()
    return {stage: code.code_digest(row.module, SELECTED[stage]) for stage, row in STAGES.items()}


def changed(edit):
    """The stages whose digest an edit changes."""
    before = digests()
    edit()
    after = digests()
    return {stage for stage in STAGES if before[stage] != after[stage]}


def replace(path: Path, old: str, new: str):
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path.name}: no {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.long
def test_the_copy_has_the_packages_own_digests(package):
    copied = digests()
    assert len(set(copied.values())) == len(STAGES)
    words = "import json, sys; from googlenet.pipeline.code import code_digest;"
    words += "print(json.dumps({m: code_digest(m, tuple(s)) for m, s in json.loads(sys.argv[1]).items()}))"
    asked = json.dumps({row.module: SELECTED[stage] for stage, row in STAGES.items()})
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", words, asked], capture_output=True, env=environment, check=True)
    assert json.loads(done.stdout) == {row.module: copied[stage] for stage, row in STAGES.items()}


def test_comments_docstrings_and_blank_lines_leave_it(package):
    def edit():
        for path in package.rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            path.write_text("# a comment\n\n" + text.replace('"""', '"""More words. ', 1) + "\n# the end\n", "utf-8")

    assert changed(edit) == set()


def test_a_functions_docstring_leaves_it(package):
    path = package / "models" / "training.py"
    assert (
        changed(lambda: replace(path, '"""All of it, as tensors and plain values."""', '"""Other words."""')) == set()
    )
    assert changed(lambda: replace(path, '        """Other words."""\n', "")) == set()


def test_an_errors_text_leaves_it_and_its_condition_does_not(package):
    path = package / "classification" / "train.py"
    assert changed(lambda: replace(path, "is more than the", "exceeds the")) == set()
    assert changed(lambda: replace(path, "if images < settings", "if images <= settings")) == {
        "train_classifier",
        "train_ablation",
        "train_structure",
    }


def test_line_breaks_and_quotes_leave_it(package):
    path, old = package / "models" / "table_1.py", '= ("4a", "4d")'
    assert changed(lambda: replace(path, old, "= (\n    '4a',\n    '4d',\n)")) == set()


@pytest.mark.parametrize(
    ("one", "other"),
    [("def f(*, a=1, b): ...", "def f(*, a, b=1): ..."), ("d = {**a, 'k': b}", "d = {'k': a, **b}")],
)
def test_what_is_absent_has_its_place(one, other):
    def tree(source):
        lines = []
        code.flatten(ast.parse(source), lines, [])
        return lines

    assert tree(one) == tree(one) != tree(other)


TRAINING = {
    "train_classifier",
    "train_ablation",
    "train_detector",
    "train_multibox",
    "train_structure",
    "derive_structure",
}
REPORTING = {"make_report", "compare_ablations", "measure_export", "compare_structures"}
WITH_NETWORKS = TRAINING | {"import_weights", "predict_crops", "analyse_units", "fit_region_heads"}
WITH_NETWORKS |= {"score_regions", "measure_cost", "merge_proposals", "measure_export"}
WITH_SUPPRESSION = {"evaluate_detection", "train_multibox", "merge_proposals", "study_proposals"}


@pytest.mark.parametrize(
    ("file", "old", "new", "stages"),
    [
        ("models/training.py", "+ 1) / (step + 10))\n        else", "+ 1) / (step + 9))\n        else", TRAINING),
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
    assert IN_DEMO <= stages <= IN_DEMO | {"train_baseline", "evaluate_ensemble"}


def test_an_import_that_only_a_function_makes_is_followed(package):
    def edit():
        replace(package / "data" / "compositions.py", "def ", "NEW = 1\n\n\ndef ")

    assert changed(edit) == {"prepare_classification", "prepare_detection"}


@pytest.mark.parametrize(
    ("resource", "stages"),
    [
        ("report/paper.yaml", REPORTING - {"measure_export"}),
        ("report/page.html.j2", REPORTING),
        ("report/page.css", REPORTING),
    ],
)
def test_a_resource_beside_a_module_counts(package, resource, stages):
    def edit():
        with open(package / resource, "a") as file:
            file.write("\n")

    assert changed(edit) == stages


def test_what_an_editor_leaves_beside_a_module_does_not_count(package, monkeypatch):
    def edit():
        for suffix in ("py~", "py.orig", "py.rej", "bak", "swp"):
            (package / "models" / f"network.{suffix}").write_text("a former version\n")
        (package / "models" / "network.txt").mkdir()

    monkeypatch.setattr(served, "PACKAGE", package)
    copied = served.code_of(())
    assert changed(edit) == set()
    assert served.code_of(()) == copied and "googlenet/models/network.py" in copied


def test_every_resource_that_the_package_ships_counts():
    settings = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    shipped = settings["tool"]["setuptools"]["package-data"]["googlenet"]
    assert shipped and not any(name.endswith(code.NO_RESOURCES) for name in shipped)


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
    assert changed(lambda: (package / "classification" / "new.py").write_text("X = 3\n")) == {"evaluate_ensemble"}


EXEMPT_FOLDERS = ("config", "pipeline", "tracking")


def test_what_is_exempt_follows_from_the_folder(package):
    assert (*(f"googlenet.{folder}" for folder in EXEMPT_FOLDERS), "googlenet.errors") == code.EXEMPT

    def edit():
        folders = [package / folder for folder in EXEMPT_FOLDERS]
        for path in [package / "errors.py", *(path for folder in folders for path in folder.rglob("*.py"))]:
            with open(path, "a") as file:
                file.write("\nNEW = 1\n")

    assert changed(edit) == set()


def add(package, module):
    """A real edit of a module."""
    with open(package / module, "a") as file:
        file.write("\nNEW = 1\n")


CLASSIFIERS = {"train_classifier", "train_ablation", "predict_crops", "train_structure", "derive_structure"}


@pytest.mark.parametrize(
    ("module", "kept"),
    [
        ("metrics/bootstrap.py", CLASSIFIERS),
        ("metrics/interval.py", CLASSIFIERS),
        ("metrics/classification.py", CLASSIFIERS),
        ("metrics/classification_studies.py", CLASSIFIERS),
        ("metrics/imports.py", CLASSIFIERS),
        ("classification/crop_groups.py", CLASSIFIERS),
        ("detection/switches.py", TRAINING | {"propose_regions", "merge_proposals"}),
        ("detection/box_offsets.py", CLASSIFIERS | {"propose_regions"}),
        ("data/ground_truth.py", CLASSIFIERS | {"propose_regions", "merge_proposals"}),
    ],
)
def test_what_only_evaluations_use_leaves_trainings_and_predictions(package, module, kept):
    stages = changed(lambda: add(package, module))
    assert stages and not stages & kept


PREPARING = {"prepare_classification", "prepare_detection"}
IN_DEMO = WITH_NETWORKS - {"import_weights", "fit_region_heads"}  # the demo imports no weights and fits no heads


@pytest.mark.parametrize(
    ("module", "stages"),
    [
        ("data/readers/coco.py", set()),
        ("data/readers/voc.py", set()),
        ("data/readers/class_folders.py", set()),
        ("data/readers/embedded.py", PREPARING),
        ("models/networks/torchvision_bn.py", set()),
        ("models/networks/batch_norm.py", set()),
        ("models/networks/paper.py", IN_DEMO),
        ("models/updates/asynchronous.py", set()),
        ("models/updates/asynchronous_ray.py", set()),
        ("models/updates/synchronous.py", {"train_classifier", "train_ablation", "train_structure"}),
        ("detection/search_presets/rcnn.py", set()),
        ("detection/search_presets/opencv_fast.py", {"propose_regions", "study_proposals"}),
        ("models/determinism.py", set(STAGES)),
        ("models/structure.py", {"derive_structure", "train_structure"}),
        ("classification/correlation.py", {"derive_structure"}),
        ("classification/structures.py", {"compare_structures"}),
    ],
)
def test_only_what_the_settings_select_counts_and_what_every_job_runs(package, module, stages):
    assert changed(lambda: add(package, module)) == stages


def test_what_decodes_images_counts_wherever_images_are_decoded(package):
    decoding = changed(lambda: add(package, "data/images.py"))
    assert decoding >= PREPARING | {"train_classifier", "predict_crops", "propose_regions", "score_regions"}
    assert not decoding & {"measure_cost", "import_weights", "compare_ablations"}


def test_no_module_that_a_setting_selects_is_imported_elsewhere():
    """Else it would count for those who do not use it."""
    packages = (
        "googlenet.data.readers.",
        "googlenet.models.networks.",
        "googlenet.models.updates.",
        "googlenet.detection.search_presets.",
    )
    for row in ROWS:
        assert not [name for name in code.reached(row.module) if name.startswith(packages)], row.name


def test_a_stage_reaches_what_it_uses_and_no_more():
    reached = {stage: code.reached(row.module) for stage, row in STAGES.items()}
    assert {"googlenet.models.network", "googlenet.data.store", "googlenet.storage.checkpoint", TRAIN} < reached[
        "train_classifier"
    ]
    for stage, names in reached.items():
        packages = {name.split(".")[1] for name in names if name.count(".")}
        assert ("report" in packages) == (stage in REPORTING), stage
        assert {name for name in names if ".stages." in name} == {f"googlenet.stages.{stage}"}
        assert not [name for name in names if code.exempt(name)]
    assert not any(name.startswith("googlenet.detection") for name in reached["train_classifier"])
    assert not any(name.startswith("googlenet.classification") for name in reached["train_detector"])
    assert not any(name.startswith("googlenet.models") for name in reached["evaluate_detection"])


def test_only_modules_of_ours_are_followed():
    assert code.path_of("torch.nn") is None and code.path_of("googlenet.models.bundle.Description") is None
    assert code.path_of("googlenet.models.bundle") == code.PACKAGE / "models" / "bundle.py"
    assert code.path_of("googlenet.data") == code.PACKAGE / "data" / "__init__.py"
    with pytest.raises(ModuleNotFoundError, match=r"no module googlenet\.absent"):
        code.code_digest("googlenet.absent")
