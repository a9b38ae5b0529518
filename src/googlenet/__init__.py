"""Going Deeper with Convolutions (GoogLeNet, ILSVRC 2014), reproduced from data to report."""

__path__.append(f"{__path__[0]}/cli/former")  # so that `python -m googlenet.plan` and other former spellings still run
