"""One sentence per job that would run: what Snakemake decided, and what changed since the job last ran.

Whether a job would run comes from Snakemake's dry run, as for DVC's stages (pipeline/reasons.py). What changed is the
difference between the job's present file and code and those recorded in run.json by its last run.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from googlenet.metrics.order import natural
from googlenet.metrics.runs import RunRecord, read_run
from googlenet.pipeline.job_file import modules_of, run_record
from googlenet.pipeline.reasons import Reason
from googlenet.storage.files import read_json, sha256
from googlenet.tracking import differing, flattened, job_name

SHOWN = 3  # changes that are listed
LONGEST = 40  # characters of a value
ABSENT = "absent"


def sentences(root: Path, reasons: Iterable[Reason]) -> dict[str, str]:
    """A sentence for each job, by its name."""
    return {job_name(reason.stage, reason.job): sentence(root, reason) for reason in reasons}


def sentence(root: Path, reason: Reason) -> str:
    """Why a job would run, in one sentence."""
    own = (f"/config/{reason.stage}/{reason.job}.json", f"/{reason.stage}.json")  # the latter for a data stage
    config = next(path for path in reason.inputs if path.endswith(own))
    record = root / run_record(Path(config), reason.stage, reason.job)
    if reason.missing and not record.is_file():
        return "has not run yet."
    causes = []
    if reason.missing:
        causes.append(f"{_some(reason.missing)} {'is' if len(reason.missing) == 1 else 'are'} missing")
    if record.is_file():
        causes += changes(read_run(record), root, config)
    if reason.rule_changed:
        causes.append("its rule in workflow/ has another command")
    if reason.inputs_before is not None:
        causes += other_inputs(reason.inputs_before, reason.inputs)
    if on_disk := [path for path in reason.updated if path != config]:
        causes.append(f"{_some(on_disk)} changed after it ran")
    if reason.renewed:
        causes.append(f"it reads what {of_jobs(reason.renewed)} will write again")
    text = "; ".join(causes) or f"Snakemake says: {' '.join(reason.text.split())}"
    return text.rstrip(".") + "."


def changes(record: RunRecord, root: Path, config: str) -> list[str]:
    """What differs between the job file of the last run and the present one: settings, versions, modules."""
    if record.config_sha256 == sha256(root / config):
        return []
    if record.job_file is None:
        return ["its settings or its code changed (its record is of a version that did not note them)"]
    now, before = read_json(root / config), record.job_file
    causes = []
    if keys := differences(_of(before, "settings"), _of(now, "settings")):
        causes.append(_listed([f"{key} is {new} (was {old})" for key, old, new in keys]))
    if libraries := differences(_of(before, "versions"), _of(now, "versions")):
        causes.append(_listed([f"{key} {new} counts (was {old})" for key, old, new in libraries]))
    if before["code"] != now["code"]:
        causes.append(of_code(record.modules, modules_of(root, now["code"])))
    return causes


def _of(content: Mapping[str, Any], part: str) -> dict[str, str]:
    return flattened(content.get(part) or {})


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Each key whose value differs, with both values."""
    return [(key, _short(before.get(key, ABSENT)), _short(now.get(key, ABSENT))) for key in differing(before, now)]


def of_code(before: Mapping[str, str] | None, now: Mapping[str, str] | None) -> str:
    """Name the modules that changed."""
    if before is None or now is None:
        return "its code changed"
    changed = differing(before, now)
    edited = [name for name in changed if name in before and name in now]
    if edited:
        return f"{_listed(edited)} changed"
    return _listed([f"{name} {'counts now' if name in now else 'does not count any more'}" for name in changed])


def other_inputs(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """Name the inputs that a job has gained or lost."""
    gained, lost = [path for path in now if path not in before], [path for path in before if path not in now]
    parts = [f"now with {_some(gained)}"] if gained else []
    parts += [f"without {_some(lost)}"] if lost else []
    return [f"it has other inputs: {' and '.join(parts)}"] if parts else []


def of_jobs(names: Collection[str]) -> str:
    """Jobs grouped by stage: train_classifier/m1,m2 and evaluate_ensemble."""
    by_stage: dict[str, list[str]] = defaultdict(list)
    for name in names:
        stage, _, job = name.partition("/")
        by_stage[stage].append(job)
    return _listed(
        [f"{stage}/{','.join(sorted(jobs, key=natural))}" if any(jobs) else stage for stage, jobs in by_stage.items()]
    )


def _and(texts: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))


def _listed(texts: Sequence[str]) -> str:
    """The first few texts, and how many more there are."""
    more = [f"{len(texts) - SHOWN} more"] if len(texts) > SHOWN else []
    return _and([*texts[:SHOWN], *more])


def _some(paths: Sequence[str]) -> str:
    return _listed(sorted(paths))


def _short(value: str) -> str:
    return value if len(value) <= LONGEST else f"{value[: LONGEST - 3]}..."
