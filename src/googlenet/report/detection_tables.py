"""Tables of detection: the paper's Tables 4 and 5 with our figures, the detectors, switches, classes and errors."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from googlenet.config.schema.shared import Detector
from googlenet.metrics.detection import DetectionMetrics, DetectorMetrics, ErrorTypes
from googlenet.report import paper
from googlenet.report.parts import OURS, Column, Row, Table, numbers, our_numbers, texts
from googlenet.report.run_tables import setting_cells, setting_columns
from googlenet.report.words import NONE, confidence, count, decimal, gain, interval, plural, spread

SWITCHES = {
    "bbox_regression": "bounding-box regression",
    "context_feature": "context feature of the whole image",
    "svm": "linear SVM instead of the softmax",
    "mirror": "mean with the mirrored region",
}
FOLDED_FROM = 25  # from this number of classes on, a table is split into two halves side by side
ErrorWords = Mapping[str, tuple[str, str]]
KINDS: ErrorWords = {  # in the order of the bars: name, what it means
    "correct": ("right", "it finds an object of its class that no higher-scoring detection found"),
    "localisation": ("localisation", "an object of its class is near, but the box does not overlap it enough"),
    "duplicate": ("duplicate", "a higher-scoring detection already found this object of its class"),
    "confusion": ("confusion", "an object of another class is there, and none of its own class is near"),
    "background": ("background", "no annotated object is near"),
}
REASONS: ErrorWords = {
    "not_proposed": ("not proposed", "no proposal covers it: no classifier could have found it"),
    "scored_low": ("scored low", "it was proposed, but every such region's score for its class was too low"),
    "other_class": ("found as another class", "a false detection of another class covers it"),
    "outdone": (
        "suppressed",
        "a region on it scored for its class, but a higher-scoring neighbour suppressed it, or it matched another "
        "object",
    ),
}


def table_4(detection: DetectionMetrics, dataset: str) -> Table:
    """Table 4 (section 8): the teams' mean average precision and our ensemble of detectors with its interval."""
    rows = []
    for row in paper.table_4():
        figures = (str(row.year), str(row.place), f"{row.mean_ap_percent:g}", NONE)
        rows.append(Row((row.team, *figures, row.external_data, row.ensemble, row.approach)))
    ours = detection.table_4
    mean_ap = (decimal(ours.ensemble_mean_ap_percent, 1), interval(ours.interval, 1))
    described = (NONE, plural(ours.detectors, "model"), "CNN")
    rows.append(Row((f"Ours, on {dataset}", NONE, NONE, *mean_ap, *described), OURS))
    columns = (
        *texts("Team"),
        *numbers("Year", "Place", "Mean AP, %", confidence(ours.interval)),
        *texts("External data", "Ensemble", "Approach"),
    )
    note = (
        "The interval is over test images, for these detectors; the paper gives none. A resample repeats images, which raises "
        "average precision: all intervals of mean AP and of its differences are moved by as much as the resamples' mean exceeds "
        "the figure."
    )
    caption = "Table 4, section 8: detection on ILSVRC by team, and this run on its own data."
    return Table("Detection by team", caption, columns, tuple(rows), note)


def table_5(detection: DetectionMetrics, dataset: str) -> Table:
    """Table 5 (section 8): single models, and the mean and spread of our detectors."""
    rows = [
        Row((row.team, f"{row.mean_ap_percent:g}", NONE, row.contextual_model, row.box_regression))
        for row in paper.table_5()
    ]
    ours = spread(detection.single_mean_ap_percent, detection.single_std, 1)
    switches = ("context_feature", "bbox_regression")
    has = ("yes" if name in detection.switches.on else "no" for name in switches)
    rows.append(Row((f"Ours, on {dataset}", ours, interval(detection.single_interval, 1), *has), OURS))
    mean_ap = numbers("Mean AP, %", confidence(detection.single_interval))
    columns = (*texts("Team"), *mean_ap, *texts("Contextual model", "Bounding-box regression"))
    number = len(detection.detectors)
    mean = (
        f"Ours is the mean of {count(number)} detectors, ± their standard deviation (n \N{MINUS SIGN} 1); its"
        if number > 1
        else "Our"
    )
    note = f"{mean} interval is over test images. For GoogLeNet alone the paper prints 38.02 in this table and 40 in its text."
    caption = "Table 5, section 8: detection with a single model."
    return Table("Detection with one model", caption, columns, tuple(rows), note)


def detectors(trained: Mapping[str, DetectorMetrics], detection: DetectionMetrics) -> Table:
    """The detectors side by side: their settings, parameters, last training figures, mean average precision."""
    settings = setting_columns(Detector)
    rows = []
    for name, metrics in trained.items():
        counts = (count(metrics.parameters), count(metrics.positives_available))
        shares = (metrics.epochs[-1].train_accuracy_percent, detection.detectors[name].mean_ap_percent)
        rows.append(Row((name, *setting_cells(metrics.member), *counts, *(decimal(share, 1) for share in shares))))
    blank = [""] * (len(settings) + 3)
    rows.append(Row(("ensemble", *blank, decimal(detection.ensemble.mean_ap_percent, 1)), OURS))
    figures_of = numbers("Parameters", "Positive regions", "Training accuracy, %")
    columns = (*texts("Detector"), *settings, *figures_of, *our_numbers("Mean AP, %"))
    caption = "Section 8: each classifies every proposed region; the ensemble is their mean."
    note = "Parameters: as trained, with any auxiliary heads, which are discarded afterwards."
    return Table("The detectors, side by side", caption, columns, tuple(rows), note)


def switched(names: Sequence[str]) -> str:
    """Describe the switches that are on."""
    return ", ".join(SWITCHES[name] for name in names) or "none"


def switches(detection: DetectionMetrics) -> Table:
    """The gain from each switch beyond the paper: other settings of the switches compared with those in use."""
    main = detection.table_4
    single = spread(detection.single_mean_ap_percent, detection.single_std, 1)
    together = (decimal(main.ensemble_mean_ap_percent, 1), interval(main.interval, 1))
    rows = [Row((f"In use here: {switched(detection.switches.on)}", single, *together, ""), OURS)]
    for row in detection.switches.compared:
        single = spread(row.single_mean_ap_percent, row.single_std, 1)
        together = (decimal(row.ensemble_mean_ap_percent, 1), interval(row.ensemble_interval, 1))
        rows.append(Row((switched(row.switches), single, *together, gain(row.difference))))
    columns = (
        *texts("Switches that are on"),
        *our_numbers("One detector: mean AP, %", "Ensemble: mean AP, %", confidence(main.interval)),
        Column("The ensemble, against the one in use", OURS, words=True),
    )
    note = (
        "In the paper all of them are off: its authors used no contextual model and had no time for bounding-box "
        "regression. One detector: mean over the detectors ± their standard deviation (n \N{MINUS SIGN} 1). A row is called better or "
        "worse only if its whole paired interval, over test images, is on one side of zero; each interval is for its "
        "row alone."
    )
    caption = "Additions to the paper, each a switch: the same regions and networks, scored in another way."
    return Table("Switches beyond the paper", caption, columns, tuple(rows), note)


def average_precision(detection: DetectionMetrics) -> Table:
    """Average precision of every class: the ensemble, and the mean of the detectors; long tables in two parts."""
    singles = [detector.ap_percent for detector in detection.detectors.values()]
    objects = {row.class_name: row.objects for row in detection.coverage.per_class}
    rows: list[tuple[str, ...]] = []
    for index, name in enumerate(detection.classes):
        alone = [value for values in singles if (value := values[index]) is not None]
        mean = decimal(sum(alone) / len(alone) if alone else None, 1)
        rows.append((name, count(objects[name]), mean, decimal(detection.ensemble.ap_percent[index], 1)))
    columns = (*texts("Class"), *numbers("Objects"), *our_numbers("One detector, mean", "Ensemble"))
    if len(rows) >= FOLDED_FROM:
        half = -(-len(rows) // 2)
        rows = [(*left, *right) for left, right in zip_longest(rows[:half], rows[half:], fillvalue=("",) * 4)]
        columns *= 2
    without = f"{NONE}: no object of the class in the test images; the mean excludes it."
    note = without if None in detection.ensemble.ap_percent else ""
    caption = "Average precision in %, every class; objects in the test images."
    return Table("Average precision by class", caption, columns, tuple(map(Row, rows)), note)


def percent(part: int, whole: int) -> str:
    """Format a share in percent with one decimal; a dash if the whole is zero."""
    return decimal(100 * part / whole if whole else None, 1)


def _rows(words: ErrorWords, counts: Mapping[str, int], whole: int, total: str) -> tuple[Row, ...]:
    """Return a row for each kind: its name, count, share of `whole`, and meaning; then their sum."""
    rows = [
        Row((name, count(counts[kind]), percent(counts[kind], whole), meaning))
        for kind, (name, meaning) in words.items()
    ]
    every = sum(counts.values())
    return *rows, Row((total, count(every), percent(every, whole), ""), "sum")


def false_detections(errors: ErrorTypes) -> Table:
    """The first detections of all classes by kind: count, share, and meaning of each kind."""
    counts = errors.false_positives.all.counts
    columns = (*texts("Detections"), *our_numbers("Number", "Share, %"), *texts("Meaning"))
    caption = "The ensemble's highest-scoring detections on test: for each class, at most as many as it has objects."
    note = (
        "After Hoiem et al., Diagnosing Error in Object Detectors (2012). Near: an overlap (IoU) of "
        f"{decimal(errors.near_iou, 1)} or more. Enough: as mean average precision requires. Among close objects, a "
        "box between them is near one of another class. Counts on these test images, without intervals."
    )
    rows = _rows(KINDS, counts, sum(counts.values()), "all")
    return Table("What the detections are", caption, columns, rows, note)


def missed_objects(errors: ErrorTypes) -> Table:
    """The missed objects by reason: count, share of all objects, and meaning of each reason."""
    missed = errors.missed.all
    columns = (*texts("Missed, because"), *our_numbers("Objects", "Share of all objects, %"), *texts("Meaning"))
    caption = (
        f"Of {count(missed.objects)} objects, those that no detection of the ensemble found, however low its score."
    )
    rows = _rows(REASONS, missed.counts, missed.objects, "all missed")
    return Table("Why objects are missed", caption, columns, rows)


def summary(errors: ErrorTypes) -> tuple[str, ...]:
    """State the most frequent kind of false detection and the number of missed objects."""
    counts, missed = errors.false_positives.all.counts, errors.missed.all
    wrong = {kind: counts[kind] for kind in KINDS if kind != "correct"}
    detections, all_wrong = sum(counts.values()), sum(wrong.values())
    sentence = "Nothing was detected"
    if detections:
        sentence = (
            f"Of the {plural(detections, 'detection')} with the highest scores (for each class, at most as many as it has "
            f"objects), {percent(counts['correct'], detections)} % are right"
        )
    if all_wrong:
        names = most_frequent(KINDS, wrong)
        share = f"{percent(max(wrong.values()), all_wrong)} %{' each' if len(names) > 1 else ''}"
        sentence += f". The most frequent error is {' and '.join(names)}: {share} of the wrong ones"
    total = sum(missed.counts.values())
    if not total:
        return f"{sentence}.", f"None of {plural(missed.objects, 'object')} is missed altogether."
    second = (
        f"{count(total)} of {plural(missed.objects, 'object')} ({percent(total, missed.objects)} %) "
        f"{'is' if total == 1 else 'are'} missed at every score; most often: "
        f"{' and '.join(most_frequent(REASONS, missed.counts))}."
    )
    return f"{sentence}.", second


def most_frequent(words: ErrorWords, counts: Mapping[str, int]) -> list[str]:
    """Return the names of the most frequent kinds, including ties."""
    most = max(counts.values())
    return [name for kind, (name, _) in words.items() if kind in counts and counts[kind] == most]
