"""What keeps Snakemake and DVC in step.

usage: python workflow/sync.py resolve | after-run EXPERIMENT | commit | restore

resolve    write the resolved configurations; remove the results of former members (the first DVC stage)
after-run  tell DVC what a whole, successful run of Snakemake made (the Snakefile's onsuccess)
commit     the same by hand, after seeing that Snakemake has nothing to do (make sync)
restore    bring back the results that dvc.lock names, and tell Snakemake that they are current (make restore)
"""

import json
import subprocess
import sys
from pathlib import Path

from googlenet import config
from googlenet.errors import UserError

MENU = "resolve, after-run EXPERIMENT, commit, restore"


def resolve() -> None:
    """Write what changed, remove what is no more, and make every stage's folder: DVC wants each to exist."""
    settings = config.current(Path.cwd())
    config.write_configs(settings)
    config.remove_former_jobs(settings)
    make_folders(settings)


def make_folders(settings: config.Settings) -> None:
    """Make the folders that DVC knows; a stage that an experiment leaves out has an empty one."""
    results = settings.root / "results" / settings.experiment
    for stage in config.PER:
        if stage not in config.DATA_STAGES:
            (results / stage).mkdir(parents=True, exist_ok=True)
            (results / "config" / stage).mkdir(parents=True, exist_ok=True)
    for name in ("config", "runs", "classification", "detection"):
        (settings.root / "data" / name).mkdir(parents=True, exist_ok=True)


def after_run(experiment: str) -> None:
    """Commit, unless it would record something else than what params.yaml says, or too much."""
    settings = config.current(Path.cwd())
    if experiment != settings.experiment:
        tell(f"DVC not told: ran '{experiment}', but params.yaml says '{settings.experiment}'")
    elif not Path(".dvc").is_dir() or not Path(".git").exists():
        tell("DVC not told: this folder is no git clone with .dvc")
    elif size_gb(settings) > settings.tree.plumbing.commit_limit_gb:
        tell(f"DVC not told: {size_gb(settings):.0f} GB is above plumbing.commit_limit_gb; run `make sync`")
    else:
        commit(settings)


def commit(settings: config.Settings) -> None:
    """Record the present results in dvc.lock and in DVC's cache."""
    make_folders(settings)
    run("dvc", "commit", "--force", "--quiet")


def commit_by_hand() -> None:
    """Commit when, and only when, Snakemake has nothing to do."""
    settings = config.current(Path.cwd())
    if "Nothing to be done" not in run("snakemake", "-n"):
        raise UserError("results are not current; run `snakemake --cores N` first")
    commit(settings)


def restore() -> None:
    """Check out what dvc.lock names; only when it all fits the present configurations, mark it as current."""
    resolve()
    try:
        run("dvc", "checkout")
    except UserError as error:
        raise UserError(
            f"{error} (`make sync` keeps present results, `dvc pull` fetches missing ones)"
        ) from None
    changed = json.loads(run("dvc", "status", "--json"))
    if changed:
        raise UserError(
            f"the results do not belong to this checkout ({', '.join(sorted(changed))} differ);"
            " get the data with `dvc pull`, or run `dvc repro`"
        )
    # All jobs: Snakemake sees an edited rule or a removed member only where it has a record of the job.
    run("snakemake", "--cores", "1", "--touch", "--forceall", "--quiet", "all")


def size_gb(settings: config.Settings) -> float:
    """Size of what a commit would hash, in GB."""
    folders = [settings.root / "data" / name for name in ("classification", "detection")]
    folders.append(settings.root / "results" / settings.experiment)
    return (
        sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file()) / 1e9
    )


def run(*words: str) -> str:
    """Run a command, return what it says; raise UserError with its error or last line when it fails."""
    done = subprocess.run(words, capture_output=True, stdin=subprocess.DEVNULL, text=True, check=False)
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        told = [line for line in lines if line.lower().startswith("error:")] or lines[-1:]
        raise UserError(f"`{' '.join(words)}` failed: {told[0]}")
    return done.stdout + ("" if words[0] == "dvc" else done.stderr)


def tell(message: str) -> None:
    """Say what was not done, and why."""
    print(message, file=sys.stderr)


def main() -> None:
    """Dispatch; errors in one line."""
    calls = {"resolve": resolve, "commit": commit_by_hand, "restore": restore, "after-run": after_run}
    try:
        if not sys.argv[1:] or sys.argv[1] not in calls:
            raise UserError(f"{' '.join(sys.argv[1:])!r}: one of {MENU}")
        calls[sys.argv[1]](*sys.argv[2:])
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
