"""What a job measures of itself and its machine, in its event log and in MLflow."""

import time

import pytest
from mlflow import MlflowClient

from googlenet.tracking import deliver, job_run, open_store, system_metrics
from googlenet.tracking.event_log import EventLog, tracking_folder
from googlenet.tracking.system_metrics import PREFIX, Measure, gpu_use, sampled

NAMES = {
    "job_cpu_percentage",
    "job_memory_megabytes",
    "cpu_utilization_percentage",
    "system_memory_usage_megabytes",
    "system_memory_usage_percentage",
}


def busy(seconds):
    """Compute for a time, without a pause."""
    end, count = time.process_time() + seconds, 0
    while time.process_time() < end:
        count += 1
    return count


def samples(root):
    """The events of system metrics in the one log of a root."""
    (path,) = tracking_folder(root, "demo").rglob("*.jsonl")
    return [
        event
        for event in EventLog(path).events
        if event["do"] == "metrics" and f"{PREFIX}job_cpu_percentage" in event["values"]
    ]


def run_job(root, every_s, fails=False):
    with job_run(root, "demo", "train_classifier", "m1", {}, {"stamp": "1"}, {}) as run, sampled(run, every_s):
        for step in range(4):
            run.metrics({f"loss_{fails}": 1.0}, step)
            busy(0.06)
        if fails:
            raise ZeroDivisionError


def test_a_job_is_measured_and_a_later_attempt_goes_on(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(ZeroDivisionError):
        run_job(tmp_path, 0.05, fails=True)
    first = samples(tmp_path)
    assert first and {name.removeprefix(PREFIX) for name in first[0]["values"]} == NAMES
    run_job(tmp_path, 0.05)
    both = samples(tmp_path)
    assert len(both) > len(first) and [event["step"] for event in both] == list(range(len(both)))
    assert deliver(tmp_path)
    client = MlflowClient(open_store(tmp_path))
    (run,) = client.search_runs([client.get_experiment_by_name("googlenet/demo").experiment_id], "tags.kind = 'job'")
    history = client.get_metric_history(run.info.run_id, f"{PREFIX}job_memory_megabytes")
    assert [point.step for point in history] == list(range(len(both))) and all(
        5 < point.value < 1e5 for point in history
    )


def test_short_jobs_and_those_that_are_told_not_to_are_not_measured(tmp_path):
    run_job(tmp_path, 0)
    assert samples(tmp_path) == []
    run_job(tmp_path / "short", 60)
    assert samples(tmp_path / "short") == []


def test_the_share_of_a_core_is_that_since_the_last_look():
    measure = Measure()
    busy(0.1)
    measure()
    began = time.monotonic()
    busy(0.2)
    expected = 100 * 0.2 / (time.monotonic() - began)
    assert measure()[f"{PREFIX}job_cpu_percentage"] == pytest.approx(expected, rel=0.5)


def test_a_gpu_is_asked_by_its_uuid_and_may_not_answer(tmp_path, monkeypatch):
    """The driver's tool is a stand-in here, with the form of its answer: this machine may have no GPU."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text('#!/bin/sh\n[ "$1" = --id=GPU-1 ] && echo "37, 2048" || echo "[N/A], [N/A]"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert gpu_use("GPU-1") == {"gpu_0_utilization_percentage": 37.0, "gpu_0_memory_usage_megabytes": 2048.0}
    assert gpu_use("GPU-2") == {} and gpu_use("") == {}
    monkeypatch.setattr(system_metrics, "GPU_TIMEOUT_S", 0.01)
    tool.write_text("#!/bin/sh\nexec sleep 5\n")
    assert gpu_use("GPU-1") == {}
