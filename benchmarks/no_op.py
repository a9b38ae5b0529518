"""What each engine takes to find that there is nothing to do, beside the same command in a project of one job.

    python benchmarks/no_op.py                     # in a clone whose last run is complete and recorded: a minute
    python benchmarks/no_op.py --folder ../other --rounds 9

`snakemake -n` and `dvc repro`, in turn, each beside itself in a project of one trivial job: what is left there is the
engine's own imports and start. JSON keys, of the medians: "snakemake_s", "dvc_s", "bare_snakemake_s", "bare_dvc_s"; and
of the pairs "snakemake_over_bare" and "dvc_over_bare".
"""

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import common

SNAKEFILE = 'rule one:\n    output: "one.txt"\n    shell: "touch {output}"\n'
DVC_FILE = "stages:\n  two: {cmd: touch two.txt, outs: [two.txt]}\n"
NOTHING = {"snakemake": "Nothing to be done", "dvc": "Data and pipelines are up to date"}
DRY = {"snakemake": ["-n"], "dvc": ["repro"]}


def run(folder: Path, program: str, *words: str) -> str:
    """Return the output of a command of this environment."""
    command = [str(Path(sys.executable).with_name(program)), *words]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        sys.exit(f"{folder}: {program} {' '.join(words)}: {done.stdout}")
    return done.stdout


def find_nothing(folder: Path, program: str) -> None:
    """Run the engine; exit with an error if it has something to do."""
    printed = run(folder, program, *DRY[program])
    if NOTHING[program] not in printed:
        sys.exit(f"{folder}: {program} has something to do; complete the run there first\n{printed[-800:]}")


def trivial(folder: Path) -> None:
    """Make a project with one finished job for each engine."""
    (folder / "Snakefile").write_text(SNAKEFILE)
    (folder / "dvc.yaml").write_text(DVC_FILE)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    run(folder, "dvc", "init")
    run(folder, "snakemake", "--cores", "1")
    run(folder, "dvc", "repro")


def main() -> None:
    """Print the medians and the ratios."""
    parser = common.parser(__doc__)
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    os.environ.pop("DVC_STAGE", None)
    with tempfile.TemporaryDirectory() as name:
        trivial(Path(name))
        places = {"": options.folder.resolve(), "bare ": Path(name)}
        pairs = {
            f"{kind}{program}": partial(find_nothing, place, program)
            for program in NOTHING
            for kind, place in places.items()
        }
        times = common.turns(pairs, options.rounds)
    seconds = common.medians(times)
    over = {program: 1 / common.ratio(times[program], times[f"bare {program}"]) for program in NOTHING}
    rows = [
        (
            f"{program} {' '.join(DRY[program])}",
            f"{seconds[program]:.2f}",
            f"{seconds[f'bare {program}']:.2f}",
            f"{over[program]:.2f}",
        )
        for program in NOTHING
    ]
    common.report(rows, ("command", "seconds", "of one job", "ratio"))
    figures = {f"{name.replace(' ', '_')}_s": round(value, 3) for name, value in seconds.items()}
    common.write(
        options.json, **figures, **{f"{program}_over_bare": round(value, 3) for program, value in over.items()}
    )


if __name__ == "__main__":
    main()
