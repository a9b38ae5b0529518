"""What the report reads: metrics.json by its place, run.json of any age, and one line for a file of another form."""

from pathlib import Path

import pytest

from googlenet.errors import UserError
from googlenet.metrics.base import write_metrics
from googlenet.metrics.classification import BaselineMetrics, EnsembleMetrics
from googlenet.metrics.cost import CostMetrics
from googlenet.metrics.data import Manifest
from googlenet.metrics.results import Results, read_results
from googlenet.metrics.runs import read_run
from googlenet.metrics.training import TrainingMetrics
from googlenet.pipeline.registry import STAGES
from googlenet.storage.files import read_json, write_json
from report import sample

KINDS = {name: stage.metrics for name, stage in STAGES.items()}


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Manifests and metrics of two stages where jobs leave them; the paths of both."""
    monkeypatch.chdir(tmp_path)
    manifests = [tmp_path / f"data/{kind}/digits/manifest.json" for kind in ("detection", "classification")]
    for path in manifests:
        write_metrics(path, sample.manifest(path.parts[-3]), "stamp")
    root = Path("results/demo")
    paths = [root / "train_classifier" / name / "metrics.json" for name in ("m10", "m2")]
    for number, path in zip((10, 2), paths, strict=True):
        write_metrics(path, sample.trained(number), "stamp")
    paths.append(root / "train_baseline" / "metrics.json")
    write_metrics(paths[-1], sample.train_baseline(), "stamp")
    return manifests, paths


def test_metrics_are_found_by_their_class_and_jobs_by_their_names(written):
    results = read_results(*written, KINDS)
    assert list(results.several(TrainingMetrics)) == ["m2", "m10"]
    assert results.several(TrainingMetrics)["m10"].member.name == "m10"
    assert results.one(BaselineMetrics).stamp == "stamp"
    assert [manifest.kind for manifest in results.manifests] == ["classification", "detection"]
    assert results.manifest("detection").splits["test"].objects == 1350


def test_what_an_experiment_does_not_have_is_none_or_empty():
    results = Results([("m1", sample.trained(1))])
    assert results.one(TrainingMetrics) is None  # a job of several is no single one
    assert results.one(CostMetrics) is None and results.several(EnsembleMetrics) == {}
    assert results.manifest("classification") is None and results.one(Manifest) is None


def test_a_file_of_another_form_is_named_with_its_key(written):
    manifests, paths = written
    values = read_json(paths[0])
    values["test"]["last"].pop("top1_error_percent")
    write_json(paths[0], values)
    with pytest.raises(UserError) as caught:
        read_results(manifests, paths, KINDS)
    words = "results/demo/train_classifier/m10/metrics.json: test.last.top1_error_percent: Field required"
    assert str(caught.value) == f"{words}; delete it and run its stage again"


def test_records_of_other_versions_are_read(tmp_path):
    path = tmp_path / "m1.json"
    record = sample.runs()[1].to_json()
    write_json(path, record | {"host": "nowhere", "mlflow": {"run_id": "of a former version"}})
    assert read_run(path) == sample.runs()[1]
    del record["peak_memory_mb"], record["run_id"]
    write_json(path, record)
    assert read_run(path).peak_memory_mb is None and read_run(path).run_id is None
    write_json(path, {"stage": "train_classifier"})
    with pytest.raises(UserError, match=r"m1\.json: job: Field required; delete it and run its stage again$"):
        read_run(path)
