"""Fine-tuning a detector: where its weights come from, its batches, its bits; and scoring with it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from classification.tiny import COMPUTE, description, network, pictures
from googlenet.detection.regions import context_at, training_regions, warp
from googlenet.detection.score import score
from googlenet.detection.train import RegionBatches, detector_from, train
from googlenet.errors import UserError

SETTINGS = {
    "epochs": 2,
    "batches_per_epoch": 2,
    "positives": 3,
    "negatives": 5,
    "context_px": 16,
    "learning_rate": 0.01,
    "warmup_steps": 0,
    "schedule": "cosine",
    "drop_every_epochs": 8,
    "drop_factor": 0.96,
    "momentum": 0.9,
    "weight_decay": 0.0005,
    "aux_weight": 0.3,
    "averaging": {"form": "exponential", "decay": 0.9, "start_epoch": 0},
    "hard_negatives": {"share": 0.0, "scored": 6, "hardest": 2},
    "mirror": True,
    "detector": {"order_seed": 4},
}
PICTURES = pictures([(60, 50), (50, 60), (48, 48)])
BOXES = [
    np.array([[0, 0, 19, 19], [20, 10, 39, 39], [5, 5, 50, 30]], np.float32),
    np.array([[0, 0, 29, 9], [10, 20, 39, 55], [3, 3, 8, 8], [1, 1, 40, 40]], np.float32),
    np.zeros((0, 4), np.float32),
]
LABELS = [np.array([1, 0, 0]), np.array([2, 0, -1, 1]), np.zeros(0, np.int64)]


def detector(seed=2):
    return detector_from(network(description()), description(), ["cat", "dog"], seed)


def fine_tuned(change=(), compute=()):
    model, described = detector()
    rows = []
    settings = SETTINGS | dict(change)
    history = train(model, described, PICTURES, BOXES, LABELS, settings, COMPUTE | dict(compute), rows.append)
    assert rows == history["epochs"]
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}, history


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def batches(change=(), seed=1, described=None):
    return RegionBatches(PICTURES, BOXES, LABELS, SETTINGS | dict(change), described or description(), seed)


def test_context_scales_with_the_input():
    assert [context_at(16, px) for px in (227, 224, 64, 32)] == [16, 16, 5, 2]


def test_all_weights_are_kept_but_the_last_layers():
    classifier = network(description(5), seed=7)
    model, described = detector_from(classifier, description(5), ["cat", "dog"], seed=3)
    assert described == replace(description(5), classes=["background", "cat", "dog"])
    before, after = classifier.state_dict(), model.state_dict()
    assert before.keys() == after.keys()
    new = {
        name
        for name in before
        if before[name].shape != after[name].shape or not torch.equal(before[name], after[name])
    }
    heads = ("linear", "aux_4a.linear", "aux_4d.linear")
    # Their biases start at 0, whatever the classifier's were.
    assert new == {f"{head}.{kind}" for head in heads for kind in ("weight", "bias")}
    assert after["linear.weight"].shape == (3, 64) and not after["linear.bias"].any()
    again, other = detector_from(classifier, description(5), ["cat", "dog"], 3), detector(4)
    assert torch.equal(again[0].linear.weight, model.linear.weight)
    assert not torch.equal(other[0].linear.weight, model.linear.weight)


def test_batches_are_positives_first_and_by_step_and_seed():
    regions = batches()
    crops, labels = regions[7]
    assert crops.shape == (8, 32, 32, 3) and crops.dtype == np.uint8
    assert (labels[:3] > 0).all() and (labels[3:] == 0).all()
    again = batches()
    for step in (9, 7):  # in whatever order they are asked for
        crops_again, labels_again = again[step]
    assert np.array_equal(crops, crops_again) and torch.equal(labels, labels_again)
    assert not np.array_equal(crops, regions[8][0]) and not np.array_equal(crops, batches(seed=2)[7][0])


def test_a_region_is_warped_with_context_and_the_mean_around():
    described = replace(description(), input_mean=[10.4, 20.0, 30.0])
    regions = batches({"mirror": False, "positives": 4, "negatives": 0}, described=described)
    wanted = {
        warp(PICTURES[image], BOXES[image][row], 32, 2, (10, 20, 30)).tobytes(): LABELS[image][row]
        for image, row in ((0, 0), (1, 0), (1, 3))
    }
    for step in range(5):
        crops, labels = regions[step]
        assert [wanted[crop.tobytes()] for crop in crops] == labels.tolist()


def test_about_half_of_the_regions_are_mirrored():
    plain, mirrored = batches({"mirror": False}), batches()
    flips = []
    for step in range(20):
        for crop, other in zip(plain[step][0], mirrored[step][0], strict=True):
            flips.append(not np.array_equal(crop, other))
            assert np.array_equal(crop[:, ::-1] if flips[-1] else crop, other)
    assert 50 < sum(flips) < 110  # of 160


def test_training_regions_add_the_objects_that_are_not_difficult():
    proposals = [
        np.array([[0, 0, 9, 9], [50, 50, 59, 59], [30, 0, 39, 9]], np.int32),
        np.zeros((0, 4), np.int32),
    ]
    truth = np.array([[1, 0, 10, 9], [30, 0, 39, 9]], np.int32)
    objects = [
        (truth, np.array([4, 2]), np.array([False, True]), np.zeros(0, np.int32)),
        (np.zeros((0, 4), np.int32), np.zeros(0, np.int64), np.zeros(0, bool), np.zeros(0, np.int32)),
    ]
    boxes, labels = training_regions(proposals, objects, 0.5)
    assert boxes[0].tolist() == [[0, 0, 9, 9], [50, 50, 59, 59], [30, 0, 39, 9], [1, 0, 10, 9]]
    assert labels[0].tolist() == [5, 0, -1, 5]  # the difficult object's region is left out
    assert boxes[1].shape == (0, 4) and labels[1].tolist() == []
    objects[0] = (*objects[0][:3], np.array([7], np.int32))  # things of class 7 may stand about without a box
    assert training_regions(proposals, objects, 0.5)[1][0].tolist() == [5, -1, -1, 5]


def test_twice_the_same_bits_and_whoever_loads():
    first, history = fine_tuned()
    assert same(first, fine_tuned()[0]) and same(first, fine_tuned(compute={"loader_workers": 2})[0])
    assert not same(first, fine_tuned({"detector": {"order_seed": 5}})[0])
    assert [(row["epoch"], row["step"]) for row in history["epochs"]] == [(1, 2), (2, 4)]
    assert history["epochs"][1]["learning_rate"] == pytest.approx(0.005 * (1 + np.cos(0.75 * np.pi)))
    assert (history["images"], history["positives_available"]) == (3, 3)
    assert all(0 <= row["train_accuracy_percent"] <= 100 for row in history["epochs"])


def test_hard_negatives_are_found_at_every_epoch_whoever_loads():
    hard = {"hard_negatives": {"share": 0.4, "scored": 2, "hardest": 1}}
    first, history = fine_tuned(hard)
    assert same(first, fine_tuned(hard)[0]) and same(first, fine_tuned(hard, {"loader_workers": 2})[0])
    assert not same(first, fine_tuned()[0]) and len(history["epochs"]) == 2


def test_a_loss_that_is_no_number_names_the_key():
    with pytest.raises(UserError, match=r"train_detector\.learning_rate: the loss was no number in epoch 1"):
        fine_tuned({"learning_rate": 1e12})


def test_no_positive_region_is_told():
    model, described = detector()
    nothing = [np.zeros_like(labels) for labels in LABELS]
    with pytest.raises(UserError, match="no positive region"):
        train(model, described, PICTURES, BOXES, nothing, SETTINGS, COMPUTE, print)


def scores(model, described, shown, boxes, settings):
    found = list(score(model, described, shown, boxes, settings, COMPUTE, {"": []}, {}))
    assert all(one.keys() == {"probabilities"} for one in found)
    return np.concatenate([one["probabilities"] for one in found])


def test_scores_are_in_the_pictures_order_whatever_the_batch():
    model, described = detector()
    settings = {"batch_size": 2, "context_px": 16}
    order = [2, 0, 1]  # the first picture has no box
    shown, boxes = [PICTURES[i] for i in order], [BOXES[i] for i in order]
    found = scores(model, described, shown, boxes, settings)
    assert found.shape == (7, 3) and found.dtype == np.float32
    assert np.abs(found.sum(1) - 1).max() < 1e-6
    whole = scores(model, described, shown, boxes, settings | {"batch_size": 100})
    assert np.abs(found - whole).max() < 1e-6
    alone = scores(model, described, [PICTURES[1]], [BOXES[1][3:]], settings)
    assert np.abs(alone - found[6:]).max() < 1e-6 and np.abs(found[0] - found[6]).max() > 1e-5
    assert list(score(model, described, [], [], settings, COMPUTE, {"": []}, {})) == []


def test_a_detector_starts_from_the_papers_network_alone():
    variant = replace(description(3), network="torchvision_bn")
    with pytest.raises(
        UserError, match=r"a detector starts from torchvision_bn; name a member with the paper's"
    ):
        detector_from(network(description(3)), variant, ["a"], 1)
