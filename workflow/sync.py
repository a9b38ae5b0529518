"""Keep Snakemake and DVC in step.

usage: python workflow/sync.py resolve | after-run EXPERIMENT TARGET | commit [TARGET] | restore

resolve    write the resolved configurations; remove the results of former members (the first DVC stage)
after-run  record in DVC the results of a successful run of a whole target, all or ablations (the Snakefile's onsuccess)
commit     the same by hand, after checking that Snakemake has nothing to do (make sync)
restore    check out the results that dvc.lock lists, and mark them as current for Snakemake (make restore)
"""

import json
import subprocess
import sys
from pathlib import Path

from dvc_stages import FILES
from googlenet.config.schema.shared import Execution
from googlenet.errors import UserError
from googlenet.pipeline import experiment as experiments
from googlenet.pipeline.experiment import Experiment
from googlenet.pipeline.registry import ROWS

COMMANDS = "resolve, after-run EXPERIMENT TARGET, commit [TARGET], restore"
NOT_RECORDED = "results not recorded in DVC"


def resolve() -> Experiment:
    """Write changed configurations, remove obsolete results, and make every stage's folder: DVC needs each one."""
    experiment = experiments.current(Path.cwd())
    experiments.write_configs(experiment)
    experiments.remove_former_jobs(experiment)
    for target in dvc_targets():
        make_folders(experiment, target)
    return experiment


def resolve_checked() -> None:
    """The same as DVC's first stage, once what is due has all that it reads: nothing is removed before an error."""
    from googlenet.planning import preflight

    experiment = experiments.current(Path.cwd())
    experiments.write_configs(experiment)
    for error in preflight.missing_sources(experiment, preflight.due(experiment)):
        raise error
    resolve()


def dvc_targets() -> list[str]:
    """The targets that DVC has stages for: all, and ablations once their dvc.yaml exists."""
    return [target for target, file in FILES.items() if Path(file).exists()]


def make_folders(experiment: Experiment, target: str) -> None:
    """Make the folders of a target that DVC expects; those of stages that an experiment leaves out are empty."""
    for row in ROWS:
        of_target = (row.group == "ablations") == (target == "ablations")
        if of_target and row.group != "data":
            results = experiment.root / experiment.results(row.name)
            for folder in (results / row.name, results / "config" / row.name, results / "runs"):
                folder.mkdir(parents=True, exist_ok=True)
    for name in ("config", "runs", "classification", "detection"):
        (experiment.root / "data" / name).mkdir(parents=True, exist_ok=True)


def after_run(name: str, target: str) -> None:
    """Commit, unless the run was of another experiment than that of params.yaml, or its results are too large."""
    experiment = experiments.current(Path.cwd())
    if name != experiment.name:
        warn(f"{NOT_RECORDED}: the run was of '{name}', but params.yaml names '{experiment.name}'")
    elif not Path(".dvc").is_dir() or not Path(".git").exists():
        warn(f"{NOT_RECORDED}: this folder is not a git clone with a .dvc folder")
    elif size_gb(experiment) > experiment.of(Execution).commit_limit_gb:
        size = f"{size_gb(experiment):.0f} GB is above execution.commit_limit_gb"
        warn(f"{NOT_RECORDED}: {size}; run `make sync`")
    else:
        commit(experiment, target)


def commit(experiment: Experiment, target: str) -> None:
    """Record the present results of a target in the dvc.lock beside its dvc.yaml, and in DVC's cache."""
    if target != "all":
        run(sys.executable, "workflow/dvc_stages.py", "write", target)
    make_folders(experiment, target)
    run("dvc", "commit", "--force", "--quiet", FILES[target])


def commit_by_hand(target: str = "all") -> None:
    """Commit if, and only if, Snakemake has nothing to do."""
    experiment = experiments.current(Path.cwd())
    if target not in FILES:
        raise UserError(f"{target!r}: one of {', '.join(FILES)}")
    if "Nothing to be done" not in run("snakemake", "-n", "--", target):
        command = "snakemake --cores N" + (f" {target}" if target != "all" else "")
        raise UserError(f"results are not current; run `{command}` first")
    commit(experiment, target)


def restore() -> None:
    """Check out what dvc.lock lists; mark it as current only if all of it matches the present configurations."""
    experiment = resolve()
    for target in dvc_targets():
        changed = checked_out(experiment, target)
        if changed and target == "all":
            raise UserError(
                f"the results do not belong to this checkout ({', '.join(changed)} differ);"
                " get the data with `dvc pull`, or run `dvc repro`"
            )
        if changed:
            warn(f"the {target} do not belong to this checkout; run `snakemake --cores N {target}`")
        else:
            # All jobs: Snakemake notices an edited rule or a removed member only if it has a record of the job.
            run("snakemake", "--cores", "1", "--touch", "--forceall", "--quiet", "all", "--", target)


def checked_out(experiment: Experiment, target: str) -> list[str]:
    """Check out a target's results; return the stages that still differ."""
    try:
        run("dvc", "checkout", FILES[target])
    except UserError as error:
        remedy = "`make sync` keeps present results, `dvc pull` fetches missing ones"
        raise UserError(f"{error} ({remedy})") from None
    # Checkout removes empty folders, and DVC needs those of stages without jobs.
    make_folders(experiment, target)
    return sorted(json.loads(run("dvc", "status", "--json", FILES[target])))


def size_gb(experiment: Experiment) -> float:
    """Size of the files that a commit would hash, in GB."""
    folders = [experiment.root / "data" / name for name in ("classification", "detection")]
    folders.append(experiment.root / "results" / experiment.name)
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files) / 1e9


def run(*command: str) -> str:
    """Run a command and return its output; raise UserError with its error or last line if it fails."""
    process = subprocess.run(
        command, capture_output=True, text=True, errors="backslashreplace", stdin=subprocess.DEVNULL
    )
    if process.returncode:
        lines = (process.stderr.strip() or process.stdout.strip() or "no message").splitlines()
        errors = [line for line in lines if line.lower().startswith("error:")] or lines[-1:]
        raise UserError(f"`{' '.join(command)}` failed: {errors[0]}")
    return process.stdout + ("" if command[0] == "dvc" else process.stderr)


def warn(message: str) -> None:
    """Report on standard error."""
    print(message, file=sys.stderr)


def main() -> None:
    """Dispatch; print errors as one line."""
    calls = {"resolve": resolve_checked, "commit": commit_by_hand, "restore": restore, "after-run": after_run}
    try:
        if not sys.argv[1:] or sys.argv[1] not in calls:
            raise UserError(f"{' '.join(sys.argv[1:])!r}: one of {COMMANDS}")
        calls[sys.argv[1]](*sys.argv[2:])
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
