"""The interval of mean AP over images: the same as evaluating every resample in full."""

import numpy as np
import pytest

from detection.scenes import random_case
from googlenet.detection import mean_ap
from googlenet.detection.mean_ap import Detections, Objects, evaluate, resampled
from googlenet.metrics.bootstrap import centred_interval, draws, percentile_interval


def interval_of(evaluation, images, rng, resamples=1000, confidence_percent=95.0):
    """The interval of the mean AP of three classes on so many images."""
    weight = draws(images, resamples, rng)
    return centred_interval(evaluation.mean_ap_percent, resampled(evaluation, weight), confidence_percent)


def drawn_literally(detections, truth, drawn):
    """A data set in which image drawn[i] is the i-th image, copies and all."""
    parts = [
        [(column[rows], position) for rows in [np.flatnonzero(table.image == image)] for column in table[1:4]]
        for table in (detections, truth)
        for position, image in enumerate(drawn)
    ]
    half = len(drawn)
    tables = []
    for kind, rows in ((Detections, parts[:half]), (Objects, parts[half:])):
        image = np.concatenate([np.full(len(row[0][0]), row[0][1]) for row in rows])
        tables.append(kind(image, *(np.concatenate([row[c][0] for row in rows]) for c in range(3))))
    return tables


def test_bootstrap_equals_evaluating_each_resample(monkeypatch):
    detections, truth = random_case(4)
    detections = detections._replace(score=np.random.default_rng(0).permutation(len(detections.score)) / 1000)
    result = evaluate(detections, truth, classes=3)
    means = []
    for weight in np.random.default_rng(8).multinomial(6, np.full(6, 1 / 6), size=20):
        tables = drawn_literally(detections, truth, np.repeat(np.arange(6), weight))
        means.append(evaluate(*tables, classes=3).mean_ap_percent)
    expected = np.percentile(means, [2.5, 97.5]) + result.mean_ap_percent - np.mean(means)
    monkeypatch.setattr(mean_ap, "CELLS_AT_ONCE", 100)
    interval = interval_of(result, 6, np.random.default_rng(8), resamples=20)
    assert (interval.low, interval.high) == pytest.approx(tuple(expected))
    assert interval.confidence_percent == 95


def test_bootstrap_brackets_the_mean_and_repeats():
    detections, truth = random_case(2, images=40, detections=600, objects=160)
    result = evaluate(detections, truth, classes=3)

    def interval(confidence_percent):
        rng = np.random.default_rng(0)
        return interval_of(result, 40, rng, confidence_percent=confidence_percent)

    wide, narrow = interval(95.0), interval(50.0)
    assert wide.low < result.mean_ap_percent < wide.high and wide == interval(95.0)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_the_interval_leaves_blacklisted_pairs_out_too():
    detections, truth = random_case(3, images=30, detections=400, objects=120)
    detections = detections._replace(score=np.random.default_rng(0).permutation(len(detections.score)) / 1000)
    pairs = np.array([(image, label) for image in range(12) for label in range(3) if (image + label) % 3 == 0])

    def gone(table):
        listed = {tuple(pair) for pair in pairs.tolist()}
        rows = [i for i in range(len(table.label)) if (int(table.image[i]), int(table.label[i])) not in listed]
        return table._replace(
            **{
                name: column[rows]
                for name, column in table._asdict().items()
                if np.shape(column)[:1] == (len(table.label),)
            }
        )

    left, black = (gone(detections), gone(truth)), (detections, truth._replace(blacklist=pairs))
    assert len(left[0].label) < len(detections.label) and len(left[1].label) < len(truth.label)
    results = [evaluate(*tables, classes=3) for tables in (left, black)]
    assert results[0].ap_percent == results[1].ap_percent
    intervals = [interval_of(result, 30, np.random.default_rng(5), resamples=40) for result in results]
    assert intervals[0] == intervals[1]


def two_detectors(rng, images, classes):
    """Evaluations of two detectors on the same new images; the second one's scores tell more objects from the rest."""
    objects = Objects(
        np.arange(images), rng.integers(0, classes, images), np.tile([0, 0, 9, 9], (images, 1)), np.zeros(images, bool)
    )
    wrong = Objects(
        rng.integers(0, images, 3 * images),
        rng.integers(0, classes, 3 * images),
        np.tile([20, 20, 29, 29], (3 * images, 1)),
        None,
    )
    image, label, box = (np.concatenate(columns) for columns in zip(objects[:3], wrong[:3], strict=True))
    common = rng.normal(np.repeat([1.0, 0.0], [images, 3 * images]), 1)
    scores = (common + rng.normal(0, noise, len(image)) for noise in (0.8, 0.5))
    return [evaluate(Detections(image, label, score, box), objects, classes) for score in scores]


def missed(images, classes, repeats=200):
    """By kind of interval, of two detectors and of their difference: percent of 95 % intervals that lie above the mean of
    such test sets, and below it; float64 [3, 2]."""
    rng, draw = np.random.default_rng(0), np.random.default_rng(1)
    means = np.mean([figures_of(two_detectors(rng, images, classes)) for _ in range(5 * repeats)], axis=0)
    shares = {"percentile": np.zeros((3, 2)), "centred": np.zeros((3, 2))}
    for _ in range(repeats):
        detectors, weight = two_detectors(rng, images, classes), draws(images, 400, draw)
        first, second = (resampled(one, weight) for one in detectors)
        drawn = (first, second, second - first)
        for row, (mean, figure, values) in enumerate(zip(means, figures_of(detectors), drawn, strict=True)):
            for kind, interval in (
                ("percentile", percentile_interval(values, 95)),
                ("centred", centred_interval(figure, values, 95)),
            ):
                shares[kind][row] += [100 * (mean < interval.low) / repeats, 100 * (mean > interval.high) / repeats]
    return shares


def figures_of(detectors):
    """Mean AP of both, and their difference, in percent."""
    first, second = (one.mean_ap_percent for one in detectors)
    return first, second, second - first


@pytest.mark.long
@pytest.mark.parametrize(("images", "classes"), [(300, 5), (300, 20), (1000, 60)])
def test_centred_intervals_cover_the_mean_of_such_test_sets(images, classes):
    """docs/decisions/0011 has these figures."""
    shares = missed(images, classes)
    print(f"\n{classes} classes in {images} images", {kind: each.round(1).tolist() for kind, each in shares.items()})
    assert (shares["centred"] < 6).all()
    assert (shares["percentile"][:2, 0] > 6).all()
