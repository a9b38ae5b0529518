"""The first layer's filters are read in the order of RGB, and only where they see colours."""

import json

import numpy as np
import pytest

from classification import tiny
from googlenet.models import bundle
from googlenet.models.first_layer import first_filters
from googlenet.storage.checkpoint import save_arrays

FILTERS = np.arange(4 * 3 * 7 * 7, dtype=np.float32).reshape(4, 3, 7, 7)


def test_a_networks_own_weights(tmp_path):
    network = tiny.network()
    bundle.save(tmp_path / "w.safetensors", network, "stamp")
    filters = first_filters(tmp_path / "w.safetensors")
    assert filters.shape[1:] == (3, 7, 7)
    assert np.array_equal(filters, network.model.state_dict()["conv1.0.weight"].numpy())


@pytest.mark.parametrize(("order", "first"), [("rgb", 0), ("bgr", 2)])
def test_the_channels_are_rgb(tmp_path, order, first):
    path = tmp_path / "w.safetensors"
    save_arrays(
        path, {"conv1.weight": FILTERS, "conv1.bias": np.zeros(4)}, {"spec": json.dumps({"channel_order": order})}
    )
    assert np.array_equal(first_filters(path)[:, 0], FILTERS[:, first])


def test_another_first_layer_is_not_drawn(tmp_path):
    path = tmp_path / "w.safetensors"
    save_arrays(path, {"conv1.weight": FILTERS[:, :1], "conv2.weight": FILTERS}, {})
    assert first_filters(path) is None
