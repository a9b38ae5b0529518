"""Where the errors of detection come from, in words and tables: false detections and missed objects."""

from typing import Any

from googlenet.report.parts import OURS, Column, Row, Table
from googlenet.report.words import count, decimal, plural

# In the order of the bars: key, name, what it means.
KINDS = {
    "correct": ("right", "it finds an object of its class that no better detection has found"),
    "localisation": (
        "localisation",
        "an object of its class is near, but the box does not overlap it enough",
    ),
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


def counted(words: dict[str, tuple[str, str]], found: dict[str, int], whole: int) -> list[Row]:
    """A row for each kind: its name, how many, their share of `whole`, and what the kind means."""
    return [
        Row((name, count(found[kind]), percent(found[kind], whole), meaning))
        for kind, (name, meaning) in words.items()
    ]


def sum_of(name: str, part: int, whole: int) -> Row:
    """The row below them."""
    return Row((name, count(part), percent(part, whole), ""), "sum")


def false_detections(detection: dict[str, Any]) -> Table:
    """What the first detections of all classes are: how many, which share, and what each kind means."""
    found = detection["error_types"]["false_positives"]["all"]
    looked_at = sum(found[kind] for kind in KINDS)
    rows = [*counted(KINDS, found, looked_at), sum_of("all", looked_at, looked_at)]
    columns = (
        Column("Detections", words=True),
        Column("Number", OURS),
        Column("Share, %", OURS),
        Column("What that is", words=True),
    )
    near = decimal(detection["error_types"]["near_iou"], 1)
    caption = "The ensemble's surest detections on test: of each class as many as it has objects."
    note = (
        f"After Hoiem et al., Diagnosing Error in Object Detectors (2012). Near: an overlap (IoU) of {near} or more. Enough: "
        "what the mean average precision asks for. Among close objects a box between them is near one of another class. Counts of "
        "these test images, without intervals."
    )
    return Table("What the detections are", caption, columns, tuple(rows), note)


def missed_objects(detection: dict[str, Any]) -> Table:
    """Why objects were missed: how many, which share of all objects, and what each reason means."""
    found = detection["error_types"]["missed"]["all"]
    objects, missed = found["objects"], sum(found[reason] for reason in REASONS)
    rows = [*counted(REASONS, found, objects), sum_of("all that are missed", missed, objects)]
    columns = (
        Column("Missed, because", words=True),
        Column("Objects", OURS),
        Column("Share of all objects, %", OURS),
        Column("What that is", words=True),
    )
    caption = (
        f"The objects that no detection of the ensemble found, however low its score, of {count(objects)}."
    )
    return Table("Why objects are missed", caption, columns, tuple(rows))


def said(detection: dict[str, Any]) -> tuple[str, ...]:
    """The largest kind of false detection, and how many objects are missed, in sentences."""
    found = detection["error_types"]
    false, missed = found["false_positives"]["all"], found["missed"]["all"]
    wrong = {kind: false[kind] for kind in KINDS if kind != "correct"}
    looked_at, all_wrong = sum(false[kind] for kind in KINDS), sum(wrong.values())
    sentence = (
        f"Of the surest {plural(looked_at, 'detection')} (of each class as many as it has objects), "
        f"{percent(looked_at - all_wrong, looked_at)} % are right"
    )
    if all_wrong:
        names = [KINDS[kind][0] for kind in wrong if wrong[kind] == max(wrong.values())]
        each = " each" if len(names) > 1 else ""
        share = percent(max(wrong.values()), all_wrong)
        sentence += (
            f". The most frequent fault is {' and '.join(names)}: {share} %{each} of those that are wrong"
        )
    lacking = {reason: missed[reason] for reason in REASONS}
    total = sum(lacking.values())
    if not total:
        return f"{sentence}.", f"No object of {count(missed['objects'])} is missed altogether."
    names = [REASONS[reason][0] for reason in lacking if lacking[reason] == max(lacking.values())]
    second = (
        f"{count(total)} of {plural(missed['objects'], 'object')} ({percent(total, missed['objects'])} %) "
        f"{'is' if total == 1 else 'are'} missed at every score; most often: {' and '.join(names)}."
    )
    return f"{sentence}.", second
