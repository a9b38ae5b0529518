"""Settings for tests: those of the real conf/, changed where a test says so."""

from functools import cache
from pathlib import Path
from typing import Any

from googlenet.pipeline.experiment import Experiment, Job, experiment
from googlenet.pipeline.registry import SETTINGS

ROOT = Path(__file__).parents[1]


@cache
def composed(name: str = "smoke") -> Experiment:
    """An experiment of conf/."""
    return experiment(ROOT, name)


def settings_of(stage: str, job: str = "", experiment: str = "smoke", **changes: Any) -> Any:
    """The settings of a stage's job ("": its first), of the stage's class, with nested changes laid over."""
    jobs = composed(experiment).jobs(stage)
    name = job or (jobs[0].name if jobs else "")
    return changed(composed(experiment).settings(Job(stage, name), SETTINGS[stage]), **changes)


def changed(settings: Any, **changes: Any) -> Any:
    """Settings of any class with nested changes laid over, checked again."""
    return type(settings).model_validate(laid_over(settings.model_dump(), changes))


def laid_over(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Values with changes laid over, key by key."""
    merged = dict(values)
    for key, change in changes.items():
        both = isinstance(change, dict) and isinstance(merged.get(key), dict)
        merged[key] = laid_over(merged[key], change) if both else change
    return merged
