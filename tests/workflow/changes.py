"""How the edits of the table are made in a clone."""

import re
from collections.abc import Callable
from pathlib import Path

from workflow.clones import append, plan, replace

SMOKE = "conf/experiment/smoke.yaml"
DATASET = "conf/dataset/digits_tiny.yaml"


def smoke(pattern: str, new: str) -> Callable[[Path], None]:
    """An edit of the smoke experiment's file."""
    return lambda clone: replace(clone, SMOKE, pattern, new)


def file(name: str, pattern: str, new: str) -> Callable[[Path], None]:
    """An edit of another file."""
    return lambda clone: replace(clone, name, pattern, new)


def comment_in_conf(clone: Path) -> None:
    """Comments, at the end of a line and on lines of their own."""
    replace(clone, "conf/train_classifier.yaml", r"^epochs: .*$", r"\g<0> # as many as patience allows")
    append(clone, SMOKE, "# Nothing below.\n")


def white_space(clone: Path) -> None:
    """Blanks and empty lines where YAML does not mind them."""
    replace(clone, "conf/predict_crops.yaml", r"^batch_size: ", "\n\nbatch_size:     ")
    append(clone, DATASET, "\n\n")


def comment_in_code(clone: Path) -> None:
    """A comment and another docstring in a module that most stages use."""
    module = "src/googlenet/models/googlenet.py"
    replace(clone, module, r'\A"""', '"""Here begins the network. ')
    append(clone, module, "\n# Here ends the network.\n")


def code(name: str) -> Callable[[Path], None]:
    """A real edit of a module."""
    return lambda clone: append(clone, name, "\n\nEDITED = True\n")


def reordered(clone: Path) -> None:
    """The rows of the tables of members and detectors, the last one first."""
    for table in (r"(?:^ +- \{name: m\d.*\n)+", r"(?:^ +- \{name: d\d.*\n)+"):
        text = (clone / SMOKE).read_text(encoding="utf-8")
        rows = re.search(table, text, re.MULTILINE)
        assert rows, table
        turned = "".join(reversed(rows[0].splitlines(keepends=True)))
        (clone / SMOKE).write_text(text.replace(rows[0], turned), encoding="utf-8")


def reverted(clone: Path) -> None:
    """A key edited, seen by the engines, and edited back."""
    before = (clone / SMOKE).read_bytes()
    replace(clone, SMOKE, r"train_classifier: \{epochs: \d+", "train_classifier: {epochs: 9")
    assert plan(clone)
    (clone / SMOKE).write_bytes(before)


def other_experiment(clone: Path) -> None:
    """Another experiment on the same data, without detection, becomes the active one."""
    text = (clone / SMOKE).read_text(encoding="utf-8")
    (clone / "conf/experiment/smoke2.yaml").write_text(text + "detection: {enabled: false}\n", encoding="utf-8")
    (clone / "params.yaml").write_text("experiment: smoke2\n", encoding="utf-8")


def there_and_back(clone: Path) -> None:
    """The other experiment, seen by Snakemake, and back."""
    other_experiment(clone)
    assert plan(clone)
    (clone / "params.yaml").write_text("experiment: smoke\n", encoding="utf-8")


def imported_member(clone: Path) -> None:
    """m2 is no longer trained: its weights come from a file, of a network that others might have trained."""
    from imports import writers

    path = clone / "data/raw/m2.caffemodel"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(writers.caffemodel(writers.layers_of(writers.small(classes=10))))
    row = f"name: m2, weights: data/raw/m2.caffemodel, width: {writers.WIDTH * 16}}}"
    replace(clone, SMOKE, r"name: m2, [^}]*\}", row)
    append(clone, SMOKE, 'origins: {bvlc: {classes: "", input_px: 32}}\n')


def referenced(clone: Path) -> None:
    """A reference of the experiment, as `googlenet verify --renew` would write it on another machine."""
    kind = "{cpu: another, versions: {torch: '2'}}"
    figures = "{times_fewer_parameters: {value: 8.7, low: 8.7, high: 8.8}}"
    (clone / "references" / "smoke.yaml").write_text(
        f"machines:\n- {{kind: {kind}, figures: {figures}}}\n", encoding="utf-8"
    )
