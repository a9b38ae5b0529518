"""A copy of the project's configurations that a test may edit."""

import json
import re
import shutil
from pathlib import Path

from googlenet.pipeline.experiment import Experiment, Job
from googlenet.pipeline.experiment import experiment as composed
from googlenet.pipeline.experiment_files import files

ROOT = Path(__file__).parents[1]


def copied(folder: Path) -> Path:
    """Copy conf/ and a params.yaml that chooses the demo; return the new root."""
    shutil.copytree(ROOT / "conf", folder / "conf")
    (folder / "params.yaml").write_text("experiment: demo\noverrides: {}\n")
    return folder


def edit(root: Path, file: str, pattern: str, new: str) -> None:
    """Replace the first match of a pattern (multiline) in a file of conf/; there must be one."""
    path = root / "conf" / file
    text, count = re.subn(pattern, new, path.read_text(), count=1, flags=re.MULTILINE)
    assert count == 1, f"{file}: nothing matches {pattern}"
    path.write_text(text)


def override(root: Path, text: str) -> None:
    """Give params.yaml these overrides."""
    (root / "params.yaml").write_text(f"experiment: demo\noverrides: {text}\n")


def every_job(experiment: Experiment) -> set[Job]:
    """All jobs of an experiment: those of a run from nothing."""
    return {job for stage in experiment.stages for job in experiment.jobs(stage)}


def job_files(root: Path, experiment: str = "") -> dict[str, dict]:
    """Every job's file by "<stage>/<job>", with its settings beside its head."""
    contents = [json.loads(content) for _, content in files(composed(root, experiment))]
    return {f"{content['stage']}/{content['job']}": content | content.pop("settings") for content in contents}
