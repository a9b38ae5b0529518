"""Exports of a member for other programs, each compared with the network: bytes, latency of one image, test error."""

import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np

from googlenet.classification.error_rates import ErrorMask, ranges, ranks
from googlenet.classification.measured_errors import differences, with_intervals
from googlenet.classification.predict import CENTRE_BATCH, Cropping, Probabilities
from googlenet.config.schema.classification import MeasureExport
from googlenet.data.store import evenly_spaced
from googlenet.metrics.bootstrap import Bounds
from googlenet.metrics.classification import MeasuredErrors
from googlenet.metrics.export import ExportMetrics, ExportRow, FormatRow, Latency
from googlenet.models.cost import cost
from googlenet.models.determinism import SINGLE_THREAD
from googlenet.models.engine import prepared
from googlenet.models.export import FORMATS, Answers, MeanOf, Traced, answers_of, file_bytes, translated
from googlenet.models.network import Network
from googlenet.models.runtime import Runtime
from googlenet.tracking.progress import counted

NETWORK = "network"  # the system that the formats are compared with


class Compared(NamedTuple):
    """A system's predictions for each test image. before: classes ranked above the label; same: whether its top class
    is the network's; largest, mean: absolute differences of its probabilities from the network's, over the classes."""

    before: np.ndarray
    same: np.ndarray
    largest: np.ndarray
    mean: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, exact: np.ndarray, labels: np.ndarray) -> "Compared":
        """Compare probabilities [n, classes] with the network's."""
        apart = np.abs(scores - exact)
        return cls(ranks(scores, labels), scores.argmax(1) == exact.argmax(1), apart.max(1), apart.mean(1))


def as_one(networks: Sequence[Network]) -> MeanOf:
    """Combine networks of one input size into one that takes pixels, on the CPU and in fp32."""
    return MeanOf([prepared(Probabilities(one.model), one.spec, Runtime()) for one in networks]).eval()


def centre_crops(images: Sequence[np.ndarray], px: int, most: int, scales: tuple[int, ...]) -> np.ndarray:
    """The centre crops, uint8 [n, px, px, 3], of at most `most` images, evenly spaced."""
    return cut_centres(images, evenly_spaced(len(images), most), px, scales)


def cut_centres(images: Sequence[np.ndarray], numbers: Sequence[int], px: int, scales: tuple[int, ...]) -> np.ndarray:
    """The centre crops of the images with these indices, uint8 [n, px, px, 3]."""
    centre = Cropping((1,), CENTRE_BATCH, scales=scales)
    crops = [centre.of(images[number], px)[0] for number in numbers]
    return np.concatenate([np.zeros((0, px, px, 3), np.uint8), *crops])


def measure(
    member: str,
    network: Network,
    test: tuple[Sequence[np.ndarray], np.ndarray],
    calibration: np.ndarray,
    settings: MeasureExport,
    folder: Path,
) -> ExportMetrics:
    """Write the formats to a folder, and compare them with the network. test: images, and their columns in its outputs;
    calibration: crops of validation images. Raises UserError for a format that cannot be made."""
    model, px = as_one([network]), network.spec.input_px
    traced, systems = Traced.of(model, px, {}, calibration), {NETWORK: answers_of(model)}
    paths = {name: folder / f"{name}{FORMATS[name].suffix}" for name in settings.formats}
    for name, path in paths.items():
        with translated(f"measure_export.formats: {name} cannot be made of {member}", "leave it out"):
            FORMATS[name].write(traced, path)
            systems[name] = FORMATS[name].open(path, SINGLE_THREAD)
    times = latencies(systems, centre_crops(test[0], px, 1, settings.scales), settings)
    compared = compare(systems, *test, px, settings.scales)
    errors = {name: ErrorMask.of(its.before) for name, its in compared.items()}
    bounds, totals = Bounds(settings), cost(network.model, px).totals
    return ExportMetrics(
        member=member,
        input_px=px,
        parameters=totals.parameters,
        macs=totals.macs,
        classes=len(network.spec.classes),
        images=len(test[0]),
        calibrated_on=len(calibration),
        threads=SINGLE_THREAD,
        warm_up=settings.warm_up,
        repeats=settings.repeats,
        network=ExportRow(
            computed_by=f"torch {version('torch')}",
            errors=MeasuredErrors(**with_intervals(errors[NETWORK], bounds)),
            latency=times[NETWORK],
        ),
        formats=tuple(
            format_row(name, path, compared[name], errors[name], errors[NETWORK], times[name], bounds)
            for name, path in paths.items()
        ),
    )


def format_row(
    name: str, path: Path, its: Compared, wrong: ErrorMask, network_wrong: ErrorMask, latency: Latency, bounds: Bounds
) -> FormatRow:
    """The row of a format: its file, its errors, and how far its probabilities are from the network's."""
    return FormatRow(
        format=name,
        title=FORMATS[name].title,
        precision=FORMATS[name].precision,
        computed_by=FORMATS[name].version,
        file_bytes=file_bytes(path),
        errors=MeasuredErrors(**with_intervals(wrong, bounds)),
        gain=differences(network_wrong, wrong, bounds),
        same_first_answer_percent=float(100 * its.same.mean()),
        largest_difference=float(its.largest.max()),
        mean_difference=float(its.mean.mean(dtype=np.float64)),
        latency=latency,
    )


def compare(
    systems: Mapping[str, Answers], images: Sequence[np.ndarray], labels: np.ndarray, px: int, scales: tuple[int, ...]
) -> dict[str, Compared]:
    """Compare the systems' predictions for one crop of each image."""

    def parts() -> Iterator[dict[str, Compared]]:
        for part in counted([*ranges(len(images), CENTRE_BATCH)], f"batches of {CENTRE_BATCH} images"):
            crops = cut_centres(images, range(len(images))[part], px, scales)
            exact = systems[NETWORK](crops)
            scores = {name: exact if name == NETWORK else answers(crops) for name, answers in systems.items()}
            yield {name: Compared.of(each, exact, labels[part]) for name, each in scores.items()}

    batches = list(parts())
    return {
        name: Compared(*map(np.concatenate, zip(*(batch[name] for batch in batches), strict=True))) for name in systems
    }


def latencies(systems: Mapping[str, Answers], image: np.ndarray, settings: MeasureExport) -> dict[str, Latency]:
    """Time one image. The systems take turns, so that other load on the machine affects all alike; each turn begins
    with an untimed pass that brings the system's weights back into the caches."""
    times: dict[str, list[float]] = {name: [] for name in systems}
    for _ in counted(range(settings.warm_up + settings.repeats), "timed passes of each format"):
        for name, answers in systems.items():
            answers(image)
            start = time.perf_counter()
            answers(image)
            times[name].append(1000 * (time.perf_counter() - start))
    quartiles = {name: np.percentile(turns[settings.warm_up :], [25, 50, 75]).tolist() for name, turns in times.items()}
    return {
        name: Latency(median_ms=median, quartiles_ms=(low, high)) for name, (low, median, high) in quartiles.items()
    }
