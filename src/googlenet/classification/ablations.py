"""Compare each row of the ablation table with the reference, paired over seeds and images."""

import numpy as np

from googlenet.classification.error_rates import Outcomes
from googlenet.config.schema.classification import AblationRow, CompareAblations
from googlenet.errors import UserError
from googlenet.metrics import classification_studies as studies
from googlenet.metrics.interval import Interval
from googlenet.metrics.training import TrainingMetrics

REFERENCE = AblationRow(name="reference", about="", weights="averaged", changes={})


def crossed_interval(differences: np.ndarray, confidence_percent: float, unit: float = 1.0) -> tuple[Interval, float]:
    """Return the interval of the mean of differences [seeds, images], times `unit`, and its degrees of freedom.

    It covers other seeds and images of the same kind, as crossed random effects. The variance is that of a two-way
    table without replication, (seeds + images - residual mean squares) / cells, with no component below 0. Student's t
    has Satterthwaite's degrees of freedom. Nothing is resampled: three seeds make bootstrap intervals much too short.
    """
    from scipy.special import stdtrit

    seeds, images = differences.shape
    mean, by_seed, by_image = differences.mean(), differences.mean(1), differences.mean(0)
    residual = differences - by_seed[:, None] - by_image[None, :] + mean
    free = np.array([seeds - 1, images - 1, (seeds - 1) * (images - 1)])
    of_seeds, of_images = images * ((by_seed - mean) ** 2).sum(), seeds * ((by_image - mean) ** 2).sum()
    squares = np.array([of_seeds, of_images, (residual**2).sum()])
    of_cells = squares[2] / free[2] / differences.size
    parts = np.maximum(squares / free / differences.size, of_cells)
    variance = parts[0] + parts[1] - of_cells
    half, degrees = 0.0, float(seeds - 1)
    if variance:
        degrees = float(max(variance**2 / (parts**2 / free).sum(), seeds - 1))
        half = stdtrit(degrees, 0.5 + confidence_percent / 200) * variance**0.5
    low, high = unit * float(mean - half), unit * float(mean + half)
    return Interval(low=low, high=high, confidence_percent=confidence_percent), degrees


def compared_error(wrong: np.ndarray, base: np.ndarray, confidence_percent: float) -> studies.AblationError:
    """Return a mean error and its difference from the base. wrong, base: error per image, float64 [seeds, images]."""
    paired = wrong - base
    interval, degrees = crossed_interval(paired, confidence_percent, 100)
    return studies.AblationError(
        error_percent=float(100 * wrong.mean()),
        error_percent_by_seed=tuple((100 * wrong.mean(1)).tolist()),
        difference_points=float(100 * paired.mean()),
        difference_points_by_seed=tuple((100 * paired.mean(1)).tolist()),
        interval=interval,
        degrees_of_freedom=degrees,
    )


def compare(
    settings: CompareAblations, outcomes: dict[str, Outcomes], trainings: dict[str, TrainingMetrics], classes: int
) -> studies.AblationMetrics:
    """Return the errors of the reference and of every row, and each row's difference from it with its interval.
    outcomes, trainings: by source, "<stage>/<job>". Raises UserError for a missing source."""
    missing = sorted(set(settings.sources.values()) - outcomes.keys())
    if missing:
        raise UserError(f"ablations: no results of {missing[0]}; run `snakemake --cores N ablations`")
    reference, *rows = (result(row, settings, outcomes, trainings) for row in (REFERENCE, *settings.rows))
    any_outcomes = next(iter(outcomes.values()))
    images = {split: len(any_outcomes[f"{split}/averaged/top1"]) for split in ("validation", "test")}
    return studies.AblationMetrics(
        classes=classes,
        confidence_percent=settings.confidence_percent,
        seeds=settings.seeds,
        images=studies.HeldOut[int](**images),
        trainings=len(set(settings.sources.values())),
        reference=reference,
        rows=tuple(rows),
    )


def result(
    row: AblationRow, settings: CompareAblations, outcomes: dict[str, Outcomes], trainings: dict[str, TrainingMetrics]
) -> studies.AblationResult:
    """Return one row of the result: its settings, its source trainings, errors and differences by split and measure."""

    def sources_of(row: AblationRow) -> list[str]:
        return [settings.sources[f"{row.name}_{seed}"] for seed in settings.seeds]

    def wrong_of(row: AblationRow, split: str, measure: str) -> np.ndarray:  # float64 [trainings, images]
        wrong = [outcomes[source][f"{split}/{row.weights}/{measure}"] for source in sources_of(row)]
        return np.stack(wrong).astype(np.float64)

    def error(split: str, measure: str) -> studies.AblationError:
        base = wrong_of(REFERENCE, split, measure)
        return compared_error(wrong_of(row, split, measure), base, settings.confidence_percent)

    sources = sources_of(row)
    return studies.AblationResult(
        name=row.name,
        about=row.about or row.name.replace("_", " "),
        weights=row.weights,
        changes=row.changes,
        sources=tuple(sources),
        stalled=sum(trainings[source].stalled for source in sources),
        parameters=trainings[sources[0]].parameters,
        asynchronous=tuple(found for source in sources if (found := trainings[source].asynchronous)),
        validation=studies.AblationErrors(top1=error("validation", "top1"), top5=error("validation", "top5")),
        test=studies.AblationErrors(top1=error("test", "top1"), top5=error("test", "top5")),
    )
