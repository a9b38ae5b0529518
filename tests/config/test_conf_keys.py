"""Keys of conf/ and fields of the schema: each key has a field, each field a description and a default, and each is read."""

import ast
import re
from functools import cache
from typing import Annotated, get_args, get_origin

import pytest
from pydantic import BaseModel, Field, create_model

from conf_copy import ROOT
from googlenet.config.compose import JOB_VARIABLES, SHARED
from googlenet.config.schema.base import BySplit, Selects, is_reference
from googlenet.config.schema.classification import AblationRow, PredictCrops, TrainClassifier
from googlenet.config.schema.shared import Detector, ImportedMember, MemberRow, Origin, Sampling
from googlenet.config.sources import FULL, of_job
from googlenet.pipeline import code
from googlenet.pipeline.registry import SETTINGS, STAGES
from googlenet.storage.files import load_yaml

CONF = ROOT / "conf"
# Sections of named entries, whose keys are those of one class.
ENTRIES = {"sampling": Sampling, "origins": Origin}


def contents(name):
    """The defaults of a section of conf/."""
    if name in FULL:
        return load_yaml(CONF / name / f"{FULL[name]}.yaml")
    path = CONF / f"{name}.yaml"
    return load_yaml(path) if path.exists() else load_yaml(CONF / "config.yaml")[name]


def sections():
    """Every section with its class, and the values that stand in conf/."""
    for name, kind in [*SHARED.items(), *SETTINGS.items()]:
        yield name, kind, contents(name)
    for name, kind in ENTRIES.items():
        for entry, values in contents(name).items():
            yield f"{name}.{entry}", kind, values


def class_of(kind):
    """The settings class in a type, of a list's entries too; None for a plain value."""
    while get_origin(kind) in (Annotated, tuple):
        kind = get_args(kind)[0]
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def differences(name, kind, values):
    """Keys without a field, and fields without a key, of a section and of what is inside it."""
    keys = {key for key in values if key != "defaults" and not key.endswith("_defaults")}
    for key in sorted(keys ^ kind.model_fields.keys()):
        yield f"{name}.{key}"
    for key in sorted(keys & kind.model_fields.keys()):
        inner = class_of(kind.model_fields[key].annotation)
        if inner is not None and isinstance(values[key], dict):
            yield from differences(f"{name}.{key}", inner, values[key])


def test_every_key_has_a_field_and_every_field_a_default():
    assert [line for section in sections() for line in differences(*section)] == []
    ensemble = contents("ensemble")
    assert MemberRow.model_fields.keys() == {"name", *ensemble["member_defaults"]}
    assert Detector.model_fields.keys() == {"name", *ensemble["detector_defaults"]}


def test_a_key_without_a_field_and_a_field_without_a_key_are_found():
    values = contents("train_classifier")
    values["nesterov"], values["averaging"] = True, {"form": "equal", "decay": 0.5}
    missing = ["train_classifier.nesterov", "train_classifier.averaging.start_epoch"]
    assert list(differences("train_classifier", TrainClassifier, values)) == missing


def references(value):
    """The references in a tree of plain values."""
    if isinstance(value, dict):
        return [reference for inner in value.values() for reference in references(inner)]
    return [value] if is_reference(value) else []


def test_what_a_job_fills_in_is_asked_for_by_a_section():
    given = [reference for _, _, values in sections() for reference in references(values)]
    for variable in JOB_VARIABLES:
        assert any(of_job(reference, [variable]) for reference in given), variable
    for reference in given:
        if not of_job(reference, JOB_VARIABLES):
            section, *path = reference.removeprefix("${").removesuffix("}").split(".")
            value = contents(section)
            for key in path:
                value = value[key]


def classes(kind):
    """A settings class, and those of its fields, and so on."""
    yield kind
    for field in kind.model_fields.values():
        if (inner := class_of(field.annotation)) is not None:
            yield from classes(inner)


EVERY = {
    part
    for kind in (
        *SHARED.values(),
        *SETTINGS.values(),
        *ENTRIES.values(),
        MemberRow,
        ImportedMember,
        Detector,
        AblationRow,
    )
    for part in classes(kind)
}


@pytest.mark.parametrize("kind", sorted(EVERY, key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_every_field_is_described(kind):
    assert (kind.__doc__ or "").strip()
    for name, field in kind.model_fields.items():
        assert field.description and not field.description.endswith("."), name
        assert field.is_required(), f"{name}: its default belongs in conf/"


# Who reads a field: the code of the stages that are given it, or what is around every stage.


@cache
def attributes(module):
    """Names that a module reads as attributes."""
    nodes = ast.walk(code.tree_of(module))
    return {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)}


@cache
def around():
    """Names that are read outside the stages: by the workflow, the configuration, the runner and the checks before a run."""
    folders = [code.PACKAGE / name for name in ("config", "pipeline")]
    names = [f"googlenet.{path.parent.name}.{path.stem}" for folder in folders for path in folder.glob("*.py")]
    workflow = [
        path for path in (ROOT / "workflow").rglob("*") if path.suffix in ("", ".smk", ".py") and path.is_file()
    ]
    text = "\n".join(path.read_text() for path in workflow)
    read = [attributes(name) for name in (*names, "googlenet.planning.preflight") if not name.endswith("__init__")]
    return set(re.findall(r"\.(\w+)", text)).union(*read)


def selected(kind):
    """Every module that a value of these settings can select."""
    for field in kind.model_fields.values():
        for mark in field.metadata:
            if isinstance(mark, Selects):
                yield from (mark.module(value) for value in get_args(field.annotation))
        if (inner := class_of(field.annotation)) is not None:
            yield from selected(inner)


@cache
def asked_by_split(module):
    """Names of the values whose `of(split)` a module reads."""
    nodes = [node for node in ast.walk(code.tree_of(module)) if isinstance(node, ast.Attribute) and node.attr == "of"]
    return {
        node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "") for node in nodes
    }


def unread(stage, kind):
    """Fields of a stage's settings that neither its code nor anything around it reads."""
    modules = code.reached(STAGES[stage].module, *selected(kind), *code.ALWAYS)
    read = around().union(*map(attributes, modules))
    asked = set().union(*map(asked_by_split, modules))
    fields = [field for part in classes(kind) for field in part.model_fields.items()]
    by_name = {class_of(field.annotation) for name, field in fields if name in asked}
    parts = [part for part in classes(kind) if not (issubclass(part, BySplit) and part in by_name)]
    return sorted({name for part in parts for name in part.model_fields if name not in read})


@pytest.mark.parametrize("stage", STAGES)
def test_every_field_of_a_stage_is_read(stage):
    assert unread(stage, SETTINGS[stage]) == []


@pytest.mark.parametrize("kind", [*SHARED.values(), MemberRow, Detector, AblationRow], ids=lambda kind: kind.__name__)
def test_every_field_that_stages_share_is_read(kind):
    modules = {name for stage in STAGES for name in code.reached(STAGES[stage].module, *selected(SETTINGS[stage]))}
    read = around().union(*map(attributes, modules))
    assert {name for part in classes(kind) for name in part.model_fields} - read == set()


def test_a_field_that_nobody_reads_is_found():
    more = {
        "nesterov": (bool, Field(description="Of the gradient")),
        "momentum": (float, Field(description="Read by others")),
    }
    assert unread("predict_crops", create_model("More", __base__=PredictCrops, **more)) == ["momentum", "nesterov"]
