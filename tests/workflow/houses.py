"""Houses: copies of this repository in which the tests run the engines, and what they ask of them."""

import hashlib
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

import yaml

REPO = Path(__file__).parents[2]
# What an edit, or the parse after it, can change; results are not among it.
EDITABLE = ("conf", "src", "workflow", "params.yaml", "dvc.yaml", "data/config", "results/*/config")
FOREIGN = (
    "DVC_",
    "GIT_",
    "GOOGLENET_",
    "MAKE",
    "MFLAGS",
    "MLFLOW_",
    "SNAKEMAKE_",
)  # a person's own settings, and of a make above
LIMIT_S = 1500  # a build beside another and the units, on two cores without bf16
TARGETS = ("all", "ablations")
HEADING = re.compile(r"(?:local)?rule (\w+):$")
WILDCARD = re.compile(r"    wildcards: \w+=(\w+)$")


class Run(NamedTuple):
    """A job as the engines show it: its stage, and its member, detector or part ("all" for a single job)."""

    stage: str
    job: str


def jobs(**names: str) -> set[Run]:
    """Jobs written down by hand: jobs(train_classifier="m1 m2", make_report="all")."""
    return {Run(stage, job) for stage, listed in names.items() for job in listed.split()}


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


def connect(house: Path) -> None:
    """Let `dvc push` and `dvc pull` use the folder `storage` beside the house."""
    dvc(house, "remote", "modify", "--local", "storage", "url", str(house.parent / "storage"))


def commit(house: Path) -> None:
    """Commit everything that git does not ignore."""
    call(house, "git", "add", "--all")
    person = ["-c", "user.name=A Person", "-c", "user.email=person@example.org", "-c", "commit.gpgsign=false"]
    call(
        house,
        "git",
        *person,
        "commit",
        "--quiet",
        "--allow-empty",
        "--no-verify",
        "--message",
        "a state to come back to",
    )


def environment(house: Path) -> dict[str, str]:
    """The environment of a house: its own sources first, this Python's programs, nothing of the person's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return kept | {"PATH": path, "PYTHONPATH": str(house / "src"), "PYTHONDONTWRITEBYTECODE": "1"}


def call(house: Path, *words: str, code: int = 0) -> str:
    """Run a command in a house and return all that it says; AssertionError when it ends with another code."""
    done = subprocess.run(
        words,
        cwd=house,
        env=environment(house),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == code, f"{' '.join(words)}: code {done.returncode}, not {code}\n{done.stdout}"
    return done.stdout


def snakemake(house: Path, *words: str, code: int = 0) -> str:
    """Run Snakemake in a house."""
    return call(house, "snakemake", *words, code=code)


def dvc(house: Path, *words: str, code: int = 0) -> str:
    """Run DVC in a house."""
    return call(house, "dvc", *words, code=code)


def plan(house: Path) -> str:
    """What `snakemake -n` says; it also writes the resolved configurations anew."""
    return snakemake(house, "-n")


def executed(output: str) -> set[Run]:
    """The jobs in Snakemake's output, of a plan or a run, also from inside DVC; targets are no jobs."""
    found: list[Run] = []
    for line in output.splitlines():
        if heading := HEADING.match(line):
            found.append(Run(heading[1], "all"))
        elif wildcard := WILDCARD.match(line):
            found[-1] = found[-1]._replace(job=wildcard[1])
    return {run for run in found if run.stage not in TARGETS and not run.stage.startswith("stage_")}


def status_of(house: Path) -> dict:
    """What DVC finds changed: by stage, dependencies, results or command that differ from dvc.lock."""
    return json.loads(dvc(house, "status", "--json"))


def changed_stages(house: Path) -> set[str]:
    """The DVC stages that `dvc status` names."""
    return set(status_of(house))


def closure(house: Path, changed: set[str]) -> set[str]:
    """The stages that `dvc repro` comes to: the changed ones and all that depend on their folders.

    resolve_configs is left out: what it writes lies there already when Snakemake has been parsed, and the stages
    behind it run by the content of their own folders.
    """
    stages = yaml.safe_load((house / "dvc.yaml").read_text())["stages"]
    reached, waiting = set(), sorted(changed - {"resolve_configs"})
    while waiting:
        stage = waiting.pop()
        if stage not in reached:
            reached.add(stage)
            outs = {path for out in stages[stage]["outs"] for path in out}
            waiting += [name for name in stages if outs & set(stages[name]["deps"])]
    return reached


def assert_nothing_to_do(*houses: Path, targets: tuple[str, ...] = ("all",)) -> None:
    """Both engines say so, in each of the houses."""

    def still_to_do(house: Path) -> tuple[list[str], dict]:
        return [snakemake(house, "-n", target) for target in targets], status_of(house)

    with ThreadPoolExecutor(len(houses)) as pool:
        for house, (plans, status) in zip(houses, pool.map(still_to_do, houses), strict=True):
            for said in plans:
                assert "Nothing to be done" in said and not executed(said), f"{house}: {said}"
            assert status == {}, f"{house}: {status}"


def digests(house: Path) -> dict[str, str]:
    """SHA-256 of every result that must be the same twice: all but what measures time."""
    found = [path for folder in ("data", "results") for path in sorted((house / folder).rglob("*"))]
    kept = [path for path in found if path.suffix == ".safetensors" or path.name in ("metrics.json", "manifest.json")]
    names = [path.relative_to(house).as_posix() for path in kept]
    return {
        name: hashlib.sha256((house / name).read_bytes()).hexdigest() for name in names if "measure_cost" not in name
    }


def tracked_runs(house: Path) -> tuple[int, int, list[Run]]:
    """What MLflow's store holds of the experiment `smoke`: numbers of parents and children, the current children."""
    query = """select tags.run_uuid, tags.key, tags.value from tags
        join runs on runs.run_uuid = tags.run_uuid join experiments on experiments.experiment_id = runs.experiment_id
        where experiments.name = 'googlenet/smoke' and runs.lifecycle_stage = 'active'"""
    store = sqlite3.connect(house / "mlflow" / "mlflow.db")
    tags: dict[str, dict[str, str]] = {}
    for run, key, value in store.execute(query):
        tags.setdefault(run, {})[key] = value
    store.close()
    parents = [run for run in tags.values() if run["kind"] == "experiment"]
    current = [Run(run["stage"], run["job"]) for run in tags.values() if run.get("current") == "true"]
    return len(parents), len(tags) - len(parents), sorted(current)


def editable_files(house: Path) -> dict[Path, bytes]:
    """The present content of everything that an edit and the parse after it can change."""
    roots = [root for pattern in EDITABLE for root in house.glob(pattern)]
    found = [path for root in roots for path in ([root] if root.is_file() else root.rglob("*"))]
    return {path: path.read_bytes() for path in found if path.is_file() and path.suffix != ".pyc"}


def put_back(house: Path, before: dict[Path, bytes]) -> None:
    """Undo an edit: rewrite what changed, remove what is new."""
    now = editable_files(house)
    for path in now.keys() - before.keys():
        path.unlink()
    for path, content in before.items():
        if now.get(path) != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def replace(house: Path, name: str, pattern: str, new: str) -> None:
    """Replace a pattern's first match in a file; AssertionError when there is none or nothing changes."""
    path = house / name
    before = path.read_text(encoding="utf-8")
    after, found = re.subn(pattern, new, before, count=1, flags=re.MULTILINE)
    assert found and after != before, f"{name}: nothing to replace for {pattern!r}"
    path.write_text(after, encoding="utf-8")


def append(house: Path, name: str, text: str) -> None:
    """Add text to the end of a file."""
    with (house / name).open("a", encoding="utf-8") as file:
        file.write(text)
