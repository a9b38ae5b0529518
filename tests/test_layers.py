"""Imports go downward only, and a rule, its module and its configuration have one name."""

import ast
import re
from pathlib import Path

import pytest

from googlenet.code import reached
from googlenet.config import PER

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "googlenet"
# From the ground up. What stands in one row does not import its neighbours, but for those in BESIDE.
ROWS = (
    {
        "errors",
        "faults",
        "files",
        "gpus",
        "paper",
        "processes",
        "code",
        "config_checks",
        "given",
        "links",
        "members",
        "switches",
        "versions",
    },
    {"data", "models", "checkpoint", "tracking", "variants"},
    {"trained", "resume", "rows", "config"},
    {"classification", "detection", "report", "imports", "job"},
    {"stages", "preflight", "evaluate_detections", "planning", "prepared_data"},
    {"plan"},
)
LEVEL = {name: level for level, row in enumerate(ROWS) for name in row}
BESIDE = {
    ("files", "errors"),
    ("files", "faults"),
    ("paper", "errors"),
    ("config_checks", "errors"),
    ("config_checks", "switches"),
    ("config_checks", "given"),
    ("given", "errors"),
    ("given", "files"),
}
BESIDE |= {("switches", "errors"), ("versions", "errors"), ("links", "errors")}
# Only the workflow, and what looks at it beforehand, know the composed configuration; a job is given its own file.
READERS_OF_CONFIG = {"preflight", "planning", "plan"}
SLOW = {"torch", "torchvision", "mlflow", "sklearn", "matplotlib", "snakemake", "dvc"}


def modules():
    """Every module's path, as parts below the package."""
    return sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def imported(source, top_only=False):
    """Full names that a module imports; a name of a package's attribute may be among them."""
    tree = ast.parse(source)
    nodes = tree.body if top_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports would escape this test and the code digest"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def unit(path):
    """The folder or module of ours that a path belongs to."""
    return path.parts[0].removesuffix(".py")


def upward(name, source):
    """Units that a module of the unit `name` imports and must not."""
    wrong = []
    for target in imported(source):
        parts = target.split(".")
        if parts[0] != "googlenet" or len(parts) == 1 or parts[1] == name:
            continue
        other = parts[1]
        down = LEVEL[other] < LEVEL[name] and (other != "config" or name in READERS_OF_CONFIG)
        if not down and (name, other) not in BESIDE:
            wrong.append(other)
    return wrong


def test_every_module_has_its_row():
    assert {unit(path) for path in modules()} - {"__init__"} == set(LEVEL)


@pytest.mark.parametrize("path", modules(), ids=str)
def test_imports_go_downward(path):
    source = (PACKAGE / path).read_text(encoding="utf-8")
    if path.name == "__init__.py" and len(path.parts) == 1:
        assert not list(imported(source))
        return
    assert not upward(unit(path), source)


def test_upward_imports_would_be_found():
    assert upward("classification", "from googlenet.detection.boxes import iou") == ["detection"]
    assert upward("models", "def f():\n    import googlenet.trained") == ["trained"]
    assert upward("report", "from googlenet import config, paper, stages") == ["config", "stages"]
    assert upward("data", "from googlenet.models.preprocessing import to_input") == ["models"]
    assert upward("detection", "from googlenet.trained import build\nimport numpy") == []


def test_models_stand_on_the_ground_floor_alone():
    for path in (PACKAGE / "models").glob("*.py"):
        ours = {name.split(".")[1] for name in imported(path.read_text()) if name.startswith("googlenet.")}
        assert ours <= {"models", *ROWS[0]}, path.name


def test_only_tracking_imports_mlflow_and_late():
    users = [
        str(path)
        for path in modules()
        if any(name.split(".")[0] == "mlflow" for name in imported((PACKAGE / path).read_text()))
    ]
    assert users == ["tracking/runs.py", "tracking/store.py"]


def test_the_lower_floors_start_fast():
    for path in modules():
        if unit(path) in {*ROWS[0], "data", "tracking", "job", "config", "checkpoint"}:
            top = {name.split(".")[0] for name in imported((PACKAGE / path).read_text(), top_only=True)}
            assert not top & SLOW, path


def test_nobody_but_the_rules_names_a_stage():
    sources = [*PACKAGE.rglob("*.py"), *(ROOT / "workflow").rglob("*.py")]
    users = [
        path.name for path in sources if any("googlenet.stages" in n for n in imported(path.read_text()))
    ]
    assert users == []


def test_no_stage_reaches_the_planner():
    for stage in PER:
        names = reached(f"googlenet.stages.{stage}")
        assert not [name for name in names if name.startswith("googlenet.plan")], stage


def test_rule_module_and_configuration_have_one_name():
    rules = "\n".join(path.read_text() for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")))
    named = re.findall(r"^rule (\w+):", rules, re.MULTILINE)
    assert sorted(named) == sorted(PER)
    assert sorted(re.findall(r"-m googlenet\.stages\.(\w+)", rules)) == sorted(PER)
    assert {path.stem for path in (PACKAGE / "stages").glob("*.py")} - {"__init__"} == set(PER)
    for name in PER:
        head = (ROOT / "conf" / f"{name}.yaml").read_text().splitlines()[0]
        assert head == f"# @package {name}"
        body = re.search(rf"^rule {name}:(.*?)(?=^rule |\Z)", rules, re.MULTILINE | re.DOTALL)[1]
        assert f'job_config("{name}")' in body and f"-m googlenet.stages.{name} " in body


def test_stages_are_thin():
    for path in (PACKAGE / "stages").glob("*.py"):
        assert len(path.read_text().splitlines()) <= 60, path.name
