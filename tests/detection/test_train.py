"""Fine-tuning a detector: where its weights come from, its batches, its bits; and scoring with it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from classification.tiny import RUNTIME, network, spec
from classification.tiny_training import Looking
from detection.samples import truth_of
from detection.tiny_training import BOXES, IMAGES, LABELS, REGIONS, SETTINGS
from googlenet.detection.regions import Warp, training_regions
from googlenet.detection.score import score
from googlenet.detection.train import RegionBatches, detector_from, train
from googlenet.errors import UserError
from googlenet.models.network import Network
from settings import changed, settings_of

SCORING = settings_of("score_regions", batch_size=2, context_px=16, switches=(), compare=())


def detector(seed=2, **change):
    return detector_from(network(replace(spec(), **change)), ["cat", "dog"], seed)


def fine_tuned(loader_workers=0, kind="paper", **change):
    tuned, rows = detector(network=kind), []
    runtime = replace(RUNTIME, loader_workers=loader_workers)
    result = train(tuned, IMAGES, REGIONS, changed(SETTINGS, **change), runtime, rows.append)
    assert tuple(rows) == result.epochs
    return {name: tensor.clone() for name, tensor in tuned.model.state_dict().items()}, result


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def batches(seed=1, network=None, **change):
    settings = changed(SETTINGS, detector={"order_seed": seed}, **change)
    return RegionBatches(IMAGES, REGIONS, settings, network or spec())


def test_the_figures_of_an_epoch_are_those_of_its_own_steps():
    looking = Looking()
    train(
        detector(),
        IMAGES,
        REGIONS,
        changed(SETTINGS, epochs=2, batches_per_epoch=2),
        RUNTIME,
        lambda row: None,
        looking,
    )
    assert [len(held) for held in looking.held] == [2, 0, 2, 0] and looking.held[2] == [1, 1]


def test_context_scales_with_the_input():
    specs = [spec().with_architecture(input_px=px) for px in (227, 224, 64, 32)]
    assert [Warp.of(one, 16).context_px for one in specs] == [16, 16, 5, 2]


def test_all_weights_are_kept_but_the_last_layers():
    classifier = network(spec(5), seed=7)
    started = detector_from(classifier, ["cat", "dog"], seed=3)
    assert started.spec == replace(spec(5), classes=("background", "cat", "dog"))
    before, after = classifier.model.state_dict(), started.model.state_dict()
    assert before.keys() == after.keys()
    new = {
        name for name in before if before[name].shape != after[name].shape or not torch.equal(before[name], after[name])
    }
    heads = ("linear", "aux_4a.linear", "aux_4d.linear")
    # Their biases start at 0, whatever the classifier's were.
    assert new == {f"{head}.{kind}" for head in heads for kind in ("weight", "bias")}
    assert after["linear.weight"].shape == (3, 64) and not after["linear.bias"].any()
    again, other = detector_from(classifier, ["cat", "dog"], 3), detector(4)
    assert torch.equal(again.model.linear.weight, started.model.linear.weight)
    assert not torch.equal(other.model.linear.weight, started.model.linear.weight)


def test_new_last_layers_begin_alike_with_either_initialisation():
    replica, he = (detector(3, initialisation=form).model for form in ("replica", "he"))
    assert torch.equal(replica.linear.weight, he.linear.weight) and not he.linear.bias.any()
    assert not torch.equal(replica.conv1[0].weight, he.conv1[0].weight)  # of the classifiers that they start from


def test_batches_are_positives_first_and_by_step_and_seed():
    regions = batches()
    crops, labels = regions[7]
    assert crops.shape == (8, 32, 32, 3) and crops.dtype == np.uint8
    assert (labels[:3] > 0).all() and (labels[3:] == 0).all()
    again = batches()
    for step in (9, 7):  # in any order
        crops_again, labels_again = again[step]
    assert np.array_equal(crops, crops_again) and torch.equal(labels, labels_again)
    assert not np.array_equal(crops, regions[8][0]) and not np.array_equal(crops, batches(seed=2)[7][0])


def test_a_region_is_warped_with_context_and_the_mean_around():
    grey = replace(spec(), input_mean=(10.4, 20.0, 30.0))
    regions = batches(network=grey, mirror=False, positives=4, negatives=0)
    expected = {
        Warp(32, 2, (10, 20, 30)).one(IMAGES[image], BOXES[image][row]).tobytes(): LABELS[image][row]
        for image, row in ((0, 0), (1, 0), (1, 3))
    }
    for step in range(5):
        crops, labels = regions[step]
        assert [expected[crop.tobytes()] for crop in crops] == labels.tolist()


def test_about_half_of_the_regions_are_mirrored():
    plain, mirrored = batches(mirror=False), batches()
    flips = []
    for step in range(20):
        for crop, other in zip(plain[step][0], mirrored[step][0], strict=True):
            flips.append(not np.array_equal(crop, other))
            assert np.array_equal(crop[:, ::-1] if flips[-1] else crop, other)
    assert 50 < sum(flips) < 110  # of 160


def test_training_regions_add_the_objects_that_are_not_difficult():
    proposals = [np.array([[0, 0, 9, 9], [50, 50, 59, 59], [30, 0, 39, 9]], np.int32), np.zeros((0, 4), np.int32)]
    objects = [truth_of([[1, 0, 10, 9], [30, 0, 39, 9]], [4, 2], [False, True]), truth_of()]
    boxes, labels = training_regions(proposals, objects, 0.5)
    assert boxes[0].tolist() == [[0, 0, 9, 9], [50, 50, 59, 59], [30, 0, 39, 9], [1, 0, 10, 9]]
    assert labels[0].tolist() == [5, 0, -1, 5]  # the difficult object's region is left out
    assert boxes[1].shape == (0, 4) and labels[1].tolist() == []
    objects[0] = objects[0]._replace(partial=np.array([7]))  # there may be objects of class 7 without a box
    assert training_regions(proposals, objects, 0.5)[1][0].tolist() == [5, -1, -1, 5]


def test_training_is_reproducible_with_any_number_of_workers():
    first, result = fine_tuned()
    assert same(first, fine_tuned()[0]) and same(first, fine_tuned(loader_workers=2)[0])
    assert not same(first, fine_tuned(detector={"order_seed": 5})[0])
    assert [(row.epoch, row.step) for row in result.epochs] == [(1, 2), (2, 4)]
    assert result.epochs[1].learning_rate == pytest.approx(0.005 * (1 + np.cos(0.75 * np.pi)))
    assert (result.images, result.positives_available) == (3, 3)
    assert result.member == SETTINGS.detector and result.parameters == detector().parameters
    assert all(0 <= row.train_accuracy_percent <= 100 for row in result.epochs)


def test_hard_negatives_are_reproducible_with_any_number_of_workers():
    hard = {"hard_negatives": {"enabled": True, "scored": 2, "hardest": 1}}
    first, result = fine_tuned(**hard)
    assert same(first, fine_tuned(**hard)[0]) and same(first, fine_tuned(loader_workers=2, **hard)[0])
    assert not same(first, fine_tuned()[0]) and len(result.epochs) == 2


def test_a_member_with_batch_normalisation_is_fine_tuned_and_its_statistics_move():
    first, _ = fine_tuned(kind="batch_norm")
    before = detector(network="batch_norm").model.state_dict()
    moved = [not torch.equal(first[name], before[name]) for name in before if "running_mean" in name]
    assert moved and all(moved) and same(first, fine_tuned(kind="batch_norm")[0])


def test_a_loss_that_is_not_finite_names_the_key():
    with pytest.raises(UserError, match=r"train_detector\.learning_rate: the loss was not finite in epoch 1"):
        fine_tuned(learning_rate=1e12)


def test_no_positive_region_is_an_error():
    nothing = REGIONS._replace(labels=[np.zeros_like(labels) for labels in LABELS])
    with pytest.raises(UserError, match="no positive region"):
        train(detector(), IMAGES, nothing, SETTINGS, RUNTIME, print)


def scores(network, image_list, boxes, settings=SCORING):
    probabilities = list(score(network, image_list, boxes, settings, {}, RUNTIME))
    assert all(one.keys() == {"probabilities"} for one in probabilities)
    return np.concatenate([one["probabilities"] for one in probabilities])


@pytest.mark.parametrize("kind", ["paper", "batch_norm"])
def test_scores_are_in_the_images_order_whatever_the_batch(kind):
    network = detector(network=kind)
    order = [2, 0, 1]  # the first image has no box
    image_list, boxes = [IMAGES[i] for i in order], [BOXES[i] for i in order]
    probabilities = scores(network, image_list, boxes)
    assert probabilities.shape == (7, 3) and probabilities.dtype == np.float32
    assert np.abs(probabilities.sum(1) - 1).max() < 1e-6
    whole = scores(network, image_list, boxes, changed(SCORING, batch_size=100))
    assert np.abs(probabilities - whole).max() < 1e-6
    alone = scores(network, [IMAGES[1]], [BOXES[1][3:]])
    assert np.abs(alone - probabilities[6:]).max() < 1e-6 and np.abs(probabilities[0] - probabilities[6]).max() > 1e-5
    assert list(score(network, [], [], SCORING, {}, RUNTIME)) == []


def test_a_network_without_the_papers_modules_becomes_no_detector():
    variant = Network(network().model, replace(spec(), network="torchvision_bn"))
    with pytest.raises(UserError, match="torchvision_bn: has other modules than the paper's network"):
        detector_from(variant, ["a"], 1)
