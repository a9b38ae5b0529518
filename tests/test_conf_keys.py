"""Every key of conf/ is read: by the code of the stages that are given it, or by a reference in conf/ or workflow/."""

import ast
import re
from functools import cache

from googlenet.config.checks import RULES

from conf_copy import ROOT
from googlenet.config import checks as config_checks
from googlenet.pipeline import code
from googlenet.pipeline import experiment as config

CONF = ROOT / "conf"
# Who may read the keys of a group: the stages that are given it.
STAGES_OF = {
    "dataset": ("prepare_classification", "prepare_detection"),
    "model": ("train_classifier", "measure_cost"),
    "ablations": ("compare_ablations",),
    "compute": tuple(config.PER),
    "plumbing": tuple(config.PER),
    "ensemble": ("train_classifier", "train_detector"),
    "sampling": ("train_classifier",),
    "origins": ("import_weights",),
}
# How config.rows reads the two tables.
TABLES = {f"{per}{what}" for per in ("member", "detector") for what in ("s", "_defaults")}
# What the code calls a configuration, or a part of one.
SETTINGS = {
    "config",
    "settings",
    "s",
    "sampling",
    "compute",
    "plumbing",
    "member",
    "model",
    "origin",
    "recipe",
    "merged",
    "checked",
}
FRAME = (
    "googlenet.pipeline.experiment",
    "googlenet.preflight",
    "googlenet.pipeline.job",
)  # around the stages: they read keys, too


def texts(nodes):
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def is_settings(node):
    """Whether an expression is what the code calls a configuration, or a part of one; metrics are not."""
    return ast.unparse(node).removeprefix("self.").removeprefix("job.").split("[")[0] in SETTINGS


@cache
def words_read(module):
    """Keys that a module reads: by subscript, by get(), in a listed name, or as a field that ** fills."""
    tree = code.tree_of(module)
    found, filled = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and is_settings(node.value):
            found |= texts([node.slice])
        elif isinstance(node, ast.Tuple | ast.List | ast.Set) and module not in FRAME:
            found |= texts(node.elts)
        elif isinstance(node, ast.Call):
            if (
                isinstance(node.func, ast.Attribute)
                and node.func.attr == "get"
                and is_settings(node.func.value)
            ):
                found |= texts(node.args[:1])
            filled |= {ast.unparse(node.func)} if any(word.arg is None for word in node.keywords) else set()
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Dict)
            and ast.unparse(node.targets[0]).isupper()
        ):
            found |= texts(node.value.keys)  # a table of defaults, such as that of selective search
    return found | {f"**{name}" for name in filled}


def fields(module):
    """Fields and parameters of a module's classes, by "**" and the class; "**cls" for those that fill themselves."""
    for top in code.tree_of(module).body:
        if isinstance(top, ast.ClassDef):
            names = {node.target.id for node in top.body if isinstance(node, ast.AnnAssign)}
            names |= {node.arg for node in ast.walk(top) if isinstance(node, ast.arg)}
            yield f"**{top.name}", names
            if "**cls" in words_read(module):
                yield "**cls", names


@cache
def read_by(stages):
    """Keys that the code of some stages reads, and the frame around every stage."""
    reached = set().union(*(code.reached(f"googlenet.stages.{stage}") for stage in stages))
    modules = {name for name in reached if not name.startswith("googlenet.report")}  # which is given metrics
    words = set().union(*map(words_read, modules | set(FRAME)))
    for module in modules:
        for name, names in fields(module):
            words |= names if name in words else set()
    return words


def keys_of(tree, prefix=""):
    """Paths of a tree's keys, those above others included."""
    for key, value in tree.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from keys_of(value, f"{prefix}{key}.")


def unread(schema, references):
    """Keys that neither the code of their stages nor another file of conf/ reads."""
    for section, tree in schema.items():
        if not isinstance(tree, dict):
            if section not in references and section not in read_by(tuple(config.PER)):
                yield section
            continue
        words = read_by(STAGES_OF.get(section, (section,))) | TABLES
        for key in keys_of(tree):
            named = section in config_checks.TABLES and "." not in key  # an entry's own name
            if not named and key.split(".")[-1] not in words and f"{section}.{key}" not in references:
                yield f"{section}.{key}"


def references():
    sources = [*CONF.rglob("*.yaml"), *(ROOT / "workflow").rglob("*.smk"), ROOT / "workflow/Snakefile"]
    sources += (ROOT / "workflow").rglob("*.py")
    text = "\n".join(re.sub(r"(^|\s)#.*", "", path.read_text()) for path in sources)
    text += "\n".join((ROOT / "src/googlenet" / f"{name}.py").read_text() for name in ("config", "preflight"))
    columns = {
        f"ensemble.{per}_defaults.{key}"
        for per in ("member", "detector")
        for key in re.findall(r'\["(\w+)"\]', text)
    }
    return set(re.findall(r"\$\{([\w.]+)", text)) | set(re.findall(r"tree\.([\w.]+)", text)) | columns


def test_every_key_is_read():
    assert list(unread(config.schema_of(CONF), references())) == []


def test_a_key_that_nobody_reads_is_found():
    schema = config.schema_of(CONF)
    schema["train_classifier"]["nesterov"] = True
    schema["predict_crops"]["momentum"] = 0.9  # read, but by another stage
    schema["dataset"]["detection"]["embedded"]["rotation"] = 0
    schema["colour"] = "blue"
    added = set(unread(schema, references())) - set(unread(config.schema_of(CONF), references()))
    assert added == {
        "train_classifier.nesterov",
        "predict_crops.momentum",
        "dataset.detection.embedded.rotation",
        "colour",
    }


def test_every_rule_is_about_a_key():
    assert {key for key, _, _ in RULES} <= set(keys_of(config.schema_of(CONF)))
