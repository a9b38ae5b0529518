"""One pass, many settings: mirrored views, heads, regressed boxes; with networks whose outputs are known."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from classification.tiny import RUNTIME, network, spec
from googlenet.detection import bbox_regression, context_feature, svm
from googlenet.detection.regions import Warp
from googlenet.detection.score import score, seeing, shapes
from googlenet.detection.switches import by_prefix
from googlenet.detection.train import detector_from
from googlenet.models.network import Network
from settings import changed, settings_of

SETTINGS = settings_of("score_regions", batch_size=2, context_px=0, switches=(), compare=())
HALF = np.zeros((20, 30, 3), np.uint8)
HALF[:, :15] = 240  # bright on the left
BOXES = np.array([[0, 0, 29, 19], [0, 0, 9, 9], [20, 0, 29, 9]], np.float32)


class LeftOrRight(nn.Module):
    """A detector with the classes left and right: where the image is brighter. Its map is 1 x 2: left, right."""

    def map_after(self, x):
        half = x.shape[3] // 2
        sides = [x[..., :half].mean((1, 2, 3)), x[..., half:].mean((1, 2, 3))]
        return torch.stack(sides, 1)[:, None, None].expand(-1, 1, 2, 2), []

    def vector_of(self, x):
        return x[:, 0, 0]

    def logits_of(self, x):
        return torch.cat([torch.zeros(len(x), 1), x], 1)


class Scored(NamedTuple):
    """What one list of switches makes of an image."""

    probabilities: np.ndarray
    boxes: np.ndarray | None


def scored(first, *compare, heads=None, boxes=BOXES, batch_size=2):
    """One image's scores, for each list of switches."""
    settings = changed(SETTINGS, switches=first, compare=compare, batch_size=batch_size)
    network, named = Network(LeftOrRight(), spec(3)), by_prefix(settings.switches, settings.compare)
    (arrays,) = score(network, [HALF], [boxes], settings, heads or {}, RUNTIME)
    assert {name: array.shape for name, array in arrays.items()} == shapes(named, len(boxes), 3)
    return [Scored(arrays[f"{prefix}probabilities"], arrays.get(f"{prefix}boxes")) for prefix in named]


def test_a_mirrored_view_is_averaged():
    plain, mirrored = scored((), ("mirror",))
    assert plain.probabilities.shape == (3, 3) and plain.boxes is None
    left = plain.probabilities[0]
    assert left[1] > 0.9 and left[2] < 0.05  # the whole image is bright on its left
    # Its mirror image is bright on the right: the mean favours neither side.
    assert mirrored.probabilities[0] == pytest.approx(
        [left[0], (left[1] + left[2]) / 2, (left[1] + left[2]) / 2], abs=1e-6
    )
    # Regions of one brightness look alike from both sides, but for their edges.
    assert mirrored.probabilities[1:] == pytest.approx(plain.probabilities[1:], abs=0.05)


def test_settings_do_not_depend_on_each_other_or_on_the_batch():
    together = scored(("mirror",), ())
    alone = [scored(("mirror",))[0], scored(())[0]]
    for one, other in zip(together, alone, strict=True):
        assert np.array_equal(one.probabilities, other.probabilities)
    whole = scored((), batch_size=9)
    assert np.abs(whole[0].probabilities - alone[1].probabilities).max() < 1e-6


def test_regressed_boxes_of_both_views_are_averaged_with_the_mirrored_one_turned():
    """dx is a tenth for every class, for any input: in the mirrored view it is to the left, so that they cancel."""
    weights, bias = np.zeros((2, 4, 4), np.float32), np.zeros((2, 4), np.float32)
    bias[:, 0], bias[1, 2] = 0.1, np.log(2)
    heads = {bbox_regression.WEIGHTS: weights, bbox_regression.BIAS: bias}
    box = np.array([[10, 5, 19, 14]], np.float32)
    plain, both = scored(("bbox_regression",), ("mirror", "bbox_regression"), heads=heads, boxes=box)
    assert plain.boxes[0] == pytest.approx(np.array([[11, 5, 20, 14], [6, 5, 25, 14]]), abs=1e-4)
    assert both.boxes[0] == pytest.approx(np.array([[10, 5, 19, 14], [5, 5, 24, 14]]), abs=1e-4)


def test_offsets_come_from_where_the_last_map_is_bright():
    weights, bias = np.zeros((2, 4, 4), np.float32), np.zeros((2, 4), np.float32)
    weights[0, 1] = [1, -1, 0, 0]  # dy of class 0: the upper left place less the upper right one
    heads = {bbox_regression.WEIGHTS: weights, bbox_regression.BIAS: bias}
    box = np.array([[10, 0, 19, 4]], np.float32)
    result = scored(("bbox_regression",), heads=heads, boxes=box)[0].boxes[0]
    assert result[0, 1] > 4 and result[1].tolist() == [10, 0, 19, 4]
    assert result[0].max() <= 29 and result[0, 3] <= 19  # clipped to the image


def test_svm_and_context_take_the_place_of_the_softmax():
    """The SVM scores class 0 alone, by the left; the context scores class 1 by the whole image's right, which is dark."""
    heads = {
        svm.WEIGHTS: np.array([[9, 0], [0, 0]], np.float32),
        svm.BIAS: np.array([0, -9], np.float32),
        context_feature.WEIGHTS: np.array([[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, -9]], np.float32),
        context_feature.BIAS: np.zeros(3, np.float32),
    }
    softmax, machine, context, mirrored = scored(
        (), ("svm",), ("context_feature",), ("context_feature", "mirror"), heads=heads
    )
    assert softmax.probabilities[0].argmax() == 1
    assert (machine.probabilities[:2, 1] > 0.9).all() and machine.probabilities[2, 1] < 0.1
    assert machine.probabilities[0].sum() != pytest.approx(1, abs=1e-3) or machine.probabilities[0, 2] < 1e-3
    assert (context.probabilities.argmax(axis=1) == 2).all()  # whatever the region
    # Mirrored, the whole image's right is bright: the two views disagree.
    assert (mirrored.probabilities[:, 2] < 0.6).all() and (context.probabilities[:, 2] > 0.9).all()


def test_the_papers_setting_is_the_networks_own_softmax():
    detector = detector_from(network(spec(2)), ["cat", "dog"], 1)
    (result,) = score(detector, [HALF], [BOXES[:1]], SETTINGS, {}, RUNTIME)
    crop = Warp.of(detector.spec, 0).one(HALF, BOXES[0])
    logits, _ = detector.model.eval()(detector.to_input(crop[None], "cpu"))
    assert np.allclose(result["probabilities"], torch.softmax(logits, 1).detach().numpy(), rtol=1e-6, atol=0)


def test_engines_see_what_eager_sees():
    """Switches that need vectors and maps too; and fewer regions than a batch."""
    detector = detector_from(network(spec(3, input_px=64)), ("one", "two"), 1)
    settings = changed(SETTINGS, switches=("mirror",), compare=((), ("bbox_regression",)), batch_size=4)
    rng = np.random.default_rng(0)
    image, weights = rng.integers(0, 256, (80, 90, 3), np.uint8), {}
    cells = np.prod(detector.trunk.map_after(torch.zeros(1, 3, 64, 64))[0].shape[1:])
    weights[bbox_regression.BIAS] = np.zeros((2, 4), np.float32)
    weights[bbox_regression.WEIGHTS] = rng.normal(0, 0.01, (2, 4, cells)).astype(np.float32)
    found = []
    for name in ("eager", "openvino"):
        runtime = replace(RUNTIME, engine=name)
        see, use = seeing(detector, [image], [BOXES], settings, runtime)
        assert use.used == name, use.line
        found.append(*score(detector, [image], [BOXES], settings, weights, runtime, see))
    found.append(*score(detector, [image], [BOXES], settings, weights, RUNTIME))
    eager, openvino, as_it_is = found
    for key in eager:
        assert np.array_equal(eager[key], as_it_is[key])
        assert np.abs(eager[key] - openvino[key]).max() < 1e-4, key
