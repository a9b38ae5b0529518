"""One pass over an image's crops serves every policy; nothing else about the pass matters."""

from dataclasses import replace

import numpy as np
import pytest

from classification.tiny import RUNTIME, images, network, spec
from googlenet.classification.crops import POLICIES, crops_144, cut
from googlenet.classification.error_rates import ranks, top_errors
from googlenet.classification.kept_crops import Keeper, KeptCrops, sample
from googlenet.classification.predict import (
    Classifier,
    Cropping,
    crop_scores,
    predict,
    probabilities,
    union,
)
from googlenet.classification.train import centre_crop_errors
from googlenet.metrics.error_rates import TopErrors
from googlenet.models.runtime import Runtime

IMAGES = images([(40, 32), (32, 51), (36, 36), (80, 33)])


ALL = Cropping((1, 10, 144), 100)


@pytest.fixture(scope="module")
def five():
    """A network of five classes."""
    made = network(spec(5))
    made.model.eval()
    return made


@pytest.fixture(scope="module")
def together(five):
    return predicted(five, IMAGES, ALL, RUNTIME)


def predicted(network, images, cropping, runtime=RUNTIME, keeper=None):
    return predict(Classifier.of(network, images, cropping, runtime), images, cropping, keeper=keeper)


def close(a, b):
    return np.abs(a.astype(np.float64) - b).max() < 1e-6


def test_every_policy_is_the_mean_over_its_crops(five, together):
    for policy, scores in together.items():
        assert scores.shape == (4, 5) and scores.dtype == np.float32
        for image, mean in zip(IMAGES, scores, strict=True):
            every = crops_144(image.shape[1], image.shape[0], 32)
            crops = cut(image, [every[i] for i in POLICIES[policy]], 32)
            assert close(mean, probabilities(five, crops, RUNTIME).mean(0))
    assert not close(together[1], together[10]) and not close(together[10], together[144])
    assert close(together[144].sum(1), 1)


@pytest.mark.parametrize("policies", [(1,), (10,), (144,), (144, 1)])
def test_policies_together_equal_each_by_itself(five, together, policies):
    alone = predicted(five, IMAGES, Cropping(policies, 100), RUNTIME)
    assert tuple(alone) == policies
    assert all(close(alone[policy], together[policy]) for policy in policies)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_one_and_ten_crops_alone_give_the_same_bits(five, precision):
    """Batches of one shape: neither the other crops of an image nor the other images change a bit of a crop's softmax."""
    runtime, every = Runtime(precision=precision), Cropping((1, 10, 144), 48)
    whole = predicted(five, IMAGES, every, runtime)
    for policy in (1, 10):
        alone = predicted(five, IMAGES, Cropping((policy,), 48), runtime)
        assert np.array_equal(alone[policy], whole[policy])
    for image, *means in zip(IMAGES, *whole.values(), strict=True):
        by_itself = predicted(five, [image], every, runtime)
        assert all(np.array_equal(a[0], b) for a, b in zip(by_itself.values(), means, strict=True))


def test_kept_crops_are_those_that_the_means_are_made_of(five, together):
    chosen = np.array([2, 3])  # a square and a landscape
    keeper = Keeper(chosen, range(144), 5)
    again = predicted(five, IMAGES, ALL, RUNTIME, keeper)
    kept = KeptCrops.of(keeper.arrays("test"), "test")
    assert kept.softmax.dtype == np.float32 and len(kept.softmax) == 48 + 144
    assert kept.images.tolist() == [2, 3] and kept.distinct.max(1).tolist() == [47, 143]
    crops = kept.of_images(slice(0, 2))
    assert crops.shape == (2, 144, 5)
    for policy, places in POLICIES.items():
        means = crops[:, places].mean(1, dtype=np.float64).astype(np.float32)
        assert np.array_equal(means, again[policy][chosen])
        assert np.array_equal(again[policy], together[policy])
    few = Cropping((1, 10), 100)
    (scores, index), *none = crop_scores(Classifier.as_it_is(five, RUNTIME), [IMAGES[2]], [0], few)
    assert not none and np.array_equal(scores[index], kept.of_images(slice(0, 1))[0, few.numbers])
    assert few.numbers == union([10, 1]) == list(range(12, 22))


def test_a_sample_is_of_as_many_images_as_there_are():
    assert sample(5, 9, seed=1).tolist() == [0, 1, 2, 3, 4]
    some = sample(1000, 20, seed=1)
    assert len(set(some.tolist())) == 20 and np.all(np.diff(some) > 0)
    assert np.array_equal(some, sample(1000, 20, seed=1)) and not np.array_equal(some, sample(1000, 20, seed=2))


@pytest.mark.parametrize("batch_size", [7, 48, 1000])
def test_the_cut_into_batches_does_not_matter(five, together, batch_size):
    other = predicted(five, IMAGES, replace(ALL, batch_size=batch_size), RUNTIME)
    assert all(close(other[policy], together[policy]) for policy in together)


def test_without_mirror_each_crop_stands_for_its_mirror_image(five, together):
    plain = predicted(five, IMAGES, replace(ALL, mirror=False), RUNTIME)
    assert close(plain[1], together[1]) and not close(plain[144], together[144])
    for image, ten, most in zip(IMAGES, plain[10], plain[144], strict=True):
        every = crops_144(image.shape[1], image.shape[0], 32, mirror=False)
        assert close(ten, probabilities(five, cut(image, every[12:22:2], 32), RUNTIME).mean(0))
        assert close(most, probabilities(five, cut(image, every[::2], 32), RUNTIME).mean(0))


def test_images_smaller_than_the_crop_are_enlarged(five):
    for size in ((1, 1), (3, 20), (31, 9)):
        made = predicted(five, images([size]), ALL, RUNTIME)
        assert all(close(scores.sum(1), 1) for scores in made.values())


def test_prediction_leaves_training_mode_and_drops_no_unit(five, together):
    one = Cropping((1,), 100)
    five.model.train()
    again = predicted(five, IMAGES, one, RUNTIME)
    assert np.array_equal(again[1], predicted(five, IMAGES, one, RUNTIME)[1])
    assert not five.model.training and close(again[1], together[1])


def test_no_image_gives_no_row(five):
    assert predicted(five, [], Cropping((1, 144), 10), RUNTIME)[144].shape == (0, 5)


def test_top_errors_by_hand():
    scores = np.array(
        [
            [0.5, 0.1, 0.1, 0.1, 0.1, 0.1],  # right for label 0
            [0.3, 0.2, 0.2, 0.1, 0.1, 0.1],  # label 4: fifth by its index among equals
            [0.3, 0.2, 0.2, 0.1, 0.1, 0.1],  # label 5: sixth
            [0.0, 0.3, 0.3, 0.2, 0.1, 0.1],  # label 2: ties with class 1, which comes first
        ]
    )
    assert top_errors(scores, np.array([0, 4, 5, 2])) == TopErrors(top1_error_percent=75, top5_error_percent=25)
    assert top_errors(scores, np.array([0, 0, 0, 1])) == TopErrors(top1_error_percent=0, top5_error_percent=0)


def test_ranks_are_those_of_a_stable_sort():
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 4, (200, 8)) / 4  # many ties
    labels = rng.integers(0, 8, 200)
    order = np.argsort(-scores, axis=1, kind="stable")
    assert np.array_equal(ranks(scores, labels), np.argmax(order == labels[:, None], axis=1))
    stacked = ranks(np.stack([scores, -scores]), labels)
    assert stacked.shape == (2, 200) and np.array_equal(stacked[0], ranks(scores, labels))
    scores[0] = np.nan
    assert ranks(scores, labels)[0] == 8  # never right


def test_fewer_classes_than_five_are_never_wrong_at_five():
    errors = top_errors(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([1, 0]))
    assert errors == TopErrors(top1_error_percent=50, top5_error_percent=0)


def test_centre_crop_errors_are_those_of_one_crop(five, together):
    labels = together[1].argmax(1)
    assert not centre_crop_errors(five, IMAGES, labels, RUNTIME).top1.any()
    assert centre_crop_errors(five, IMAGES, (labels + 1) % 5, RUNTIME).top1.all()


@pytest.mark.parametrize("processes", [2, 8])
def test_several_processes_share_the_images_of_an_evaluation(five, monkeypatch, processes):
    """Some have none; together they find what one process finds, whoever has which images and threads."""
    labels, parts = np.array([0, 1, 2, 3]), []

    def kept(found, runtime):
        parts.append(found)
        return found

    monkeypatch.setattr("googlenet.classification.train.merged", kept)
    for rank in range(processes):
        centre_crop_errors(five, IMAGES, labels, Runtime(rank=rank, processes=processes, loader_workers=rank))
    centre_crop_errors(five, IMAGES, labels, RUNTIME)
    assert sum(parts[:-1]).tolist() == parts[-1].tolist()
    assert [np.count_nonzero(part) for part in parts[:-1]] == [
        np.count_nonzero(parts[-1][rank::processes]) for rank in range(processes)
    ]
