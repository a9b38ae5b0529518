"""Write dvc.yaml from the Snakefile, or check that it is fresh: the edges are declared once, there.

usage: python workflow/dvc_stages.py write|check [all|ablations|exports|structures]

`all` is dvc.yaml. `ablations` is workflow/ablations/dvc.yaml, and the others likewise; they are not shipped: a plain `dvc
status` reads all such files, and would report ablations that were never run as missing. Their first run writes them. There is one DVC stage per
rule; it owns one folder and depends on folders, so neither members nor experiments change dvc.yaml. `persist` keeps DVC
from deleting a stage's results before it runs: Snakemake inside it decides which of its jobs run.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

import own_source  # noqa: F401 (checks where the package is)
from googlenet.pipeline.registry import APART, ROWS, STAGES

FILES = {"all": "dvc.yaml", **{target: f"workflow/{target}/dvc.yaml" for target in APART}}  # by Snakemake target
HEAD = """\
# Generated from workflow/Snakefile by `{}`; a test fails when it is stale. Do not edit.
# ${{experiment}} comes from params.yaml.
"""
# A member's weights come from either stage, depending on the experiment, so what depends on one depends on both.
ALTERNATIVES = {"import_weights": "train_classifier"}
# Settings that add the only stage that the demo leaves out: fitting heads on detectors.
WITH_ALL = "{score_regions: {switches: [bbox_regression]}}"
# The curves for `dvc plots`, in the report's folder: file, x, y, title. The template is .dvc/plots/series.json.
CURVES = [
    ("learning", "epoch", "train_loss", "Training loss of members and detectors"),
    ("validation", "epoch", "validation_top1_error_percent", "Top-1 error of the members on validation"),
    ("crops", "crops", "top1_error_percent", "Top-1 error over crops"),
    ("models", "models", "top1_error_percent", "Top-1 error over models, mean over their subsets"),
    ("precision_recall", "recall", "precision", "Precision and recall of the detectors together, by class"),
]
WORKFLOW = ["workflow/Snakefile", "workflow/rules"]
RESULTS = "results/${experiment}"


def results(target: str) -> str:
    """The folder of a target's results."""
    return RESULTS if target == "all" else f"{RESULTS}/{target}"


def folder(stage: str) -> str:
    """The folder that a stage owns."""
    row = STAGES[stage]
    return f"data/{stage.removeprefix('prepare_')}" if row.group == "data" else f"{results(row.target)}/{stage}"


def config_folder(stage: str) -> str:
    """The folder of the resolved configurations of a stage's jobs."""
    row = STAGES[stage]
    return "data/config" if row.group == "data" else f"{results(row.target)}/config/{stage}"


def rule_edges(target: str) -> dict[str, set[str]]:
    """The edges of a target's file, according to Snakemake: {rule: the rules it depends on}. Omits members and files.

    Snakemake parses the demo, which has all stages with WITH_ALL, in a temporary folder, because parsing writes
    configurations, and those of another experiment would be changes to DVC.
    """
    with tempfile.TemporaryDirectory() as temporary:
        (Path(temporary) / "conf").symlink_to(Path("conf").resolve())
        params = f"experiment: demo\noverrides: {WITH_ALL}\n"
        (Path(temporary) / "params.yaml").write_text(params, encoding="utf-8")
        command = ["snakemake", "--rulegraph", "--cores", "1", "--directory", temporary, "--", target]
        graph = output_of(command)
    names = dict(re.findall(r'(\d+)\[ ?label ?= ?"(\w+)"', graph))
    of_target = [row.name for row in ROWS if row.target == target]
    edges: dict[str, set[str]] = {stage: set() for stage in of_target}
    for before, after in re.findall(r"(\d+) -> (\d+)", graph):
        if names[after] in edges:
            edges[names[after]].add(names[before])
    for stage, other in ALTERNATIVES.items():
        for dependencies in edges.values():
            dependencies |= {stage} if other in dependencies else set()
    return edges


def output_of(command: list[str]) -> str:
    """What a command prints; exits with its error lines, or with all its messages if it has none, if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.splitlines()
        sys.exit("\n".join([line for line in lines if line.startswith("error:")] or lines))
    return done.stdout


def persistent(path: str) -> dict:
    """An output that DVC does not delete before a run."""
    return {path: {"persist": True}}


def stages(target: str) -> dict:
    """The content of a target's file."""
    own, last = results(target), [row.name for row in ROWS if row.target == target][-1]
    data = target == "all"
    # The run records are not a dependency, since they change at every run. They are an output of the last stage.
    runs = {last: [*["data/runs"] * data, f"{own}/runs"]}
    content: dict = {
        "resolve_configs" if target == "all" else f"resolve_{target}": {
            "desc": "Compose conf/ into one file per job; written only where the content changes",
            "cmd": "python workflow/sync.py resolve",
            # requirements.lock, because with strict_versions the resolved files contain the installed versions.
            "deps": ["conf", "params.yaml", "requirements.lock", "src/googlenet", *WORKFLOW],
            "outs": [persistent(path) for path in [*["data/config"] * data, f"{own}/config"]],
        }
    }
    # references/ has a file for each experiment with a reference; the rule uses the current experiment's, if any.
    # The model card contains the settings of the trainings.
    sources = {"make_report": ["references", config_folder("train_classifier")]}
    for stage, dependencies in rule_edges(target).items():
        outs = [folder(stage), *runs.get(stage, [])]
        content[stage] = {
            "cmd": f"snakemake --cores all -- stage_{stage}",
            "deps": sorted([config_folder(stage), *WORKFLOW, *sources.get(stage, []), *map(folder, dependencies)]),
            "outs": [persistent(path) for path in outs],
        }
    return content


def compared() -> dict:
    """What `dvc metrics`, `dvc params` and `dvc plots` show. No stage depends on it, and no other command reads it."""
    report = folder("make_report")
    plots = [
        {f"{report}/curves/{name}.csv": {"x": x, "y": y, "title": title, "template": "series"}}
        for name, x, y, title in CURVES
    ]
    return {"params": ["conf"], "metrics": [f"{report}/key_figures.json"], "plots": plots}


def text(target: str) -> str:
    """The full text of a target's file."""
    if target == "all":
        content: dict = {"stages": stages(target), **compared()}
    else:
        up = "/".join([".."] * FILES[target].count("/"))
        below = {name: {"wdir": up} | stage for name, stage in stages(target).items()}
        content = {"vars": [f"{up}/params.yaml"], "stages": below}
    head = HEAD.format(command_for(target))
    return head + yaml.safe_dump(content, sort_keys=False, width=120)


def command_for(target: str) -> str:
    """The command that writes a target's file."""
    return "make dvc.yaml" if target == "all" else f"python workflow/dvc_stages.py write {target}"


def main() -> None:
    """Write a target's file, or exit with a one-line error if it is stale."""
    action, target = [*sys.argv[1:], "all"][:2] if len(sys.argv) in (2, 3) else ("", "")
    if action not in ("write", "check") or target not in FILES:
        sys.exit(f"error: {' '.join(sys.argv[1:])!r}: write or check, and one of {', '.join(FILES)}")
    path = Path(FILES[target])
    if action == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(target), encoding="utf-8")
    elif not path.is_file() or path.read_text(encoding="utf-8") != text(target):
        state = "stale" if path.is_file() else "missing"
        sys.exit(f"error: {path}: {state}; run `{command_for(target)}` and commit it")


if __name__ == "__main__":
    main()
