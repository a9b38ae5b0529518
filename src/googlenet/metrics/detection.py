"""Metrics of the detection stages; plain lists of per-class values are in the order of the data set's classes."""

from googlenet.config.schema.shared import Detector
from googlenet.metrics.base import Metrics, StageMetrics
from googlenet.metrics.epoch import Epoch
from googlenet.metrics.interval import Difference, Interval
from googlenet.metrics.proposals import Coverage, LabelledBox


class DetectorEpoch(Epoch):
    """An epoch of a detector, with its accuracy on the training regions."""

    train_accuracy_percent: float


class DetectorMetrics(StageMetrics):
    """metrics.json of train_detector. member: its row of the table. positives_available: number of positive regions."""

    member: Detector
    images: int
    positives_available: int
    parameters: int
    epochs: tuple[DetectorEpoch, ...]


class Accuracy(Metrics):
    """Percentage of regions classified correctly, among those fitted to and those held out; None if there are none."""

    fitted: float | None
    held_out: float | None


class SampleSizes(Metrics):
    """Number of regions of each kind in a sample; held_out: of all kinds."""

    objects: int
    positives: int
    negatives: int
    held_out: int


class BeforeAfter(Metrics):
    """A mean over boxes before and after they are moved."""

    before: float
    after: float


class RegressionErrors(Metrics):
    """Distance of boxes from their objects, as squared offset and as IoU; None if there is no region."""

    regions: int
    squared_error: BeforeAfter | None
    iou: BeforeAfter | None


class RegressionFit(Metrics):
    """Bounding-box regression. ridge: the lambda chosen among those in the settings."""

    ridge: float
    fitted: RegressionErrors
    held_out: RegressionErrors


class ClassSvm(Metrics):
    """Number of positives of a class's SVM, and of negatives in each of its trainings; empty if it is not trained."""

    positives: int
    negatives: tuple[int, ...]


class SvmFit(Metrics):
    per_class: tuple[ClassSvm, ...]


class ContextFit(Metrics):
    """The softmax regression on region and whole image and, for comparison, on the region alone."""

    with_context: Accuracy
    without_context: Accuracy


class HeadMetrics(StageMetrics):
    """metrics.json of fit_region_heads: None for a head that no switch needs."""

    regions: SampleSizes
    softmax_accuracy_percent: Accuracy  # of the detector itself, for comparison
    bbox_regression: RegressionFit | None = None
    svm: SvmFit | None = None
    context_feature: ContextFit | None = None


class Table4(Metrics):
    ensemble_mean_ap_percent: float
    detectors: int
    interval: Interval


class Precision(Metrics):
    """Average precision of each class (None without objects), and its mean over the classes with objects."""

    mean_ap_percent: float
    ap_percent: tuple[float | None, ...]


class EnsemblePrecision(Precision):
    detections: int


class ComparedSwitches(Metrics):
    """A setting of the switches that is compared with the main one."""

    switches: tuple[str, ...]
    single_mean_ap_percent: float  # mean over the detectors
    single_std: float  # over the detectors, as a sample (n - 1)
    ensemble_mean_ap_percent: float
    ensemble_interval: Interval
    difference: Difference  # in mean AP of the ensemble, against the main setting
    ap_percent: tuple[float | None, ...]  # of the ensemble, by class


class SwitchesCompared(Metrics):
    """The switches that are on, and the settings compared with them."""

    on: tuple[str, ...]
    compared: tuple[ComparedSwitches, ...]


class PrecisionRecall(Metrics):
    """Points of a class's curve, 0 to 1, along its detections in descending order of score."""

    recall: tuple[float, ...]
    precision: tuple[float, ...]


class ErrorCounts(Metrics):
    """Number of objects, and of occurrences of each kind or reason, by name."""

    objects: int
    counts: dict[str, int]


class ClassErrorCounts(ErrorCounts):
    class_name: str


class ErrorTable(Metrics):
    all: ErrorCounts
    per_class: tuple[ClassErrorCounts, ...]


class ErrorTypes(Metrics):
    """Kinds of the highest-scoring detections, and reasons for missed objects; names: detection/error_types.py."""

    near_iou: float
    false_positives: ErrorTable  # counts its KINDS (correct, ...)
    missed: ErrorTable  # counts its REASONS


class DetectedBox(LabelledBox):
    score: float
    correct: bool | None  # None if it counts neither way


class DetectionExample(Metrics):
    name: str
    index: int  # in the split
    f1_percent: float
    ground_truth: tuple[LabelledBox, ...]
    detections: tuple[DetectedBox, ...]


class DetectionExamples(Metrics):
    """The best and the worst images by F1 at a score threshold."""

    score: float
    best: tuple[DetectionExample, ...]
    worst: tuple[DetectionExample, ...]


class DetectionMetrics(StageMetrics):
    """metrics.json of evaluate_detection."""

    images: int
    classes: tuple[str, ...]
    objects: int
    coverage: Coverage
    table_4: Table4
    detectors: dict[str, Precision]
    single_mean_ap_percent: float  # mean over the detectors
    single_std: float  # over the detectors, as a sample (n - 1)
    single_interval: Interval
    ensemble_minus_single: Difference  # in mean AP, the ensemble against that mean
    switches: SwitchesCompared
    ensemble: EnsemblePrecision
    precision_recall: dict[str, PrecisionRecall]  # by class, of the ensemble
    error_types: ErrorTypes
    examples: DetectionExamples
