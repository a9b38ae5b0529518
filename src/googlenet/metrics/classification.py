"""What the stages of classification write: errors in percent, differences in points.

Trainings are in training.py, the studies of crops, units and ablations in classification_studies.py.
"""

from typing import Literal

from googlenet.metrics.base import Metrics, StageMetrics
from googlenet.metrics.error_rates import Spread, TopError, TopErrors, TopValues
from googlenet.metrics.interval import Difference, Interval
from googlenet.metrics.training import TrainingEpoch as TrainingEpoch
from googlenet.metrics.training import TrainingMetrics as TrainingMetrics
from googlenet.metrics.training import WeightErrors as WeightErrors

System = Literal["single", "ensemble"]  # the mean over the members alone, and all members together
CalibrationMeasure = Literal["ece_percent", "nll_nats", "brier"]


class TopIntervals(TopValues[Interval]):
    """An interval for each of the two errors."""


class TopDifferences(TopValues[Difference]):
    """Falls in both errors from one system to another, in points."""


class MeasuredErrors(TopErrors):
    """Both errors and their intervals."""

    intervals: TopIntervals


# train_baseline


class BaselineMetrics(TopErrors, StageMetrics):
    """metrics.json of train_baseline: errors on test. method, pixels: in words."""

    method: str
    pixels: str


# evaluate_ensemble


class ErrorRow(TopErrors):
    """A row of Table 3; of one model it is the mean over the members. cost: models times crops.

    The standard deviations are those of the members', 0 for all together.
    """

    models: int
    crops: int
    cost: int
    top1_std: float
    top5_std: float

    @property
    def system_key(self) -> str:
        """What its system is called in EnsembleMetrics.intervals and in its pairs."""
        return f"{'single' if self.models == 1 else 'ensemble'}_{self.crops}"

    def std(self, error: TopError) -> float:
        """The standard deviation of one of the errors."""
        return self.top1_std if error == "top1_error_percent" else self.top5_std


class SubsetErrors(TopValues[Spread]):
    """How the errors of all subsets of so many models spread, with so many crops. subsets: how many there are."""

    models: int
    crops: int
    subsets: int


class PairedDifference(Difference):
    """Fall in one error between two systems on the same images. metric: which error."""

    metric: TopError
    resamples: int


class ClassError(Metrics):
    """Top-1 error on the images of one class; None where it has none."""

    class_name: str
    images: int
    top1_error_percent: float | None


class Effect(Difference):
    """Change of top-1 error when a part (a member, a group of crops) is left out: above zero, the part helps.

    class_name: None over all classes. gained: images that are right thanks to the part; lost: wrong because of it. p_value: of
    the exact sign test on these; stands: whether the effect holds after Holm's correction.
    """

    left_out: str
    class_name: str | None
    images: int
    gained: int
    lost: int
    p_value: float
    stands: bool


class ClassEffects(Metrics):
    """Effects by part and class. comparisons: how many there are; largest: the most certain ones that change anything.

    alone_significant: how many would pass a test if each were the only one; standing: how many hold after the correction.
    """

    comparisons: int
    alone_significant: int
    standing: int
    largest: tuple[Effect, ...]


class Effects(Metrics):
    """What leaving each part out changes, over all images and by class."""

    confidence_percent: float
    overall: tuple[Effect, ...]
    by_class: ClassEffects


class ReliabilityBin(Metrics):
    """Predictions whose first class has a probability in one bin: their mean probability, and the share that is right."""

    bin: int
    predictions: int
    confidence_percent: float
    correct_percent: float


class CalibrationFigure(Metrics):
    """A measure of calibration. fall: from the first system's; above zero this one is better."""

    value: float
    interval: Interval
    fall: Difference


class SystemCalibration(Metrics):
    """Calibration of one model (the mean over the members' figures) or of all, with so many crops."""

    models: int
    crops: int
    reliability: tuple[ReliabilityBin, ...]
    ece_percent: CalibrationFigure
    nll_nats: CalibrationFigure
    brier: CalibrationFigure

    def of(self, measure: CalibrationMeasure) -> CalibrationFigure:
        """One of the three measures."""
        return {"ece_percent": self.ece_percent, "nll_nats": self.nll_nats, "brier": self.brier}[measure]


class CalibrationMetrics(Metrics):
    """Calibration on the fewest and on the most crops. The first system is one model on the fewest."""

    bins: int
    binning: Literal["equal_width", "equal_mass"]
    systems: tuple[SystemCalibration, ...]


class BaselineComparison(Metrics):
    """The baseline's error, and how many times the ensemble's it is; None where the ensemble has no error."""

    top1_error_percent: float
    times_as_wrong: float | None


class EnsembleMetrics(StageMetrics):
    """metrics.json of evaluate_ensemble.

    members: member -> number of crops as text -> errors. Systems are called single_<crops>, the mean over the members alone, and
    ensemble_<crops>; intervals: by system; paired (top-1) and paired_top5: by <system>_minus_<system>. mirrored: whether every
    second crop is mirrored. baseline: None where none is fitted.
    """

    images: int
    classes: int
    confidence_percent: float
    largest_class_error_percent: float
    mirrored: bool
    table_3: tuple[ErrorRow, ...]
    members: dict[str, dict[str, TopErrors]]
    subsets: tuple[SubsetErrors, ...]
    paired: dict[str, PairedDifference]
    paired_top5: dict[str, PairedDifference]
    intervals: dict[str, TopIntervals]
    per_class: tuple[ClassError, ...]
    left_out: Effects
    calibration: CalibrationMetrics
    baseline: BaselineComparison | None = None

    @property
    def overall(self) -> PairedDifference | None:
        """From one model on the fewest crops to all models on the most; None where these are the same."""
        fewest, most = self.table_3[0].crops, self.table_3[-1].crops
        return self.paired.get(f"single_{fewest}_minus_ensemble_{most}")
