"""The former spelling of `googlenet mirror`: python -m googlenet.tracking deliver [EXPERIMENT]."""

import sys
from pathlib import Path

from googlenet.errors import UserError
from googlenet.tracking.mirror import deliver


def main() -> None:
    """Mirror what is left of one experiment or of all; exit code 1 if something is still pending."""
    if sys.argv[1:2] != ["deliver"] or len(sys.argv) > 3:
        sys.exit("usage: googlenet mirror [EXPERIMENT]")
    print("note: this is now `googlenet mirror [EXPERIMENT]`", file=sys.stderr)
    try:
        sys.exit(not deliver(Path.cwd(), "".join(sys.argv[2:]), thoroughly=True))
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
