"""Imports go downward only, by folder, as the table in docs/architecture.md says."""

import ast
import re
from pathlib import Path

import pytest

from googlenet.pipeline.code import reached
from googlenet.pipeline.registry import STAGES

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "googlenet"


def table():
    """The rows of the table of folders, from the ground up: names, and the cell of what others may import."""
    section = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").split("## Packages and layers\n")[1]
    lines = [line for line in section.split("\n## ")[0].splitlines() if line.startswith("| `")]
    for line in reversed(lines):
        folders, _, others = line.strip("|").split("|")
        yield re.findall(r"`(\w+)(?:/|\.py)`", folders), others


LEVEL = {name: level for level, (names, _) in enumerate(table()) for name in names}
# Of some folders the others may import these modules only: a job is given its own file, and folders are given values.
OPEN = {names[0]: set(re.findall(r"`(\w+)`", others)) for names, others in table() if others.strip()}
EXCEPT = {names[0]: set(re.findall(r"`(\w+)/`", others)) for names, others in table() if others.strip()}
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
        let_in = other not in OPEN or name in EXCEPT[other] or parts[2] in OPEN[other]
        if LEVEL[other] >= LEVEL[name] or not let_in:
            wrong.append(other)
    return wrong


def test_the_table_is_read():
    assert list(LEVEL)[:3] == ["errors", "storage", "config"] and LEVEL["models"] == LEVEL["data"] < LEVEL["cli"]
    assert {"config": {"schema"}, "pipeline": {"resume"}} == OPEN
    assert {"config": {"pipeline"}, "pipeline": {"stages", "planning", "use", "progress", "cli"}} == EXCEPT


def test_at_most_three_modules_are_in_no_folder():
    assert {path.name for path in modules() if len(path.parts) == 1} == {"__init__.py", "__main__.py", "errors.py"}


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
    assert upward("models", "def f():\n    import googlenet.pipeline.job") == ["pipeline"]
    assert upward("report", "from googlenet import errors, stages") == ["stages"]
    assert upward("data", "from googlenet.models.network import Network") == ["models"]
    assert upward("detection", "from googlenet.models.bundle import load\nimport numpy") == []
    assert upward("detection", "from googlenet.pipeline.resume import Resume") == []
    assert upward("detection", "from googlenet.pipeline.experiment import current") == ["pipeline"]
    assert upward("metrics", "from googlenet.config.compose import compose") == ["config"]


def test_only_tracking_imports_mlflow_and_late():
    users = [
        str(path)
        for path in modules()
        if any(name.split(".")[0] == "mlflow" for name in imported((PACKAGE / path).read_text()))
    ]
    assert users == ["tracking/models.py", "tracking/replay.py", "tracking/reproduction.py", "tracking/store.py"]


def test_the_lower_floors_start_fast():
    for path in modules():
        lower = unit(path) in {"errors", "storage", "config", "metrics", "tracking", "data", "pipeline"}
        if lower or str(path) == "report/paper.py":
            top = {name.split(".")[0] for name in imported((PACKAGE / path).read_text(), top_only=True)}
            assert not top & SLOW, path


def test_nobody_but_the_rules_names_a_stage():
    sources = [*PACKAGE.rglob("*.py"), *(ROOT / "workflow").rglob("*.py")]
    users = [path.name for path in sources if any("googlenet.stages" in n for n in imported(path.read_text()))]
    assert users == []


def test_no_stage_reaches_the_planner_or_a_command():
    for stage in STAGES.values():
        names = reached(stage.module)
        assert not [name for name in names if name.startswith(("googlenet.plan", "googlenet.cli"))], stage


def test_stages_are_thin():
    for path in (PACKAGE / "stages").glob("*.py"):
        assert len(path.read_text().splitlines()) <= 60, path.name


def test_no_test_module_imports_another():
    """What two of them need stands in a module that is none, so that any file of tests runs alone."""
    for path in sorted((ROOT / "tests").rglob("*.py")):
        names = imported(path.read_text(encoding="utf-8"))
        assert not [name for name in names if ".test_" in f".{name}"], path
