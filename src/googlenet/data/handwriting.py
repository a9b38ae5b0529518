"""The two real things that scikit-learn carries in its package: handwritten digits and two photographs.

The 1,797 digits come without their writers, but every writer filled in the same sheet: 0 to 9 three times, then a fixed
sequence of 100 digits. So the labels repeat in blocks of about 130 (some lack a few), and a block is taken as a writer.
"""

import numpy as np

from googlenet.config.schema.dataset import SplitCounts

WRITERS = 14
SHEET_AT_LEAST = 60  # digits; no sheet is shorter, and none counts upwards again after its first thirty
STRIPS = {"train": (0.0, 0.5), "validation": (0.5, 0.7), "test": (0.7, 1.0)}  # of each photograph's width


def load_digits() -> tuple[np.ndarray, np.ndarray]:
    """All digits in file order: ink float32 [1797, 8, 8] from 0 (paper) to 1, and labels int64 [1797]."""
    from sklearn.datasets import load_digits as load

    digits = load()
    return (digits.images / 16).astype(np.float32), digits.target.astype(np.int64)


def writers_of(labels: np.ndarray) -> np.ndarray:
    """The inferred writer of each digit, int64 from 0, from labels in file order.

    A sheet starts where they count 1 to 5 again, 60 digits or more after the last start; the 0 before belongs to it.
    """
    text = "".join(map(str, labels))
    starts, at = [0], text.find("12345", SHEET_AT_LEAST)
    while at > 0:
        starts.append(at - 1 if text[at - 1] == "0" else at)
        at = text.find("12345", starts[-1] + SHEET_AT_LEAST)
    writers = np.zeros(len(labels), np.int64)
    writers[starts[1:]] = 1
    return writers.cumsum()


def digits_of(split: str, writers: SplitCounts) -> tuple[np.ndarray, np.ndarray]:
    """The ink and labels of one split, whose `writers` follow those of the splits before it in file order."""
    ink, labels = load_digits()
    order = list(STRIPS)
    first = sum(writers.of(name) for name in order[: order.index(split)])
    who = writers_of(labels)
    chosen = (who >= first) & (who < first + writers.of(split))
    return ink[chosen], labels[chosen]


def photographs(split: str) -> list[np.ndarray]:
    """This split's own strip of both photographs: uint8 [427, 128 to 320, 3] RGB; strips do not overlap."""
    from sklearn.datasets import load_sample_images

    left, right = STRIPS[split]
    images = load_sample_images().images
    return [image[:, round(left * image.shape[1]) : round(right * image.shape[1])] for image in images]
