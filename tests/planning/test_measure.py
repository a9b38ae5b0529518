"""Measuring the smoke settings: every rate that a plan needs is a number above zero, and the plan has every stage."""

from math import isfinite

import pytest

from conf_copy import ROOT, copied
from googlenet.models.network import Architecture
from googlenet.pipeline.experiment import experiment as composed
from googlenet.pipeline.registry import STAGES
from googlenet.planning import clock, measure, sizes
from googlenet.planning.clock import Enough, StepClock, step_seconds
from googlenet.planning.machine import this_machine
from googlenet.planning.measure_classification import ClassifierStep
from googlenet.planning.plan import planned
from googlenet.planning.rates import CPU, Bench, NetworkShape, Rates
from googlenet.planning.work import Context, Target


@pytest.mark.long
def test_the_smoke_settings_are_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(clock, "BUDGET_S", 0.01)
    root = copied(tmp_path)
    (root / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    experiment = composed(root, "smoke")
    data = {kind: sizes.of(experiment, kind) for kind in ("classification", "detection")}
    rates = Rates({}, Bench(experiment, data.values()).measure)
    made = planned(Context(experiment, data, rates, Target.of(this_machine())))
    assert {stage.stage for stage in made.stages} == {
        stage for stage in experiment.stages if experiment.jobs(stage) and STAGES[stage].target == "all"
    }
    assert {asked.name for asked in rates.rows} == set(measure.KINDS)
    for asked, rate in rates.rows.items():
        values = dict(rate)
        assert values and all(isfinite(value) and value >= 0 for value in values.values()), asked
        assert asked.name == "disk" or values["seconds"] > 0 or values["fixed_s"] > 0, asked
    assert not list(root.glob(".plan-*"))
    assert made.place.disk_free_mb > 0 and made.place.memory_free_mb > 0


def test_stand_ins_are_natural_images_of_the_size():
    size = sizes.DataSize("classification", {"train": 5}, 10, 50.0, 120, 90, "", [])
    images = Bench(composed(ROOT, "smoke"), [size]).images(size.image)
    assert {image.shape for image in images} == {(90, 120, 3)}
    assert all(image.std() > 20 for image in images)


def test_a_training_is_ended_after_enough_steps(monkeypatch):
    monkeypatch.setattr(clock, "BUDGET_S", 0.0)
    ended = []

    def train(resume):
        for step in range(1000):
            ended.append(step)
            resume.step(dict)

    assert step_seconds(train, warm_up=2) > 0
    assert ended == [0, 1, 2]  # two to warm up, and one whole step
    with pytest.raises(Enough):
        StepClock(warm_up=0).step(dict)


@pytest.mark.long
@pytest.mark.parametrize("experiment", ["demo", "ilsvrc2014", "bvlc"])
def test_packing_is_timed_whatever_the_data_set_holds_out(experiment):
    size = sizes.DataSize("classification", {"test": 5}, 2, 5.0, 64, 48, "", [])
    packing = measure.Pack(kind="classification", image=size.image, embedded=None, resize_shorter_side_px=32)
    assert packing.measure(Bench(composed(ROOT, experiment), [size])).seconds > 0


@pytest.mark.long
def test_a_training_with_batch_normalisation_is_measured(monkeypatch):
    monkeypatch.setattr(clock, "BUDGET_S", 0.01)
    shape = NetworkShape(network="batch_norm", classes=4, architecture=Architecture(width=0.0625, input_px=32))
    bench = Bench(composed(ROOT, "smoke"), [])
    few, more = (bench.measure(ClassifierStep(network=shape, compute=CPU, batch_size=n)) for n in (4, 8))
    assert few.seconds > 0 and 0 < few.kept_mb < more.kept_mb
