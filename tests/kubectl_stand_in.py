"""A stand-in for kubectl and the cluster behind it, for one machine: Jobs are files, a pod is a process group.

usage: kubectl create|get|delete ...   as googlenet.planning.kubernetes calls it; `kubectl evict JOB` lets a pod give way.
Environment: CLUSTER, the folder of the Jobs. As in Kubernetes, only a container's first process gets SIGTERM,
and when it has ended, the others are killed.
"""

import ctypes
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

CLUSTER = Path(os.environ.get("CLUSTER", "."))
CLAIMS = ("googlenet",)
PR_SET_CHILD_SUBREAPER = 36
NODES = [{"status": {"allocatable": {"cpu": "2", "memory": "16Gi"}}}]


def installed(folder):
    """Put it into a folder as `kubectl`; the environment in which it is found."""
    program = folder / "bin/kubectl"
    for path in (program.parent, folder / "jobs"):
        path.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -S {__file__} "$@"\n')
    program.chmod(0o755)
    return {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "CLUSTER": str(folder / "jobs")}


def refuse(kind, text):
    sys.exit(f"Error from server ({kind}): {text}")


@contextmanager
def state_of(name):
    """A Job's state, to change; what is there when the block ends is stored."""
    with (CLUSTER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = CLUSTER / f"{name}.json"
        if not path.is_file():
            refuse("NotFound", f'jobs.batch "{name}" not found')
        state = json.loads(path.read_text())
        yield state
        if state.get("deleted"):
            path.unlink()  # under the lock, or its pod could store it again
        else:
            store(path, state)


def store(path, state):
    """Replace a Job's file as a whole, since tests read it without the lock."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(state))
    part.replace(path)


def create(manifest, dry):
    """What the API server does: completes the name, checks what it can, starts the pod."""
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    memory = container["resources"].get("limits", {}).get("memory", "0M")
    if not memory.endswith("M"):
        refuse("Invalid", f"limits.memory: {memory}")
    name = f"{manifest['metadata']['generateName']}{os.urandom(3).hex()}"
    if len(name) > 63 or name != name.lower() or "_" in name:
        refuse("Invalid", f'Job.batch "{name}" is invalid: metadata.name')
    for label in manifest["metadata"].get("labels", {}).values():
        if not re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", label):
            refuse("Invalid", f'Job.batch "{name}" is invalid: metadata.labels: Invalid value: "{label}"')
    if not dry:
        created = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        manifest["metadata"] |= {"name": name, "creationTimestamp": created}
        store(CLUSTER / f"{name}.json", manifest | {"status": {}, "pids": []})
        words = [sys.executable, __file__, "pod", name]
        nothing = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.Popen(words, start_new_session=True, **nothing)
    print(f"job.batch/{name}")


def pod(name):
    """A Job's pods, one after the other while they give way; notes how the last one ended."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # orphans are reaped, as by a container's first process
    while True:
        with state_of(name) as state:
            container = state["spec"]["template"]["spec"]["containers"][0]
            if container["image"] == "nowhere":
                state["waiting"] = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "nowhere"'}
                return
            with (CLUSTER / f"{name}.log").open("ab") as log:
                process = subprocess.Popen(
                    container["command"], cwd=container["workingDir"], stdout=log, stderr=log, start_new_session=True
                )
            state["pids"].append(process.pid)
            state["status"]["ready"] = 1
        code = first_ended(process.pid)
        with state_of(name) as state:
            if state.pop("evicted", False):
                continue
            kind = {"type": "Complete"} if code == 0 else {"type": "Failed", "reason": "PodFailurePolicy"}
            state["status"] = {"conditions": [kind | {"status": "True"}]}
            return


def first_ended(first):
    """The exit code of a container's first process; what it leaves behind in its session is killed."""
    while (ended := os.wait())[0] != first:
        pass
    for pid in (int(path.name) for path in Path("/proc").glob("[0-9]*")):
        with suppress(ProcessLookupError):
            if os.getsid(pid) == first:
                os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(ended[1])


def pods(name):
    path = CLUSTER / f"{name}.json"
    state = json.loads(path.read_text()) if path.is_file() else {}
    reason = {"waiting": state["waiting"]} if "waiting" in state else {}
    return [{"status": {"containerStatuses": [{"state": reason}]}}] if state else []


def main():
    match [word for word in sys.argv[1:] if word not in ("--output=json", "--output=name", "--filename=-")]:
        case ["create", *dry]:
            create(json.load(sys.stdin), dry=bool(dry))
        case ["pod", name]:
            pod(name)
        case ["get", "job", name]:
            with state_of(name) as state:
                print(json.dumps(state))
        case ["get", "jobs", _]:
            print(json.dumps({"items": [json.loads(path.read_text()) for path in CLUSTER.glob("*.json")]}))
        case ["get", "pods", selector]:
            print(json.dumps({"items": pods(selector.split("=")[-1])}))
        case ["get", "nodes"]:
            print(json.dumps({"items": NODES}))
        case ["get", "persistentvolumeclaim", name] if name not in CLAIMS:
            refuse("NotFound", f'persistentvolumeclaims "{name}" not found')
        case ["evict", name]:
            with state_of(name) as state:
                state["evicted"] = True
                os.kill(state["pids"][-1], signal.SIGTERM)
        case ["delete", "job", _, _, *names]:
            for name in names:
                with state_of(name) as state:
                    for pid in state["pids"][-1:]:  # none if its container never started
                        os.kill(pid, signal.SIGTERM)
                    state["deleted"] = True


if __name__ == "__main__":
    main()
