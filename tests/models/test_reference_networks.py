"""The networks that GoogLeNet is compared with: their well-known sizes, worked by hand, and the comparison."""

from collections import OrderedDict
from typing import get_args

import pytest
import torch

from conf_copy import copied, override
from googlenet.config.schema.classification import REFERENCE_NETWORKS as SCHEMA
from googlenet.config.schema.classification import MeasureCost
from googlenet.errors import UserError
from googlenet.models import reference_networks
from googlenet.models.cost import cost
from googlenet.models.googlenet import GoogLeNet
from googlenet.models.network import Architecture
from googlenet.models.reference_networks import NAMES, conv, dense, on_meta, reference_network
from googlenet.models.runtime import Runtime
from googlenet.pipeline.experiment import Job, experiment
from settings import settings_of

DEEPER = ("3b", "4e", "5b")
BF16 = Runtime(precision="bf16")
# By hand: parameters with biases; multiply-adds of convolutions and fully connected layers.
ALEXNET_CONV_MACS = 55**2 * 96 * 363 + 27**2 * 256 * 1200 + 13**2 * (384 * 2304 + 384 * 1728 + 256 * 1728)
ALEXNET_DENSE_MACS = 9216 * 4096 + 4096 * 4096 + 4096 * 1000
NIN_MACS = (
    54**2 * 96 * (363 + 96 + 96)
    + 27**2 * 256 * (25 * 96 + 256 + 256)
    + 13**2 * 384 * (9 * 256 + 384 + 384)
    + 6**2 * (1024 * 9 * 384 + 1024 * 1024 + 1000 * 1024)
)
ZFNET_MACS = (
    110**2 * 96 * 147
    + 26**2 * 256 * 2400
    + 13**2 * (384 * 9 * 256 + 384 * 9 * 384 + 256 * 9 * 384)
    + ALEXNET_DENSE_MACS
)
EXPECTED = {  # parameters, multiply-adds, layers
    "alexnet": (60_965_224, ALEXNET_CONV_MACS + ALEXNET_DENSE_MACS, 8),
    "zfnet": (62_357_608, ZFNET_MACS, 8),
    "network_in_network": (7_595_176, NIN_MACS, 12),
    "vgg_16": (138_357_544, 15_470_264_320, 16),
    "googlenet": (6_998_552, 1_582_671_872, 22),
}


def settings(**changes):
    few = {"wider": 1.25, "deeper": DEEPER, "timed": [], "reference_batch_size": 2, "reference_repeats": 1}
    return settings_of("measure_cost", **(few | changes))


@pytest.fixture(scope="module")
def rows():
    comparison = reference_networks.compare(settings(), BF16)
    assert (comparison.device, comparison.precision, comparison.batch, comparison.repeats) == ("cpu", "bf16", 2, 1)
    assert (comparison.wider, comparison.deeper) == (1.25, DEEPER)
    assert comparison.threads == settings().compute.numeric_threads
    return comparison.by_name()


@pytest.mark.long
@pytest.mark.parametrize("name", EXPECTED)
def test_well_known_sizes(rows, name):
    row = rows[name]
    assert (row.parameters, row.macs, row.layers) == EXPECTED[name]
    model, _ = on_meta(name, 1.25, DEEPER)
    assert sum(p.numel() for p in model.parameters()) == row.parameters


def test_every_network_has_its_row_and_a_thousand_outputs(rows):
    assert tuple(rows) == NAMES == get_args(SCHEMA)
    assert {(row.forward_ms, row.times_googlenet) for row in rows.values()} == {(None, None)}
    for name, row in rows.items():
        model, px = on_meta(name, 1.25, DEEPER)
        output = model(torch.zeros(2, 3, px, px, device="meta"))
        logits = output if isinstance(output, torch.Tensor) else output[0]
        assert list(logits.shape) == [2, 1000] and px == row.input_px and not model.training


def test_alternatives_of_googlenet_are_costed_as_what_they_are(rows):
    # Deeper: a copy of 3b, 4e and 5b, each two layers; naive: one layer a module; fully connected: one more.
    layers = {name: rows[f"googlenet_{name}"].layers for name in ("deeper", "naive", "fully_connected")}
    assert layers == {"deeper": 22 + 3 * 2, "naive": 22 - 9, "fully_connected": 23}
    hidden = 50_176 * 1024
    dense = rows["googlenet_fully_connected"]
    assert dense.parameters == 6_998_552 + hidden + 1024 and dense.macs == 1_582_671_872 + hidden
    wide = GoogLeNet(1000, Architecture(width=1.25, aux_heads=()))
    assert rows["googlenet_wider"].parameters == sum(p.numel() for p in wide.parameters())
    both, deep = rows["googlenet_wider_deeper"], rows["googlenet_deeper"]
    assert both.parameters > max(rows["googlenet_wider"].parameters, deep.parameters)


def test_the_naive_modules_multiply_adds_by_hand(rows):
    from googlenet.models.table_1 import INCEPTION

    channels, macs = 192, 112**2 * 64 * 147 + 56**2 * (64 * 64 + 192 * 576)
    for name, w in INCEPTION.items():
        side = {"3": 28, "4": 14, "5": 7}[name[0]]
        macs += side**2 * channels * (w.n1x1 + 9 * w.n3x3 + 25 * w.n5x5)
        channels += w.n1x1 + w.n3x3 + w.n5x5
    assert rows["googlenet_naive"].macs == macs + channels * 1000


@pytest.mark.parametrize(
    ("name", "maps"),
    [
        ("alexnet", {"conv1": 55, "pool1": 27, "conv2": 27, "pool2": 13, "conv5": 13, "pool5": 6}),
        ("zfnet", {"conv1": 110, "pool1": 55, "conv2": 26, "pool2": 13, "conv5": 13, "pool5": 6}),
        ("network_in_network", {"cccp2": 54, "pool1": 27, "pool2": 13, "pool3": 6, "cccp8": 6}),
        ("vgg_16", {"pool1": 112, "pool2": 56, "pool3": 28, "pool4": 14, "pool5": 7}),
    ],
)
def test_sides_of_the_maps_are_the_published_ones(name, maps):
    model, px = on_meta(name, 1.25, DEEPER)
    sides = {row.layer: row.output[0] for row in cost(model, px).layers}
    assert {layer: sides[layer] for layer in maps} == maps


def test_a_network_of_layers_by_hand():
    layers = {
        "conv1": conv(3, 4, 3, stride=2),
        "pool1": torch.nn.MaxPool2d(2, 2),
        "fc2": dense(4 * 2 * 2, 5),
        "fc3": dense(5, 7, hidden=False),
    }
    model = torch.nn.Sequential(OrderedDict(layers))
    # 12 px: 3x3/2 gives 5, 2x2/2 without a partial window 2.
    totals = cost(model, 12).totals
    assert totals.parameters == (27 * 4 + 4) + (16 * 5 + 5) + (5 * 7 + 7)
    assert totals.macs == 25 * 27 * 4 + 16 * 5 + 5 * 7
    assert [type(part).__name__ for part in model.fc2] == ["Flatten", "Linear", "ReLU", "Dropout"]
    assert [type(part).__name__ for part in model.fc3] == ["Flatten", "Linear"]  # no ReLU on the logits
    last = on_meta("vgg_16", 1.25, DEEPER)[0].fc8
    assert len(last) == 2 and (last[1].in_features, last[1].out_features) == (4096, 1000)


def test_times_are_set_against_googlenets_of_the_same_turn():
    times = {"googlenet": [0.1, 0.2, 0.4], "alexnet": [0.3, 0.2, 0.2]}
    ratio = reference_networks.against_googlenet(times, "alexnet")
    assert (ratio.median, ratio.min, ratio.max) == (1.0, pytest.approx(0.5), pytest.approx(3.0))
    timed, untimed = (reference_networks.row(name, settings(), BF16, times) for name in ("alexnet", "zfnet"))
    assert timed.times_googlenet == ratio and timed.forward_ms == pytest.approx(200)
    assert (untimed.times_googlenet, untimed.forward_ms) == (None, None)


def test_networks_are_timed_in_the_jobs_numbers(monkeypatch):
    seen = {}

    def note(models, batch, repeats):
        seen.update({name: next(model.parameters()).dtype for name, (model, _) in models.items()})
        return {name: [0.5] * repeats for name in models}

    monkeypatch.setattr(reference_networks, "forward_times", note)
    asked = settings(timed=["googlenet", "network_in_network"], reference_repeats=3)
    assert reference_networks.timed(asked, BF16) == {"googlenet": [0.5] * 3, "network_in_network": [0.5] * 3}
    assert set(seen.values()) == {torch.bfloat16} and torch.get_default_dtype() == torch.float32
    reference_networks.timed(asked, Runtime())
    assert set(seen.values()) == {torch.float32}


def test_weights_take_as_many_bytes_as_they_have_numbers(rows):
    parameters = rows["vgg_16"].parameters
    assert rows["vgg_16"].weights_mb == pytest.approx(2 * parameters / 1e6)
    model, px = reference_network("network_in_network", 1.25, DEEPER)
    assert px == 224 and not model.training


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ("{timed: [googlenet, alexnett]}", "not 'alexnett'; did you mean 'alexnet'?"),
        ("{timed: [alexnet]}", "'measure_cost.timed' must be names that include googlenet"),
        ("{deeper: []}", "'measure_cost.deeper' must be a list of "),
        ("{deeper: [6a]}", "measure_cost.deeper[0]' must be 3a, 3b"),
        ("{wider: 0.0}", "'measure_cost.wider' must be a number above 0"),
        ("{reference_repeats: 0}", "'measure_cost.reference_repeats' must be a whole number"),
    ],
)
def test_mistakes_are_told_before_the_first_job(tmp_path, changes, message):
    root = copied(tmp_path)
    override(root, f"{{measure_cost: {changes}}}")
    with pytest.raises(UserError) as raised:
        experiment(root)
    assert message in str(raised.value)


def test_nothing_timed_is_allowed(tmp_path):
    root = copied(tmp_path)
    override(root, "{measure_cost: {timed: []}}")
    assert experiment(root).settings(Job("measure_cost", "all"), MeasureCost).timed == ()
