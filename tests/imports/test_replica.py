"""The Caffe replica, which others trained, through our network: a photograph of a monastery is one."""

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from googlenet.classification.predict import probabilities
from googlenet.imports.import_weights import imported
from googlenet.models import bundle
from googlenet.models.network import Network
from googlenet.models.runtime import Runtime
from googlenet.storage.checkpoint import OTHER_MODEL, copy_into, load
from imports import writers
from settings import composed, settings_of

pytestmark = pytest.mark.skipif("GOOGLENET_TEST_DATA" not in os.environ, reason="GOOGLENET_TEST_DATA is not set")
MONASTERY = 663
MODEL = settings_of("measure_cost", experiment="bvlc").model
ORIGINS = composed().composed.origins


@pytest.fixture(scope="module")
def image():
    """scikit-learn's photograph, warped to the input as the replica's own images were."""
    from sklearn.datasets import load_sample_image

    return cv2.resize(load_sample_image("china.jpg"), (224, 224))


@pytest.fixture(scope="module")
def raw():
    return imported(Path(os.environ["GOOGLENET_TEST_DATA"]) / "bvlc_googlenet", ORIGINS["bvlc_raw"], MODEL, 1.0)


@pytest.fixture(scope="module")
def answer(raw, image):
    return answered(raw, image)


def answered(network, image, runtime=None):
    network.model.eval()
    return probabilities(network, image[None], runtime or Runtime())[0]


def test_the_raw_folder_knows_the_monastery(raw, answer):
    assert raw.parameters == 6_998_552
    assert raw.spec.classes[answer.argmax()] == "n03781244" and answer.argmax() == MONASTERY
    assert answer[MONASTERY] > 0.4


def test_without_response_normalisation_it_does_not(raw, image):
    other = Network.build(raw.spec.with_architecture(lrn=False))
    other.model.load_state_dict(raw.model.state_dict())
    assert MONASTERY not in np.argsort(-answered(other, image))[:5]


def test_the_order_of_the_channels_matters(raw, image, answer):
    turned = replace(raw.spec, channel_order="rgb", input_mean=raw.spec.input_mean[::-1])
    assert answered(Network(raw.model, turned), image)[MONASTERY] < 0.6 * answer[MONASTERY]


@pytest.mark.parametrize("old", [False, True])
def test_as_a_caffemodel_it_gives_the_same(raw, image, answer, tmp_path, old):
    path = tmp_path / "bvlc_googlenet.caffemodel"
    path.write_bytes(writers.caffemodel(writers.layers_of(raw), old))
    network = imported(path, ORIGINS["bvlc"], MODEL, 1.0)
    assert network.spec == raw.spec
    assert np.array_equal(answered(network, image), answer)


def test_as_a_checkpoint_of_ours_it_gives_the_same(raw, image, answer, tmp_path):
    bundle.save(tmp_path / "w.safetensors", raw, "stamp")
    network = imported(tmp_path / "w.safetensors", ORIGINS["checkpoint"], MODEL, 1.0)
    assert network.spec == raw.spec
    # Loaded channels last, as every stage loads it: another order of sums.
    assert np.abs(answered(network, image) - answer).max() < 1e-5
    plain = Network.build(raw.spec)
    path = tmp_path / "w.safetensors"
    copy_into(plain.model, load(path)[0], path, OTHER_MODEL)
    assert np.array_equal(answered(plain, image), answer)


def test_bf16_agrees_about_the_monastery(raw, image):
    in_bf16 = answered(raw, image, Runtime(precision="bf16"))
    assert in_bf16.argmax() == MONASTERY and in_bf16[MONASTERY] > 0.4
    assert torch.isfinite(torch.tensor(in_bf16)).all()
