"""Metrics of the proposal stages: selective search, MultiBox, both merged, and their study."""

from googlenet.metrics.base import Metrics, StageMetrics
from googlenet.metrics.epoch import Epoch
from googlenet.metrics.interval import Difference, Interval

Box = tuple[float, float, float, float]  # xmin, ymin, xmax, ymax: inclusive pixels of the image


class ProposalMetrics(StageMetrics):
    """metrics.json of propose_regions: one part of the images of all splits."""

    images: int
    images_without_boxes: int
    boxes: int
    boxes_per_image: float


class MergeMetrics(StageMetrics):
    """metrics.json of merge_proposals: one part of the images of all splits."""

    multibox: int  # boxes proposed by MultiBox
    selective_search: int
    boxes: int  # of both, without near-duplicates
    images: int
    boxes_per_image: float


class MultiboxEpoch(Epoch):
    """An epoch of MultiBox, with the means of its two losses."""

    location_loss: float
    confidence_loss: float


class MultiboxMetrics(StageMetrics):
    """metrics.json of train_multibox."""

    member: str  # whose network is the trunk
    head: str
    last: str  # the trunk's last module
    cells: int  # along the side of its map
    priors: int
    priors_coverage_percent: float  # objects that some prior overlaps by half or more
    matched_share_percent: float  # priors matched to an object, mean over the images
    images: int
    parameters: int
    epochs: tuple[MultiboxEpoch, ...]


class ClassCoverage(Metrics):
    """Objects of a class, and the share of them covered by a proposal; None without objects."""

    class_name: str
    objects: int
    coverage_percent: float | None


class Coverage(Metrics):
    """Share of objects covered by a proposal."""

    boxes_per_image: float
    objects: int
    coverage_percent: float
    per_class: tuple[ClassCoverage, ...]


class SourceCoverage(Coverage):
    """The coverage of one source of boxes, with its interval over the images."""

    interval: Interval


class CurvePoint(Metrics):
    """Coverage with at most this many boxes per image."""

    boxes: int
    coverage_percent: float


class SuperpixelScales(Metrics):
    """Two superpixel scales of selective search: in use, and for comparison."""

    ours: float
    compared: float


# Images with objects of a class that its gain needs. Its interval is resampled over them: that of a single image has no
# width, and that of a few is far too narrow.
LEAST_IMAGES = 10


class ClassGain(Metrics):
    """A difference in the coverage of a class, in points; None if fewer than LEAST_IMAGES have objects of the class."""

    class_name: str
    gain: Difference | None


class GainByClass(Difference):
    """A difference in coverage, in points, over all objects and by class."""

    per_class: tuple[ClassGain, ...]


class CoverageGains(Metrics):
    """Merged boxes compared with selective search at the base scale; MultiBox with as many fixed boxes, or None if it
    has no boxes."""

    merged_minus_full: Difference
    multibox_minus_priors: GainByClass | None


class LabelledBox(Metrics):
    box: Box
    class_name: str


class ConfidentBox(Metrics):
    box: Box
    confidence: float  # 0 to 1


class DrawnBoxes(Metrics):
    """The boxes drawn onto an image: its objects, some of selective search's, and MultiBox's, best first."""

    ground_truth: tuple[LabelledBox, ...]
    selective_search: tuple[Box, ...]
    multibox: tuple[ConfidentBox, ...]


class ProposalExample(DrawnBoxes):
    """Drawn boxes with the image's name and its index in the split."""

    name: str
    index: int


class CoverageStudy(Metrics):
    """Sources of boxes on the same images: selective_search_full (at the compared superpixel scale), selective_search,
    multibox, priors (fixed boxes) and merged."""

    objects: int
    classes: tuple[str, ...]
    iou: float  # at which an object counts as covered
    confidence_percent: float
    sources: dict[str, SourceCoverage]
    curves: dict[str, tuple[CurvePoint, ...]]
    share_of_boxes_percent: float  # merged boxes over selective search's at the base scale
    differences: CoverageGains


class ProposalStudyMetrics(CoverageStudy, StageMetrics):
    """metrics.json of study_proposals."""

    split: str
    images: int  # of the split
    compared_images: int  # those examined
    superpixel_scale: SuperpixelScales
    examples: tuple[ProposalExample, ...]
