"""Definition of a data set: where it is, how it is read, which images are left out."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from googlenet.config.schema.base import ONE_OF_NUMBERS, BySplit, FolderName, Selects, Settings, StageSettings, Texts
from googlenet.config.schema.shared import Count, Fraction, IntPair, Pair, Positive, Seed, Whole

READER = Selects("googlenet.data.readers")
ClassificationReader = Annotated[
    Literal["embedded", "class_folders", "ilsvrc", "ilsvrc_archives", "tiny_imagenet"], READER
]
DetectionReader = Annotated[Literal["embedded", "voc", "coco", "ilsvrc", "ilsvrc_archives", "tiny_imagenet"], READER]
BoxOrigin = Annotated[Literal[0, 1], ONE_OF_NUMBERS]
Kind = Literal["classification", "detection"]


class SplitSources(BySplit):
    """The source of each split: a folder below root, a list, or the value of {split}."""

    train: str = Field(description='Source of the training split; "" where nothing is trained')
    validation: str = Field(description='Source of the validation split; "": held out of train, or none')
    test: str = Field(description="Source of the test split")


class SplitCounts(BySplit):
    """A number for each split."""

    train: Whole = Field(description="Training split")
    validation: Whole = Field(description="Validation split")
    test: Whole = Field(description="Test split")


class EmbeddedDigits(Settings):
    """Recipe of the embedded classification set: real digits on crops of real photographs."""

    writers: SplitCounts = Field(description="Writers per split, of the 14 inferred ones")
    composites_per_digit: Count = Field(description="Images made from each digit of training; one in the other splits")
    side_px: Annotated[int, Field(ge=16)] = Field(description="Side of an image, px")
    digit_scale: Pair = Field(description="Range of a digit's share of the side")
    seed: Seed = Field(description="Seed of the compositions")
    limit_per_split: Whole = Field(description="Digits; 0: all")


class EmbeddedScenes(Settings):
    """Recipe of the embedded detection set: scenes of several digits."""

    writers: SplitCounts = Field(description="Writers per split, of the 14 inferred ones")
    scenes: SplitCounts = Field(description="Images")
    scene_side_px: Annotated[int, Field(ge=32)] = Field(description="Side of a scene, px")
    digits_per_scene: IntPair = Field(description="Range of the digits in a scene")
    digit_px: IntPair = Field(description="Range of a digit's side, px")
    seed: Seed = Field(description="Seed of the compositions")


class Source(Settings):
    """Fields common to both kinds of data."""

    kind: ClassVar[Kind]

    root: str = Field(description="The folder to read; tiny_imagenet: or the archive")
    about: str = Field(description='One line for the report; "": the reader\'s own')
    splits: SplitSources = Field(description="What each split is read from")
    min_side_px: Count = Field(description="Images with a shorter side are left out, px")
    max_bad_fraction: Fraction = Field(description="Share of bad files above which the job stops; fewer are left out")
    shard_mb: Positive = Field(description="Size of a packed shard, MB")

    @property
    def key(self) -> str:
        """The key of these settings, for error messages."""
        return f"dataset.{self.kind}"


class ClassificationSource(Source):
    """Images with one label each."""

    kind: ClassVar[Kind] = "classification"

    reader: ClassificationReader = Field(description="Layout of the data")
    validation_per_class: Whole = Field(description='Images of each class held out of train if splits.validation is ""')
    blacklist: str = Field(description="ilsvrc_archives: file of val images' numbers to leave out; in root or devkit")
    resize_shorter_side_px: Whole = Field(
        description="Larger images are shrunk to this shorter side, px; 0 keeps the files byte for byte"
    )
    embedded: EmbeddedDigits = Field(description="Read by reader: embedded only")


class DetectionSource(Source):
    """Images with boxes."""

    kind: ClassVar[Kind] = "detection"

    reader: DetectionReader = Field(description="Layout of the data")
    validation_images: Whole = Field(description='Images held out of train if splits.validation is ""')
    images: str = Field(description="Folder of the images; {split} in it is the name of the split")
    annotations: str = Field(description='Folder of the XML; coco: such as "annotations/instances_{split}.json"')
    lists: str = Field(description='voc: folder of the lists of each split; "": all below images, which has {split}')
    classes: Texts = Field(
        description="[] takes them from the training annotations; ilsvrc, tiny_imagenet: by wnid or by name"
    )
    box_origin: BoxOrigin = Field(description="Number of an image's first pixel in the XML: VOC 1, ILSVRC 0")
    images_without_objects: Literal["refuse", "keep"] = Field(description="ilsvrc: its layout says which they are")
    crowd: Literal["difficult", "partial"] = Field(
        description="coco: what a crowd region is: one object that counts neither way | a sign that the image may hold more objects"
    )
    negatives: bool = Field(description="ilsvrc: also images that the lists by class call negative only")
    blacklist: str = Field(description="ilsvrc: file of <image> <class> whose detections count neither way")
    embedded: EmbeddedScenes = Field(description="Read by reader: embedded only")


DataSource = ClassificationSource | DetectionSource


class Dataset(Settings):
    """A data set: conf/dataset/<name>.yaml."""

    name: FolderName = Field(description="Name of its folder under data/")
    mirror: bool = Field(description="false where a mirrored image is another thing, such as handwriting")
    classification: ClassificationSource = Field(description="Images with one label each")
    detection: DetectionSource = Field(description="Images with boxes")


class PrepareClassification(StageSettings):
    """Images with one label each, packed into shards."""

    source: ClassificationSource = Field(description="What to read")


class PrepareDetection(StageSettings):
    """Images with boxes, packed into shards."""

    source: DetectionSource = Field(description="What to read")
