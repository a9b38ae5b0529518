"""Made-up structures and the outcomes of their trainings, as derive_structure and train_structure write them."""

from functools import cache
from typing import Any

import numpy as np

from googlenet.classification.structures import compare
from googlenet.metrics.structure import StructureMetrics
from googlenet.metrics.structure_comparison import StructureComparison
from googlenet.metrics.training import TrainingMetrics
from googlenet.models.table_1 import INCEPTION

ROWS = {"googlenet": 0.3, "derived": 0.2, "random_1": 0.45, "random_2": 0.5}  # the share that is wrong
SEEDS = (1, 2)


def structure(row: str, seed: int, number: int) -> dict[str, Any]:
    """A structure a quarter as wide as Table 1, and the derived one with more 5x5 the higher the module."""
    modules = {name: {key: max(1, n // 4) for key, n in each._asdict().items()} for name, each in INCEPTION.items()}
    derived = {}
    for place, (name, widths) in enumerate(modules.items() if row == "derived" else ()):
        widths["n5x5"] += 3 * place + seed
        kernels = (20 - place, 5, place)
        mass = (60.0 - 3 * place, 30.0, 10.0 + 3 * place)
        derived[name] = {
            "units": 40,
            "left_out": 1,
            "clusters": 25,
            "largest_cluster": 6,
            "clusters_by_kernel": kernels,
        }
        derived[name] |= {"mean_correlation": 0.4 if place else None, "mass_percent": mass}
    variant = {"name": f"{row}_{seed}", "row": row, "seed": seed}
    return {"variant": variant, "macs": 1_000_000 + 10 * seed * number, "modules": modules, "derived": derived}


@cache
def derive_structure() -> StructureMetrics:
    """Four rows with two seeds."""
    made = [structure(row, seed, number) for seed in SEEDS for number, row in enumerate(ROWS)]
    return StructureMetrics.model_validate({"budget_macs": 1_000_000, "images": 500, "structures": made})


def outcomes(made: StructureMetrics) -> dict[str, dict[str, np.ndarray]]:
    """Which of 40 test images each network gets wrong."""
    wrong = {}
    for number, each in enumerate(made.structures):
        rng = np.random.default_rng(number)
        top1 = {split: rng.random(40) < ROWS[each.variant.row] for split in ("validation", "test")}
        top5 = {split: mask & (rng.random(40) < 0.5) for split, mask in top1.items()}
        masks = {"top1": top1, "top5": top5}
        wrong[each.variant.name] = {
            f"{split}/averaged/{top}": masks[top][split].astype(np.uint8) for split in top1 for top in masks
        }
    return wrong


def trainings(made: StructureMetrics) -> dict[str, TrainingMetrics]:
    """Their trainings, of which one stalled: the derived structure's with the second seed."""
    errors = {"top1_error_percent": 0.0, "top5_error_percent": 0.0}
    both = {"averaged": errors, "last": errors}
    member = {"name": "m", "init_seed": 1, "order_seed": 1, "sampling_seed": 1, "sampling": "area", "width": 1.0}
    values = {
        "member": member | {"repeat_modules": []},
        "epochs": [],
        "images_seen": 1,
        "validation": both,
        "test": both,
    }
    return {
        each.variant.name: TrainingMetrics.model_validate(
            values
            | {"parameters": 20_000 + 10_000 * (each.variant.seed - 1), "stalled": each.variant.name == "derived_2"}
        )
        for each in made.structures
    }


def compare_structures() -> StructureComparison:
    """Their comparison."""
    made = derive_structure()
    return compare(made, outcomes(made), trainings(made), 95, 10)
