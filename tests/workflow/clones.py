"""Clones of this repository in which the tests run the engines: how they are made, run, edited and read."""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from googlenet.pipeline.registry import APART

REPO = Path(__file__).parents[2]
# What an edit, or the parse after it, can change; results are not among it.
EDITABLE = ("conf", "src", "workflow", "references", "params.yaml", "dvc.yaml", "data/config", "results/*/config")
FOREIGN = (
    "DVC_",
    "GIT_",
    "GOOGLENET_",
    "MAKE",
    "MFLAGS",
    "MLFLOW_",
    "SNAKEMAKE_",
)  # a person's own settings, and of a make above
DVCS_OWN = ("tmp",)  # locks of running commands
LIMIT_S = 3000  # a build beside another and the units, on a machine several times slower than usual
TARGETS = ("all", *APART)
PLUGINS = {"slurm": "snakemake_executor_plugin_slurm", "kubernetes": "snakemake_executor_plugin_cluster_generic"}
TIMES = {"measure_cost", "measure_export"}  # stages whose metrics have times
HEADING = re.compile(r"(?:local)?rule (\w+):$")
WILDCARD = re.compile(r"    wildcards: \w+=(\w+)$")
ENDED = re.compile(r"\d\d:\d\d:\d\d  (\w+)(?:/(\w+))? (?:done in|failed after|stopped after) ")  # the display's line


class Run(NamedTuple):
    """A job as the engines show it: its stage, and its member, detector or part ("all" for a single job)."""

    stage: str
    job: str


class Build(NamedTuple):
    """A clone in which an engine has run, and the jobs that it ran."""

    folder: Path
    ran: set[Run]


def jobs(**names: str) -> set[Run]:
    """Jobs written down by hand: jobs(train_classifier="m1 m2", make_report="all")."""
    return {Run(stage, job) for stage, listed in names.items() for job in listed.split()}


def every(members: str, detectors: str) -> set[Run]:
    """All jobs of an experiment that trains these members and fits heads on these detectors."""
    return jobs(
        prepare_classification="all",
        train_classifier=members,
        predict_crops=members,
        train_baseline="all",
        evaluate_ensemble="all",
        study_crops="all",
        analyse_units="all",
        prepare_detection="all",
        propose_regions="p1 p2",
        train_multibox="all",
        merge_proposals="p1 p2",
        study_proposals="all",
        train_detector=detectors,
        fit_region_heads=detectors,
        score_regions=detectors,
        evaluate_detection="all",
        measure_cost="all",
        make_report="all",
    )


EVERY = every("m1 m2 m3", "d1 d2")  # all jobs of the smoke experiment


def build(folder: Path) -> Path:
    """Copy the repository's files as git sees them, commit them, and make `smoke` the experiment."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(words, cwd=REPO, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in names:
        if name and (REPO / name).is_file() and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPO / name, folder / name)
    (folder / "params.yaml").write_text("experiment: smoke\n")
    call(folder, "git", "init", "--quiet")
    connect(folder)
    commit(folder)
    return folder


def copied(original: Path, copy: Path) -> Path:
    """Copy a clone with its results, times and DVC's cache; its DVC remote is the folder `storage` beside the copy.

    MLflow's store names the folder of its artifacts in full: it is that of the copy from now on.
    """
    shutil.copytree(original, copy, symlinks=True, ignore=lambda folder, _: DVCS_OWN if folder.endswith(".dvc") else ())
    connect(copy)
    store = sqlite3.connect(copy / "mlflow/mlflow.db")
    with store:
        words = "update experiments set artifact_location = replace(artifact_location, ?, ?)"
        store.execute(words, (original.as_uri(), copy.as_uri()))
    store.close()
    return copy


def connect(clone: Path) -> None:
    """Let `dvc push` and `dvc pull` use the folder `storage` beside the clone, as `dvc remote modify --local` does."""
    (clone / ".dvc/config.local").write_text(f"['remote \"storage\"']\n    url = {clone.parent / 'storage'}\n")


def commit(clone: Path) -> None:
    """Commit everything that git does not ignore."""
    call(clone, "git", "add", "--all")
    person = ["-c", "user.name=A Person", "-c", "user.email=person@example.org", "-c", "commit.gpgsign=false"]
    call(
        clone,
        "git",
        *person,
        "commit",
        "--quiet",
        "--allow-empty",
        "--no-verify",
        "--message",
        "a state to come back to",
    )


def environment(clone: Path) -> dict[str, str]:
    """The environment of a clone: its own sources first, this Python's programs, nothing of the person's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return kept | {"PATH": path, "PYTHONPATH": str(clone / "src"), "PYTHONDONTWRITEBYTECODE": "1"}


def call(clone: Path, *words: str, code: int = 0, **variables: str) -> str:
    """Run a command in a clone and return all that it says; AssertionError when it ends with another code."""
    done = subprocess.run(
        words,
        cwd=clone,
        env=environment(clone) | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == code, f"{' '.join(words)}: code {done.returncode}, not {code}\n{done.stdout}"
    return done.stdout


def install_plugin(cluster: str, folder: Path) -> None:
    """Have Snakemake's plugin of a cluster's profile in a folder, if it is nowhere else; skip the test without network."""
    if importlib.util.find_spec(PLUGINS[cluster]) is None:
        requirements = REPO / "workflow/profiles" / cluster / "requirements.txt"
        words = ["pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target", folder, "-r", requirements]
        if subprocess.run([sys.executable, "-m", *words], check=False).returncode:
            pytest.skip(f"skipped: pip could not install Snakemake's plugin for {cluster}")


def snakemake(clone: Path, *words: str, code: int = 0, **variables: str) -> str:
    """Run Snakemake in a clone."""
    return call(clone, "snakemake", *words, code=code, **variables)


def dvc(clone: Path, *words: str, code: int = 0) -> str:
    """Run DVC in a clone."""
    return call(clone, "dvc", *words, code=code)


def restore(clone: Path, code: int = 0) -> str:
    """What `make restore` does, and `make pull` after `dvc pull`."""
    return call(clone, "python", "workflow/sync.py", "restore", code=code)


def plan(clone: Path) -> str:
    """What `snakemake -n` says; it also writes the resolved configurations anew."""
    return snakemake(clone, "-n")


def executed(output: str) -> set[Run]:
    """The jobs in the output of a plan, which is Snakemake's own, or of a run, also from inside DVC; targets are no jobs."""
    found: list[Run] = []
    for line in output.splitlines():
        if ended := ENDED.match(line):
            found.append(Run(ended[1], ended[2] or "all"))
        elif heading := HEADING.match(line):
            found.append(Run(heading[1], "all"))
        elif wildcard := WILDCARD.match(line):
            found[-1] = found[-1]._replace(job=wildcard[1])
    return {run for run in found if run.stage not in TARGETS and not run.stage.startswith("stage_")}


def status_of(clone: Path) -> dict:
    """What DVC finds changed: by stage, dependencies, results or command that differ from dvc.lock."""
    return json.loads(dvc(clone, "status", "--json"))


def changed_stages(clone: Path) -> set[str]:
    """The DVC stages that `dvc status` names."""
    return set(status_of(clone))


def closure(clone: Path, changed: set[str]) -> set[str]:
    """The stages that `dvc repro` comes to: the changed ones and all that depend on their folders.

    resolve_configs is left out: what it writes lies there already when Snakemake has been parsed, and the stages
    behind it run by the content of their own folders.
    """
    stages = yaml.safe_load((clone / "dvc.yaml").read_text())["stages"]
    reached, waiting = set(), sorted(changed - {"resolve_configs"})
    while waiting:
        stage = waiting.pop()
        if stage not in reached:
            reached.add(stage)
            outs = {path for out in stages[stage]["outs"] for path in out}
            waiting += [name for name in stages if outs & set(stages[name]["deps"])]
    return reached


def assert_nothing_to_do(*clones: Path, targets: tuple[str, ...] = ("all",)) -> None:
    """Both engines say so, in each of the clones."""

    def still_to_do(clone: Path) -> tuple[list[str], dict]:
        return [snakemake(clone, "-n", target) for target in targets], status_of(clone)

    with ThreadPoolExecutor(len(clones)) as pool:
        for clone, (plans, status) in zip(clones, pool.map(still_to_do, clones), strict=True):
            for said in plans:
                assert "Nothing to be done" in said and not executed(said), f"{clone}: {said}"
            assert status == {}, f"{clone}: {status}"


def digests(clone: Path) -> dict[str, str]:
    """SHA-256 of every result that must be the same twice: all but what measures time."""
    found = [path for folder in ("data", "results") for path in sorted((clone / folder).rglob("*"))]
    kept = [path for path in found if path.suffix == ".safetensors" or path.name in ("metrics.json", "manifest.json")]
    names = [path.relative_to(clone).as_posix() for path in kept]
    return {
        name: hashlib.sha256((clone / name).read_bytes()).hexdigest()
        for name in names
        if not TIMES & set(name.split("/"))
    }


def tracked_runs(clone: Path) -> tuple[int, int, list[Run]]:
    """What MLflow's store holds of the experiment `smoke`: numbers of parents and jobs' runs, the current ones of these."""
    query = """select tags.run_uuid, tags.key, tags.value from tags
        join runs on runs.run_uuid = tags.run_uuid join experiments on experiments.experiment_id = runs.experiment_id
        where experiments.name = 'googlenet/smoke' and runs.lifecycle_stage = 'active'"""
    store = sqlite3.connect(f"{(clone / 'mlflow/mlflow.db').as_uri()}?mode=ro", uri=True)
    tags: dict[str, dict[str, str]] = {}
    for run, key, value in store.execute(query):
        tags.setdefault(run, {})[key] = value
    store.close()
    parents = [run for run in tags.values() if run["kind"] == "experiment"]
    current = [Run(run["stage"], run["job"]) for run in tags.values() if run.get("current") == "true"]
    return len(parents), sum(run["kind"] == "job" for run in tags.values()), sorted(current)


def editable_files(clone: Path) -> dict[Path, bytes]:
    """The present content of everything that an edit and the parse after it can change."""
    roots = [root for pattern in EDITABLE for root in clone.glob(pattern)]
    found = [path for root in roots for path in ([root] if root.is_file() else root.rglob("*"))]
    return {path: path.read_bytes() for path in found if path.is_file() and path.suffix != ".pyc"}


def put_back(clone: Path, before: dict[Path, bytes]) -> None:
    """Undo an edit: rewrite what changed, remove what is new."""
    now = editable_files(clone)
    for path in now.keys() - before.keys():
        path.unlink()
    for path, content in before.items():
        if now.get(path) != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def replace(clone: Path, name: str, pattern: str, new: str) -> None:
    """Replace a pattern's first match in a file; AssertionError when there is none or nothing changes."""
    path = clone / name
    before = path.read_text(encoding="utf-8")
    after, found = re.subn(pattern, new, before, count=1, flags=re.MULTILINE)
    assert found and after != before, f"{name}: nothing to replace for {pattern!r}"
    path.write_text(after, encoding="utf-8")


def append(clone: Path, name: str, text: str) -> None:
    """Add text to the end of a file."""
    with (clone / name).open("a", encoding="utf-8") as file:
        file.write(text)
