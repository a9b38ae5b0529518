"""What is cut off goes on to the same bits: trainings, lists of items; and how a job is asked to stop."""

import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from classification import tiny_training as classifiers
from classification.tiny import RUNTIME, network
from detection import tiny_multibox as multiboxes
from detection import tiny_training as detectors
from googlenet.classification import train as of_classifiers
from googlenet.classification.train import train as train_classifier
from googlenet.detection.multibox_train import train as train_multibox
from googlenet.detection.train import detector_from
from googlenet.detection.train import train as train_detector
from googlenet.errors import Stopped, UserError
from googlenet.models.export import translated
from googlenet.pipeline import resume
from googlenet.pipeline.resume import Resume
from settings import changed
from tables import quick


class CutOff(Resume):
    """Keeps every step, and is cut off after so many."""

    def __init__(self, folder, after):
        super().__init__(folder, every_s=0.0)
        self.after = after

    def step(self, state):
        super().step(state)
        self.after -= 1
        if not self.after:
            raise KeyboardInterrupt

    def items(self, total, compute, name="piece"):
        for item in super().items(total, compute, name):
            self.after -= 1
            if not self.after:
                raise KeyboardInterrupt
            yield item


def classifier(kept):
    trained, settings = network(), changed(classifiers.SETTINGS, epochs=3)
    measured, _ = train_classifier(trained, classifiers.SPLITS, settings, RUNTIME, lambda row: None, kept)
    return trained.model, measured


def detector(kept, mined=False):
    trained = detector_from(network(), ["cat", "dog"], 1)
    hard = {"enabled": mined, "share": 0.5, "scored": 8, "hardest": 4}
    settings = changed(detectors.SETTINGS, hard_negatives=hard, epochs=3, batches_per_epoch=2)
    images, regions = detectors.IMAGES, detectors.REGIONS
    measured = train_detector(trained, images, regions, settings, RUNTIME, lambda row: None, kept)
    return trained.model, measured


def mined_detector(kept):
    return detector(kept, mined=True)


TRAININGS = [classifier, detector, mined_detector]


def same(one, other):
    weights = [model.state_dict() for model, _ in (one, other)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert repr(one[1]) == repr(other[1])


@pytest.mark.parametrize("training", TRAININGS, ids=lambda training: training.__name__)
@pytest.mark.parametrize("steps", quick([3, 1, 2, 5], 1))
def test_a_training_that_is_cut_off_ends_in_the_same_bits(tmp_path, training, steps):
    whole = training(resume.NOWHERE)
    with pytest.raises(KeyboardInterrupt):
        training(CutOff(tmp_path, steps))
    torch.rand(7)  # what else draws random numbers in between does not matter
    with pytest.raises(KeyboardInterrupt):
        training(CutOff(tmp_path, 1))  # once more, right after it went on
    same(training(Resume(tmp_path)), whole)
    same(training(Resume(tmp_path)), whole)  # killed after its last step: its end is done again


def test_multibox_that_is_cut_off_ends_in_the_same_bits(tmp_path):
    def training(kept):
        shown, objects = multiboxes.scenes(8, 0)
        model = multiboxes.begun("grid", "3b", objects, 3)
        settings = changed(multiboxes.SETTINGS, epochs=2, batches_per_epoch=3)
        return model, train_multibox(model, shown, objects, settings, RUNTIME, lambda row: None, kept)

    whole = training(resume.NOWHERE)
    with pytest.raises(KeyboardInterrupt):
        training(CutOff(tmp_path, 4))
    same(training(Resume(tmp_path)), whole)


def numbers(start):
    for i in range(start, 7):
        yield {"a": np.full((i % 3, 2), i, np.float32), "b": np.array(i)}


def test_items_go_on_after_the_last_that_was_kept(tmp_path):
    calls = []

    def compute(start):
        calls.append(start)
        return numbers(start)

    with pytest.raises(KeyboardInterrupt):
        list(CutOff(tmp_path, 4).items(7, compute))
    found = list(Resume(tmp_path, 0.0).items(7, compute))
    assert calls == [0, 3]
    for one, other in zip(found, numbers(0), strict=True):
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[k], other[k]) and one[k].dtype == other[k].dtype for k in one)
    again = list(Resume(tmp_path, 0.0).items(7, compute))
    assert len(again) == 7 and calls == [0, 3]  # all were kept
    Resume(tmp_path).clear()
    assert not tmp_path.exists()


def test_two_lists_of_one_job_are_apart(tmp_path):
    list(Resume(tmp_path, 0.0).items(3, numbers_of(3), "first"))
    assert [int(item["b"]) for item in Resume(tmp_path, 0.0).items(2, numbers_of(2), "second")] == [0, 1]


def test_what_another_engine_computed_is_not_taken(tmp_path):
    first, other, again = (Resume(tmp_path, 0.0) for _ in range(3))
    first.only_by("eager")
    list(first.items(3, numbers_of(3)))
    other.only_by("openvino")
    assert not other.resumed and [int(item["b"]) for item in other.items(3, numbers_of(3))] == [0, 1, 2]
    again.only_by("eager")
    list(again.items(3, numbers_of(3)))
    assert again.resumed and not other.resumed


def numbers_of(total):
    return lambda start: ({"b": np.array(i)} for i in range(start, total))


def place(root, key):
    return resume.opened(root, Path("demo", "train_classifier", "m1"), key, 0.0)


def cut_off(root, key):
    """A job that keeps a step, and is then cut off."""
    with pytest.raises(KeyboardInterrupt), place(root, key) as kept:
        kept.step(lambda: ({"w": torch.ones(2)}, {"rows": [0.1]}))
        raise KeyboardInterrupt
    return kept


def test_what_another_configuration_left_is_not_taken(tmp_path):
    first = cut_off(tmp_path, "one")
    with pytest.raises(KeyboardInterrupt), place(tmp_path, "one") as again:
        tensors, rest = again.load()
        assert torch.equal(tensors["w"], torch.ones(2)) and rest == {"rows": [0.1]}
        raise KeyboardInterrupt
    with place(tmp_path, "two") as other:
        assert other.load() is None and not first.folder.exists()


def test_what_was_kept_goes_when_the_job_ends_well(tmp_path):
    first = cut_off(tmp_path, "one")
    assert first.folder.exists()
    with place(tmp_path, "one") as again:
        assert again.load() is not None
    assert not first.folder.exists()


def test_one_process_at_a_time_runs_a_job(tmp_path, monkeypatch):
    monkeypatch.setattr(resume, "LOCK_TIMEOUT_S", 0.1)
    with (
        place(tmp_path, "one"),
        pytest.raises(UserError, match="another process runs this job; end it"),
        place(tmp_path, "one"),
    ):
        pass


LISTENER = """
import sys, time
from pathlib import Path
import numpy as np
from googlenet.pipeline import resume
from googlenet.errors import Stopped
kept = resume.Resume(Path(sys.argv[1]), 1000.0)
def slow(start):
    for i in range(start, 1000):
        time.sleep(0.01)
        yield {"n": np.array(i)}
try:
  with resume.listening(kept):
    for item in kept.items(1000, slow) if len(sys.argv) < 3 else iter(lambda: time.sleep(0.1), 1):
        print("item", flush=True)
except Stopped as error:
    print(error, flush=True)
    sys.exit(75)
"""


def listener(folder, *more, **env):
    words = [sys.executable, "-c", LISTENER, str(folder), *more]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=os.environ | env)


def test_a_job_that_is_asked_to_stop_keeps_its_progress(tmp_path):
    job = listener(tmp_path)
    assert [job.stdout.readline() for _ in range(3)] == ["item\n"] * 3
    job.send_signal(signal.SIGTERM)
    output, _ = job.communicate(timeout=30)
    assert job.returncode == 75 and "the progress is saved, and the same command resumes the job" in output
    kept = resume.unpacked(resume.checkpoint.load_arrays(tmp_path / "piece-000000000.safetensors")[0])
    assert len(kept) >= 3 and [int(item["n"]) for item in kept] == list(range(len(kept)))


def test_a_job_that_keeps_nothing_ends_at_once(tmp_path):
    job = listener(tmp_path, "keeps nothing")
    assert job.stdout.readline() == "item\n"
    job.send_signal(signal.SIGTERM)
    output, _ = job.communicate(timeout=30)
    assert job.returncode == 75 and "starts this job again from its beginning" in output


@pytest.mark.parametrize("launcher", ["", "1@another-machine"])
def test_a_second_signal_ends_a_job_but_not_one_of_several_processes(tmp_path, monkeypatch, launcher):
    """A cluster signals both the processes and their launcher, which passes its own on: they still save."""
    monkeypatch.delenv(resume.LAUNCHER, raising=False)
    if launcher:
        monkeypatch.setenv(resume.LAUNCHER, launcher)
    kept = Resume(tmp_path, 60)
    said = "the progress is saved" if launcher else "from the last state that it saved, if any"
    with pytest.raises(Stopped, match=said), resume.listening(kept):
        kept.load()
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)
        kept.step(lambda: ({"w": torch.ones(2)}, {}))
    assert (tmp_path / "state.safetensors").exists() is bool(launcher)


def test_a_training_that_is_stopped_in_its_evaluation_repeats_that_alone(tmp_path, monkeypatch):
    class Steps(Resume):
        """Counts them."""

        steps = 0

        def step(self, state):
            self.steps += 1
            super().step(state)

    def stopped(*_):
        os.kill(os.getpid(), signal.SIGTERM)
        return evaluated(*_)

    uncut = classifier(resume.NOWHERE)
    evaluated = of_classifiers.final_outcomes
    monkeypatch.setattr(of_classifiers, "final_outcomes", stopped)
    first, second = Steps(tmp_path, 3600.0), Steps(tmp_path, 3600.0)
    with pytest.raises(Stopped, match="the progress is saved"), resume.listening(first):
        classifier(first)
    monkeypatch.undo()
    with resume.listening(second):
        same(uncut, classifier(second))
    assert first.steps > 0 == second.steps


def test_a_stop_is_no_error_of_a_library(tmp_path):
    """Asked to stop while an exporter or an engine's compiler runs, a job ends: it reports and does nothing else."""
    with (
        pytest.raises(Stopped),
        resume.listening(Resume(tmp_path, 1)),
        translated("onnx cannot be made", "leave it out"),
    ):
        os.kill(os.getpid(), signal.SIGTERM)
    assert not issubclass(Stopped, Exception)


@pytest.mark.long
@pytest.mark.parametrize("machine", ["this", "another"])
def test_a_job_whose_engine_dies_stops_on_the_engines_own_machine(tmp_path, machine):
    engine = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    name = platform.node() if machine == "this" else "another-machine"
    job = listener(tmp_path, GOOGLENET_ENGINE=f"{engine.pid}@{name}")
    assert job.stdout.readline() == "item\n"
    engine.kill()
    engine.wait()
    if machine == "another":
        time.sleep(3 * resume.WATCH_S)
        assert job.poll() is None
        job.kill()
    output, _ = job.communicate(timeout=30)
    if machine == "this":
        assert job.returncode == 75 and "asked to stop" in output
