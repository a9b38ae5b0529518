"""Tables of how it ran: jobs, versions, digests of the data."""

from collections.abc import Sequence

from googlenet.metrics.data import Manifest
from googlenet.metrics.order import natural
from googlenet.metrics.runs import RunRecord
from googlenet.report.parts import Column, Row, Table
from googlenet.report.words import NONE, count, decimal, plural, short


def jobs(runs: Sequence[RunRecord]) -> Table:
    """Every job: code, configuration, data, MLflow run and times."""
    ordered = sorted(runs, key=lambda run: (run.started, run.stage, natural(run.job)))
    rows = []
    for run in ordered:
        cells = (
            run.stage,
            run.job,
            run.started.replace("T", " ").removesuffix("Z"),
            f"{decimal(run.duration_s, 1)} s",
            short(run.commit),
            short(run.config_sha256),
            short(run.stamp),
            (run.mlflow.run_id if run.mlflow else "") or NONE,
            f"{run.device}, {run.threads}",
        )
        rows.append(Row(cells))
    labels = (
        "Stage",
        "Job",
        "Started, UTC",
        "Took",
        "Commit",
        "Config",
        "Stamp",
        "MLflow run",
        "Device, threads",
    )
    columns = tuple(Column(label, words=label != "Took") for label in labels)
    caption = (
        "One row for each job. Commit, configuration and stamp (configuration and inputs) are cut short."
    )
    note = "A commit that ends in +dirty had edits that were not committed."
    return Table("Jobs", caption, columns, tuple(rows), note)


def versions(runs: Sequence[RunRecord]) -> Table:
    """Versions of the interpreter and libraries, and the machine; more than one value when jobs differ."""
    seen: dict[str, set[str]] = {}
    for run in runs:
        for name, value in run.versions.items():
            seen.setdefault(name, set()).add(value)
    rows = tuple(Row((name, "; ".join(sorted(seen[name])))) for name in sorted(seen))
    columns = (Column("What", words=True), Column("Version", words=True))
    return Table("Versions", "Of everything that a figure may depend on.", columns, rows)


def mixed_versions(runs: Sequence[RunRecord]) -> tuple[str, ...]:
    """A sentence for each library, interpreter or machine of which the computing jobs had more than one; () when none."""
    seen: dict[str, dict[str, int]] = {}
    for run in (run for run in runs if run.stage != "make_report"):
        for name, value in run.versions.items():
            of_name = seen.setdefault(name, {})
            of_name[value] = of_name.get(value, 0) + 1
    return tuple(
        f"Mixed: {name} was "
        + " and ".join(f"{value} for {plural(number, 'job')}" for value, number in sorted(found.items()))
        + "."
        for name, found in sorted(seen.items())
        if len(found) > 1
    )


def digests(manifests: Sequence[Manifest], shown: int = 60) -> Table:
    """The SHA-256 of the shards of data; the first `shown` of them."""
    rows = tuple(
        Row((manifest.dataset, shard.file, count(shard.records), shard.sha256))
        for manifest in manifests
        for split in sorted(manifest.splits)
        for shard in manifest.splits[split].shards
    )
    columns = (
        *(Column("Data set", words=True), Column("Shard", words=True)),
        *(Column("Records"), Column("SHA-256", words=True)),
    )
    note = f"{count(len(rows) - shown)} more are in the manifests." if len(rows) > shown else ""
    return Table(
        "Digests of the data", f"SHA-256 of {plural(len(rows), 'shard')}.", columns, rows[:shown], note
    )
