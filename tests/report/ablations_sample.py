"""Made-up metrics of a comparison of ablations, as compare_ablations writes them."""

from typing import Any

from googlenet.metrics.classification_studies import AblationMetrics


def difference(points: float, low: float, high: float, confidence_percent: float = 95) -> dict[str, Any]:
    """A difference with its interval, and seeds around it."""
    by_seed = [points - 1, points, points + 1]
    return {
        "error_percent": 5 + points,
        "error_percent_by_seed": [5 + value for value in by_seed],
        "difference_points": points,
        "difference_points_by_seed": by_seed,
        "interval": {"low": low, "high": high, "confidence_percent": confidence_percent},
        "degrees_of_freedom": 2.5,
    }


def row(name: str, top1: tuple[float, float, float], sources: list[str], **more: Any) -> dict[str, Any]:
    """One row; its top-5 figures are a tenth of its top-1 figures."""
    measures = {"top1": difference(*top1), "top5": difference(*(value / 10 for value in top1))}
    values = {"name": name.lower().replace(" ", "_"), "about": name, "weights": "averaged", "changes": {}}
    values |= {"sources": sources, "stalled": 0, "parameters": 409_466, "test": measures, "validation": measures}
    return values | more


def compare_ablations() -> AblationMetrics:
    """Four rows: one worse, one without a difference, one better, one that is the reference."""
    plain = ["train_classifier/m1", "train_ablation/reference_2", "train_ablation/reference_3"]
    own = [f"train_ablation/no_lrn_{seed}" for seed in (1, 2, 3)]
    changes = {"model": {"lrn": False, "aux_heads": ["4a", "4d"]}, "member": {"sampling": "area"}}
    members = [f"train_classifier/m{number}" for number in (5, 6, 7)]
    rows = [
        row("No LRN", (4.0, 1.5, 6.5), own, changes=changes, stalled=2),
        row("Last weights", (0.5, -0.6, 1.6), plain, weights="last"),
        row("Wider", (-1.25, -2.0, -0.5), members, changes={"member": {"width": 1.25}}),
        row("The same", (0.0, 0.0, 0.0), plain),
    ]
    values = {
        "classes": 10,
        "confidence_percent": 95,
        "seeds": [1, 2, 3],
        "images": {"validation": 128, "test": 382},
        "trainings": 9,
        "reference": row("reference", (0.0, 0.0, 0.0), plain),
        "rows": rows,
    }
    return AblationMetrics.model_validate(values)
