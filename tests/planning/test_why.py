"""Why a job would run, in words: what differs between its record and its present file, and Snakemake's reasons."""

import pytest

from conf_copy import ROOT
from googlenet.cli.why import named
from googlenet.errors import UserError
from googlenet.metrics.runs import RunRecord
from googlenet.pipeline.job_file import MODULES
from googlenet.pipeline.reasons import Reason
from googlenet.planning import why
from googlenet.storage.files import sha256, write_json
from run_records import made_by

CONFIG = "results/demo/config/train_classifier/m1.json"
RECORD = "results/demo/runs/train_classifier/m1.json"
BEFORE = {"code": "c0", "settings": {"epochs": 8, "member": {"width": 1.0, "sampling": "area"}, "seeds": [1, 2]}}
CODE = {"googlenet.a": "1", "googlenet.b": "1"}


def reason(**given) -> Reason:
    """A job's reason with nothing in it but what is given."""
    plain = {"stage": "train_classifier", "job": "m1", "inputs": (CONFIG, "data/manifest.json"), "missing": ()}
    plain |= {"updated": (), "renewed": (), "inputs_before": None, "rule_changed": False, "text": "It must."}
    return Reason(**plain | given)


@pytest.fixture
def ran(tmp_path):
    """Call it with a job's file as it was and as it is, and the digests of the modules of both."""

    def written(before, now, modules=CODE, before_modules=CODE):
        write_json(tmp_path / CONFIG, before)
        record = made_by(sha256(tmp_path / CONFIG)).model_copy(update={"job_file": before, "modules": before_modules})
        write_json(tmp_path / RECORD, record.to_json())
        write_json(tmp_path / CONFIG, now)
        write_json(tmp_path / MODULES, {now["code"]: modules})
        return tmp_path

    return written


def with_settings(**changed):
    return BEFORE | {"settings": BEFORE["settings"] | changed}


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (with_settings(epochs=9), "epochs is 9 (was 8)."),
        (with_settings(member={"width": 0.5, "sampling": "area"}), "member.width is 0.5 (was 1.0)."),
        (with_settings(seeds=[3]), "seeds is [3] (was [1, 2])."),
        (with_settings(rate=0.1), "rate is 0.1 (was absent)."),
        (with_settings(epochs=9, rate=0.1), "epochs is 9 (was 8) and rate is 0.1 (was absent)."),
        (BEFORE | {"versions": {"torch": "2.15"}}, "torch 2.15 counts (was absent)."),
    ],
)
def test_changed_settings_are_named_with_both_values(ran, now, sentence):
    assert why.sentence(ran(BEFORE, now), reason(updated=(CONFIG,))) == sentence


@pytest.mark.parametrize(
    ("modules", "before", "sentence"),
    [
        (CODE | {"googlenet.b": "2"}, CODE, "googlenet.b changed."),
        (CODE | {"googlenet.c": "1"}, CODE, "googlenet.c counts now."),
        ({"googlenet.a": "1"}, CODE, "googlenet.b does not count any more."),
        ({"googlenet.a": "2", "googlenet.c": "1"}, CODE, "googlenet.a changed."),
        (CODE, None, "its code changed."),
    ],
)
def test_changed_modules_are_named(ran, modules, before, sentence):
    root = ran(BEFORE, BEFORE | {"code": "c1"}, modules, before)
    assert why.sentence(root, reason(updated=(CONFIG,))) == sentence


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"missing": ("x.json",)}, "x.json is missing."),
        ({"renewed": ("train_classifier/m2", "train_classifier/m10", "evaluate_ensemble")},
         "it reads what train_classifier/m2,m10 and evaluate_ensemble will write again."),
        ({"updated": ("data/manifest.json",)}, "data/manifest.json changed after it ran."),
        ({"rule_changed": True}, "its rule in workflow/ has another command."),
        ({"inputs_before": (CONFIG, "gone")}, "it has other inputs: now with data/manifest.json and without gone."),
        ({}, "Snakemake says: It must."),
    ],
)  # fmt: skip
def test_other_reasons(ran, given, sentence):
    assert why.sentence(ran(BEFORE, BEFORE), reason(**given)) == sentence


def test_a_job_without_a_record_has_not_run(tmp_path):
    assert why.sentences(tmp_path, [reason(missing=("x",))]) == {"train_classifier/m1": "has not run yet."}


def test_a_record_of_a_former_version_is_no_error(ran):
    root = ran(BEFORE, with_settings(epochs=9))
    former = RunRecord.model_validate_json((root / RECORD).read_text()).model_copy(update={"job_file": None})
    write_json(root / RECORD, former.to_json())
    sentence = why.sentence(root, reason(updated=(CONFIG,)))
    assert sentence == "its settings or its code changed (its record is of a version that did not note them)."


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("make_reprot", "; did you mean 'make_report'?"),
        ("train_classifier/n1", "; did you mean 'train_classifier/m1'?"),
        ("xyz", ""),
    ],
)
def test_an_unknown_name_gets_the_names_of_its_kind(name, ending):
    with pytest.raises(UserError) as caught:
        named(ROOT, "smoke", name)
    said = str(caught.value)
    assert said.startswith(f"{name}: no stage or job of 'smoke'; ") and said.endswith(ending) and "..." not in said
    assert said.count("make_report") <= 1
