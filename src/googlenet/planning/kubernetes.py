"""Kubernetes, for Snakemake's plugin cluster-generic: submits jobs, and says what became of them.

usage: python -m googlenet.planning.kubernetes submit SCRIPT | status NAME
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from googlenet.errors import UserError
from googlenet.pipeline.experiment import Job
from googlenet.planning.needs import Request
from googlenet.planning.slurm import AGAIN, ENDED, SAVED
from googlenet.report.words import plural

TEMPLATE = Path("workflow/profiles/kubernetes/job.yaml")
EDIT = f"see {TEMPLATE}"
# The shell is the container's first process, the only one that gets SIGTERM; it passes it to the job's process group.
# The group's leader dies of it at once; the rest of the group saves, until the shell ends and with it the container.
RUN = (
    'set -m; bash "$0" & trap "kill -TERM -- -$!" TERM; wait $!; wait $!; code=$?; '
    "while kill -0 -- -$! 2>/dev/null; do sleep 0.2; done; exit $code"
)
# Why a container never starts. ErrImagePull is not among them: Kubernetes tries again, and then says ImagePullBackOff.
NEVER = {"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError"}
UNITS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "m": 1e-3}


class Refused(UserError):
    """Kubernetes forbids or rejects a request, or does not have the object."""


def kubectl(*words: str, given: str = "") -> str:
    """The output of kubectl. Raises UserError with kubectl's reason; Refused if retrying would not help."""
    try:
        done = subprocess.run(("kubectl", *words), input=given, capture_output=True, text=True, check=False, timeout=60)
    except FileNotFoundError:
        raise Refused("kubectl: not found; install it, or leave out --profile") from None
    except subprocess.TimeoutExpired:
        raise UserError(
            "kubectl: no answer from Kubernetes in a minute; try again once `kubectl get jobs` answers"
        ) from None
    if done.returncode:
        reason = (done.stderr.strip() or "no message").splitlines()[-1]
        kind = Refused if re.search(r"\((NotFound|Forbidden|Invalid|BadRequest)\)", reason) else UserError
        raise kind(f"kubectl {words[0]}: {reason}; {EDIT}")
    return done.stdout


def template() -> dict[str, Any]:
    """The manifest that every job is based on, which users may edit. Raises UserError if it is invalid."""
    try:
        manifest = yaml.safe_load(TEMPLATE.read_text())
        container = manifest["spec"]["template"]["spec"]["containers"][0]
    except FileNotFoundError:
        raise UserError(f"{TEMPLATE}: not found; git checkout {TEMPLATE}") from None
    except (yaml.YAMLError, KeyError, IndexError, TypeError):
        raise UserError(f"{TEMPLATE}: is not a Job with a container; git checkout {TEMPLATE}") from None
    if not isinstance(container, dict) or not container.get("image"):
        raise UserError(f"{TEMPLATE}: containers[0].image is missing; name the image with the environment")
    return dict(manifest)


def fill(manifest: dict[str, Any], name: str, command: Sequence[str], resources: dict[str, Any]) -> dict[str, Any]:
    """The manifest of one Job: a name prefix, which Kubernetes completes, and what its container runs and needs."""
    metadata = manifest.get("metadata", {}) | {"generateName": f"googlenet-{name}-"}
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    container |= {"command": list(command), "workingDir": str(Path.cwd()), "resources": resources}
    return manifest | {"metadata": metadata}


def manifest_of(script: Path, text: str) -> dict[str, Any]:
    """The Job for a script of Snakemake's, whose comment "# properties" states what the job is and needs."""
    found = re.search("^# properties = (.*)$", text, re.MULTILINE)
    if found is None:
        raise UserError(f"{script}: has no line of properties; Snakemake writes it for --executor cluster-generic")
    properties = json.loads(found[1])
    stage, job = properties["rule"], next(iter(properties["wildcards"].values()), "all")
    asked = properties["resources"]
    limits = {"memory": f"{asked['mem_mb']}M"} | ({"nvidia.com/gpu": str(asked["gpu"])} if asked.get("gpu") else {})
    name = re.sub("[^a-z0-9]+", "-", f"{stage}-{job}".lower())[:45]
    resources = {"requests": limits | {"cpu": str(properties["threads"])}, "limits": limits}
    manifest = fill(template(), name, ["bash", "-c", RUN, str(script)], resources)
    metadata = manifest["metadata"]
    label = re.sub("[^A-Za-z0-9._-]", "-", job)[:63].strip("._-")  # Kubernetes refuses labels such as _m1
    metadata["labels"] = metadata.get("labels", {}) | {"stage": stage, "job": label}
    metadata["annotations"] = metadata.get("annotations", {}) | {"job": job}
    return manifest


def submit(script: Path) -> str:
    """Submit a script and return the name of its Job."""
    manifest = manifest_of(script, script.read_text())
    return kubectl("create", "--filename=-", "--output=name", given=json.dumps(manifest)).strip().split("/")[-1]


def status(name: str) -> str:
    """The status of a Job, in Snakemake's terms; "running" if Kubernetes does not say."""
    try:
        job = json.loads(kubectl("get", "job", name, "--output=json"))
    except Refused as error:
        say(f"error: {name} is gone ({error}); {AGAIN}, and {SAVED}")
        return "failed"
    except UserError as error:  # the job may well be running
        say(f"warning: {error}")
        return "running"
    if ends := {each["type"] for each in conditions(job)} & {"Complete", "Failed"}:
        return "success" if "Complete" in ends else "failed"
    return "running" if job.get("status", {}).get("ready") or not given_up(name) else "failed"


def given_up(name: str) -> bool:
    """Delete a Job whose container never starts, and say why. False if it may still start, or could not be deleted."""
    try:
        if reason := no_container(pods_of(name)):
            cancel(name)
            say(f"error: {name} cannot start: {reason}; {EDIT}")
        return bool(reason)
    except UserError as error:
        say(f"warning: {error}")
        return False


def pods_of(name: str) -> list[dict[str, Any]]:
    """The pods of a Job: one, or several if some were replaced."""
    return list(json.loads(kubectl("get", "pods", f"--selector=job-name={name}", "--output=json"))["items"])


def states(pods: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The states of the pods' containers."""
    return [each.get("state", {}) for pod in pods for each in pod.get("status", {}).get("containerStatuses", [])]


def no_container(pods: Sequence[dict[str, Any]]) -> str:
    """Why a pod's container never starts, such as an image that cannot be pulled; "" if it may still start."""
    waiting = [state["waiting"] for state in states(pods) if "waiting" in state]
    stuck = [each for each in waiting if each.get("reason") in NEVER]
    return stuck[0].get("message", stuck[0]["reason"]).splitlines()[0] if stuck else ""


def cancel(name: str) -> None:
    """Delete a Job; its pods get SIGTERM, on which trainings save their state."""
    kubectl("delete", "job", "--wait=false", "--ignore-not-found", name)


def conditions(job: dict[str, Any]) -> list[dict[str, Any]]:
    """The conditions that are true of a Job."""
    return [each for each in job.get("status", {}).get("conditions", []) if each["status"] == "True"]


def ended(root: Path, since: datetime, stages: Sequence[str]) -> Iterator[str]:
    """A line for each job in this folder that Kubernetes has killed since then, with the remedy."""
    made = json.loads(kubectl("get", "jobs", f"--selector=stage in ({','.join(stages)})", "--output=json"))["items"]
    last: dict[Job, dict[str, Any]] = {}  # the latest attempt
    for each in sorted(made, key=lambda each: str(each["metadata"]["creationTimestamp"])):
        created = datetime.fromisoformat(each["metadata"]["creationTimestamp"]).astimezone().replace(tzinfo=None)
        container = each["spec"]["template"]["spec"]["containers"][0]
        if created >= since.replace(microsecond=0) and container["workingDir"] == str(root):
            last[Job(each["metadata"]["labels"]["stage"], each["metadata"]["annotations"]["job"])] = each
    for (stage, name), attempt in sorted(last.items()):
        failed = [each for each in conditions(attempt) if each["type"] == "Failed"]
        if failed and (reason := why(failed[0].get("reason", ""), pods_of(attempt["metadata"]["name"]), stage)):
            yield f"{stage} {name} {reason}"


def why(reason: str, pods: Sequence[dict[str, Any]], stage: str) -> str:
    """Why Kubernetes killed a job, with the remedy; "" if it exited by itself, in which case its log has the reason."""
    if reason == "DeadlineExceeded":
        return f"ran out of time: {AGAIN}, with a larger activeDeadlineSeconds; {EDIT}"
    if any(state.get("terminated", {}).get("reason") == "OOMKilled" for state in states(pods)):
        return ENDED["OUT_OF_MEMORY"].format(stage=stage)
    return ""


def check(requests: Iterable[Request]) -> None:
    """Before the first job: raise UserError if Kubernetes accepts no jobs, or no node could hold one of these."""
    manifest = template()
    trial = fill(manifest, "check", ["true"], {})
    kubectl("create", "--dry-run=server", "--filename=-", "--output=name", given=json.dumps(trial))
    for volume in manifest["spec"]["template"]["spec"].get("volumes", []):
        if claim := volume.get("persistentVolumeClaim", {}).get("claimName"):
            kubectl("get", "persistentvolumeclaim", claim)
    try:
        nodes = json.loads(kubectl("get", "nodes", "--output=json"))["items"]
    except Refused:
        say("warning: nodes may not be listed: a job that none has room for waits (`kubectl describe job`)")
        nodes = None
    for request in requests:
        if request.nodes > 1:
            raise UserError(
                f"execution.nodes_per_training: {request.nodes} asked for, but a job has one pod; set it to 1, with"
                " processes_per_training up to the GPUs of a node"
            )
        request.check_memory()
        if nodes is not None and not any(has_room(node["status"]["allocatable"], request) for node in nodes):
            stage, name = request.job
            asked = f"{plural(request.threads, 'processor')}, {request.mem_mb} MB, {plural(request.gpus, 'GPU')}"
            ways = f"--set-resources {stage}:mem_mb=MEGABYTES asks for less memory"
            raise UserError(f"{stage} {name}: no node has {asked} (`kubectl describe nodes`); {ways}")


def has_room(allocatable: dict[str, str], request: Request) -> bool:
    """Whether a job would fit on a node if nothing else ran there."""
    wanted = {"cpu": request.threads, "memory": request.mem_mb * 1e6, "nvidia.com/gpu": request.gpus}
    return all(amount(allocatable.get(name, "0")) >= least for name, least in wanted.items())


def amount(quantity: str) -> float:
    """The value of a Kubernetes quantity: 500m, 2, 16Gi."""
    found = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", quantity)
    if found is None or found[2] not in UNITS:
        raise UserError(f"kubectl get nodes: {quantity!r} is not a quantity that is known here")
    return float(found[1]) * UNITS[found[2]]


def say(line: str) -> None:
    """Write a line to standard error, which reaches the user; Snakemake's plugin parses standard output."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """The commands of Snakemake's plugin, but for cancelling: workflow/profiles/kubernetes/job does that."""
    try:
        match sys.argv[1:]:
            case ["submit", script]:
                print(submit(Path(script)))
            case ["status", name]:
                print(status(name))
            case _:
                sys.exit(__doc__)
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
