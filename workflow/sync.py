"""What keeps Snakemake and DVC in step.

usage: python workflow/sync.py resolve | after-run EXPERIMENT TARGET | commit [TARGET] | restore

resolve    write the resolved configurations; remove the results of former members (the first DVC stage)
after-run  tell DVC what a whole, successful run of a target of Snakemake, all or ablations, made (the Snakefile's onsuccess)
commit     the same by hand, after seeing that Snakemake has nothing to do (make sync)
restore    bring back the results that dvc.lock names, and tell Snakemake that they are current (make restore)
"""

import json
import subprocess
import sys
from pathlib import Path

from dvc_stages import FILES
from googlenet import config
from googlenet.errors import UserError

MENU = "resolve, after-run EXPERIMENT TARGET, commit [TARGET], restore"


def resolve() -> config.Settings:
    """Write what changed, remove what is no more, and make every stage's folder: DVC wants each to exist."""
    settings = config.current(Path.cwd())
    config.write_configs(settings)
    config.remove_former_jobs(settings)
    for target in known():
        make_folders(settings, target)
    return settings


def known() -> list[str]:
    """The targets that DVC knows: all, and ablations once they have their file."""
    return [target for target, file in FILES.items() if Path(file).exists()]


def make_folders(settings: config.Settings, target: str) -> None:
    """Make the folders that DVC knows of a target; a stage that an experiment leaves out has an empty one."""
    for stage in config.PER:
        of_target = (stage in config.ABLATION_STAGES) == (target == "ablations")
        if of_target and stage not in config.DATA_STAGES:
            results = settings.root / settings.results(stage)
            for folder in (results / stage, results / "config" / stage, results / "runs"):
                folder.mkdir(parents=True, exist_ok=True)
    for name in ("config", "runs", "classification", "detection"):
        (settings.root / "data" / name).mkdir(parents=True, exist_ok=True)


def after_run(experiment: str, target: str) -> None:
    """Commit, unless it would record something else than what params.yaml says, or too much."""
    settings = config.current(Path.cwd())
    if experiment != settings.experiment:
        tell(f"DVC not told: ran '{experiment}', but params.yaml says '{settings.experiment}'")
    elif not Path(".dvc").is_dir() or not Path(".git").exists():
        tell("DVC not told: this folder is no git clone with .dvc")
    elif size_gb(settings) > settings.tree.plumbing.commit_limit_gb:
        tell(f"DVC not told: {size_gb(settings):.0f} GB is above plumbing.commit_limit_gb; run `make sync`")
    else:
        commit(settings, target)


def commit(settings: config.Settings, target: str) -> None:
    """Record the present results of a target in the dvc.lock beside its dvc.yaml, and in DVC's cache."""
    if target != "all":
        run(sys.executable, "workflow/dvc_stages.py", "write", target)
    make_folders(settings, target)
    run("dvc", "commit", "--force", "--quiet", FILES[target])


def commit_by_hand(target: str = "all") -> None:
    """Commit when, and only when, Snakemake has nothing to do."""
    settings = config.current(Path.cwd())
    if target not in FILES:
        raise UserError(f"{target!r}: one of {', '.join(FILES)}")
    if "Nothing to be done" not in run("snakemake", "-n", "--", target):
        words = "snakemake --cores N" + (f" {target}" if target != "all" else "")
        raise UserError(f"results are not current; run `{words}` first")
    commit(settings, target)


def restore() -> None:
    """Check out what dvc.lock names; only when it all fits the present configurations, mark it as current."""
    settings = resolve()
    for target in known():
        changed = checked_out(settings, target)
        if changed and target == "all":
            raise UserError(
                f"the results do not belong to this checkout ({', '.join(changed)} differ);"
                " get the data with `dvc pull`, or run `dvc repro`"
            )
        if changed:
            tell(f"the {target} do not belong to this checkout; run `snakemake --cores N {target}`")
        else:
            # All jobs: Snakemake sees an edited rule or a removed member only where it has a record of the job.
            run("snakemake", "--cores", "1", "--touch", "--forceall", "--quiet", "all", "--", target)


def checked_out(settings: config.Settings, target: str) -> list[str]:
    """Check out a target's results; returns the stages that differ nevertheless."""
    try:
        run("dvc", "checkout", FILES[target])
    except UserError as error:
        raise UserError(
            f"{error} (`make sync` keeps present results, `dvc pull` fetches missing ones)"
        ) from None
    make_folders(settings, target)  # checkout removes empty ones, and DVC misses those of stages without jobs
    return sorted(json.loads(run("dvc", "status", "--json", FILES[target])))


def size_gb(settings: config.Settings) -> float:
    """Size of what a commit would hash, in GB."""
    folders = [settings.root / "data" / name for name in ("classification", "detection")]
    folders.append(settings.root / "results" / settings.experiment)
    return (
        sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file()) / 1e9
    )


def run(*words: str) -> str:
    """Run a command, return what it says; raise UserError with its error or last line when it fails."""
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL)
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
