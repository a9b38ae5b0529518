"""Keep Snakemake and DVC in step.

usage: python workflow/sync.py resolve | after-run EXPERIMENT TARGET | take-over EXPERIMENT | commit [TARGET] | restore

resolve    write the resolved configurations; remove the results of former members (the first DVC stage)
after-run  record in DVC the results of a successful run of a whole target, `all` or one apart (the Snakefile's onsuccess)
take-over  mark results that DVC checked out as current for Snakemake, if they are those of dvc.lock (the Snakefile's start)
commit     as after-run, by hand, after checking that Snakemake has nothing to do (make sync)
restore    check out the results that dvc.lock lists, and mark them as current for Snakemake (make restore)
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import own_source
from dvc_stages import FILES
from googlenet.config.schema.shared import Execution
from googlenet.errors import UserError, unusable
from googlenet.pipeline import checked_out, dvc_command, experiment_files, kept, links
from googlenet.pipeline import experiment as experiments
from googlenet.pipeline.code import below
from googlenet.pipeline.experiment import Experiment
from googlenet.pipeline.registry import ROWS, Stage
from googlenet.storage.files import write_bytes

COMMANDS = "resolve, after-run EXPERIMENT TARGET, take-over EXPERIMENT, commit [TARGET], restore"
SHOWN = 10  # files in a message
NOT_RECORDED = "results not recorded in DVC"


def resolve() -> None:
    """DVC's first stage: take over what DVC checked out, before edited configurations replace the former ones."""
    from googlenet.planning import preflight  # needed only here

    experiment = experiments.current(Path.cwd())
    links.check_folders(experiment)
    if checked_out.unrecorded():
        take_over(experiment.name)
    experiment_files.write_configs(experiment)
    for error in preflight.missing_sources(experiment, preflight.due(experiment)):  # nothing is removed before an error
        raise error
    prepare(experiment)


def prepare(experiment: Experiment) -> None:
    """Remove obsolete results, and make every stage's folder, because DVC needs all of them."""
    experiment_files.remove_former_jobs(experiment)
    for target in dvc_targets():
        make_folders(experiment, target)


def dvc_targets() -> list[str]:
    """The targets that DVC has stages for: all, and the others once their dvc.yaml exists."""
    return [target for target, file in FILES.items() if Path(file).exists()]


def rows_of(target: str) -> list[Stage]:
    """The stages of a target."""
    return [row for row in ROWS if row.target == target]


def make_folders(experiment: Experiment, target: str) -> None:
    """Make the folders of a target that DVC expects; those of stages that an experiment leaves out are empty."""
    for row in rows_of(target):
        if row.group != "data":
            results = experiment.root / experiment.results(row.name)
            for folder in (results / row.name, results / "config" / row.name, results / "runs"):
                folder.mkdir(parents=True, exist_ok=True)
    for name in ("config", "runs", "classification", "detection"):
        (experiment.root / "data" / name).mkdir(parents=True, exist_ok=True)


def after_run(name: str, target: str) -> None:
    """Commit, unless the run was of another experiment than params.yaml's or of former settings, or is too large."""
    experiment = experiments.current(Path.cwd())
    if name != experiment.name:
        warn(f"{NOT_RECORDED}: the run was of '{name}', but params.yaml names '{experiment.name}'")
    elif not Path(".dvc").is_dir() or not Path(".git").exists():
        warn(f"{NOT_RECORDED}: this folder is not a git clone with a .dvc folder")
    elif size_gb(experiment) > experiment.of(Execution).commit_limit_gb:
        size = f"{size_gb(experiment):.0f} GB is above execution.commit_limit_gb"
        warn(f"{NOT_RECORDED}: {size}; run `make sync`")
    elif not commit_if_current(experiment, target):
        warn(f"{NOT_RECORDED}: conf/, code or rules were edited during the run; run the same command again")


def take_over(name: str) -> None:
    """Mark the present results as current, before edited settings replace those that made them.

    Only if they match dvc.lock; otherwise warn that Snakemake may run the wrong jobs. Results too large to be hashed
    unasked, and those of another experiment than params.yaml's, are left to `make restore`.
    """
    experiment = experiments.current(Path.cwd())
    if name != experiment.name or size_gb(experiment) > experiment.of(Execution).commit_limit_gb:
        return
    for target in dvc_targets():
        try:
            reason = hindrance(experiment, target)
            if not reason:
                touch(target)
        except UserError as error:
            reason = str(error)
        make_folders(experiment, target)
        if reason and target == "all" and own_source.TEMPORARY:
            remedy = "`dvc exp run` without --temp or --queue runs only what changed"
            warn(f"warning: {reason}, so more jobs run here than the edits need; {remedy}")
        elif reason and target == "all":
            unsure = f"results lie here that DVC or a copy put here, and {reason}"
            warn(f"warning: {unsure}: Snakemake may run too many jobs, or too few; `make restore` makes sure")


def hindrance(experiment: Experiment, target: str) -> str:
    """Why the results of a target cannot be taken over; "" if they can."""
    if own_source.TEMPORARY and links.linked():
        return "the cache is linked into the workspace (cache.type), where times mean nothing"
    root, rows = experiment.root, rows_of(target)
    jobs = [job for row in rows if row.name in experiment.stages for job in experiment.jobs(row.name)]
    expected = {root / experiment.config_path(*job) for job in jobs}
    present = {path for path in expected if path.is_file()}
    if expected != present | set((root / experiment.results(rows[-1].name) / "config").glob("*/*.json")):
        return "the experiment has other jobs than dvc.lock"
    # Dependencies of the resolve stage may differ: edits, while the configurations are still the former ones. Outputs
    # that DVC did not check out, because another target was requested, are missing and need no mark.
    differ = [
        name
        for name, (dependencies, rest) in sorted(dvc_command.changes(FILES[target]).items())
        if (rest | (set() if name.startswith("resolve_") else dependencies)) - {"deleted"}
    ]
    return f"they differ from dvc.lock ({', '.join(differ)})" if differ else ""


def touch(target: str) -> None:
    """Mark the results of a target as current for Snakemake, leaving the configurations as they are."""
    environment = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"}
    # All jobs: Snakemake notices an edited rule or a removed member only if it has a record of the job.
    words = ["snakemake", "--cores", "1", "--touch", "--forceall", "--no-hooks", "--quiet", "all", "--"]
    run(*words, target, env=environment | {checked_out.TAKE_OVER: "1"})


def commit(experiment: Experiment, target: str) -> None:
    """Record the present results of a target in the dvc.lock next to its dvc.yaml, and in DVC's cache."""
    if target != "all":
        run(sys.executable, "workflow/dvc_stages.py", "write", target)
        make_folders(experiment, "all")  # its stages depend on these folders, even on those of stages without jobs
    make_folders(experiment, target)
    run("dvc", "commit", "--force", FILES[target])


def up_to_date(target: str) -> bool:
    """Whether Snakemake has nothing to do, with the settings, code and rules as they are now."""
    return "Nothing to be done" in run("snakemake", "-n", "--", target)


def commit_if_current(experiment: Experiment, target: str) -> bool:
    """Commit, and return True, if Snakemake has nothing to do and nothing is edited before the commit ends: dvc.lock would
    list the edited file beside the results of the former one, as if it had been applied."""
    before = kept.sources(experiment.root)
    if not up_to_date(target):
        return False
    lock = Path(FILES[target]).with_name("dvc.lock")
    recorded, entry = lock.read_bytes() if lock.is_file() else b"", staged(lock)
    commit(experiment, target)
    if kept.sources(experiment.root) == before or up_to_date(target):
        return True
    put_back(lock, recorded, entry)
    return False


def staged(path: Path) -> str:
    """A file's entry in git's index, as `git update-index` takes it; "" if it has none."""
    if not Path(".git").exists():
        return ""
    entry = run("git", "ls-files", "--stage", "--", str(path)).split()
    return f"{entry[0]},{entry[1]},{path}" if entry else ""


def put_back(lock: Path, content: bytes, entry: str) -> None:
    """Give a dvc.lock its former content, and git's index its former entry: DVC adds the file there (core.autostage)."""
    if content:
        write_bytes(lock, content)
    else:
        lock.unlink()
    if Path(".git").exists():
        words = ["--cacheinfo", entry] if entry else ["--force-remove", "--", str(lock)]
        run("git", "update-index", *words)


def commit_by_hand(target: str = "all") -> None:
    """Commit if Snakemake has nothing to do. Raises UserError otherwise."""
    experiment = experiments.current(Path.cwd())
    if target not in FILES:
        raise UserError(f"{target!r}: one of {', '.join(FILES)}")
    if not commit_if_current(experiment, target):
        command = "snakemake --cores N" + (f" {target}" if target != "all" else "")
        raise UserError(f"results are not current; run `{command}` first")


def restore() -> None:
    """Check out what dvc.lock lists; mark it as current only if all of it matches the present configurations."""
    experiment = experiments.current(Path.cwd())
    links.check_folders(experiment)
    experiment_files.write_configs(experiment)
    for target in dvc_targets():
        make_folders(experiment, target)
    for target in dvc_targets():
        changed = check_out(experiment, target)
        if changed and target == "all":
            raise UserError(
                f"the results do not belong to this checkout ({', '.join(changed)} differ);"
                " get the data with `dvc pull`, or run `dvc repro`"
            )
        if changed:
            warn(f"the {target} do not belong to this checkout; run `snakemake --cores N {target}`")
        else:
            touch(target)


def check_out(experiment: Experiment, target: str) -> list[str]:
    """Check out a target's results; return the stages that still differ."""
    try:
        run("dvc", "checkout", FILES[target])
    except UserError as error:
        unsaved = "`make sync` keeps them, `dvc checkout --force` discards them"
        remedy = unsaved if "unsaved" in str(error) else "`dvc pull` fetches missing results"
        raise UserError(f"{error} ({remedy})") from None
    # Checkout removes empty folders, but DVC needs those of stages without jobs.
    make_folders(experiment, target)
    return sorted(json.loads(run("dvc", "status", "--json", FILES[target])))


def size_gb(experiment: Experiment) -> float:
    """Size of the files that a commit would hash, in GB."""
    folders = [experiment.root / "data" / name for name in ("classification", "detection")]
    folders.append(experiment.root / "results" / experiment.name)
    return sum(size_of(path) for folder in folders for _, path in below(folder)) / 1e9


def size_of(path: Path) -> int:
    """The size of a file; 0 if another run has just removed it."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def run(*command: str, env: dict[str, str] | None = None) -> str:
    """Run a command and return its output. Raises UserError, with its error or last line, if it fails."""
    process = subprocess.run(
        command, capture_output=True, text=True, errors="backslashreplace", stdin=subprocess.DEVNULL, env=env
    )
    if process.returncode:
        lines = (process.stderr.strip() or process.stdout.strip() or "no message").splitlines()
        errors = [number for number, line in enumerate(lines) if line.lower().startswith("error:")]
        first = errors[0] if errors else -1
        files = names(lines[first + 1 :]) if errors and command[0] == "dvc" else ""
        raise UserError(f"`{' '.join(command)}` failed: {lines[first]}{files}")
    return process.stdout + ("" if command[0] == "dvc" else process.stderr)


def names(lines: list[str]) -> str:
    """The files that DVC lists below its error, relative to the clone: the first SHOWN, and the number of others."""
    here = f"{Path.cwd()}/"
    listed = [line for line in lines if line and not line.startswith(("<", "ERROR", "WARNING"))]
    listed = [line for line in listed if not line.endswith("?")]
    files = sorted(line.removeprefix(here) for line in listed)
    more = f" and {len(files) - SHOWN} more" if len(files) > SHOWN else ""
    return f" {', '.join(files[:SHOWN])}{more}" if files else ""


def warn(message: str) -> None:
    """Print a line to standard error."""
    print(message, file=sys.stderr)


def main() -> None:
    """Dispatch; print errors as one line."""
    calls = {"resolve": resolve, "commit": commit_by_hand, "restore": restore}
    calls |= {"after-run": after_run, "take-over": take_over}
    try:
        if not sys.argv[1:] or sys.argv[1] not in calls:
            raise UserError(f"{' '.join(sys.argv[1:])!r}: one of {COMMANDS}")
        calls[sys.argv[1]](*sys.argv[2:])
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {UserError(unusable(error))}")


if __name__ == "__main__":
    main()
