"""MultiBox: the network of a specification, its boxes, its batches, and a training that beats fixed boxes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from classification.tiny import RUNTIME, images, network, spec
from detection.samples import truth_of
from detection.tiny_multibox import PX, SETTINGS, begun, scenes
from googlenet.detection.coverage import NEVER, first_cover
from googlenet.detection.multibox import Proposer, cells_of, load, save, squeezed, start, trunk_of
from googlenet.detection.multibox_train import (
    ImageBatches,
    boxes_in_window,
    mirrored,
    order_of_round,
    priors_of,
    squeezed_boxes,
    train,
    window,
)
from googlenet.detection.priors import k_means, rescale
from googlenet.errors import UserError
from googlenet.storage.checkpoint import save as save_tensors
from settings import changed, settings_of
from tables import quick


def most(boxes, nms_iou):
    """Settings of merge_proposals for so many boxes of MultiBox."""
    return settings_of("merge_proposals", multibox_boxes=boxes, multibox_nms_iou=nms_iou)


def proposed(model, image, settings):
    return Proposer(model, 1, image, RUNTIME)(image, settings)


@pytest.mark.parametrize(("head", "last", "count"), [("flat", "5b", 4), ("grid", "4a", 4 * 4 * 4)])
def test_the_untrained_network_proposes_its_priors(head, last, count):
    image_list, objects = scenes(6, 0)
    model = begun(head, last, objects)
    assert len(model.priors) == model.form.priors == count
    offsets, logits = model(torch.randn(2, 3, PX, PX))
    assert offsets.shape == (2, count, 4) and logits.shape == (2, count)
    assert not offsets.any() and len(logits.unique()) == 1
    boxes, confidence = proposed(model, image_list[0], most(3, 0.999))
    expected = rescale(model.priors[: len(boxes)].numpy(), 80 / PX, 60 / PX)
    assert boxes == pytest.approx(np.rint(np.clip(expected, 0, [79, 59, 79, 59])))
    assert boxes.dtype == np.int32 and confidence.dtype == np.float32


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_confidences_begin_finite_if_none_or_every_prior_is_matched(share):
    form, classifier = begun("flat", "5b", scenes(6, 0)[1]).form, network()
    model = start(form, classifier, np.zeros((form.priors, 4), np.float32), share, 0)
    assert model.linear.bias.isfinite().all()


def test_outputs_of_the_grid_are_those_of_their_cells():
    _, objects = scenes(6, 0)
    model = begun("grid", "4a", objects)
    torch.nn.init.normal_(model.linear.weight, generator=torch.Generator().manual_seed(0))
    x = torch.zeros(1, 3, PX, PX)
    out = model.linear(model.before(model.trunk.map_after(x, "4a")[0]))
    offsets, logits = model(x)
    row, column, shape = 1, 2, 3
    prior = (row * 4 + column) * 4 + shape
    assert torch.equal(offsets[0, prior], out[0, 5 * shape : 5 * shape + 4, row, column])
    assert logits[0, prior] == out[0, 5 * shape + 4, row, column]
    centre = (model.priors[prior, :2] + model.priors[prior, 2:] + 1) / 2
    assert centre.tolist() == pytest.approx([40, 24])


@pytest.mark.parametrize("kind", ["paper", "batch_norm"])
def test_a_file_holds_the_whole_network(tmp_path, kind):
    image_list, objects = scenes(6, 0)
    model = begun("flat", "4a", objects, network=kind)
    torch.nn.init.normal_(model.linear.weight, std=0.1, generator=torch.Generator().manual_seed(0))
    state = model.state_dict()
    assert not [name for name in state if "4b" in name or "aux" in name or name.startswith("trunk.linear")]
    path = tmp_path / "weights.safetensors"
    save(path, model, "a stamp")
    again = load(path, "cpu", kind)
    assert again.form == model.form and not again.training
    first, second = (proposed(one, image_list[0], most(3, 0.7)) for one in (model.on("cpu").eval(), again))
    assert np.array_equal(first[0], second[0]) and np.array_equal(first[1], second[1])
    with pytest.raises(UserError, match=f"weights of the network {kind}, where the settings name torchvision_bn"):
        load(path, "cpu", "torchvision_bn")


def test_a_file_of_another_kind_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "weights.safetensors"
    for metadata in ({}, {"form": "{}"}, {"form": '{"last": 5}'}):
        save_tensors(path, {"a": torch.zeros(1)}, {"stamp": "a stamp"} | metadata)
        with pytest.raises(UserError, match="without a description of their MultiBox; train it again"):
            load(path, "cpu", "paper")


def test_a_network_without_the_papers_modules_is_no_trunk():
    with pytest.raises(UserError, match="torchvision_bn: has other modules than the paper's network"):
        cells_of(trunk_of(replace(spec(), network="torchvision_bn"), PX), "4a")


def test_a_trunk_with_batch_normalisation_starts_with_its_statistics():
    _, objects = scenes(6, 0)
    model = begun("grid", "4a", objects, network="batch_norm")
    before = network(replace(spec(), network="batch_norm")).model.state_dict()
    statistics = {name: value for name, value in model.trunk.state_dict().items() if "running" in name}
    assert statistics and all(torch.equal(value, before[name]) for name, value in statistics.items())


@pytest.mark.parametrize(("form", "bias"), [("replica", 0.2), ("he", 0.0)])
def test_its_own_layers_begin_as_its_trunk_did(form, bias):
    _, objects = scenes(6, 0)
    model = begun("grid", "4a", objects, initialisation=form)
    assert (model.before[0].bias == bias).all()


def test_no_object_to_learn_from_is_an_error():
    with pytest.raises(UserError, match="train_multibox: the training images have no object"):
        priors_of([np.zeros((0, 4))], "flat", 4, 1, PX, 1)


def test_every_image_comes_once_before_any_comes_again():
    turns = [order_of_round(turn, 5, seed=3).tolist() for turn in range(3)]
    assert all(sorted(turn) == list(range(5)) for turn in turns)
    assert len({tuple(turn) for turn in turns}) > 1
    # Six a step, from the endless order of the turns.
    image_list = [np.full((60, 80, 3), 10 * i, np.uint8) for i in range(5)]
    settings = changed(SETTINGS, batch_size=6, order_seed=3)
    batches = ImageBatches(image_list, [truth_of([[0, 0, 9, 9]])] * 5, np.array([[0.0, 0, 9, 9]]), settings, PX)
    seen = [int(crop.mean()) // 10 for step in range(2) for crop in batches[step][0]]
    assert seen == [*turns[0], *turns[1], *turns[2]][:12]


def test_a_window_has_its_share_of_the_area():
    rng = np.random.default_rng(0)
    assert window(80, 60, [1, 1], [1, 1], rng) == (0, 0, 80, 60)
    for _ in range(50):
        left, top, w, h = window(800, 600, [0.25, 0.36], [0.8, 1.25], rng)
        assert 0 <= left <= 800 - w and 0 <= top <= 600 - h
        assert 0.24 < w * h / 480_000 < 0.37 and 0.79 < (w / 800) / (h / 600) < 1.26


def test_objects_whose_centre_is_outside_are_gone_and_others_cut():
    boxes = np.array([[0, 0, 9, 9], [5, 5, 24, 24], [16, 6, 40, 9]])  # centres (5, 5), (15, 15), (28.5, 8)
    assert boxes_in_window(boxes, 8, 4, 20, 10)[1].tolist() == [False, False, False]  # from (8, 4) to (27, 13)
    proposed, kept = boxes_in_window(boxes, 0, 4, 20, 12)
    assert kept.tolist() == [True, True, False]
    assert proposed.tolist() == [[0, 0, 9, 5], [5, 1, 19, 11]]
    assert mirrored(proposed, 20).tolist() == [[10, 0, 19, 5], [0, 1, 14, 11]]


def test_objects_in_batches_are_where_the_targets_place_them():
    image_list, objects = scenes(6, 0)
    model = begun("grid", "4a", objects)
    settings = changed(SETTINGS, crop_area=(0.5, 1.0), crop_aspect=(0.75, 1.333))
    batches = ImageBatches(image_list, objects, model.priors.numpy(), settings, PX)
    inside = []
    for step in range(6):
        crops, expected = batches[step]
        for crop, offsets, matched in zip(crops, expected.offsets.numpy(), expected.matched.numpy(), strict=True):
            for prior in np.flatnonzero(matched):
                centre, side = middle(model.priors[prior].numpy())
                x, y = np.clip(centre + offsets[prior, :2] * side, 0, PX - 1).astype(int)
                inside.append(crop[y, x].mean() > 150)
    assert len(inside) > 20 and np.mean(inside) > 0.95
    again = batches[5]
    assert np.array_equal(crops, again[0]) and torch.equal(expected.matched, again[1].matched)


def middle(box):
    side = box[2:] - box[:2] + 1
    return box[:2] + side / 2, side


@pytest.mark.long
@pytest.mark.parametrize(("head", "last"), quick([("grid", "3b"), ("flat", "4a")], 1))
def test_training_lowers_the_loss_and_beats_fixed_boxes(head, last):
    image_list, objects = scenes(64, 0)
    priors, match_iou = (3, 0.5) if head == "grid" else (24, 1.0)
    wider = spec().with_architecture(width=1 / 8).architecture
    model = begun(head, last, objects, priors, channels=32, architecture=wider)
    rows = []
    settings = changed(SETTINGS, match_iou=match_iou, epochs=6)
    history = train(model, image_list, objects, settings, RUNTIME, rows.append)
    assert history == tuple(rows) and [row.epoch for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[-1].train_loss < 0.6 * rows[0].train_loss
    model.eval()
    fixed = k_means(np.concatenate(squeezed_boxes(objects, [(80, 60)] * 64, PX)), 5, 1)
    fixed = rescale(fixed, 80 / PX, 60 / PX)
    image_list, objects = scenes(40, 1)
    found = [proposed(model, image, most(5, 0.5))[0] for image in image_list]
    ours, theirs = (
        sum(int((first_cover(boxes, truth.boxes) != NEVER).sum()) for boxes, truth in zip(all_, objects, strict=True))
        for all_ in (found, [fixed] * 40)
    )
    assert ours > theirs + 10, (ours, theirs)


def test_training_is_reproducible_with_any_number_of_workers():
    image_list, objects = scenes(6, 0)
    weights = []
    for workers in (0, 0, 2):
        model = begun("grid", "4a", objects)
        settings = changed(SETTINGS, epochs=1, batches_per_epoch=2, batch_size=2)
        train(model, image_list, objects, settings, replace(RUNTIME, loader_workers=workers), print)
        weights.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
    for other in weights[1:]:
        assert all(torch.equal(weights[0][name], other[name]) for name in other)


def test_a_loss_that_is_not_finite_names_the_key():
    image_list, objects = scenes(6, 0)
    model = begun("grid", "4a", objects)
    with pytest.raises(UserError, match=r"train_multibox\.learning_rate: the loss was not finite in epoch"):
        train(model, image_list, objects, changed(SETTINGS, learning_rate=1e12), RUNTIME, print)


def test_an_image_is_squeezed_whole():
    image = images([(80, 60)])[0]
    assert squeezed(image, 32).shape == (32, 32, 3)
    assert abs(squeezed(image, 32).mean() - image.mean()) < 1
