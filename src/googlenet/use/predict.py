"""The command `googlenet predict`: classes of the user's images."""

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from googlenet.report.words import plural
from googlenet.storage.files import write_bytes
from googlenet.use import explain
from googlenet.use.classify import ClassifierEnsemble
from googlenet.use.images import Images, named
from googlenet.use.members import Answer
from googlenet.use.results import Asked, Results, fallbacks, in_use
from googlenet.use.show import Csv, JsonList, Terminal, check_outputs, opened, rate, unique

COLUMNS = ("file", "rank", "class", "probability", "members_agree", "crops_agree")


@dataclass(frozen=True)
class Prediction:
    """What to predict, and where to write it. files: arguments of the command line; json, csv: a file, - or ""."""

    files: tuple[str, ...]
    asked: Asked = field(default_factory=Asked)
    crops: int = 10
    member: str = ""
    top: int = 5
    json: str = ""
    csv: str = ""
    explain: Path | None = None


def perform(request: Prediction, root: Path) -> int:
    """Classify every file, and show each result as soon as it is done. Returns 1 if any file was unreadable, else 0."""
    terminal = Terminal(check_outputs(request.json, request.csv))
    paths = named(request.files)
    ensemble = ClassifierEnsemble(Results.of(root, request.asked.experiment), request.asked, request.member)
    if request.explain:
        explain.explainable(ensemble.members)
    images = Images(paths, ensemble.opener)
    ready = ensemble.ready(images, request.crops)
    for line in fallbacks(ready.uses):
        terminal.say(line)
    start, drawn = time.monotonic(), set[str]()
    with ExitStack() as files:
        rows = files.enter_context(JsonList(files.enter_context(opened(request.json))))
        table = Csv(files.enter_context(opened(request.csv)), COLUMNS)
        for number, answer in enumerate(ready.answers(images)):
            if fault := images.faults.get(number):
                terminal.say(f"error: {fault}")
                continue
            top, (members, crops) = answer.top(request.top), answer.agreement
            terminal.bars(paths[number], top, in_words(answer))
            rows.add({"file": paths[number], **answer.to_json(request.top)})
            for place, row in enumerate(top, start=1):
                table.add(paths[number], place, *row, members, crops)
            if request.explain:
                image, device = images[number], ensemble.device
                heat = explain.evidence(ensemble.members, answer.first, image, ready.cropping, device)
                path = unique(request.explain, paths[number], drawn)
                write_bytes(path, explain.drawing(image, heat, answer, Path(paths[number]).name))
    done = len(paths) - len(images.faults)
    how = f"{plural(len(ensemble.members), 'member')} on {plural(request.crops, 'crop')}"
    terminal.say(f"{rate('image', done, time.monotonic() - start)}; {how}, {in_use(ready.uses)}")
    return int(bool(images.faults))


def in_words(answer: Answer) -> str:
    """How many crops and members agree with the likeliest class, as text."""
    members, (of_members, of_crops) = len(answer.crops), answer.agreement
    crops = f"{of_crops:.0%} of {members * answer.crops.shape[1]:,} crops" if answer.crops.shape[1] > 1 else ""
    who = f"{round(of_members * members)} of {members} members" if members > 1 else ""
    return f"agree: {', '.join(filter(None, (who, crops)))}" if who or crops else ""
