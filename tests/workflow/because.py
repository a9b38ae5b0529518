"""Why the jobs of each edit run, as `googlenet why` must say it: written down by hand, a pattern for each row of the table.

Each job that would run either has a sentence that matches, or merely reads what another one will write again.
"""

import re

from googlenet.tracking import job_name
from workflow.edits import Edit

ANEW = re.compile(r"it reads what (.+) will write again\.")
BECAUSE = {
    "evaluate_detection: nms_iou": r"nms_iou is 0\.35 \(was 0\.3\)",
    "evaluate_ensemble: resamples": r"resamples is 250 \(was 200\)",
    "study_crops: random_subsets": r"random_subsets is 12 \(was 10\)",
    "make_report: title": r"title is Deeper \(was .+\)",
    "a reference for the experiment": r"it has other inputs: now with references/smoke\.yaml",
    "measure_cost: repeats": r"repeats is 2 \(was 1\)",
    "analyse_units: clusters": r"clusters is 6 \(was \d+\)",
    "score_regions: batch_size": r"batch_size is 96 \(was \d+\)",
    "score_regions: switches whose fits are there": r'switches is \["svm", "mirror"\] \(was \[\]\)',
    "score_regions: without the settings that need box regression": r"(compare|heads) is \[.+\(was \[",
    "fit_region_heads: c of the SVMs": r"svm\.c is 0\.01 \(was 0\.001\)",
    "train_detector: epochs": r"epochs is 3 \(was 2\)",
    "propose_regions: superpixel_scale": r"superpixel_scale is 1\.5 \(was 1\.0\)",
    "study_proposals: images compared": r"compare\.images is 4 \(was 5\)",
    "merge_proposals: duplicate_iou": r"duplicate_iou is 0\.8 \(was ",
    "train_multibox: epochs": r"epochs is 3 \(was 2\)",
    "prepare_detection: training scenes": r"train is 13 \(was 12\)",
    "train_baseline: max_iterations": r"max_iterations is 40 \(was 50\)",
    "predict_crops: batch_size": r"batch_size is 96 \(was \d+\)",
    "compute: engine of inference, which no training has": r"compute\.engine is openvino \(was auto\)",
    "predict_crops: images whose crops are kept": r"per_crop_images is 24 \(was 20\)",
    "train_classifier: epochs": r"epochs is 3 \(was 2\)",
    "prepare_classification: images a split": r"limit_per_split is 110 \(was \d+\)",
    "order_seed of m2, which no detector starts from": r"member\.order_seed is 12 \(was 2\)",
    "sampling method of m2 alone": r"samplings?(\.m2)?\.scales is \[256\.0, 320\.0\] \(was \[256\.0, 352\.0\]\)",
    "order_seed of detector d2": r"detector\.order_seed is 12 \(was 2\)",
    "the member that d1 starts from": r"init_from is m3 \(was m1\)",
    "the member that MultiBox starts from": r"it has other inputs: now with \S+/m3/weights.safetensors and without \S+/m1/",
    "input_px of the model, shared by many stages": r"input_px is 40 \(was 32\)",
    "strict_versions: what is installed becomes part of the settings": r"\w+ [\d.]+ counts \(was absent\)",
    "code of evaluate_ensemble": r"googlenet\.classification\.ensemble changed",
    "rule of measure_cost": r"its rule in workflow/ has another command",
    "code that decodes images": r"googlenet\.data\.images changed",
    "code that makes arithmetic deterministic": r"googlenet\.models\.determinism changed",
    "another experiment, without detection, on the same data": r"has not run yet",
    "m2 is imported, not trained": r"has not run yet|it has other inputs: now with \S*import_weights/m2/|samplings\.m2\b",
    "a third part of the proposals": r"parts is 3 \(was 2\)|has not run yet|it has other inputs: now with \S*p3/",
    "a fourth member, m4": r"has not run yet|it has other inputs: now with \S*m4[/.]|samplings\.m4\b",
    "without member m2": r"it has other inputs: without \S*m2[/.]|samplings\.m2\b",
}


def assert_explained(edit: Edit, sentences: dict[str, str]) -> None:
    """Every job that the edit affects, and no other, has a sentence: the right reason, or jobs above it that have one."""
    assert sentences.keys() == {job_name(*job) for job in edit.expected}
    first = {name for name, text in sentences.items() if edit.expected and re.search(BECAUSE[edit.name], text)}
    assert bool(first) == bool(edit.expected)
    for name in sentences.keys() - first:
        above = ANEW.fullmatch(sentences[name])
        assert above, f"{name}: {sentences[name]}"
        named = {part for stage in re.split(r", | and ", above[1]) for part in _jobs(stage)}
        assert {part for part in named if not part.endswith(" more")} <= sentences.keys()


def _jobs(text: str) -> list[str]:
    """The jobs that a stage's part of a sentence names: train_classifier/m1,m2."""
    stage, _, names = text.partition("/")
    return [f"{stage}/{name}" for name in names.split(",")] if names else [stage]
