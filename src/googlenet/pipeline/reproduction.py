"""What is logged for a completed experiment: all its jobs' settings, code digests and runs, and the models to serve."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from googlenet.config.schema.base import StageSettings
from googlenet.metrics.runs import RunRecord
from googlenet.pipeline.edits import edits
from googlenet.tracking import Servable, flattened

DIGEST = 12  # characters of a digest


class Described(NamedTuple):
    """The settings and runs of all jobs, the settings that differ from the commit's, and the models to serve."""

    settings: dict[str, str]
    jobs: list[dict[str, str]]
    edits: dict[str, str]
    models: Servable | None


def described(
    stage: str, settings: StageSettings, experiment: str, records: Sequence[RunRecord], results: Path, manifest: Path
) -> Described:
    """The description of an experiment that a job of `stage` completes, including that job's settings.

    records: of the jobs that made the results in the folder `results`; manifest: of the images."""
    from googlenet.pipeline.served import servable  # only the last job needs it

    others = [record for record in records if record.stage != stage]
    own = {f"{stage}.{key}": value for key, value in flattened(settings.model_dump(mode="json")).items()}
    models = servable(records, results, manifest)
    return Described(settings_of(others) | own, jobs_of(others), edits(Path.cwd(), experiment), models)


def settings_of(records: Iterable[RunRecord]) -> dict[str, str]:
    """The settings of the jobs that made the results, as <stage>.<key>, or <stage>/<job>.<key> where a stage's jobs
    differ, and each stage's code digest as <stage>.code. Skips records of former versions, which have no settings."""
    by_stage: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for record in records:
        if record.job_file is not None:
            settings: Any = record.job_file["settings"]
            by_stage[record.stage][record.job] = flattened(settings) | {"code": str(record.job_file["code"])[:DIGEST]}
    found: dict[str, str] = {}
    for stage, jobs in by_stage.items():
        for job, values in jobs.items():
            for key, value in values.items():
                shared = all(other.get(key) == value for other in jobs.values())
                found[f"{stage}.{key}" if shared else f"{stage}/{job}.{key}"] = value
    return found


def jobs_of(records: Iterable[RunRecord]) -> list[dict[str, str]]:
    """The run of each job, for those that have one."""
    return [{"stage": each.stage, "job": each.job, "run_id": each.run_id} for each in records if each.run_id]
