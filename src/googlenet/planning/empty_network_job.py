"""The empty job with what the stages that run a network import."""

import torch

from googlenet import trained
from googlenet.job import main
from googlenet.planning.empty_job import run

LOADED = (torch, trained)

if __name__ == "__main__":
    main(run)
