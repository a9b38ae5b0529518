"""Records of runs that nobody ran."""

from googlenet.metrics.runs import RunRecord


def made_by(config_sha256: str = "", **libraries: str) -> RunRecord:
    """The record of a job that ran with this file and these libraries."""
    return RunRecord(
        stage="train_classifier",
        job="m1",
        experiment="demo",
        started="2026-01-01T00:00:00+00:00",
        ended="2026-01-01T00:00:01+00:00",
        duration_s=1.0,
        commit="",
        config_sha256=config_sha256,
        stamp="",
        inputs={},
        versions=libraries,
        threads=1,
        device="cpu",
    )
