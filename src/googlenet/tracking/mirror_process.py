"""The process that mirrors an experiment while its engine runs.

usage: python -m googlenet.tracking.mirror_process EXPERIMENT   (the engine holds its standard input)
"""

import subprocess
import sys
from pathlib import Path

from googlenet.errors import UserError
from googlenet.tracking.mirror import follow
from googlenet.tracking.store import say

WAIT_S = 60
PENDING = 3  # exit code: MLflow does not have everything, and the mirror has reported it


class MirrorProcess:
    """The engine's handle. However the engine ends, the mirror's standard input then closes, and the mirror exits."""

    def __init__(self, root: Path, experiment: str):
        self._root, self._experiment = root, experiment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The mirror's process id; None if it does not run."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the mirror in its own session, out of reach of the terminal's Ctrl-C, so that it mirrors the rest."""
        words = [sys.executable, "-m", "googlenet.tracking.mirror_process", self._experiment]
        self._process = subprocess.Popen(words, cwd=self._root, stdin=subprocess.PIPE, start_new_session=True)

    def finish(self) -> None:
        """Let the mirror replay the rest and wait for it; start another if it was killed."""
        for _ in range(2):
            if self._process is None:
                self.start()
            assert self._process is not None and self._process.stdin is not None
            self._process.stdin.close()
            try:
                code = self._process.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                say(f"MLflow is still being brought up to date, by process {self._process.pid}")
                return
            self._process = None
            if code in (0, PENDING):  # otherwise it was killed
                return


def main() -> None:
    """Mirror the experiment named on the command line; exit code PENDING if MLflow does not have everything."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        complete = follow(Path.cwd(), sys.argv[1], sys.stdin.fileno())
    except UserError as error:
        say(f"warning: {error}; events wait meanwhile")
        complete = False
    sys.exit(0 if complete else PENDING)


if __name__ == "__main__":
    main()
