"""Going Deeper with Convolutions (GoogLeNet, ILSVRC 2014), reproduced from data to report."""

__path__.append(f"{__path__[0]}/cli/former")  # keeps `python -m googlenet.plan` and other former commands working
