"""Requests that Slurm would refuse, never start or end are one line with the remedy; so is Slurm's silence."""

import stat
from datetime import datetime
from math import inf
from pathlib import Path

import pytest

from googlenet.errors import UserError
from googlenet.pipeline.experiment import Job
from googlenet.planning import slurm
from googlenet.planning.needs import Request
from googlenet.planning.slurm import Partition

KNOWN = {"main": Partition("main", True, 6000, 0, inf), "gpu": Partition("gpu", False, 90000, 2, 2880)}


def request(partition="", mem_mb=1200, gpus=0, planned_mb=1000, **others):
    return Request(Job("train_classifier", "m1"), mem_mb, 1, gpus, planned_mb, partition, **others)


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Call it with a name and a script: the only program that is found."""

    def write(name, script):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    monkeypatch.setenv("PATH", str(tmp_path))
    return write


@pytest.mark.parametrize(
    "wanted",
    [
        request(),
        request("gpu", gpus=2),
        request("gpu", 80000),
        request(mem_mb=500),
        request(nodes=2),
        request("main,gpu", 80000, gpus=1),
        request("gpu,main", runtime=5342),
        request(runtime=5342),
    ],
)
def test_what_can_be_met_passes(wanted):
    slurm.check_against([wanted], KNOWN)


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        (request("gpu", gpus=1, nodes=2), "execution.nodes_per_training: 2 asked for with GPUs, which Snakemake's"),
        (request("mian"), "slurm_partition: no partition 'mian'; did you mean 'main'? (`sinfo --all` lists them)"),
        (request("gpu,mian"), "slurm_partition: no partition 'mian'; did you mean 'main'? (`sinfo --all` lists them)"),
        (request(mem_mb=7000), "train_classifier m1: asks for 7000 MB, and no node of the partition 'main' has more than 6000 MB; "),
        (request(mem_mb=499), "train_classifier m1: mem_mb=499 is too little: it needs 1000 MB as planned, and the cluster would end it; "),
        (request(gpus=1), "compute.device: cuda asks for 1 GPU for train_classifier m1, and no node of the partition 'main' has more than 0; name another"),
        (request("main,gpu", gpus=4), "compute.device: cuda asks for 4 GPUs for train_classifier m1, and no node of the partitions 'main,gpu' has more than 2; "),
        (request("main,gpu", 99000), "train_classifier m1: asks for 99000 MB, and no node of the partitions 'main,gpu' has more than 90000 MB; "),
        (request("gpu", runtime=5342), "train_classifier m1: asks for 5342 minutes, and the partition 'gpu' allows 2880; pass --set-resources train_classifier:runtime=2880 (a job"),
        (request("main,gpu", gpus=1, runtime=5342), "train_classifier m1: asks for 5342 minutes, and the partition 'gpu' allows 2880; "),
    ],
)  # fmt: skip
def test_what_cannot_be_met_is_one_line(wanted, line):
    with pytest.raises(UserError) as error:
        slurm.check_against([request("gpu"), wanted], KNOWN)
    assert str(error.value).startswith(line)


def test_partitions_have_the_memory_of_their_largest_node(program):
    shown = r"main*|6000|(null)|infinite\nmain*|12000+|(null)|infinite\ngpu|90000|gpu:h200:8(S:0-1)|2-00:00:00\n"
    hidden = r"spare|90000|gpu:1|30:00\n"
    program("sinfo", f"printf '{shown}'; [ $1 != --all ] || printf '{hidden}'")
    assert slurm.partitions() == {
        "main": Partition("main", True, 12000, 0, inf),
        "gpu": Partition("gpu", False, 90000, 8, 2880),
        "spare": Partition("spare", False, 90000, 1, 30),
    }


@pytest.mark.parametrize(
    ("resources", "gpus"),
    [("(null)", 0), ("gpu", 1), ("gpu:4", 4), ("gpu:a100:2(S:0,1),gpu:h200:4(S:0-1),shard:16", 6), ("shard:gpu:8", 0)],
)
def test_gpus_of_a_node(resources, gpus):
    assert slurm.gpus_of(resources) == gpus


@pytest.mark.parametrize(
    ("limit", "minutes"), [("1-12:30:00", 2190), ("12:00:00", 720), ("30:00", 30), ("infinite", inf), ("n/a", inf)]
)
def test_minutes_of_a_partition(limit, minutes):
    assert slurm.minutes_of(limit) == minutes


def test_only_jobs_of_this_folder_and_this_run_are_reported(program):
    jobs = [
        ("TIMEOUT", 2, "m1", "/here"),
        ("TIMEOUT", 2, "m2", "/there"),
        ("TIMEOUT", 1, "m3", "/here"),
        ("COMPLETED", 2, "m4", "/here"),
    ]
    rows = [
        f"{state}|2026-01-0{day}T00:00:00|rule_train_classifier_wildcards_{job}|{folder}"
        for state, day, job, folder in jobs
    ]
    program("squeue", f"printf '%s\\n' {' '.join(repr(row) for row in rows)}")
    (line,) = slurm.ended(Path("/here"), datetime(2026, 1, 2), ["train_classifier"])
    assert line.startswith("train_classifier m1 ran out of time")


def test_no_slurm_and_no_answer_are_one_line(program):
    with pytest.raises(UserError, match=r"^sinfo: not found; start from a machine that submits to Slurm"):
        slurm.partitions()
    program("sinfo", "echo 'slurm_load_partitions: Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(UserError, match=r"^slurm_load_partitions: Unable to contact slurm controller; try again"):
        slurm.partitions()
