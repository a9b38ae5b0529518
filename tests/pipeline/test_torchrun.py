"""One training on two processes that torchrun's launcher starts: the losses of one process, and the same bits however it
is interrupted and whatever number resumes it."""

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

from googlenet.classification.train import Splits, train_member
from googlenet.config.schema.shared import Execution
from googlenet.data.decoded import labelled
from googlenet.errors import Stopped, UserError
from googlenet.metrics.data import read_manifest
from googlenet.models.runtime import Runtime
from googlenet.pipeline import resume, torchrun
from googlenet.pipeline.job import perform
from googlenet.pipeline.job_file import JobFile, write_execution
from googlenet.pipeline.resume import Resume
from googlenet.pipeline.team import Team
from googlenet.stages import train_classifier
from googlenet.storage.checkpoint import load
from googlenet.storage.files import read_json, write_bytes
from googlenet.tracking.processes import process
from settings import ROOT, changed, composed, settings_of
from tiny_dataset import prepared
from waiting import until

CONFIG = Path("results/smoke/config/train_classifier/m1.json")
STEPS, SEEN = 52, 50  # of the only epoch, and those whose losses are compared
SETTINGS = settings_of(
    "train_classifier",
    "m1",
    epochs=1,
    batch_size=7,
    micro_batches=2,  # of 3 and 4 images
    compute={"device": "cpu", "precision": "fp32"},
)


def project(folder, settings=SETTINGS):
    """A folder with data and a job's file, as Snakemake leaves them before the job."""
    prepared(folder / "data/classification/tiny", {"train": 7 * STEPS, "validation": 4, "test": 4})
    write_bytes(folder / CONFIG, JobFile("train_classifier", "m1", "smoke", "c0de" * 16, settings).to_bytes())
    return folder


def words_for(folder, processes, threads, every_s=60):
    """Write how many processes share out the job; returns its command line."""
    execution = changed(composed().of(Execution), processes_per_training=processes, save_every_s=every_s)
    write_execution(folder, "smoke", execution)
    edges = {"manifest": "data/classification/tiny/manifest.json"}
    edges |= {name: f"out/{name}.safetensors" for name in ("weights", "outcomes")} | {"metrics": "out/metrics.json"}
    words = [word for name, path in edges.items() for word in (f"--{name}", path)]
    return ["--config", str(CONFIG), "--threads", str(threads), *words]


def run(folder, processes, fault=""):
    """Run the job in its folder; returns its exit code, its standard output and error. Before a kill every step is saved."""
    words = words_for(folder, processes, processes, 0 if " job " in fault else 60)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GOOGLENET_")}
    environment |= {"PYTHONPATH": str(ROOT / "src")} | ({"GOOGLENET_FAULT": fault} if fault else {})
    command = [sys.executable, "-m", "googlenet.stages.train_classifier", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def results(folder):
    """The bytes of all that the job wrote, which carry the same stamp for any number of processes."""
    return {path.name: path.read_bytes() for path in (folder / "out").iterdir() if not path.name.startswith(".")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of an uninterrupted training on two processes."""
    folder = project(tmp_path_factory.mktemp("whole"))
    assert run(folder, 2)[::2] == (0, "")
    return folder


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The folder of one whose second process was killed when the state after 50 steps was saved."""
    folder = project(tmp_path_factory.mktemp("killed"))
    code, _, errors = run(folder, 2, fault=f"batch {SEEN + 1} job train_classifier/m1/1")
    assert (code, errors) == (
        1,
        "error: process 2 of 2 of this training was killed (SIGKILL); the same command resumes the training from the last"
        " state that it saved\n",
    )
    return folder


def seen_losses(folder):
    """The losses of the steps so far, which an interrupted training has saved."""
    (state,) = (folder / ".googlenet/resume/smoke/train_classifier/m1").glob("*/state.safetensors")
    return load(state)[0]["seen losses"].tolist()


class Watched(Resume):
    """Keeps the losses of every step so far."""

    def step(self, state):
        self.losses = state()[0].get("seen losses", torch.zeros(0)).tolist() or self.losses


def test_processes_watch_their_launcher_and_belong_to_the_engine(monkeypatch):
    """By the engine, its mirror knows whose events it waits for."""
    watched, engine = [], f"{os.getppid()}@{platform.node()}"
    monkeypatch.setenv("GOOGLENET_ENGINE", engine)
    monkeypatch.setenv("GOOGLENET_LAUNCHER", "")
    monkeypatch.delenv("GOOGLENET_LAUNCHER")
    monkeypatch.setattr(resume, "_watch", watched.append)
    torchrun.watch_engine()
    resume.watch_engine()  # as each of them does
    until(lambda: len(watched) == 2)
    assert watched == [os.getppid(), os.getpid()] and process()["engine"] == engine


def test_two_processes_have_the_losses_of_one(killed):
    manifest = killed / "data/classification/tiny/manifest.json"
    splits, classes, watched = Splits(**labelled(manifest.parent, 100)), read_manifest(manifest).classes, Watched()
    train_member(changed(SETTINGS, micro_batches=1), classes, splits, Runtime(), lambda *a, **k: None, watched)
    two, one = seen_losses(killed), watched.losses[:SEEN]
    assert len(two) == len(one) == SEEN and two != one  # the sums are in another order
    assert two == pytest.approx(one, abs=1e-5, rel=0)


def test_a_process_of_another_number_than_asked_for_stops(monkeypatch):
    execution = changed(composed().of(Execution), processes_per_training=2)
    assert Team.of(SETTINGS, execution) == Team(2, 1, rank=-1)  # starts them
    for name, value in {"TORCHELASTIC_RUN_ID": "r", "WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert Team.of(SETTINGS, execution) == Team(2, 1, 1, 1)
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(UserError, match=r"execution\.processes_per_training: 2 asked for, 4 started; give torchrun"):
        Team.of(SETTINGS, execution)
    with pytest.raises(UserError, match=r"1 asked for, 4 started"):
        Team.of(changed(SETTINGS, micro_batches=1), execution)
    execution = changed(execution, processes_per_training=4)
    with pytest.raises(UserError, match="4 processes cannot share out 2 micro-batches"):
        Team.of(SETTINGS, execution)


@pytest.mark.parametrize(
    ("codes", "line"),
    [
        ({0: 76, 1: -9}, "process 2 of 4 of this training was killed (SIGKILL); the same command resumes"),
        ({0: -15, 1: -15, 3: -11}, "process 4 of 4 of this training was killed (SIGSEGV)"),
        ({0: 75, 1: -15}, "asked to stop; the progress is saved"),
        ({2: 76}, "process 3 of 4 of this training lost the others; see what ended them on their nodes"),
        ({1: 3, 0: 76}, "process 2 of 4 of this training failed with code 3; its own lines are above"),
    ],
)
def test_the_cause_is_reported_and_not_what_follows_from_it(codes, line):
    error = torchrun.cause_of({rank: ProcessFailure(rank, 1, code, "none") for rank, code in codes.items()}, 4)
    assert str(error).startswith(line) and isinstance(error, Stopped) == (75 in codes.values())


def test_the_record_says_how_many_trained(whole):
    assert read_json(whole / "results/smoke/runs/train_classifier/m1.json")["processes"] == 2


@pytest.fixture
def here(killed, tmp_path, monkeypatch):
    """A copy of the interrupted training's folder, in which this process may run the job."""
    threads = torch.get_num_threads(), cv2.getNumThreads()
    monkeypatch.chdir(shutil.copytree(killed, tmp_path / "copy"))
    yield Path.cwd()
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads[0])
    cv2.setNumThreads(threads[1])


def test_one_process_ends_a_training_of_two_in_the_same_bits(whole, here, capsys):
    perform(train_classifier.run, words_for(here, 1, 1))
    assert "resuming from " in capsys.readouterr().out and results(here) == results(whole)


@pytest.mark.long
def test_two_that_are_asked_to_stop_do_so_together_and_end_in_the_same_bits(whole, here):
    code, output, errors = run(here, 2, fault="batch 1 term train_classifier/m1/1")
    assert "resuming from " in output and len(seen_losses(here)) == SEEN + 1
    assert (code, errors) == (75, f"stopped: {resume.saved_and_stopped()}\n")
    code, output, errors = run(here, 2)
    assert (code, errors) == (0, "") and "resuming from " in output
    assert results(here) == results(whole)


def test_a_job_that_gets_too_few_threads_for_its_processes_stops(here):
    line = "compute.numeric_threads: 1 asked for, for each of 2 processes, 1 given; raise --cores, or lower the key"
    with pytest.raises(UserError, match=re.escape(line)):
        perform(train_classifier.run, words_for(here, 2, 1))
