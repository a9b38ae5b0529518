"""From images to the network's input, by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from googlenet.models import network
from models import small

PIXEL = np.array([[[[10, 20, 30]]]], np.uint8)  # RGB


@pytest.mark.parametrize(
    ("mean", "scale", "order", "expected"),
    [
        ([1, 2, 3], 1.0, "rgb", [9, 18, 27]),
        ([1, 2, 3], 0.5, "rgb", [4.5, 9, 13.5]),
        ([1, 2, 3], [1.0, 0.5, 2.0], "rgb", [9, 9, 54]),
        ([1, 2, 3], 1.0, "bgr", [29, 18, 7]),  # the mean is blue's, green's, red's
        ([1, 2, 3], [1.0, 0.5, 2.0], "bgr", [29, 9, 14]),
    ],
)
def test_mean_and_scale_are_in_the_order_of_the_channels(mean, scale, order, expected):
    spec = replace(small.spec(), input_mean=mean, input_scale=scale, channel_order=order)
    values = spec.to_input(PIXEL, "cpu")
    assert values.dtype == torch.float32 and values.shape == (1, 3, 1, 1)
    assert values.ravel().tolist() == expected


@pytest.mark.parametrize("order", ["rgb", "bgr"])
@pytest.mark.parametrize("at_once", [1, 2, 5, 9])
def test_the_input_is_channels_last_and_the_images_stay(order, at_once, monkeypatch):
    monkeypatch.setattr(network, "CACHED_VALUES", at_once * 5 * 4 * 3)
    images = np.random.default_rng(0).integers(0, 256, (5, 5, 4, 3), np.uint8)
    before = images.copy()
    spec = replace(small.spec(), input_mean=(0, 0, 0), input_scale=1.0, channel_order=order)
    values = spec.to_input(images, "cpu")
    assert values.is_contiguous(memory_format=torch.channels_last) and np.array_equal(images, before)
    assert np.array_equal(values.permute(0, 2, 3, 1).numpy()[..., :: 1 if order == "rgb" else -1], images)


def test_a_spec_feeds_its_own_network():
    spec = replace(small.spec(), input_mean=(1.4, 2.0, 3.6), channel_order="bgr", input_scale=2.0)
    assert spec.to_input(PIXEL, "cpu").ravel().tolist() == pytest.approx([57.2, 36, 12.8])
    assert spec.mean_colour == (4, 2, 1)  # as RGB
    assert small.spec().mean_colour == (120, 120, 120)
