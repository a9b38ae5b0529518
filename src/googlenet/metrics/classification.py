"""Metrics of train_baseline and evaluate_ensemble: errors in percent, differences in points."""

from typing import Literal

from googlenet.metrics.base import Metrics, StageMetrics
from googlenet.metrics.error_rates import Spread, TopError, TopErrors, TopValues
from googlenet.metrics.interval import Difference, Interval
from googlenet.metrics.single_images import SingleImages

CalibrationMeasure = Literal["ece_percent", "nll_nats", "brier"]
TopIntervals = TopValues[Interval]
TopDifferences = TopValues[Difference]  # reductions in both errors from one system to another, in points


class MeasuredErrors(TopErrors):
    intervals: TopIntervals


class BaselineMetrics(TopErrors, StageMetrics):
    """metrics.json of train_baseline: errors on test. method, pixels: in words."""

    method: str
    pixels: str


class ErrorRow(TopErrors):
    """A row of Table 3; for one model it is the mean over the members."""

    models: int
    crops: int
    cost: int  # models times crops
    top1_std: float  # over the members, as a sample (n - 1); 0 for all members together
    top5_std: float

    @property
    def system_key(self) -> str:
        """The system's key in EnsembleMetrics.intervals, and in the keys of its pairs."""
        return f"{'single' if self.models == 1 else 'ensemble'}_{self.crops}"

    def std(self, error: TopError) -> float:
        return self.top1_std if error == "top1_error_percent" else self.top5_std


class SubsetErrors(TopValues[Spread]):
    """Spread of the errors over all subsets of this many models, with this many crops."""

    models: int
    crops: int
    subsets: int


class PairedDifference(Difference):
    """Reduction in one error between two systems on the same images."""

    metric: TopError
    resamples: int


class ClassError(Metrics):
    """Top-1 error on the images of one class; None if it has no images."""

    class_name: str
    images: int
    top1_error_percent: float | None


class Effect(Difference):
    """Change of top-1 error when a part (a member, a group of crops) is left out; positive: the part helps."""

    left_out: str
    class_name: str | None  # None over all classes
    images: int
    gained: int  # images correct only with the part
    lost: int  # images wrong only with it
    p_value: float  # of the exact sign test on these counts
    stands: bool  # whether the effect holds after Holm's correction


class ClassEffects(Metrics):
    comparisons: int
    alone_significant: int  # number significant without correction
    standing: int  # number significant after the correction
    largest: tuple[Effect, ...]  # the most significant ones with any change


class Effects(Metrics):
    """The effects of leaving each part out, over all images and by class."""

    confidence_percent: float
    overall: tuple[Effect, ...]
    by_class: ClassEffects


class ReliabilityBin(Metrics):
    """Predictions whose top class has a probability in one bin: their mean probability, and the share correct."""

    bin: int
    predictions: int
    confidence_percent: float
    correct_percent: float


class CalibrationFigure(Metrics):
    value: float
    interval: Interval
    fall: Difference | None  # reduction from the first system, if positive this is better; not of the calibration error


class SystemCalibration(Metrics):
    """Calibration of one model (the mean over the members' figures) or of all, with this many crops."""

    models: int
    crops: int
    reliability: tuple[ReliabilityBin, ...]
    ece_percent: CalibrationFigure
    nll_nats: CalibrationFigure
    brier: CalibrationFigure

    def of(self, measure: CalibrationMeasure) -> CalibrationFigure:
        return {"ece_percent": self.ece_percent, "nll_nats": self.nll_nats, "brier": self.brier}[measure]


class CalibrationMetrics(Metrics):
    """Calibration with the fewest and with the most crops. The first system is one model with the fewest."""

    bins: int
    binning: Literal["equal_width", "equal_mass"]
    systems: tuple[SystemCalibration, ...]


class BaselineComparison(Metrics):
    top1_error_percent: float
    times_as_wrong: float | None  # None if the ensemble has no error


class EnsembleMetrics(StageMetrics):
    """metrics.json of evaluate_ensemble. Systems: single_<crops>, the mean over single members; ensemble_<crops>."""

    images: int
    classes: int
    confidence_percent: float
    largest_class_error_percent: float
    mirrored: bool  # whether every second crop is a mirror image
    table_3: tuple[ErrorRow, ...]
    members: dict[str, dict[str, TopErrors]]  # member -> number of crops as text
    over_members: dict[str, TopDifferences]  # from each member to all, with the most crops; empty for one member
    subsets: tuple[SubsetErrors, ...]
    paired: dict[str, PairedDifference]  # in top-1 error, by <system>_minus_<system>
    paired_top5: dict[str, PairedDifference]
    intervals: dict[str, TopIntervals]  # by system
    per_class: tuple[ClassError, ...]
    left_out: Effects
    calibration: CalibrationMetrics
    single_images: SingleImages
    baseline: BaselineComparison | None = None  # None unless one is fitted

    @property
    def overall(self) -> PairedDifference | None:
        """Difference from one model with the fewest crops to all models with the most; None if these are the same."""
        fewest, most = self.table_3[0].crops, self.table_3[-1].crops
        return self.paired.get(f"single_{fewest}_minus_ensemble_{most}")
