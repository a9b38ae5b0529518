"""What is logged of a completed experiment: the settings and code of all its jobs, and which runs they were."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from googlenet.config.schema.base import StageSettings
from googlenet.metrics.runs import RunRecord
from googlenet.tracking import flattened

DIGEST = 12  # characters of a digest


def described(
    stage: str, settings: StageSettings, records: Iterable[RunRecord]
) -> tuple[dict[str, str], list[dict[str, str]]]:
    """The settings of an experiment that a job of `stage` completes, its own among them, and the runs of the other jobs."""
    others = [record for record in records if record.stage != stage]
    own = {f"{stage}.{key}": value for key, value in flattened(settings.model_dump(mode="json")).items()}
    return settings_of(others) | own, jobs_of(others)


def settings_of(records: Iterable[RunRecord]) -> dict[str, str]:
    """The settings of the jobs that made the results, as <stage>.<key>, and <stage>/<job>.<key> where jobs of a stage differ;
    the digest of a stage's code as <stage>.code. None of a job whose record has no settings: a former version's."""
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
