"""The exports of a member, a target of their own: what they measure, that DVC records it, and that an edit is theirs alone."""

import json

import pytest

from workflow.clones import Build, call, copied, dvc, executed, jobs, plan, replace, snakemake

pytestmark = [pytest.mark.engine, pytest.mark.long]
FILE = "workflow/exports/dvc.yaml"
RESULTS = "results/smoke/exports/measure_export"


@pytest.fixture(scope="module")
def ran(snakemake_build, tmp_path_factory):
    """A copy of the clone in which Snakemake has run everything, and the exports as well."""
    clone = copied(snakemake_build.folder, tmp_path_factory.mktemp("exports") / "clone")
    assert not (clone / "workflow/exports").exists() and not (clone / RESULTS).exists()  # a main run needs none
    return Build(clone, executed(snakemake(clone, "--cores", "2", "exports")))


def test_a_member_is_measured_in_every_format(ran):
    assert ran.ran == jobs(measure_export="all")
    metrics = json.loads((ran.folder / RESULTS / "metrics.json").read_text())
    rows = {row["format"]: row for row in metrics["formats"]}
    assert list(rows) == ["exported_program", "onnx_int8"] and (metrics["member"], metrics["calibrated_on"]) == (
        "m1",
        20,
    )
    for row in (metrics["network"], *rows.values()):
        low, high = row["latency"]["quartiles_ms"]
        assert 0 < low <= row["latency"]["median_ms"] <= high
    exact, int8 = rows.values()
    assert exact["largest_difference"] < 1e-4 and exact["same_first_answer_percent"] == 100
    assert exact["gain"]["top1_error_percent"]["difference"] == 0
    assert 0 < int8["largest_difference"] < 0.1
    page = ran.folder / RESULTS / "exports.html"
    assert "mobile and embedded computing" in page.read_text(encoding="utf-8")
    assert (page.parent / "tables/size-time-and-error-of-each-format.csv").is_file()


def test_an_edit_is_this_targets_alone(ran):
    clone = ran.folder
    assert json.loads(dvc(clone, "status", "--json", FILE)) == {}  # the run was recorded
    replace(clone, "conf/measure_export.yaml", r"confidence_percent: 95", "confidence_percent: 90")
    why = call(clone, "python", "-m", "googlenet", "why", "--exports")
    assert why == "measure_export: confidence_percent is 90.0 (was 95.0).\n"
    assert f"{FILE}:measure_export" in json.loads(dvc(clone, "status", "--json", FILE))
    assert not executed(plan(clone))
