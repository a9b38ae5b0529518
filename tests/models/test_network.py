"""The contract of a network: its spec, and what every kind of network gives."""

import hashlib
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch

from googlenet.config.schema.base import TRUNKS, NetworkName
from googlenet.errors import UserError
from googlenet.models.inception import NaiveInception
from googlenet.models.network import Architecture, Network, NetworkSpec, kind_of
from models import small
from settings import settings_of

NEEDS_A_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
OWN = {
    "width": 0.25,
    "input_px": 64,
    "aux_dropout": 0.6,
    "aux_heads": ["4a"],
    "input_mean": [1.0, 2.0, 3.0],
    "input_scale": 0.1,
    "repeat_modules": ["4b"],
}


def model_of(**changes):
    """The `model` section of the settings, with changes."""
    return settings_of("measure_cost", model=OWN | changes).model


def test_spec_of_the_settings():
    model = model_of()
    spec = NetworkSpec.of(model, ("a", "b"), width=1.25, repeat_modules=("4b", "5a"))
    assert spec == NetworkSpec(
        classes=("a", "b"),
        architecture=Architecture(
            width=0.3125,
            input_px=64,
            dropout=0.4,
            aux_dropout=0.6,
            aux_heads=("4a",),
            lrn=True,
            inception="reduced",
            classifier="average_pool",
            repeat_modules=("4b", "4b", "5a"),
        ),
        input_mean=(1.0, 2.0, 3.0),
        input_scale=0.1,
        channel_order="rgb",
        network="paper",
        initialisation="he",
    )
    plain = NetworkSpec.of(model, ("a",))
    assert (plain.architecture.width, plain.architecture.repeat_modules) == (0.25, ("4b",))
    other = NetworkSpec.of(model_of(network="batch_norm", initialisation="he"), ("a",))
    assert (other.network, other.initialisation) == ("batch_norm", "he")


def test_networks_follow_their_spec():
    model = Network.build(NetworkSpec.of(model_of(lrn=False), ("a", "b", "c"))).model
    assert model.linear.out_features == 3 and model.conv1[0].out_channels == 16
    assert model.aux_heads == ("4a",) and isinstance(model.lrn1, torch.nn.Identity)
    assert (model.dropout.p, model.aux_4a.dropout.p) == (0.4, 0.6)
    assert hasattr(model, "inception_4b_2") and model.fc is None
    naive = model_of(inception="naive", classifier="fully_connected")
    model = Network.build(NetworkSpec.of(naive, ("a",))).model
    assert isinstance(model.inception_3a, NaiveInception) and model.fc[0].out_features == 256


def test_the_mean_as_a_colour_and_the_input():
    spec = NetworkSpec(("a",), Architecture(), (104.4, 117.0, 122.6), 2.0, channel_order="bgr")
    assert spec.mean_colour == (123, 117, 104) and spec.input_px == 224
    image = np.full((1, 2, 2, 3), (123, 117, 104), np.uint8)  # RGB
    values = spec.to_input(image, "cpu")
    assert values[0, :, 0, 0].tolist() == pytest.approx([-0.8, 0.0, 0.8], abs=1e-4)
    assert torch.equal(Network(torch.nn.Identity(), spec).to_input(image, "cpu"), values)
    other = spec.with_architecture(input_px=64, aux_heads=())
    assert other.architecture == Architecture(input_px=64, aux_heads=()) and other.input_mean == spec.input_mean


@pytest.mark.parametrize("kind", get_args(NetworkName))
def test_what_every_kind_gives(kind):
    network = Network.build(small.spec(5, kind)).on("cpu")
    x = torch.randn(2, 3, 64, 64)
    logits, aux = network.model.train()(x)
    assert [list(out.shape) for out in (logits, *aux)] == [[2, 5]] * 3
    assert network.model.eval()(x)[1] == []
    assert network.parameters == sum(p.numel() for p in network.model.parameters())
    assert kind_of(kind).trunk == (kind in TRUNKS)
    if kind in TRUNKS:
        trunk = network.trunk
        with torch.no_grad():
            last, _ = trunk.map_after(x)
            assert torch.equal(trunk.logits_of(trunk.vector_of(last)), network.model(x)[0])
    else:
        with pytest.raises(UserError, match=f"{kind}: has other modules than the paper's network; name a member"):
            _ = network.trunk


def test_only_what_is_trained_here_has_initial_weights():
    first, again, other = (small.network(seed=seed).model.conv1[0].weight for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    with pytest.raises(UserError, match=r"model\.network: torchvision_bn is imported and not trained; name paper"):
        small.network(kind="torchvision_bn")


@pytest.mark.parametrize("kind", ["paper", "batch_norm"])
def test_initial_weights_are_those_that_the_spec_says(kind):
    def begun(form):
        spec = replace(small.spec(kind=kind), initialisation=form)
        network = Network.initialised(spec, 3)
        again = Network.build(spec)
        again.initialise(3)
        assert all(map(torch.equal, network.model.parameters(), again.model.parameters()))
        return network.model

    replica, he = begun("replica"), begun("he")
    assert torch.allclose(he.conv1[0].weight, 2**0.5 * replica.conv1[0].weight)
    assert (replica.aux_4a.fc[0].bias == 0.2).all() and not he.aux_4a.fc[0].bias.any()


@pytest.mark.parametrize(
    ("experiment", "classes", "digest"),
    [
        ("smoke", 10, "701ea867d3b2c1b6ad6936415cf52ba8"),
        ("demo", 10, "5de65cac518e44c2dc3a838981b940f3"),
        ("ilsvrc2014", 1000, "66b4f3347778116180d4301b61412744"),
    ],
)
def test_the_replicas_initial_weights_stay_the_same_bits(experiment, classes, digest):
    settings = settings_of("train_classifier", "m1", experiment)
    spec = replace(NetworkSpec.of(settings.model, ("a",) * classes), initialisation="replica")
    network = Network.initialised(spec, settings.member.init_seed)
    seen = hashlib.sha256()
    for name, value in network.model.state_dict().items():
        seen.update(name.encode() + value.numpy().tobytes())
    assert seen.hexdigest().startswith(digest)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=NEEDS_A_GPU)])
def test_a_network_is_initialised_again_where_it_is(device):
    network = small.network().on(device)
    first = {key: value.clone().cpu() for key, value in network.model.state_dict().items()}
    network.initialise(2)
    again = network.model.state_dict()
    assert {value.device.type for value in again.values()} == {device}
    drawn = small.network().on("cpu")
    drawn.initialise(2)
    assert all(torch.equal(value.cpu(), drawn.model.state_dict()[key]) for key, value in again.items())
    assert any(not torch.equal(value.cpu(), first[key]) for key, value in again.items())
