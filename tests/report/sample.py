"""Made-up metrics of a whole experiment, as the stages write them: seven members, six detectors."""

import hashlib
from typing import Any

import numpy as np

from report import crop_sample
from report.sample_cost import measure_cost
from report.sample_detection import DETECTORS, evaluate_detection, study_proposals
from report.sample_units import analyse_units

HOSTILE = "<script>|"
CLASSES = ["zero", "one", "two", "three", "four", "five", "six", "seven", HOSTILE, "$nine$ `x` [a](b)"]
CROPS = (1, 10, 144)
MEMBERS = [f"m{number}" for number in range(1, 8)]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def manifest(kind: str, dataset: str = "digits") -> dict[str, Any]:
    splits = {}
    for split, records in (("test", 450), ("train", 4041), ("validation", 450)):
        shard = {"file": f"{split}-00000.arrow", "records": records, "sha256": digest(kind + split)}
        splits[split] = {"records": records, "per_class": [records // 10] * 10, "shards": [shard]}
        if kind == "detection":
            splits[split]["objects"] = records * 3
    refused = [{"split": "train", "name": "a|b<i>.jpg", "reason": "not a JPEG: the file ends early"}]
    return {
        "stamp": digest(kind),
        "kind": kind,
        "dataset": dataset,
        "classes": list(CLASSES),
        "splits": splits,
        "refused": refused if kind == "classification" else [],
        "about": "Handwritten digits on crops of two photographs, made from a seed; writers kept apart.",
    }


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
                "train_accuracy_percent": round(97 - 60 * fall + 20 * wobble, 2),
                "validation_top1_error_percent": round(error + 82 * fall + 30 * abs(wobble), 2),
                "validation_top5_error_percent": round(0.4 + 45 * fall, 2),
            }
        )
    return made


def trained(number: int) -> dict[str, Any]:
    wide = number == 7
    return {
        "member": {
            "name": f"m{number}",
            "init_seed": 1,
            "order_seed": 10 + number,
            "sampling": "area_photometric" if number % 2 else "scale_jitter",
            "width": 0.3125 if wide else 0.25,
        },
        "parameters": 700_812 if wide else 452_178,
        "epochs": epochs(number, 6 + number / 4),
        "validation": {
            "averaged": {"top1_error_percent": 6.0 + number / 10, "top5_error_percent": 0.4},
            "last": {"top1_error_percent": 12.2 + number / 5, "top5_error_percent": 1.1},
        },
        "test": {"last": {"top1_error_percent": 13.2 + number / 5, "top5_error_percent": 1.2}},
        "images_seen": 24_960,
    }


def errors(top1: float) -> dict[str, float]:
    return {"top1_error_percent": round(top1, 2), "top5_error_percent": round(top1 / 12, 2)}


def evaluate_ensemble(classes: int = 10) -> dict[str, Any]:
    fall = {1: 0.0, 10: 0.7, 144: 1.1}
    members = {
        name: {str(c): errors(6.4 + 0.3 * index - fall[c]) for c in CROPS}
        for index, name in enumerate(MEMBERS)
    }
    table_3 = []
    for models, top1s in ((1, (7.3, 6.6, 6.2)), (7, (4.9, 4.44, 4.0))):
        for crops, top1 in zip(CROPS, top1s, strict=True):
            std = 0.61 if models == 1 else 0.0
            row = {"models": models, "crops": crops, "cost": models * crops, **errors(top1)}
            table_3.append({**row, "top1_std": std, "top5_std": std / 10})
    subsets = []
    for models, count in enumerate((7, 21, 35, 35, 21, 7, 1), start=1):
        for crops in CROPS:
            mean = 4.6 - fall[crops] * 0.8 + 2.7 / models
            half = (7 - models) * 0.14
            around = {"mean": mean, "std": half / 2, "min": mean - half, "max": mean + half}
            found = {
                "top1_error_percent": around,
                "top5_error_percent": {k: v / 12 for k, v in around.items()},
            }
            subsets.append({"models": models, "crops": crops, "subsets": count, **found})
    paired = {"metric": "top1_error_percent", "confidence_percent": 95, "resamples": 10000}
    return {
        "images": 450,
        "classes": classes,
        "confidence_percent": 95,
        "left_out": crop_sample.left_out(MEMBERS, CLASSES),
        "calibration": crop_sample.calibrated(MEMBERS, classes),
        "largest_class_error_percent": 89.78,
        "table_3": table_3,
        "members": members,
        "subsets": subsets,
        "paired": {"single_1_minus_ensemble_144": {**paired, "difference": 3.3, "low": 1.78, "high": 4.89}},
        "intervals": {
            "ensemble_144": {"top1_error_percent": [2.22, 5.78]},
            "single_1": {"top1_error_percent": [5.02, 9.59]},
        },
        "baseline": {"top1_error_percent": 43.11, "times_as_wrong": 10.78},
        "per_class": [
            {"class": name, "images": 45, "top1_error_percent": round(index * 1.31, 2)}
            for index, name in enumerate(CLASSES)
        ],
    }


def detector(number: int) -> dict[str, Any]:
    return {
        "member": {"name": f"d{number}", "init_from": f"m{number}", "order_seed": 30 + number},
        "parameters": 452_435,
        "epochs": epochs(100 + number, 5),
        "positives_available": 9_120 + number,
        "images": 300,
    }


def metrics() -> dict[str, Any]:
    parts = {"train": (300, 42_390), "validation": (60, 8_502), "test": (60, 8_478)}
    return {
        "prepare_classification": manifest("classification"),
        "train_classifier": {name: trained(number) for number, name in enumerate(MEMBERS, start=1)},
        "train_baseline": {"method": "logistic regression on pixels", "pixels": "32x32 grey"} | errors(43.11),
        "evaluate_ensemble": evaluate_ensemble(),
        "study_crops": crop_sample.study_crops(MEMBERS, CLASSES),
        "prepare_detection": manifest("detection", "digit_scenes"),
        "propose_regions": {
            name: {"images": images, "boxes": boxes, "boxes_per_image": boxes / images}
            for name, (images, boxes) in parts.items()
        },
        "train_detector": {name: detector(number) for number, name in enumerate(DETECTORS, start=1)},
        "study_proposals": study_proposals(CLASSES),
        "evaluate_detection": evaluate_detection(CLASSES),
        "measure_cost": measure_cost(),
        "analyse_units": analyse_units(),
    }


def runs() -> list[dict[str, Any]]:
    jobs = [("prepare_classification", "all"), *(("train_classifier", name) for name in MEMBERS)]
    jobs += [("evaluate_ensemble", "all"), *(("train_detector", name) for name in DETECTORS)]
    versions = {"python": "3.11.9", "torch": "2.15.0", "numpy": "2.3.1"}
    versions |= {"platform": "Linux-6.1", "cpu": "Example 9000"}
    return [
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
            "mlflow": {"run_id": digest(job)[:32], "experiment_id": "1", "tracking_uri": "sqlite:///x"}
            if stage.startswith("train")
            else None,
            "threads": 1,
            "device": "cpu",
        }
        for minute, (stage, job) in enumerate(jobs)
    ]


def photograph(height: int = 240, width: int = 360) -> np.ndarray:
    """uint8 [height, width, 3]: a gradient with two discs, so that one sees where a crop lies."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([255 * x / width, 255 * y / height, np.full(x.shape, 140.0)], axis=-1)
    image[(x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 5) ** 2] = (250, 235, 120)
    image[(x - width / 6) ** 2 + (y - height / 4) ** 2 < (height / 9) ** 2] = (30, 40, 80)
    return image.astype(np.uint8)


def crops(height: int = 240, width: int = 360) -> list[tuple[int, int, int, tuple[int, int, int, int]]]:
    """The 72 crops, mirrors left out, of a landscape, or the 24 of a square; boxes inclusive."""
    short, found = min(height, width), []
    lefts = (0, (width - short) // 2, width - short) if width > height else (0,)
    for scale in (256, 288, 320, 352):
        side = round(224 * short / scale)
        free = short - side
        places = ((0, 0), (free, 0), (0, free), (free, free), (free // 2, free // 2))
        for square, left in enumerate(lefts):
            for index, (x, y) in enumerate(places):
                found.append((scale, square, index, (left + x, y, left + x + side - 1, y + side - 1)))
            found.append((scale, square, 5, (left, 0, left + short - 1, short - 1)))
    return found


def figures(metrics: dict[str, Any]) -> dict[str, bytes]:
    """Every figure of the page, by name."""
    from googlenet.report import detection_pictures, figures
    from googlenet.report.pictures import crops_144

    drawn = detection_pictures.from_metrics(metrics, lambda index: photograph(160, 160))
    return figures.from_metrics(metrics) | drawn | {"crops_144": crops_144(photograph(), crops())}
