"""Settings of the stages of detection."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from googlenet.config.schema import shared
from googlenet.config.schema.base import Selects, Settings, StageSettings, wrong
from googlenet.config.schema.shared import Count, Fraction, InputSide, Iou, NonNegative, Pair, Positive, Seed, Whole

Switch = Literal["bbox_regression", "context_feature", "svm", "mirror"]
Head = Literal["bbox_regression", "context_feature", "svm"]
Preset = Annotated[Literal["rcnn", "opencv_fast", "opencv_quality"], Selects("googlenet.detection.search_presets")]
HeldOut = Annotated[float, Field(gt=0, lt=1)]
Lambdas = Annotated[tuple[Positive, ...], Field(strict=False, min_length=1)]
Switches = Annotated[tuple[Switch, ...], Field(strict=False)]
SwitchLists = Annotated[tuple[Switches, ...], Field(strict=False)]
HEADS: tuple[Head, ...] = ("bbox_regression", "context_feature", "svm")  # mirror needs no fitting
CLASSIFIERS = frozenset(("context_feature", "svm"))  # each replaces the softmax


class Search(Settings):
    """Selective search (section 8). The paper doubles the superpixel size, which halves the proposals."""

    preset: Preset = Field(description="What is segmented and how segments are grouped")
    superpixel_scale: Positive = Field(description="Factor on the superpixel size; 1 as published, 2 as the paper")
    sigma: Positive = Field(description="Standard deviation of the blur before segmentation, px")
    width_px: Whole = Field(description="Width to which images are resized for the search, px; 0: as they are")
    min_box_side_px: Whole = Field(description="Smaller boxes are left out, px of the resized image")
    max_boxes: Whole = Field(description="Boxes per image; 0: no limit")


class ProposeRegions(StageSettings, Search):
    """Selective search on one part of the images."""

    parts: Count = Field(description="Jobs; changes no box")
    part: shared.Part = Field(description="The images of this job")


class TrainMultibox(shared.RunsNetwork, shared.Optimisation):
    """MultiBox (Erhan et al. 2014) on the trunk of a member: boxes of any class from the whole image, squeezed to a square."""

    enabled: bool = Field(description="false leaves MultiBox out: selective search alone proposes")
    init_from: str = Field(description="The member whose network is the trunk")
    input_px: InputSide = Field(description="Side of the square input, px")
    last: str = Field(description="The module that the trunk ends at; cells of 8 px in 3b, 16 in 4a-4e, 32 in 5a, 5b")
    head: Literal["flat", "grid"] = Field(description="flat: a linear layer on the last map | grid: at every cell")
    head_channels: Count = Field(
        description="Channels of the convolution before the head: 1x1 before flat, 3x3 before grid"
    )
    priors: Count = Field(description="flat: boxes, k-means of the training boxes; grid: shapes at every cell")
    prior_seed: Seed = Field(description="Seed of k-means")
    match_iou: Iou = Field(
        description="1: each object is matched to one prior; below 1, priors that overlap an object more are matched too"
    )
    location_weight: Positive = Field(description="Alpha of the combined loss")
    crop_area: Pair = Field(description="Range of the share of the image that training sees; [1.0, 1.0]: the whole")
    crop_aspect: Pair = Field(description="Range of the part's aspect ratio, against the image's")
    batches_per_epoch: Count = Field(description="Steps per epoch")
    batch_size: Count = Field(description="Images per step")
    init_seed: Seed = Field(description="Seed of the head's initial weights")
    order_seed: Seed = Field(description="Seed of the order of the images, of their parts and of mirroring")
    mirror: bool = Field(description="Whether every second image is mirrored")

    @model_validator(mode="after")
    def _ranges(self) -> "TrainMultibox":
        for key in ("crop_area", "crop_aspect"):
            if isinstance(getattr(self, key), str):  # a reference
                continue
            low, high = getattr(self, key)
            if not 0 < low <= high or (key == "crop_area" and high > 1):
                raise wrong(f"two numbers above 0{' and up to 1' if key == 'crop_area' else ''}, the lower first", key)
        return self


class MergeProposals(shared.Infers):
    """MultiBox's best boxes and those of selective search as one set (section 8)."""

    parts: Count = Field(description="Parts, as in propose_regions")
    multibox_boxes: Count = Field(description="Boxes of MultiBox per image, the most confident")
    multibox_nms_iou: Iou = Field(
        description="If two boxes of MultiBox overlap more than this, only the more confident stays"
    )
    duplicate_iou: Iou = Field(
        description="If two boxes overlap more than this, MultiBox's stays, or the first; 1.0 keeps both"
    )
    part: shared.Part = Field(description="The images of this job")


class Compared(Settings):
    """A second selective search, for comparison."""

    superpixel_scale: Positive = Field(description="Factor on the size of superpixels, as in propose_regions")
    images: Count = Field(description="Maximum number of images compared, the same for all rows")


class StudyProposals(StageSettings, shared.Bootstrap):
    """How many objects the proposals cover, and with how many boxes."""

    compare: Compared = Field(description="Selective search once more, at another superpixel size")
    iou: Iou = Field(description="Least overlap (IoU) with which a box covers an object")
    examples: Whole = Field(description="Images whose boxes are drawn in the report")
    search: Search = Field(description="Selective search, as in propose_regions")
    fixed_boxes: Count = Field(description="Boxes of k-means, for comparison")
    prior_seed: Seed = Field(description="Seed of k-means")


class HardNegatives(Settings):
    """Mining of hard background regions; R-CNN draws all background alike in fine-tuning."""

    enabled: bool = Field(description="Whether hard negatives are looked for")
    share: Fraction = Field(description="Share of a batch's background that comes from the hardest regions")
    scored: Count = Field(description="Drawn at random before every epoch, and scored by the network as it then is")
    hardest: Count = Field(description="Number of the hardest regions, kept for the epoch")


class TrainDetector(shared.RunsNetwork, shared.Optimisation):
    """One detector: a member fine-tuned on warped regions with a background class, as in R-CNN (section 8)."""

    batches_per_epoch: Count = Field(description="Steps per epoch")
    positives: Count = Field(description="Regions on an object, a batch")
    negatives: Whole = Field(description="Background regions, a batch")
    positive_iou: Iou = Field(description="Least overlap (IoU) with which a proposal has its object's class")
    context_px: Whole = Field(description="At 227 px, as R-CNN; scales with the input size")
    aux_weight: NonNegative = Field(description="Weight of each auxiliary loss")
    hard_negatives: HardNegatives = Field(description="Hard negatives among the background regions")
    mirror: bool = Field(description="Whether every second region is mirrored")
    detector: shared.Detector = Field(description="The detector's row")


class RegionView(Settings):
    """How a detector sees regions."""

    batch_size: Count = Field(description="Regions per forward pass")
    context_px: Whole = Field(description="Context around a region, px, as in train_detector")


class BboxRegression(Settings):
    """R-CNN, appendix C."""

    iou: Iou = Field(description="Proposals from this overlap with their object on")
    lambdas: Lambdas = Field(
        description="Candidates for the ridge's penalty, for inputs of mean norm 20; the one with the least held-out error is used"
    )
    grid: Count = Field(description="The last map is averaged to grid x grid places")


class Svm(Settings):
    """Linear, one class against the rest, as in R-CNN."""

    c: Positive = Field(description="R-CNN's, for vectors scaled to a mean norm of 20 as its are")
    negative_iou: Iou = Field(description="Background of a class: less overlap than this with any of its objects")
    first_negatives: Count = Field(description="A class, drawn at random; then hard ones are added, pass by pass")
    hard_score: float = Field(description="Background that scores above this is hard")
    most_added: Count = Field(description="Most hard negatives added in a pass")
    passes: Whole = Field(description="Most passes; fewer if no hard negative is left")


class ContextFeature(Settings):
    """Softmax over the region's vector and the whole image's, background included."""

    c: Positive = Field(description="Inverse of the regularisation, for standardised inputs")
    max_iterations: Count = Field(description="Most iterations of its solver")


class FitRegionHeads(shared.RunsNetwork, RegionView):
    """What the switches need beyond the fine-tuned network, fitted on its vectors of training regions."""

    objects: Count = Field(description="Most objects sampled from the training images")
    positives: Count = Field(description="Most proposals on an object that are sampled")
    negatives: Count = Field(description="Most background proposals that are sampled")
    held_out: HeldOut = Field(
        description="Share of the training images that SVMs and regression are not fitted to: for the sigmoids, the choice of lambda, and reported errors"
    )
    seed: Seed = Field(description="Seed of the sample, the held-out images and the first negatives")
    positive_iou: Iou = Field(description="Least overlap (IoU) of a positive, as in train_detector")
    bbox_regression: BboxRegression = Field(description="Box regression")
    svm: Svm = Field(description="Support vector machines")
    context_feature: ContextFeature = Field(description="A feature of the whole image")
    heads: Annotated[tuple[Head, ...], Field(strict=False)] = Field(description="The heads that a switch needs")


class ScoreRegions(shared.Infers, RegionView):
    """Class probabilities of one detector on every proposal of the test images."""

    switches: Switches = Field(description="Switches that are on; the paper has none")
    compare: SwitchLists = Field(description="Settings measured beside it, each a list of switches")

    @property
    def heads(self) -> tuple[Head, ...]:
        """The heads to fit, for this setting and for those compared with it."""
        asked = set(self.switches).union(*self.compare)
        return tuple(name for name in HEADS if name in asked)

    @model_validator(mode="after")
    def _settings(self) -> "ScoreRegions":
        if not isinstance(self.switches, tuple) or not isinstance(self.compare, tuple):
            return self
        seen = []
        for number, row in enumerate((self.switches, *self.compare)):
            path: tuple[str | int, ...] = ("compare", number - 1) if number else ("switches",)
            if len(set(row)) < len(row):
                raise wrong("a list that names each switch once", *path)
            if set(row) >= CLASSIFIERS:
                raise wrong("a list of at most one of context_feature and svm (each classifies the regions)", *path)
            if set(row) in seen:
                raise wrong("a list that differs from score_regions.switches and from the lists before it", *path)
            seen.append(set(row))
        return self


class EvaluateDetection(StageSettings, shared.Bootstrap):
    """Mean average precision by ILSVRC's rules, of each detector and of their mean (Tables 4 and 5)."""

    nms_iou: Iou = Field(
        description="If two detections of a class overlap more than this, only the more confident stays"
    )
    min_score: Fraction = Field(description="Detections below it are left out")
    max_per_image: Count = Field(description="Detections per image")
    small_object_threshold: bool = Field(description="Overlap of min(0.5, wh / ((w + 10)(h + 10))) is enough, per box")
    examples: Whole = Field(description="Number of best and of worst images that are drawn, by F1 at example_score")
    example_score: Fraction = Field(description="Detections from this score on count for F1")
    switches: Switches = Field(description="Switches that are on, as in score_regions")
    compare: SwitchLists = Field(description="Lists of switches to compare, as in score_regions")
