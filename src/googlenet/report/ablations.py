"""The page of the ablations: each row's difference to the reference, as a table and as a figure."""

from typing import Any

from googlenet.report import glance
from googlenet.report.captions import CAPTIONS
from googlenet.report.parts import OURS, Column, Picture, Report, Row, Section, Table
from googlenet.report.style import BLACK, BLUE, GREY, SKY, clipped, drawn
from googlenet.report.words import count, decimal, interval, main_metric, plural, signed

TITLE = "Ablations: what each part contributes"
OTHER_DATA = "These results are on {}, not on ILSVRC: what a change does there may be another thing."
WEIGHTS = {"last": "the last weights", "averaged": "averaged weights"}


def measure_of(found: dict[str, Any]) -> str:
    """The paper's measure where it says something, top-1 where classes are few."""
    return main_metric(found["classes"])[0].split("_")[0]


def ablation_differences(found: dict[str, Any]) -> bytes:
    """Each row's difference to the reference in test error, in points: its interval, its mean, and a dot for each seed.

    found: compare_ablations' metrics.
    """
    measure = measure_of(found)

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.axvline(0, color=GREY, linewidth=1.2)
        for position, row in enumerate(found["rows"]):
            test = row["test"][measure]
            bounds = [test["low_points"], test["high_points"]]
            axes.plot(bounds, [position, position], color=BLUE, linewidth=2.2, zorder=2)
            dots = test["difference_points_by_seed"]
            label = "one seed" if position == 0 else None
            axes.scatter(dots, [position] * len(dots), color=SKY, s=18, zorder=3, label=label)
            label = f"mean, {found['confidence_percent']} % interval" if position == 0 else None
            axes.scatter(
                test["difference_points"], position, color=BLACK, marker="D", s=34, zorder=4, label=label
            )
        axes.set_yticks(range(len(found["rows"])), [clipped(row["about"], 44) for row in found["rows"]])
        axes.set_ylim(len(found["rows"]) - 0.4, -0.6)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(
            f"{measure.replace('top', 'top-')} error on test less the reference's, points (right: worse)"
        )
        figure.legend(loc="outside upper right", ncols=2)

    return drawn(draw, 9, 1.3 + 0.36 * max(3, len(found["rows"])))


def build(
    experiment: str, found: dict[str, Any], manifest: dict[str, Any], picture: bytes, purpose: str = ""
) -> Report:
    """The page. found: compare_ablations' metrics; manifest: of the classification set; picture: ablation_differences' PNG."""
    figure = Picture("ablation_differences", picture, *CAPTIONS["ablation_differences"])
    sections = (
        Section("Differences to the reference", carried(found), (table(found), figure)),
        Section("What the intervals are", method(found)),
    )
    data = {"prepare_classification": manifest}
    about = ((purpose,) if purpose else ()) + glance.about(data)
    warning = (
        "" if glance.is_ilsvrc("prepare_classification", manifest) else OTHER_DATA.format(manifest["dataset"])
    )
    return Report(TITLE, experiment, about, warning, (), sections)


def table(found: dict[str, Any]) -> Table:
    """A row for the reference and one for each ablation: errors, the difference, and what its interval lets us say."""
    measure = measure_of(found)
    columns = (
        Column("Ablation", words=True),
        Column("Changed", words=True),
        Column("Parameters"),
        Column("Validation error, %", OURS),
        Column("Test error, %", OURS),
        Column("Difference, points", OURS),
        Column(f"{found['confidence_percent']} % interval", OURS),
        Column("The change makes it", words=True),
        Column("Trainings", words=True),
    )
    reference = found["reference"]
    errors = [decimal(reference[split][measure]["error_percent"]) for split in ("validation", "test")]
    head = (
        "The reference",
        "",
        count(reference["parameters"]),
        *errors,
        "",
        "",
        "",
        trainings(reference, {}),
    )
    rows = [Row(head, OURS)] + [_row(row, reference, measure) for row in found["rows"]]
    note = (
        "A difference is the row's error less the reference's, paired by seed and picture. Members' trainings serve where the settings "
        "are the same. Stalled: the loss of the last epoch was no better than chance."
    )
    caption = (
        f"{measure.replace('top', 'Top-')} error of single networks on one centre crop, mean over "
        f"{plural(len(found['seeds']), 'seed')}; {plural(found['pictures']['test'], 'test picture')}."
    )
    return Table("The table of ablations", caption, columns, tuple(rows), note)


def _row(row: dict[str, Any], reference: dict[str, Any], measure: str) -> Row:
    test = row["test"][measure]
    cells = (
        row["about"],
        changed(row),
        count(row["parameters"]),
        decimal(row["validation"][measure]["error_percent"]),
        decimal(test["error_percent"]),
        signed(test["difference_points"]),
        interval([test["low_points"], test["high_points"]]),
        "nothing: the reference's own settings" if is_reference(row, reference) else verdict(test),
        trainings(row, reference),
    )
    return Row(cells)


def is_reference(row: dict[str, Any], reference: dict[str, Any]) -> bool:
    """Whether a row's changes change nothing in this experiment."""
    return (row["sources"], row["weights"]) == (reference["sources"], reference["weights"])


def changed(row: dict[str, Any]) -> str:
    """A row's changes as text: "model.lrn false"; the weights where they are not the averaged ones."""
    said = [f"{name} {_value(value)}" for name, value in sorted(_flat(row["changes"]))]
    return ", ".join(said + ([WEIGHTS["last"]] if row["weights"] == "last" else []))


def _flat(changes: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found = []
    for key, value in changes.items():
        found += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(f"{prefix}{key}", value)]
    return found


def _value(value: Any) -> str:
    if isinstance(value, list):
        return " and ".join(map(str, value)) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def verdict(test: dict[str, Any]) -> str:
    """Worse or better where the whole interval lies on one side of zero, else neither."""
    if test["low_points"] > 0:
        return "worse"
    return "better" if test["high_points"] < 0 else "neither, as far as the interval carries"


def trainings(row: dict[str, Any], reference: dict[str, Any]) -> str:
    """Whose trainings these are: "m1, m2 and 1 of its own"; the reference's where they are; how many stalled."""
    if row["sources"] == reference.get("sources"):
        said = "the reference's"
    else:
        members = [
            name for stage, name in (s.split("/") for s in row["sources"]) if stage == "train_classifier"
        ]
        own = len(row["sources"]) - len(members)
        said = " and ".join([", ".join(members)] * bool(members) + [f"{own} of its own"] * bool(own))
    return f"{said}; {row['stalled']} stalled" if row["stalled"] else said


def carried(found: dict[str, Any]) -> tuple[str, ...]:
    """In sentences, which rows differ from the reference and which do not."""
    measure, by_verdict = measure_of(found), {}
    for row in (row for row in found["rows"] if not is_reference(row, found["reference"])):
        by_verdict.setdefault(verdict(row["test"][measure]).split(",")[0], []).append(_clause(row["about"]))
    words = {"worse": "Worse than the reference", "better": "Better than the reference"}
    said = [f"{text}: {'; '.join(by_verdict[key])}." for key, text in words.items() if key in by_verdict]
    if "neither" in by_verdict:
        said.append(f"No difference that the interval carries: {'; '.join(by_verdict['neither'])}.")
    return tuple(said)


def _clause(about: str) -> str:
    return about[:1].lower() + about[1:]


def method(found: dict[str, Any]) -> tuple[str, ...]:
    """What an interval takes as random, and what so few seeds and so many rows let it carry."""
    rows, level = len(found["rows"]), found["confidence_percent"] / 100
    seeds = len(found["seeds"])
    return (
        f"Every row is trained with the same {plural(seeds, 'seed')} as the reference, and both are tested on the same pictures; the "
        "differences are paired by both. The interval takes seeds and pictures as drawn at random, crossed, and is that of the mean "
        "difference for other seeds and other pictures of the same kind: Student's t on the variance components of the seeds by "
        "pictures table. Nothing is resampled. All trainings begin with the same initial weights, so another start is not covered.",
        f"With {plural(seeds, 'seed')} the part that comes from seeds has {plural(seeds - 1, 'degree')} of freedom: where seeds "
        "matter the interval is wide, and where it holds zero this table does not show that there is no effect.",
        f"Each interval is of its own row. If no row had any effect, {plural(rows, 'row')} would still show at least one difference "
        f"in about {decimal(100 * (1 - level**rows), 0)} % of such tables, were the rows independent: read a single row just off "
        "zero as a hint.",
    )
