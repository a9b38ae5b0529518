"""The display of a real Snakemake, over jobs that only sleep: in a pipe, in a terminal, with a failure, as DVC's stage."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from time_left import read

pytestmark = pytest.mark.engine
SRC = Path(__file__).parents[2] / "src"
VARIABLES: dict[str, str] = {}
SNAKEFILE = """
from pathlib import Path
from types import SimpleNamespace
from googlenet.progress import begin as progress

EXECUTION = SimpleNamespace(processes_per_training=1, nodes_per_training=1)
EXPERIMENT = SimpleNamespace(root=Path.cwd(), name="tiny", stages=[], of=lambda settings: EXECUTION)

rule all:
    input: expand("predict_crops/{member}", member=["m1", "m2"])

rule train_classifier:
    output: "train_classifier/{member}"
    log: "logs/{member}.log"
    priority: 2
    shell: "(echo epoch 1; sleep 1.2; ls {wildcards.member}.data) > {log} 2>&1 && touch {output}"

rule predict_crops:
    input: "train_classifier/{member}"
    output: "predict_crops/{member}"
    shell: "sleep 0.1; touch {output}"

onstart:
    progress.begin(workflow, EXPERIMENT, "")
"""


@pytest.fixture
def project(tmp_path):
    """A folder with the workflow and the data of both members."""
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    for member in ("m1", "m2"):
        (tmp_path / f"{member}.data").touch()
    return tmp_path


def words_of(*options):
    return [sys.executable, "-m", "snakemake", "--cores", "2", "--keep-going", "--logger", "googlenet", *options]


def environment():
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SNAKEMAKE_", "DVC_"))}
    return kept | {"PYTHONPATH": str(SRC)} | VARIABLES


def run(project, *options):
    done = subprocess.run(
        words_of(*options), cwd=project, env=environment(), capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, [line.split("  ", 1)[-1] for line in done.stderr.splitlines()]


def test_lines_and_a_file_of_what_happened(project):
    code, printed, lines = run(project)
    assert (code, printed) == (0, "")
    lines = [line for line in lines if not re.match(r"\d+ of 4 jobs done, ", line)]  # on a busy machine
    jobs = sorted(re.sub(r"\d+ s$", "N s", line) for line in lines[:-1])
    done = [
        f"{stage}/{member} done in N s" for stage in ("predict_crops", "train_classifier") for member in ("m1", "m2")
    ]
    assert jobs == done and re.fullmatch(r"4 jobs done in \d+ s", lines[-1])
    (path,) = project.glob(".googlenet/progress/*.jsonl")
    events = read(path)
    assert events[0]["do"] == "plan" and any(event["do"] == "expect" for event in events)
    first = events[0]["jobs"][0]
    assert first == {"name": "train_classifier/m1", "priority": 2, "log": "logs/m1.log"} and events[0]["cores"] == 2
    assert sum(event["do"] == "end" for event in events) == 4
    assert run(project) == (0, "", ["Nothing to be done (all requested files are present and up to date)."])


def test_a_failure_shows_its_log_and_the_rest_goes_on(project):
    (project / "m2.data").unlink()
    code, _, lines = run(project)
    at = next(number for number, line in enumerate(lines) if line.startswith("train_classifier/m2 failed after "))
    assert lines[at].endswith("; its log, logs/m2.log, ends with:") and lines[at + 1] == "epoch 1"
    assert "No such file" in lines[at + 2] and code == 1
    assert any(line.startswith("predict_crops/m1 done in ") for line in lines)
    ends = "2 of 4 jobs done, 1 failed (train_classifier/m2), 1 did not end, after "
    assert [
        line for line in lines if line.startswith(ends)
    ] and "At least one job did not complete successfully." in lines


def test_a_terminal_is_drawn_in_and_left_as_it_was(project):
    ours, theirs = pty.openpty()
    variables = environment() | {"TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    process = subprocess.Popen(words_of(), cwd=project, env=variables, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while chunk := read_terminal(ours):
        shown += chunk
    drawn, _, rest = shown.decode().partition("\x1b[?25h")  # the cursor is shown again
    assert process.wait(60) == 0 and drawn.count("\x1b[?25l") == 1
    assert "tiny" in drawn and "0 of 4 jobs done" in drawn and "train_classifier/m1" in drawn and "left" in drawn
    assert re.search(r"\d\d:\d\d:\d\d  4 jobs done in \d+ s", rest) and "\x1b[?25l" not in rest


def read_terminal(terminal):
    """What was written to a terminal; nothing once its other side is closed."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def test_snakemakes_own_output_is_one_flag_or_variable_away(project, monkeypatch):
    own = {"localrule train_classifier:", "Building DAG of jobs..."}
    _, _, lines = run(project, "--logger-googlenet-show", "snakemake")
    assert own | {"5 of 5 steps (100%) done"} <= {*lines}
    monkeypatch.setattr(f"{__name__}.VARIABLES", {"SNAKEMAKE_LOGGER_GOOGLENET_SHOW": "snakemake"})
    assert own <= {*run(project, "--forceall")[2]}
    monkeypatch.setattr(f"{__name__}.VARIABLES", {})
    code, printed, lines = run(project, "--forceall", "--dry-run")
    assert (code, lines) == (0, []) and "rule train_classifier:" in printed and "This was a dry-run" in printed
