"""Made-up metrics of a whole experiment, as the stages write them: seven members, six detectors."""

import hashlib
from typing import Any

import numpy as np

from googlenet.metrics.base import StageMetrics
from googlenet.metrics.classification import BaselineMetrics, EnsembleMetrics, PairedDifference, TopIntervals
from googlenet.metrics.data import Manifest
from googlenet.metrics.interval import Interval
from googlenet.metrics.results import Results
from googlenet.metrics.runs import RunRecord
from googlenet.metrics.training import TrainingMetrics
from report import crop_sample
from report.sample_cost import measure_cost
from report.sample_detection import DETECTORS
from report.sample_detection import jobs as detection_jobs
from report.sample_units import analyse_units

HOSTILE = "<script>|"
CLASSES = ["zero", "one", "two", "three", "four", "five", "six", "seven", HOSTILE, "$nine$ `x` [a](b)"]
CROPS = (1, 10, 144)
RECORDS = {"test": 450, "train": 4041, "validation": 450}  # by split
MEMBERS = [f"m{number}" for number in range(1, 8)]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def manifest(kind: str, dataset: str = "digits", records_of: dict[str, int] = RECORDS) -> Manifest:
    splits, looks = {}, {}
    for split, records in records_of.items():
        shard = {"file": f"{split}-00000.arrow", "records": records, "bytes": 1, "sha256": digest(kind + split)}
        splits[split] = {"records": records, "per_class": [records // 10] * 10, "shards": [shard]}
        looks[split] = look(records)
        if kind == "detection":
            splits[split]["objects"] = records * 3
            looks[split]["objects"] = {
                "count": records * 3,
                "in_a_picture": [3, 3, 3],
                "side_px": [8.0, 20.0, 40.0],
                "width_over_height": [0.5, 1.0, 1.5],
                "smaller_percent": {"16": 12.5, "32": 50.0},
            }
    refused = [{"split": "train", "name": "a|b<i>.jpg", "reason": "not a JPEG: the file ends early"}]
    values = {
        "stamp": digest(kind),
        "kind": kind,
        "dataset": dataset,
        "classes": CLASSES,
        "class_keys": CLASSES,
        "splits": splits,
        "refused": refused if kind == "classification" else [],
        "look": {
            "quantiles_percent": [0, 50, 100],
            "splits": looks,
            "duplicates": {
                "within": {split: {"groups": 0, "pictures": 0} for split in looks},
                "across": {"groups": 0, "pictures": 0},
                "likely_across": {"groups": 0, "pictures": 0},
                "shown": {"within": [], "across": [], "likely_across": []},
            },
            "refused": [],
        },
        "about": "Handwritten digits on crops of two photographs, made from a seed; writers kept apart.",
    }
    return Manifest.model_validate(values)


def look(images: int) -> dict[str, Any]:
    sizes = {"width_px": [64, 64, 96], "height_px": [64, 64, 96], "shorter_side_px": [64, 64, 96]}
    rest = {"megapixels": [0.004, 0.004, 0.009], "bytes": [900, 1000, 1100]}
    return {"pictures": images, "forms": {"JPEG RGB": images}, "turned_by_exif": 0} | sizes | rest


def epochs(seed: int, error: float) -> list[dict[str, float]]:
    noise = np.random.default_rng(seed)
    made = []
    for epoch in range(1, 13):
        fall = float(np.exp(-max(0, epoch - 3) / 2.2))
        wobble = float(noise.normal(0, 0.02))
        made.append(
            {
                "epoch": epoch,
                "step": epoch * 65,
                "learning_rate": 0.02,
                "train_loss": round(0.25 + 3.4 * fall + wobble, 4),
                "validation_top1_error_percent": round(error + 82 * fall + 30 * abs(wobble), 2),
                "validation_top5_error_percent": round(0.4 + 45 * fall, 2),
            }
        )
    return made


def trained(number: int) -> TrainingMetrics:
    wide = number == 7
    values = {
        "member": {
            "name": f"m{number}",
            "init_seed": 1,
            "order_seed": 10 + number,
            "sampling_seed": 20 + number,
            "sampling": "area_photometric" if number % 2 else "scale_jitter",
            "width": 0.3125 if wide else 0.25,
            "repeat_modules": (),
        },
        "parameters": 700_812 if wide else 452_178,
        "epochs": epochs(number, 6 + number / 4),
        "stalled": False,
        "validation": {
            "averaged": {"top1_error_percent": 6.0 + number / 10, "top5_error_percent": 0.4},
            "last": {"top1_error_percent": 12.2 + number / 5, "top5_error_percent": 1.1},
        },
        "test": {
            "averaged": {"top1_error_percent": 7.0 + number / 10, "top5_error_percent": 0.5},
            "last": {"top1_error_percent": 13.2 + number / 5, "top5_error_percent": 1.2},
        },
        "images_seen": 24_960,
    }
    return TrainingMetrics.model_validate(values)


def errors(top1: float) -> dict[str, float]:
    return {"top1_error_percent": round(top1, 2), "top5_error_percent": round(top1 / 12, 2)}


def interval(low: float, high: float) -> Interval:
    return Interval(low=low, high=high, confidence_percent=95)


def intervals(top1: tuple[float, float], top5: tuple[float, float]) -> TopIntervals:
    return TopIntervals(top1_error_percent=interval(*top1), top5_error_percent=interval(*top5))


def paired(metric: str, difference: float, low: float, high: float) -> PairedDifference:
    bounds = interval(low, high)
    return PairedDifference(metric=metric, resamples=10000, difference=difference, interval=bounds)


def evaluate_ensemble(classes: int = 10) -> EnsembleMetrics:
    fall = {1: 0.0, 10: 0.7, 144: 1.1}
    members = {name: {str(c): errors(6.4 + 0.3 * index - fall[c]) for c in CROPS} for index, name in enumerate(MEMBERS)}
    table_3, bounds = [], {}
    for models, top1s in ((1, (7.3, 6.6, 6.2)), (7, (4.9, 4.44, 4.0))):
        for crops, top1 in zip(CROPS, top1s, strict=True):
            std = 0.61 if models == 1 else 0.0
            row = {"models": models, "crops": crops, "cost": models * crops, **errors(top1)}
            table_3.append({**row, "top1_std": std, "top5_std": std / 10})
            system = f"{'single' if models == 1 else 'ensemble'}_{crops}"
            bounds[system] = intervals((top1 - 2, top1 + 2), (top1 / 12 - 0.2, top1 / 12 + 0.2))
    bounds["single_1"] = intervals((5.02, 9.59), (0.31, 0.92))
    bounds["ensemble_144"] = intervals((2.22, 5.78), (0.12, 0.61))
    subsets = []
    for models, count in enumerate((7, 21, 35, 35, 21, 7, 1), start=1):
        for crops in CROPS:
            mean = 4.6 - fall[crops] * 0.8 + 2.7 / models
            half = (7 - models) * 0.14
            around = {"mean": mean, "std": half / 2, "min": mean - half, "max": mean + half}
            spreads = {"top1_error_percent": around, "top5_error_percent": {k: v / 12 for k, v in around.items()}}
            subsets.append({"models": models, "crops": crops, "subsets": count, **spreads})
    pair = "single_1_minus_ensemble_144"
    values = {
        "images": 450,
        "classes": classes,
        "confidence_percent": 95,
        "mirrored": True,
        "left_out": crop_sample.left_out(MEMBERS, CLASSES),
        "calibration": crop_sample.calibrated(MEMBERS, classes),
        "single_images": crop_sample.of_single_images(MEMBERS, CLASSES),
        "largest_class_error_percent": 89.78,
        "table_3": table_3,
        "members": members,
        "over_members": {
            name: {
                error: {"difference": gain, "interval": interval(gain / 2, 2 * gain)}
                for error, gain in (("top1_error_percent", 0.5), ("top5_error_percent", 0.2))
            }
            for name in MEMBERS
        },
        "subsets": subsets,
        "paired": {pair: paired("top1_error_percent", 3.3, 1.78, 4.89)},
        "paired_top5": {pair: paired("top5_error_percent", 0.28, 0.11, 0.49)},
        "intervals": bounds,
        "baseline": {"top1_error_percent": 43.11, "times_as_wrong": 10.78},
        "per_class": [
            {"class_name": name, "images": 45, "top1_error_percent": round(index * 1.31, 2)}
            for index, name in enumerate(CLASSES)
        ],
    }
    return EnsembleMetrics.model_validate(values)


def train_baseline() -> BaselineMetrics:
    return BaselineMetrics(method="logistic regression on pixels", pixels="32x32 grey", **errors(43.11))


def jobs() -> list[tuple[str, StageMetrics]]:
    """Every stage's metrics, with the names of their jobs."""
    singles = (
        manifest("classification"),
        manifest("detection", "digit_scenes"),
        train_baseline(),
        evaluate_ensemble(),
        crop_sample.study_crops(MEMBERS, CLASSES),
        measure_cost(),
        analyse_units(),
    )
    members = [(name, trained(number)) for number, name in enumerate(MEMBERS, start=1)]
    return [*members, *detection_jobs(CLASSES), *(("", one) for one in singles)]


def results(*changed: StageMetrics, without: tuple[type[StageMetrics], ...] = ()) -> Results:
    """The whole experiment with these metrics in place of the sample's single jobs, and without those kinds."""
    kinds = {kind_of(one) for one in changed}
    kept = [job for job in jobs() if (job[0] or kind_of(job[1]) not in kinds) and not isinstance(job[1], without)]
    return Results([*kept, *(("", one) for one in changed)])


def kind_of(metrics: StageMetrics) -> tuple[type[StageMetrics], str]:
    """What tells the metrics of single jobs apart: their class, and of manifests their kind."""
    return type(metrics), metrics.kind if isinstance(metrics, Manifest) else ""


def runs() -> list[RunRecord]:
    stages = [("prepare_classification", "all"), *(("train_classifier", name) for name in MEMBERS)]
    stages += [("evaluate_ensemble", "all"), *(("train_detector", name) for name in DETECTORS)]
    versions = {"python": "3.11.9", "torch": "2.15.0", "numpy": "2.3.1"}
    versions |= {"platform": "Linux-6.1", "cpu": "Example 9000"}
    values = [
        {
            "stage": stage,
            "job": job,
            "experiment": "demo",
            "started": f"2025-01-01T10:{minute:02d}:00Z",
            "ended": f"2025-01-01T10:{minute:02d}:41Z",
            "duration_s": 41.27,
            "commit": digest("commit")[:40] + ("+dirty" if job == "m7" else ""),
            "config_sha256": digest(stage + job),
            "stamp": digest(job + stage),
            "inputs": {"manifest.json": digest("manifest")},
            "versions": versions,
            "run_id": digest(job)[:32] if stage.startswith("train") else None,
            "threads": 1,
            "device": "cpu",
        }
        for minute, (stage, job) in enumerate(stages)
    ]
    return [RunRecord.model_validate(one) for one in values]


def photograph(height: int = 240, width: int = 360) -> np.ndarray:
    """uint8 [height, width, 3]: a gradient with two discs, so that one sees where a crop lies."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([255 * x / width, 255 * y / height, np.full(x.shape, 140.0)], axis=-1)
    image[(x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 5) ** 2] = (250, 235, 120)
    image[(x - width / 6) ** 2 + (y - height / 4) ** 2 < (height / 9) ** 2] = (30, 40, 80)
    return image.astype(np.uint8)


def crops(height: int = 240, width: int = 360) -> list[tuple[int, int, int, tuple[int, int, int, int]]]:
    """The 72 crops, mirrors left out, of a landscape, or the 24 of a square; boxes inclusive."""
    short, crops = min(height, width), []
    lefts = (0, (width - short) // 2, width - short) if width > height else (0,)
    for scale in (256, 288, 320, 352):
        side = round(224 * short / scale)
        free = short - side
        places = ((0, 0), (free, 0), (0, free), (free, free), (free // 2, free // 2))
        for square, left in enumerate(lefts):
            for index, (x, y) in enumerate(places):
                crops.append((scale, square, index, (left + x, y, left + x + side - 1, y + side - 1)))
            crops.append((scale, square, 5, (left, 0, left + short - 1, short - 1)))
    return crops


def figures(results: Results) -> dict[str, bytes]:
    """Every figure of the page, by name."""
    from googlenet.report import figures, image_figures, single_image_figures

    drawn = image_figures.from_metrics(results, lambda index: photograph(160, 160))
    drawn |= single_image_figures.from_metrics(results, lambda index: photograph(96, 96))
    drawn |= {"conv1_filters": single_image_figures.conv1_filters(np.random.default_rng(8).normal(size=(16, 3, 7, 7)))}
    return figures.from_metrics(results) | drawn | {"crops_144": image_figures.crops_144(photograph(), crops())}
