"""`python -m googlenet`: the command `googlenet` if its script is not installed."""

import sys

from googlenet.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
