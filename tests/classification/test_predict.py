"""One pass over a picture's crops serves every policy; nothing else about the pass matters."""

import numpy as np
import pytest

from classification.tiny import COMPUTE, description, network, pictures
from googlenet.classification.crops import POLICIES, crops_144, cut, upright
from googlenet.classification.error_rates import top_errors
from googlenet.classification.predict import centre_errors, predict, probabilities

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


def test_fewer_classes_than_five_are_never_wrong_at_five():
    errors = top_errors(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([1, 0]))
    assert errors == {"top1_error_percent": 50.0, "top5_error_percent": 0.0}


def test_centre_errors_are_those_of_one_crop(model, together):
    labels = together[1].argmax(1)
    assert centre_errors(model, description(5), PICTURES, labels, COMPUTE)["top1_error_percent"] == 0
    wrong = centre_errors(model, description(5), PICTURES, (labels + 1) % 5, COMPUTE)
    assert wrong["top1_error_percent"] == 100
