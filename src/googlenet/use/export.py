"""The command `googlenet export`: a member or the ensemble as one file for other programs, from pixels to probabilities.

A file gets its final name only after its outputs for real images have been compared with those of the networks.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from googlenet.classification.exports import as_one, centre_crops
from googlenet.data.decoded import DecodedImages
from googlenet.data.store import open_split
from googlenet.errors import UserError, nearest
from googlenet.metrics.data import read_manifest
from googlenet.metrics.rounding import at_most
from googlenet.models.export import FORMATS, Format, Traced, annotate_onnx, answers_of, file_bytes, translated
from googlenet.report.words import plural
from googlenet.storage.files import check_target
from googlenet.use.classify import ClassifierEnsemble
from googlenet.use.results import Asked, Results

CHECKED = {"fp32": 16, "bf16": 16, "int8": 200}  # images at most
TOLERANCE = {"fp32": 1e-4, "bf16": 0.1}  # the largest difference of a probability
LEAST_SAME = {"int8": 90}  # percent of the images whose top class must be the networks'
SUFFIXES = {kind.suffix: kind.title for kind in FORMATS.values()}
KNOWN = ", ".join(SUFFIXES)


@dataclass(frozen=True)
class Export:
    """What to export. file: its suffix names the format; precision: of the weights; calibration_images: for int8."""

    file: Path
    asked: Asked = field(default_factory=Asked)
    member: str = ""
    precision: str = "fp32"
    calibration_images: int = 200


@dataclass(frozen=True)
class Check:
    """How far a file's outputs for some images are from the networks'. largest: difference of a probability."""

    images: int
    largest: float
    same_percent: float  # of the images, with the same top class

    @classmethod
    def of(cls, outputs: np.ndarray, expected: np.ndarray) -> "Check":
        """Compare probabilities [n, classes]."""
        same = float(100 * (outputs.argmax(1) == expected.argmax(1)).mean())
        return cls(len(expected), float(np.abs(outputs - expected).max()), same)

    def fault(self, precision: str) -> str:
        """What is wrong with a file of this precision; "" if nothing is. NaN counts as a fault."""
        most, least = TOLERANCE.get(precision, np.inf), LEAST_SAME.get(precision, 0)
        if not self.largest <= most:
            return f"differs from the networks by {self.largest:.2g}, more than {most}"
        if not self.same_percent >= least:
            return f"has the networks' first answer for {self.same_percent:.0f} % of the images, fewer than {least} %"
        return ""

    @property
    def words(self) -> dict[str, str]:
        """The result as metadata."""
        figures = {"images": self.images, "same_first_answer_percent": self.same_percent}
        return {"checked": json.dumps(figures | {"largest_difference": self.largest})}


def perform(request: Export, root: Path) -> int:
    """Export, check, and rename the file. Raises UserError, leaving no file, if it cannot be written or differs."""
    kind = format_of(request)
    check_target(request.file)
    results = Results.of(root, request.asked.experiment)
    ensemble = ClassifierEnsemble(results, request.asked, request.member)
    px = input_px(ensemble)
    scales = ensemble.settings.scales
    images = sample(results, "test", px, CHECKED[kind.precision], scales)
    calibration = sample(results, "validation", px, request.calibration_images if kind.calibrated else 0, scales)
    model = as_one([member.ordered for member in ensemble.members])
    words = metadata(results, ensemble, px, len(calibration))
    request.file.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=request.file.parent, prefix=".export") as folder:
        part = Path(folder) / request.file.name
        with translated(f"{request.file}: {kind.title} cannot be made of this network", f"choose another of {KNOWN}"):
            kind.write(Traced.of(model, px, words, calibration), part)
            check = Check.of(kind.open(part, torch.get_num_threads())(images), answers_of(model)(images))
        if fault := check.fault(kind.precision):
            raise UserError(f"{request.file}: {fault}, so it is not kept; choose fp32")
        if kind.suffix == ".onnx":
            annotate_onnx(part, words | check.words)
        # Files that the main file refers to come first.
        for made in sorted(Path(folder).iterdir(), key=lambda path: path == part):
            os.replace(made, request.file.with_name(made.name))
    what = f"{plural(len(ensemble.members), 'member')} in {kind.precision}, {file_bytes(request.file) / 1e6:.1f} MB"
    print(f"{request.file}: {kind.title}, {what}; uint8 [n, {px}, {px}, 3] to {len(ensemble.classes)} classes")
    same = f"; the same first answer for {check.same_percent:.1f} % of them" if kind.calibrated else ""
    print(
        f"checked: differs from the networks in fp32 by at most {at_most(check.largest)} on {check.images} images{same}"
    )
    return 0


def input_px(ensemble: ClassifierEnsemble) -> int:
    """The side of the networks' input, px. Raises UserError if the members have different ones."""
    first, *others = sorted({member.trained.spec.input_px for member in ensemble.members})
    if others:
        raise UserError("--member: the members have different input sizes, so they are no single network; name one")
    return first


def sample(results: Results, split: str, px: int, most: int, scales: tuple[int, ...]) -> np.ndarray:
    """Centre crops of at most `most` images of a split, uint8 [n, px, px, 3]. Raises UserError if it does not exist."""
    manifest, what = results.manifest("classification"), {"test": "check the export", "validation": "calibrate int8"}
    if not manifest.is_file():
        raise UserError(f"{manifest}: its {split} images {what[split]}; run `{results.command}`, or `make pull`")
    if not most:
        return centre_crops((), px, most, scales)
    if split == "validation" and not has_images(manifest, split):
        raise UserError(f"{manifest}: no validation images, which calibrate int8; choose fp32")
    return centre_crops(DecodedImages(open_split(manifest.parent, split), 0), px, most, scales)


def has_images(manifest: Path, split: str) -> bool:
    """Whether a data set has images in a split."""
    splits = read_manifest(manifest).splits
    return split in splits and bool(splits[split].records)


def metadata(results: Results, ensemble: ClassifierEnsemble, px: int, calibrated_on: int) -> dict[str, str]:
    """Metadata for the file: among them the classes in the order of the outputs, and how to prepare an image."""
    ranged = f"int8, ranges from {plural(calibrated_on, 'validation image')}"
    return {
        "classes": json.dumps(ensemble.classes),
        "members": json.dumps([member.name for member in ensemble.members]),
        "experiment": results.experiment.name,
        "input": f"uint8 RGB [n, {px}, {px}, 3]: square crops of upright images, resized; normalisation is included",
        "output": "float32 [n, classes]: the mean softmax over the members",
        **({"quantization": ranged} if calibrated_on else {}),
    }


def format_of(request: Export) -> Format:
    """The format of a file. Raises UserError if it is unknown or its packages are missing."""
    suffix, precision = request.file.suffix, request.precision
    if suffix not in SUFFIXES:
        known = ", ".join(f"{name} ({what})" for name, what in SUFFIXES.items())
        raise UserError(
            f"{request.file}: no format{nearest(suffix, SUFFIXES) if suffix else ''}; give a name that ends in {known}"
        )
    of_suffix = {kind.precision: kind for kind in FORMATS.values() if kind.suffix == suffix}
    if precision not in of_suffix:
        others = [kind.suffix for kind in FORMATS.values() if kind.precision == precision]
        raise UserError(
            f"--precision {precision}: {SUFFIXES[suffix]} is written in {' or '.join(of_suffix)};"
            f" choose that, or {' or '.join(others)}"
        )
    if missing := of_suffix[precision].missing:
        raise UserError(f"{request.file}: ONNX needs {', '.join(missing)}; run `pip install {' '.join(missing)}`")
    return of_suffix[precision]
