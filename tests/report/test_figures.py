"""Figures: PNG files that decode, are the same when made twice, and show what they are given."""

import numpy as np
import pytest

from googlenet.metrics.classification import ClassError
from googlenet.metrics.results import Results
from googlenet.metrics.training import TrainingMetrics
from googlenet.report import figures, image_figures
from googlenet.report.captions import CAPTIONS
from report import sample
from report.reading import decoded
from settings import changed


@pytest.mark.long
def test_every_figure_decodes_and_has_a_caption(drawn):
    assert {*drawn, "ablation_differences", "staleness"} == set(CAPTIONS)  # those two are of another page
    for png in drawn.values():
        image = decoded(png)
        assert 600 < image.shape[1] < 1800 and (image < 250).any(axis=-1).mean() > 0.01


@pytest.mark.long
def test_twice_the_same_bytes_whatever_the_persons_settings(drawn):
    import matplotlib

    with matplotlib.rc_context({"font.size": 25, "axes.grid": False}):
        assert sample.figures(sample.results()) == drawn


@pytest.mark.long
def test_figures_follow_their_values(drawn):
    trained = sample.results().several(TrainingMetrics)
    *epochs, last = trained["m3"].epochs
    other = trained | {"m3": changed(trained["m3"], epochs=[*epochs, changed(last, train_loss=2.0)])}
    assert figures.training_curves(trained) == drawn["training_curves"]
    assert figures.training_curves(other) != drawn["training_curves"]
    assert figures.training_curves({"m1": trained["m1"]}) != drawn["training_curves"]
    subsets = sample.evaluate_ensemble().subsets
    assert figures.error_by_models_and_crops(subsets) == drawn["error_by_models_and_crops"]
    assert figures.error_by_models_and_crops(subsets[3:]) != drawn["error_by_models_and_crops"]


@pytest.mark.long
def test_with_many_classes_the_papers_measure_is_drawn():
    ensemble = changed(sample.evaluate_ensemble(), classes=200)
    top5 = figures.error_by_models_and_crops(ensemble.subsets, "top5_error_percent")
    assert figures.from_metrics(Results([("", ensemble)]))["error_by_models_and_crops"] == top5
    assert figures.error_by_models_and_crops(ensemble.subsets) != top5


def test_only_what_the_metrics_allow_is_drawn():
    results = Results([("", sample.measure_cost())])
    assert list(figures.from_metrics(results)) == ["cost_by_layer", "cost_of_networks"]
    assert figures.from_metrics(Results([])) == {}


def test_small_experiments_are_drawn_too():
    one = changed(sample.trained(1), epochs=sample.epochs(1, 5)[:1])
    decoded(figures.training_curves({"m1": one}))
    decoded(figures.error_by_class(sample.evaluate_ensemble().per_class[:1]))


def test_two_hundred_classes_stay_readable():
    many = [ClassError(class_name=f"class {n}", images=5, top1_error_percent=n / 2) for n in range(200)]
    without = ClassError(class_name="a class without images", images=0, top1_error_percent=None)
    drawn = figures.error_by_class(many)
    assert decoded(drawn).shape[0] < 1400 and figures.error_by_class([without, *many]) == drawn


@pytest.mark.long
def test_crops_of_a_square_and_of_a_portrait():
    wide = decoded(image_figures.crops_144(sample.photograph(), sample.crops()))
    square = decoded(image_figures.crops_144(sample.photograph(200, 200), sample.crops(200, 200)))
    assert wide.shape[0] > 1.5 * square.shape[0]  # three rows and one
    tall = [(s, q, c, (y0, x0, y1, x1)) for s, q, c, (x0, y0, x1, y1) in sample.crops()]
    portrait = decoded(image_figures.crops_144(sample.photograph(360, 240), tall))
    assert portrait.shape[0] > wide.shape[0]


@pytest.mark.parametrize(
    ("box", "place"),
    [((0, 0, 6, 6), 0), ((4, 0, 10, 6), 1), ((0, 4, 6, 10), 2), ((4, 4, 10, 10), 3), ((2, 2, 8, 8), 4)],
)
def test_place_of_a_crop_in_its_square(box, place):
    assert image_figures.place_in_square(np.array(box, float), (0, 0, 10, 10)) == place
