"""`dvc metrics`, `dvc params` and `dvc plots` on a finished run, and on what an edit changed."""

import csv
import json

import pytest

from workflow.changes import smoke
from workflow.clones import commit, dvc, executed, jobs, snakemake

pytestmark = pytest.mark.engine
REPORT = "results/smoke/make_report"
FIGURES = f"{REPORT}/key_figures.json"
BASELINE = jobs(train_baseline="all", evaluate_ensemble="all", make_report="all")


def shown(clone, *words):
    """What a DVC command prints as JSON."""
    return json.loads(dvc(clone, *words, "--json"))


def test_dvc_shows_the_key_figures(shared_clone):
    figures = json.loads((shared_clone / FIGURES).read_text())
    assert shown(shared_clone, "metrics", "show")[""]["data"][FIGURES]["data"] == figures
    assert "top1_error_percent_single_1" in dvc(shared_clone, "metrics", "show")
    assert figures.keys() >= {"top5_error_percent_ensemble_144", "mean_ap_percent_ensemble"}


def test_dvc_draws_every_curve(shared_clone, tmp_path):
    page = tmp_path / "plots"
    assert dvc(shared_clone, "plots", "show", "--out", str(page)).strip().endswith("/index.html")
    html = (page / "index.html").read_text()
    curves = sorted((shared_clone / REPORT / "curves").glob("*.csv"))
    assert [path.stem for path in curves] == ["crops", "learning", "models", "precision_recall", "validation"]
    charts = shown(shared_clone, "plots", "show", "--split")["data"]
    for path in curves:
        name = f"{REPORT}/curves/{path.name}"
        with path.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        (chart,) = charts[name]
        points = chart["anchor_definitions"]["<DVC_METRIC_DATA>"]
        assert [{key: point[key] for key in rows[0]} for point in points] == rows
        assert chart["content"]["encoding"]["detail"]["field"] == "series" and rows[0]["series"] in html


@pytest.mark.long
def test_dvc_compares_an_edit_with_the_commit(clone, tmp_path):
    commit(clone)
    assert shown(clone, "metrics", "diff") == {} and dvc(clone, "params", "diff") == ""
    before = json.loads((clone / FIGURES).read_text())
    smoke(r"max_iterations: \d+", "max_iterations: 1")(clone)
    assert executed(dvc(clone, "repro")) == BASELINE
    after = json.loads((clone / FIGURES).read_text())
    name = "top1_error_percent_baseline"
    values = [each[name] for each in (before, after)]
    assert values[0] != values[1]
    difference = shown(clone, "metrics", "diff")[FIGURES][name]
    assert difference == {"old": values[0], "new": values[1], "diff": values[1] - values[0]}
    changed = shown(clone, "params", "diff")
    assert changed == {
        "conf/experiment/smoke.yaml": {"train_baseline.max_iterations": {"old": 50, "new": 1, "diff": -49}}
    }
    dvc(clone, "plots", "diff", "--out", str(tmp_path / "plots"))
    charts = shown(clone, "plots", "diff", "--split")["data"]
    assert all(chart["revisions"] == ["workspace", "HEAD"] for each in charts.values() for chart in each)
    assert "Nothing to be done" in snakemake(clone, "-n")
