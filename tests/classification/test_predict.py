"""One pass over a picture's crops serves every policy; nothing else about the pass matters."""

import numpy as np
import pytest

from classification.tiny import COMPUTE, description, network, pictures
from googlenet.classification.crops import POLICIES, crops_144, cut, upright
from googlenet.classification.error_rates import ranks, top_errors
from googlenet.classification.kept_crops import Keeper, KeptCrops, sample
from googlenet.classification.predict import centre_errors, crop_scores, predict, probabilities, union

PICTURES = pictures([(40, 32), (32, 51), (36, 36), (80, 33)])


@pytest.fixture(scope="module")
def model():
    return network(description(5)).eval()


@pytest.fixture(scope="module")
def together(model):
    return predict(model, description(5), PICTURES, [1, 10, 144], 100, COMPUTE)


def close(a, b):
    return np.abs(a.astype(np.float64) - b).max() < 1e-6


def test_every_policy_is_the_mean_over_its_crops(model, together):
    for policy, found in together.items():
        assert found.shape == (4, 5) and found.dtype == np.float32
        for picture, mine in zip(PICTURES, found, strict=True):
            every = crops_144(picture.shape[1], picture.shape[0], 32)
            crops = cut(picture, [every[i] for i in POLICIES[policy]], 32)
            assert close(mine, probabilities(model, description(5), crops, COMPUTE).mean(0))
    assert not close(together[1], together[10]) and not close(together[10], together[144])
    assert close(together[144].sum(1), 1)


@pytest.mark.parametrize("policies", [[1], [10], [144], [144, 1]])
def test_policies_together_equal_each_by_itself(model, together, policies):
    alone = predict(model, description(5), PICTURES, policies, 100, COMPUTE)
    assert list(alone) == policies
    assert all(close(alone[policy], together[policy]) for policy in policies)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_one_and_ten_crops_alone_give_the_same_bits(model, precision):
    """Batches of one shape: neither the other crops of a picture nor the other pictures change a bit of a crop's softmax."""
    compute = COMPUTE | {"precision": precision}
    whole = predict(model, description(5), PICTURES, [1, 10, 144], 48, compute)
    for policy in (1, 10):
        alone = predict(model, description(5), PICTURES, [policy], 48, compute)
        assert np.array_equal(alone[policy], whole[policy])
    for picture, *mine in zip(PICTURES, *whole.values(), strict=True):
        by_itself = predict(model, description(5), [picture], [1, 10, 144], 48, compute)
        assert all(np.array_equal(a[0], b) for a, b in zip(by_itself.values(), mine, strict=True))


def test_kept_crops_are_those_that_the_means_are_made_of(model, together):
    chosen = [2, 3]  # a square and a landscape
    keeper = Keeper(chosen, range(144), 5)
    again = predict(model, description(5), PICTURES, [1, 10, 144], 100, COMPUTE, keeper=keeper)
    kept = KeptCrops.of(keeper.arrays("test"), "test")
    assert kept.softmax.dtype == np.float32 and len(kept.softmax) == 48 + 144
    assert kept.pictures.tolist() == chosen and kept.distinct.max(1).tolist() == [47, 143]
    crops = kept.of_pictures(slice(0, 2))
    assert crops.shape == (2, 144, 5)
    for policy, places in POLICIES.items():
        means = crops[:, places].mean(1, dtype=np.float64).astype(np.float32)
        assert np.array_equal(means, again[policy][chosen])
        assert np.array_equal(again[policy], together[policy])
    numbers = union([1, 10])
    passed = crop_scores(model, description(5), [PICTURES[2]], numbers, 100, COMPUTE)
    (scores, index), *none = passed
    assert not none and np.array_equal(scores[index], kept.of_pictures(slice(0, 1))[0, numbers])


def test_a_sample_is_of_as_many_pictures_as_there_are():
    assert sample(5, 9, seed=1).tolist() == [0, 1, 2, 3, 4] and len(sample(5, 0, seed=1)) == 0
    some = sample(1000, 20, seed=1)
    assert len(set(some.tolist())) == 20 and np.all(np.diff(some) > 0)
    assert np.array_equal(some, sample(1000, 20, seed=1)) and not np.array_equal(
        some, sample(1000, 20, seed=2)
    )
    assert Keeper([], range(144), 5).arrays("test") == {}


@pytest.mark.parametrize("batch_size", [7, 48, 1000])
def test_the_cut_into_batches_does_not_matter(model, together, batch_size):
    other = predict(model, description(5), PICTURES, [1, 10, 144], batch_size, COMPUTE)
    assert all(close(other[policy], together[policy]) for policy in together)


def test_without_mirror_each_crop_stands_for_its_mirror_image(model, together):
    found = predict(model, description(5), PICTURES, [1, 10, 144], 100, COMPUTE, mirror=False)
    assert close(found[1], together[1]) and not close(found[144], together[144])
    for picture, ten, most in zip(PICTURES, found[10], found[144], strict=True):
        every = [upright(crop) for crop in crops_144(picture.shape[1], picture.shape[0], 32)]
        assert close(
            ten, probabilities(model, description(5), cut(picture, every[12:22:2], 32), COMPUTE).mean(0)
        )
        assert close(
            most, probabilities(model, description(5), cut(picture, every[::2], 32), COMPUTE).mean(0)
        )


def test_pictures_smaller_than_the_crop_are_enlarged(model):
    for size in ((1, 1), (3, 20), (31, 9)):
        found = predict(model, description(5), pictures([size]), [1, 10, 144], 100, COMPUTE)
        assert all(close(scores.sum(1), 1) for scores in found.values())


def test_prediction_leaves_training_mode_and_drops_no_unit(model, together):
    model.train()
    again = predict(model, description(5), PICTURES, [1], 100, COMPUTE)
    assert np.array_equal(again[1], predict(model, description(5), PICTURES, [1], 100, COMPUTE)[1])
    assert not model.training and close(again[1], together[1])


def test_no_picture_gives_no_row(model):
    assert predict(model, description(5), [], [1, 144], 10, COMPUTE)[144].shape == (0, 5)


def test_top_errors_by_hand():
    scores = np.array(
        [
            [0.5, 0.1, 0.1, 0.1, 0.1, 0.1],  # right for label 0
            [0.3, 0.2, 0.2, 0.1, 0.1, 0.1],  # label 4: fifth by its index among equals
            [0.3, 0.2, 0.2, 0.1, 0.1, 0.1],  # label 5: sixth
            [0.0, 0.3, 0.3, 0.2, 0.1, 0.1],  # label 2: ties with class 1, which comes first
        ]
    )
    assert top_errors(scores, np.array([0, 4, 5, 2])) == {
        "top1_error_percent": 75.0,
        "top5_error_percent": 25.0,
    }
    assert top_errors(scores, np.array([0, 0, 0, 1])) == {
        "top1_error_percent": 0.0,
        "top5_error_percent": 0.0,
    }


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
    assert errors == {"top1_error_percent": 50.0, "top5_error_percent": 0.0}


def test_centre_errors_are_those_of_one_crop(model, together):
    labels = together[1].argmax(1)
    assert centre_errors(model, description(5), PICTURES, labels, COMPUTE)["top1_error_percent"] == 0
    wrong = centre_errors(model, description(5), PICTURES, (labels + 1) % 5, COMPUTE)
    assert wrong["top1_error_percent"] == 100
