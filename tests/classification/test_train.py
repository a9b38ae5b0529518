"""A very small training, run for real: its order, its crops, its bits, and how it fails."""

import numpy as np
import pytest
import torch

from classification.tiny import AREA, RUNTIME, images, network, spec
from classification.tiny_training import IMAGES, LABELS, SETTINGS, SPLITS, Looking
from googlenet.classification.crops import crops_144, cut
from googlenet.classification.train import Splits, centre_crop_errors, final_outcomes, train
from googlenet.classification.training_crops import (
    TrainingBatches,
    TrainingCrops,
    batches,
    own_batches,
    validation_batches,
    with_validation,
)
from googlenet.config.schema.shared import Averaging
from googlenet.errors import UserError
from googlenet.models.runtime import Runtime
from googlenet.models.training import Average
from settings import changed


def trained(runtime=RUNTIME, **changes):
    """The weights after a training, what it measured, and the outcomes."""
    made, rows = network(), []
    metrics, outcomes = train(made, SPLITS, changed(SETTINGS, **changes), runtime, rows.append)
    assert tuple(rows) == metrics.epochs
    return {name: tensor.clone() for name, tensor in made.model.state_dict().items()}, metrics, outcomes


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def first():
    return trained()


def test_order_is_a_permutation_of_every_epoch():
    order = list(batches(12, 4, 3, seed=1))
    assert order == list(batches(12, 4, 3, seed=1)) and order != list(batches(12, 4, 3, seed=2))
    assert [len(batch) for batch in order] == [4] * 9
    seen = [[index for batch in order for e, index in batch if e == epoch] for epoch in range(3)]
    assert all(sorted(indices) == list(range(12)) for indices in seen)
    assert seen[0] != seen[1] != seen[2]


@pytest.mark.parametrize("first", [0, 1, 3, 4, 5, 9])
def test_the_order_goes_on_from_any_batch(first):
    assert list(batches(14, 4, 3, seed=1, first=first)) == list(batches(14, 4, 3, seed=1))[first:]


def test_the_last_smaller_batch_is_left():
    order = list(batches(11, 4, 2, seed=1))
    assert [len(batch) for batch in order] == [4] * 4
    assert len({key for batch in order for key in batch}) == 16


def test_a_crop_depends_on_its_epoch_index_and_seed_alone():
    crops = TrainingCrops(IMAGES, LABELS, SETTINGS, 32)
    there, labels = crops.batch([(0, i) for i in range(20)])
    back, _ = crops.batch([(0, i) for i in reversed(range(20))])
    assert np.array_equal(there, back[::-1]) and np.array_equal(labels, LABELS)
    assert not np.array_equal(crops.batch([(1, 3)])[0][0], there[3])
    other = TrainingCrops(IMAGES, LABELS, changed(SETTINGS, member={"sampling_seed": 7}), 32)
    assert not np.array_equal(other.batch([(0, 3)])[0][0], there[3])


def test_twice_the_same_bits(first):
    weights, metrics, _ = trained()
    assert same(first[0], weights) and first[1] == metrics


@pytest.mark.parametrize(
    "change",
    [
        {"member": {"order_seed": 4}},
        {"member": {"sampling_seed": 4}},
        {"mirror": False},
        {"momentum": 0.8},
        {"aux_weight": 0.0},
    ],
)
def test_a_setting_that_changes_gives_other_bits(first, change):
    assert not same(first[0], trained(**change)[0])


def test_who_loads_does_not_matter(first):
    assert same(first[0], trained(Runtime(loader_workers=2))[0])


def test_bf16_trains_too(first):
    weights, metrics, _ = trained(Runtime(precision="bf16"))
    assert all(tensor.dtype == torch.float32 for tensor in weights.values())
    assert not same(first[0], weights)
    assert metrics.epochs[0].train_loss == pytest.approx(first[1].epochs[0].train_loss, rel=0.05)


def test_history_by_hand(first):
    metrics = first[1]
    assert [(row.epoch, row.step) for row in metrics.epochs] == [(1, 2), (2, 4)]
    assert [row.learning_rate for row in metrics.epochs] == [0.01, 0.01]
    assert metrics.images_seen == 2 * 2 * 8
    assert metrics.parameters == network().parameters and metrics.member == SETTINGS.member
    # At the start: ln 3 for the main classifier, 0.3 of it for each of the two heads, and what the start adds.
    assert 1.0 < metrics.epochs[0].train_loss < 5
    last = metrics.epochs[-1]
    assert metrics.validation.averaged.top1_error_percent == last.validation_top1_error_percent
    assert metrics.validation.averaged.top5_error_percent == last.validation_top5_error_percent
    assert metrics.variant is None


def test_the_losses_of_an_epoch_are_those_of_its_own_steps():
    looking = Looking()
    train(network(), SPLITS, SETTINGS, RUNTIME, lambda row: None, looking)
    assert looking.held == [[1, 1], [], [1, 1], []]  # two steps an epoch


@pytest.mark.long
def test_it_learns_what_can_be_learnt():
    """Three even colours: after thirty short epochs the error is none, from a start at chance."""
    colours = [np.full((36, 36, 3), 0, np.uint8) for _ in range(24)]
    for i, image in enumerate(colours):
        image[:, :, i % 3] = 255
    data = colours, np.arange(24) % 3
    settings = changed(SETTINGS, epochs=30, sampling=AREA.model_dump(), warmup_steps=20)
    metrics, _ = train(network(), Splits(data, data, data), settings, RUNTIME, lambda row: None)
    assert metrics.validation.averaged.top1_error_percent == 0 and not metrics.stalled
    assert metrics.epochs[-1].train_loss < metrics.epochs[0].train_loss


def test_a_loss_that_is_not_finite_names_the_key():
    with pytest.raises(
        UserError, match=r"train_classifier\.learning_rate: the loss of m5 was not finite in epoch 1; lower it"
    ):
        trained(learning_rate=1e12, warmup_steps=0)


def test_a_batch_larger_than_the_set_names_the_key():
    with pytest.raises(UserError, match=r"train_classifier\.batch_size: 21 is more than the 20 training images"):
        trained(batch_size=21)


def test_a_training_that_stays_on_its_plateau_stops_and_names_the_member():
    slow = {"learning_rate": 1e-9, "epochs": 4}
    with pytest.raises(UserError, match=r"the training of m5 stalls: no main loss of the last 2 epochs is below"):
        trained(**slow, stall={"enabled": True})
    metrics = trained(**slow)[1]
    assert metrics.stalled and len(metrics.epochs) == 4


def test_a_main_classifier_at_chance_stalls_though_the_auxiliary_heads_learn():
    deaf = network(spec(2))
    for parameter in deaf.model.linear.parameters():
        torch.nn.init.zeros_(parameter).requires_grad_(False)
    images = [np.full((36, 36, 3), 255 * (i % 2), np.uint8) for i in range(24)]
    data, rows = (images, np.arange(24) % 2), []
    settings = changed(SETTINGS, epochs=12, learning_rate=0.05, stall={"enabled": True, "epochs": 12})
    with pytest.raises(
        UserError, match=r"stalls: no main loss of the last 12 epochs is below 0\.6862 \(chance is 0\.6931"
    ):
        train(deaf, Splits(data, data, data), settings, RUNTIME, rows.append)
    assert rows[-1].train_loss < 0.9 * 1.6 * np.log(2)


def test_a_loss_that_is_not_finite_stops_before_the_epoch_ends(monkeypatch):
    monkeypatch.setattr("googlenet.classification.train.STEPS_BETWEEN_CHECKS", 1)
    steps = []
    monkeypatch.setattr("googlenet.classification.train.learning_rate", lambda *a: steps.append(a) or 1e12)
    with pytest.raises(UserError, match=r"the loss of m5 was not finite in epoch 1"):
        trained(batch_size=2)  # ten steps an epoch
    assert 1 <= len(steps) < 10


def test_both_weights_are_evaluated_on_every_split(first):
    _, metrics, outcomes = first
    counts = {"validation": 4, "test": 16}
    assert outcomes.keys() == {
        f"{split}/{weights}/top{k}" for split in counts for weights in ("averaged", "last") for k in (1, 5)
    }
    for key, wrong in outcomes.items():
        split, weights, measure = key.split("/")
        assert wrong.shape == (counts[split],) and wrong.dtype == np.uint8
        errors = getattr(getattr(metrics, split), weights)
        assert errors.of(f"{measure}_error_percent") == pytest.approx(100 * wrong.mean())
    assert not outcomes["test/last/top5"].any()  # of three classes


def test_last_and_averaged_are_two_networks():
    """The last weights always answer class 0, the averaged ones class 1; the averaged ones stay."""
    made = network()
    linear = made.model.linear
    torch.nn.init.zeros_(linear.weight)
    linear.bias.data = torch.tensor([0.0, 5.0, 0.0])
    average = Average(made.model, 1, Averaging(form="equal", decay=0.9, start_epoch=0))
    linear.bias.data = torch.tensor([5.0, 0.0, 0.0])
    data = IMAGES[:4], np.array([0, 1, 1, 2])
    errors, outcomes = final_outcomes(made, average, Splits(data, data, data), RUNTIME)
    assert outcomes["test/last/top1"].tolist() == [0, 1, 1, 1]
    assert outcomes["test/averaged/top1"].tolist() == [1, 0, 0, 1]
    assert errors["test"].last.top1_error_percent == 75
    assert errors["test"].averaged.top1_error_percent == 50
    assert linear.bias.tolist() == [0, 5, 0]


@pytest.mark.parametrize("first", [0, 1, 3, 4, 5])
def test_validation_follows_the_last_batch_of_each_epoch(first):
    training = batches(14, 4, 2, seed=1, first=first)
    order = list(with_validation(training, 3, first, validation_batches(70)))
    whole = list(with_validation(batches(14, 4, 2, seed=1), 3, 0, validation_batches(70)))
    assert [len(keys) for keys in whole] == [4, 4, 4, 64, 6, 4, 4, 4, 64, 6]
    done = first + 2 * (first // 3)  # batches of validation among them
    assert order == whole[done:] and validation_batches(70) == [range(64), range(64, 70)]


def test_processes_share_out_the_batches_of_validation_and_the_rows_of_training():
    every = [own_batches(200, Runtime(rank=rank, processes=2)) for rank in range(2)]
    assert every == [[range(64), range(128, 192)], [range(64, 128), range(192, 200)]]
    crops = TrainingCrops(IMAGES, LABELS, SETTINGS, 32)
    batches = TrainingBatches(crops, (IMAGES[:4], LABELS[:4]))
    whole, lower = (next(batches.load(RUNTIME, 1, rows)) for rows in (slice(None), slice(5, 8)))
    assert np.array_equal(lower[0], whole[0][5:8]) and lower[1].tolist() == whole[1][5:8].tolist()


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_an_epoch_is_validated_as_images_are_predicted(first, workers):
    """By the loader, the same errors as by prediction itself, though images have another size and the last batch is short."""
    odd = images([(40, 36), (33, 50), (64, 64), (90, 40), (32, 32)])
    labels = np.array([0, 1, 2, 0, 1])
    made = network()
    data = Splits((IMAGES, LABELS), (odd, labels), (odd, labels))
    metrics, _ = train(made, data, SETTINGS, Runtime(loader_workers=workers), lambda row: None)
    expected = centre_crop_errors(made, odd, labels, RUNTIME)
    assert metrics.epochs[-1].validation_top1_error_percent == 100 * expected.top1.mean()
    assert metrics.validation.averaged.top1_error_percent == 100 * expected.top1.mean()
    assert same(first[0], made.model.state_dict())
    loaded = TrainingBatches(TrainingCrops(IMAGES, LABELS, SETTINGS, 32), (odd, labels)).load(RUNTIME, 0)
    crops = [next(loaded)[0].copy() for _ in range(3)][2]
    every = [cut(image, [crops_144(image.shape[1], image.shape[0], 32)[20]], 32)[0] for image in odd]
    assert np.array_equal(crops[:5], every) and not crops[5:].any() and len(crops) == 64
