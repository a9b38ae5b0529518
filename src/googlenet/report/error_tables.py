"""Where the errors of detection come from, in words and tables: false detections and missed objects."""

from collections.abc import Mapping

from googlenet.metrics.detection import ErrorTypes
from googlenet.report.parts import Row, Table, our_numbers, texts
from googlenet.report.words import count, decimal, plural

KINDS = {  # in the order of the bars: name, what it means
    "correct": ("right", "it finds an object of its class that no better detection has found"),
    "localisation": ("localisation", "an object of its class is near, but the box does not overlap it enough"),
    "duplicate": ("duplicate", "an object of its class, which a better detection has found already"),
    "confusion": ("confusion", "an object of another class is there, and none of its own is near"),
    "background": ("background", "nothing that is annotated is near"),
}
REASONS = {
    "not_proposed": ("not proposed", "no proposal covers it: no classifier could have found it"),
    "scored_low": ("scored low", "it was proposed, but every such region's score for its class was too low"),
    "other_class": ("found as another class", "a false detection of another class lies on it"),
    "outdone": (
        "outdone",
        "a region on it had a score for its class, but a better detection beside it suppressed it, or it took a neighbour",
    ),
}


def percent(part: int, whole: int) -> str:
    """A share in percent with one decimal; a dash of nothing."""
    return decimal(100 * part / whole if whole else None, 1)


def _rows(words: Mapping[str, tuple[str, str]], counts: Mapping[str, int], whole: int, total: str) -> tuple[Row, ...]:
    """A row for each kind: its name, how many, their share of `whole`, and what it means; below them their sum."""
    rows = [
        Row((name, count(counts[kind]), percent(counts[kind], whole), meaning))
        for kind, (name, meaning) in words.items()
    ]
    every = sum(counts.values())
    return *rows, Row((total, count(every), percent(every, whole), ""), "sum")


def false_detections(errors: ErrorTypes) -> Table:
    """What the first detections of all classes are: how many, which share, and what each kind means."""
    counts = errors.false_positives.all.counts
    columns = (*texts("Detections"), *our_numbers("Number", "Share, %"), *texts("What that is"))
    caption = "The ensemble's surest detections on test: of each class as many as it has objects."
    note = (
        "After Hoiem et al., Diagnosing Error in Object Detectors (2012). Near: an overlap (IoU) of "
        f"{decimal(errors.near_iou, 1)} or more. Enough: what the mean average precision asks for. Among close objects "
        "a box between them is near one of another class. Counts of these test images, without intervals."
    )
    rows = _rows(KINDS, counts, sum(counts.values()), "all")
    return Table("What the detections are", caption, columns, rows, note)


def missed_objects(errors: ErrorTypes) -> Table:
    """Why objects were missed: how many, which share of all objects, and what each reason means."""
    missed = errors.missed.all
    shares = our_numbers("Objects", "Share of all objects, %")
    columns = (*texts("Missed, because"), *shares, *texts("What that is"))
    caption = f"The objects that no detection of the ensemble found, however low its score, of {count(missed.objects)}."
    rows = _rows(REASONS, missed.counts, missed.objects, "all that are missed")
    return Table("Why objects are missed", caption, columns, rows)


def summary(errors: ErrorTypes) -> tuple[str, ...]:
    """The largest kind of false detection, and how many objects are missed, in sentences."""
    counts, missed = errors.false_positives.all.counts, errors.missed.all
    wrong = {kind: counts[kind] for kind in KINDS if kind != "correct"}
    detections, all_wrong = sum(counts.values()), sum(wrong.values())
    sentence = (
        f"Of the surest {plural(detections, 'detection')} (of each class as many as it has objects), "
        f"{percent(counts['correct'], detections)} % are right"
    )
    if all_wrong:
        names = most_frequent(KINDS, wrong)
        share = f"{percent(max(wrong.values()), all_wrong)} %{' each' if len(names) > 1 else ''}"
        sentence += f". The most frequent fault is {' and '.join(names)}: {share} of those that are wrong"
    total = sum(missed.counts.values())
    if not total:
        return f"{sentence}.", f"No object of {count(missed.objects)} is missed altogether."
    second = (
        f"{count(total)} of {plural(missed.objects, 'object')} ({percent(total, missed.objects)} %) "
        f"{'is' if total == 1 else 'are'} missed at every score; most often: "
        f"{' and '.join(most_frequent(REASONS, missed.counts))}."
    )
    return f"{sentence}.", second


def most_frequent(words: Mapping[str, tuple[str, str]], counts: Mapping[str, int]) -> list[str]:
    """Names of the kinds that no other outnumbers."""
    most = max(counts.values())
    return [name for kind, (name, _) in words.items() if kind in counts and counts[kind] == most]
