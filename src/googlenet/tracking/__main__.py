"""Deliver the jobs' pending journals to MLflow, and end the runs of dead processes.

usage: python -m googlenet.tracking deliver [EXPERIMENT]
"""

import sys
from pathlib import Path

from googlenet.tracking.delivery import deliver


def main() -> None:
    """Deliver for one experiment or for all; exit code 1 if something is still pending."""
    if sys.argv[1:2] != ["deliver"] or len(sys.argv) > 3:
        sys.exit(__doc__)
    sys.exit(not deliver(Path.cwd(), "".join(sys.argv[2:]), thoroughly=True))


if __name__ == "__main__":
    main()
