"""The command `googlenet`: its subcommands, its errors in one line, and the former spellings."""

import os
import subprocess
import sys

import pytest

from conf_copy import ROOT, copied
from googlenet.cli import mirror
from googlenet.cli.main import COMMANDS, main


def python(*words, folder=ROOT):
    """Run this Python on the package's sources in a folder."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_every_subcommand_is_a_module_and_has_its_help(capsys):
    files = {path.stem for path in (ROOT / "src/googlenet/cli").glob("*.py")}
    assert files - {"__init__", "main"} == set(COMMANDS)
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for name, summary in COMMANDS.items():
        assert f"\n  {name.ljust(8)}  {summary}\n" in text
        assert main([name, "--help"]) == 0
        assert capsys.readouterr().out.startswith(f"Usage: googlenet {name} ")


def test_help_imports_no_subcommand():
    code = "import sys; from googlenet.cli.main import main; main(['--help'])\n"
    code += f"print([name for name in sys.modules if name in {['torch', 'numpy', 'pydantic', 'mlflow']}])"
    done = python("-c", code)
    assert done.stdout.splitlines()[-1] == "[]" and not done.stderr


def test_no_subcommand_imports_torch_before_it_runs():
    code = "import sys, click; from googlenet.cli.main import COMMANDS, googlenet as group\n"
    code += "for name in COMMANDS: group.get_command(click.Context(group), name)\n"
    code += f"print([name for name in sys.modules if name in {['torch', 'cv2', 'mlflow', 'sklearn', 'matplotlib']}])"
    assert python("-c", code).stdout == "[]\n"


def test_without_a_subcommand_it_shows_the_help(capsys):
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("Usage: googlenet [OPTIONS] COMMAND")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("plam", "no command 'plam'; did you mean 'plan'? (see `googlenet --help`)"),
        ("x", f"no command 'x'; known: {', '.join(sorted(COMMANDS))} (see `googlenet --help`)"),
        ("data verfy x", "No such command 'verfy'. Did you mean 'verify'? (see `googlenet data --help`)"),
        ("plan --machin x", "No such option '--machin'. Did you mean '--machine'? (see `googlenet plan --help`)"),
        ("plan --cores 0", "Invalid value for '--cores': 0 is not in the range x>=1. (see `googlenet plan --help`)"),
        (
            "serve --max-mb nan",
            "Invalid value for '--max-mb': nan is not a finite number. (see `googlenet serve --help`)",
        ),
        ("score", "Missing argument 'DETECTIONS'. (see `googlenet score --help`)"),
        ("score d.txt", "Missing option '--annotations'. (see `googlenet score --help`)"),
    ],
)
def test_a_wrong_command_line_is_one_line(capsys, words, line):
    assert main(words.split()) == 2
    assert capsys.readouterr().err == f"error: {line}\n"


def test_settings_are_written_and_checked(tmp_path, monkeypatch, capsys):
    root = copied(tmp_path)
    (root / "docs").mkdir()
    monkeypatch.chdir(root)
    stale = "error: docs/configuration.md: stale; run `make docs/configuration.md` and commit it\n"
    assert main(["settings", "check"]) == 1 and capsys.readouterr().err == stale
    assert main(["settings", "write"]) == main(["settings", "check"]) == 0
    assert (root / "docs/configuration.md").read_text() == (ROOT / "docs/configuration.md").read_text()


def test_mirror_ends_with_1_if_something_is_still_pending(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf").mkdir()
    asked = []
    for complete in (True, False):
        monkeypatch.setattr(
            mirror, "deliver", lambda *given, result=complete, **more: asked.append((given, more)) or result
        )
        assert main(["mirror", *(["demo"] if complete else [])]) == (not complete)
    assert asked == [((tmp_path, name), {"thoroughly": True}) for name in ("demo", "")]


def test_mirror_outside_a_project_is_an_error(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["mirror"]) == 1
    assert capsys.readouterr().err == f"error: {tmp_path}: no project here; run it in the project's folder\n"


@pytest.mark.long
@pytest.mark.parametrize(
    ("former", "present", "last"),
    [
        (
            "plan --machine cray",
            "plan",
            "error: --machine: no machine 'cray' in machines/; known: epyc-2core, h200-16core",
        ),
        ("prepared_data verify absent", "data", "error: absent/manifest.json: not found; run the stage that writes it"),
        (
            "evaluate_detections absent",
            "score",
            "error: Missing option '--annotations'. (see `googlenet score --help`)",
        ),
        ("pipeline.settings_reference wrote", "settings", "error: 'wrote': write or check"),
    ],
)
def test_former_spellings_run_and_name_the_present_one(former, present, last):
    module, *words = former.split()
    done = python("-m", f"googlenet.{module}", *words)
    note = f"note: `python -m googlenet.{module}` is now `googlenet {present}`"
    assert done.stderr.splitlines() == [note, last] and done.returncode and not done.stdout


@pytest.mark.long
def test_a_former_spelling_ends_as_the_command_does():
    assert python("-m", "googlenet.pipeline.settings_reference", "check").returncode == 0
    help_text = [python("-m", *words.split(), "--help").stdout for words in ("googlenet.plan", "googlenet plan")]
    assert help_text[0] == help_text[1] != ""
