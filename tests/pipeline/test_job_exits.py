"""How a job ends: with a code and at most one line, whatever was raised."""

import errno
import io
import os
import re
import sys
from pathlib import Path

import pytest

from googlenet.errors import PeerLost, Stopped
from googlenet.pipeline import job
from googlenet.pipeline.job import Job, Output
from pipeline.adding_up import CONFIG_PATH, AddUp, arguments, stage


class Left(Exception):
    """os._exit was called: Python's own exit, which may abort a process of gloo's, was not."""


def leave(code):
    raise Left(code)


def test_main_gives_an_error_in_one_line(job_root, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["stage", *arguments(config="results/demo/config/absent.json")])
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(Left, match=r"^1$"):
        job.main(stage)
    output = capsys.readouterr()
    assert output.err == "error: results/demo/config/absent.json: not found; run the stage that writes it\n"
    assert output.out == ""


@pytest.mark.parametrize(("encoding", "printed"), [("utf-8", "猫"), ("latin-1", r"\u732b"), ("ascii", r"\u732b")])
def test_no_message_ends_a_job(unrecorded, monkeypatch, encoding, printed):
    def talk(job: Job[AddUp], *, metrics: Output):
        job.say("left out: 猫/\udcff.jpg")

    stdout = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(stdout, encoding))
    monkeypatch.setattr(sys, "argv", ["stage", "--config", CONFIG_PATH, "--threads", "1", "--metrics", "m"])
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(Left, match=r"^0$"):
        job.main(talk)
    assert Path("results/demo/runs/train_classifier/m1.json").is_file()
    assert stdout.getvalue().decode(encoding).endswith(f"\nleft out: {printed}/\\udcff.jpg\n")


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (Stopped("asked to stop"), 75),
        (PeerLost("no answer"), 76),
        (OSError(errno.ENOSPC, "full"), 1),
        (SystemExit(0), 0),
    ],
)
def test_main_never_leaves_through_pythons_own_exit(job_root, monkeypatch, raised, code):
    def stage(job: Job[AddUp], *, metrics: Output):
        raise raised

    monkeypatch.setattr(job, "perform", lambda run, arguments: run(None, metrics=None))
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(Left, match=f"^{code}$"):
        job.main(stage)


@pytest.mark.parametrize(
    "raised", [FileNotFoundError(2, "No such file or directory", "a"), PermissionError(13, "x", "a")]
)
def test_what_the_system_refuses_is_one_line(job_root, monkeypatch, capsys, raised):
    def refused(run, arguments):
        raise raised

    monkeypatch.setattr(job, "perform", refused)
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(Left, match=r"^1$"):
        job.main(stage)
    assert re.fullmatch(
        r"error: a: .*; correct the path or its permissions, or free some space\n", capsys.readouterr().err
    )


def test_without_git_a_job_has_no_commit(job_root, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert job.commit(job_root) == ""


def test_a_missing_edge_gives_the_stages_usage(job_root, capsys):
    with pytest.raises(SystemExit) as ended:
        job.perform(stage, ["--config", CONFIG_PATH, "--threads", "1"])
    assert ended.value.code == 2 and "--manifest" in capsys.readouterr().err
