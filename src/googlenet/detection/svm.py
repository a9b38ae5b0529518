"""A linear SVM per class as in R-CNN, with hard negatives; a sigmoid (Platt 1999) makes their scores comparable."""

import numpy as np

from googlenet.config.schema.detection import Svm
from googlenet.detection import Arrays
from googlenet.detection.region_sample import Sample
from googlenet.metrics.detection import ClassSvm, SvmFit
from googlenet.tracking.progress import counted

WEIGHTS, BIAS = "svm.weights", "svm.bias"
MEAN_NORM = 20.0  # R-CNN scales its vectors to this norm, and its C assumes it
POSITIVE_WEIGHT, INTERCEPT_SCALE = 2.0, 10.0  # R-CNN's
NEVER = -30.0  # the logit of a class without an object in the sample


def fit(vectors: np.ndarray, sample: Sample, classes: int, settings: Svm, seed: int) -> tuple[Arrays, SvmFit]:
    """Fit to vectors float32 [n, channels]: the probability is sigmoid(weights x vector + bias). Positives are the
    ground-truth boxes; negatives have a lower IoU than negative_iou, in images whose objects all have boxes."""
    scale = MEAN_NORM / max(float(np.linalg.norm(vectors.astype(np.float64), axis=1).mean()), 1e-12)
    x = vectors.astype(np.float64) * scale
    weights, bias, done = np.zeros((classes, x.shape[1])), np.full(classes, NEVER), []
    for label in counted(range(classes), "classes with an SVM"):
        is_class = sample.label == label + 1
        positive = ~sample.held_out & sample.of_object & is_class
        negative = ~sample.held_out & ~sample.partial & ~is_class
        negative &= sample.class_overlap[:, label] < settings.negative_iou
        if not (positive.any() and negative.any()):
            done.append(ClassSvm(positives=int(positive.sum()), negatives=()))
            continue
        rng = np.random.Generator(np.random.Philox(key=[seed, label]))
        direction, shift, counts = mine_negatives(x[positive], x[negative], settings, rng)
        slope, offset = platt(*calibrating(x @ direction + shift, sample, label))
        weights[label], bias[label] = slope * direction * scale, slope * shift + offset
        done.append(ClassSvm(positives=int(positive.sum()), negatives=tuple(counts)))
    arrays = {WEIGHTS: weights.astype(np.float32), BIAS: bias.astype(np.float32)}
    return arrays, SvmFit(per_class=tuple(done))


def mine_negatives(
    positive: np.ndarray, negative: np.ndarray, settings: Svm, rng: np.random.Generator
) -> tuple[np.ndarray, float, list[int]]:
    """Train on all positives [n, f] and some negatives, then add hard ones: direction [f], shift, negatives used."""
    used = np.zeros(len(negative), bool)
    used[rng.permutation(len(negative))[: settings.first_negatives]] = True
    direction, shift = separate(positive, negative[used], settings.c)
    counts = [int(used.sum())]
    for _ in range(settings.passes):
        scores = negative @ direction + shift
        hard = np.flatnonzero(~used & (scores > settings.hard_score))
        if not len(hard):
            break
        used[hard[np.argsort(-scores[hard], kind="stable")[: settings.most_added]]] = True
        direction, shift = separate(positive, negative[used], settings.c)
        counts.append(int(used.sum()))
    return direction, shift, counts


def separate(positive: np.ndarray, negative: np.ndarray, c: float) -> tuple[np.ndarray, float]:
    """Fit a linear SVM to two sets of vectors; return direction [f] and shift; scores above zero are positive."""
    from sklearn.svm import LinearSVC  # takes a second to import

    # Squared hinge loss in the primal: deterministic.
    weighting = {"class_weight": {1: POSITIVE_WEIGHT}, "intercept_scaling": INTERCEPT_SCALE}
    machine = LinearSVC(C=c, dual=False, max_iter=10_000, **weighting)
    machine.fit(np.concatenate([positive, negative]), np.repeat([1, 0], [len(positive), len(negative)]))
    return machine.coef_[0], float(machine.intercept_[0])


def calibrating(scores: np.ndarray, sample: Sample, label: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores and truth to fit a class's sigmoid: of held-out regions, or of all if none of those is of the class."""
    is_class = sample.label == label + 1
    known = is_class | ~sample.partial  # where objects may lack a box, no region is a certain negative
    rows = known & sample.held_out if (is_class & sample.held_out).any() else known
    return scores[rows], is_class[rows]


def platt(scores: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Most likely slope and offset of sigmoid(slope * score + offset), with Platt's targets (1999) for 1 and 0."""
    from scipy.optimize import minimize

    count = int(truth.sum())
    target = np.where(truth, (count + 1) / (count + 2), 1 / (len(truth) - count + 2))
    centre, spread = scores.mean(), max(float(scores.std()), 1e-12)
    z = (scores - centre) / spread

    def loss(line: np.ndarray) -> tuple[float, np.ndarray]:
        logit = line[0] * z + line[1]
        wrong = 1 / (1 + np.exp(-np.clip(logit, -500, 500))) - target
        mean_loss = float((np.logaddexp(0, logit) - target * logit).mean())
        return mean_loss, np.array([wrong @ z, wrong.sum()]) / len(z)

    slope, offset = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS").x
    return slope / spread, offset - slope * centre / spread


def probabilities_of(vectors: np.ndarray, heads: Arrays) -> np.ndarray:
    """Each class's own probability, float32 [n, 1 + classes], not a distribution. Background: 1 minus the largest."""
    logits = vectors @ heads[WEIGHTS].T + heads[BIAS]
    classes = 1 / (1 + np.exp(-np.clip(logits, -80, 80)))
    return np.concatenate([1 - classes.max(axis=1, keepdims=True), classes], axis=1).astype(np.float32)
