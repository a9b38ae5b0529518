"""The top of the page: the data, and whether the paper's figures are comparable."""

from collections.abc import Sequence

from googlenet.config.schema.dataset import Kind
from googlenet.data.wnids import wnids
from googlenet.metrics.data import Manifest
from googlenet.report.words import count, plural

IMAGES: dict[Kind, int] = {"classification": 50_000, "detection": 20_121}  # of ILSVRC's validation sets
LEAST = 0.95  # share of these: ILSVRC's own blacklist excludes 3.5 % of the classification images


def of_ilsvrc(manifest: Manifest) -> bool:
    """Whether all classes of a data set are ILSVRC's, by their wnids."""
    return set(manifest.class_keys) <= set(wnids(manifest.kind))


def is_ilsvrc(manifest: Manifest) -> bool:
    """Whether a data set has all of ILSVRC's classes, and about as many test images as its validation set."""
    whole, tested = IMAGES[manifest.kind], manifest.splits["test"].records
    complete = len(manifest.class_keys) == len(wnids(manifest.kind))
    return of_ilsvrc(manifest) and complete and LEAST * whole <= tested <= whole


def extent(manifest: Manifest) -> str:
    """State how much of ILSVRC a data set covers, judging by its classes and its number of test images."""
    return (
        f"{count(len(manifest.class_keys))} of ILSVRC's {count(len(wnids(manifest.kind)))} classes, and "
        f"{plural(manifest.splits['test'].records, 'test image')} where its validation set has "
        f"{count(IMAGES[manifest.kind])}"
    )


def warning(manifests: Sequence[Manifest]) -> str:
    """Warn that the paper's figures are on other or more data; "" if all data are ILSVRC's."""
    others = [each for each in manifests if not of_ilsvrc(each)]
    parts = [each for each in manifests if of_ilsvrc(each) and not is_ilsvrc(each)]
    texts = [f"{each.dataset} ({each.kind}) has {extent(each)}." for each in parts]
    names = " and ".join(dict.fromkeys(each.dataset for each in others))
    if names:
        part = f"The {others[0].kind} results are on {names}, whose classes are not all ILSVRC's."
        texts.insert(0, part if len(others) < len(manifests) else f"These results are on {names}, not on ILSVRC.")
    if texts:
        texts.append(
            f"The paper's figures are for {'another data set' if names else 'all of ILSVRC'}: "
            "compare the differences within a column, never our figure with the paper's."
        )
    return " ".join(texts)


def about(manifests: Sequence[Manifest], purpose: str) -> tuple[str, ...]:
    """Return the experiment's purpose, if stated, and the descriptions of the data in their manifests."""
    return tuple(filter(None, (purpose, *dict.fromkeys(manifest.about.strip() for manifest in manifests))))
