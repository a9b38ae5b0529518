"""Where the time of a finished run goes: its jobs, and the chain of jobs that no number of cores shortens.

    python benchmarks/demo.py                               # in a clone whose run has finished
    python benchmarks/demo.py --folder ../other --cores 1 2 4 --every-job

Reads what the last run of each job left: Snakemake's record (which files it read, when it started and ended) and its
run.json (how long it took once its imports were done). "outside" is the difference: imports, and Snakemake's own work.
Three figures for a number of cores: what the run took, if all of it was one run; the least that is possible (the longest
chain, or the work divided by the cores); and a schedule that starts the job with the longest chain behind it first.
JSON keys: "jobs" (seconds by job), "stages", "chain", "chain_s", "work_s", "outside_s", "took_s", "least_s" and
"scheduled_s" (by cores).
"""

import heapq
import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import common

from googlenet.pipeline.experiment import experiment as composed
from googlenet.pipeline.job_file import run_record
from googlenet.pipeline.registry import STAGES

RECORDS = Path(".snakemake/metadata")


@dataclass(frozen=True)
class Ran:
    """One job of the run. inside_s: from its run.json."""

    name: str
    inputs: tuple[str, ...]
    start_s: float
    end_s: float
    inside_s: float

    @property
    def wall_s(self) -> float:
        """Seconds from the job's start by Snakemake to its end."""
        return self.end_s - self.start_s

    @property
    def stage(self) -> str:
        """The rule."""
        return self.name.split("/")[0]


def records(folder: Path) -> dict[str, dict[str, Any]]:
    """Snakemake's records by the path of the output."""
    found = {}
    for path in sorted((folder / RECORDS).rglob("*")):
        if path.is_file():
            # Names are in base64; a long path continues in a folder marked with @.
            parts = path.relative_to(folder / RECORDS).parts
            output = urlsafe_b64decode("".join(part.removeprefix("@") for part in parts)).decode()
            found[output] = json.loads(path.read_bytes())
    return found


def jobs_of(
    folder: Path, experiment: str, dataset: str, targets: Sequence[str]
) -> tuple[dict[str, Ran], dict[str, set[str]]]:
    """The jobs of an experiment's targets by name, and the names of the jobs that each one waits for."""
    made, jobs = {}, {}
    for output, row in records(folder).items():
        config = next((Path(path) for path in row["input"] if "config" in Path(path).parts), Path())
        of_data = config.parts[:3] == ("data", "config", dataset)
        if not (of_data or config.parts[:2] == ("results", experiment)) or STAGES[row["rule"]].target not in targets:
            continue
        name = row["rule"] if config.parts[0] == "data" else f"{row['rule']}/{config.stem}"
        run = folder / run_record(config, row["rule"], "all" if config.parts[0] == "data" else config.stem)
        inside = json.loads(run.read_bytes())["duration_s"] if run.is_file() else 0.0
        made[output] = name
        jobs[name] = Ran(name, tuple(row["input"]), row["starttime"], row["endtime"], inside)
    return jobs, {name: {made[path] for path in job.inputs if path in made} for name, job in jobs.items()}


def behind(jobs: Mapping[str, Ran], after: Mapping[str, set[str]]) -> dict[str, tuple[float, tuple[str, ...]]]:
    """For every job, the longest chain that begins with it: its seconds and its jobs."""
    followers: dict[str, list[str]] = {name: [] for name in jobs}
    for name, before in after.items():
        for one in before:
            followers[one].append(name)

    @cache
    def chain(name: str) -> tuple[float, tuple[str, ...]]:
        seconds, rest = max((chain(one) for one in followers[name]), default=(0.0, ()))
        return seconds + jobs[name].wall_s, (name, *rest)

    return {name: chain(name) for name in jobs}


def scheduled(jobs: Mapping[str, Ran], after: Mapping[str, set[str]], cores: int) -> float:
    """Seconds of a schedule on that many cores, one per job: of the jobs that are ready, the longest chain first."""
    chains, done, waiting = behind(jobs, after), set[str](), set(jobs)
    running: list[tuple[float, str]] = []
    now = 0.0
    while waiting or running:
        ready = sorted((name for name in waiting if after[name] <= done), key=lambda name: -chains[name][0])
        for name in ready[: cores - len(running)]:
            heapq.heappush(running, (now + jobs[name].wall_s, name))
            waiting.remove(name)
        now, ended = heapq.heappop(running)
        done.add(ended)
    return now


def main() -> None:
    """Print the jobs by stage, the longest chain, and the times for each number of cores."""
    parser = common.parser(__doc__)
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument("--experiment", default="demo")
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--ablations", action="store_true", help="include the jobs of the target ablations")
    parser.add_argument("--every-job", action="store_true", help="a line for each job, in the order of their starts")
    options = parser.parse_args()
    dataset = composed(options.folder, options.experiment).dataset
    targets = ("all", "ablations") if options.ablations else ("all",)
    jobs, after = jobs_of(options.folder, options.experiment, dataset, targets)
    if not jobs:
        parser.error(f"{options.folder}: no job of {options.experiment} has run here; run `snakemake --cores 2` first")
    chain_s, chain = max(behind(jobs, after).values())
    first, work = min(job.start_s for job in jobs.values()), sum(job.wall_s for job in jobs.values())
    took, outside = max(job.end_s for job in jobs.values()) - first, work - sum(job.inside_s for job in jobs.values())

    stages: dict[str, list[Ran]] = {}
    for job in sorted(jobs.values(), key=lambda job: job.start_s):
        stages.setdefault(job.stage, []).append(job)
        if options.every_job:
            print(f"{job.start_s - first:8.1f} to {job.end_s - first:6.1f} s  {job.name}")
    rows = [
        (
            stage,
            len(of_stage),
            f"{sum(job.wall_s for job in of_stage):.1f}",
            f"{max(job.wall_s for job in of_stage):.1f}",
            f"{sum(job.wall_s - job.inside_s for job in of_stage):.1f}",
        )
        for stage, of_stage in stages.items()
    ]
    total = ("all", len(jobs), f"{work:.1f}", f"{max(job.wall_s for job in jobs.values()):.1f}", f"{outside:.1f}")
    common.report([*rows, total], ("stage", "jobs", "seconds", "longest", "outside"))
    print(f"\nlongest chain, {chain_s:.0f} s: " + ", ".join(f"{name} {jobs[name].wall_s:.0f}" for name in chain))
    print(f"first start to last end {took:.0f} s; {work / took:.2f} jobs at a time\n")
    least = {cores: max(chain_s, work / cores) for cores in options.cores}
    plans = {cores: scheduled(jobs, after, cores) for cores in options.cores}
    common.report([(n, f"{least[n]:.0f}", f"{plans[n]:.0f}") for n in options.cores], ("cores", "least", "scheduled"))
    common.write(
        options.json,
        jobs={name: round(job.wall_s, 2) for name, job in jobs.items()},
        stages={stage: round(sum(job.wall_s for job in of_stage), 2) for stage, of_stage in stages.items()},
        chain=chain,
        chain_s=round(chain_s, 2),
        work_s=round(work, 2),
        outside_s=round(outside, 2),
        took_s=round(took, 2),
        least_s=least,
        scheduled_s=plans,
    )


if __name__ == "__main__":
    main()
