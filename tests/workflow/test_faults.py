"""Killed again and again on its way, the pipeline ends in the bits of the unbroken run (make faults)."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from workflow.houses import assert_nothing_to_do, build, call, digests, environment, snakemake, tracked_runs
from workflow.moments import DATA, drawn, in_order, one_in_every_stage
from workflow.test_engines import EVERY

pytestmark = [pytest.mark.long, pytest.mark.thorough]
SEED = 2014
PARAMS = "experiment: smoke\noverrides: {execution: {save_every_s: 0}}\n"


@pytest.fixture(scope="module")
def broken_house(room, house):
    """A house in which nothing has run, and in which jobs keep their state at every step."""
    found = build(room / "broken_house")
    (found / "params.yaml").write_text(PARAMS)
    return found


def words_of(moment, house):
    """What a person types to come to a moment."""
    if moment.stage == "sync":
        finished = (house / "results/smoke/make_report/report.html").exists()
        return ["python", "workflow/sync.py", "commit"] if finished else ["snakemake", "--cores", "2"]
    if moment.engine == "dvc":
        return ["dvc", "repro", "--single-item", moment.stage]
    return ["snakemake", "--cores", "2", "--", f"stage_{moment.stage}"]


def come_to(moment, house):
    """Run into a moment; returns the exit code and what was said."""
    faulty = environment(house) | ({"GOOGLENET_FAULT": moment.fault} if moment.fault else {})
    with (house / "said.log").open("w+") as said:
        process = subprocess.Popen(
            words_of(moment, house),
            cwd=house,
            env=faulty,
            stdout=said,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        if not moment.fault:
            if moment.stage == "sync":
                wait_for_commit(process, house, moment.number)
            time.sleep(moment.after_s)
            with suppress(ProcessLookupError):  # it has ended: nothing happened
                os.killpg(process.pid, signal.SIGKILL)
        code = process.wait(timeout=600)
        said.seek(0)
        return code, said.read()


def wait_for_commit(process, house, number):
    """Until so many files are in DVC's cache."""
    while process.poll() is None and len(in_cache(house)) < number:
        time.sleep(0.002)


def in_cache(house):
    """The files of DVC's cache."""
    return list((house / ".dvc/cache/files").glob("md5/*/*"))


def mend(house):
    """The one repair that is documented for an engine that was killed."""
    snakemake(house, "--unlock")


def outputs_of(house, moment):
    """The files of the job that a moment is about, to be gone before it."""
    if moment.stage in DATA:
        return house / "data" / moment.stage.removeprefix("prepare_") / "digits_tiny"
    folder = house / f"results/smoke/{moment.stage}"
    return folder / moment.job if (folder / moment.job).is_dir() else folder


def forget(house: Path, moment) -> None:
    """Take a finished job's result away, so that the job comes to the moment; of a commit, what was committed."""
    if moment.stage == "sync":
        shutil.rmtree(house / ".dvc/cache", ignore_errors=True)
        (house / "dvc.lock").unlink(missing_ok=True)
        return
    path = outputs_of(house, moment)
    for file in path.glob("[!.]*.*") if path.is_dir() else ():  # what is half written is left to the job
        file.unlink()
    if moment.fresh:
        shutil.rmtree(house / f".googlenet/resume/smoke/{moment.stage}/{moment.job}", ignore_errors=True)


def test_killed_again_and_again_it_ends_in_the_same_bits(pytestconfig, house, broken_house, measured):
    count = pytestconfig.getoption("faults")
    moments = [*drawn(count, SEED), *(one_in_every_stage() if count >= 20 else [])]
    clock, happened = time.monotonic(), 0
    for moment in in_order(moments):
        if certain := bool(moment.fault) or moment.stage == "sync":
            forget(broken_house, moment)
        code, said = come_to(moment, broken_house)
        if certain:
            assert code != 0, f"{moment}: nothing happened\n{said}"
        assert "Traceback" not in said, f"{moment}\n{said}"
        happened += code != 0
        mend(broken_house)
    snakemake(broken_house, "--cores", "2")
    call(broken_house, "python", "workflow/sync.py", "commit")
    measured(f"{happened} of {len(moments)} moments ended what ran, and the rest of the way", time.monotonic() - clock)
    assert happened >= len(moments) * 0.8
    assert digests(broken_house) == digests(house)
    assert_nothing_to_do(broken_house)
    _, _, current = tracked_runs(broken_house)
    assert current == sorted(EVERY)
    assert not list(broken_house.glob(".googlenet/resume/**/*.safetensors"))
    assert not list(broken_house.glob("results/**/.*.part"))
