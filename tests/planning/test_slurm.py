"""Requests that Slurm would refuse, never start or end are one line with the remedy; so is Slurm's silence."""

import stat

import pytest

from googlenet.errors import UserError
from googlenet.pipeline.experiment import Job
from googlenet.planning import slurm
from googlenet.planning.needs import Request
from googlenet.planning.slurm import Partition

KNOWN = {"main": Partition("main", True, 6000, False), "gpu": Partition("gpu", False, 90000, True)}


def request(partition="", mem_mb=1200, gpus=0, planned_mb=1000, nodes=1):
    return Request(Job("train_classifier", "m1"), mem_mb, 1, gpus, planned_mb, partition, nodes)


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
    "wanted", [request(), request("gpu", gpus=1), request("gpu", 80000), request(mem_mb=500), request(nodes=2)]
)
def test_what_can_be_met_passes(wanted):
    slurm.check_against([wanted], KNOWN)


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        (request("gpu", gpus=1, nodes=2), "execution.nodes_per_training: 2 asked for with compute.device cuda, which Snakemake's"),
        (request("mian"), "slurm_partition: no partition 'mian'; did you mean 'main'? (`sinfo` lists them)"),
        (request(mem_mb=7000), "train_classifier m1: asks for 7000 MB, and no node of the partition 'main' has more than 6000 MB; "),
        (request(mem_mb=499), "train_classifier m1: mem_mb=499 is too little: it needs 1000 MB as planned, and the cluster would end it; "),
        (request(gpus=1), "compute.device: cuda is asked for, and no node of the partition 'main' has GPUs; name another"),
    ],
)  # fmt: skip
def test_what_cannot_be_met_is_one_line(wanted, line):
    with pytest.raises(UserError) as error:
        slurm.check_against([request("gpu"), wanted], KNOWN)
    assert str(error.value).startswith(line)


def test_partitions_have_the_memory_of_their_largest_node(program):
    program("sinfo", "printf 'main*|6000|(null)\\nmain*|12000+|(null)\\ngpu|90000|gpu:h200:8(S:0-1)\\n'")
    assert slurm.partitions() == {
        "main": Partition("main", True, 12000, False),
        "gpu": Partition("gpu", False, 90000, True),
    }


def test_no_slurm_and_no_answer_are_one_line(program):
    with pytest.raises(UserError, match=r"^sinfo: not found; start from a machine that submits to Slurm"):
        slurm.partitions()
    program("sinfo", "echo 'slurm_load_partitions: Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(UserError, match=r"^slurm_load_partitions: Unable to contact slurm controller; try again"):
        slurm.partitions()
