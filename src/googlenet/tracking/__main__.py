"""Deliver to MLflow what jobs have left, and end the runs of dead processes.

usage: python -m googlenet.tracking deliver [EXPERIMENT]
"""

import sys
from pathlib import Path

from googlenet.tracking.delivery import deliver


def main() -> None:
    """Deliver, of one experiment or of all; exit code 1 when something still waits."""
    if sys.argv[1:2] != ["deliver"] or len(sys.argv) > 3:
        sys.exit(__doc__)
    sys.exit(not deliver(Path.cwd(), "".join(sys.argv[2:]), thoroughly=True))


if __name__ == "__main__":
    main()
