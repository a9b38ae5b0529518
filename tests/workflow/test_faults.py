"""Killed again and again on its way, the pipeline ends in the bits of the unbroken run (make faults)."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from workflow.clones import EVERY, assert_nothing_to_do, build, call, digests, environment, snakemake, tracked_runs
from workflow.moments import DATA, drawn, in_order, one_in_every_stage

pytestmark = [pytest.mark.engine, pytest.mark.long]
SEED = 2014
PARAMS = "experiment: smoke\noverrides: {execution: {save_every_s: 0}}\n"


@pytest.fixture
def killed_clone(tmp_path):
    """A clone in which nothing has run, and in which jobs keep their state at every step."""
    clone = build(tmp_path / "killed_clone")
    (clone / "params.yaml").write_text(PARAMS)
    return clone


def words_of(moment, clone):
    """What a person types to come to a moment."""
    if moment.stage == "sync":
        finished = (clone / "results/smoke/make_report/report.html").exists()
        return ["python", "workflow/sync.py", "commit"] if finished else ["snakemake", "--cores", "2"]
    if moment.engine == "dvc":
        return ["dvc", "repro", "--single-item", moment.stage]
    return ["snakemake", "--cores", "2", "--", f"stage_{moment.stage}"]


def come_to(moment, clone):
    """Run into a moment; returns the exit code and the output."""
    faulty = environment(clone) | ({"GOOGLENET_FAULT": moment.fault} if moment.fault else {})
    with (clone / "output.log").open("w+") as output:
        process = subprocess.Popen(
            words_of(moment, clone),
            cwd=clone,
            env=faulty,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        if not moment.fault:
            if moment.stage == "sync":
                wait_for_commit(process, clone, moment.number)
            time.sleep(moment.after_s)
            with suppress(ProcessLookupError):  # it has ended: nothing happened
                os.killpg(process.pid, signal.SIGKILL)
        code = process.wait(timeout=600)
        output.seek(0)
        return code, output.read()


def wait_for_commit(process, clone, number):
    """Until so many files are in DVC's cache."""
    while process.poll() is None and len(in_cache(clone)) < number:
        time.sleep(0.002)


def in_cache(clone):
    """The files of DVC's cache."""
    return list((clone / ".dvc/cache/files").glob("md5/*/*"))


def mend(clone):
    """The one repair that is documented for an engine that was killed."""
    snakemake(clone, "--unlock")


def outputs_of(clone, moment):
    """The files of the job that a moment is about, to be gone before it."""
    if moment.stage in DATA:
        return clone / "data" / moment.stage.removeprefix("prepare_") / "digits_tiny"
    folder = clone / f"results/smoke/{moment.stage}"
    return folder / moment.job if (folder / moment.job).is_dir() else folder


def forget(clone: Path, moment) -> None:
    """Take a finished job's result away, so that the job comes to the moment; of a commit, what was committed."""
    if moment.stage == "sync":
        shutil.rmtree(clone / ".dvc/cache", ignore_errors=True)
        (clone / "dvc.lock").unlink(missing_ok=True)
        return
    path = outputs_of(clone, moment)
    for file in path.glob("[!.]*.*") if path.is_dir() else ():  # what is half written is left to the job
        file.unlink()
    if moment.fresh:
        shutil.rmtree(clone / f".googlenet/resume/smoke/{moment.stage}/{moment.job}", ignore_errors=True)


def test_killed_again_and_again_it_ends_in_the_same_bits(pytestconfig, snakemake_build, killed_clone, measured):
    count = pytestconfig.getoption("faults")
    moments = [*drawn(count, SEED), *(one_in_every_stage() if count >= 20 else [])]
    clock, happened = time.monotonic(), 0
    for moment in in_order(moments):
        if certain := bool(moment.fault) or moment.stage == "sync":
            forget(killed_clone, moment)
        code, output = come_to(moment, killed_clone)
        if certain:
            assert code != 0, f"{moment}: nothing happened\n{output}"
        assert "Traceback" not in output, f"{moment}\n{output}"
        happened += code != 0
        mend(killed_clone)
    snakemake(killed_clone, "--cores", "2")
    call(killed_clone, "python", "workflow/sync.py", "commit")
    measured(f"{happened} of {len(moments)} moments ended what ran, and the rest of the way", time.monotonic() - clock)
    assert happened >= len(moments) * 0.8
    assert digests(killed_clone) == digests(snakemake_build.folder)
    assert_nothing_to_do(killed_clone)
    _, _, current = tracked_runs(killed_clone)
    assert current == sorted(EVERY)
    assert not list(killed_clone.glob(".googlenet/resume/**/*.safetensors"))
    assert not list(killed_clone.glob("results/**/.*.part"))
