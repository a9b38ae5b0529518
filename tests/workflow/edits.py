"""The table of edits: what a person changes, and the jobs that must run then, written down by hand.

Each row is made in a clone that nothing else has changed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from workflow.changes import (
    DATASET,
    code,
    comment_in_code,
    comment_in_conf,
    file,
    imported_member,
    other_experiment,
    referenced,
    reordered,
    reverted,
    smoke,
    there_and_back,
    white_space,
)
from workflow.clones import Run, jobs

ENSEMBLE = "src/googlenet/classification/ensemble.py"
M, D, P = "m1 m2 m3", "d1 d2", "p1 p2"
NONE: set[Run] = set()


class Edit(NamedTuple):
    """One row: what it is, how it is made in a clone, and the jobs that must run.

    A frequent one is planned by `make test` and executed by .ci/run; all are planned by .ci/run and executed by
    `make agreement`.
    """

    name: str
    apply: Callable[[Path], None]
    expected: set[Run]
    frequent: bool = False


AFTER_EVALUATION = jobs(evaluate_detection="all", make_report="all")
AFTER_SCORES = jobs(score_regions=D) | AFTER_EVALUATION
AFTER_HEADS = jobs(fit_region_heads=D) | AFTER_SCORES
AFTER_DETECTORS = jobs(train_detector=D) | AFTER_HEADS
AFTER_MERGE = jobs(merge_proposals=P, study_proposals="all") | AFTER_DETECTORS
AFTER_MULTIBOX = jobs(train_multibox="all") | AFTER_MERGE
AFTER_ENSEMBLE = jobs(evaluate_ensemble="all", make_report="all")
AFTER_PREDICTIONS = jobs(study_crops="all") | AFTER_ENSEMBLE
AFTER_CLASSIFIERS = jobs(train_classifier=M, predict_crops=M, analyse_units="all") | AFTER_PREDICTIONS | AFTER_MULTIBOX

EDITS = [
    # A key of every stage.
    Edit(
        "evaluate_detection: nms_iou",
        file("conf/evaluate_detection.yaml", r"nms_iou: .*", "nms_iou: 0.35"),
        AFTER_EVALUATION,
    ),
    Edit(
        "evaluate_ensemble: resamples",
        smoke(r"evaluate_ensemble: \{resamples: \d+", "evaluate_ensemble: {resamples: 250"),
        AFTER_ENSEMBLE,
    ),
    Edit(
        "study_crops: random_subsets",
        smoke(r"random_subsets: \d+", "random_subsets: 12"),
        jobs(study_crops="all", make_report="all"),
    ),
    Edit(
        "make_report: title",
        file("conf/make_report.yaml", r"title: .*", "title: Deeper"),
        jobs(make_report="all"),
        frequent=True,
    ),
    Edit("a reference for the experiment", referenced, jobs(make_report="all")),
    Edit(
        "measure_cost: repeats",
        smoke(r"measure_cost: \{repeats: \d+", "measure_cost: {repeats: 2"),
        jobs(measure_cost="all", make_report="all"),
    ),
    Edit(
        "analyse_units: clusters",
        file("conf/analyse_units.yaml", r"clusters: \d+", "clusters: 6"),
        jobs(analyse_units="all", make_report="all"),
    ),
    Edit(
        "score_regions: batch_size",
        file("conf/score_regions.yaml", r"batch_size: \d+", "batch_size: 96"),
        AFTER_HEADS,  # which see regions in batches of the same size
    ),
    Edit(
        "score_regions: switches whose fits are there",
        file("conf/score_regions.yaml", r"switches: \[\]", "switches: [svm, mirror]"),
        AFTER_SCORES,  # the SVMs are fitted for the comparison, mirroring needs no fit
    ),
    Edit(
        "score_regions: without the settings that need box regression",
        smoke(r"compare: \[\[bbox_regression\], (.*), \[mirror, bbox_regression\]\]", r"compare: [\1]"),
        AFTER_HEADS,
    ),
    Edit("fit_region_heads: c of the SVMs", file("conf/fit_region_heads.yaml", r"c: 0.001", "c: 0.01"), AFTER_HEADS),
    Edit(
        "train_detector: epochs", smoke(r"train_detector: \{epochs: \d+", "train_detector: {epochs: 3"), AFTER_DETECTORS
    ),
    Edit(
        "propose_regions: superpixel_scale",
        smoke(r"superpixel_scale: [\d.]+", "superpixel_scale: 1.5"),
        jobs(propose_regions=P) | AFTER_MERGE,
    ),
    Edit(
        "study_proposals: images compared",
        smoke(r"compare: \{images: \d+", "compare: {images: 4"),
        jobs(study_proposals="all", make_report="all"),
    ),
    Edit(
        "merge_proposals: duplicate_iou",
        file("conf/merge_proposals.yaml", r"duplicate_iou: \S+", "duplicate_iou: 0.8"),
        AFTER_MERGE,
    ),
    Edit("train_multibox: epochs", smoke(r"match_iou: 0.5, epochs: \d+", "match_iou: 0.5, epochs: 3"), AFTER_MULTIBOX),
    Edit(
        "prepare_detection: training scenes",
        file(DATASET, r"train: 12", "train: 13"),
        jobs(prepare_detection="all", propose_regions=P) | AFTER_MULTIBOX,
    ),
    Edit(
        "train_baseline: max_iterations",
        smoke(r"max_iterations: \d+", "max_iterations: 40"),
        jobs(train_baseline="all") | AFTER_ENSEMBLE,
    ),
    Edit(
        "predict_crops: batch_size",
        file("conf/predict_crops.yaml", r"batch_size: \d+", "batch_size: 96"),
        jobs(predict_crops=M) | AFTER_PREDICTIONS,
    ),
    Edit(
        "compute: engine of inference, which no training has",
        file("conf/compute.yaml", r"engine: auto", "engine: openvino"),
        jobs(predict_crops=M) | AFTER_PREDICTIONS | AFTER_MERGE,
    ),
    Edit(
        "predict_crops: images whose crops are kept",
        smoke(r"per_crop_images: \d+", "per_crop_images: 24"),
        jobs(predict_crops=M) | AFTER_PREDICTIONS,
    ),
    Edit(
        "train_classifier: epochs",
        smoke(r"train_classifier: \{epochs: \d+", "train_classifier: {epochs: 3"),
        AFTER_CLASSIFIERS,
    ),
    Edit(
        "prepare_classification: images a split",
        file(DATASET, r"limit_per_split: \d+", "limit_per_split: 110"),
        jobs(prepare_classification="all", train_baseline="all") | AFTER_CLASSIFIERS,
    ),
    # A key of one member, of one detector, of some jobs, of many stages, of none.
    Edit(
        "order_seed of m2, which no detector starts from",
        smoke(r"name: m2, order_seed: \d+", "name: m2, order_seed: 12"),
        jobs(train_classifier="m2", predict_crops="m2") | AFTER_PREDICTIONS,
    ),
    Edit(
        "sampling method of m2 alone",
        file("conf/sampling.yaml", r"scales: \[256, 352\]", "scales: [256, 320]"),
        jobs(train_classifier="m2", predict_crops="m2") | AFTER_PREDICTIONS,
    ),
    Edit(
        "order_seed of detector d2",
        smoke(r"init_from: m3, order_seed: \d+", "init_from: m3, order_seed: 12"),
        jobs(train_detector="d2", fit_region_heads="d2", score_regions="d2") | AFTER_EVALUATION,
    ),
    Edit(
        "the member that d1 starts from",
        smoke(r"name: d1, init_from: m1", "name: d1, init_from: m3"),
        jobs(train_detector="d1", fit_region_heads="d1", score_regions="d1") | AFTER_EVALUATION,
    ),
    Edit(
        "the member that MultiBox starts from",
        file("conf/train_multibox.yaml", r"init_from: m1", "init_from: m3"),
        AFTER_MULTIBOX,
    ),
    Edit(
        "input_px of the model, shared by many stages",
        smoke(r"input_px: \d+", "input_px: 40"),
        jobs(measure_cost="all") | AFTER_CLASSIFIERS,
    ),
    Edit(
        "strict_versions: what is installed becomes part of the settings",
        file("conf/config.yaml", "strict_versions: false", "strict_versions: true"),
        jobs(prepare_classification="all", prepare_detection="all", propose_regions=P, train_baseline="all")
        | jobs(measure_cost="all")
        | AFTER_CLASSIFIERS,
    ),
    Edit("execution: loader_workers", file("conf/execution.yaml", r"loader_workers: \d+", "loader_workers: 1"), NONE),
    # No content.
    Edit("comment in conf", comment_in_conf, NONE),
    Edit("white space in conf", white_space, NONE),
    # Code and rules.
    Edit("comment and docstring in code", comment_in_code, NONE, frequent=True),
    Edit("text of an error", file("src/googlenet/data/images.py", "damaged image", "broken image"), NONE),
    Edit("code of evaluate_ensemble", file(ENSEMBLE, r"^WORKING_MB = \d+", "WORKING_MB = 100"), AFTER_ENSEMBLE),
    Edit(
        "rule of measure_cost",
        file(
            "workflow/rules/report.smk",
            r'"python -m googlenet.stages.measure_cost',
            '"true; python -m googlenet.stages.measure_cost',
        ),
        jobs(measure_cost="all", make_report="all"),
    ),
    Edit(
        "code of a reader that no data set here uses", code("src/googlenet/data/readers/coco.py"), NONE, frequent=True
    ),
    Edit("code of a network that no member is", code("src/googlenet/models/networks/torchvision_bn.py"), NONE),
    Edit("code of a search preset that is not chosen", code("src/googlenet/detection/search_presets/rcnn.py"), NONE),
    Edit(
        "code that decodes images",
        code("src/googlenet/data/images.py"),
        jobs(prepare_classification="all", prepare_detection="all", propose_regions=P, train_baseline="all")
        | AFTER_CLASSIFIERS,
    ),
    Edit(
        "code that makes arithmetic deterministic",
        code("src/googlenet/models/determinism.py"),
        jobs(prepare_classification="all", prepare_detection="all", propose_regions=P, train_baseline="all")
        | jobs(measure_cost="all")
        | AFTER_CLASSIFIERS,
    ),
    # Rows in another order.
    Edit("members and detectors in another order", reordered, NONE, frequent=True),
    # Forth and back.
    Edit("a key edited and edited back", reverted, NONE),
    Edit(
        "another experiment, without detection, on the same data",
        other_experiment,
        jobs(train_classifier=M, predict_crops=M, analyse_units="all", train_baseline="all", measure_cost="all")
        | AFTER_PREDICTIONS,
    ),
    Edit("back from the other experiment", there_and_back, NONE),
    # Another source of the weights.
    Edit(
        "m2 is imported, not trained",
        imported_member,
        jobs(import_weights="m2", predict_crops="m2") | AFTER_PREDICTIONS,
    ),
    # Other numbers of jobs.
    Edit(
        "a third part of the proposals",
        file("conf/propose_regions.yaml", r"parts: \d+", "parts: 3"),
        jobs(propose_regions="p1 p2 p3", merge_proposals="p1 p2 p3", study_proposals="all") | AFTER_DETECTORS,
    ),
    Edit(
        "a fourth member, m4",
        smoke(r"^( *)- \{name: m3.*$", r"\g<0>\n\1- {name: m4, order_seed: 4, sampling_seed: 4}"),
        jobs(train_classifier="m4", predict_crops="m4") | AFTER_PREDICTIONS,
        frequent=True,
    ),
    Edit("without member m2", smoke(r"^ *- \{name: m2.*\n", ""), AFTER_PREDICTIONS),
]
