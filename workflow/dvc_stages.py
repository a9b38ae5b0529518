"""Write dvc.yaml from the Snakefile, or check that it is fresh: the edges are declared once, there.

usage: python workflow/dvc_stages.py write|check

One DVC stage per rule. Each owns one folder and depends on folders, so that neither members nor experiments
change dvc.yaml. `persist` keeps DVC from deleting a stage's results before it runs: Snakemake inside it decides
which of its jobs run.
"""

import re
import subprocess
import sys
from pathlib import Path

import yaml

from googlenet.config import DATA_STAGES, PER

HEAD = """\
# Generated from workflow/Snakefile by `make dvc.yaml`; a test fails when it is stale. Do not edit.
# ${experiment} comes from params.yaml.
"""
WORKFLOW = ["workflow/Snakefile", "workflow/rules"]
RESULTS = "results/${experiment}"


def folder(stage: str) -> str:
    """The folder that a stage owns."""
    return f"data/{stage.removeprefix('prepare_')}" if stage in DATA_STAGES else f"{RESULTS}/{stage}"


def config_folder(stage: str) -> str:
    """Where the resolved configurations of a stage's jobs lie."""
    return "data/config" if stage in DATA_STAGES else f"{RESULTS}/config/{stage}"


def rule_edges() -> dict[str, set[str]]:
    """Which rules feed which, as Snakemake has it: {rule: the rules before it}. Members and files are left out."""
    words = ["snakemake", "--rulegraph", "--cores", "1", "--config", "experiment=demo"]
    graph = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    names = dict(re.findall(r'(\d+)\[ ?label ?= ?"(\w+)"', graph))
    edges: dict[str, set[str]] = {stage: set() for stage in PER}
    for before, after in re.findall(r"(\d+) -> (\d+)", graph):
        if names[after] in edges:
            edges[names[after]].add(names[before])
    return edges


def kept(path: str) -> dict:
    """An output that DVC does not delete before a run."""
    return {path: {"persist": True}}


def stages() -> dict:
    """The content of dvc.yaml's `stages`."""
    found = {
        "resolve_configs": {
            "desc": "Compose conf/ into one file per job; written only where the content changes",
            "cmd": "python workflow/sync.py resolve",
            "deps": ["conf", "params.yaml", "src/googlenet", *WORKFLOW],
            "outs": [kept("data/config"), kept(f"{RESULTS}/config")],
        }
    }
    for stage, before in rule_edges().items():
        outs = [folder(stage)]
        if stage == "make_report":
            # Who ran what and when: only the report reads it, and it changes at every run, so it is no edge.
            outs += ["data/runs", f"{RESULTS}/runs"]
        found[stage] = {
            "cmd": f"snakemake --cores all -- stage_{stage}",
            "deps": sorted([config_folder(stage), *WORKFLOW, *map(folder, before)]),
            "outs": [kept(path) for path in outs],
        }
    return found


def text() -> str:
    """The whole of dvc.yaml."""
    return HEAD + yaml.safe_dump({"stages": stages()}, sort_keys=False, width=120)


def main() -> None:
    """Write dvc.yaml, or exit with one line when it is stale."""
    if sys.argv[1:] == ["write"]:
        Path("dvc.yaml").write_text(text(), encoding="utf-8")
    elif sys.argv[1:] == ["check"]:
        if Path("dvc.yaml").read_text(encoding="utf-8") != text():
            sys.exit("error: dvc.yaml: stale; run `make dvc.yaml` and commit it")
    else:
        sys.exit(f"error: {' '.join(sys.argv[1:])!r}: write or check")


if __name__ == "__main__":
    main()
