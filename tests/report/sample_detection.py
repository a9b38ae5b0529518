"""Made-up metrics of evaluate_detection and study_proposals, for any classes, as the stages write them."""

from typing import Any

from googlenet.report.error_tables import KINDS, REASONS

DETECTORS = [f"d{number}" for number in range(1, 7)]
SHARES = {
    "selective_search_full": 92.0,
    "selective_search": 88.5,
    "multibox": 84.0,
    "priors": 61.0,
    "merged": 93.1,
}
BOXES = {
    "selective_search_full": 1652.4,
    "selective_search": 803.2,
    "multibox": 200,
    "priors": 200,
    "merged": 1003.2,
}


def evaluate_detection(classes: list[str]) -> dict[str, Any]:
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
    return {
        "images": 60,
        "classes": list(classes),
        "objects": 212,
        "coverage": {
            "boxes_per_image": 141.3,
            "coverage_percent": 98.6,
            "per_class": [
                {"class": name, "objects": 20 + i, "coverage_percent": 100 - 20 * i / len(classes)}
                for i, name in enumerate(classes)
            ],
        },
        "table_4": {
            "ensemble_mean_ap_percent": 93.1,
            "detectors": 6,
            "interval": [90.2, 95.4],
            "confidence_percent": 95,
        },
        "detectors": alone,
        "single_mean_ap_percent": 89.5,
        "single_std": 1.87,
        "single_interval": [86.6, 92.0],
        "ensemble_minus_single": {"percent": 3.6, "interval": [2.4, 4.9]},
        "switches": switches(ap),
        "ensemble": {"mean_ap_percent": 93.1, "ap_percent": ap, "detections": 1890},
        "precision_recall": curves,
        "error_types": error_types(classes),
        "examples": examples(classes),
    }


def switches(ap: list[float]) -> dict[str, Any]:
    rows = (
        (["mirror"], 93.4, 0.3, [-0.2, 0.8]),
        (["bbox_regression"], 95.0, 1.9, [0.8, 3.0]),
        (["svm"], 91.2, -1.9, [-3.1, -0.6]),
    )
    compared = [
        {
            "switches": names,
            "single_mean_ap_percent": value - 3,
            "single_std": 1.1,
            "ensemble_mean_ap_percent": value,
            "ensemble_interval": [value - 3, value + 2],
            "difference": {"percent": difference, "interval": bounds},
            "ap_percent": ap,
        }
        for names, value, difference, bounds in rows
    ]
    return {"on": [], "compared": compared}


def error_types(classes: list[str]) -> dict[str, Any]:
    false, missed = [], []
    for index, name in enumerate(classes):
        wrong = round(10 * index / len(classes))
        parts = (20 - wrong, wrong // 3, wrong // 5, wrong // 4)
        kinds = dict(zip(KINDS, (*parts, 20 - sum(parts)), strict=True))
        lacking = dict(zip(REASONS, (wrong // 4, wrong // 5, wrong // 6, wrong // 3), strict=True))
        false.append({"class": name, "objects": 20} | kinds)
        missed.append({"class": name, "objects": 20} | lacking)

    def table(rows: list[dict[str, Any]], names: Any) -> dict[str, Any]:
        total = {key: sum(row[key] for row in rows) for key in ("objects", *names)}
        return {"all": total, "per_class": rows}

    return {"near_iou": 0.1, "false_positives": table(false, KINDS), "missed": table(missed, REASONS)}


def examples(classes: list[str]) -> dict[str, Any]:
    first, last = classes[0], classes[-1]

    def row(number: int, f1: float, found: list[dict[str, Any]]) -> dict[str, Any]:
        truth = [{"box": [20, 24, 61, 70], "class": first}, {"box": [90, 70, 130, 128], "class": last}]
        name = f"scene_{number:05d}.jpg"
        return {"name": name, "index": number, "f1_percent": f1, "ground_truth": truth, "detections": found}

    right = [
        {"box": [22, 23, 60, 73], "class": first, "score": 0.97, "correct": True},
        {"box": [88, 74, 131, 127], "class": last, "score": 0.71, "correct": True},
    ]
    wrong = {"box": [60, 2, 84, 30], "class": last, "score": 0.52, "correct": False}
    best = [row(number, 100.0, right) for number in range(6)]
    worst = [row(number, 50.0, [right[0], wrong]) for number in range(6, 12)]
    return {"score": 0.5, "best": best, "worst": worst}


def study_proposals(classes: list[str]) -> dict[str, Any]:
    sources, curves = {}, {}
    for name, share in SHARES.items():
        per_class = [
            {"class": label, "objects": 20 + i, "coverage_percent": round(share - 15 * i / len(classes), 1)}
            for i, label in enumerate(classes)
        ]
        sources[name] = {
            "boxes_per_image": BOXES[name],
            "coverage_percent": share,
            "interval": [share - 2.1, share + 1.8],
            "per_class": per_class,
        }
        most = round(BOXES[name] * 1.5)
        counts = [n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000) if n < most] + [most]
        slow = 8 if name in ("multibox", "merged") else 60
        curves[name] = [
            {"boxes": n, "coverage_percent": share * n / (n + slow) * (1 + slow / most)} for n in counts
        ]
    learned = [
        {"class": name, "coverage_percent": 23.0 - i, "interval": [12.5 - i, 31.0 - i]}
        for i, name in enumerate(classes)
    ]
    boxes = [[5 * i, 3 * i, 5 * i + 40, 3 * i + 50] for i in range(20)]
    return {
        "split": "test",
        "images": 60,
        "compared_images": 60,
        "objects": 212,
        "classes": list(classes),
        "iou": 0.5,
        "confidence_percent": 95,
        "sources": sources,
        "curves": curves,
        "share_of_boxes_percent": 60.7,
        "superpixel_scale": {"ours": 2.0, "compared": 1.0},
        "differences": {
            "merged_minus_full": {"coverage_percent": 1.1, "interval": [-0.4, 2.6]},
            "multibox_minus_priors": {
                "coverage_percent": 23.0,
                "interval": [19.9, 26.3],
                "per_class": learned,
            },
        },
        "examples": [
            {
                "name": f"scene_{number:05d}.jpg",
                "index": number,
                "ground_truth": [{"box": [20, 24, 61, 70], "class": classes[0]}],
                "selective_search": boxes,
                "multibox": [{"box": box, "confidence": 0.9 - i / 10} for i, box in enumerate(boxes[:6])],
            }
            for number in range(2)
        ],
    }
