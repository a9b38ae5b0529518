"""What Snakemake's logger plugin shows, fed by Snakemake's own logger: nothing that counts may get lost."""

import re
import time
from logging import INFO, makeLogRecord

import pytest
from snakemake.logging import LoggerManager, logger
from snakemake.settings.enums import Quietness
from snakemake.settings.types import OutputSettings
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

from googlenet.planning.remaining import Planned
from googlenet.progress.display import Display
from googlenet.progress.timeline import Timeline
from googlenet.tracking import job_name

HEADER = dict.fromkeys(
    [
        "datetime",
        "workflow_id",
        "platform",
        "host",
        "user",
        "snakemake_version",
        "python_version",
        "cmd",
        "snakefile_main",
        "basedir",
        "rundir",
        "cwd",
        "configfiles",
        "config_md5",
    ],
    "-",
)
JOBS = {7: Planned("train_classifier/m1", log="m1.log"), 8: Planned("make_report")}


class Folder:
    """Of an experiment, what a display needs before it looks after jobs."""

    def __init__(self, root):
        self.root, self.name = root, "demo"


@pytest.fixture
def managed():
    """Call it with options: Snakemake's logging with the plugin; it ends with the test."""
    made = []

    def make(show="auto", **options):
        settings = LoggerPluginRegistry().get_plugin("googlenet").settings_cls(show=show)
        made.append(LoggerManager(logger, OutputSettings(log_handler_settings={"googlenet": settings}, **options)))
        return made[-1]

    yield make
    for manager in made:
        manager.stop()


def begin():
    """What Snakemake logs before any run."""
    logger.info("Using workflow specific profile workflow/profiles/default for setting default command line arguments.")
    logger.info("Building DAG of jobs...")
    logger.info("Workflow has started!", extra={"event": LogEvent.WORKFLOW_STARTED, **HEADER})


def job_info(number):
    """What it logs when a job starts."""
    name, _, _ = JOBS[number].name.partition("/")
    values = dict.fromkeys(("rule_msg", "benchmark", "is_checkpoint"))
    values |= {"input": [], "output": [], "log": [], "wildcards": {}, "jobid": number, "rule_name": name}
    values |= {"local": True, "reason": "-", "priority": 0, "threads": 1}
    logger.info("rule", extra={"event": LogEvent.JOB_INFO, "resources": {}, "indent": False, **values})


def finished(number):
    logger.info("Finished jobid", extra={"event": LogEvent.JOB_FINISHED, "job_id": number})


def shown(manager, capsys):
    """All that was printed, once everything was handled."""
    manager.stop()
    return capsys.readouterr().err


def with_display(manager, tmp_path):
    """Begin a display of JOBS, without looking after them."""
    timeline = Timeline()
    timeline.plan(time.time(), JOBS.values(), cores=2, gpus=None)
    (handler,) = manager.get_log_handlers()
    handler.show(Display(timeline, Folder(tmp_path), handler.stream, handler.is_live), JOBS)


def test_what_runs_no_workflow_is_as_without_the_plugin(managed, capsys):
    manager = managed()
    logger.info("Building DAG of jobs...")
    logger.info("Unlocked working directory.")
    assert shown(manager, capsys) == "Building DAG of jobs...\nUnlocked working directory.\n"


def test_nothing_to_do_is_one_line(managed, capsys):
    manager = managed()
    begin()
    logger.info("Nothing to be done (all requested files are present and up to date).")
    assert shown(manager, capsys) == "Nothing to be done (all requested files are present and up to date).\n"


def test_an_error_before_the_jobs_is_shown(managed, capsys):
    manager = managed()
    begin()
    logger.error("MissingInputException in rule all", extra={"event": LogEvent.ERROR, "exception": "MissingInput"})
    assert shown(manager, capsys) == "MissingInputException in rule all\n"


@pytest.mark.parametrize(
    ("show", "options"),
    [("snakemake", {}), ("auto", {"dryrun": True}), ("auto", {"printshellcmds": True}), ("auto", {"verbose": True})],
)
def test_snakemakes_own_output_where_it_is_asked_for(managed, capsys, show, options):
    manager = managed(show, **options)
    begin()
    job_info(7)
    assert {"SNAKEMAKE", "Building DAG of jobs...", "localrule train_classifier:"} <= {
        *shown(manager, capsys).split("\n")
    }


def test_quiet_is_snakemakes(managed, capsys):
    manager = managed(quiet={Quietness.ALL})
    begin()
    job_info(7)
    assert shown(manager, capsys) == ""


def test_jobs_that_the_display_was_not_told_of_are_shown_as_usual(managed, capsys):
    manager = managed()
    begin()
    job_info(7)
    assert "localrule train_classifier:" in shown(manager, capsys)


def test_a_run_is_lines_and_keeps_unusual_messages(managed, capsys, tmp_path):
    manager = managed()
    begin()
    logger.warning("a warning before the jobs")
    with_display(manager, tmp_path)
    logger.info("Provided cores: 2", extra={"event": LogEvent.RESOURCES_INFO})
    job_info(7)
    logger.info("Select jobs to execute...")
    finished(7)
    logger.warning("a rare warning")
    logger.info("Waiting at most 5 seconds for missing files")
    job_info(8)
    finished(8)
    logger.info("3 of 3", extra={"event": LogEvent.PROGRESS, "done": 3, "total": 3})
    logger.info("Complete log(s): x")
    lines = shown(manager, capsys).splitlines()
    ends = [re.sub(r"\d+ s\b", "0 s", line.split("  ", 1)[-1]) for line in lines]
    assert ends == [
        "a warning before the jobs", "train_classifier/m1 done in 0 s", "a rare warning", "Waiting at most 5 seconds for missing files",
        "make_report done in 0 s", "2 jobs done in 0 s"
    ]  # fmt: skip


@pytest.mark.parametrize("show", ["lines", "live"])
def test_a_failure_shows_the_end_of_the_log(managed, capsys, tmp_path, show):
    (tmp_path / "m1.log").write_text("epoch 1\nerror: images.tar: not found; correct the path\n")
    manager = managed(show)
    begin()
    with_display(manager, tmp_path)
    job_info(7)
    logger.error("Error in rule", extra={"event": LogEvent.JOB_ERROR, "jobid": 7, "log": ["m1.log"]})
    logger.error("Exiting because a job execution failed. Look above for error messages")
    logger.error("WorkflowError:\nAt least one job did not complete successfully.", extra={"event": LogEvent.ERROR})
    shown_lines = (line for line in shown(manager, capsys).splitlines() if "\x1b[?25" not in line)
    lines = [re.sub(r"\d+ s\b", "0 s", line.split("  ", 1)[-1]) for line in shown_lines]
    assert lines == [
        "train_classifier/m1 failed after 0 s; its log, m1.log, ends with:",
        "epoch 1",
        "error: images.tar: not found; correct the path",
        "0 of 2 jobs done, 1 failed (train_classifier/m1), 1 did not end, after 0 s",
        "WorkflowError:",
        "At least one job did not complete successfully.",
    ]


def test_records_that_come_late_do_not_show_the_chatter(managed, capsys, tmp_path):
    """Snakemake's logger passes records on in a thread of its own: a display may be there before the start of the workflow is."""
    manager = managed("lines")
    (handler,) = manager.get_log_handlers()
    handler.emit(makeLogRecord({"msg": "Using workflow specific profile x", "levelno": INFO}))
    with_display(manager, tmp_path)
    logger.info("Workflow has started!", extra={"event": LogEvent.WORKFLOW_STARTED, **HEADER})
    assert "Using workflow specific profile" not in shown(manager, capsys)


def test_names_of_jobs_are_those_of_tracking():
    assert JOBS[7].name == job_name("train_classifier", "m1") and JOBS[8].name == job_name("make_report", "all")
