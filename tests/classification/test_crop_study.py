"""Aggregations by hand, selection where the best crop is known, groups of crops, and the whole study."""

import numpy as np
import pytest

from classification import tiny
from googlenet.classification import kept_crops
from googlenet.classification.aggregations import AGGREGATIONS, LEAST
from googlenet.classification.crop_groups import candidates, changes_nothing, groups, place
from googlenet.classification.crop_scales import Seen, Zooms, masks, seen_at_test, seen_in_training
from googlenet.classification.crop_study import KeptSplit, select, study
from googlenet.classification.crops import POLICIES, SCALES, crops_144, distinct
from googlenet.classification.kept_crops import KeptCrops
from googlenet.metrics.classification_studies import CropPlace
from settings import settings_of

SETTINGS = settings_of(
    "study_crops",
    budgets=(1, 2, 5, 200),
    random_subsets=20,
    effects_shown=4,
    resamples=200,
    confidence_percent=95,
    seed=1,
)
ALL = np.arange(144)


def test_aggregations_by_hand():
    p = np.array(  # two models, one image, two crops
        [[[[0.6, 0.4, 0.0], [0.6, 0.4, 0.0]]], [[[0.1, 0.9, 0.0], [0.1, 0.8, 0.1]]]], np.float32
    )
    scores = {name: way(p)[0] for name, way in AGGREGATIONS.items()}
    assert scores["mean"] == pytest.approx([0.35, 0.625, 0.025])
    assert scores["max_over_crops"] == pytest.approx([0.35, 0.65, 0.05])
    assert scores["max_over_all"] == pytest.approx([0.6, 0.9, 0.1])
    logs = [np.log(0.06) / 2, np.log(0.4 * 0.4 * 0.9 * 0.8) / 4, (3 * np.log(LEAST) + np.log(0.1)) / 4]
    assert scores["geometric_mean"] == pytest.approx(logs, rel=1e-5)
    # Two votes each: the mean decides, and does not outweigh a vote.
    assert scores["majority_vote"] == pytest.approx([2.175, 2.3125, 0.0125])
    three = np.array([[[[0.6, 0.4], [0.6, 0.4], [0.0, 1.0]]]], np.float32)
    assert AGGREGATIONS["majority_vote"](three)[0].argmax() == 0 and AGGREGATIONS["mean"](three)[0].argmax() == 1


def test_geometric_mean_orders_as_the_mean_of_logits():
    logits = np.random.default_rng(0).normal(size=(2, 30, 6, 5)).astype(np.float32)
    p = np.exp(logits) / np.exp(logits).sum(3, keepdims=True)
    scores = AGGREGATIONS["geometric_mean"](p)
    assert np.array_equal(scores.argsort(1), logits.mean((0, 2)).argsort(1))


def test_selection_by_hand():
    of_label = np.array([[0.5, 0.1, 0.9], [0.5, 0.9, 0.8]])
    chosen = select(of_label, np.array([0, 1, 2]))
    # Alone: 0.693, 1.204, 0.164. Beside the third: 0.394 and 0.428.
    assert chosen.order == [2, 0, 1]
    losses = [-np.log(0.9 * 0.8) / 2, -np.log(0.7 * 0.65) / 2, -np.log(0.5 * 2.2 / 3) / 2]
    assert chosen.nll_nats == pytest.approx(losses)
    assert chosen.best_of([1, 2, 3]) == 1 and chosen.best_of([2, 3]) == 2
    assert select(of_label, np.array([0, 1])).order == [0, 1]
    assert select(np.full((3, 4), 0.5), np.array([1, 3])).order == [1, 3]  # of equal ones the first


def test_groups_are_the_papers():
    assert place(20, SCALES) == CropPlace(scale_px=256, square="centre", kind="centre", mirrored=False)
    assert place(143, SCALES) == CropPlace(scale_px=352, square="right or bottom", kind="whole square", mirrored=True)
    sizes = {name: int(group.sum()) for name, group in groups(ALL, SCALES).items()}
    assert sizes == {
        **{f"scale {scale} px": 36 for scale in (256, 288, 320, 352)},
        **{"left or top square": 48, "centre square": 48, "right or bottom square": 48},
        **{"corners": 96, "centre crops": 24, "whole squares": 24, "upright": 72, "mirrored": 72},
    }
    few = groups(np.array(POLICIES[10]), SCALES)  # of one scale and one square, without whole squares
    assert set(few) == {"corners", "centre crops", "upright", "mirrored"}


def test_zoom_of_test_crops_by_hand():
    # 224 px input: the shorter side of 100 becomes 256 to 352 px, and a crop shows 224 of them; whole squares show all.
    seen = seen_at_test([(200, 100), (50, 50)], ALL, 224, SCALES)
    for crop in ALL:
        scale_px, kind = place(crop, SCALES).scale_px, place(crop, SCALES).kind
        expected = 1 if kind == "whole square" else scale_px / 224
        assert seen.zoom[:, crop] == pytest.approx([expected] * 2)
        assert seen.magnification[:, crop] == pytest.approx([expected * 2.24, expected * 4.48])


def test_zoom_of_training_crops_follows_their_sampling():
    quarter = tiny.AREA.model_copy(update={"area": (0.25, 0.25), "aspect": (1.0, 1.0)})
    half = tiny.SCALE.model_copy(update={"scales": (448.0, 448.0)})

    def drawn(**samplings):
        asked = SETTINGS.model_copy(update={"samplings": samplings, "training_crops": 6, "input_px": 32})
        return seen_in_training(lambda index: (128, 64), 2, asked)

    one = drawn(m1=quarter)  # a quarter of 128 x 64 is a square of 45 px
    assert one.zoom == pytest.approx([64 / 45] * 6) and one.magnification == pytest.approx([32 / 45] * 6)
    assert drawn(m1=quarter, m2=half).zoom == pytest.approx([64 / 45, 2] * 3)
    assert len(drawn().zoom) == 0  # nothing was trained


def test_crops_as_large_as_in_the_middle_half_of_training_are_matched():
    # Quartiles 1.25 and 1.45: those of 288 px (1.28) and of 320 px (1.43) are within.
    training = Seen.of([1 / 1.15, 1 / 1.25, 1 / 1.35, 1 / 1.45, 1 / 1.75], [1] * 5, 32)
    inside = masks(ALL, zooms(training))["matched",]
    assert {(place(crop, SCALES).scale_px, place(crop, SCALES).kind == "whole square") for crop in ALL[inside]} == {
        (288, False), (320, False),
    }  # fmt: skip
    assert inside.sum() == 60 and ("matched",) not in masks(ALL, zooms())


def test_whole_pixels_may_put_a_crop_a_little_outside_the_middle_half():
    """A crop of 64 px is up to 2 % larger or smaller than its scale says."""
    training = Seen.of([1.0, 1.0, 1.0, 1.0], [1, 1, 1, 1], 32)  # both quartiles: 1
    for zoom, is_matched in ((0.97, False), (0.985, True), (1.015, True), (1.03, False)):
        test = Seen.of([[1 / zoom]], [[1]], 32)
        assert Zooms(training, test, SCALES).matched.tolist() == [is_matched], zoom


def index_of(sizes, mirror=True):
    """The distinct index [images, 144] of images of these sizes."""
    return np.array([distinct(crops_144(width, height, 32, mirror))[1] for width, height in sizes])


def test_crops_that_coincide_count_once():
    square, both = index_of([(40, 40)]), index_of([(40, 40), (90, 40)])
    assert len(candidates(ALL, square)) == 48 and len(candidates(ALL, both)) == 144
    assert {place(int(crop), SCALES).square for crop in candidates(ALL, square)} == {"centre"}
    digits = candidates(ALL, index_of([(40, 40)], mirror=False))
    assert len(digits) == 24 and not any(crop % 2 for crop in digits)
    every = groups(ALL, SCALES)
    assert changes_nothing(every["centre square"], square) and not changes_nothing(every["corners"], square)
    assert not changes_nothing(every["centre square"], both) and not changes_nothing(every["mirrored"], both)
    assert changes_nothing(every["mirrored"], index_of([(90, 40)], mirror=False))


def kept(labels, good, seed, sizes=((90, 40),), sure=0.7):
    """Crops of which only those in `good` are right, each other one for a wrong class."""
    rng, index, softmax, rows = np.random.default_rng(seed), [], [], 0
    for label, one in zip(labels, np.resize(np.arange(len(sizes)), len(labels)), strict=True):
        distinct_crops = index_of([sizes[one]])[0]
        number = distinct_crops.max() + 1
        scores = np.full((number, 6), (1 - sure) / 5)
        first_class = (label + rng.integers(1, 6, number)) % 6
        for crop in good:
            first_class[distinct_crops[crop]] = label
        scores[np.arange(number), first_class] = sure
        softmax.append(scores)
        index.append(distinct_crops + rows)
        rows += number
    return KeptCrops(np.concatenate(softmax).astype(np.float32), np.array(index), np.arange(len(labels)), ALL)


LABELS, VALIDATION_LABELS = np.arange(30) % 6, np.arange(24) % 6
TEST = {name: kept(LABELS, [77], seed) for seed, name in enumerate(("m1", "m2"))}
VALIDATION = {name: kept(VALIDATION_LABELS, [77], seed + 9) for seed, name in enumerate(("m1", "m2"))}


CLASSES = list("abcdef")


NONE = KeptSplit({}, np.zeros(0, int))
UNTRAINED = Seen.of([], [], 32)


def studied():
    return study(KeptSplit(TEST, LABELS), KeptSplit(VALIDATION, VALIDATION_LABELS), CLASSES, SETTINGS, zooms())


def without_validation(test=TEST, training=UNTRAINED):
    return study(KeptSplit(test, LABELS), NONE, CLASSES, SETTINGS, zooms(training))


def zooms(training=UNTRAINED):
    return Zooms(training, seen_at_test([(90, 40)] * len(LABELS), ALL, 32, SCALES), SCALES)


def test_the_one_good_crop_is_found_on_validation_and_measured_on_test():
    metrics = studied()
    assert (metrics.images, metrics.validation_images, metrics.candidates) == (30, 24, 144)
    assert set(metrics.chosen) == {"m1", "m2", "ensemble"}
    for one in metrics.chosen.values():
        assert one.order[0] == 77 and one.preferred_budget == 1 and sorted(one.order) == list(range(144))
    assert metrics.chosen["ensemble"].first[0] == place(77, SCALES)
    rows = {(row.system, row.crops): row for row in metrics.budgets}
    # 200 is out of reach; 10 is the cost of a policy.
    assert sorted({crops for _, crops in rows}) == [1, 2, 5, 10, 144]
    one, every = rows["ensemble", 1], rows["ensemble", 144]
    assert one.best.top1_error_percent == 0 and one.random.top1_error_percent.mean > 80
    low, high = one.random.top1_error_percent.quartiles
    assert one.random.top1_error_percent.min <= low <= high <= one.random.top1_error_percent.max
    assert one.best.against_random.top1_error_percent.interval.low > 50
    against_all = every.best.against_all.top1_error_percent
    assert (against_all.difference, against_all.interval.low, against_all.interval.high) == (0, 0, 0)
    assert every.random.top1_error_percent.std == 0
    policies = {(row.system, row.crops): row for row in metrics.policies}
    assert policies["ensemble", 144].top1_error_percent == every.best.top1_error_percent
    assert policies["single", 1].to_best.top1_error_percent.difference > 50
    assert [policies["single", crops].forward_passes for crops in (1, 10, 144)] == [1, 10, 144]
    assert metrics == studied()


def test_policies_and_aggregations_are_those_of_all_kept_crops():
    metrics = without_validation()
    p = np.stack([one.of_images(slice(0, 30)) for one in TEST.values()])
    for crops, places in POLICIES.items():
        row = next(r for r in metrics.policies if (r.system, r.crops) == ("ensemble", crops))
        wrong = p[:, :, places].mean((0, 2), dtype=np.float64).argmax(1) != LABELS
        assert row.top1_error_percent == pytest.approx(100 * wrong.mean())
    for row in metrics.aggregations:
        way = AGGREGATIONS[row.aggregation]
        systems = [p] if row.system == "ensemble" else [p[:1], p[1:]]
        error = np.mean([way(these).argmax(1) != LABELS for these in systems])
        assert row.top1_error_percent == pytest.approx(100 * error)
    single, whole = metrics.aggregations[0], metrics.aggregations[5]
    assert (single.system, whole.system) == ("single", "ensemble")
    assert single.aggregation == whole.aggregation == "mean" and whole.against_mean is None


def test_without_validation_nothing_is_chosen():
    metrics = without_validation()
    assert metrics.chosen == {} and metrics.validation_images == 0
    assert all(row.best is None and row.random for row in metrics.budgets)
    assert all(row.to_best is None for row in metrics.policies)


def test_images_may_be_taken_a_few_at_a_time(monkeypatch):
    whole = studied()
    monkeypatch.setattr(kept_crops, "WORKING_MB", 0.1)
    assert studied() == whole


def test_a_group_that_alone_is_right_helps():
    scale = list(range(36, 72))  # 288 px
    metrics = without_validation({"m1": kept(LABELS, scale, 3, sizes=((90, 40), (40, 40)), sure=0.9)})
    rows = {row.left_out: row for row in metrics.groups.overall}
    assert rows["scale 288 px"].alone.top1_error_percent == 0 and rows["scale 288 px"].stands
    assert rows["scale 288 px"].difference > 50 and rows["scale 288 px"].crops == 36
    assert rows["scale 256 px"].alone.top1_error_percent > 30
    assert metrics.groups.without_effect == ()
    largest = metrics.groups.by_class.largest
    assert len(largest) == 4 and largest[0].left_out == "scale 288 px"
    metrics = without_validation({"m1": kept(LABELS, scale, 3, sizes=((40, 40),))})
    idle = ("left or top square", "centre square", "right or bottom square")
    assert metrics.groups.without_effect == idle and metrics.candidates == 48


@pytest.mark.parametrize("trained", [True, False])
def test_crops_of_each_scale_and_kind_alone_and_left_out(trained):
    corners = [crop for crop in range(36, 72) if crop % 12 // 2 < 4]  # of 288 px
    training = Seen.of([1 / 1.25, 1 / 1.3], [1, 1], 32) if trained else UNTRAINED
    test = {name: kept(LABELS, corners, seed) for seed, name in enumerate(("m1", "m2"))}
    scales = without_validation(test, training).scales
    assert [(row.scale_px, row.kind, row.crops) for row in scales.rows] == [
        *((scale, kind, n) for scale in (256, 288, 320, 352) for kind, n in (("centre crops", 6), ("corners", 24))),
        (None, "whole squares", 24),
    ]
    right, whole = scales.rows[3], scales.rows[8]
    assert right.top1_error_percent == right.intervals.top1_error_percent.low == 0 and whole.top1_error_percent > 50
    assert right.left_out.top5_error_percent.interval.high == -100  # always wrong without the crops that are right
    assert (right.zoom, whole.zoom, right.magnification) == pytest.approx((41 / 32, 1, 41 / 40), abs=0.002)
    if not trained:
        assert scales.training is scales.matched is whole.against_nearest is whole.training_below_percent is None
        return
    assert (scales.training.crops, scales.training.zoom) == (2, pytest.approx(1.275))
    nearest = scales.rows[2]  # the centre crops of 288 px
    assert nearest.against_nearest is None and (nearest.training_below_percent, right.training_below_percent) == (
        50,
        50,
    )
    gain = nearest.top1_error_percent - right.top1_error_percent
    assert right.against_nearest.top1_error_percent.difference == pytest.approx(gain) and gain > 50
    assert (scales.matched.crops, scales.matched.scales_px) == (30, (288,))
    assert scales.matched.against_all.top1_error_percent.difference > 0
