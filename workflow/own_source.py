"""Check that the package googlenet in use is this clone's. The Snakefile and the scripts here import it before the package.

An environment that was copied with a clone, or belongs to another one, runs that clone's code, so edits here would have
no effect. DVC experiments in a temporary folder have no environment: their code is put first on the path.

Jobs, and the commands that the scripts here run, come from this environment, even if it is not activated (an IDE, cron).
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from shutil import which

ROOT = Path(__file__).resolve().parents[1]
OWN = ROOT / "src"
TEMPORARY = ".dvc/tmp/exps/" in ROOT.as_posix()  # `dvc exp run --temp`, or --queue

if TEMPORARY:
    others = filter(None, [os.environ.get("PYTHONPATH")])
    os.environ["PYTHONPATH"] = os.pathsep.join([str(OWN), *others])  # for the jobs
    sys.path.insert(0, str(OWN))

programs = Path(sys.executable).parent
if which("python") != str(programs / "python"):
    os.environ["PATH"] = os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)])

spec = find_spec("googlenet")
if not spec or not spec.origin or Path(spec.origin).resolve().parents[1] != OWN:
    found = f"is {Path(spec.origin).parent}" if spec and spec.origin else "is not installed"
    sys.exit(
        f"error: the package googlenet in use {found}, not this clone's src/googlenet: its environment is another clone's;"
        " run `rm -rf .venv; make env` and `. .venv/bin/activate` here, or `export PYTHONPATH=$PWD/src`"
    )
