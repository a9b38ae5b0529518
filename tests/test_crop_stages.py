"""From weights to the study of crops: what predict_crops stores, and a data set without a validation split."""

import cv2
import numpy as np
import pytest

from classification import tiny
from googlenet import trained
from googlenet.checkpoint import load_arrays
from googlenet.data.records import Record
from googlenet.data.store import write_shard
from googlenet.files import read_json, write_json
from googlenet.job import Job
from googlenet.stages import evaluate_ensemble, predict_crops, study_crops

PREDICT = {
    **{"policies": [1, 10, 144], "batch_size": 48, "per_crop_images": 4, "per_crop_seed": 1},
    **{"mirror": True, "compute": tiny.COMPUTE},
}
SETTINGS = {
    **{"resamples": 50, "confidence_percent": 95, "seed": 1, "effects_shown": 3},
    **{"budgets": [1, 5], "random_subsets": 5, "calibration": {"bins": 5, "binning": "equal_width"}},
}


CLASSES = ["class 0", "class 1", "class 2"]  # of tiny.description()


class Silent:
    """A run that tracks nothing."""

    def metrics(self, values, step):
        """Take numbers."""

    def artifact(self, path):
        """Take a file."""


def job(config):
    return Job(config, "a stamp", {"loader_workers": 0}, Silent())


def prepared(folder, splits):
    """A data set of random pictures of two shapes and three classes."""
    rows = {}
    for split, number in splits.items():
        sizes = [(40, 40), (36, 52)] * (number // 2)
        images = [cv2.imencode(".png", p)[1].tobytes() for p in tiny.pictures(sizes, seed=len(split))]
        records = [
            Record(f"{split}{i}.png", image, *size, label=i % 3)
            for i, (image, size) in enumerate(zip(images, sizes, strict=True))
        ]
        rows[split] = {"records": number, "shards": [write_shard(folder / f"{split}-00000.arrow", records)]}
    write_json(folder / "manifest.json", {"classes": CLASSES, "class_keys": CLASSES, "splits": rows})
    return folder / "manifest.json"


def predicted(folder, manifest, config=PREDICT):
    """Two members' predictions and crops."""
    found = []
    for seed, name in enumerate(("m1", "m2")):
        place = folder / name
        trained.save(place / "w.safetensors", tiny.network(tiny.description(), seed), tiny.description(), "s")
        out = {"predictions": place / "predictions.safetensors", "crops": place / "crops.safetensors"}
        predict_crops.run(job(config), manifest=manifest, weights=place / "w.safetensors", **out)
        found.append(out)
    return [[out[kind] for out in found] for kind in ("predictions", "crops")]


@pytest.mark.parametrize("splits", [{"validation": 6, "test": 8}, {"test": 8}], ids=["both", "test alone"])
def test_with_and_without_a_validation_split(tmp_path, splits):
    manifest = prepared(tmp_path / "data", splits)
    predictions, crops = predicted(tmp_path, manifest)
    arrays, metadata = load_arrays(crops[0])
    assert metadata["stamp"] == "a stamp" and {name.split("_")[0] for name in arrays} == set(splits)
    for split in splits:
        assert len(arrays[f"{split}_pictures"]) == 4 and arrays[f"{split}_index"].shape == (4, 144)
        assert len(arrays[f"{split}_softmax"]) == arrays[f"{split}_index"].max() + 1
    whole, _ = load_arrays(predictions[0])
    mine = arrays["test_softmax"][arrays["test_index"]].mean(1, dtype=np.float64).astype(np.float32)
    assert np.array_equal(mine, whole["144"][arrays["test_pictures"]])
    metrics = tmp_path / "metrics.json"
    study_crops.run(job(SETTINGS), manifest=manifest, crops=crops, metrics=metrics)
    found = read_json(metrics)
    assert (found["images"], found["models"]) == (4, 2)
    assert found["validation_images"] == (4 if "validation" in splits else 0)
    assert bool(found["chosen"]) == ("validation" in splits) and found["stamp"] == "a stamp"
    evaluate_ensemble.run(
        job(SETTINGS), manifest=manifest, predictions=predictions, baseline=[], metrics=metrics
    )
    assert read_json(metrics)["images"] == 8 and len(read_json(metrics)["left_out"]["overall"]) == 2


def test_no_crop_is_kept_where_none_is_wanted(tmp_path):
    manifest = prepared(tmp_path / "data", {"validation": 2, "test": 2})
    _, crops = predicted(tmp_path, manifest, PREDICT | {"per_crop_images": 0, "policies": [1]})
    assert load_arrays(crops[0])[0] == {}
