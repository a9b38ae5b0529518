"""Going Deeper with Convolutions (GoogLeNet, ILSVRC 2014), reproduced from data to report."""
