"""What a run's display says, in lines and drawn, of a timeline made by hand; and what it reads from the jobs' event logs."""

import io
import json
import os
import sys
import tempfile
import time
from types import SimpleNamespace

import pytest
from rich.console import Console

from googlenet.errors import UserError
from googlenet.planning.remaining import Left, Planned, Work, remaining
from googlenet.progress import words
from googlenet.progress.begin import dry_run_of
from googlenet.progress.display import Display
from googlenet.progress.jobs import JobLog
from googlenet.progress.live import ROWS, Picture
from googlenet.progress.timeline import FILES_KEPT, Timeline, read
from googlenet.tracking import job_run
from googlenet.tracking.event_log import EventLog
from waiting import until

BEGUN = 1_790_000_000.0
TRAIN = [Planned(f"train_classifier/m{i}", priority=2) for i in (1, 2, 3)]
PREDICT = [Planned(f"predict_crops/m{i}", (f"train_classifier/m{i}",)) for i in (1, 2, 3)]


@pytest.fixture
def timeline():
    """m1 was trained in 60 s; m2 has been for 30 s, and is in its third epoch; m3 failed."""
    made = Timeline()
    made.plan(BEGUN, [*TRAIN, *PREDICT], cores=2, gpus=None)
    made.add("expect", BEGUN, seconds={job.name: 60.0 if job in TRAIN else 10.0 for job in [*TRAIN, *PREDICT]})
    for job in TRAIN:
        made.add("start", BEGUN + (60 if job.name.endswith("m2") else 0), job=job.name)
    made.add("end", BEGUN + 60, job="train_classifier/m1", failed=False)
    made.add("end", BEGUN + 70, job="train_classifier/m3", failed=True)
    work = {"what": "steps", "done": 500, "total": 1000, "each_s": 0.06, "epoch": 2, "epochs": 4}
    made.add("work", BEGUN + 90, job="train_classifier/m2", **work)
    return made


def test_the_status_is_one_line(timeline):
    run, now = timeline.run, BEGUN + 90
    line = words.status(run, remaining(run, now), now)
    end = words.until(40, now)
    running = "train_classifier/m2 (epoch 3 of 4, 17 steps a second, 30 s left)"
    assert line == f"1 of 6 jobs done, 1 failed, 40 s left, {end}; {running}"


@pytest.mark.parametrize("width", [70, 120])
def test_the_terminal_shows_the_same(timeline, width):
    run, now, console = timeline.run, BEGUN + 90, Console(width=width, file=io.StringIO(), record=True)
    console.print(Picture("demo", run, remaining(run, now), timeline.begun, now))
    lines = console.export_text().splitlines()
    assert lines[0].startswith("demo  1 of 6 jobs done, 1 failed ") and "1 min 30 s so far, 40 s left" in lines[0]
    assert lines[2].split("  ")[0] == "train_classifier/m2" and "epoch 3 of 4, 17 steps a second" in lines[2]
    assert lines[2].rstrip().endswith("30 s left") and ("━" in lines[2]) == (width > 90)
    assert lines[3].rstrip() == "to come: 2 predict_crops"  # m3's cannot run
    assert all(len(line) <= width for line in lines)


def test_many_running_jobs_do_not_fill_the_terminal():
    made = Timeline()
    made.plan(BEGUN, [Planned(f"propose_regions/p{i}") for i in range(64)], cores=64, gpus=None)
    for name in made.run.planned:
        made.add("start", BEGUN, job=name)
    console = Console(width=100, file=io.StringIO(), record=True)
    console.print(Picture("ilsvrc2014", made.run, remaining(made.run, BEGUN + 1), BEGUN, BEGUN + 1))
    text = console.export_text()
    assert f"and {64 - ROWS} more jobs run" in text and words.UNKNOWN in text and len(text.splitlines()) == ROWS + 3


def test_times_have_the_digits_that_count():
    assert [words.left(each) for each in (None, 7.4, 33, 93, 444, 4000, 1e6)] == [
        words.UNKNOWN, "7 s left", "35 s left", "1 min 35 s left", "7 min 20 s left", "1 h 07 min left", "12 days left"
    ]  # fmt: skip
    assert words.until(3600.0, BEGUN).startswith("until ") and len(words.until(3e5, BEGUN).split()) == 5


def test_a_failure_shows_the_end_of_its_log_and_no_control_characters(tmp_path):
    (tmp_path / "m1.log").write_text("".join(f"line {i}\n" for i in range(40)) + "\x1b[2Jerror: no good\n")
    first, *rest = words.last_lines(["m1.log"], tmp_path)
    assert first == "its log, m1.log, ends with:"
    assert len(rest) == words.SHOWN_LINES and rest[-1] == "\\x1b[2Jerror: no good" and rest[0] == "line 29"
    assert words.last_lines(["m2.log"], tmp_path) == ["its log, m2.log, is empty or missing:"]


def test_a_run_is_summed_up(timeline):
    assert words.end(timeline.run, BEGUN, BEGUN + 90, "") == (
        "1 of 6 jobs done, 1 failed (train_classifier/m3), 4 did not end, after 1 min 30 s"
    )
    for name in timeline.run.planned:
        timeline.add("start", BEGUN, job=name)
        timeline.add("end", BEGUN + 9, job=name, failed=False)
    assert words.end(timeline.run, BEGUN, BEGUN + 847, "") == "6 jobs done in 14 min 07 s"
    assert words.end(timeline.run, BEGUN, BEGUN + 50, "predict_crops") == "predict_crops: 3 jobs done in 50 s"


def test_a_file_gives_the_same_run_again(tmp_path, timeline):
    path = tmp_path / "progress" / "run.jsonl"
    kept = Timeline.opened(path)
    kept.plan(BEGUN, TRAIN, cores=2, gpus=1, stage="train_classifier")
    kept.add("later", BEGUN, stages={"train_classifier": ["train_classifier/m1"], "make_report": ["make_report"]})
    kept.add("start", BEGUN + 1, job="train_classifier/m1")
    kept.add("work", BEGUN + 2, job="train_classifier/m1", what="steps", done=1, total=9, each_s=1.0)
    assert kept.run.later == {"make_report": ["make_report"]}
    with open(path, "a") as file:
        file.write('{"do": "end", "job": "train_cl')  # cut short by a kill
    again = Timeline(read(path))
    assert again.run == kept.run and again.begun == BEGUN
    again = Timeline.opened(path)
    again.plan(BEGUN + 30, [Planned("make_report")], cores=2, gpus=1, stage="make_report")
    assert again.run.later == {} and list(again.run.planned)[-1] == "make_report"
    assert Timeline(read(path)).run == again.run


def test_only_the_last_files_are_kept(tmp_path):
    for number in range(FILES_KEPT + 3):
        Timeline.opened(tmp_path / f"{number}.jsonl").plan(BEGUN, TRAIN, cores=1, gpus=None)
    assert len(list(tmp_path.glob("*.jsonl"))) <= FILES_KEPT and (tmp_path / f"{FILES_KEPT + 2}.jsonl").is_file()


def test_a_running_job_is_as_far_as_its_event_log(tmp_path):
    name, parameters = "train_classifier/m1", {"epochs": 4}
    with job_run(tmp_path, "demo", *name.split("/"), parameters, {}, {}) as run:
        (path,) = tmp_path.glob(".googlenet/tracking/demo/train_classifier/m1/*.jsonl")
        log = JobLog(tmp_path, "demo", name, json.loads(path.read_text().splitlines()[0])["time"] / 1000)
        run.metrics({"train_loss": 1.0}, 1)
        run.progress("steps", 30, 100, 0.5)
        for _ in range(4):
            run.sample({"system/cpu_utilization_percentage": 50.0})
        run.progress("images", 3, 8, 0.1)  # of the validation after an epoch
        assert log.look() and not log.look()
        assert log.work == Work(log.work.at, "steps", 30, 100, 0.5, epoch=1, epochs=4)
        run.progress("steps", 100, 100, 0.5)
        run.progress("images", 3, 8, 0.1)
        assert log.look() and (log.work.what, log.work.done) == ("images", 3)
    assert JobLog(tmp_path, "demo", "predict_crops/m1", BEGUN).look() is False


def test_a_log_of_an_earlier_run_is_not_the_jobs(tmp_path):
    """Even if the mirror writes to it after the job has started: the end of a run that was killed."""
    parts = ("demo", "train_classifier", "m1")
    with pytest.raises(OSError), job_run(tmp_path, *parts, {"epochs": 50}, {"stamp": "before"}, {}) as run:
        run.metrics({"train_loss": 1.0}, 30)
        raise OSError
    (path,) = tmp_path.glob(".googlenet/tracking/demo/train_classifier/m1/*.jsonl")
    earlier = EventLog(path)
    log = JobLog(tmp_path, "demo", "train_classifier/m1", earlier.events[-1]["time"] / 1000 + 0.001)
    earlier.append("end", status="KILLED")
    assert not log.look() and log.work is None
    with job_run(tmp_path, *parts, {"epochs": 8}, {"stamp": "now"}, {}) as run:
        run.metrics({"train_loss": 1.0}, 1)
        assert log.look() and (log.work.epoch, log.work.epochs) == (1, 8)


def test_the_log_of_a_resumed_run_is_the_jobs(tmp_path):
    parts = ("demo", "train_classifier", "m1", {"epochs": 50}, {"stamp": "same"}, {})
    with pytest.raises(OSError), job_run(tmp_path, *parts) as run:
        run.metrics({"train_loss": 1.0}, 30)
        raise OSError
    time.sleep(0.01)  # events have whole milliseconds
    log = JobLog(tmp_path, "demo", "train_classifier/m1", time.time())
    assert not log.look()
    time.sleep(0.01)
    with job_run(tmp_path, *parts):
        assert log.look() and (log.work.epoch, log.work.epochs) == (30, 50)


def test_a_dry_run_ends_with_the_display_and_leaves_nothing(tmp_path, monkeypatch):
    """Of what DVC's next stages will run: it would go on beside them."""
    program, folders, started = tmp_path / "python", tmp_path / "folders", tmp_path / "started"
    program.write_text(f'#!/bin/sh\necho $$ > "{started}.part"; mv "{started}.part" "{started}"; exec sleep 60\n')
    program.chmod(0o755)
    folders.mkdir()
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(tempfile, "tempdir", str(folders))
    monkeypatch.setattr("googlenet.progress.display.expected", lambda experiment: {})
    stream = io.StringIO()
    display = Display(Timeline(), SimpleNamespace(root=tmp_path, name="demo"), stream, live=False, stage="make_report")
    display.begin((["all"], []))
    until(started.is_file)
    assert len(list(folders.iterdir())) == 1
    display.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)
    assert list(folders.iterdir()) == [] and "not known" not in stream.getvalue()


def test_nothing_is_claimed_while_nothing_is_known():
    made = Timeline()
    made.plan(BEGUN, TRAIN, cores=2, gpus=None)
    assert remaining(made.run, BEGUN) == Left(None, {})
    assert words.head(made.run, remaining(made.run, BEGUN), BEGUN) == f"0 of 3 jobs done, {words.UNKNOWN}"


@pytest.mark.parametrize(
    ("command", "asked"),
    [
        ("repro", (["all"], [])),
        ("repro --force", (["all"], ["--forceall"])),
        ("repro train_baseline dvc.yaml:make_report", (["stage_train_baseline", "stage_make_report"], [])),
        ("repro --downstream train_baseline", (["all"], [])),
        ("repro --pipeline train_baseline", (["all"], [])),
        ("repro -s train_baseline", None),
        ("repro -sf train_baseline", None),
        ("repro --single train_baseline", None),
        ("exp run --set-param params.yaml:experiment=demo", (["all"], [])),
    ],
)
def test_dvcs_stages_to_come_are_those_of_its_command(command, asked):
    assert dry_run_of(command.split(), "train_classifier") == asked


@pytest.mark.parametrize(
    ("target", "stage"),
    [("ablations", "prepare_classification"), ("exports", "measure_export"), ("structures", "derive_structure")],
)
def test_what_is_apart_is_a_target_of_its_own(target, stage):
    assert dry_run_of(["repro", f"workflow/{target}/dvc.yaml"], stage) == ([target], [])


class Broken:
    """A job's event log on a disk that fails."""

    def look(self):
        raise UserError("m1.jsonl: cannot be read (Input/output error); make it readable")


def test_the_display_goes_on_without_what_cannot_be_read(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    timeline, stream = Timeline.opened(tmp_path / "file" / "1.jsonl"), io.StringIO()  # a folder that cannot be made
    timeline.plan(BEGUN, TRAIN, cores=2, gpus=None)

    def damaged(experiment):
        raise UserError("run.json: no JSON; delete it")

    monkeypatch.setattr("googlenet.progress.display.expected", damaged)
    shown = Display(timeline, SimpleNamespace(root=tmp_path, name="demo"), stream, live=False)
    shown.started(TRAIN[0], BEGUN)
    shown._logs[TRAIN[0].name] = Broken()
    shown.begin()
    until(lambda: "is not shown" in stream.getvalue() and "is not known" in stream.getvalue())
    assert shown._threads[0].is_alive()
    shown.finished(TRAIN[0], BEGUN + 60)
    shown.close()
    text = stream.getvalue()
    assert "the progress of train_classifier/m1 is not shown: m1.jsonl: cannot be read (Input/output error)" in text
    assert "the time left is not known: run.json: no JSON; delete it" in text and "train_classifier/m1 done" in text
