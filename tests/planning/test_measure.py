"""Measuring the smoke settings: every rate that a plan asks for is a number above zero, and the plan has every stage."""

from math import isfinite

import pytest
import torch

from conf_copy import ROOT, copied
from googlenet.pipeline import experiment as config
from googlenet.planning import clock, measure, sizes
from googlenet.planning.clock import Clocked, Enough, step_seconds
from googlenet.planning.machine import Rates, this_machine
from googlenet.planning.plan import planned


@pytest.mark.long
def test_the_smoke_settings_are_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(clock, "BUDGET_S", 0.01)
    root = copied(tmp_path)
    (root / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    settings = config.compose(root, "smoke")
    found = {kind: sizes.of(settings, kind) for kind in ("classification", "detection")}
    rates = Rates([], measure.Measured(settings, list(found.values())))
    deterministic = torch.are_deterministic_algorithms_enabled()
    made = planned(settings, found, rates, this_machine())
    assert torch.are_deterministic_algorithms_enabled() == deterministic
    assert {stage.stage for stage in made.stages} == {
        stage for stage in settings.stages if settings.jobs(stage) and stage not in config.ABLATION_STAGES
    }
    assert {row["what"] for row in rates.rows.values()} == {"job", "disk", "pack", "decode", *measure.ROOMS}
    for row in rates.rows.values():
        values = {name: value for name, value in row.items() if name not in ("what", "settings")}
        assert values and all(isfinite(value) and value >= 0 for value in values.values()), row
        assert row["what"] == "disk" or values["seconds"] > 0 or values["fixed_s"] > 0, row
    assert not list(root.glob(".plan-*"))
    assert made.place.disk_free_mb > 0 and made.place.memory_free_mb > 0


def test_stand_ins_are_natural_pictures_of_the_size():
    size = sizes.DataSize("classification", {"train": 5}, 10, 50.0, 120, 90, "", [])
    sample = measure.Sample(size)
    assert {picture.shape for picture in sample.decoded} == {(90, 120, 3)}
    assert all(picture.std() > 20 for picture in sample.decoded)


def test_a_training_is_ended_after_enough_steps(monkeypatch):
    monkeypatch.setattr(clock, "BUDGET_S", 0.0)
    clocked = Clocked(["a", "b"], 1000, per_step=3, warm_up=2)

    def train(pictures):
        for index in range(1000):
            assert pictures[index] == "ab"[index % 2]

    assert step_seconds(train, clocked) > 0
    assert (
        len(clocked) == 1000 and clocked.asked == 3 * 3
    )  # two to warm up, one whole step, and the next one's beginning
    with pytest.raises(Enough):
        clocked[0]


@pytest.mark.parametrize("experiment", ["demo", "ilsvrc2014", "bvlc"])
def test_packing_is_timed_whatever_the_data_set_holds_out(experiment):
    source = config.compose(ROOT, experiment).resolved(config.Job("prepare_classification", "all"))["source"]
    size = sizes.DataSize("classification", {"test": 5}, 2, 5.0, 64, 48, "", [])
    settings = {"kind": "classification", "resize_shorter_side_px": 32, "embedded": None}
    assert measure.pack(settings, measure.Sample(size), source)["seconds"] > 0
