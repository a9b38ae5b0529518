"""Made-up metrics of a comparison of ablations, as compare_ablations writes them."""

from typing import Any


def difference(points: float, low: float, high: float) -> dict[str, Any]:
    """A difference with its interval, and seeds around it."""
    by_seed = [points - 1, points, points + 1]
    return {
        "error_percent": 5 + points,
        "error_percent_by_seed": [5 + value for value in by_seed],
        "difference_points": points,
        "difference_points_by_seed": by_seed,
        "low_points": low,
        "high_points": high,
        "degrees_of_freedom": 2.5,
    }


def row(name: str, top1: dict[str, Any], sources: list[str], **more: Any) -> dict[str, Any]:
    """One row; its top-5 figures are a tenth of its top-1 figures."""
    top5 = {
        key: [v / 10 for v in value] if isinstance(value, list) else value / 10 for key, value in top1.items()
    }
    measures = {"top1": top1, "top5": top5}
    found = {"name": name.lower().replace(" ", "_"), "about": name, "weights": "averaged", "changes": {}}
    found |= {
        "sources": sources,
        "stalled": 0,
        "parameters": 409_466,
        "test": measures,
        "validation": measures,
    }
    return found | more


def compare_ablations() -> dict[str, Any]:
    """Four rows: one worse, one without a difference, one better, one that is the reference."""
    plain = ["train_classifier/m1", "train_ablation/reference_2", "train_ablation/reference_3"]
    own = [f"train_ablation/no_lrn_{seed}" for seed in (1, 2, 3)]
    changes = {"model": {"lrn": False, "aux_heads": ["4a", "4d"]}, "member": {"sampling": "area"}}
    members = [f"train_classifier/m{number}" for number in (5, 6, 7)]
    rows = [
        row("No LRN", difference(4.0, 1.5, 6.5), own, changes=changes, stalled=2),
        row("Last weights", difference(0.5, -0.6, 1.6), plain, weights="last"),
        row("Wider", difference(-1.25, -2.0, -0.5), members, changes={"member": {"width": 1.25}}),
        row("The same", difference(0.0, 0.0, 0.0), plain),
    ]
    return {
        "classes": 10,
        "confidence_percent": 95,
        "seeds": [1, 2, 3],
        "pictures": {"validation": 128, "test": 382},
        "trainings": 9,
        "reference": row("reference", difference(0.0, 0.0, 0.0), plain),
        "rows": rows,
    }
