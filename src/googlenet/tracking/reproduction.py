"""A completed reproduction as an MLflow run: key figures, settings, report, and the jobs that ran for it as child runs.

Created when a run with the event "reproduction" (of make_report) has succeeded. Each request is idempotent, as in
replay.py. Job runs that belong to an earlier reproduction stay below it, and are linked.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from googlenet.tracking import models
from googlenet.tracking.event_log import Event, EventLog
from googlenet.tracking.job_run import differing, job_name
from googlenet.tracking.servable import Servable
from googlenet.tracking.store import ALL_RUNS, PARENT, Connection, uploading

if TYPE_CHECKING:
    from mlflow.entities import Run

KIND = "reproduction"
NOTE = "mlflow.note.content"  # MLflow shows it as the run's description
SHOWN = 3  # changed settings in a run's name


class Change(NamedTuple):
    """A setting that differs from the previous reproduction. key: without the stage, as stages share many settings."""

    key: str
    before: str
    now: str


def event_of(log: EventLog) -> Event | None:
    """The event of a run that completes an experiment; None for other runs."""
    return next((event for event in reversed(log.events) if event["do"] == KIND), None)


def make(store: Connection, log: EventLog, event: Event) -> None:
    """Make, or complete, the MLflow run of a reproduction."""
    client, tags = store.client, log.events[0]["tags"]
    known = _known(store, f"tags.kind = '{KIND}'")
    own = [run for run in known if run.data.tags.get("reproduction") == log.run_id]
    previous = next((run for run in known if run not in own), None)
    jobs = _job_runs(store, event["jobs"], log.run_id)
    parent = own[0].info.run_id if own else ""
    new = [run for run in jobs.values() if run.data.tags.get(PARENT) in (store.parent_id, parent)]
    changes = changes_between(previous.data.params, event["settings"]) if previous else []
    name = name_of(store.name, changes, previous is None)
    if not own:
        first = min([log.events[0]["time"], *(run.info.start_time for run in new)])
        labels = {"kind": KIND, "reproduction": log.run_id, "commit": tags.get("commit", "")} | store.labels
        parent = client.create_run(store.experiment_id, start_time=first, tags=labels, run_name=name).info.run_id
    for run in new:
        client.set_tag(run.info.run_id, PARENT, parent)
    _content(store, log, event, parent)
    shown = "; ".join(f"{each.key}: {each.before} → {each.now}" for each in changes)
    edits = "; ".join(f"{key}: {value}" for key, value in event.get("edits", {}).items())
    labels = {"changes": shown or ("first" if previous is None else "none"), "jobs_run": f"{len(new)} of {len(jobs)}"}
    labels |= {"edits": edits or "none", NOTE: note(store, event, jobs, new, previous, changes)}
    for key, value in labels.items():
        client.set_tag(parent, key, value[:5000])
    if content := event.get("models"):  # last, so that a registry that refuses them affects nothing else
        servable = Servable.of_event(content, log.path.parent)
        versions = models.register(store, servable, models.Origin(parent, log.path.parent, tags.get("commit", "")))
        client.set_tag(parent, NOTE, (labels[NOTE] + models.note(versions))[:5000])
    client.set_terminated(parent, "FINISHED", log.events[-1]["time"])


def _known(store: Connection, selection: str) -> "Sequence[Run]":
    """This clone's runs that match a filter, the latest first."""
    found = store.client.search_runs(
        [store.experiment_id], selection, max_results=ALL_RUNS, order_by=["attributes.start_time DESC"]
    )
    return [run for run in found if store.is_own(run.data.tags)]


def _job_runs(store: Connection, jobs: Sequence[Mapping[str, str]], own: str) -> "dict[str, Run]":
    """The MLflow runs that this store has of a reproduction's jobs, make_report included, by our own run ids."""
    wanted = {job["run_id"] for job in jobs} | {own}
    found = {
        run.data.tags["run_id"]: run
        for run in store.client.search_runs(
            [store.experiment_id], "tags.kind = 'job' and tags.current = 'true'", max_results=ALL_RUNS
        )
        if run.data.tags.get("run_id") in wanted
    }
    for run_id in sorted(wanted - found.keys()):  # superseded runs, whose results were restored
        runs = store.client.search_runs([store.experiment_id], f"tags.run_id = '{run_id}'", max_results=1)
        found.update((run_id, run) for run in runs)
    return found


def _content(store: Connection, log: EventLog, event: Event, run_id: str) -> None:
    """Log key figures, settings and files; repeating it changes nothing."""
    from mlflow.entities import Metric

    moment = event["time"]
    store.client.log_batch(run_id, metrics=[Metric(key, value, moment, 0) for key, value in event["figures"].items()])
    store.log_parameters(run_id, event["settings"])
    for each in log.events:
        if each["do"] == "artifact" and (path := log.artifact_path(each)).is_file():
            with uploading():
                store.client.log_artifact(run_id, str(path))


def changes_between(before: Mapping[str, str], now: Mapping[str, str]) -> list[Change]:
    """The settings that differ, each once even if several stages share it, and the stages whose code differs."""
    changes: dict[Change, None] = {}
    for key in differing(before, now):
        stage, _, rest = key.partition(".")
        if rest == "code":
            changes[Change(f"code of {stage}", "former", "present")] = None
        else:
            job = stage.partition("/")[2]
            name = f"{job}: {rest}" if job else rest
            changes[Change(name, before.get(key, "absent"), now.get(key, "absent"))] = None
    return list(changes)


def name_of(experiment: str, changes: Sequence[Change], is_first: bool) -> str:
    """A run's name: the experiment, and what changed since the previous reproduction."""
    if not changes:
        return f"{experiment}, {'first' if is_first else 'again'}"
    if len(changes) > SHOWN:
        return f"{experiment}, {len(changes)} changes"
    texts = [each.key if each.key.startswith("code of ") else f"{each.key} {each.now}" for each in changes]
    return f"{experiment}, {', '.join(text[:60] for text in texts)}"


def note(
    store: Connection,
    event: Event,
    jobs: "Mapping[str, Run]",
    new: "Sequence[Run]",
    previous: "Run | None",
    changes: Sequence[Change],
) -> str:
    """The description, as Markdown: what changed, and links to the reused runs."""
    lines = []
    if edits := event.get("edits"):
        lines += ["Settings that the commit, or the experiment's file, does not have:", ""]
        lines += [*(f"- `{key}`: {value}" for key, value in edits.items()), ""]
    if previous:
        lines += [f"Compared with [the previous reproduction]({_link(store, previous)}):", ""]
        lines += [f"- `{each.key}`: {each.before} → {each.now}" for each in changes] or ["- nothing changed"]
        lines.append("")
    ran = sorted(_job_name(run.data.tags) for run in new)
    lines += [f"Jobs that ran for it, {len(ran)} of {len(jobs)} (its child runs): {', '.join(ran)}.", ""]
    ran_ids = {run.info.run_id for run in new}
    reused = sorted(
        (_job_name(run.data.tags), _link(store, run)) for run in jobs.values() if run.info.run_id not in ran_ids
    )
    if reused:
        lines += [f"Reused runs: {', '.join(f'[{name}]({link})' for name, link in reused)}.", ""]
    if missing := sorted(_job_name(job) for job in event["jobs"] if job["run_id"] not in jobs):
        lines.append(f"Not in this store, since they ran elsewhere: {', '.join(missing)}.")
    return "\n".join(lines)


def _job_name(tags: Mapping[str, Any]) -> str:
    return job_name(tags["stage"], tags["job"])


def _link(store: Connection, run: "Run") -> str:
    return f"#/experiments/{store.experiment_id}/runs/{run.info.run_id}"
