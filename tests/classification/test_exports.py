"""Exports beside the network: what is counted for each test image, what is timed, and what a stage refuses."""

from dataclasses import replace

import numpy as np
import pytest

from classification import tiny
from googlenet.classification import exports
from googlenet.classification.crops import SCALES
from googlenet.classification.error_rates import ErrorMask
from googlenet.errors import UserError
from googlenet.models.export import FORMATS
from googlenet.stages import measure_export
from settings import settings_of
from stage_jobs import stage_job
from use.project import project, weights

NETWORK = exports.NETWORK
SCORES = np.array([[0.7, 0.2, 0.1], [0.2, 0.5, 0.3], [0.1, 0.4, 0.5]], np.float32)


def systems(**others):
    """Systems that answer with rows of their own, in order, whatever the images."""

    def from_rows(scores):
        rows = iter(scores)
        return lambda images: np.stack([next(rows) for _ in images])

    return {name: from_rows(scores) for name, scores in {NETWORK: SCORES, **others}.items()}


def test_a_format_is_compared_image_by_image(monkeypatch):
    monkeypatch.setattr(exports, "CENTRE_BATCH", 2)  # the last batch has one image
    off = SCORES + np.array([[0, 0, 0], [0, -0.3, 0], [0, 0.05, 0]], np.float32)
    images, labels = tiny.images([(40, 40)] * 3), np.array([0, 1, 1])
    compared = exports.compare(systems(format=off), images, labels, 32, SCALES)
    assert ErrorMask.of(compared[NETWORK].before).top1.tolist() == [False, False, True]
    assert compared[NETWORK].largest.max() == 0 and compared[NETWORK].same.all()
    its = compared["format"]
    assert ErrorMask.of(its.before).top1.tolist() == [False, True, True] and its.same.tolist() == [True, False, True]
    assert its.largest == pytest.approx([0, 0.3, 0.05]) and its.mean == pytest.approx([0, 0.1, 0.05 / 3])


def test_passes_that_warm_up_are_not_timed(monkeypatch):
    slept = []
    monkeypatch.setattr(exports.time, "perf_counter", lambda: sum(slept))
    pauses = iter([0, 9, 0, 9, 0, 0.001, 0, 0.002, 0, 0.003])  # of each pass; the first of a turn is not timed
    settings = settings_of("measure_export", warm_up=2, repeats=3)
    times = exports.latencies({"one": lambda image: slept.append(next(pauses))}, np.zeros(1), settings)["one"]
    assert times.median_ms == pytest.approx(2) and times.quartiles_ms == pytest.approx((1.5, 2.5))


def test_images_are_spread_over_a_split():
    images = [np.full((32, 32, 3), value, np.uint8) for value in range(10)]
    assert [int(crop[0, 0, 0]) for crop in exports.centre_crops(images, 32, 4, SCALES)] == [0, 2, 5, 7]
    assert len(exports.centre_crops(images, 32, 20, SCALES)) == 10 and exports.centre_crops(
        (), 32, 4, SCALES
    ).shape == (0, 32, 32, 3)


@pytest.mark.long
def test_what_cannot_be_measured_is_one_line(tmp_path, monkeypatch):
    project(tmp_path)  # without validation images

    def run(name):
        job = stage_job("measure_export", settings_of("measure_export", formats=(name,)))
        outputs = {"metrics": tmp_path / "m.json", "html": tmp_path / "e.html", "markdown": tmp_path / "e.md"}
        manifest = tmp_path / "data/classification/digits_tiny/manifest.json"
        measure_export.run(job, manifest=manifest, weights=weights(tmp_path, "m1"), **outputs)

    line = r"measure_export\.formats: onnx_int8 takes its ranges from validation images, and .* has none; leave it out"
    with pytest.raises(UserError, match=line):
        run("onnx_int8")

    def broken(traced, path):
        raise RuntimeError("no such operator\nand forty lines of stack")

    monkeypatch.setitem(FORMATS, "onnx", replace(FORMATS["onnx"], write=broken))
    line = r"measure_export\.formats: onnx cannot be made of m1 \(RuntimeError: no such operator\); leave it out$"
    with pytest.raises(UserError, match=line):
        run("onnx")
    assert not list(tmp_path.glob("[me].*"))
