"""Jobs of Kubernetes: what a script of Snakemake's becomes, what became of it, and what is refused before the first."""

import json
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml

import kubectl_stand_in
from googlenet.errors import UserError
from googlenet.pipeline.experiment import Job
from googlenet.planning import kubernetes
from googlenet.planning.needs import Request
from waiting import until

REPO = Path(__file__).parents[2]
PROPERTIES = {
    "rule": "train_classifier",
    "wildcards": {"member": "M_2"},
    "threads": 2,
    "resources": {"mem_mb": 1250, "tmpdir": "/tmp"},
}
FOUND = Job("train_classifier", "m2")


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A folder with the profile, in which `kubectl` is the stand-in."""
    (tmp_path / kubernetes.TEMPLATE.parent).mkdir(parents=True)
    (tmp_path / kubernetes.TEMPLATE).write_text((REPO / kubernetes.TEMPLATE).read_text())
    for name, value in kubectl_stand_in.installed(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def script(folder, command, **others):
    path = folder / "snakejob.sh"
    path.write_text(f"#!/bin/sh\n# properties = {json.dumps(PROPERTIES | others)}\n{command}\n")
    return path


def test_a_script_becomes_the_job_that_the_template_describes(cluster):
    made = kubernetes.manifest_of(path := script(cluster, "true"), path.read_text())
    template = yaml.safe_load(kubernetes.TEMPLATE.read_text())
    assert made["metadata"] == {
        "labels": {"app": "googlenet", "stage": "train_classifier", "job": "M_2"},
        "annotations": {"job": "M_2"},
        "generateName": "googlenet-train-classifier-m-2-",
    }
    container = made["spec"]["template"]["spec"]["containers"][0]
    assert container["command"] == ["bash", "-c", kubernetes.RUN, str(path)]
    assert container["workingDir"] == str(cluster)
    assert container["resources"] == {
        "requests": {"memory": "1250M", "cpu": "2"},
        "limits": {"memory": "1250M"},
    }
    for key in ("command", "workingDir", "resources"):
        del container[key]
    assert made["spec"] == template["spec"]


def test_gpus_are_requested_where_the_rule_states_them(cluster):
    path = script(cluster, "true", resources={"mem_mb": 9000, "gpu": 4})
    container = kubernetes.manifest_of(path, path.read_text())["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"]["limits"] == {"memory": "9000M", "nvidia.com/gpu": "4"}


def test_a_job_runs_and_its_end_is_known(cluster):
    name = kubernetes.submit(script(cluster, "until [ -f go ]; do sleep 0.1; done"))
    assert kubernetes.status(name) == "running"
    (cluster / "go").touch()
    until(lambda: kubernetes.status(name) == "success")
    failing = kubernetes.submit(script(cluster, "exit 3"))
    until(lambda: kubernetes.status(failing) == "failed")
    assert list(kubernetes.ended(cluster, datetime.now() - timedelta(minutes=1), ["train_classifier"])) == []


def test_a_pod_that_gives_way_tells_the_whole_job_and_is_replaced(cluster):
    """The job's own child gets SIGTERM, as it saves the state."""
    command = """[ -f saved ] && exit 0
sh -c 'trap "touch saved; exit 75" TERM; touch began; while :; do sleep 0.1; done'
"""
    name = kubernetes.submit(script(cluster, command))
    until((cluster / "began").is_file)
    kubernetes.kubectl("evict", name)
    until(lambda: kubernetes.status(name) == "success")
    assert (cluster / "saved").is_file()


def test_a_job_that_takes_a_second_to_save_is_given_it(cluster):
    """The process that saves outlives the script that started it, which SIGTERM ends at once."""
    command = """[ -f saved ] && exit 0
sh -c 'trap "sleep 1; touch saved; exit 75" TERM; touch began; while :; do sleep 0.1; done'
"""
    name = kubernetes.submit(script(cluster, command))
    until((cluster / "began").is_file)
    kubernetes.kubectl("evict", name)
    until(lambda: kubernetes.status(name) == "success")
    assert len(json.loads((cluster / f"jobs/{name}.json").read_text())["pids"]) == 2


def test_a_cancelled_job_is_told_and_is_one_line(cluster, capsys):
    command = """sh -c 'trap "touch saved; exit 75" TERM; touch began; while :; do sleep 0.1; done'"""
    name = kubernetes.submit(script(cluster, command))
    until((cluster / "began").is_file)
    kubernetes.cancel(name)
    until((cluster / "saved").is_file)
    assert kubernetes.status(name) == "failed"
    assert capsys.readouterr().err.startswith(f"error: {name} is gone (")


def test_snakemake_cancels_without_starting_python(cluster):
    """Which takes longer than the two seconds that the plugin gives it."""
    names = [kubernetes.submit(script(cluster, "sleep 30")) for _ in range(2)]
    for name in names:
        until(lambda name=name: json.loads((cluster / f"jobs/{name}.json").read_text())["pids"])
    (cluster / "bin/python").write_text("#!/bin/sh\nexit 1\n")
    (cluster / "bin/python").chmod(0o755)
    subprocess.run([REPO / kubernetes.TEMPLATE.with_name("job"), *names], check=True)
    assert not list((cluster / "jobs").glob("*.json"))


def without_image(cluster):
    """A submitted job whose image cannot be pulled."""
    kubernetes.TEMPLATE.write_text(kubernetes.TEMPLATE.read_text().replace("image: googlenet", "image: nowhere"))
    name = kubernetes.submit(script(cluster, "true"))
    until(lambda: "waiting" in json.loads((cluster / f"jobs/{name}.json").read_text()))
    return name


def test_an_image_that_cannot_be_had_fails_the_job_at_once(cluster, capsys):
    name = without_image(cluster)
    assert kubernetes.status(name) == "failed"
    line = f'error: {name} cannot start: Back-off pulling image "nowhere"; see {kubernetes.TEMPLATE}\n'
    assert capsys.readouterr().err == line
    assert not (cluster / f"jobs/{name}.json").is_file()


@pytest.mark.parametrize(
    ("reason", "said"),
    [("ErrImagePull", ""), ("ContainerCreating", ""), ("ErrImageNeverPull", "why"), ("InvalidImageName", "why")],
)
def test_only_what_kubernetes_does_not_try_again_counts_as_never(reason, said):
    state = {"waiting": {"reason": reason, "message": "why"}}
    assert kubernetes.no_container([{"status": {"containerStatuses": [{"state": state}]}}]) == said


@pytest.mark.parametrize("query", ["pods_of", "cancel"])
@pytest.mark.parametrize("kind", [UserError, kubernetes.Refused])
def test_no_answer_about_a_job_that_waits_is_a_warning(cluster, capsys, monkeypatch, query, kind):
    name = without_image(cluster)

    def unanswered(*names):
        raise kind("kubectl: no")

    monkeypatch.setattr(kubernetes, query, unanswered)
    assert kubernetes.status(name) == "running"
    assert capsys.readouterr().err == "warning: kubectl: no\n"


def test_only_the_last_attempt_of_a_job_is_reported(cluster):
    """In the order of their times; the stand-in lists them in that of their names, as Kubernetes does."""
    names = [kubernetes.submit(script(cluster, "true", wildcards={"member": each})) for each in ("m1", "m1", "m2")]
    for name in names:
        until(lambda name=name: kubernetes.status(name) == "success")
    stopped = {"conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]}
    for order, (name, status) in enumerate(zip(names, (stopped, {"conditions": []}, stopped), strict=True)):
        path = cluster / f"jobs/{name}.json"
        state = json.loads(path.read_text())
        state["metadata"]["creationTimestamp"] = f"2100-01-01T00:00:0{order}Z"
        path.write_text(json.dumps(state | {"status": status}))
    (line,) = kubernetes.ended(cluster, datetime.now(), ["train_classifier"])
    assert line.startswith("train_classifier m2 ran out of time: ")


@pytest.mark.parametrize("member", ["_m1", "m_", "mé"])
def test_names_that_are_no_labels_are_submitted_and_reported(cluster, member):
    name = kubernetes.submit(script(cluster, "true", wildcards={"member": member}))
    until(lambda: kubernetes.status(name) == "success")
    path = cluster / f"jobs/{name}.json"
    stopped = {"conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"status": stopped}))
    (line,) = kubernetes.ended(cluster, datetime.now() - timedelta(minutes=1), ["train_classifier"])
    assert line.startswith(f"train_classifier {member} ran out of time: ")


@pytest.mark.parametrize(
    ("reason", "state", "line"),
    [
        ("DeadlineExceeded", {}, "ran out of time: run the same command again, with a larger activeDeadlineSeconds; "),
        ("BackoffLimitExceeded", {"terminated": {"reason": "OOMKilled"}}, "took more memory than it asked for: run the same "),
        ("BackoffLimitExceeded", {"terminated": {"reason": "Error"}}, ""),
    ],
)  # fmt: skip
def test_what_kubernetes_ended_is_one_line_with_the_remedy(reason, state, line):
    said = kubernetes.why(reason, [{"status": {"containerStatuses": [{"state": state}]}}], "train_classifier")
    assert said.startswith(line) and bool(said) == bool(line)


def test_requests_that_a_node_can_meet_pass(cluster):
    kubernetes.check([Request(FOUND, 8000, 2, 0, 6000)])


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        (
            Request(FOUND, 499, 1, 0, 1000),
            "train_classifier m2: mem_mb=499 is too little: it needs 1000 MB as planned, ",
        ),
        (
            Request(FOUND, 2000, 1, 0, 1500, nodes=2),
            "execution.nodes_per_training: 2 asked for, but a job has one pod; set it to 1",
        ),
        (Request(FOUND, 20000, 1, 0, 15000), "train_classifier m2: no node has 1 processor, 20000 MB, 0 GPUs "),
        (Request(FOUND, 2000, 4, 0, 1500), "train_classifier m2: no node has 4 processors, "),
        (Request(FOUND, 2000, 2, 1, 1500), "train_classifier m2: no node has 2 processors, 2000 MB, 1 GPU "),
    ],
)
def test_what_no_node_can_meet_is_one_line(cluster, wanted, line):
    with pytest.raises(UserError) as error:
        kubernetes.check([Request(FOUND, 2000, 1, 0, 1500), wanted])
    assert str(error.value).startswith(line)


def test_too_little_memory_is_one_line_also_where_nodes_may_not_be_listed(cluster, monkeypatch, capsys):
    asked = kubernetes.kubectl

    def restricted(*words, **others):
        if words[:2] == ("get", "nodes"):
            raise kubernetes.Refused("kubectl get: no")
        return asked(*words, **others)

    monkeypatch.setattr(kubernetes, "kubectl", restricted)
    kubernetes.check([Request(FOUND, 99000, 1, 0, 6000)])
    assert capsys.readouterr().err.startswith("warning: nodes may not be listed: ")
    with pytest.raises(UserError, match=r"^train_classifier m2: mem_mb=499 is too little: "):
        kubernetes.check([Request(FOUND, 499, 1, 0, 1000)])


def test_what_the_cluster_does_not_have_is_one_line(cluster, monkeypatch):
    template = kubernetes.TEMPLATE.read_text()
    kubernetes.TEMPLATE.write_text(template.replace("claimName: googlenet", "claimName: other"))
    with pytest.raises(UserError, match=r'^kubectl get: Error from server .* "other" not found; see workflow/profiles'):
        kubernetes.check([])
    kubernetes.TEMPLATE.write_text(template.replace("image: googlenet", "image:"))
    with pytest.raises(UserError, match=r"job.yaml: containers\[0\].image is missing; name the image"):
        kubernetes.check([])
    kubernetes.TEMPLATE.write_text("[]\n")
    with pytest.raises(UserError, match=r"job.yaml: is not a Job with a container; git checkout workflow"):
        kubernetes.check([])
    kubernetes.TEMPLATE.write_text(template)
    monkeypatch.setenv("PATH", str(cluster))
    with pytest.raises(UserError, match=r"^kubectl: not found; install it, or leave out --profile$"):
        kubernetes.check([])


@pytest.mark.parametrize(("quantity", "value"), [("2", 2), ("1930m", 1.93), ("16Gi", 16 * 2**30), ("7800M", 7.8e9)])
def test_quantities(quantity, value):
    assert kubernetes.amount(quantity) == pytest.approx(value)


def test_a_quantity_that_is_not_known_is_one_line():
    with pytest.raises(UserError, match="'16 apples' is not a quantity"):
        kubernetes.amount("16 apples")
