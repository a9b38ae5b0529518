"""Describe a finished run as an RO-Crate 1.1: writes FOLDER/ro-crate-metadata.json. FOLDER: an experiment's results.

\b
    googlenet crate results/demo

The crate lists every file with its size and SHA-256, and every job as an action: when it ran, by which commit, from which
settings, and what it wrote. Data sets and the jobs that prepared them stay outside; the jobs' records have their digests.
"""

import json
import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from googlenet.errors import UserError
from googlenet.metrics.runs import RunRecord, read_run
from googlenet.pipeline.registry import APART, STAGES
from googlenet.storage.files import sha256, write_bytes
from googlenet.tracking import job_name
from googlenet.tracking.progress import counted

NAME = "ro-crate-metadata.json"
PROFILE, CONTEXT = "https://w3id.org/ro/crate/1.1", "https://w3id.org/ro/crate/1.1/context"
PAPER = "https://arxiv.org/abs/1409.4842"
TYPES = {
    ".safetensors": "application/octet-stream",
    ".md": "text/markdown",
    ".log": "text/plain",
    ".tex": "application/x-tex",
}
LICENSE = (
    "The code that made these files is under the MIT licence. Images in them are under the licence of their data set."
)
Entity = dict[str, Any]


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Write the file. Raises UserError for a folder that holds no finished run."""
    runs = [read_run(path) for place in ("", *APART) for path in sorted((folder / place / "runs").rglob("*.json"))]
    if not any(run.stage == "make_report" for run in runs) or not (folder / "make_report" / "report.html").is_file():
        raise UserError(f"{folder}: no finished run; give the results of an experiment, such as results/demo")
    graph = crate(folder, runs)
    text = json.dumps({"@context": CONTEXT, "@graph": graph}, indent=1, ensure_ascii=False)
    write_bytes(folder / NAME, f"{text}\n".encode())
    files = sum(entity["@type"] == "File" for entity in graph)
    print(f"{folder / NAME}: {files} files, {len(runs)} jobs")


def crate(folder: Path, runs: Sequence[RunRecord]) -> list[Entity]:
    """Return the entities of the crate: its description, the root, the files, the jobs, and what these refer to."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / NAME)
    files = [_file(folder, path) for path in counted(paths, "files read")]
    names = [entity["@id"] for entity in files]
    software = {commit: f"#googlenet-{commit or 'unknown'}" for commit in sorted({run.commit for run in runs})}
    actions = [
        _action(run, names, software[run.commit])
        for run in sorted(runs, key=lambda run: (run.started, run.stage, run.job))
    ]
    experiment = next(run.experiment for run in runs if run.stage == "make_report")
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Results of the experiment {experiment}",
        "description": "Classifiers and detectors of Going Deeper with Convolutions (GoogLeNet), reproduced: weights, "
        "predictions, metrics, settings and the report.",
        "datePublished": max(run.ended for run in runs),
        "license": LICENSE,
        "citation": {"@id": PAPER},
        "hasPart": [{"@id": name} for name in names],
        "mentions": [{"@id": action["@id"]} for action in actions],
        "mainEntity": {"@id": "make_report/report.html"},
    }
    return [
        {"@id": NAME, "@type": "CreativeWork", "conformsTo": {"@id": PROFILE}, "about": {"@id": "./"}},
        root,
        *files,
        *actions,
        *(_software(name, commit, runs) for commit, name in software.items()),
        {"@id": PAPER, "@type": "ScholarlyArticle", "name": "Going Deeper with Convolutions"},
    ]


def _file(folder: Path, path: Path) -> Entity:
    kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name, strict=True)[0] or "application/octet-stream"
    return {
        "@id": quote(path.relative_to(folder).as_posix()),
        "@type": "File",
        "name": path.name,
        "contentSize": str(path.stat().st_size),
        "encodingFormat": kind,
        "sha256": sha256(path),
    }


def _action(run: RunRecord, files: Sequence[str], software: str) -> Entity:
    """One job. Its inputs in this folder are its configuration and its record, which has the digests of the others."""
    job = quote(f"{run.stage}/{run.job}")
    target = STAGES[run.stage].target if run.stage in STAGES else "all"  # a former stage is of no other target
    place, record, config = quote(job_name(run.stage, run.job)), f"runs/{job}.json", f"config/{job}.json"
    if target in APART:
        place, record, config = (f"{target}/{path}" for path in (place, record, config))
    return {
        "@id": f"#{job}",
        "@type": "CreateAction",
        "name": f"{run.stage} {run.job}",
        "startTime": run.started,
        "endTime": run.ended,
        "instrument": {"@id": software},
        "object": list(_known((config, record), files)),
        "result": [{"@id": name} for name in files if name.startswith(f"{place}/")],
    }


def _known(names: Sequence[str], files: Sequence[str]) -> Iterator[Mapping[str, str]]:
    return ({"@id": name} for name in names if name in files)


def _software(name: str, commit: str, runs: Sequence[RunRecord]) -> Entity:
    """The code of one commit, with the versions of the libraries and system that it ran on."""
    versions = sorted({f"{key} {value}" for run in runs if run.commit == commit for key, value in run.versions.items()})
    return {
        "@id": name,
        "@type": "SoftwareApplication",
        "name": "googlenet",
        "version": commit or "outside git",
        "softwareRequirements": versions,
    }
