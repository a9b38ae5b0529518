"""A trained network's file holds all that is needed to use it."""

import json
from dataclasses import asdict, replace
from typing import get_args

import pytest
import torch

from googlenet.config.schema.base import NetworkName
from googlenet.errors import UserError
from googlenet.models import bundle
from googlenet.models.network import Network
from googlenet.storage import checkpoint
from models import small


@pytest.mark.parametrize("kind", get_args(NetworkName))
def test_saved_and_loaded(tmp_path, kind):
    network = Network.build(small.spec(4, kind))
    x = torch.randn(2, 3, 64, 64)
    network.model.train()(x)  # moves the statistics of batch normalisation
    bundle.save(tmp_path / "w.safetensors", network, "the stamp")
    loaded = bundle.load(tmp_path / "w.safetensors")
    assert loaded.spec == network.spec and not loaded.model.training
    with torch.inference_mode():
        expected = network.model.eval()(x)[0]
        assert torch.allclose(loaded.model(x)[0], expected, atol=1e-4 * float(expected.abs().max()))
    assert loaded.model.state_dict().keys() == network.model.state_dict().keys()
    for name, value in network.model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], value), name
    convolution = next(p for p in loaded.model.parameters() if p.ndim == 4 and p.shape[2] > 1)
    assert convolution.is_contiguous(memory_format=torch.channels_last)
    assert checkpoint.load(tmp_path / "w.safetensors")[1]["stamp"] == "the stamp"


def test_a_spec_of_other_weights_is_as_it_was(tmp_path):
    changes = {"channel_order": "bgr", "input_scale": (1.0, 2.0, 3.0), "classes": ("", "", ""), "initialisation": "he"}
    spec = replace(small.spec(inception="naive", repeat_modules=("4b", "4b"), aux_heads=("4d",)), **changes)
    bundle.save(tmp_path / "w.safetensors", Network.build(spec), "stamp")
    assert bundle.load(tmp_path / "w.safetensors").spec == spec


def test_weights_that_do_not_say_how_they_began_began_as_the_replica(tmp_path):
    spec = asdict(small.spec())
    del spec["initialisation"]  # as former versions wrote it
    checkpoint.save(tmp_path / "w", small.network().model.state_dict(), {"spec": json.dumps(spec)})
    assert bundle.load(tmp_path / "w").spec == small.spec()


def test_bytes_depend_on_weights_spec_and_stamp_alone(tmp_path):
    def written(name, seed=1, px=32, stamp="s"):
        bundle.save(tmp_path / name, small.network(seed=seed, input_px=px).on("cpu"), stamp)
        return (tmp_path / name).read_bytes()

    first = written("a")
    assert first == written("b")
    assert len({first, written("c", seed=2), written("d", px=36), written("e", stamp="t")}) == 4


@pytest.mark.parametrize("metadata", [{}, {"description": '{"classes": ["a"]}'}])
def test_weights_without_a_description_are_named(tmp_path, metadata):
    path = tmp_path / "weights.safetensors"
    checkpoint.save(path, small.network().model.state_dict(), metadata)
    with pytest.raises(UserError, match=r"weights\.safetensors: weights without a description"):
        bundle.load(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": []},
        {"classes": 7},
        {"network": "vgg"},
        {"channel_order": "gbr"},
        {"initialisation": "zeros"},
        {"input_mean": [1.0, 2.0]},
        {"input_scale": float("nan")},
        {"input_scale": [1e7, 1.0, 1.0]},
        {"unknown": 1},
        {"architecture": {"width": 1e6}},
        {"architecture": {"width": 0.0}},
        {"architecture": {"input_px": 31}},
        {"architecture": {"input_px": 64.0}},
        {"architecture": {"dropout": "0.4"}},
        {"architecture": {"inception": "naiv"}},
        {"architecture": {"classifier": "fc"}},
        {"architecture": {"aux_heads": ["inception_4a"]}},
        {"architecture": {"repeat_modules": ["4f"]}},
        {"architecture": {"depth": 3}},
    ],
)
def test_a_description_of_no_network_is_rejected(tmp_path, changes):
    path = tmp_path / "weights.safetensors"
    text = json.dumps(asdict(small.spec()) | changes)
    checkpoint.save(path, small.network().model.state_dict(), {"spec": text})
    with pytest.raises(
        UserError, match=r"weights\.safetensors: it does not describe a valid network; train the weights"
    ):
        bundle.load(path)


@pytest.mark.parametrize("text", ["", "{", "[" * 10000, "null"])
def test_a_malformed_description_is_rejected(tmp_path, text):
    path = tmp_path / "weights.safetensors"
    checkpoint.save(path, {}, {"spec": text})
    with pytest.raises(UserError, match="it does not describe a valid network"):
        bundle.load(path)
