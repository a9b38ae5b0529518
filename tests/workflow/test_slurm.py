"""On a real Slurm with two pretended nodes: jobs that fail, are cancelled, run out of time or give way to others."""

import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from workflow import slurm_cluster
from workflow.clones import (
    EVERY,
    assert_nothing_to_do,
    build,
    copied,
    digests,
    environment,
    executed,
    install_plugin,
    jobs,
    snakemake,
)
from workflow.slurm_cluster import slurm, variables, wait_for

pytestmark = [pytest.mark.engine, pytest.mark.long]
PROFILE = ("--profile", "workflow/profiles/slurm")
# sacct answers nothing here, since nothing keeps accounts; it would be asked for ever.
QUICK = ("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2")
QUICK += ("--seconds-between-status-checks", "2")
# With member m1, which is the reference of seed 1: five trainings.
PARAMS = """\
experiment: smoke
overrides:
  execution: {save_every_s: 0}
  ablations:
    seeds: [1, 2]
    rows:
      - {name: long, changes: {train_classifier: {epochs: 60}}, about: Long enough to be stopped}
      - {name: short, changes: {model: {dropout: 0.1}}, about: As short as the reference}
"""
SHARED = """\
experiment: smoke
overrides:
  train_classifier: {micro_batches: 2}
  execution: {processes_per_training: NODES, nodes_per_training: NODES}
"""
TRAININGS = "long_1 long_2 reference_2 short_1 short_2"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, pytestconfig):
    """The slurm.conf of a running Slurm; skipped, with one line, where it cannot be started."""
    if not pytestconfig.getoption("slurm"):
        pytest.skip("skipped: `make slurm-test` runs it")
    if reason := slurm_cluster.unavailable():
        pytest.skip(reason)
    with slurm_cluster.running(tmp_path_factory.mktemp("slurm") / "lab") as conf:
        install_plugin("slurm", conf.parent / "plugin")
        yield conf


def start(clone, conf, *words, **others):
    """Start Snakemake with Slurm's profile; its output goes to a file beside the clone."""
    with (clone.parent / "output.log").open("w") as output:
        return subprocess.Popen(
            ["snakemake", *PROFILE, *QUICK, "--latency-wait", "10", "--retries", "0", *words],
            cwd=clone,
            env=variables(conf, environment(clone)) | others,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )


def ran(clone, process, code=0):
    """Wait for Snakemake and return its output."""
    ended = process.wait(timeout=600)
    output = (clone.parent / "output.log").read_text()
    assert ended == code, output
    return output


class Training:
    """A training of the table of ablations, as Slurm sees it."""

    def __init__(self, clone, conf, name):
        self.clone, self.conf, self.name = clone, conf, name
        self.log = clone / f"results/smoke/logs/train_ablation/{name}.log"

    def shown(self, form):
        """What `squeue` says of it, if it runs."""
        comment = f"rule_train_ablation_wildcards_{self.name}"
        lines = slurm(self.conf, "squeue", "-h", "--states=running", f"--format=%k|{form}").splitlines()
        return next((line.split("|")[1] for line in lines if line.startswith(f"{comment}|")), "")

    def until_running(self):
        """Its number, once it runs."""
        self._wait(lambda: self.shown("%i"))
        return self.shown("%i")

    def until_training(self):
        """Its number, once it has trained some epochs."""
        self._wait(lambda: self.log.is_file() and self.log.read_text().count("loss") > 3)
        return self.until_running()

    def process(self):
        """The number of its process."""
        mark = f"config/train_ablation/{self.name}.json".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has ended
                words = (folder / "cmdline").read_bytes().split(b"\0")
                of_job = b"googlenet.stages.train_ablation" in words and any(word.endswith(mark) for word in words)
                if of_job and Path(os.readlink(folder / "cwd")) == self.clone:
                    return int(folder.name)
        raise AssertionError(f"{self.name} has no process")

    def _wait(self, ready):
        wait_for(ready, self.name, self.conf.parent, 400)


def test_whatever_ends_a_job_a_second_start_ends_in_the_same_bits(cluster, clone, tmp_path):
    (clone / "params.yaml").write_text(PARAMS)
    undisturbed = copied(clone, tmp_path / "undisturbed")
    refused(undisturbed, cluster)
    first = start(clone, cluster, "--", "ablations", GOOGLENET_FAULT="batch 2 job train_ablation/short_1")
    try:
        with ThreadPoolExecutor(4) as pool:
            events = [
                pool.submit(cancel, Training(clone, cluster, "short_2")),
                pool.submit(let_time_run_out, Training(clone, cluster, "long_1")),
                pool.submit(preempt, Training(clone, cluster, "long_2")),
                pool.submit(snakemake, undisturbed, "--cores", "1", "all", "ablations"),
            ]
        for event in events:
            event.result()
        output = ran(clone, first, code=1)
    finally:
        first.kill()  # without Slurm it would ask for ever
    assert "error: train_ablation short_2 was cancelled: run the same command again" in output, output
    assert "error: train_ablation long_1 ran out of time: run the same command again" in output, output
    assert "train_ablation short_1" not in output  # its own log has the reason
    assert "resuming from" in Training(clone, cluster, "long_2").log.read_text()  # put back into the queue by Slurm
    output = snakemake(clone, "--cores", "2", "all", "ablations")  # on one machine, what Slurm began
    assert executed(output) == jobs(train_ablation="long_1 short_1 short_2", compare_ablations="all")
    assert "resuming from" in Training(clone, cluster, "long_1").log.read_text()
    assert_nothing_to_do(clone, undisturbed, targets=("all", "ablations"))
    assert digests(clone) == digests(undisturbed)


def refused(clone, conf):
    """Requests that Slurm would not meet are reported before the first job, in one line."""
    for words, line in (
        (("--default-resources", "slurm_partition=mian"), "error: slurm_partition: no partition 'mian'; did you mean 'main'?"),
        (("--set-resources", "train_ablation:mem_mb=100"), "mem_mb=100 is too little: it needs "),
        (("--set-resources", "train_ablation:mem_mb=99000"), "no node of the partition 'main' has more than 6000 MB"),
    ):  # fmt: skip
        output = ran(clone, start(clone, conf, *words, "--", "ablations"), code=1)
        assert line in output and "Traceback" not in output, output


def cancel(training):
    slurm(training.conf, "scancel", training.until_running())


def let_time_run_out(training):
    """Let it stand still, so that a minute is over before it is through. Meanwhile nobody else can run here."""
    number = training.until_training()
    os.kill(training.process(), signal.SIGSTOP)
    slurm(training.conf, "scontrol", "update", f"jobid={number}", "timelimit=1")
    assert "Directory cannot be locked" in snakemake(training.clone, "--cores", "1", "ablations", code=1)


def preempt(training):
    """Let a job of a more urgent partition take its node; Slurm would then wait two minutes before it starts it again."""
    number = training.until_training()
    words = ["--partition=urgent", f"--nodelist={training.shown('%N')}", "--exclusive", "--wrap=sleep 1"]
    slurm(training.conf, "sbatch", "--output=/dev/null", *words)
    queued = ("squeue", "-h", f"--jobs={number}", "--states=pending", "--format=%i")
    training._wait(lambda: slurm(training.conf, *queued).strip() == number)
    slurm(training.conf, "scontrol", "update", f"jobid={number}", "starttime=now")


def test_the_whole_experiment_ends_in_the_bits_of_one_machine(whole, cluster, snakemake_build, tmp_path, measured):
    """Every job occupies some ten seconds of Slurm."""
    made = build(tmp_path / "made")
    clock = time.monotonic()
    output = ran(made, start(made, cluster))
    measured("smoke from nothing, on Slurm", time.monotonic() - clock)
    assert executed(output) == EVERY
    assert_nothing_to_do(made)
    assert digests(made) == digests(snakemake_build.folder)


def test_one_training_on_two_nodes_has_the_bits_of_one(whole, cluster, clone, tmp_path):
    alone = copied(clone, tmp_path / "alone")
    for folder, nodes in ((clone, "2"), (alone, "1")):
        (folder / "params.yaml").write_text(SHARED.replace("NODES", nodes))
    target, run = "results/smoke/train_classifier/m1/weights.safetensors", "results/smoke/runs/train_classifier/m1.json"
    former = (clone / target).read_bytes()
    ran(clone, start(clone, cluster, "--", target))
    assert json.loads((clone / run).read_text())["processes"] == 2
    snakemake(alone, "--cores", "1", target)
    assert former != (clone / target).read_bytes() == (alone / target).read_bytes()
