"""Tables of how it ran: jobs, versions, digests of the data."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from googlenet.metrics.data import Manifest
from googlenet.metrics.order import natural
from googlenet.metrics.runs import RunRecord
from googlenet.report.parts import Row, Table, numbers, texts
from googlenet.report.words import NONE, count, decimal, plural, short


def jobs(runs: Sequence[RunRecord]) -> Table:
    """Every job: code, configuration, data, MLflow run and times."""
    rows = []
    for run in sorted(runs, key=lambda run: (run.started, run.stage, natural(run.job))):
        started, mlflow = (run.started.replace("T", " ").removesuffix("Z"), run.mlflow.run_id if run.mlflow else "")
        digests = (short(run.commit), short(run.config_sha256), short(run.stamp))
        took, device = f"{decimal(run.duration_s, 1)} s", f"{run.device}, {run.threads}"
        rows.append(Row((run.stage, run.job, started, took, *digests, mlflow or NONE, device)))
    columns = (
        *texts("Stage", "Job", "Started, UTC"),
        *numbers("Took"),
        *texts("Commit", "Config", "Stamp", "MLflow run", "Device, threads"),
    )
    caption = "One row for each job. Commit, configuration and stamp (configuration and inputs) are cut short."
    note = "A commit that ends in +dirty had edits that were not committed."
    return Table("Jobs", caption, columns, tuple(rows), note)


def versions(runs: Sequence[RunRecord]) -> Table:
    """Versions of the interpreter and libraries, and the machine; more than one value when jobs differ."""
    rows = tuple(Row((name, "; ".join(sorted(jobs)))) for name, jobs in _jobs_by_version(runs).items())
    return Table("Versions", "Of everything that a figure may depend on.", texts("What", "Version"), rows)


def mixed_versions(runs: Sequence[RunRecord]) -> tuple[str, ...]:
    """A sentence for each library, interpreter or machine of which the computing jobs had more than one; () when none."""
    sentences = []
    for name, jobs in _jobs_by_version([run for run in runs if run.stage != "make_report"]).items():
        if len(jobs) > 1:
            parts = [f"{value} for {plural(number, 'job')}" for value, number in sorted(jobs.items())]
            sentences.append(f"Mixed: {name} was {' and '.join(parts)}.")
    return tuple(sentences)


def _jobs_by_version(runs: Sequence[RunRecord]) -> dict[str, Counter[str]]:
    """How many jobs had each version, by what it is of, in the order of the names."""
    jobs: dict[str, Counter[str]] = defaultdict(Counter)
    for run in runs:
        for name, value in run.versions.items():
            jobs[name][value] += 1
    return dict(sorted(jobs.items()))


def digests(manifests: Sequence[Manifest]) -> Table:
    """The SHA-256 of the shards of data; the first 60 of them."""
    rows = tuple(
        Row((manifest.dataset, shard.file, count(shard.records), shard.sha256))
        for manifest in manifests
        for split in sorted(manifest.splits)
        for shard in manifest.splits[split].shards
    )
    columns = (*texts("Data set", "Shard"), *numbers("Records"), *texts("SHA-256"))
    note = f"{count(len(rows) - 60)} more are in the manifests." if len(rows) > 60 else ""
    caption = f"SHA-256 of {plural(len(rows), 'shard')}."
    return Table("Digests of the data", caption, columns, rows[:60], note)
