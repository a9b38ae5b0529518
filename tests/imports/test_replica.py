"""The Caffe replica, which others trained, through our network: a photograph of a monastery is one."""

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from conf_copy import ROOT
from googlenet import trained
from googlenet.checkpoint import load_into
from googlenet.classification.predict import probabilities
from googlenet.config import load_yaml
from googlenet.imports.bring import imported
from imports import writers

pytestmark = pytest.mark.skipif(
    "GOOGLENET_TEST_DATA" not in os.environ, reason="GOOGLENET_TEST_DATA is not set"
)
MONASTERY = 663
COMPUTE = {"device": "cpu", "precision": "fp32"}
MODEL = load_yaml(ROOT / "conf/model/paper.yaml")
ORIGINS = load_yaml(ROOT / "conf/origins.yaml")


@pytest.fixture(scope="module")
def picture():
    """scikit-learn's photograph, warped to the input as the replica's own pictures were."""
    from sklearn.datasets import load_sample_image

    return cv2.resize(load_sample_image("china.jpg"), (224, 224))


@pytest.fixture(scope="module")
def raw():
    return imported(
        Path(os.environ["GOOGLENET_TEST_DATA"]) / "bvlc_googlenet", ORIGINS["bvlc_raw"], MODEL, 1.0
    )


@pytest.fixture(scope="module")
def answer(raw, picture):
    return answered(*raw, picture)


def answered(network, description, picture):
    return probabilities(network.eval(), description, picture[None], COMPUTE)[0]


def test_the_raw_folder_knows_the_monastery(raw, answer):
    network, description = raw
    assert sum(p.numel() for p in network.parameters()) == 6_998_552
    assert description.classes[answer.argmax()] == "n03781244" and answer.argmax() == MONASTERY
    assert answer[MONASTERY] > 0.4


def test_without_response_normalisation_it_does_not(raw, picture):
    network, description = raw
    without = replace(description, lrn=False)
    other = trained.build(without)
    other.load_state_dict(network.state_dict())
    assert MONASTERY not in np.argsort(-answered(other, without, picture))[:5]


def test_the_order_of_the_channels_matters(raw, picture, answer):
    network, description = raw
    turned = replace(description, channel_order="rgb", input_mean=description.input_mean[::-1])
    assert answered(network, turned, picture)[MONASTERY] < 0.6 * answer[MONASTERY]


@pytest.mark.parametrize("old", [False, True])
def test_as_a_caffemodel_it_gives_the_same(raw, picture, answer, tmp_path, old):
    path = tmp_path / "bvlc_googlenet.caffemodel"
    path.write_bytes(writers.caffemodel(writers.layers_of(raw[0]), old))
    network, description = imported(path, ORIGINS["bvlc"], MODEL, 1.0)
    assert description == raw[1]
    assert np.array_equal(answered(network, description, picture), answer)


def test_as_a_checkpoint_of_ours_it_gives_the_same(raw, picture, answer, tmp_path):
    trained.save(tmp_path / "w.safetensors", *raw, "stamp")
    network, description = imported(tmp_path / "w.safetensors", ORIGINS["checkpoint"], MODEL, 1.0)
    assert description == raw[1]
    # Loaded channels last, as every stage loads it: another order of sums.
    assert np.abs(answered(network, description, picture) - answer).max() < 1e-5
    plain = trained.build(description)
    load_into(plain, tmp_path / "w.safetensors")
    assert np.array_equal(answered(plain, description, picture), answer)


def test_bf16_agrees_about_the_monastery(raw, picture):
    found = probabilities(raw[0].eval(), raw[1], picture[None], COMPUTE | {"precision": "bf16"})[0]
    assert found.argmax() == MONASTERY and found[MONASTERY] > 0.4
    assert torch.isfinite(torch.tensor(found)).all()
