"""Made-up metrics of the stages of detection, for any classes, as they write them."""

from typing import Any

from googlenet.metrics.base import StageMetrics
from googlenet.metrics.detection import DetectionMetrics, DetectorMetrics
from googlenet.metrics.proposals import ProposalMetrics, ProposalStudyMetrics
from googlenet.report.detection_tables import KINDS, REASONS

DETECTORS = [f"d{number}" for number in range(1, 7)]
SHARES = {"selective_search_full": 92.0, "selective_search": 88.5, "multibox": 84.0, "priors": 61.0, "merged": 93.1}
BOXES = {"selective_search_full": 1652.4, "selective_search": 803.2, "multibox": 200, "priors": 200, "merged": 1003.2}


def jobs(classes: list[str]) -> list[tuple[str, StageMetrics]]:
    """Every stage's metrics, with the names of their jobs, as Results takes them."""
    detectors = [(name, train_detector(number)) for number, name in enumerate(DETECTORS, start=1)]
    parts = [(f"p{number}", propose_regions(images)) for number, images in enumerate((210, 210), start=1)]
    return [*parts, *detectors, ("", study_proposals(classes)), ("", evaluate_detection(classes))]


def propose_regions(images: int) -> ProposalMetrics:
    boxes = 141 * images
    return ProposalMetrics(images=images, images_without_boxes=0, boxes=boxes, boxes_per_image=boxes / images)


def train_detector(number: int) -> DetectorMetrics:
    epochs = [
        {
            "epoch": epoch,
            "step": epoch * 65,
            "learning_rate": 0.02,
            "train_loss": round(0.25 + (3.4 + number / 10) / epoch, 4),
            "train_accuracy_percent": round(97 - (60 + number) / epoch, 2),
        }
        for epoch in range(1, 13)
    ]
    values = {
        "member": {"name": f"d{number}", "init_from": f"m{number}", "order_seed": 30 + number},
        "images": 300,
        "positives_available": 9_120 + number,
        "parameters": 452_435,
        "epochs": epochs,
    }
    return DetectorMetrics.model_validate(values)


def interval(low: float, high: float) -> dict[str, float]:
    return {"low": low, "high": high, "confidence_percent": 95}


def difference(points: float, low: float, high: float) -> dict[str, Any]:
    return {"difference": points, "interval": interval(low, high)}


def evaluate_detection(classes: list[str]) -> DetectionMetrics:
    ap = [round(97.5 - 60 * index / len(classes), 2) for index in range(len(classes))]
    curves = {}
    for index, name in enumerate(classes):
        reach = 40 - 25 * index // len(classes)
        recall = [round(step / 40, 3) for step in range(1, reach + 1)]
        curves[name] = {
            "recall": recall,
            "precision": [round(1 - (r**4) * (0.1 + 0.4 * index / len(classes)), 4) for r in recall],
        }
    alone = {
        name: {"mean_ap_percent": 87.0 + index, "ap_percent": [value - 6 + index for value in ap]}
        for index, name in enumerate(DETECTORS)
    }
    values = {
        "images": 60,
        "classes": classes,
        "objects": 212,
        "coverage": {
            "boxes_per_image": 141.3,
            "objects": 212,
            "coverage_percent": 98.6,
            "per_class": [
                {"class_name": name, "objects": 20 + i, "coverage_percent": 100 - 20 * i / len(classes)}
                for i, name in enumerate(classes)
            ],
        },
        "table_4": {"ensemble_mean_ap_percent": 93.1, "detectors": 6, "interval": interval(90.2, 95.4)},
        "detectors": alone,
        "single_mean_ap_percent": 89.5,
        "single_std": 1.87,
        "single_interval": interval(86.6, 92.0),
        "ensemble_minus_single": difference(3.6, 2.4, 4.9),
        "switches": switches(ap),
        "ensemble": {"mean_ap_percent": 93.1, "ap_percent": ap, "detections": 1890},
        "precision_recall": curves,
        "error_types": error_types(classes),
        "examples": examples(classes),
    }
    return DetectionMetrics.model_validate(values)


def switches(ap: list[float]) -> dict[str, Any]:
    rows = (
        (["mirror"], 93.4, difference(0.3, -0.2, 0.8)),
        (["bbox_regression"], 95.0, difference(1.9, 0.8, 3.0)),
        (["svm"], 91.2, difference(-1.9, -3.1, -0.6)),
    )
    compared = [
        {
            "switches": names,
            "single_mean_ap_percent": value - 3,
            "single_std": 1.1,
            "ensemble_mean_ap_percent": value,
            "ensemble_interval": interval(value - 3, value + 2),
            "difference": against,
            "ap_percent": ap,
        }
        for names, value, against in rows
    ]
    return {"on": [], "compared": compared}


def error_types(classes: list[str]) -> dict[str, Any]:
    false, missed = [], []
    for index, name in enumerate(classes):
        wrong = round(10 * index / len(classes))
        parts = (20 - wrong, wrong // 3, wrong // 5, wrong // 4)
        kinds = dict(zip(KINDS, (*parts, 20 - sum(parts)), strict=True))
        lacking = dict(zip(REASONS, (wrong // 4, wrong // 5, wrong // 6, wrong // 3), strict=True))
        false.append({"class_name": name, "objects": 20, "counts": kinds})
        missed.append({"class_name": name, "objects": 20, "counts": lacking})

    def table(rows: list[dict[str, Any]], names: Any) -> dict[str, Any]:
        total = {name: sum(row["counts"][name] for row in rows) for name in names}
        objects = sum(row["objects"] for row in rows)
        return {"all": {"objects": objects, "counts": total}, "per_class": rows}

    return {"near_iou": 0.1, "false_positives": table(false, KINDS), "missed": table(missed, REASONS)}


def examples(classes: list[str]) -> dict[str, Any]:
    first, last = classes[0], classes[-1]

    def row(number: int, f1: float, detections: list[dict[str, Any]]) -> dict[str, Any]:
        truth = [labelled([20, 24, 61, 70], first), labelled([90, 70, 130, 128], last)]
        name = f"scene_{number:05d}.jpg"
        return {"name": name, "index": number, "f1_percent": f1, "ground_truth": truth, "detections": detections}

    right = [
        labelled([22, 23, 60, 73], first) | {"score": 0.97, "correct": True},
        labelled([88, 74, 131, 127], last) | {"score": 0.71, "correct": True},
    ]
    wrong = labelled([60, 2, 84, 30], last) | {"score": 0.52, "correct": False}
    best = [row(number, 100.0, right) for number in range(6)]
    worst = [row(number, 50.0, [right[0], wrong]) for number in range(6, 12)]
    return {"score": 0.5, "best": best, "worst": worst}


def labelled(box: list[int], name: str) -> dict[str, Any]:
    return {"box": box, "class_name": name}


def study_proposals(classes: list[str]) -> ProposalStudyMetrics:
    sources, curves = {}, {}
    for name, share in SHARES.items():
        per_class = [
            {"class_name": label, "objects": 20 + i, "coverage_percent": round(share - 15 * i / len(classes), 1)}
            for i, label in enumerate(classes)
        ]
        sources[name] = {
            "boxes_per_image": BOXES[name],
            "objects": 212,
            "coverage_percent": share,
            "interval": interval(share - 2.1, share + 1.8),
            "per_class": per_class,
        }
        most = round(BOXES[name] * 1.5)
        counts = [n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000) if n < most] + [most]
        slow = 8 if name in ("multibox", "merged") else 60
        curves[name] = [{"boxes": n, "coverage_percent": share * n / (n + slow) * (1 + slow / most)} for n in counts]
    learned = [{"class_name": name, "gain": difference(23.0 - i, 12.5 - i, 31.0 - i)} for i, name in enumerate(classes)]
    boxes = [[5 * i, 3 * i, 5 * i + 40, 3 * i + 50] for i in range(20)]
    values = {
        "split": "test",
        "images": 60,
        "compared_images": 60,
        "objects": 212,
        "classes": classes,
        "iou": 0.5,
        "confidence_percent": 95,
        "sources": sources,
        "curves": curves,
        "share_of_boxes_percent": 60.7,
        "superpixel_scale": {"ours": 2.0, "compared": 1.0},
        "differences": {
            "merged_minus_full": difference(1.1, -0.4, 2.6),
            "multibox_minus_priors": difference(23.0, 19.9, 26.3) | {"per_class": learned},
        },
        "examples": [
            {
                "name": f"scene_{number:05d}.jpg",
                "index": number,
                "ground_truth": [labelled([20, 24, 61, 70], classes[0])],
                "selective_search": boxes,
                "multibox": [{"box": box, "confidence": 0.9 - i / 10} for i, box in enumerate(boxes[:6])],
            }
            for number in range(2)
        ],
    }
    return ProposalStudyMetrics.model_validate(values)
