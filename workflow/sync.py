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

MENU = "resolve, after-run EXPERIMENT TARGET, commit [TARGET], restore"


def resolve() -> Experiment:
    """Write what changed, remove what is obsolete, and make every stage's folder: DVC needs each to exist."""
    experiment = experiments.current(Path.cwd())
    experiments.write_configs(experiment)
    experiments.remove_former_jobs(experiment)
    for target in known():
        make_folders(experiment, target)
    return experiment


def known() -> list[str]:
    """The targets that DVC knows: all, and ablations once their dvc.yaml exists."""
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
    """Commit, unless that would record something other than what params.yaml says, or too much."""
    experiment = experiments.current(Path.cwd())
    if name != experiment.name:
        tell(f"DVC not told: ran '{name}', but params.yaml says '{experiment.name}'")
    elif not Path(".dvc").is_dir() or not Path(".git").exists():
        tell("DVC not told: this folder is no git clone with .dvc")
    elif size_gb(experiment) > experiment.of(Execution).commit_limit_gb:
        tell(f"DVC not told: {size_gb(experiment):.0f} GB is above execution.commit_limit_gb; run `make sync`")
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
        words = "snakemake --cores N" + (f" {target}" if target != "all" else "")
        raise UserError(f"results are not current; run `{words}` first")
    commit(experiment, target)


def restore() -> None:
    """Check out what dvc.lock lists; mark it as current only if all of it fits the present configurations."""
    experiment = resolve()
    for target in known():
        changed = checked_out(experiment, target)
        if changed and target == "all":
            raise UserError(
                f"the results do not belong to this checkout ({', '.join(changed)} differ);"
                " get the data with `dvc pull`, or run `dvc repro`"
            )
        if changed:
            tell(f"the {target} do not belong to this checkout; run `snakemake --cores N {target}`")
        else:
            # All jobs: Snakemake notices an edited rule or a removed member only if it has a record of the job.
            run("snakemake", "--cores", "1", "--touch", "--forceall", "--quiet", "all", "--", target)


def checked_out(experiment: Experiment, target: str) -> list[str]:
    """Check out a target's results; return the stages that still differ."""
    try:
        run("dvc", "checkout", FILES[target])
    except UserError as error:
        mend = "`make sync` keeps present results, `dvc pull` fetches missing ones"
        raise UserError(f"{error} ({mend})") from None
    # Checkout removes empty folders, and DVC needs those of stages without jobs.
    make_folders(experiment, target)
    return sorted(json.loads(run("dvc", "status", "--json", FILES[target])))


def size_gb(experiment: Experiment) -> float:
    """Size of the files that a commit would hash, in GB."""
    folders = [experiment.root / "data" / name for name in ("classification", "detection")]
    folders.append(experiment.root / "results" / experiment.name)
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files) / 1e9


def run(*words: str) -> str:
    """Run a command and return its output; raise UserError with its error or last line if it fails."""
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        told = [line for line in lines if line.lower().startswith("error:")] or lines[-1:]
        raise UserError(f"`{' '.join(words)}` failed: {told[0]}")
    return done.stdout + ("" if words[0] == "dvc" else done.stderr)


def tell(message: str) -> None:
    """Report what was not done, and why."""
    print(message, file=sys.stderr)


def main() -> None:
    """Dispatch; print errors as one line."""
    calls = {"resolve": resolve, "commit": commit_by_hand, "restore": restore, "after-run": after_run}
    try:
        if not sys.argv[1:] or sys.argv[1] not in calls:
            raise UserError(f"{' '.join(sys.argv[1:])!r}: one of {MENU}")
        calls[sys.argv[1]](*sys.argv[2:])
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
