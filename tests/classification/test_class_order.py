"""Classes of a data set are matched to a network's outputs by name; a class without one is an error."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from classification.tiny import RUNTIME, images, network, spec
from googlenet.classification.class_order import Outputs, columns_of, common_outputs, outputs_of
from googlenet.classification.predict import Classifier, Cropping, in_data_order, predict
from googlenet.errors import UserError

WNIDS = ["n1", "n2", "n3", "n4"]


def test_by_the_names_that_people_read_or_by_keys():
    assert columns_of(["cat", "dog"], ["cat", "dog"], ["n3", "n4"], "m1") == [0, 1]
    assert columns_of(WNIDS, ["dog", "cat"], ["n4", "n2"], "m1") == [3, 1]
    assert columns_of(["dog", "cat", "cow"], ["cat", "dog"], ["cat", "dog"], "m1") == [1, 0]


def test_a_class_that_the_network_does_not_know_is_named():
    with pytest.raises(UserError, match=r"^m1: the network has no class 'n5', which the data set has \(it has 4\)"):
        columns_of(WNIDS, ["a", "b"], ["n4", "n5"], "m1")
    with pytest.raises(UserError, match=r"'catt'.*did you mean 'cat'\?; take the class out"):
        columns_of(["cat", "dog"], ["catt", "dog"], ["catt", "dog"], "m1")


def test_unknown_names_serve_only_as_many_classes():
    assert columns_of(["", ""], ["cat", "dog"], ["cat", "dog"], "m1") == [0, 1]
    with pytest.raises(UserError, match=r"^m1: its 3 outputs have no names, and the data set has 2 classes"):
        columns_of(["", "", ""], ["cat", "dog"], ["cat", "dog"], "m1")


def test_a_network_of_the_same_classes_answers_in_the_order_of_the_data_set():
    columns = columns_of(WNIDS, ["d", "c", "b", "a"], WNIDS[::-1], "m1")
    assert columns == [3, 2, 1, 0]
    outputs = outputs_of(WNIDS, ["d", "c", "b", "a"], columns)
    assert outputs == Outputs(["d", "c", "b", "a"], [0, 1, 2, 3])
    here = network(replace(spec(4), classes=tuple(WNIDS)))
    ordered, their_outputs = in_data_order(here, ["d", "c", "b", "a"], WNIDS[::-1], "m1")
    assert their_outputs == outputs and ordered.spec.classes == tuple(WNIDS[::-1])
    image, cropping = images([(40, 32)]), Cropping((1, 144), 100)
    before, after = (predict(Classifier.of(one, image, cropping, RUNTIME), image, cropping) for one in (here, ordered))
    for policy, scores in after.items():
        assert np.abs(scores - before[policy][:, ::-1]).max() < 1e-7
    with torch.inference_mode():
        _, heads = ordered.model.train()(torch.zeros(2, 3, 32, 32))
    assert [head.shape for head in heads] == [(2, 4)] * 2


def test_a_network_that_knows_more_keeps_its_own_order():
    columns = columns_of(WNIDS, ["dog", "cat"], ["n4", "n2"], "m1")
    outputs = outputs_of(WNIDS, ["dog", "cat"], columns)
    assert outputs == Outputs(["n1", "cat", "n3", "dog"], [3, 1])
    here = network(replace(spec(4), classes=tuple(WNIDS)))
    assert in_data_order(here, ["dog", "cat"], ["n4", "n2"], "m1") == (here, outputs)
    labels = outputs.label_columns(np.array([0, 0, 1]))
    assert labels.tolist() == [3, 3, 1] and [outputs.names[label] for label in labels] == ["dog", "dog", "cat"]


def test_an_ensemble_is_over_the_same_outputs():
    few, same = (Outputs(["a", "b"], [0, 1]) for _ in range(2))
    more = Outputs(["a", "b", "c"], [0, 1])
    shared = common_outputs({"m1": few, "m2": same})
    assert shared == few and shared.label_columns(np.array([1, 0])).tolist() == [1, 0]
    with pytest.raises(UserError, match=r"ensemble\.members: m1 and m3 predict different classes \(2 and 3\)"):
        common_outputs({"m1": few, "m2": few, "m3": more})
