"""A model card (Mitchell et al. 2019) of an experiment's classifiers, from settings, manifest and metrics alone."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from googlenet.config.schema.classification import TrainClassifier
from googlenet.metrics.classification import EnsembleMetrics
from googlenet.metrics.imports import ImportMetrics
from googlenet.metrics.results import Results
from googlenet.metrics.runs import RunRecord
from googlenet.metrics.training import TrainingMetrics
from googlenet.report import crop_tables, data_tables, glance, headlines, run_tables, tables
from googlenet.report.parts import Content, Part, Report, Row, Section, Table, numbers, texts
from googlenet.report.words import NONE, count

OF_THE_ROW = "member."  # prefix of settings that the table of members shows


def build(
    experiment: str,
    results: Results,
    runs: Sequence[RunRecord],
    settings: Mapping[str, TrainClassifier],
    purpose: str = "",
) -> Report:
    """Build the card. settings: of each training, by member."""
    manifest = results.manifest("classification")
    known = () if manifest is None else (manifest,)
    made = (
        _models(results, settings),
        Section("Data", (), tuple(table for each in known for table in data_tables.tables(each))),
        _evaluation(results),
        Section("Software", tuple(run_tables.mixed_versions(runs)), (run_tables.versions(runs), commits(runs))),
    )
    about, warning = glance.about(known, purpose), glance.warning(known)
    parts = (Part("", tuple(section for section in made if section is not None)),)
    return Report("Model card of the classifiers", experiment, about, warning, parts)


def _models(results: Results, settings: Mapping[str, TrainClassifier]) -> Section | None:
    """The members, imported weights, and training settings."""
    ensemble, trained = results.one(EnsembleMetrics), results.several(TrainingMetrics)
    if ensemble is None:
        return None
    content: list[Content] = [run_tables.members(trained, ensemble)] if trained else []
    content += [training_settings(settings)] if settings else []
    if imported := results.several(ImportMetrics):
        content.append(run_tables.origins(imported))
    return Section("Models", (), tuple(content))


def _evaluation(results: Results) -> Section | None:
    """Errors on the test split: by system and by class, calibration, and confused classes."""
    ensemble = results.one(EnsembleMetrics)
    if ensemble is None:
        return None
    content: list[Content] = [tables.table_3(ensemble), run_tables.classes_by_error(ensemble)]
    if ensemble.single_images.confusion.pairs:
        content.append(run_tables.confused_pairs(ensemble.single_images.confusion))
    content.append(crop_tables.calibration(ensemble.calibration, ensemble.classes))
    lines = tuple(f"{line.what}: {line.here}; {line.remark}." for line in headlines.errors(ensemble))
    return Section("Evaluation", lines, tuple(content))


def training_settings(settings: Mapping[str, TrainClassifier]) -> Table:
    """Every training setting outside the members' rows, with its values."""
    by_member = {name: dict(_flat(one.model_dump(mode="json"))) for name, one in settings.items()}
    keys = sorted({key for values in by_member.values() for key in values if not key.startswith(OF_THE_ROW)})
    rows = []
    for key in keys:
        members: dict[str, list[str]] = {}
        for name, values in by_member.items():
            members.setdefault(values.get(key, NONE), []).append(name)
        several = "; ".join(f"{value} ({', '.join(names)})" for value, names in members.items())
        rows.append(Row((key, several if len(members) > 1 else next(iter(members)))))
    caption = (
        "As resolved from conf/ for the members that were trained here. Each key is described in docs/configuration.md."
    )
    return Table("Settings of the trainings", caption, texts("Setting", "Value"), tuple(rows))


def _flat(values: Mapping[str, object], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield every setting by its full key, as text."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        elif isinstance(value, list | tuple):
            yield above + key, ", ".join(map(str, value)) or "none"
        else:
            yield above + key, str(value).lower() if isinstance(value, bool) else str(value)


def commits(runs: Sequence[RunRecord]) -> Table:
    """The commits of the code that ran, with the number of jobs at each."""
    jobs = Counter(run.commit or NONE for run in runs)
    rows = tuple(Row((commit, count(number))) for commit, number in sorted(jobs.items()))
    columns = (*texts("Commit"), *numbers("Jobs"))
    return Table("Commits", "A commit that ends in +dirty had uncommitted edits.", columns, rows)
