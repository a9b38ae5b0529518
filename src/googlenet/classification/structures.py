"""Compare derived structures with GoogLeNet and random structures of the same cost, paired over seeds and images."""

from collections.abc import Mapping

import numpy as np

from googlenet.classification.ablations import compared_error
from googlenet.classification.error_rates import Outcomes
from googlenet.errors import UserError
from googlenet.metrics.classification_studies import AblationError, AblationErrors, HeldOut
from googlenet.metrics.structure import StructureMetrics
from googlenet.metrics.structure_comparison import StructureComparison, StructureResult
from googlenet.metrics.training import TrainingMetrics

HELD_OUT, MEASURES = ("validation", "test"), ("top1", "top5")


class Compared:
    """The trained structures: the images that each row gets wrong with each seed. UserError for a missing training."""

    def __init__(
        self,
        made: StructureMetrics,
        outcomes: Mapping[str, Outcomes],
        trainings: Mapping[str, TrainingMetrics],
        confidence_percent: float,
    ):
        """outcomes, trainings: by name, "<row>_<seed>"."""
        missing = sorted({each.variant.name for each in made.structures} - outcomes.keys())
        if missing:
            raise UserError(f"structures: no results of {missing[0]}; run `snakemake --cores N structures`")
        self.made, self.outcomes, self.trainings, self.confidence = made, outcomes, trainings, confidence_percent
        self.rows = list(dict.fromkeys(each.variant.row for each in made.structures))
        self.seeds = tuple(dict.fromkeys(each.variant.seed for each in made.structures))
        self.random = [row for row in self.rows if row.startswith("random_")]

    def wrong(self, rows: list[str], key: str) -> np.ndarray:
        """Return the mean error of some rows, by seed and image: float64 [seeds, images]. key: "test/averaged/top1"."""
        every = [[self.outcomes[f"{row}_{seed}"][key] for seed in self.seeds] for row in rows]
        return np.asarray(np.mean(every, axis=0, dtype=np.float64))

    def errors(self, rows: list[str], less: list[str]) -> HeldOut[AblationErrors]:
        """Return the mean errors of some rows, and their differences from those of others."""

        def error(split: str, measure: str) -> AblationError:
            key = f"{split}/averaged/{measure}"
            return compared_error(self.wrong(rows, key), self.wrong(less, key), self.confidence)

        both = {split: AblationErrors(**{top: error(split, top) for top in MEASURES}) for split in HELD_OUT}
        return HeldOut[AblationErrors](**both)

    def result(self, row: str, rows: list[str]) -> StructureResult:
        """Compare a kind of structure, the mean of `rows`, with GoogLeNet."""
        errors = self.errors(rows, ["googlenet"])
        own = [each for each in self.made.structures if each.variant.row in rows]
        trained = [self.trainings[each.variant.name] for each in own]
        return StructureResult(
            row=row,
            macs=float(np.mean([each.macs for each in own])),
            parameters=float(np.mean([each.parameters for each in trained])),
            stalled=sum(each.stalled for each in trained),
            validation=errors.validation,
            test=errors.test,
        )


def compare(
    made: StructureMetrics,
    outcomes: Mapping[str, Outcomes],
    trainings: Mapping[str, TrainingMetrics],
    confidence_percent: float,
    classes: int,
) -> StructureComparison:
    """Return the errors of every kind of structure and their differences. Each seed has its own derived and random
    structures, so the intervals cover other derivations, other random structures, other seeds and other images."""
    compared = Compared(made, outcomes, trainings, confidence_percent)
    first = next(iter(outcomes.values()))
    return StructureComparison(
        classes=classes,
        confidence_percent=confidence_percent,
        seeds=compared.seeds,
        random_structures=len(compared.random),
        images=HeldOut[int](**{split: len(first[f"{split}/averaged/top1"]) for split in HELD_OUT}),
        budget_macs=made.budget_macs,
        googlenet=compared.result("googlenet", ["googlenet"]),
        derived=compared.result("derived", ["derived"]),
        random=compared.result("random", compared.random),
        each_random=tuple(compared.result(row, [row]) for row in compared.random),
        derived_less_random=compared.errors(["derived"], compared.random),
    )
