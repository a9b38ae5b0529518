"""Start the display: the Snakefile calls this once Snakemake knows what it will run."""

import os
import time
from typing import Any

from googlenet.errors import escape_output
from googlenet.metrics.order import natural
from googlenet.pipeline import dvc_command
from googlenet.pipeline.experiment import Experiment
from googlenet.pipeline.registry import APART, STAGES
from googlenet.planning.remaining import Planned
from googlenet.progress.display import Display
from googlenet.progress.timeline import FOLDER, Timeline
from googlenet.tracking import job_name
from googlenet.tracking.processes import started


def begin(workflow: Any, experiment: Experiment, dvc_stage: str) -> None:
    """Show the run of Snakemake's workflow, if Snakemake logs through the plugin. dvc_stage: "" unless DVC runs it."""
    handlers = [each for each in workflow.logger_manager.get_log_handlers() if hasattr(each, "show")]
    jobs = planned(workflow)
    if not handlers or handlers[0].is_plain or not jobs:
        return
    escape_output()
    dvc = next(dvc_command.processes(os.getppid()), None) if dvc_stage else None
    process = dvc[0] if dvc else os.getpid()
    timeline = Timeline.opened(experiment.root / FOLDER / f"{process}-{started(process)}.jsonl")
    stage = dvc_stage.split(":")[-1]
    timeline.plan(time.time(), jobs.values(), *slots(workflow), stage=stage)
    display = Display(timeline, experiment, handlers[0].stream, handlers[0].is_live, stage)
    display.begin(dry_run_of(dvc[1], stage) if dvc else None)
    handlers[0].show(display, jobs)


def planned(workflow: Any) -> dict[int, Planned]:
    """The jobs that Snakemake will run, by its job ids; without targets."""
    dag = workflow.dag
    order = {stage: place for place, stage in enumerate(STAGES)}
    needed = [job for job in dag.needrun_jobs(exclude_finished=False) if job.rule.name in STAGES]
    needed.sort(key=lambda job: (order[job.rule.name], natural("".join(job.wildcards))))
    names = {job: job_name(job.rule.name, next(iter(job.wildcards), "all")) for job in needed}
    return {
        dag.jobid(job): Planned(
            names[job],
            after=tuple(sorted(names[other] for other in dag.dependencies[job] if other in names)),
            threads=job.threads if workflow.local_exec else 1,
            priority=STAGES[job.rule.name].priority,
            gpu=STAGES[job.rule.name].gpu and int(job.resources.get("gpu", 0)),
            log=str(next(iter(job.log), "")),
        )
        for job in needed
    }


def slots(workflow: Any) -> tuple[int, int | None]:
    """How many threads (on a cluster: jobs) run at once, and how many GPUs there are, None if not counted."""
    settings = workflow.resource_settings
    slots = settings.cores if workflow.local_exec else settings.nodes
    return slots or 1, workflow.global_resources.get("gpu").value


def dry_run_of(dvc_words: list[str], stage: str) -> tuple[list[str], list[str]] | None:
    """Targets and options of a dry run of what `dvc` with these arguments will run; None if only the present stage."""
    # Options are left to DVC's parser, which takes a second to import: they can be combined and abbreviated.
    options = dvc_command.parsed(dvc_words) if any(word.startswith("-") for word in dvc_words) else None

    def given(*names: str) -> bool:
        return any(getattr(options, name, False) for name in names)

    if given("single_item"):
        return None
    named = [word.split(":")[-1] for word in dvc_words if word.split(":")[-1] in STAGES]
    targets = [f"stage_{name}" for name in named]
    if not named or given("downstream", "pipeline", "all_pipelines"):
        apart = [name for name in APART if f"workflow/{name}/dvc.yaml" in dvc_words]
        targets = apart or [STAGES[stage].target]
    return targets, ["--forceall"] if given("force") else []
