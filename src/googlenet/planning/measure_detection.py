"""Rates of the detection part: selective search, MultiBox, warped regions, scoring, evaluation."""

from collections.abc import Sequence

import numpy as np

from googlenet.detection import ensemble, multibox
from googlenet.detection.merge import merge
from googlenet.detection.multibox_train import Objects, PictureBatches
from googlenet.detection.multibox_train import train as train_boxes
from googlenet.detection.priors import on_grid
from googlenet.detection.regions import training_regions
from googlenet.detection.score import score
from googlenet.detection.selective_search import propose
from googlenet.detection.train import RegionBatches, train
from googlenet.planning.clock import STEPS_AT_MOST, Clocked, seconds_of, step_seconds
from googlenet.planning.machine import Values
from googlenet.planning.measure_classification import TRAINING, line, network, random_scores
from googlenet.planning.networks import kept_a_batch_mb

OBJECTS = 3  # of a picture, where the time depends on them a little
FEW, MORE = 3, 9
SEARCHED = 6  # pictures
BACKGROUND_LOGIT = 8.0  # most proposals are background, and few classes are left above min_score


def search(settings: dict, pictures: Sequence[np.ndarray], compute: dict) -> Values:
    """Seconds of selective search on a picture, and its boxes."""
    found: list[int] = []
    some = pictures[:SEARCHED]

    def propose_all() -> int:
        found.extend(len(propose(one, settings["search"])) for one in some)
        return len(some)

    seconds = seconds_of(propose_all)
    return {"seconds": seconds, "boxes": float(np.mean(found))}


def random_boxes(rng: np.random.Generator, count: int, width: int, height: int) -> np.ndarray:
    """Boxes of a tenth of the sides and more, int32 [count, 4]."""
    low = rng.uniform(0, 0.6, (count, 2)) * [width, height]
    high = low + rng.uniform(0.1, 0.4, (count, 2)) * [width, height]
    return np.concatenate([low, high], axis=1).astype(np.int32)


def objects_in(rng: np.random.Generator, picture: np.ndarray) -> Objects:
    """Some objects in a picture."""
    boxes = random_boxes(rng, OBJECTS, picture.shape[1], picture.shape[0]).astype(np.float32)
    return Objects(boxes, np.zeros(OBJECTS, bool), False)


def multibox_of(settings: dict, device: str) -> tuple[multibox.MultiBox, multibox.Form]:
    """An untrained MultiBox. settings: {network, input_px, last, head, head_channels, priors}."""
    start, description = network(settings, "cpu")
    px, rng = settings["input_px"], np.random.default_rng(0)
    trunk = multibox.trunk_of(description, px)
    cells = multibox.cells_of(trunk, settings["last"])
    count = settings["priors"]
    priors = random_boxes(rng, count, px, px).astype(np.float64)
    if settings["head"] == "grid":
        priors = on_grid(rng.uniform(0.1, 0.6, (count, 2)) * px, cells, px)
    form = multibox.Form(trunk, settings["last"], settings["head"], settings["head_channels"], len(priors))
    return multibox.start(form, start, priors, 0.1, 1).to(device), form


def parts_of(settings: dict, pictures: Sequence[np.ndarray], priors: np.ndarray, own: dict) -> PictureBatches:
    """The batches that MultiBox is trained on."""
    rng = np.random.default_rng(0)
    objects = [objects_in(rng, one) for one in pictures]
    return PictureBatches(pictures, objects, priors, own, settings["input_px"])


def train_multibox(settings: dict, pictures: Sequence[np.ndarray], compute: dict) -> Values:
    """Seconds of a step without its loading, and the memory that its forward pass keeps."""
    model, form = multibox_of(settings, compute["device"])
    batch = settings["batch_size"]
    own = TRAINING | settings["parts"] | {"batch_size": batch, "order_seed": 1, "location_weight": 1.0}
    own |= {"batches_per_epoch": STEPS_AT_MOST}
    kept = kept_a_batch_mb(model, settings["input_px"], batch, compute["device"], compute["precision"])
    clocked = Clocked(pictures, len(pictures), batch, 1 if compute["device"] == "cpu" else 5)
    objects = [objects_in(np.random.default_rng(0), one) for one in pictures]
    step = step_seconds(
        lambda given: train_boxes(model, form, given, objects, own, compute, lambda row: None), clocked
    )
    batches = parts_of(settings, pictures, model.priors.cpu().numpy(), own)
    load = seconds_of(lambda: len(batches[0][0]) / batch, 0.1)
    return {"seconds": max(step - load, 0.02 * step), "kept_mb": kept, "load_s": load / batch}


def multibox_boxes(settings: dict, pictures: Sequence[np.ndarray], compute: dict) -> Values:
    """Seconds of a picture in MultiBox, its suppression included."""
    model, form = multibox_of(settings, compute["device"])
    model.eval()
    most, iou = settings["most"], settings["nms_iou"]
    return {
        "seconds": seconds_of(
            lambda: len([multibox.propose(model, form, one, most, iou, compute) for one in pictures])
        )
    }


def merged(settings: dict, pictures: Sequence[np.ndarray], compute: dict) -> Values:
    """Seconds to merge a picture's boxes, and how many are left."""
    one, rng = pictures[0], np.random.default_rng(0)
    searched = propose(one, settings["search"])
    found = random_boxes(rng, settings["most"], one.shape[1], one.shape[0])
    confidence, duplicate = np.linspace(1, 0, len(found)), settings["duplicate_iou"]
    kept = len(merge(found, confidence, searched, duplicate).boxes) / max(1, len(searched) + len(found))
    seconds = seconds_of(lambda: bool(merge(found, confidence, searched, duplicate)) + 0, 0.1)
    return {"seconds": seconds, "kept_share": kept}


def regions_of(settings: dict, pictures: Sequence[np.ndarray], own: dict, px: int) -> tuple[list, list]:
    """Boxes and labels of some pictures, enough for a batch without repetition."""
    rng, share = np.random.default_rng(0), settings["positives"] + settings["negatives"]
    boxes, labels = [], []
    for one in pictures:
        boxes.append(random_boxes(rng, 2 * share, one.shape[1], one.shape[0]).astype(np.float32))
        labels.append((np.arange(2 * share) < 2 * settings["positives"]).astype(np.int64))
    return boxes, labels


def region_settings(settings: dict) -> dict:
    """What fine-tuning needs to be told."""
    own = {
        "positives": settings["positives"],
        "negatives": settings["negatives"],
        "mirror": settings["mirror"],
    }
    own |= {"context_px": settings["context_px"], "batches_per_epoch": STEPS_AT_MOST}
    return TRAINING | own | {"hard_negatives": {"share": 0.0}, "detector": {"order_seed": 1}}


def train_detector(settings: dict, pictures: Sequence[np.ndarray], compute: dict) -> Values:
    """Seconds of a step without its loading; of a region, warped from a decoded picture; memory kept for the way back."""
    model, description = network(settings, compute["device"])
    size, own = settings["positives"] + settings["negatives"], region_settings(settings)
    boxes, labels = regions_of(settings, pictures, own, description.input_px)
    kept = kept_a_batch_mb(model, description.input_px, size, compute["device"], compute["precision"])
    clocked = Clocked(pictures, len(pictures), size, 1 if compute["device"] == "cpu" else 5)
    step = step_seconds(
        lambda given: train(model, description, given, boxes, labels, own, compute, lambda row: None), clocked
    )
    batches = RegionBatches(pictures, boxes, labels, own, description, 1)
    load = seconds_of(lambda: len(batches[0][0]) / size, 0.1)
    return {"seconds": max(step - load, 0.02 * step), "kept_mb": kept, "load_s": load / size}


def score_regions(settings: dict, pictures: Sequence[np.ndarray], compute: dict) -> Values:
    """Seconds of a region, warped and seen as it is and, where asked, mirrored. Every picture has another number of them."""
    model, description = network(settings, compute["device"])
    rng, wanted = np.random.default_rng(0), {"": ["mirror"] if settings["mirrored"] else []}
    own = {"batch_size": settings["batch_size"], "context_px": settings["context_px"]}
    sizes = iter(range(STEPS_AT_MOST))

    def score_one() -> int:
        # Fewer by one each time: the kernels for a new size are chosen anew, as in a job.
        count = max(1, settings["boxes"] - next(sizes) % 16)
        one = pictures[count % len(pictures)]
        boxes = random_boxes(rng, count, one.shape[1], one.shape[0])
        list(score(model, description, [one], [boxes], own, compute, wanted, {}))
        return count

    return {"seconds": seconds_of(score_one)}


def label_regions(settings: dict, pictures: Sequence[np.ndarray], compute: dict) -> Values:
    """Seconds to label a picture's proposals for fine-tuning."""
    rng = np.random.default_rng(0)
    proposed = random_boxes(rng, settings["boxes"], 500, 375)
    truth = random_boxes(rng, OBJECTS, 500, 375).astype(np.float32)
    flags = np.zeros(OBJECTS, np.int64), np.zeros(OBJECTS, bool), np.zeros(0, np.int32)
    many = 16
    work = [proposed] * many, [(truth, *flags)] * many, 0.5
    return {"seconds": seconds_of(lambda: len(training_regions(*work)[1]), 0.1)}


def truth_of(rng: np.random.Generator, classes: int) -> tuple[np.ndarray, ...]:
    """A picture's objects: boxes, labels, difficult, partial classes."""
    boxes = random_boxes(rng, OBJECTS, 500, 375).astype(np.float32)
    return boxes, rng.integers(0, classes, OBJECTS), np.zeros(OBJECTS, bool), np.zeros(0, np.int32)


def evaluate_detection(settings: dict, pictures: Sequence[np.ndarray], compute: dict) -> Values:
    """Seconds a test picture to suppress, rate and resample under one setting, of every detector and of all together."""
    rng, classes, counts, found = np.random.default_rng(0), settings["classes"], (FEW, MORE), []
    for count in counts:
        boxes = [random_boxes(rng, settings["boxes"], 500, 375) for _ in range(count)]
        logits = random_scores(rng, count * settings["boxes"], classes + 1)
        logits[:, 0] += BACKGROUND_LOGIT * logits.mean()
        scores = {"probabilities": logits / logits.sum(1, keepdims=True)}
        truth = [truth_of(rng, classes) for _ in range(count)]
        names = [str(i) for i in range(max(count, classes))]
        words = {f"d{i}": scores for i in range(settings["detectors"])}, boxes, truth, names[:count]
        stage = settings["stage"] | {"switches": [], "compare": []}
        found.append(
            seconds_of(lambda: bool(ensemble.evaluate(*words, names[:classes], stage)), 0.0)  # noqa: B023
        )
    return line(found, counts)


MEASURES = {
    "search": search,
    "train_multibox": train_multibox,
    "multibox": multibox_boxes,
    "merge": merged,
    "train_detector": train_detector,
    "score_regions": score_regions,
    "label_regions": label_regions,
    "evaluate_detection": evaluate_detection,
}
