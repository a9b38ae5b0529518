"""A trained network's file holds all that is needed to use it."""

from dataclasses import asdict

import pytest
import torch

from classification.tiny import description, network
from googlenet import checkpoint, trained
from googlenet.errors import UserError
from googlenet.models.inception import NaiveInception

MODEL = {
    "width": 0.25,
    "input_px": 64,
    "dropout": 0.4,
    "aux_dropout": 0.7,
    "aux_heads": ["4a"],
    "lrn": True,
    "input_mean": [1.0, 2.0, 3.0],
    "input_scale": 0.1,
    "inception": "reduced",
    "classifier": "average_pool",
    "repeat_modules": ["4b"],
}


def test_description_of_a_configuration():
    made = trained.Description.of(MODEL, ("a", "b"), width=1.25, repeat_modules=["4b", "5a"])
    own = {"classes": ["a", "b"], "width": 0.3125, "repeat_modules": ["4b", "4b", "5a"]}
    unsaid = {"channel_order": "rgb", "network": "paper"}
    assert asdict(made) == MODEL | unsaid | own
    assert trained.Description.of(MODEL, ["a"]).width == 0.25


def test_build_follows_the_description():
    model = trained.build(trained.Description.of(MODEL | {"lrn": False}, ["a", "b", "c"]))
    assert model.linear.out_features == 3 and model.conv1[0].out_channels == 16
    assert model.aux_heads == ("4a",) and isinstance(model.lrn1, torch.nn.Identity)
    assert (model.dropout.p, model.aux_4a.dropout.p) == (0.4, 0.7)
    assert hasattr(model, "inception_4b_2") and model.fc is None
    naive = MODEL | {"inception": "naive", "classifier": "fully_connected"}
    model = trained.build(trained.Description.of(naive, ["a"]))
    assert isinstance(model.inception_3a, NaiveInception) and model.fc[0].out_features == 256


def test_saved_and_loaded(tmp_path):
    model, described = network(description(4)), description(4)
    path = tmp_path / "weights.safetensors"
    trained.save(path, model, described, "the stamp")
    loaded, again = trained.load(path)
    assert again == described and not loaded.training
    x = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        assert torch.allclose(loaded(x)[0], model.eval()(x)[0], atol=1e-5)
    for ours, theirs in zip(loaded.state_dict().values(), model.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)
    assert loaded.conv2[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert checkpoint.load(path)[1]["stamp"] == "the stamp"


def test_bytes_depend_on_weights_description_and_stamp_alone(tmp_path):
    def written(name, seed=1, px=32, stamp="s"):
        described = trained.Description(**(asdict(description()) | {"input_px": px}))
        model = network(described, seed).to(memory_format=torch.channels_last)
        trained.save(tmp_path / name, model, described, stamp)
        return (tmp_path / name).read_bytes()

    first = written("a")
    assert first == written("b")
    assert len({first, written("c", seed=2), written("d", px=36), written("e", stamp="t")}) == 4


@pytest.mark.parametrize("metadata", [{}, {"description": "{"}, {"description": '{"classes": ["a"]}'}])
def test_weights_without_a_description_are_named(tmp_path, metadata):
    path = tmp_path / "weights.safetensors"
    checkpoint.save(path, network(description()).state_dict(), metadata)
    with pytest.raises(UserError, match=r"weights\.safetensors: weights without a description"):
        trained.load(path)
