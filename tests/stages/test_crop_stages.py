"""From weights to the study of crops: what predict_crops stores, and a data set without a validation split."""

from dataclasses import replace

import numpy as np
import pytest

from classification import tiny
from googlenet.metrics.base import read_metrics
from googlenet.metrics.classification import BaselineMetrics, EnsembleMetrics
from googlenet.metrics.classification_studies import CropStudyMetrics, UnitMetrics
from googlenet.models import bundle
from googlenet.stages import analyse_units, evaluate_ensemble, predict_crops, study_crops
from googlenet.storage.checkpoint import load_arrays
from settings import settings_of
from stage_jobs import stage_job
from ticking import lines_of
from tiny_dataset import prepared

CPU = {"device": "cpu", "precision": "fp32"}
PREDICT = {"batch_size": 48, "per_crop_images": 4, "keep_crops": True, "mirror": True, "compute": CPU}
BOOTSTRAP = {"resamples": 50, "effects_shown": 3}
CLASSES = tiny.spec().classes


def job(stage, **changes):
    """A job of a stage with the smoke experiment's settings."""
    return stage_job(stage, settings_of(stage, **changes))


def predicted(folder, manifest, **changes):
    """Two members' predictions and crops."""
    outputs = []
    for seed, name in enumerate(("m1", "m2")):
        place = folder / name
        bundle.save(place / "w.safetensors", tiny.network(seed=seed), "s")
        out = {"predictions": place / "predictions.safetensors", "crops": place / "crops.safetensors"}
        asked = job("predict_crops", **PREDICT | changes)
        predict_crops.run(asked, manifest=manifest, weights=place / "w.safetensors", **out)
        outputs.append(out)
    return [[out[kind] for out in outputs] for kind in ("predictions", "crops")]


def study(manifest, crops, **changes):
    """What study_crops writes."""
    metrics = manifest.parent / "study.json"
    few = {"budgets": (1, 5), "random_subsets": 5, "training_crops": 30} | changes
    study_crops.run(job("study_crops", **BOOTSTRAP | few), manifest=manifest, crops=crops, metrics=metrics)
    return read_metrics(metrics, CropStudyMetrics)


def evaluate(manifest, predictions, baseline=()):
    """What evaluate_ensemble writes."""
    metrics, asked = manifest.parent / "ensemble.json", job("evaluate_ensemble", **BOOTSTRAP)
    inputs = {"predictions": predictions, "baseline": list(baseline)}
    evaluate_ensemble.run(asked, manifest=manifest, **inputs, metrics=metrics)
    return read_metrics(metrics, EnsembleMetrics)


@pytest.mark.parametrize("splits", [{"validation": 6, "test": 8}, {"test": 8}], ids=["both", "test alone"])
def test_with_and_without_a_validation_split(tmp_path, splits):
    manifest = prepared(tmp_path / "data", splits | {"train": 4})
    predictions, crops = predicted(tmp_path, manifest)
    arrays, metadata = load_arrays(crops[0])
    assert metadata["stamp"] == "a stamp" and {name.split("_")[0] for name in arrays} == set(splits)
    for split in splits:
        assert len(arrays[f"{split}_pictures"]) == 4 and arrays[f"{split}_index"].shape == (4, 144)
        assert len(arrays[f"{split}_softmax"]) == arrays[f"{split}_index"].max() + 1
    whole, _ = load_arrays(predictions[0])
    means = arrays["test_softmax"][arrays["test_index"]].mean(1, dtype=np.float64).astype(np.float32)
    assert np.array_equal(means, whole["144"][arrays["test_pictures"]])
    studied = study(manifest, crops)
    assert (studied.images, studied.models) == (4, 2)
    assert studied.validation_images == (4 if "validation" in splits else 0)
    assert bool(studied.chosen) == ("validation" in splits) and studied.stamp == "a stamp"
    assert len(studied.scales.rows) == 9 and studied.scales.training.crops == 30
    evaluated = evaluate(manifest, predictions)
    assert evaluated.images == 8 and len(evaluated.left_out.overall) == 2 and evaluated.mirrored


def test_the_order_of_the_members_files_does_not_matter(tmp_path):
    manifest = prepared(tmp_path / "data", {"train": 2, "validation": 4, "test": 4})
    predictions, crops = predicted(tmp_path, manifest, policies=(1, 10), batch_size=10)
    assert evaluate(manifest, predictions) == evaluate(manifest, predictions[::-1])
    assert study(manifest, crops) == study(manifest, crops[::-1])
    left_out = evaluate(manifest, predictions[::-1]).left_out.overall
    assert [row.left_out for row in left_out] == ["m1", "m2"]


def test_other_scales_reach_the_predictions_and_their_study(tmp_path):
    manifest, scales = prepared(tmp_path / "data", {"train": 2, "test": 2}), (224, 224, 320, 320)
    _, crops = predicted(tmp_path, manifest, scales=scales)
    index = load_arrays(crops[0])[0]["test_index"]
    # At 224 px every crop of a square is the square; 320 px adds its four corners, its centre and itself. Each mirrored.
    assert [len(np.unique(row)) for row in index] == [2 + 12, 6 + 36]
    studied = study(manifest, crops, scales=scales)
    assert [(row.scale_px, row.kind, row.crops) for row in studied.scales.rows] == [
        *((scale, kind, n) for scale in (224, 320) for kind, n in (("centre crops", 12), ("corners", 48))),
        (None, "whole squares", 24),
    ]
    names = {row.left_out for row in studied.groups.overall} | set(studied.groups.without_effect)
    assert {"scale 224 px", "scale 320 px"} < names and "scale 256 px" not in names


def test_the_baseline_stands_beside_the_ensemble(tmp_path):
    manifest = prepared(tmp_path / "data", {"test": 4})
    predictions, _ = predicted(tmp_path, manifest, policies=(1,), batch_size=10)
    path = tmp_path / "baseline.json"
    errors = {"top1_error_percent": 50, "top5_error_percent": 0}
    path.write_text(BaselineMetrics(method="regression", pixels="2x2 grey", **errors).model_dump_json())
    assert evaluate(manifest, predictions).baseline is None
    assert evaluate(manifest, predictions, [path]).baseline.top1_error_percent == 50


def test_no_crop_is_kept_where_none_is_wanted(tmp_path):
    manifest = prepared(tmp_path / "data", {"validation": 2, "test": 2})
    _, crops = predicted(tmp_path, manifest, keep_crops=False, policies=(1,))
    assert load_arrays(crops[0])[0] == {}


def test_predictions_and_what_is_computed_from_them_report_their_progress(tmp_path):
    manifest, made = prepared(tmp_path / "data", {"train": 2, "validation": 6, "test": 8}), []
    lines = lines_of(lambda: made.extend(predicted(tmp_path, manifest)))
    assert lines[0].startswith("images: 1 of 8, ") and lines[0].endswith(" left")
    assert any(line.startswith("images: 4 of 4, ") for line in lines)  # those of validation whose crops are kept
    assert lines_of(lambda: evaluate(manifest, made[0]))[0].startswith("parts of the images on 1 crops: 1 of 1, ")
    assert any(line.startswith("images: 4 of 4, ") for line in lines_of(lambda: study(manifest, made[1])))


@pytest.mark.parametrize("form", ["replica", "he"])
def test_the_units_of_the_trained_network_beside_those_of_its_start(tmp_path, form):
    manifest, weights = prepared(tmp_path / "data", {"validation": 12}), tmp_path / "m1/w.safetensors"
    network = tiny.network(replace(tiny.spec(), initialisation=form)).on("cpu")
    network.initialise(4)  # in the memory layout that the stage does it in: the order of the draws follows it
    bundle.save(weights, network, "s")
    asked = job("analyse_units", images=8, clusters=3, permutations=100, untrained_seed=4, compute=CPU)
    run = {"manifest": manifest, "weights": weights, "metrics": tmp_path / "units.json"}
    assert lines_of(lambda: analyse_units.run(asked, **run))[0].startswith("batches of 50 images: 1 of 1, ")
    metrics = read_metrics(tmp_path / "units.json", UnitMetrics)
    assert (metrics.member, metrics.module, metrics.above) == ("m1", "4a", "4b")
    assert (metrics.split, metrics.images, metrics.map_px) == ("validation", 8, (2, 2))
    assert metrics.trained == metrics.untrained  # nothing was trained: both have the weights of seed 4
